"""Geometric baselines: what cameras alone give, without learning. Always reported."""

from collections.abc import Callable

import torch
from torch import Tensor

from workflow_scripts.common.keypoints.noise import PUBLISHED_SHARE
from workflow_scripts.common.keypoints.tracks import Tracks
from workflow_scripts.common.keypoints.triangulation import (
    ransac_pairs,
    refine,
    smooth,
    triangulate,
    where_determined,
)

# Picture widths; three standard deviations of one published unit of noise.
INLIER = 3 * PUBLISHED_SHARE


def _inputs(tracks: Tracks) -> tuple[Tensor, Tensor, Tensor]:
    """Return P [F, 1, V, 3, 4], 2D [F, K, V, 2] and weights [F, K, V] in double precision."""
    clip = tracks.clip
    pixels, weights = clip.observed.transpose(1, 2), clip.weights.transpose(1, 2)
    return clip.projections[:, None].double(), pixels.double(), weights.double()


def dlt(tracks: Tracks) -> Tensor:
    """Triangulate each frame by itself; confidences only say seen or not."""
    matrices, pixels, weights = _inputs(tracks)
    return triangulate(matrices, pixels, (weights > 0).double())


def weighted_dlt(tracks: Tracks) -> Tensor:
    """Triangulate weighted by confidence, then minimise the reprojection error (Gauss-Newton)."""
    matrices, pixels, weights = _inputs(tracks)
    start = triangulate(matrices, pixels, weights)
    return refine(matrices, pixels, weights, start, steps=5)


def ransac_dlt(tracks: Tracks) -> Tensor:
    """Triangulate from the views that agree within 3 % of the width, then Gauss-Newton."""
    matrices, pixels, weights = _inputs(tracks)
    points, inliers = ransac_pairs(matrices, pixels, weights, threshold=INLIER)
    refined = refine(matrices, pixels, inliers, points, steps=3)
    return where_determined(matrices, inliers, refined)


def smoothed_dlt(tracks: Tracks, *, window: int = 7) -> Tensor:
    """Average the triangulated points over seven frames."""
    return smooth_each(tracks, dlt(tracks), window=window)


def smoothed_ransac(tracks: Tracks, *, window: int = 7) -> Tensor:
    """Average the RANSAC points over seven frames."""
    return smooth_each(tracks, ransac_dlt(tracks), window=window)


def smooth_each(tracks: Tracks, points_m: Tensor, *, window: int) -> Tensor:
    """Average points [F, K, 3] over a window inside each episode."""
    lengths = torch.bincount(tracks.episode)
    parts = torch.split(points_m, lengths.tolist())
    return torch.cat([smooth(part, window=window) for part in parts])


BASELINES: dict[str, Callable[[Tracks], Tensor]] = {
    "dlt": dlt,
    "weighted_dlt": weighted_dlt,
    "ransac_dlt": ransac_dlt,
    "smoothed_dlt": smoothed_dlt,
    "smoothed_ransac": smoothed_ransac,
}
# The baseline that a learned model is held against: it sees the same frames.
REFERENCE = "smoothed_dlt"
