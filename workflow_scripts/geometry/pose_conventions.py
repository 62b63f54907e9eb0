"""Poses and camera matrices as scanning programs write them, turned into ours and back.

Ours: world right-handed, Z up, metres; OpenCV camera (x right, y down, z forward); the centre of
pixel (row, column) at (column + 0.5, row + 0.5). Others: worlds with Y up (ARKit), OpenGL cameras
(x right, y up, z backward), quaternions, poses that map the world to the camera, pixels whose
centres are at whole numbers.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import FloatArray, invert, opengl_from_opencv

# A quarter turn about X: Y up becomes Z up and -Z, what an OpenGL camera looks along, becomes Y.
_WORLD_FROM_Y_UP = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
MAX_ROTATION_ERROR = 0.02
"""Entries of R^T R may differ so much from the unit matrix: rounding of text files, no more."""

MAX_DISTANCE_M = 1e8
"""A pose that is farther from the origin is damaged: maps of the earth need less."""
MAX_ENTRY = 1e6
_SAME_TIME_S = 1e-6
_UPRIGHT_AGREEMENT = 0.7

UpAxis = Literal["y", "z"]
CameraAxes = Literal["opencv", "opengl"]


def world_from_y_up(pose_44: ArrayLike) -> FloatArray:
    """Turn poses [..., 4, 4] in a right-handed world with Y up into poses in our world."""
    result: FloatArray = _WORLD_FROM_Y_UP @ np.asarray(pose_44, dtype=np.float64)
    return result


def y_up_from_world(pose_44: ArrayLike) -> FloatArray:
    """Turn poses [..., 4, 4] in our world into poses in a right-handed world with Y up."""
    result: FloatArray = _WORLD_FROM_Y_UP.T @ np.asarray(pose_44, dtype=np.float64)
    return result


def world_from_camera(
    pose_44: ArrayLike,
    *,
    up: UpAxis,
    camera: CameraAxes,
    is_world_to_camera: bool = False,
) -> FloatArray:
    """Turn poses [..., 4, 4] of a stated convention into `world_from_camera` [..., 4, 4]."""
    pose = np.asarray(pose_44, dtype=np.float64)
    if is_world_to_camera:
        pose = invert(pose)
    if camera == "opengl":
        pose = opengl_from_opencv(pose)
    return world_from_y_up(pose) if up == "y" else pose


def pose_in_convention(
    world_from_camera_44: ArrayLike,
    *,
    up: UpAxis,
    camera: CameraAxes,
    is_world_to_camera: bool = False,
) -> FloatArray:
    """Turn `world_from_camera` [..., 4, 4] into poses of a stated convention."""
    pose = np.asarray(world_from_camera_44, dtype=np.float64)
    if up == "y":
        pose = y_up_from_world(pose)
    if camera == "opengl":
        pose = opengl_from_opencv(pose)
    return invert(pose) if is_world_to_camera else pose


def pose_from_quaternion(position_m: ArrayLike, quaternion_xyzw: ArrayLike) -> FloatArray:
    """Return poses [..., 4, 4] of positions [..., 3] and quaternions [..., 4] in order x, y, z, w.

    A quaternion that is not finite or has no length gives a pose of NaN.
    """
    position = np.asarray(position_m, dtype=np.float64)
    quaternion = np.asarray(quaternion_xyzw, dtype=np.float64)
    length = np.linalg.norm(quaternion, axis=-1, keepdims=True)
    is_rotation: np.ndarray = np.isfinite(length) & (length > 1e-9)
    safe = np.where(is_rotation, quaternion, [0.0, 0.0, 0.0, 1.0])
    rotation = Rotation.from_quat(safe.reshape(-1, 4)).as_matrix()
    pose = np.zeros((*position.shape[:-1], 4, 4))
    pose[..., :3, :3] = np.where(
        is_rotation[..., None], rotation.reshape(*position.shape[:-1], 3, 3), np.nan
    )
    pose[..., :3, 3] = position
    pose[..., 3, 3] = 1.0
    return pose


def quaternion_from_pose(pose_44: ArrayLike) -> FloatArray:
    """Return the quaternions [..., 4] (x, y, z, w) of poses [..., 4, 4]."""
    rotation = np.asarray(pose_44, dtype=np.float64)[..., :3, :3]
    quaternion: FloatArray = Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_quat()
    return quaternion.reshape(*rotation.shape[:-2], 4)


def pose_from_axis_angle(axis_angle_rad: ArrayLike, translation_m: ArrayLike) -> FloatArray:
    """Return poses [n, 4, 4] of rotation vectors [n, 3] (radians) and translations [n, 3]."""
    vectors = np.asarray(axis_angle_rad, dtype=np.float64)
    pose = np.zeros((len(vectors), 4, 4))
    is_finite = np.asarray(np.isfinite(vectors).all(axis=-1))
    rotation = Rotation.from_rotvec(np.where(is_finite[:, None], vectors, 0.0)).as_matrix()
    pose[:, :3, :3] = np.where(is_finite[:, None, None], rotation, np.nan)
    pose[:, :3, 3] = translation_m
    pose[:, 3, 3] = 1.0
    return pose


def axis_angle_from_pose(pose_44: ArrayLike) -> FloatArray:
    """Return the rotation vectors [n, 3] in radians of poses [n, 4, 4]."""
    result: FloatArray = Rotation.from_matrix(np.asarray(pose_44)[..., :3, :3]).as_rotvec()
    return result


def poses_at(
    times_s: FloatArray,
    known_s: FloatArray,
    poses_44: FloatArray,
    *,
    tolerance_s: float,
    max_gap_s: float,
) -> list[FloatArray | None]:
    """Return the poses [4, 4] at some times of a trajectory with times and poses of its own.

    Between two poses not more than `max_gap_s` apart, positions are interpolated linearly and
    rotations along the shortest turn; elsewhere the nearest pose counts if it is within
    `tolerance_s`, and None stands for no pose. Poses that are not finite are no neighbours.
    """
    is_pose = np.isfinite(poses_44).all(axis=(1, 2)) & np.isfinite(known_s)
    known, poses = known_s[is_pose], poses_44[is_pose]
    order = np.argsort(known, kind="stable")
    known, poses = known[order], poses[order]
    result: list[FloatArray | None] = []
    for time in times_s:
        after = int(np.searchsorted(known, time))
        near = [index for index in (after - 1, after) if 0 <= index < len(known)]
        best = min(near, key=lambda index: abs(known[index] - time), default=-1)
        if best >= 0 and abs(known[best] - time) < _SAME_TIME_S:
            result.append(poses[best])
        elif len(near) == 2 and known[near[1]] - known[near[0]] <= max_gap_s:
            first, second = near
            share = (time - known[first]) / (known[second] - known[first])
            result.append(_between(poses[first], poses[second], float(share)))
        elif best >= 0 and abs(known[best] - time) <= tolerance_s:
            result.append(poses[best])
        else:
            result.append(None)
    return result


def _between(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    pose = first + share * (second - first)
    turn = Rotation.from_matrix(first[:3, :3].T @ second[:3, :3]).as_rotvec()
    pose[:3, :3] = first[:3, :3] @ Rotation.from_rotvec(share * turn).as_matrix()
    return pose


def pose_problem(pose_44: ArrayLike) -> str:
    """Say why a matrix [4, 4] is no pose of a camera, "" if it is one."""
    pose = np.asarray(pose_44, dtype=np.float64)
    if pose.shape != (4, 4):
        return f"the pose has shape {pose.shape}, not 4 x 4"
    if not np.isfinite(pose).all():
        return "the pose is not finite: tracking was lost"
    if np.abs(pose[:3, 3]).max() > MAX_DISTANCE_M:
        return f"the pose is {np.abs(pose[:3, 3]).max():.3g} m from the origin"
    if np.abs(pose[3] - [0, 0, 0, 1]).max() > 1e-6:
        return f"the pose's last row is {_numbers(pose[3])}, not 0 0 0 1; is it transposed?"
    rotation = pose[:3, :3]
    if np.abs(rotation).max() > MAX_ENTRY:
        return f"the pose's 3 x 3 part is no rotation (entry {np.abs(rotation).max():.3g})"
    determinant = float(np.linalg.det(rotation))
    gram = rotation.T @ rotation
    scale = float(np.sqrt(max(np.trace(gram) / 3, 0.0)))
    if scale < 1e-9 or np.abs(gram / scale**2 - np.eye(3)).max() > MAX_ROTATION_ERROR:
        return f"the pose's 3 x 3 part is no rotation (determinant {determinant:.3g})"
    if determinant < 0:
        return "the pose is left-handed (determinant below 0): one axis is mirrored"
    if abs(scale - 1) > MAX_ROTATION_ERROR / 2:
        return f"the pose is scaled: its rotation has scale {scale:.4g}, not 1"
    return ""


def nearest_rigid(pose_44: ArrayLike) -> FloatArray:
    """Return the pose [4, 4] whose rotation is the nearest to a matrix rounded in a text file."""
    pose = np.array(pose_44, dtype=np.float64)
    left, _, right = np.linalg.svd(pose[:3, :3])
    pose[:3, :3] = left @ right
    pose[3] = [0, 0, 0, 1]
    return pose


def intrinsics_from_whole_pixels(intrinsics_33: ArrayLike) -> FloatArray:
    """Turn K [..., 3, 3] of pixels with centres at whole numbers into ours, at halves."""
    k = np.array(intrinsics_33, dtype=np.float64)
    k[..., :2, 2] += 0.5
    return k


def intrinsics_at_size(
    intrinsics_33: ArrayLike, size_px: tuple[int, int], new_size_px: tuple[int, int]
) -> FloatArray:
    """Return K [..., 3, 3] of a picture of (width, height) that is scaled to another size."""
    scale = np.array([new_size_px[0] / size_px[0], new_size_px[1] / size_px[1], 1.0])
    k: FloatArray = np.asarray(intrinsics_33, dtype=np.float64) * scale[:, None]
    return k


def turned_intrinsics(
    intrinsics_33: ArrayLike, size_px: tuple[int, int], quarter_turns: int
) -> FloatArray:
    """Return K [3, 3] of a picture of (width, height) turned like `np.rot90(picture, n)`."""
    k = np.array(intrinsics_33, dtype=np.float64)
    width, height = size_px
    for _ in range(quarter_turns % 4):
        # A pixel (u, v) of the picture is at (v, width - u) after a counter-clockwise turn.
        k = np.array([[k[1, 1], 0, k[1, 2]], [0, k[0, 0], width - k[0, 2]], [0, 0, 1.0]])
        width, height = height, width
    return k


def turned_pose(world_from_camera_44: ArrayLike, quarter_turns: int) -> FloatArray:
    """Return the pose [4, 4] of a camera whose picture is turned like `np.rot90(picture, n)`."""
    # New x is the old y, new y is the old -x: columns of the old camera's axes.
    turn = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    result: FloatArray = np.asarray(world_from_camera_44, dtype=np.float64) @ (
        np.linalg.matrix_power(turn, quarter_turns % 4)
    )
    return result


def turns_to_upright(world_from_camera_44: FloatArray) -> int:
    """Return by how many quarter turns the pictures of poses [n, 4, 4] stand upright.

    A picture is turned like `np.rot90(picture, n)`. The world has Z up; 0 where cameras that look
    up or down, or disagree, do not say what is up.
    """
    up_in_camera = np.asarray(world_from_camera_44, dtype=np.float64)[:, 2, :2]
    total = up_in_camera.sum(axis=0)
    lengths = np.linalg.norm(up_in_camera, axis=1).sum()
    if lengths < 0.1 * len(up_in_camera) or np.linalg.norm(total) < _UPRIGHT_AGREEMENT * lengths:
        return 0
    clockwise = np.arctan2(total[0], -total[1])
    return int(np.rint(clockwise / (np.pi / 2))) % 4


def _numbers(values: FloatArray) -> str:
    return " ".join(f"{value:.4g}" for value in values)
