"""What a frame is worth: sharpness, exposure, share of pixels with depth."""

from dataclasses import dataclass

import numpy as np

MIN_DEPTH_SHARE = 0.02
"""Frames with depth in a smaller share of their pixels are left out."""
_DARK, _BRIGHT = 16, 240
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class FrameQuality:
    """Measures of a frame.

    `sharpness` is the variance of the Laplacian of grey values 0 to 255, which is small where a
    picture is blurred (and where it shows nothing but a bare wall); `mean_grey` is the exposure;
    `dark_share` and `bright_share` are the pixels without a drawing in shadow or light;
    `depth_share` the pixels with depth, NaN without a depth map.
    """

    sharpness: float
    mean_grey: float
    dark_share: float
    bright_share: float
    depth_share: float

    @property
    def reason(self) -> str:
        """Say why the frame cannot be used, "" if it can."""
        if self.depth_share < MIN_DEPTH_SHARE:
            return (
                f"the depth map is empty: {100 * self.depth_share:.1f} % of its pixels have depth"
            )
        return ""


def frame_quality(rgb: np.ndarray, depth_m: np.ndarray | None) -> FrameQuality:
    """Measure a picture u8 [h, w, 3] and its depth f32 [h, w], NaN where there is none."""
    grey = rgb.astype(np.float32) @ _GREY
    laplacian = (
        grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    )
    return FrameQuality(
        sharpness=float(laplacian.var()) if laplacian.size else 0.0,
        mean_grey=float(grey.mean()),
        dark_share=float((grey < _DARK).mean()),
        bright_share=float((grey > _BRIGHT).mean()),
        depth_share=float("nan") if depth_m is None else float(np.isfinite(depth_m).mean()),
    )
