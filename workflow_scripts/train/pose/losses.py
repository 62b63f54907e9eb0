"""What a lifter learns from: 3D labels, or nothing but 2D and the cameras.

The published unsupervised objective (Dong et al. 2024) asks the network to reproduce the very 2D
points of the centre frame that it is given. Its optimum is the triangulation of that frame, noise
and all, and training drifts there. `masked` keeps the target frame out of the input: then the
target's noise cannot be known, and the best answer is the true point (noise-to-noise learning,
Lehtinen et al. 2018; blind spots, Krull et al. 2019).
"""

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.geometry.triangulation import project

# Losses are means of numbers near 1: centimetres, and hundredths of the picture's width.
_CM_PER_M, _HUNDREDTHS_OF_WIDTH = 100.0, 100.0
_OTHER_FRAME_WEIGHT = 0.05
# Residuals beyond 10 % of the width count linearly (Huber).
_HUBER_DELTA = 10.0
_MIN_DEPTH_M = 0.05


def hidden_frames(
    objective: str, batch: int, window: int, generator: np.random.Generator
) -> Tensor:
    """Return 1 for frames [batch, window] that the input lacks.

    `masked` always hides the frame in the middle, and for half of the windows another one too, so
    that every frame's output is trained.
    """
    hidden = np.zeros((batch, window), dtype=np.float32)
    if objective == "masked":
        hidden[:, window // 2] = 1
        other = generator.integers(0, window, size=batch)
        is_masked_too = generator.random(batch) < 0.5
        hidden[np.flatnonzero(is_masked_too), other[is_masked_too]] = 1
    return torch.from_numpy(hidden)


def supervised_loss(points_m: Tensor, truth_m: Tensor, known: Tensor) -> Tensor:
    """Return the mean distance of points [B, T, K, 3] from labels, in centimetres.

    The frame in the middle counts in full, the others a little: they are what smoothness of the
    output is learned from.
    """
    distance = (points_m - truth_m).norm(dim=-1) * known[:, None]
    per_frame = distance.sum(dim=(0, 2)) / known.sum().clamp_min(1)
    weights = torch.full_like(per_frame, _OTHER_FRAME_WEIGHT)
    weights[len(weights) // 2] = 1
    loss: Tensor = _CM_PER_M * (weights * per_frame).sum() / weights.sum()
    return loss


def published_loss(
    points_m: Tensor, observed: Tensor, projections: Tensor, weights: Tensor
) -> Tensor:
    """Return the mean reprojection error of the middle frame, in hundredths of the width.

    As published, but for one normalisation on both sides, no clamping of projections, and
    visibility: the original's constants bias it by 3 mm, and clamped points have no gradient.
    """
    middle = points_m.shape[1] // 2
    pixels, _ = project(projections[:, middle, None], points_m[:, middle])
    distance = (pixels.transpose(1, 2) - observed[:, middle]).norm(dim=-1)
    seen = weights[:, middle]
    loss: Tensor = _HUNDREDTHS_OF_WIDTH * (seen * distance).sum() / seen.sum().clamp_min(1)
    return loss


def masked_loss(
    points_m: Tensor, observed: Tensor, projections: Tensor, weights: Tensor, hidden: Tensor
) -> Tensor:
    """Return the robust squared reprojection error onto hidden frames [B, T] only."""
    pixels, _ = project(projections[:, :, None], points_m)
    residual = _HUNDREDTHS_OF_WIDTH * (pixels.transpose(2, 3) - observed).norm(dim=-1)
    inside = residual.clamp(max=_HUBER_DELTA)
    robust = inside * (2 * residual - inside)
    counted = weights * hidden[..., None, None]
    loss: Tensor = (counted * robust).sum() / counted.sum().clamp_min(1)
    return loss


def acceleration_loss(points_m: Tensor, known: Tensor) -> Tensor:
    """Return the mean squared second difference of tracks [B, T, K, 3], in square centimetres."""
    second = points_m[:, 2:] - 2 * points_m[:, 1:-1] + points_m[:, :-2]
    squares = (_CM_PER_M * second).square().sum(dim=-1) * known[:, None]
    return squares.sum() / (known.sum() * max(1, second.shape[1])).clamp_min(1)


def rigidity_loss(points_m: Tensor, bodies: Tensor, lengths_m: Tensor) -> Tensor:
    """Return how much distances within a body differ from its shape, in square centimetres.

    Args:
        points_m: [B, K, 3], the middle frame.
        bodies: [B, K], -1 = none.
        lengths_m: [B, K, K], distances in the body's shape, NaN where unknown.
    """
    # The squared distance, plus a little, has a gradient also where two points coincide.
    difference = points_m[:, :, None] - points_m[:, None]
    distance = (difference.square().sum(dim=-1) + 1e-8).sqrt()
    same_body = (bodies[:, :, None] == bodies[:, None]) & (bodies[:, :, None] >= 0)
    counted = (same_body & lengths_m.isfinite()).to(distance.dtype)
    counted = torch.triu(counted, diagonal=1)
    change = _CM_PER_M * (distance - lengths_m.nan_to_num(0.0))
    return (counted * change.square()).sum() / counted.sum().clamp_min(1)


def cheirality_loss(points_m: Tensor, projections: Tensor, weights: Tensor) -> Tensor:
    """Return how far points lie behind what sees them: mean of max(0, 5 cm - depth), in cm."""
    _, depth = project(projections[:, :, None], points_m)
    behind = (_MIN_DEPTH_M - depth.transpose(2, 3)).clamp_min(0)
    return _CM_PER_M * (weights * behind).sum() / weights.sum().clamp_min(1)
