"""Frames and cameras: the only place that knows Unity's, OpenGL's or CoppeliaSim's axes.

World frame: right-handed, Z up, metres. Camera frame: OpenCV (x right, y down, z forward).
Matrices are named `a_from_b` and read right to left: `p_world = world_from_camera @ p_camera`.
Object frame: x to the object's width, y out of its front, z up; yaw is counter-clockwise about
world +Z seen from above, in degrees.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Angle = TypeVar("Angle", float, FloatArray)

# Unity is left-handed with Y up. Exchanging y and z makes it right-handed with Z up, and a plan
# seen from above (Unity x right, z up the page) keeps its layout (world x right, y up the page).
_WORLD_FROM_UNITY = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
_OPENGL_FROM_OPENCV = np.diag([1.0, -1, -1, 1])
# A vision sensor of CoppeliaSim looks along +Z with X to the left and Y up.
_COPPELIASIM_FROM_OPENCV = np.diag([-1.0, -1, 1, 1])


def world_from_unity(points_unity: ArrayLike) -> FloatArray:
    """Map points or directions [..., 3] from Unity's frame to the world frame."""
    result: FloatArray = np.asarray(points_unity, dtype=np.float64) @ _WORLD_FROM_UNITY.T
    return result


def unity_from_world(points_world: ArrayLike) -> FloatArray:
    """Map points or directions [..., 3] from the world frame to Unity's frame."""
    result: FloatArray = np.asarray(points_world, dtype=np.float64) @ _WORLD_FROM_UNITY
    return result


def wrap_deg(angle_deg: Angle) -> Angle:
    """Wrap an angle, or an array of them, to [-180, 180)."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def yaw_from_unity(yaw_unity_deg: float) -> float:
    """Turn Unity's yaw (clockwise from above, 0 faces Unity +z) into a world yaw.

    Both call the direction "world +Y, Unity +z" zero, so only the sense of rotation changes.
    """
    return wrap_deg(-yaw_unity_deg)


def unity_from_yaw(yaw_deg: float) -> float:
    """Turn a world yaw into Unity's yaw in [0, 360)."""
    return (-yaw_deg) % 360.0


def rotation_about_up(yaw_deg: float) -> FloatArray:
    """Return the rotation [3, 3] by `yaw_deg` counter-clockwise about +Z."""
    yaw = np.deg2rad(yaw_deg)
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def heading_vector(yaw_deg: float) -> FloatArray:
    """Return the horizontal unit vector [3] that something with this yaw faces."""
    result: FloatArray = rotation_about_up(yaw_deg) @ np.array([0.0, 1.0, 0.0])
    return result


