"""Pictures on small things: clock faces, screens, keys, covers and newsprint, drawn in code.

Each is drawn once per kind and kept; none holds real words, so that a label never gives it away.
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
        way = np.array([np.sin(angle), -np.cos(angle)])
        start, end = middle + way * size * 0.36, middle + way * size * 0.44
        draw.line([*start, *end], fill=ink, width=9 if hour % 3 == 0 else 5)
    for angle, length, width in ((305, 0.24, 11), (60, 0.34, 8)):
        way = np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle))])
        draw.line([middle, middle, *(middle + way * size * length)], fill=ink, width=width)
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
def desktop_screen(ground: str) -> np.ndarray:
    """Draw a computer's screen: a window of text over a picture, a bar below."""
    image, draw = _canvas(320, 200, ground)
    draw.ellipse([-60, 90, 220, 330], fill="#3f6d62")
    draw.ellipse([120, 110, 420, 340], fill="#2f5560")
    draw.rectangle([96, 22, 296, 160], fill="#f2f3f4")
    draw.rectangle([96, 22, 296, 36], fill="#454b57")
    rng = seeds.rng(0, "print", "desktop")
    for row in range(9):
        length = 60 + int(rng.integers(100))
        draw.rectangle([108, 48 + row * 12, 108 + length, 53 + row * 12], fill="#8b929c")
    for row in range(4):
        ink = "#e3b94f" if row % 2 else "#dddddd"
        draw.rectangle([14, 20 + row * 34, 36, 42 + row * 34], fill=ink)
    draw.rectangle([0, 186, 320, 200], fill="#20242b")
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
def keyboard() -> np.ndarray:
    """Draw rows of dark keys on a grey ground, with a space bar."""
    image, draw = _canvas(300, 110, "#8d9096")
    for row in range(5):
        shift = (0, 8, 14, 22, 0)[row]
        for column in range(14 - (row in (2, 3))):
            x = 6 + shift + column * 20.6
            if row == 4 and 3 < column < 10:
                continue
            draw.rectangle([x, 6 + row * 20, min(x + 17, 294), 22 + row * 20], fill="#1d1e21")
    draw.rectangle([90, 86, 208, 102], fill="#1d1e21")
    return np.asarray(image)


@cache
def dark_screen() -> np.ndarray:
    """Draw a screen that is off: near black with the faint slanting sheen of glass."""
    y, x = np.mgrid[0:64, 0:96] / 96
    sheen = np.clip(1 - np.abs(x - y - 0.25) * 5, 0, 1)
    return to_u8((24 + 14 * (1 - y) + 16 * sheen)[..., None] * np.array([0.92, 1.0, 1.14]))


@cache
def landscape() -> np.ndarray:
    """Draw what a television shows: hills under an evening sky."""
    rows = np.linspace(0, 1, 144)[:, None, None]
    sky = (1 - rows) * np.array([70, 120, 190]) + rows * np.array([240, 200, 150])
    image = Image.fromarray(to_u8(np.broadcast_to(sky, (144, 256, 3))))
    draw = ImageDraw.Draw(image)
    draw.ellipse([176, 46, 204, 74], fill="#fff1c8")
    for low, high, ink in ((0.62, 0.16, "#6f7f9a"), (0.76, 0.1, "#4d6b57"), (0.9, 0.05, "#2f4a33")):
        x = np.arange(0, 257, 8)
        y = 144 * (low - high * np.sin(x / 41 + low * 20) * np.sin(x / 17 + low * 9))
        draw.polygon([(0, 144), *zip(x.tolist(), y.tolist(), strict=True), (256, 144)], fill=ink)
    return np.asarray(image)


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
def book_cover(ground: str, ink: str, style: int) -> np.ndarray:
    """Draw a front cover: a title block, and a picture, band or frame."""
    image, draw = _canvas(160, 220, ground)
    if style == 0:
        draw.rectangle([0, 120, 160, 190], fill=ink)
        draw.ellipse([50, 60, 110, 120], fill=ink)
    elif style == 1:
        draw.rectangle([12, 12, 148, 208], outline=ink, width=4)
        draw.polygon([(80, 100), (118, 160), (42, 160)], fill=ink)
    else:
        draw.rectangle([0, 70, 160, 160], fill=ink)
    title = "#f2efe6" if style != 1 else ink
    for row, width in enumerate((96, 70)):
        draw.rectangle([80 - width / 2, 28 + row * 18, 80 + width / 2, 38 + row * 18], fill=title)
    draw.rectangle([54, 196, 106, 202], fill=title)
    return np.asarray(image)


@cache
def newspaper() -> np.ndarray:
    """Draw a front page: a heavy title, a picture and columns of grey lines."""
    image, draw = _canvas(256, 256, "#dcd8cc")
    draw.rectangle([26, 10, 230, 34], fill="#24221f")
    for letter in range(1, 11):
        x = 26 + letter * 19
        draw.rectangle([x, 10, x + 3, 34], fill="#dcd8cc")
    draw.line([10, 44, 246, 44], fill="#45423d", width=2)
    draw.rectangle([92, 54, 246, 134], fill="#8a877f")
    draw.polygon([(92, 134), (150, 80), (200, 134)], fill="#55524c")
    rng = seeds.rng(0, "print", "newspaper")
    for column in range(3):
        x = 10 + column * 82
        for y in range(54 if column == 0 else 142, 248, 6):
            draw.line([x, y, x + 56 + int(rng.integers(14)), y], fill="#77746c", width=2)
    return np.asarray(image)
