"""Rigid bodies: keypoints fixed to one parent keep their distances, whatever the noise says.

The shape of a body (its keypoints in a frame of its own) is found once from all training
episodes, by generalised Procrustes analysis (Gower 1975) of triangulated and smoothed tracks: no
3D labels are needed. In a frame the body's pose is then the one that explains all observations
of its keypoints best (Gauss-Newton on the six numbers of a pose), so few numbers are estimated
from many observations, and a hidden keypoint is where its body is. Things that stand on tables
mostly turn about the vertical only, which leaves four numbers; that pose is found too, as a
second opinion which a network learns to trust or not.
"""

from collections import defaultdict

import torch
from torch import Tensor

_GAUSS_NEWTON_STEPS = 2
_ITERATIONS = 6


def kabsch(shape_m: Tensor, points_m: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rotations [..., 3, 3] and shifts [..., 3] that lay shapes on points.

    Args:
        shape_m: [..., K, 3], in the body's frame.
        points_m: [..., K, 3], in the world.
        weights: [..., K]; 0 leaves a keypoint out.
    """
    share = (weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-9))[..., None]
    shape_mean = (share * shape_m).sum(dim=-2, keepdim=True)
    point_mean = (share * points_m).sum(dim=-2, keepdim=True)
    covariance = (share * (points_m - point_mean)).transpose(-1, -2) @ (shape_m - shape_mean)
    u, _, vt = torch.linalg.svd(covariance)
    sign = torch.linalg.det(u @ vt)
    u = torch.cat([u[..., :2], u[..., 2:] * sign[..., None, None]], dim=-1)
    rotation = u @ vt
    shift = point_mean - shape_mean @ rotation.transpose(-1, -2)
    return rotation, shift[..., 0, :]


def estimate_body_shapes(
    points_m: Tensor, names: Tensor, bodies: Tensor, *, num_names: int
) -> Tensor:
    """Return the place of every name in its body's frame [num_names + 1, 3]; NaN if unknown.

    Args:
        points_m: TrackDataset [F, K, 3], NaN where a keypoint has no position.
        names: [F, K], 0 = unknown or padding.
        bodies: [F, K], number of the parent in its episode, -1 = none.
        num_names: Names that are known.

    A body is a set of names that share a parent; where sets of several episodes overlap (a
    keypoint changes its parent with the variation), the one with most frames counts.
    """
    shapes = torch.full((num_names + 1, 3), torch.nan)
    frames_of: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    patterns = torch.cat([names, bodies], dim=1)
    unique, pattern_index = torch.unique(patterns, dim=0, return_inverse=True)
    half = names.shape[1]
    for number, pattern in enumerate(unique):
        frames = (pattern_index == number).nonzero()[:, 0]
        for columns in body_columns(pattern[:half], pattern[half:]):
            order = sorted(columns, key=lambda column: int(pattern[column]))
            key = tuple(int(pattern[column]) for column in order)
            frames_of[key].append(points_m[frames][:, order])
    for key in sorted(frames_of, key=lambda key: sum(map(len, frames_of[key]))):
        tracks = torch.cat(frames_of[key])
        complete = tracks[torch.isfinite(tracks).all(dim=-1).all(dim=-1)]
        if len(complete):
            shapes[list(key)] = _mean_shape(complete)
    return shapes


def body_columns(names: Tensor, bodies: Tensor) -> list[list[int]]:
    """Return for each body of an episode its keypoints with a known name, two or more."""
    found: dict[int, list[int]] = defaultdict(list)
    for column, (name, body) in enumerate(zip(names.tolist(), bodies.tolist(), strict=True)):
        if name > 0 and body >= 0:
            found[body].append(column)
    return [columns for _, columns in sorted(found.items()) if len(columns) >= 2]


def _mean_shape(tracks: Tensor) -> Tensor:
    """Return the mean shape [k, 3], about its own centre, of complete frames [n, k, 3]."""
    centred = tracks - tracks.mean(dim=1, keepdim=True)
    shape = centred[0]
    ones = torch.ones(tracks.shape[:2], dtype=tracks.dtype)
    for _ in range(_ITERATIONS):
        rotation, _ = kabsch(shape.expand_as(centred), centred, ones)
        shape = (centred @ rotation).mean(dim=0)
        shape = shape - shape.mean(dim=0)
    rotation, _ = kabsch(shape.expand_as(centred), centred, ones)
    return shape @ _rotation_to_z_axis(rotation.mean(dim=0)[2]).T


def _rotation_to_z_axis(vertical: Tensor) -> Tensor:
    """Return the rotation [3, 3] that turns a direction of the body's frame to its z axis."""
    up = vertical / vertical.norm().clamp_min(1e-9)
    helper_axis = torch.eye(3, dtype=up.dtype)[int(up.abs().argmin())]
    first = torch.linalg.cross(helper_axis, up)
    first = first / first.norm()
    return torch.stack([first, torch.linalg.cross(up, first), up])


def fit_bodies(
    shapes: Tensor,
    names: Tensor,
    bodies: Tensor,
    points_m: Tensor,
    information: Tensor,
    information_vector: Tensor,
    determined: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return keypoints where their bodies are [F, K, 3], and which could be placed [F, K].

    The second [F, K, 3] is where upright bodies would be.

    Args:
        shapes: Of `estimate_shapes`.
        names: [F, K].
        bodies: [F, K].
        points_m: Triangulated points z [F, K, 3].
        information: A [F, K, 3, 3] at z.
        moment: b [F, K, 3] at z.
        determined: [F, K], 1 where views fix z.

    A pose needs two keypoints that views fix (then nothing is known of the turn about their
    line, and hidden keypoints are not placed), or three. Others stay at z.
    """
    placed, upright, found = points_m.clone(), points_m.clone(), determined.clone()
    shape = shapes.to(points_m)[names]
    has_shape = torch.isfinite(shape).all(dim=-1)
    shape = torch.nan_to_num(shape)
    for body in range(int(bodies.max()) + 1 if bodies.numel() else 0):
        member = ((bodies == body) & has_shape).to(points_m.dtype)
        weights = member * determined
        count = weights.sum(dim=-1)
        frames = (count >= 2).nonzero()[:, 0]
        if not len(frames):
            continue
        fitted, yaw_only = _fit_poses(
            shape[frames],
            points_m[frames],
            information[frames],
            information_vector[frames],
            weights[frames],
        )
        is_full_pose = (count[frames] >= 3)[:, None]
        chosen = (member[frames] > 0) & (is_full_pose | (weights[frames] > 0))
        placed[frames] = torch.where(chosen[..., None], fitted, placed[frames])
        upright[frames] = torch.where(chosen[..., None], yaw_only, upright[frames])
        found[frames] = torch.where(chosen, 1.0, found[frames])
    return placed, upright, found


def _fit_poses(
    shape: Tensor, points: Tensor, information: Tensor, information_vector: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Return keypoints [n, K, 3] of bodies at the poses that explain their evidence best.

    First at any pose, then at those that are turned about the vertical only.
    """
    rotation, shift = kabsch(shape, points, weights)
    evidence = (
        points,
        information * weights[..., None, None],
        information_vector * weights[..., None],
    )
    for _ in range(_GAUSS_NEWTON_STEPS):
        rotation, shift = _gauss_newton_step(
            shape, rotation, shift, *evidence, rotation_axes=(3, 4, 5)
        )
    free = shape @ rotation.transpose(-1, -2) + shift[:, None]
    yaw = torch.atan2(rotation[:, 1, 0] - rotation[:, 0, 1], rotation[:, 0, 0] + rotation[:, 1, 1])
    zero = torch.zeros_like(yaw)
    rotation = torch.linalg.matrix_exp(_skew_matrix(torch.stack([zero, zero, yaw], dim=-1)))
    for _ in range(_GAUSS_NEWTON_STEPS):
        rotation, shift = _gauss_newton_step(shape, rotation, shift, *evidence, rotation_axes=(5,))
    return free, shape @ rotation.transpose(-1, -2) + shift[:, None]


def _gauss_newton_step(
    shape: Tensor,
    rotation: Tensor,
    shift: Tensor,
    points: Tensor,
    information: Tensor,
    information_vector: Tensor,
    *,
    rotation_axes: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    """Take one Gauss-Newton step on poses; `turns` are the axes (3, 4, 5) that may turn."""
    rotated_shape = shape @ rotation.transpose(-1, -2)
    residual_vector = (
        information_vector
        - (information @ (rotated_shape + shift[:, None] - points)[..., None])[..., 0]
    )
    eye = torch.eye(3, dtype=points.dtype, device=points.device)
    # A turn by omega moves a keypoint by omega x r = -[r]x omega.
    jacobian = torch.cat(
        [eye.expand(*rotated_shape.shape[:-1], 3, 3), -_skew_matrix(rotated_shape)], dim=-1
    )
    free = [0, 1, 2, *rotation_axes]
    jacobian = jacobian[..., free]
    matrix = (jacobian.transpose(-1, -2) @ information @ jacobian).sum(dim=1)
    gradient = (jacobian.transpose(-1, -2) @ residual_vector[..., None]).sum(dim=1)
    # Damping holds turns that nothing fixes: 1e-4 of the mean stiffness.
    stiffness = matrix.diagonal(dim1=-2, dim2=-1)
    parts = (stiffness[:, :3], stiffness[:, 3:])
    damping = torch.cat([part.mean(-1, True).expand_as(part) for part in parts], dim=-1)
    step = torch.linalg.solve(matrix + torch.diag_embed(1e-4 * damping + 1e-12), gradient)[..., 0]
    rotation_step = torch.zeros_like(shift)
    rotation_step[:, [axis - 3 for axis in rotation_axes]] = step[:, 3:].clamp(-0.5, 0.5)
    return torch.linalg.matrix_exp(_skew_matrix(rotation_step)) @ rotation, shift + step[
        :, :3
    ].clamp(-0.1, 0.1)


def _skew_matrix(vector: Tensor) -> Tensor:
    """Return the matrices [..., 3, 3] of v x."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    result: Tensor = torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
    return result
