"""Triangulate points seen by calibrated cameras: batched, masked and differentiable.

Shapes: leading dimensions `...` broadcast; `view` is the second last of pixels. Pixels and the
first two rows of projection matrices share one unit (pixels, or image widths); points are metres
in the world frame. A weight of 0 means "not seen". Points that fewer than two views see, or that
all views see along nearly the same ray, are NaN: they have no position.
"""

from itertools import combinations

import torch
from torch import Tensor

# Sine of the least angle between two rays that fixes a point; below, depth is a guess.
MIN_PARALLAX = 0.02
# Rows that are added to a 3x3 system before it is solved, relative to its trace.
_DAMPING = 1e-9


def projection_matrices(intrinsics: Tensor, world_from_camera: Tensor) -> Tensor:
    """Return P = K [R^T | -R^T C] [..., 3, 4] of K [..., 3, 3] and poses [..., 4, 4]."""
    rotation = world_from_camera[..., :3, :3].transpose(-1, -2)
    centre = world_from_camera[..., :3, 3:]
    return intrinsics @ torch.cat([rotation, -rotation @ centre], dim=-1)


def project(projections: Tensor, points_m: Tensor) -> tuple[Tensor, Tensor]:
    """Project points [..., 3] by P [..., view, 3, 4]: pixels [..., view, 2], depth [..., view].

    Nothing is clamped: a point beside the image keeps its gradient. Depth is in metres where K's
    last row is (0, 0, 1); a point in the camera plane divides by 1 mm instead of 0.
    """
    image = projections[..., :3] @ points_m[..., None, :, None] + projections[..., 3:]
    image = image[..., 0]
    depth = image[..., 2]
    safe = torch.where(depth.abs() < 1e-3, torch.full_like(depth, 1e-3), depth)
    return image[..., :2] / safe[..., None], depth


def solve_3x3(matrix: Tensor, vector: Tensor) -> Tensor:
    """Solve positive systems [..., 3, 3] x = [..., 3] in closed form (Cramer's rule).

    What nothing fixes comes out as anything, but finite.
    """
    a, b, c = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2]
    d, e, f = matrix[..., 1, 1], matrix[..., 1, 2], matrix[..., 2, 2]
    trace = a + d + f
    damping = _DAMPING * trace + torch.finfo(matrix.dtype).tiny
    a, d, f = a + damping, d + damping, f + damping
    first = d * f - e * e
    second = c * e - b * f
    third = b * e - c * d
    determinant = a * first + b * second + c * third
    # Rounding may leave nothing, or less, of a determinant that one ray makes 0.
    least = torch.finfo(matrix.dtype).eps ** 2 * trace**3 + torch.finfo(matrix.dtype).tiny
    determinant = torch.maximum(determinant, least)
    adjugate = [
        [first, second, third],
        [second, a * f - c * c, b * c - a * e],
        [third, b * c - a * e, a * d - b * b],
    ]
    x, y, z = vector.unbind(-1)
    rows = [row[0] * x + row[1] * y + row[2] * z for row in adjugate]
    return torch.stack(rows, dim=-1) / determinant[..., None]


def camera_centres(projections: Tensor) -> Tensor:
    """Return the world positions [..., 3] of cameras P [..., 3, 4]."""
    result: Tensor = -torch.linalg.solve(projections[..., :3], projections[..., 3])
    return result


def parallax(projections: Tensor, weights: Tensor, points_m: Tensor) -> Tensor:
    """Return the largest sine of the angle [...] between two rays of views that see a point."""
    rays = points_m[..., None, :] - camera_centres(projections)
    rays = rays / rays.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    sine = torch.linalg.cross(rays[..., :, None, :], rays[..., None, :, :]).norm(dim=-1)
    seen = (weights > 0).to(sine.dtype)
    result: Tensor = (sine * seen[..., :, None] * seen[..., None, :]).amax(dim=(-1, -2))
    return result


def triangulate(projections: Tensor, pixels: Tensor, weights: Tensor) -> Tensor:
    """Triangulate by the direct linear transform (Hartley & Zisserman 2004, 12.2).

    Each view adds the rows u P3 - P1 and v P3 - P2, scaled to unit length so that cameras of
    other focal lengths count alike; the point is the right singular vector of the smallest
    singular value.

    Args:
        projections: [..., view, 3, 4].
        pixels: [..., view, 2].
        weights: [..., view], of the rows.

    Returns:
        Points [..., 3] in metres, NaN where they have no position.
    """
    rows = pixels[..., None] * projections[..., 2:3, :] - projections[..., :2, :]
    scale = rows[..., :3].norm(dim=-1, keepdim=True).clamp_min(1e-12)
    rows = torch.nan_to_num(rows / scale) * weights[..., None, None]
    rows = rows.flatten(-3, -2).to(torch.float64)
    _, vectors = torch.linalg.eigh(rows.transpose(-1, -2) @ rows)
    homogeneous = vectors[..., 0]
    points = (homogeneous[..., :3] / homogeneous[..., 3:]).to(pixels.dtype)
    return mask_undetermined(projections, weights, points)


def mask_undetermined(projections: Tensor, weights: Tensor, points_m: Tensor) -> Tensor:
    """Put NaN where fewer than two views, or no two rays with an angle between, fix a point."""
    enough = (weights > 0).sum(dim=-1) >= 2
    enough = enough & (parallax(projections, weights, points_m) >= MIN_PARALLAX)
    return torch.where(enough[..., None], points_m, torch.full_like(points_m, torch.nan))


