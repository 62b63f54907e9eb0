"""Lens distortion: pictures of OpenCV's and of fisheye lenses become those of a pinhole."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.ndimage import map_coordinates

from workflow_scripts.geometry.cameras import FloatArray


@dataclass(frozen=True)
class LensDistortion:
    """Coefficients of a lens.

    `radial` are k1, k2, k3, k4: of the powers 2, 4, 6, 8 of the distance from the axis (opencv) or
    of the angle to the axis (fisheye). `tangential` are p1, p2; a fisheye lens has none.
    """

    model: Literal["opencv", "fisheye"] = "opencv"
    radial: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    tangential: tuple[float, float] = (0.0, 0.0)

    @property
    def is_pinhole(self) -> bool:
        """Return whether the lens distorts nothing."""
        return self.model == "opencv" and not any((*self.radial, *self.tangential))

    def distort(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where the lens shows the points x, y [...] of the plane at distance 1."""
        square = x * x + y * y
        if self.model == "fisheye":
            distance = np.sqrt(square)
            angle = np.arctan(distance)
            shown = angle * self._polynomial(angle * angle)
            factor = np.divide(shown, distance, out=np.ones_like(shown), where=distance > 1e-9)
            return x * factor, y * factor
        factor = self._polynomial(square)
        p1, p2 = self.tangential
        shown_x = x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x)
        shown_y = y * factor + p1 * (square + 2 * y * y) + 2 * p2 * x * y
        return shown_x, shown_y

    def _polynomial(self, square: FloatArray) -> FloatArray:
        result = np.zeros_like(square)
        for coefficient in reversed(self.radial):
            result = (result + coefficient) * square
        return 1.0 + result


def undistort(
    picture: np.ndarray, intrinsics_33: FloatArray, lens: LensDistortion, *, nearest: bool = False
) -> np.ndarray:
    """Return a picture [h, w] or [h, w, 3] as a pinhole of the same K sees it.

    Whole numbers are interpolated and rounded; with `nearest` nothing is interpolated (depth, ids).
    What the lens did not show is 0, or NaN in floating-point pictures.
    """
    height, width = picture.shape[:2]
    rows, columns = _source_pixels(
        tuple(np.asarray(intrinsics_33, dtype=np.float64).ravel().tolist()), lens, width, height
    )
    is_float = np.issubdtype(picture.dtype, np.floating)
    near_rows, near_columns = np.rint(rows).astype(int), np.rint(columns).astype(int)
    is_shown = (near_rows >= 0) & (near_rows < height)
    is_shown &= (near_columns >= 0) & (near_columns < width)
    result = np.full(picture.shape, np.nan if is_float else 0, dtype=picture.dtype)
    if nearest:
        result[is_shown] = picture[near_rows[is_shown], near_columns[is_shown]]
        return result
    layers, filled = picture.reshape(height, width, -1), result.reshape(height, width, -1)
    places = [rows[is_shown], columns[is_shown]]
    for layer in range(layers.shape[-1]):
        values = map_coordinates(
            layers[..., layer].astype(np.float32), places, order=1, mode="nearest"
        )
        filled[is_shown, layer] = values if is_float else np.rint(values)
    return result


@lru_cache(maxsize=4)
def _source_pixels(
    k: tuple[float, ...], lens: LensDistortion, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns f32 [h, w] at which the distorted picture shows each pixel."""
    fx, fy, cx, cy = k[0], k[4], k[2], k[5]
    x, y = np.meshgrid((np.arange(width) + 0.5 - cx) / fx, (np.arange(height) + 0.5 - cy) / fy)
    shown_x, shown_y = lens.distort(x, y)
    rows, columns = shown_y * fy + cy - 0.5, shown_x * fx + cx - 0.5
    return rows.astype(np.float32), columns.astype(np.float32)
