"""Convert sRGB to linear light."""

import numpy as np
import numpy.typing as npt


def linear_from_srgb(srgb: npt.ArrayLike) -> np.ndarray:
    """Return linear light f64 of sRGB values in [0, 1], of the same shape."""
    values = np.asarray(srgb, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_rgb(srgb: npt.ArrayLike) -> tuple[float, float, float]:
    """Return linear red, green and blue of an sRGB colour [3] as plain numbers."""
    red, green, blue = (float(channel) for channel in linear_from_srgb(srgb))
    return red, green, blue
