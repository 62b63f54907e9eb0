"""Errors of estimated keypoints, in millimetres and pixels.

Every test frame of every episode counts. A keypoint without an estimate counts as missed in PCK
and AUC, and is excluded from means and medians of errors; the metric `estimated_fraction` says how
many have one.
"""

from dataclasses import dataclass

import numpy as np

AUC_TO_MM = 50.0
# A similarity has 7 degrees of freedom; 3 points in space leave 2 numbers, 4 leave 5.
MIN_PROCRUSTES = 4


@dataclass(frozen=True)
class KeypointErrors:
    """Errors of n estimated points, NaN without an estimate.

    Attributes:
        error_mm: Distances from the truth [n].
        procrustes_mm: The same after the best similarity of each frame [n], NaN where undefined.
        reprojection_px: Mean distances of reprojections from exact ones [n], NaN where no view
            counts.
    """

    error_mm: np.ndarray
    procrustes_mm: np.ndarray
    reprojection_px: np.ndarray


def errors_mm(points_m: np.ndarray, truth_m: np.ndarray) -> np.ndarray:
    """Return Euclidean errors [...] of points [..., 3], NaN where there is no estimate."""
    distance_m: np.ndarray = np.linalg.norm(points_m - truth_m, axis=-1)
    return 1000 * distance_m


def within_threshold(error_mm: np.ndarray, limit_mm: float) -> np.ndarray:
    """Return 1 where an error is at most the limit, else 0; a missing estimate is a miss."""
    is_within: np.ndarray = np.nan_to_num(error_mm, nan=np.inf) <= limit_mm
    return is_within.astype(np.float64)


def pck_curve_area(error_mm: np.ndarray) -> np.ndarray:
    """Return each point's part of the area under the PCK curve from 0 to 50 mm, in [0, 1].

    The curve's mean height is the mean of max(0, 1 - error / 50 mm): no grid is needed.
    """
    height: np.ndarray = np.maximum(0, 1 - np.nan_to_num(error_mm, nan=np.inf) / AUC_TO_MM)
    return height


def reprojection_px(
    points_m: np.ndarray,
    pixels: np.ndarray,
    seen: np.ndarray,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
) -> np.ndarray:
    """Return the mean distance [frame, keypoint] of estimates from exact projections, in pixels.

    Args:
        points_m: Estimates [frame, keypoint, 3].
        pixels: Exact projections [frame, view, keypoint, 2].
        seen: Views to count [frame, view, keypoint].
        intrinsics: [frame, view, 3, 3].
        world_from_camera: [frame, view, 4, 4].

    NaN where no view counts or there is no estimate.
    """
    rotation = world_from_camera[..., :3, :3]
    offset = points_m[:, None] - world_from_camera[..., None, :3, 3]
    camera = np.einsum("fvij,fvki->fvkj", rotation, offset)
    image = np.einsum("fvij,fvkj->fvki", intrinsics, camera)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.linalg.norm(image[..., :2] / image[..., 2:] - pixels, axis=-1)
        counted = seen.astype(bool) & np.isfinite(distance)
        total: np.ndarray = np.where(counted, distance, 0.0).sum(axis=1)
        return total / np.where(counted.any(axis=1), counted.sum(axis=1), np.nan)


def procrustes_errors_mm(points_m: np.ndarray, truth_m: np.ndarray) -> np.ndarray:
    """Return errors [keypoint] after the best similarity (rotation, scale, shift) of one frame.

    Defined for four keypoints or more that do not lie on one line (Umeyama 1991); NaN otherwise,
    since fewer can be fitted to almost anything. Reflections are not allowed.
    """
    nothing = np.full(len(points_m), np.nan)
    good = np.isfinite(points_m).all(axis=-1) & np.isfinite(truth_m).all(axis=-1)
    if good.sum() < MIN_PROCRUSTES:
        return nothing
    estimate = points_m[good] - points_m[good].mean(axis=0)
    truth = truth_m[good] - truth_m[good].mean(axis=0)
    u, singular, vt = np.linalg.svd(truth.T @ estimate)
    if singular[1] < 1e-12:
        return nothing
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    scale = (singular * signs).sum() / (estimate**2).sum()
    nothing[good] = 1000 * np.linalg.norm(scale * estimate @ rotation.T - truth, axis=-1)
    return nothing
