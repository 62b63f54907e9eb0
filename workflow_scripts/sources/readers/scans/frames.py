"""Put the frames of a scan together: check each one's pose and K, and what they are as a whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.geometry.pose_conventions import nearest_rigid, pose_problem
from workflow_scripts.sources.readers.scans.base import InstancePoints, Scan, ScanFrame, ScanObject
from workflow_scripts.sources.readers.scans.upright import upright_frames

FOCAL_SHARE = (0.05, 50.0)
"""Focal lengths of cameras in sides of the picture: 170 degrees to 1 degree."""
UNKNOWN_K = np.full((3, 3), np.nan)


@dataclass(frozen=True)
class CameraModel:
    """K [3, 3] of a picture of (width, height); pixel centres at halves."""

    intrinsics: np.ndarray
    size_px: tuple[int, int]

    @property
    def problem(self) -> str:
        """Say why K cannot be that of such a picture, "" if it can."""
        k, (width, height) = self.intrinsics, self.size_px
        if k.shape != (3, 3) or not np.isfinite(k).all():
            return "K is not finite"
        if min(k[0, 0], k[1, 1]) <= 0:
            return f"K has focal lengths {k[0, 0]:.4g}, {k[1, 1]:.4g}; they must be above 0"
        shares = np.array([k[0, 0] / width, k[1, 1] / height])
        if shares.min() < FOCAL_SHARE[0] or shares.max() > FOCAL_SHARE[1]:
            return (
                f"K has focal lengths {k[0, 0]:.4g}, {k[1, 1]:.4g}, which no camera with pictures "
                f"of {width} x {height} has; is K of another size?"
            )
        if not (-width < k[0, 2] < 2 * width and -height < k[1, 2] < 2 * height):
            return (
                f"K has its principal point at {k[0, 2]:.4g}, {k[1, 2]:.4g}, far outside the "
                f"picture of {width} x {height}; is K of another size?"
            )
        middle, turned = (width / 2, height / 2), (height / 2, width / 2)
        if _is_near(k[:2, 2], turned, 0.05) and not _is_near(k[:2, 2], middle, 0.15):
            return (
                f"K has its principal point at {k[0, 2]:.4g}, {k[1, 2]:.4g}: it is that of a "
                f"picture of {height} x {width}, these are {width} x {height}"
            )
        return ""


def _is_near(point: np.ndarray, other: tuple[float, float], share: float) -> bool:
    return bool(np.all(np.abs(point - other) < share * np.array(other)))


def make_frame(
    frame_id: str,
    *,
    pose: np.ndarray | None,
    colour: CameraModel,
    depth: CameraModel | None,
    load_rgb: Callable[[], np.ndarray],
    load_depth_m: Callable[[], np.ndarray] | None,
    load_encoded_rgb: Callable[[], bytes] | None = None,
    load_instance: Callable[[], np.ndarray] | None = None,
    timestamp_s: float = float("nan"),
    reason: str = "",
) -> ScanFrame:
    """Return a frame; an unusable pose or K becomes its reason.

    `pose` is `world_from_camera` as it was read; None says that the frame has none. Without a
    depth camera, depth has the colour camera.
    """
    reason = reason or ("the frame has no pose" if pose is None else pose_problem(pose))
    reason = reason or colour.problem
    depth = depth or CameraModel(colour.intrinsics, (0, 0))
    if not reason and load_depth_m is not None and depth.problem:
        reason = f"depth: {depth.problem}"
    is_posed = pose is not None and not pose_problem(pose)
    return ScanFrame(
        frame_id=frame_id,
        timestamp_s=timestamp_s,
        world_from_camera=nearest_rigid(pose) if is_posed and pose is not None else None,
        depth_intrinsics=depth.intrinsics,
        depth_size_px=depth.size_px if load_depth_m is not None else (0, 0),
        colour_intrinsics=colour.intrinsics,
        colour_size_px=colour.size_px,
        load_rgb=load_rgb,
        load_depth_m=load_depth_m,
        load_encoded_rgb=load_encoded_rgb,
        load_instance=load_instance,
        reason=reason,
    )


def missing_frame(frame_id: str, reason: str, *, timestamp_s: float = float("nan")) -> ScanFrame:
    """Return the row of a frame that cannot be read at all."""

    def load_rgb() -> np.ndarray:
        raise UserError(f"frame {frame_id}: {reason}")

    return ScanFrame(
        frame_id=frame_id,
        timestamp_s=timestamp_s,
        world_from_camera=None,
        depth_intrinsics=UNKNOWN_K,
        depth_size_px=(0, 0),
        colour_intrinsics=UNKNOWN_K,
        colour_size_px=(0, 0),
        load_rgb=load_rgb,
        load_depth_m=None,
        reason=reason,
    )


def make_scan(
    scan_id: str,
    frames: Iterable[ScanFrame],
    *,
    where: object,
    has_gravity: bool,
    objects: tuple[ScanObject, ...] = (),
    load_points: Callable[[], InstancePoints] | None = None,
    close: Callable[[], None] = lambda: None,
    warnings: Iterable[str] = (),
) -> Scan:
    """Return a scan whose frames were checked against each other.

    A frame that is listed twice keeps its first row; the second one is a row with a reason.
    `UserError` names `where` if no frame can be used.
    """
    checked = _without_repeats(frames)
    if has_gravity:
        checked, notes = upright_frames(checked)
        warnings = [*warnings, *notes]
    if not any(not frame.reason for frame in checked):
        close()
        reasons = most_common_reasons(frame.reason for frame in checked)
        raise UserError(
            f"{where}: none of {len(checked)} frames can be used: {reasons or 'there are none'}"
        )
    return Scan(
        scan_id=scan_id,
        frames=tuple(checked),
        has_gravity=has_gravity,
        objects=objects,
        load_points=load_points,
        close=close,
        warnings=(*warnings, *_warnings(checked)),
    )


def _without_repeats(frames: Iterable[ScanFrame]) -> list[ScanFrame]:
    rows: list[ScanFrame] = []
    times: dict[str, int] = {}
    for frame in frames:
        count = times[frame.frame_id] = times.get(frame.frame_id, 0) + 1
        if count > 1:
            frame = replace(
                frame,
                frame_id=f"{frame.frame_id}-{count}",
                reason=frame.reason or f"frame {frame.frame_id} is listed twice",
            )
        rows.append(frame)
    return rows


def _warnings(frames: list[ScanFrame]) -> list[str]:
    warnings: list[str] = []
    usable = [frame for frame in frames if not frame.reason]
    num_without = sum(frame.load_depth_m is None for frame in usable)
    if num_without:
        warnings.append(f"{num_without} of {len(usable)} frames have no depth map and are left out")
    return warnings


def nearest_in_time(
    times_s: np.ndarray, other_s: np.ndarray, *, tolerance_s: float
) -> Mapping[int, int]:
    """Return {index in times: index of the nearest other time}, where it is near enough.

    Each other time is used once, by what is nearest to it; the arrays need not be sorted.
    """
    if not len(times_s) or not len(other_s):
        return {}
    order = np.argsort(other_s, kind="stable")
    spots = np.searchsorted(other_s[order], times_s)
    pairs: list[tuple[float, int, int]] = []
    for index, spot in enumerate(spots):
        for candidate in (spot - 1, spot):
            if 0 <= candidate < len(order):
                other = int(order[candidate])
                gap = abs(float(other_s[other] - times_s[index]))
                if gap <= tolerance_s:
                    pairs.append((gap, index, other))
    match: dict[int, int] = {}
    used: set[int] = set()
    for _, index, other in sorted(pairs):
        if index not in match and other not in used:
            match[index] = other
            used.add(other)
    return dict(sorted(match.items()))
