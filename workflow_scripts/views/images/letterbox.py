"""Letterbox photos into a frame: scaled to fit, centred, with bars; intrinsics are adapted.

A photo keeps its aspect ratio up to the rounding of its scaled size to whole pixels. The camera
of the frame is exact: each axis has its scale, and the principal point moves with the bars.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

BAR = 127
"""Grey level of the bars."""


@dataclass(frozen=True)
class Letterbox:
    """Where an image of width x height lies in a frame: x0..x1, y0..y1 (exclusive ends)."""

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
        """Centre an image in a frame, as large as possible."""
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
        """Return frame pixels per image pixel along x and y."""
        return (self.x1 - self.x0) / self.width_px, (self.y1 - self.y0) / self.height_px

    def rgb(self, rgb: np.ndarray) -> np.ndarray:
        """Return u8 [frame height, frame width, 3] of an image u8 [h, w, 3], bars grey."""
        frame = np.full((self.frame_height_px, self.frame_width_px, 3), BAR, np.uint8)
        size = (self.x1 - self.x0, self.y1 - self.y0)
        scaled = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
        frame[self.y0 : self.y1, self.x0 : self.x1] = np.asarray(scaled)
        return frame

    def nearest(self, values: np.ndarray, *, bar: float) -> np.ndarray:
        """Return [frame height, frame width] of a map [h, w], each pixel its nearest sample.

        For depth and masks, whose values must not be mixed. The map may have another size than
        the image if it covers the same field of view.
        """
        frame = np.full((self.frame_height_px, self.frame_width_px), bar, values.dtype)
        rows = nearest_samples(self.y1 - self.y0, values.shape[0])
        columns = nearest_samples(self.x1 - self.x0, values.shape[1])
        frame[self.y0 : self.y1, self.x0 : self.x1] = values[rows[:, None], columns]
        return frame

    def intrinsics(self, intrinsics_33: np.ndarray) -> np.ndarray:
        """Return K [3, 3] of the frame from K of the image."""
        scale_x, scale_y = self.scale_xy
        frame_from_image = np.array([[scale_x, 0, self.x0], [0, scale_y, self.y0], [0, 0, 1.0]])
        k: np.ndarray = frame_from_image @ np.asarray(intrinsics_33, dtype=np.float64)
        return k


def nearest_samples(count: int, available: int) -> np.ndarray:
    """Return the index of the sample whose cell contains each pixel's centre."""
    index = ((np.arange(count) + 0.5) * available / count).astype(int)
    clipped: np.ndarray = np.minimum(index, available - 1)
    return clipped
