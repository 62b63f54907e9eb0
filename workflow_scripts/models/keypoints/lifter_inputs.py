"""Turn observed 2D keypoints of a frame into evidence about 3D points that a network can read.

For every frame and keypoint: a triangulated point z, and what its views say about it in
information form, A = sum w J^T J and b = sum w J^T r at z (`triangulation.information`). To first
order that is all the geometry there is, for any number of views. Where the views do not fix a
point (one view, or none), z is the point nearest to the workspace's middle that they allow.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from workflow_scripts.geometry.rigid_fit import fit_bodies
from workflow_scripts.geometry.triangulation import (
    information,
    project,
    refine,
    solve_3x3,
    triangulate_linear,
)
from workflow_scripts.models.keypoints.track_dataset import Clip

# The middle of the workspace: above the table of RLBench's scenes.
WORKSPACE_CENTRE_M = (0.2, 0.0, 0.95)
_MAX_DISTANCE_M = 1.5
# det A / (trace A / 3)^3 of points that views fix; a single view gives 0.
_MIN_DETERMINANT = 1e-3
# Residuals longer than so many typical ones of the episode count less.
_HUBER_FACTOR = 2.5


@dataclass(frozen=True)
class LifterInputs:
    """What frames say; leading dimensions `...` are frames, or windows of them. K keypoints.

    Attributes:
        points_m: [..., K, 3], z.
        information: [..., K, 6], upper triangle of A (xx, xy, xz, yy, yz, zz), 1 / m^2 in squared
            picture widths.
        moment: [..., K, 3], b.
        determined: [..., K], 1 where the views fix the point.
        views: [..., K], sum of the weights.
        residual: [..., K], root mean square reprojection error, picture widths.
        placed_m: [..., K, 3], where the keypoint's body is; z for one without a body.
        upright_m: [..., K, 3], where its body is if it turns about the vertical only.
        placed: [..., K], 1 where `placed_m` is fixed by views.
    """

    points_m: Tensor
    information: Tensor
    information_vector: Tensor
    determined: Tensor
    views: Tensor
    residual: Tensor
    rigid_fit_m: Tensor
    yaw_fit_m: Tensor
    has_rigid_fit: Tensor

    def __getitem__(self, index: Tensor) -> "LifterInputs":
        """Take frames: an index [...] gives evidence with those leading dimensions."""
        return replace(self, **{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to(self, device: torch.device) -> "LifterInputs":
        """Move every tensor."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def mask_frames(self, hidden: Tensor) -> "LifterInputs":
        """Return the evidence without that of hidden [..., 1 or K] frames."""
        kept = 1 - hidden
        return LifterInputs(
            points_m=self.points_m * kept[..., None],
            information=self.information * kept[..., None],
            information_vector=self.information_vector * kept[..., None],
            determined=self.determined * kept,
            views=self.views * kept,
            residual=self.residual * kept,
            rigid_fit_m=self.rigid_fit_m * kept[..., None],
            yaw_fit_m=self.yaw_fit_m * kept[..., None],
            has_rigid_fit=self.has_rigid_fit * kept,
        )