def world_from_camera(position_m: ArrayLike, *, yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Return the pose [4, 4] of a camera without roll.

    `pitch_deg` is positive upwards (Unity's horizon is its negative). At yaw 0, pitch 0 the
    camera looks along world +Y with world +Z up in the image. Pitch +-90 is allowed.
    """
    yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
    forward = np.array([-np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position_m
    return pose


def yaw_pitch_deg(world_from_camera_44: ArrayLike) -> tuple[float, float]:
    """Return (yaw, pitch) in degrees of a pose without roll.

    Yaw is read from the camera's right axis, so it is defined when looking straight down.
    """
    pose = np.asarray(world_from_camera_44, dtype=np.float64)
    right, forward = pose[:3, 0], pose[:3, 2]
    yaw = np.rad2deg(np.arctan2(right[1], right[0]))
    pitch = np.rad2deg(np.arcsin(np.clip(forward[2], -1.0, 1.0)))
    return wrap_deg(float(yaw)), float(pitch)


def intrinsics(*, width_px: int, height_px: int, vertical_fov_deg: float) -> FloatArray:
    """Return K [3, 3] of a pinhole with square pixels and the principal point in the middle.

    f = 0.5 * height / tan(fov / 2). The centre of pixel (row, column) lies at
    (column + 0.5, row + 0.5).
    """
    focal = 0.5 * height_px / np.tan(np.deg2rad(vertical_fov_deg) / 2)
    return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1.0]])


def invert(pose_44: ArrayLike) -> FloatArray:
    """Invert rigid poses [..., 4, 4] exactly (transpose, not a general inverse)."""
    pose = np.asarray(pose_44, dtype=np.float64)
    inverse = np.zeros_like(pose)
    rotation = np.swapaxes(pose[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3] = -(rotation @ pose[..., :3, 3:])[..., 0]
    inverse[..., 3, 3] = 1.0
    return inverse


def transform(pose_44: ArrayLike, points: ArrayLike) -> FloatArray:
    """Apply a pose [4, 4] to points [..., 3]."""
    pose = np.asarray(pose_44, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ pose[:3, :3].T + pose[:3, 3]


def rays_camera(intrinsics_33: ArrayLike, *, width_px: int, height_px: int) -> FloatArray:
    """Return rays [height, width, 3] through pixel centres, with forward component 1.

    Multiplied by planar depth they are points in the camera frame.
    """
    k = np.asarray(intrinsics_33, dtype=np.float64)
    x = (np.arange(width_px) + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(height_px) + 0.5 - k[1, 2]) / k[1, 1]
    return np.stack([*np.meshgrid(x, y), np.ones((height_px, width_px))], axis=-1)


def back_project(
    depth_m: ArrayLike, intrinsics_33: ArrayLike, world_from_camera_44: ArrayLike
) -> FloatArray:
    """Return world points [height, width, 3] of a planar depth map; NaN where depth is NaN."""
    depth = np.asarray(depth_m, dtype=np.float64)
    height, width = depth.shape
    per_column, per_row = pixel_ray_terms(
        intrinsics_33, world_from_camera_44, width_px=width, height_px=height
    )
    axes = per_column + per_row
    axes *= depth
    axes += np.asarray(world_from_camera_44, dtype=np.float64)[:3, 3, None, None]
    return np.stack(list(axes), axis=-1)


def pixel_ray_terms(
    intrinsics_33: ArrayLike, world_from_camera_44: ArrayLike, *, width_px: int, height_px: int
) -> tuple[FloatArray, FloatArray]:
    """Return the terms [3, 1, width] and [3, height, 1] of the pixels' rays in the world frame.

    A ray is affine in the pixel's column and row, so it is the sum of a term of either; times
    planar depth, plus the camera's position, it is the world point: several times faster than a
    matrix product per pixel.
    """
    rotation = np.asarray(world_from_camera_44, dtype=np.float64)[:3, :3]
    per_u, per_v, constant = (rotation @ np.linalg.inv(np.asarray(intrinsics_33))).T[:, :, None]
    columns = per_u * (np.arange(width_px) + 0.5) + constant
    rows = per_v * (np.arange(height_px) + 0.5)
    return columns[:, None, :], rows[:, :, None]


def project(
    points_world: ArrayLike, intrinsics_33: ArrayLike, world_from_camera_44: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Project world points [..., 3] to pixels [..., 2] (u, v) and planar depth [...].

    Points at or behind the camera plane get NaN pixels and their (non-positive) depth.
    """
    camera = transform(invert(world_from_camera_44), points_world)
    depth = camera[..., 2]
    k = np.asarray(intrinsics_33, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = k[0, 0] * camera[..., 0] / depth + k[0, 2]
        v = k[1, 1] * camera[..., 1] / depth + k[1, 2]
    pixels = np.stack([u, v], axis=-1)
    return np.where((depth > 0)[..., None], pixels, np.nan), depth


@dataclass(frozen=True)
class Camera:
    """One pinhole camera: image size in pixels, K [3, 3], pose [4, 4]."""

    width_px: int
    height_px: int
    intrinsics: FloatArray
    world_from_camera: FloatArray

    @classmethod
    def look(
        cls,
        position_m: ArrayLike,
        *,
        yaw_deg: float,
        pitch_deg: float,
        width_px: int,
        height_px: int,
        vertical_fov_deg: float,
    ) -> "Camera":
        """Make a camera from a position, yaw (counter-clockwise) and pitch (up positive)."""
        return cls(
            width_px,
            height_px,
            intrinsics(width_px=width_px, height_px=height_px, vertical_fov_deg=vertical_fov_deg),
            world_from_camera(position_m, yaw_deg=yaw_deg, pitch_deg=pitch_deg),
        )

    @property
    def position_m(self) -> FloatArray:
        return self.world_from_camera[:3, 3]

    @property
    def vertical_fov_deg(self) -> float:
        return float(np.rad2deg(2 * np.arctan(0.5 * self.height_px / self.intrinsics[1, 1])))


def opengl_from_opencv(world_from_camera_44: ArrayLike) -> FloatArray:
    """Turn a pose of an OpenCV camera into the pose of the same camera with OpenGL axes.

    OpenGL: x right, y up, z backward. The function is its own inverse.
    """
    return np.asarray(world_from_camera_44, dtype=np.float64) @ _OPENGL_FROM_OPENCV


def coppeliasim_from_opencv(world_from_camera_44: ArrayLike) -> FloatArray:
    """Turn poses [..., 4, 4] of OpenCV cameras into poses of CoppeliaSim's vision sensors.

    The function is its own inverse. A sensor's matrix is the pose of its body, so what RLBench
    calls "extrinsics" is camera to world.
    """
    return np.asarray(world_from_camera_44, dtype=np.float64) @ _COPPELIASIM_FROM_OPENCV


def intrinsics_from_coppeliasim(intrinsics_33: ArrayLike) -> FloatArray:
    """Turn PyRep's K [..., 3, 3], whose focal lengths are negative, into an OpenCV camera's.

    The negative signs say the same as the axes X left and Y up, so they go when the axes do.
    The principal point is the same: both count from the picture's top left corner, with the
    centre of pixel (row, column) at (column + 0.5, row + 0.5).
    """
    k = np.array(intrinsics_33, dtype=np.float64)
    k[..., [0, 1], [0, 1]] = np.abs(k[..., [0, 1], [0, 1]])
    return k


def intrinsics_of_vision_sensor(*, width_px: int, height_px: int, fov_deg: float) -> FloatArray:
    """Return K [3, 3] of a vision sensor, whose field of view is that of the larger side."""
    larger = max(width_px, height_px)
    focal = 0.5 * larger / np.tan(np.deg2rad(fov_deg) / 2)
    return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1.0]])
