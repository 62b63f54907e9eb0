"""Estimate surface normals from the depth of one view.

On a plane, inverse depth w is an affine function of the pixel: w = a u + b v + c. So its
differences give the exact normal of a flat surface, n ~ (fx a, fy b, w - (u - cx) a - (v - cy) b),
at any slant, where differences of points would need small angles.
"""

import numpy as np

from workflow_scripts.common.cameras import Camera


def view_normals(depth_m: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return world x, y and z, each f32 [height, width], of unit normals towards the camera.

    Where a pixel has no usable neighbour the normal points to the camera; without depth it is
    of no meaning.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / np.asarray(depth_m, dtype=np.float64)
    inverse[~(np.isfinite(inverse) & (inverse > 0))] = np.nan
    k = camera.intrinsics
    height, width = inverse.shape
    per_u = _slope(inverse)
    per_v = _slope(np.ascontiguousarray(inverse.T)).T
    u = np.arange(width) + 0.5 - k[0, 2]
    v = np.arange(height)[:, None] + 0.5 - k[1, 2]
    along_x, along_y = k[0, 0] * per_u, k[1, 1] * per_v
    along_z = inverse - u * per_u - v * per_v
    lost = ~np.isfinite(along_z)
    if lost.any():
        ray_x, ray_y = np.broadcast_arrays(u / k[0, 0], v / k[1, 1])
        along_x[lost], along_y[lost], along_z[lost] = ray_x[lost], ray_y[lost], 1.0
    # `inverse` is positive, so the vector above points away from the camera.
    scale = -1.0 / np.sqrt(along_x**2 + along_y**2 + along_z**2)
    rotation = camera.world_from_camera[:3, :3]
    x, y, z = (
        ((row[0] * along_x + row[1] * along_y + row[2] * along_z) * scale).astype(np.float32)
        for row in rotation
    )
    return x, y, z


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
