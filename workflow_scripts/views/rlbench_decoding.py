"""Decode what RLBench writes: 24-bit depth, handle masks, cameras, the task's low-dim state."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import coppeliasim_from_opencv, intrinsics_from_coppeliasim
from workflow_scripts.sources.readers.rlbench_recordings import numeric_array

DEPTH_STEPS = (1 << 24) - 1
FINGER_OPEN_M = 0.04
_ROTATION_TOLERANCE = 1e-3


def read_png(content: bytes, *, name: str) -> np.ndarray:
    """Return u8 [height, width, 3]; `UserError` for a truncated file or one not 8-bit RGB."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            mode = image.mode
            pixels = np.asarray(image)
    except UnidentifiedImageError:
        raise UserError(f"{name}: cannot be read as a PNG (not an image); copy it again") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{name}: cannot be read as a PNG ({error}); copy it again") from None
    if mode != "RGB":
        raise UserError(f"{name}: a PNG of mode {mode}; RLBench writes 8-bit RGB")
    return pixels


def decode_rgb24(rgb: np.ndarray, *, first_is_high: bool) -> np.ndarray:
    """Return i64 [height, width], the 24-bit number that three colour bytes make.

    Computed in 64 bits: in 8 or 16 bits NumPy drops the third byte or overflows.
    """
    weights = np.array([1 << 16, 1 << 8, 1] if first_is_high else [1, 1 << 8, 1 << 16])
    numbers: np.ndarray = rgb.astype(np.int64) @ weights
    return numbers


def decode_depth_m(rgb: np.ndarray, *, near_m: float, far_m: float) -> np.ndarray:
    """Return f32 [height, width] planar z of a depth PNG; NaN at the far plane (nothing hit)."""
    steps = decode_rgb24(rgb, first_is_high=True)
    depth = near_m + steps / DEPTH_STEPS * (far_m - near_m)
    depth_m: np.ndarray = np.where(steps == DEPTH_STEPS, np.nan, depth).astype(np.float32)
    return depth_m


def decode_handles(rgb: np.ndarray) -> np.ndarray:
    """Return i64 [height, width], CoppeliaSim's handles: R + 256 G + 65536 B."""
    return decode_rgb24(rgb, first_is_high=False)


def recorded_camera(
    state: Mapping[str, Any], camera: str, *, size_px: tuple[int, int], name: str
) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Return K [3, 3], world_from_camera [4, 4] (OpenCV) and (near, far) metres of a step.

    `UserError` for an invalid camera: no rotation, no focal length, K of another image size.
    """
    key = f"{camera}_camera"
    misc = dict(state)
    k = intrinsics_from_coppeliasim(numeric_array(misc, f"{key}_intrinsics", (3, 3), name=name))
    pose = numeric_array(misc, f"{key}_extrinsics", (4, 4), name=name)
    near_m = float(numeric_array(misc, f"{key}_near", (), name=name))
    far_m = float(numeric_array(misc, f"{key}_far", (), name=name))
    rotation = pose[:3, :3]
    if (
        np.abs(rotation @ rotation.T - np.eye(3)).max() > _ROTATION_TOLERANCE
        or np.linalg.det(rotation) < 0
        or np.abs(pose[3] - [0, 0, 0, 1]).max() > _ROTATION_TOLERANCE
    ):
        raise UserError(f"{name}: {key}_extrinsics is not a pose: its 3 x 3 part is not a rotation")
    if k[0, 0] < 1 or k[1, 1] < 1:
        raise UserError(f"{name}: {key}_intrinsics has focal lengths {k[0, 0]:g}, {k[1, 1]:g} px")
    if not 0 <= near_m < far_m:
        raise UserError(f"{name}: {key} sees from {near_m:g} m to {far_m:g} m")
    middle = (size_px[0] / 2, size_px[1] / 2)
    if abs(k[0, 2] - middle[0]) > 1 or abs(k[1, 2] - middle[1]) > 1:
        raise UserError(
            f"{name}: {key}_intrinsics is for pictures of {2 * k[0, 2]:.0f} x {2 * k[1, 2]:.0f} "
            f"px, the pictures have {size_px[0]} x {size_px[1]} px"
        )
    return k, coppeliasim_from_opencv(pose), (near_m, far_m)


def object_positions_m(
    states: np.ndarray, *, task: str
) -> list[tuple[str, np.ndarray, np.ndarray | None]]:
    """Return (name, positions [T, 3], quaternions [T, 4] or None) of a task's objects.

    `states` [T, n] is RLBench's `task_low_dim_state`. reach_target records the target's position
    alone; other tasks record a pose (x, y, z, quaternion x, y, z, w) for each object, then its
    position if it is a joint or six numbers if it is a force sensor. The layout is not recorded
    and is inferred from the columns that hold unit quaternions; an empty list if that fails.
    """
    width = states.shape[1]
    if task == "reach_target" and width == 3:
        return [("target", states, None)]
    starts = _pose_starts(states, 0)
    if starts is None or width == 0:
        return []
    return [
        (f"object_{n}", states[:, start : start + 3], states[:, start + 3 : start + 7])
        for n, start in enumerate(starts)
    ]


def _pose_starts(states: np.ndarray, start: int) -> list[int] | None:
    """Return where poses start so that they, joints and force sensors fill the rest, or None."""
    if start == states.shape[1]:
        return []
    if start + 7 > states.shape[1]:
        return None
    norms = np.linalg.norm(states[:, start + 3 : start + 7], axis=1)
    # An object that a task deletes is all zeros from then on.
    is_deleted = np.logical_not(states[:, start : start + 7].any(axis=1))
    if (np.abs(norms - 1)[~is_deleted] > _ROTATION_TOLERANCE).any() or is_deleted[0]:
        return None
    for num_extra in (0, 1, 6):
        following = _pose_starts(states, start + 7 + num_extra)
        if following is not None:
            return [start, *following]
    return None


def stack_over_time(
    states: Sequence[Mapping[str, Any]], key: str, shape: tuple[int, ...], *, name: str
) -> np.ndarray:
    """Return [T, *shape] of an entry of every observation."""
    return np.stack([numeric_array(state, key, shape, name=name) for state in states])


def gripper_opening(states: Sequence[Mapping[str, Any]], *, name: str) -> np.ndarray:
    """Return the opening [T] from 0 to 1, from the finger joints in metres."""
    fingers = stack_over_time(states, "gripper_joint_positions", (2,), name=name)
    opening: np.ndarray = np.clip(fingers.mean(axis=1) / FINGER_OPEN_M, 0, 1)
    return opening


def instance_of_handles(handles: Sequence[np.ndarray]) -> dict[int, int]:
    """Number the handles of an episode from 1 in ascending order."""
    known = np.unique(np.concatenate([np.unique(values) for values in handles]))
    return {int(handle): number for number, handle in enumerate(known, start=1)}
