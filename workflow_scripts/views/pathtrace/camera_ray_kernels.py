"""Compiled loops over the pixels of a camera: the directions of its rays."""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel


@numba_kernel
def _fill_direction(
    x: Any, y: Any, intrinsics: np.ndarray, rotation: np.ndarray, directions: np.ndarray, ray: int
) -> None:
    """Fill row `ray` of directions [n, 3] with the one through a place (x, y) of the image."""
    x = (x - intrinsics[2]) / intrinsics[0]
    y = (y - intrinsics[3]) / intrinsics[1]
    for axis in range(3):
        value = x * rotation[axis, 0] + y * rotation[axis, 1] + rotation[axis, 2]
        directions[ray, axis] = value


@numba_kernel
def camera_directions(
    jitter: np.ndarray,
    width: int,
    top: int,
    samples: int,
    intrinsics: np.ndarray,
    rotation: np.ndarray,
    directions: np.ndarray,
) -> None:
    """Fill the directions [rows * width * samples, 3] through `jitter` [2, n] of each pixel.

    `intrinsics` f32 [4] are fx, fy, cx, cy; `rotation` f32 [3, 3] is that of the camera.
    """
    ray = 0
    for row in range(top, top + len(directions) // (width * samples)):
        for column in range(width):
            for _ in range(samples):
                x = np.float32(column) + jitter[0, ray]
                y = np.float32(row) + jitter[1, ray]
                _fill_direction(x, y, intrinsics, rotation, directions, ray)
                ray += 1


@numba_kernel
def stratified_directions(
    jitter: np.ndarray,
    pixels: np.ndarray,
    width: int,
    columns: int,
    intrinsics: np.ndarray,
    rotation: np.ndarray,
    directions: np.ndarray,
) -> None:
    """Fill directions [p * samples, 3] through a point of every cell of a grid in each pixel.

    `jitter` [2, p, samples] is the place in the cell; the grid has `columns` columns.
    """
    samples = jitter.shape[2]
    rows = samples // columns
    for number in range(len(pixels)):
        row, column = pixels[number] // width, pixels[number] % width
        for sample in range(samples):
            x = (jitter[0, number, sample] + np.float32(sample % columns)) / np.float32(columns)
            y = (jitter[1, number, sample] + np.float32(sample // columns)) / np.float32(rows)
            x, y = np.float32(column) + x, np.float32(row) + y
            _fill_direction(x, y, intrinsics, rotation, directions, number * samples + sample)
