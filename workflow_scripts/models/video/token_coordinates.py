"""Where in the world each visual token lies: the mean of its pixels' points, from depth and pose.

A world point is linear in (u d, v d, d) of its pixel, so their means give the mean point exactly
and no point is made for a single pixel. Pixels without depth are left out.
"""

import math
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel


@dataclass(frozen=True)
class TokenGrid:
    """Which pixels of a depth map belong to which token of a frame.

    Attributes:
        row_starts: i64 [rows + 1]; token row r has the pixel rows from `row_starts[r]` up to the
            next one.
        column_starts: i64 [columns + 1], likewise.
    """

    row_starts: np.ndarray
    column_starts: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.row_starts) - 1

    @property
    def columns(self) -> int:
        return len(self.column_starts) - 1

    @property
    def num_tokens(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class TokenCoordinates:
    """What tokens show, as depth and poses say.

    Attributes:
        xyz_m: f32 [frames, rows, columns, 3], mean world point of the valid pixels; NaN where
            there are none.
        validity: f32 [frames, rows, columns], share of the pixels that are valid.
        depth_m: f32 [frames, rows, columns], mean planar depth of the valid pixels, or NaN.
    """

    xyz_m: np.ndarray
    validity: np.ndarray
    depth_m: np.ndarray


def token_grid(
    rectangle_px: tuple[float, float, float, float], *, rows: int, columns: int
) -> TokenGrid:
    """Divide a rectangle (left, top, right, bottom) of a depth map evenly into tokens.

    A pixel belongs to the token in which its centre lies.
    """
    left, top, right, bottom = rectangle_px
    return TokenGrid(_starts(top, bottom, rows), _starts(left, right, columns))


def _starts(start: float, stop: float, count: int) -> np.ndarray:
    edges = start + (stop - start) * np.arange(count + 1) / count
    # Edges such as 2.4999999999 are 2.5 without the rounding of the division.
    return np.ceil(np.round(edges - 0.5, 9)).astype(np.int64)


def token_coordinates(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
    grid: TokenGrid,
) -> TokenCoordinates:
    """Return the coordinates of all tokens of some frames.

    Args:
        depth_m: f32 [frames, height, width], planar; NaN, infinite or not positive is none.
        intrinsics: [frames, 3, 3], of the depth maps.
        world_from_camera: [frames, 4, 4]; a frame whose pose is not finite has no valid pixel.
        grid: The tokens' pixels.
    """
    sums = np.zeros((len(depth_m), grid.rows, grid.columns, 4))
    sum_pixels(np.ascontiguousarray(depth_m, np.float32), grid.row_starts, grid.column_starts, sums)
    pixels = np.diff(grid.row_starts)[:, None] * np.diff(grid.column_starts)[None, :]
    counts = sums[..., 3]
    matrices, is_usable = world_from_pixel(intrinsics, world_from_camera)
    counts[~is_usable] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counts[..., None] > 0, sums[..., :3] / counts[..., None], np.nan)
        validity = np.where(pixels > 0, counts / pixels, 0.0)
    rotated = np.einsum("fij,frcj->frci", matrices[:, :, :3], means)
    xyz = rotated + matrices[:, None, None, :, 3]
    return TokenCoordinates(
        xyz.astype(np.float32), validity.astype(np.float32), means[..., 2].astype(np.float32)
    )


def world_from_pixel(
    intrinsics: np.ndarray, world_from_camera: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return f64 [frames, 3, 4] and which frames have a finite camera, bool [frames].

    A row times (u d, v d, d, 1) of a pixel is its world coordinate in metres.
    """
    k = np.asarray(intrinsics, np.float64)
    pose = np.asarray(world_from_camera, np.float64)
    numbers = np.concatenate([k.reshape(len(k), -1), pose.reshape(len(pose), -1)], axis=1)
    is_usable: np.ndarray = np.logical_and.reduce(np.isfinite(numbers), axis=1)
    k = np.where(is_usable[:, None, None], k, np.eye(3))
    pose = np.where(is_usable[:, None, None], pose, np.eye(4))
    matrices = np.concatenate([pose[:, :3, :3] @ np.linalg.inv(k), pose[:, :3, 3:]], axis=2)
    return np.ascontiguousarray(matrices), is_usable


@numba_kernel
def sum_pixels(
    depth_m: np.ndarray, row_starts: np.ndarray, column_starts: np.ndarray, sums: np.ndarray
) -> None:
    """Add u d, v d, d and 1 of valid pixels to `sums` f64 [frames, rows, columns, 4]."""
    height, width = depth_m.shape[1], depth_m.shape[2]
    for frame in range(depth_m.shape[0]):
        for row in range(len(row_starts) - 1):
            for v in range(max(row_starts[row], 0), min(row_starts[row + 1], height)):
                line = depth_m[frame, v]
                for column in range(len(column_starts) - 1):
                    first = max(column_starts[column], 0)
                    last = min(column_starts[column + 1], width)
                    total_u, total, count = 0.0, 0.0, 0
                    for u in range(first, last):
                        d = line[u]
                        if d > 0.0 and d < math.inf:
                            total_u += d * (u + 0.5)
                            total += d
                            count += 1
                    cell = sums[frame, row, column]
                    cell[0] += total_u
                    cell[1] += total * (v + 0.5)
                    cell[2] += total
                    cell[3] += count
