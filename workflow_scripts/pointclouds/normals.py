"""Estimate surface normals from the depth of one view.

On a plane, inverse depth w is an affine function of the pixel: w = a u + b v + c. So its
differences give the exact normal of a flat surface, n ~ (fx a, fy b, w - (u - cx) a - (v - cy) b),
at any slant, where differences of points would need small angles.
"""

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.geometry.cameras import Camera


def view_normals(depth_m: np.ndarray, camera: Camera) -> np.ndarray:
    """Return unit normals towards the camera in the world frame, f32 [height, width, 3].

    Where a pixel has no usable neighbour the normal points to the camera; without depth it is
    of no meaning.
    """
    # Two pixels without depth on every side give all pixels the neighbours that slopes look at.
    inverse = np.full((depth_m.shape[0] + 4, depth_m.shape[1] + 4), np.nan)
    usable = np.isfinite(depth_m) & (depth_m > 0)
    np.divide(1.0, depth_m, out=inverse[2:-2, 2:-2], where=usable, dtype=np.float64)
    rotation = np.ascontiguousarray(camera.world_from_camera[:3, :3])
    result: np.ndarray = _normals(inverse, np.ascontiguousarray(camera.intrinsics), rotation)
    return result


@numba_kernel
def _normals(inverse: np.ndarray, intrinsics: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Return normals f32 [h, w, 3] from inverse depth f64 [h + 4, w + 4], NaN where unknown."""
    height, width = inverse.shape[0] - 4, inverse.shape[1] - 4
    focal_x, focal_y = intrinsics[0, 0], intrinsics[1, 1]
    normals = np.empty((height, width, 3), np.float32)
    for row in range(height):
        v = row + 0.5 - intrinsics[1, 2]
        for column in range(width):
            u = column + 0.5 - intrinsics[0, 2]
            i, j = row + 2, column + 2
            centre = inverse[i, j]
            per_u = _slope(
                inverse[i, j - 2], inverse[i, j - 1], centre, inverse[i, j + 1], inverse[i, j + 2]
            )
            per_v = _slope(
                inverse[i - 2, j], inverse[i - 1, j], centre, inverse[i + 1, j], inverse[i + 2, j]
            )
            x, y, z = focal_x * per_u, focal_y * per_v, centre - u * per_u - v * per_v
            if not np.isfinite(z):
                x, y, z = u / focal_x, v / focal_y, 1.0
            # `inverse` is positive, so the vector above points away from the camera.
            scale = -1.0 / np.sqrt(x * x + y * y + z * z)
            for axis in range(3):
                along = rotation[axis, 0] * x + rotation[axis, 1] * y + rotation[axis, 2] * z
                normals[row, column, axis] = along * scale
    return normals


@numba_kernel
def _slope(
    two_before: float, one_before: float, centre: float, one_after: float, two_after: float
) -> float:
    """Return the slope at `centre` from the side where the five values are straightest.

    Of three stencils (the two pixels before, one on either side, the two after) the one with
    the smallest second difference is taken: at an edge that is the one that stays on the
    pixel's own surface. NaN where all three hold a NaN.
    """
    before, after = centre - one_before, one_after - centre
    bend = abs(after - before)
    bend_before = abs(before - (one_before - two_before))
    bend_after = abs((two_after - one_after) - after)
    bend = np.inf if np.isnan(bend) else bend
    bend_before = np.inf if np.isnan(bend_before) else bend_before
    bend_after = np.inf if np.isnan(bend_after) else bend_after
    slope = before if bend_before <= bend_after else after
    if bend <= min(bend_before, bend_after):
        slope = (before + after) / 2
    # Near the border, or in strips two pixels wide, one difference is all there is.
    one_sided = after if np.isnan(before) else before
    return one_sided if np.isnan(slope) else slope
