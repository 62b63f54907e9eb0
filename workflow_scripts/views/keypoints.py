"""Project keypoints into a view: pixel, inside the image or not, visible or occluded."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.demonstration_shard import Keypoint
from workflow_scripts.geometry.cameras import project

# A pixel's depth is that of its centre: on a slanted face a keypoint beside it may lie this
# much deeper without being occluded.
TOLERANCE_M = 0.005


def project_keypoints(
    points_m: np.ndarray,
    keypoints: Sequence[Keypoint],
    *,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
    depth_m: np.ndarray,
    instance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels [K, 2], in-frame [K] and visible [K] of world points [K, 3] in one view.

    A point is visible if it is in the frame and the surface at its pixel is not nearer than the
    point itself; the surface of the keypoint's own object may be nearer by its
    `surface_depth_m`. Pixels are never clamped to the image.
    """
    height, width = depth_m.shape
    pixels, point_depth = project(points_m, intrinsics, world_from_camera)
    finite_pixels = np.nan_to_num(pixels, nan=-1.0)
    in_frame = (
        (point_depth > 0)
        & (finite_pixels >= 0).all(axis=-1)
        & (finite_pixels[:, 0] < width)
        & (finite_pixels[:, 1] < height)
    )
    column = np.clip(finite_pixels[:, 0].astype(int), 0, width - 1)
    row = np.clip(finite_pixels[:, 1].astype(int), 0, height - 1)
    own_instance = np.array([keypoint.instance for keypoint in keypoints])
    surface_depth_m = np.array([keypoint.surface_depth_m for keypoint in keypoints])
    is_own_surface = (own_instance > 0) & (instance[row, column] == own_instance)
    allowance = np.where(is_own_surface, surface_depth_m, 0.0) + TOLERANCE_M
    surface = np.where(np.isnan(depth_m[row, column]), np.inf, depth_m[row, column])
    return pixels, in_frame, in_frame & (surface >= point_depth - allowance)
