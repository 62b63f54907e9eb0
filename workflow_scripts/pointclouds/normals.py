"""Estimate surface normals from the depth of one view.

On a plane, inverse depth w is an affine function of the pixel: w = a u + b v + c. So its
differences give the exact normal of a flat surface, n ~ (fx a, fy b, w - (u - cx) a - (v - cy) b),
at any slant, where differences of points would need small angles.
"""

import numpy as np

from workflow_scripts.common.cameras import Camera


def view_normals(depth_m: np.ndarray, camera: Camera) -> np.ndarray:
    """Return unit normals f32 [height, width, 3] in the world frame, towards the camera.

    Where a pixel has no usable neighbour the normal points to the camera; without depth it is
    of no meaning.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / np.asarray(depth_m, dtype=np.float64)
    inverse[~(np.isfinite(inverse) & (inverse > 0))] = np.nan
    k = camera.intrinsics
    height, width = inverse.shape
    per_u = _slope(inverse)
    per_v = _slope(inverse.T).T
    u = np.arange(width) + 0.5 - k[0, 2]
    v = np.arange(height)[:, None] + 0.5 - k[1, 2]
    facing = -np.stack([k[0, 0] * per_u, k[1, 1] * per_v, inverse - u * per_u - v * per_v], -1)
    rays = np.stack(np.broadcast_arrays(u / k[0, 0], v / k[1, 1], 1.0), -1)
    bad = ~np.isfinite(facing).all(axis=-1)
    facing[bad] = -rays[bad]
    facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
    return (facing @ camera.world_from_camera[:3, :3].T).astype(np.float32)


def _slope(values: np.ndarray) -> np.ndarray:
    """Return the slope [h, w] along the last axis from the side where `values` are straightest.

    Of three stencils (the two pixels before, one on either side, the two after) the one with
    the smallest second difference is taken: at an edge that is the one that stays on the
    pixel's own surface. NaN where all three hold a NaN.
    """
    step = np.diff(values, axis=1, prepend=np.nan, append=np.nan)
    before, after = step[:, :-1], step[:, 1:]
    bend = np.abs(after - before)
    bend = np.where(np.isnan(bend), np.inf, bend)
    side = np.pad(bend, ((0, 0), (1, 1)), constant_values=np.inf)
    bend_before, bend_after = side[:, :-2], side[:, 2:]
    # Near the border, or in strips two pixels wide, one difference is all there is.
    one_sided = np.where(np.isnan(before), after, before)
    slope = np.where(bend_before <= bend_after, before, after)
    slope = np.where(bend <= np.minimum(bend_before, bend_after), (before + after) / 2, slope)
    return np.where(np.isnan(slope), one_sided, slope)
