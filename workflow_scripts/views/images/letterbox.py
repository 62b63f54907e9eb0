"""Fit photos of all sizes into one frame: scaled to fit, centred, with bars; cameras follow.

A photo keeps its aspect ratio up to the rounding of its scaled size to whole pixels. The camera
of the frame is exact all the same: both axes have their own scale, and the principal point moves
with the bars.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

BAR = 127
"""Grey level of the bars."""


@dataclass(frozen=True)
class Letterbox:
    """How a picture of width x height lies in a frame: pixels x0..x1, y0..y1 (exclusive ends)."""

    width_px: int
    height_px: int
    frame_width_px: int
    frame_height_px: int
    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def fit(
        cls, *, width_px: int, height_px: int, frame_width_px: int, frame_height_px: int
    ) -> "Letterbox":
        """Place a picture in the middle of a frame, as large as fits."""
        scale = min(frame_width_px / width_px, frame_height_px / height_px)
        width = min(max(round(width_px * scale), 1), frame_width_px)
        height = min(max(round(height_px * scale), 1), frame_height_px)
        x0, y0 = (frame_width_px - width) // 2, (frame_height_px - height) // 2
        return cls(
            *(width_px, height_px, frame_width_px, frame_height_px),
            *(x0, y0, x0 + width, y0 + height),
        )

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Return frame pixels per picture pixel along x and y."""
        return (self.x1 - self.x0) / self.width_px, (self.y1 - self.y0) / self.height_px

    def rgb(self, rgb: np.ndarray) -> np.ndarray:
        """Return u8 [frame height, frame width, 3] of a picture u8 [h, w, 3], bars grey."""
        frame = np.full((self.frame_height_px, self.frame_width_px, 3), BAR, np.uint8)
        size = (self.x1 - self.x0, self.y1 - self.y0)
        scaled = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
        frame[self.y0 : self.y1, self.x0 : self.x1] = np.asarray(scaled)
        return frame

    def nearest(self, values: np.ndarray, *, bar: float) -> np.ndarray:
        """Return [frame height, frame width] of a map [h, w], each pixel its nearest sample.

        For depth and masks, whose values must not be mixed. The map may have another size than
        the picture if it covers the same field.
        """
        frame = np.full((self.frame_height_px, self.frame_width_px), bar, values.dtype)
        rows = nearest_samples(self.y1 - self.y0, values.shape[0])
        columns = nearest_samples(self.x1 - self.x0, values.shape[1])
        frame[self.y0 : self.y1, self.x0 : self.x1] = values[rows[:, None], columns]
        return frame

    def intrinsics(self, intrinsics_33: np.ndarray) -> np.ndarray:
        """Return K [3, 3] of the frame from K of the picture."""
        scale_x, scale_y = self.scale_xy
        frame_from_picture = np.array([[scale_x, 0, self.x0], [0, scale_y, self.y0], [0, 0, 1.0]])
        return frame_from_picture @ np.asarray(intrinsics_33, dtype=np.float64)


def nearest_samples(count: int, available: int) -> np.ndarray:
    """Return the index of the sample whose cell holds each pixel's centre."""
    return np.minimum(((np.arange(count) + 0.5) * available / count).astype(int), available - 1)
