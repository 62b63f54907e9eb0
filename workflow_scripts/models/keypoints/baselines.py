"""Geometric baselines: triangulation without learning."""

from collections.abc import Callable

import torch
from torch import Tensor

from workflow_scripts.geometry.triangulation import (
    mask_undetermined,
    moving_average,
    refine,
    triangulate,
    triangulate_ransac,
)
from workflow_scripts.models.keypoints.noise import NOISE_UNIT
from workflow_scripts.models.keypoints.track_dataset import TrackDataset

# Picture widths; three standard deviations of one published unit of noise.
INLIER_THRESHOLD = 3 * NOISE_UNIT


def _inputs(tracks: TrackDataset) -> tuple[Tensor, Tensor, Tensor]:
    """Return P [F, 1, V, 3, 4], 2D [F, K, V, 2] and weights [F, K, V] in double precision."""
    clip = tracks.clip
    pixels, weights = clip.observed.transpose(1, 2), clip.weights.transpose(1, 2)
    return clip.projections[:, None].double(), pixels.double(), weights.double()


def dlt(tracks: TrackDataset) -> Tensor:
    """Triangulate each frame by itself; confidences only tell observed from unobserved."""
    matrices, pixels, weights = _inputs(tracks)
    return triangulate(matrices, pixels, (weights > 0).double())


def weighted_dlt(tracks: TrackDataset) -> Tensor:
    """Triangulate weighted by confidence, then minimise the reprojection error (Gauss-Newton)."""
    matrices, pixels, weights = _inputs(tracks)
    start = triangulate(matrices, pixels, weights)
    return refine(matrices, pixels, weights, start, steps=5)


def ransac_dlt(tracks: TrackDataset) -> Tensor:
    """Triangulate from the views that agree within 3 % of the width, then Gauss-Newton."""
    matrices, pixels, weights = _inputs(tracks)
    points, inliers = triangulate_ransac(matrices, pixels, weights, threshold=INLIER_THRESHOLD)
    refined = refine(matrices, pixels, inliers, points, steps=3)
    return mask_undetermined(matrices, inliers, refined)


def smoothed_dlt(tracks: TrackDataset, *, window: int = 7) -> Tensor:
    """Average the triangulated points over seven frames."""
    return smooth_episodes(tracks, dlt(tracks), window=window)


def smoothed_ransac(tracks: TrackDataset, *, window: int = 7) -> Tensor:
    """Average the RANSAC points over seven frames."""
    return smooth_episodes(tracks, ransac_dlt(tracks), window=window)


def smooth_episodes(tracks: TrackDataset, points_m: Tensor, *, window: int) -> Tensor:
    """Average points [F, K, 3] over a window inside each episode."""
    lengths = torch.bincount(tracks.episode)
    parts = torch.split(points_m, lengths.tolist())
    return torch.cat([moving_average(part, window=window) for part in parts])


BASELINES: dict[str, Callable[[TrackDataset], Tensor]] = {
    "dlt": dlt,
    "weighted_dlt": weighted_dlt,
    "ransac_dlt": ransac_dlt,
    "smoothed_dlt": smoothed_dlt,
    "smoothed_ransac": smoothed_ransac,
}
# The baseline of a learned model's gain: it uses the same frames.
REFERENCE_BASELINE = "smoothed_dlt"
