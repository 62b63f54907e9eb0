"""Textures of small objects: clock faces, telephone screens, cards, discs and newsprint.

Each is drawn once per kind. None has real words, which would give away the category.
"""

from functools import cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from workflow_scripts.common import seeds
from workflow_scripts.views.furniture.materials import to_u8

Box = tuple[float, float, float, float]


def _canvas(w: int, h: int, colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (w, h), colour)
    return image, ImageDraw.Draw(image)


@cache
def clock_face(ground: str, ink: str) -> np.ndarray:
    """Draw a round dial at ten past ten, twelve o'clock up."""
    size = 192
    image, draw = _canvas(size, size, ground)
    middle = size / 2
    for hour in range(12):
        angle = hour * np.pi / 6
        direction = np.array([np.sin(angle), -np.cos(angle)])
        start, end = middle + direction * size * 0.36, middle + direction * size * 0.44
        draw.line([*start, *end], fill=ink, width=9 if hour % 3 == 0 else 5)
    for angle, length, width in ((305, 0.24, 11), (60, 0.34, 8)):
        direction = np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle))])
        draw.line([middle, middle, *(middle + direction * size * length)], fill=ink, width=width)
    draw.ellipse([middle - 8, middle - 8, middle + 8, middle + 8], fill="#a03028")
    return np.asarray(image)


# The lit bars of a seven-segment digit: top, upper right, lower right, bottom, lower left,
# upper left, middle.
SEGMENTS = {"0": "tudblr", "1": "ud", "2": "tumlb", "3": "tumdb", "7": "tud", "8": "tudblrm"}
BARS: dict[str, Box] = {
    "t": (0.15, 0.0, 0.85, 0.12),
    "m": (0.15, 0.44, 0.85, 0.56),
    "b": (0.15, 0.88, 0.85, 1.0),
    "u": (0.8, 0.06, 1.0, 0.48),
    "d": (0.8, 0.52, 1.0, 0.94),
    "r": (0.0, 0.06, 0.2, 0.48),
    "l": (0.0, 0.52, 0.2, 0.94),
}


@cache
def clock_digits(ink: str, time: str = "10:28") -> np.ndarray:
    """Draw a lit digital clock."""
    image, draw = _canvas(256, 96, "#0b0c0e")
    at = 18.0
    for letter in time:
        if letter == ":":
            for level in (32, 60):
                draw.rectangle([at, level, at + 9, level + 9], fill=ink)
            at += 24
            continue
        for bar in SEGMENTS[letter]:
            x0, y0, x1, y1 = BARS[bar]
            draw.rectangle([at + x0 * 40, 16 + y0 * 64, at + x1 * 40, 16 + y1 * 64], fill=ink)
        at += 54
    return np.asarray(image)


@cache
def phone_screen(ground: str) -> np.ndarray:
    """Draw a telephone's screen: rows of round-cornered icons."""
    image, draw = _canvas(120, 240, ground)
    inks = ("#e5604d", "#f0b64a", "#58b368", "#4f9ed8", "#f2f2f2", "#9a6fc4")
    for row in range(5):
        for column in range(4):
            if 0 < row < 2 and column > 1:
                continue
            x, y = 10 + column * 27, 34 + row * 38
            ink = inks[(row * 3 + column) % len(inks)]
            draw.rounded_rectangle([x, y, x + 19, y + 19], 5, fill=ink)
    draw.rectangle([40, 8, 80, 14], fill="#f2f2f2")
    return np.asarray(image)


@cache
def dark_screen() -> np.ndarray:
    """Draw a screen that is off: near black with the faint slanting sheen of glass."""
    y, x = np.mgrid[0:64, 0:96] / 96
    sheen = np.clip(1 - np.abs(x - y - 0.25) * 5, 0, 1)
    return to_u8((24 + 14 * (1 - y) + 16 * sheen)[..., None] * np.array([0.92, 1.0, 1.14]))


@cache
def bank_card(ground: str) -> np.ndarray:
    """Draw a bank card: chip, number, emblem."""
    image, draw = _canvas(172, 108, ground)
    light = tuple(min(255, channel + 42) for channel in ImageColor.getrgb(ground)[:3])
    draw.polygon([(60, 0), (172, 0), (172, 80)], fill=light)
    draw.rounded_rectangle([16, 34, 46, 58], 5, fill="#d7b45a")
    for group in range(4):
        draw.rectangle([16 + group * 36, 70, 42 + group * 36, 77], fill="#f4f4f4")
    draw.rectangle([16, 88, 80, 93], fill="#f4f4f4")
    draw.ellipse([120, 80, 142, 102], fill="#c8372d")
    draw.ellipse([134, 80, 156, 102], fill="#e7a33a")
    return np.asarray(image)


@cache
def disc() -> np.ndarray:
    """Draw the bright side of a compact disc: rainbow fans on silver, a clear hub."""
    y, x = (np.mgrid[0:128, 0:128] - 63.5) / 64
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    hue = np.stack([np.cos(2 * angle - phase + 3 * radius) for phase in (0, 2.1, 4.2)], -1)
    fan = np.clip(np.cos(2 * angle - 0.6), 0, 1)[..., None] ** 2
    image = 196 + 55 * hue * fan + 20 * np.cos(4 * angle)[..., None]
    image[radius < 0.32] = 226
    image[radius < 0.13] = 40
    return to_u8(image)


@cache
def newspaper() -> np.ndarray:
    """Draw a front page: a heavy title, a picture and columns of grey lines."""
    image, draw = _canvas(256, 256, "#cbc6b8")
    draw.rectangle([26, 10, 230, 34], fill="#24221f")
    for letter in range(1, 11):
        x = 26 + letter * 19
        draw.rectangle([x, 10, x + 3, 34], fill="#cbc6b8")
    draw.line([10, 44, 246, 44], fill="#45423d", width=2)
    draw.rectangle([92, 54, 246, 134], fill="#8a877f")
    draw.polygon([(92, 134), (150, 80), (200, 134)], fill="#55524c")
    rng = seeds.rng(0, "print", "newspaper")
    for column in range(3):
        x = 10 + column * 82
        for y in range(54 if column == 0 else 142, 248, 6):
            draw.line([x, y, x + 56 + int(rng.integers(14)), y], fill="#5f5c55", width=2)
    return np.asarray(image)
