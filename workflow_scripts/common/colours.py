"""Name the colour that an object has in a picture."""

import numpy as np

from workflow_scripts.common.srgb import linear_from_srgb

MIN_PIXELS = 40
MIN_SHARE = 0.5
_MAX_SAMPLES = 600

COLOUR_NAMES = (
    *("black", "gray", "white", "brown", "beige", "red", "orange", "yellow", "green", "teal"),
    *("blue", "purple", "pink"),
)
# Nearer than this to the gray axis a colour looks gray; very dark ones look black whatever
# their hue. Rooms are lit warmly and people see past that: a white bowl measures (a, b) of about
# (2, 5) in our pictures and a neutral one (0, 0), so the axis is put between them.
_GRAY_CHROMA = 9.0
_GRAY_A, _GRAY_B = 1.0, 3.5
_BLACK_LIGHTNESS, _DARK_LIGHTNESS, _WHITE_LIGHTNESS = 10.0, 31.0, 78.0


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """Turn sRGB u8 [..., 3] into CIELAB [..., 3] (D65)."""
    linear = linear_from_srgb(np.asarray(rgb, dtype=np.float64) / 255)
    xyz_from_rgb = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ xyz_from_rgb.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness = 116 * f[..., 1] - 16
    return np.stack(
        [lightness, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


def colour_name_indices(rgb: np.ndarray) -> np.ndarray:
    """Return the index into `NAMES` for sRGB u8 [n, 3], by lightness, chroma and hue in CIELAB.

    Brown and beige are dark and pale orange to yellow, pink is pale red; the limits are those
    at which the boxes of our own test pictures change their everyday name.
    """
    lightness, a, b = np.moveaxis(rgb_to_lab(rgb), -1, 0)
    chroma, hue = np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360
    is_gray = np.hypot(a - _GRAY_A, b - _GRAY_B) < _GRAY_CHROMA
    warm = (hue >= 20) & (hue < 100)
    reddish, yellowish = warm & (hue < 48), warm & (hue >= 75)
    rules = [
        ("black", (lightness < _BLACK_LIGHTNESS) | (is_gray & (lightness < _DARK_LIGHTNESS))),
        ("white", is_gray & (lightness > _WHITE_LIGHTNESS)),
        ("gray", is_gray),
        ("pink", ((hue < 20) | (hue >= 330)) & (lightness >= 50)),
        ("purple", (hue >= 308) & (hue < 345)),
        ("red", (hue < 20) | (hue >= 345)),
        ("red", reddish & (chroma > 42) & (lightness < 65) & (hue < 44)),
        ("pink", reddish & (lightness >= 65) & (hue < 44)),
        ("yellow", yellowish & (chroma > 42) & (lightness >= 55)),
        ("orange", warm & (chroma > 55) & (lightness >= 45)),
        ("brown", warm & (lightness < 63)),
        ("beige", warm),
        ("yellow", (hue < 114) & (chroma > 42) & (lightness > 75)),
        ("green", hue < 172),
        ("teal", hue < 222),
        ("blue", hue < 308),
    ]
    choices = [np.full(lightness.shape, COLOUR_NAMES.index(name)) for name, _ in rules]
    return np.select([condition for _, condition in rules], choices)


def colour_name(rgb: np.ndarray, mask: np.ndarray) -> str:
    """Name the median colour of a mask, or return '' where no single name fits.

    No name is given to fewer than `MIN_PIXELS` pixels, nor when less than `MIN_SHARE` of them
    have it alone: a patterned object has no single colour.
    """
    pixels = rgb[mask]
    if len(pixels) < MIN_PIXELS:
        return ""
    # A lattice of the object's pixels, not a random draw, so that the same picture always gets
    # the same name.
    pixels = pixels[:: max(1, len(pixels) // _MAX_SAMPLES)]
    median = colour_name_indices(np.median(pixels, axis=0)[None])[0]
    share = np.mean(colour_name_indices(pixels) == median)
    return COLOUR_NAMES[median] if share >= MIN_SHARE else ""
