"""Name the colour that an object has in a picture."""

import numpy as np

MIN_PIXELS = 40
MIN_SHARE = 0.5
_MAX_SAMPLES = 2000

# sRGB prototypes; a colour is named after the nearest one in CIELAB, where distance is close to
# how different two colours look. Several per name, because a name covers light and shade.
_PROTOTYPES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((0, 0, 0), (30, 30, 30), (38, 34, 32)),
    "gray": ((80, 80, 80), (110, 110, 110), (140, 140, 140), (170, 172, 174), (190, 192, 195)),
    "white": ((235, 235, 235), (255, 255, 255), (240, 236, 226), (218, 218, 216)),
    "brown": ((70, 45, 28), (105, 68, 38), (140, 90, 50), (165, 115, 70), (120, 88, 66)),
    "beige": ((225, 205, 170), (205, 185, 150), (190, 168, 132), (235, 222, 196)),
    "red": ((200, 30, 30), (160, 30, 30), (110, 20, 22), (225, 60, 50)),
    "orange": ((240, 130, 20), (220, 110, 30), (250, 160, 70)),
    "yellow": ((245, 220, 40), (225, 200, 70), (240, 230, 130), (180, 155, 30)),
    "green": ((30, 140, 40), (20, 80, 30), (110, 160, 60), (140, 200, 130), (85, 107, 60)),
    "blue": ((30, 60, 190), (20, 30, 90), (70, 120, 200), (140, 185, 230), (60, 90, 130)),
    "purple": ((110, 40, 150), (70, 30, 90), (160, 110, 200)),
    "pink": ((240, 130, 170), (250, 190, 205), (215, 90, 140)),
}
NAMES = tuple(_PROTOTYPES)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Turn sRGB u8 [..., 3] into CIELAB [..., 3] (D65)."""
    srgb = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz_from_rgb = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ xyz_from_rgb.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness = 116 * f[..., 1] - 16
    return np.stack(
        [lightness, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


_PROTOTYPE_LAB = lab(np.array([colour for group in _PROTOTYPES.values() for colour in group]))
_PROTOTYPE_NAME = np.repeat(np.arange(len(NAMES)), [len(group) for group in _PROTOTYPES.values()])


def name_indices(rgb: np.ndarray) -> np.ndarray:
    """Return the index into `NAMES` for sRGB u8 [n, 3]."""
    offsets = lab(rgb)[:, None, :] - _PROTOTYPE_LAB[None]
    return _PROTOTYPE_NAME[np.argmin((offsets**2).sum(axis=-1), axis=1)]


def colour_name(rgb: np.ndarray, mask: np.ndarray) -> str:
    """Name the median colour of a mask, or return '' where no single name fits.

    No name is given to fewer than `MIN_PIXELS` pixels, nor when less than `MIN_SHARE` of them
    have it alone: a patterned thing has no one colour.
    """
    pixels = rgb[mask]
    if len(pixels) < MIN_PIXELS:
        return ""
    # A lattice of the object's pixels, not a random draw, so that the same picture always gets
    # the same name.
    pixels = pixels[:: max(1, len(pixels) // _MAX_SAMPLES)]
    median = name_indices(np.median(pixels, axis=0)[None])[0]
    share = np.mean(name_indices(pixels) == median)
    return NAMES[median] if share >= MIN_SHARE else ""
