"""See keypoints from a camera: projection, inside the picture or not, hidden or not."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.demonstration_shard import Keypoint
from workflow_scripts.geometry.cameras import project

# A pixel's depth is that of its centre: on a slanted face the keypoint beside it may lie this
# much deeper without being hidden.
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
    """Return pixels [K, 2], in-frame [K] and visible [K] of world points [K, 3] in one picture.

    A point is visible if it is in the frame and the surface at its pixel is not nearer than the
    point itself; the surface of the point's own object may be nearer by the keypoint's
    `inside_m`. Pixels are never clamped to the picture.
    """
    height, width = depth_m.shape
    pixels, point_depth = project(points_m, intrinsics, world_from_camera)
    is_finite = np.nan_to_num(pixels, nan=-1.0)
    in_frame = (
        (point_depth > 0)
        & (is_finite >= 0).all(axis=-1)
        & (is_finite[:, 0] < width)
        & (is_finite[:, 1] < height)
    )
    column = np.clip(is_finite[:, 0].astype(int), 0, width - 1)
    row = np.clip(is_finite[:, 1].astype(int), 0, height - 1)
    on_own_instance = np.array([keypoint.instance for keypoint in keypoints])
    inside = np.array([keypoint.surface_depth_m for keypoint in keypoints])
    allowance = (
        np.where((on_own_instance > 0) & (instance[row, column] == on_own_instance), inside, 0.0)
        + TOLERANCE_M
    )
    surface = np.where(np.isnan(depth_m[row, column]), np.inf, depth_m[row, column])
    return pixels, in_frame, in_frame & (surface >= point_depth - allowance)