def compute_lifter_inputs(clip: Clip, episode: Tensor, shapes: Tensor) -> LifterInputs:
    """Return the evidence of frames [F] of episodes numbered `episode` [F].

    `shapes` [names + 1, 3] are places of keypoints on their bodies (`rigid.estimate_shapes`).
    """
    pixels, seen = clip.observed.transpose(1, 2), clip.weights.transpose(1, 2)
    matrices = clip.projections[:, None]
    workspace_centre = torch.tensor(WORKSPACE_CENTRE_M, dtype=pixels.dtype, device=pixels.device)
    # Triangulating about the workspace keeps float32 exact to micrometres.
    shifted_column = matrices[..., 3:] + matrices[..., :3] @ workspace_centre[:, None]
    centred_projections = torch.cat([matrices[..., :3], shifted_column], dim=-1)
    points = triangulate_linear(centred_projections, pixels, seen)
    points = torch.where(points.norm(dim=-1, keepdim=True) < _MAX_DISTANCE_M, points, 0.0)
    points = refine(centred_projections, pixels, seen, points, steps=1)
    huber = _HUBER_FACTOR * _typical_residual(centred_projections, pixels, seen, points, episode)
    points = refine(centred_projections, pixels, seen, points, steps=1, huber=huber)
    matrix, _ = information(centred_projections, pixels, seen, points)
    mean_diagonal = matrix.diagonal(dim1=-2, dim2=-1).mean(dim=-1)
    is_determined = _determinant(matrix) > _MIN_DETERMINANT * mean_diagonal**3
    is_determined &= (points.norm(dim=-1) < _MAX_DISTANCE_M) & (seen.sum(dim=-1) > 0)
    points = torch.where(
        is_determined[..., None], points, _nearest_to_workspace(centred_projections, pixels, seen)
    )
    matrix, information_vector = information(centred_projections, pixels, seen, points, huber=huber)
    length = _residuals(centred_projections, pixels, points)
    views = seen.sum(dim=-1)
    mean_square = (seen * length.square()).sum(dim=-1) / views.clamp_min(1e-6)
    determined = is_determined.to(pixels.dtype)
    rigid_fit_m, yaw_fit_m, has_rigid_fit = fit_bodies(
        shapes, clip.names, clip.bodies, points, matrix, information_vector, determined
    )
    return LifterInputs(
        points_m=points + workspace_centre,
        information=matrix[..., (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)],
        information_vector=information_vector,
        determined=determined,
        views=views,
        residual=mean_square.sqrt(),
        rigid_fit_m=rigid_fit_m + workspace_centre,
        yaw_fit_m=yaw_fit_m + workspace_centre,
        has_rigid_fit=has_rigid_fit,
    )


def _residuals(projections: Tensor, pixels: Tensor, points: Tensor) -> Tensor:
    error: Tensor = (pixels - project(projections, points)[0]).norm(dim=-1).clamp(max=1e3)
    return error


def _typical_residual(
    projections: Tensor, pixels: Tensor, seen: Tensor, points: Tensor, episode: Tensor
) -> Tensor:
    """Return the mean over each episode of its frames' median residual, [F, 1, 1]."""
    length = _residuals(projections, pixels, points)
    length = torch.where(seen > 0, length, torch.nan).flatten(1)
    median = length.nanmedian(dim=1).values
    known = median.isfinite().to(median.dtype)
    number = episode - episode.min()
    zeros = torch.zeros(int(number.max()) + 1, dtype=median.dtype, device=median.device)
    sums = zeros.index_add(0, number, median.nan_to_num(0.0))
    counts = zeros.index_add(0, number, known)
    typical = (sums / counts.clamp_min(1)).clamp_min(1e-4)
    return typical[number][:, None, None]


def _nearest_to_workspace(projections: Tensor, pixels: Tensor, seen: Tensor) -> Tensor:
    """Return where a weak pull to the origin leaves points that views do not fix."""
    points = torch.zeros_like(pixels[..., 0, :1]).expand(*pixels.shape[:-2], 3)
    regulariser = 1e-3 * torch.eye(3, dtype=pixels.dtype, device=pixels.device)
    for _ in range(3):
        matrix, information_vector = information(projections, pixels, seen, points)
        step = solve_3x3(matrix + regulariser, information_vector - points @ regulariser)
        points = points + step * (0.5 / step.norm(dim=-1, keepdim=True).clamp_min(1e-9)).clamp(
            max=1.0
        )
    return points


def _determinant(matrix: Tensor) -> Tensor:
    first = torch.linalg.cross(matrix[..., 0, :], matrix[..., 1, :])
    determinant: Tensor = (first * matrix[..., 2, :]).sum(dim=-1)
    return determinant


def mean_positions(evidence: LifterInputs) -> Tensor:
    """Return each keypoint's mean place [B, K, 3] over a window's frames [B, T].

    Frames that fix the point count; without one, frames that see it; without one, the point is
    in the workspace's middle.
    """
    workspace_centre = torch.tensor(
        WORKSPACE_CENTRE_M, dtype=evidence.points_m.dtype, device=evidence.points_m.device
    )
    weight = evidence.has_rigid_fit + 1e-6 * (evidence.views > 0)
    total = weight.sum(dim=1)[..., None]
    mean = (weight[..., None] * (evidence.rigid_fit_m - workspace_centre)).sum(
        dim=1
    ) / total.clamp_min(1e-12)
    return workspace_centre + torch.where(total > 0, mean, 0.0)