def triangulate_linear(projections: Tensor, pixels: Tensor, weights: Tensor) -> Tensor:
    """Triangulate by weighted linear least squares: a differentiable DLT without an SVD.

    The same rows as `triangulate` with the fourth coordinate set to 1, weights squared as there.
    For points well away from infinity the two agree to second order in the noise, and its
    gradient has none of the singularities of an SVD. Unseen points come out near the origin.
    """
    rows = pixels[..., None] * projections[..., 2:3, :] - projections[..., :2, :]
    scale = rows[..., :3].norm(dim=-1, keepdim=True).clamp_min(1e-12)
    rows = torch.nan_to_num(rows / scale) * weights[..., None, None]
    rows = rows.flatten(-3, -2)
    left, right = rows[..., :3], -rows[..., 3:]
    normal = left.transpose(-1, -2) @ left
    return solve_3x3(normal, (left.transpose(-1, -2) @ right)[..., 0])


def information(
    projections: Tensor,
    pixels: Tensor,
    weights: Tensor,
    points_m: Tensor,
    *,
    huber: Tensor | float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return what views say about points: A = sum w J^T J [..., 3, 3], b = sum w J^T r [..., 3].

    J is the Jacobian of the projection at `points_m`, r the residual observed - projected. One
    Gauss-Newton step is A^-1 b; A is the inverse covariance of the point in units of 1 / pixel^2.
    With `huber` residuals longer than it weigh huber / |r| (Huber 1964).
    """
    seen, depth = project(projections, points_m)
    residual = torch.nan_to_num(pixels - seen)
    safe = torch.where(depth.abs() < 1e-3, torch.full_like(depth, 1e-3), depth)
    jacobian = projections[..., :2, :3] - seen[..., None] * projections[..., 2:3, :3]
    jacobian = jacobian / safe[..., None, None]
    if huber is not None:
        length = residual.norm(dim=-1).clamp_min(1e-12)
        weights = weights * (huber / length).clamp(max=1.0)
    weighted = jacobian * weights[..., None, None]
    normal = (weighted.transpose(-1, -2) @ jacobian).sum(dim=-3)
    information_vector = (weighted.transpose(-1, -2) @ residual[..., None])[..., 0].sum(dim=-2)
    return normal, information_vector


def refine(
    projections: Tensor,
    pixels: Tensor,
    weights: Tensor,
    points_m: Tensor,
    *,
    steps: int = 5,
    huber: Tensor | float | None = None,
) -> Tensor:
    """Minimise the weighted reprojection error by Gauss-Newton from given points [..., 3].

    A step is at most 0.2 m, so that a bad start cannot throw a point behind a camera. Points
    that are NaN stay so.
    """
    for _ in range(steps):
        normal, information_vector = information(
            projections, pixels, weights, points_m, huber=huber
        )
        step = solve_3x3(normal, information_vector)
        length = step.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        points_m = points_m + step * (0.2 / length).clamp(max=1.0)
    return points_m


def triangulate_ransac(
    projections: Tensor, pixels: Tensor, weights: Tensor, *, threshold: float
) -> tuple[Tensor, Tensor]:
    """Triangulate from the views that agree: try every pair, keep the largest consensus.

    With so few views every pair can be tried, so nothing is random. A tie goes to the smaller
    sum of inlier residuals.

    Returns:
        Points [..., 3] triangulated from all inliers of the best pair, and the inlier weights.
    """
    views = pixels.shape[-2]
    best_score = torch.full_like(weights[..., 0], -torch.inf)
    best = torch.zeros_like(weights)
    for pair in combinations(range(views), 2):
        chosen = torch.zeros(views, dtype=weights.dtype, device=weights.device)
        chosen[list(pair)] = 1
        point = triangulate(projections, pixels, weights * chosen)
        seen, depth = project(projections, point)
        residual = (pixels - seen).norm(dim=-1)
        inlier = (residual <= threshold) & (depth > 0) & (weights > 0)
        score = torch.where(inlier, 1 - 0.5 * residual / threshold, 0.0).sum(dim=-1)
        score = torch.where(point.isnan().any(dim=-1), -torch.inf, score)
        better = score > best_score
        best_score = torch.where(better, score, best_score)
        best = torch.where(better[..., None], weights * inlier, best)
    # Where no pair agrees within the threshold, all that is seen is still the best guess.
    no_consensus = (best > 0).sum(dim=-1, keepdim=True) < 2
    best = torch.where(no_consensus, weights, best)
    return triangulate(projections, pixels, best), best


def moving_average(points_m: Tensor, *, window: int) -> Tensor:
    """Average tracks [frame, ..., 3] over a centred window, over what there is of it.

    At the ends the window shrinks on both sides alike, so that a moving point is not dragged.
    A NaN point is left out of its neighbours' means but has a mean of its own.
    """
    frames = points_m.shape[0]
    known = ~points_m.isnan().any(dim=-1, keepdim=True)
    values = torch.where(known, points_m, 0.0)
    zero = torch.zeros_like(values[:1])
    sums = torch.cat([zero, values.cumsum(dim=0)])
    counts = torch.cat([zero[..., :1], known.to(values.dtype).cumsum(dim=0)])
    index = torch.arange(frames)
    reach = torch.minimum(torch.minimum(index, frames - 1 - index), torch.tensor(window // 2))
    low, high = index - reach, index + reach + 1
    return (sums[high] - sums[low]) / (counts[high] - counts[low])
