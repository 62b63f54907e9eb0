"""Coloured marks on pictures: what a marked question points with."""

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

# Far apart in hue and saturated, so that a 96-pixel vision tower can distinguish them.
MARK_COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "green": (0, 220, 0),
    "blue": (0, 60, 255),
    "yellow": (255, 235, 0),
}
RADIUS_SHARE = 0.045
_OVERSAMPLING = 4


def mark_radius_px(image_size_px: int) -> float:
    """Return the radius of a mark on an image whose shorter side has this many pixels."""
    return RADIUS_SHARE * image_size_px


def mark_area_px(image_size_px: int) -> float:
    """Return how many pixels a mark covers."""
    return math.pi * mark_radius_px(image_size_px) ** 2


def draw_boxes(
    rgb: np.ndarray, boxes: Iterable[tuple[str, tuple[float, float, float, float]]]
) -> np.ndarray:
    """Draw coloured frames with a thin white rim on a copy of u8 [height, width, 3].

    `boxes` are (colour name, (x0, y0, x1, y1)); a frame's outer edge is the box.
    """
    picture = Image.fromarray(rgb).convert("RGB")
    pen = ImageDraw.Draw(picture)
    line = max(2, round(0.01 * min(rgb.shape[:2])))
    for colour, (x0, y0, x1, y1) in boxes:
        frame = (x0, y0, max(x1 - 1, x0), max(y1 - 1, y0))
        pen.rectangle(frame, outline=(255, 255, 255), width=line + 2)
        pen.rectangle(frame, outline=MARK_COLOURS[colour], width=line)
    return np.asarray(picture)


def draw_marks(rgb: np.ndarray, marks: Iterable[tuple[str, tuple[float, float]]]) -> np.ndarray:
    """Draw filled discs with a white rim on a copy of u8 [height, width, 3].

    `marks` are (colour name, (u, v)) with pixel centres at +0.5.
    """
    height, width = rgb.shape[:2]
    radius = mark_radius_px(min(height, width))
    picture = Image.fromarray(rgb).convert("RGB")
    layer = Image.new("RGBA", (width * _OVERSAMPLING, height * _OVERSAMPLING), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    for colour, (u, v) in marks:
        for extent, fill in ((radius, (255, 255, 255)), (0.8 * radius, MARK_COLOURS[colour])):
            # Pillow's box includes its last pixel, which would shift the disc by half of one.
            low = [_OVERSAMPLING * (centre - extent) for centre in (u, v)]
            high = [_OVERSAMPLING * (centre + extent) - 1 for centre in (u, v)]
            pen.ellipse([*low, *high], fill=(*fill, 255))
    layer = layer.resize((width, height), Image.Resampling.BOX)
    picture.paste(layer, mask=layer.getchannel("A"))
    return np.asarray(picture)


def mark_pixel(mask: np.ndarray) -> tuple[float, float]:
    """Return the (u, v) of a mask's pixel that lies deep inside it and near its middle.

    Unlike the mean of the mask's pixels it is always on the object. Of the pixels at least 0.8
    as far from the mask's edge as the deepest one, it is the nearest to that mean: the deepest
    alone would be an end of the ridge of a long object as readily as its middle.
    """
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    middle = np.argwhere(mask).mean(axis=0)
    deep = np.argwhere(depth >= 0.8 * depth.max())
    row, column = deep[np.argmin(((deep - middle) ** 2).sum(axis=1))]
    return float(column) + 0.5, float(row) + 0.5
