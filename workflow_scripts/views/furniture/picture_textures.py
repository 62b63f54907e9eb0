"""Procedural images: paintings, screens, a keyboard. All u8 sRGB, from fixed seeds."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workflow_scripts.common import seeds
from workflow_scripts.views.furniture.materials import noise, to_u8

PALETTES = (
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51"),
    ("#1d3557", "#457b9d", "#a8dadc", "#f1faee", "#e63946"),
    ("#5f0f40", "#9a031e", "#fb8b24", "#e36414", "#0f4c5c"),
    ("#606c38", "#283618", "#fefae0", "#dda15e", "#bc6c25"),
    ("#22223b", "#4a4e69", "#9a8c98", "#c9ada7", "#f2e9e4"),
)


def rgb(colour: str) -> tuple[int, int, int]:
    """Convert "#rrggbb" to numbers from 0 to 255."""
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))  # type: ignore[return-value]


@cache
def landscape(number: int) -> np.ndarray:
    """Paint hills under a sky, with a sun and trees."""
    rng = seeds.rng(0, "landscape", number)
    w, h = 256, 192
    dusk = rng.random() < 0.4
    top, low = ("#31456e", "#e9a26a") if dusk else ("#5d9bd3", "#dcebf2")
    share = np.linspace(0, 1, h)[:, None, None]
    sky = (1 - share) * np.array(rgb(top)) + share * np.array(rgb(low))
    canvas = Image.fromarray(to_u8(np.repeat(sky, w, axis=1)))
    draw = ImageDraw.Draw(canvas)
    sun = (int(rng.integers(30, w - 30)), int(rng.integers(30, 80)))
    draw.ellipse((sun[0] - 13, sun[1] - 13, sun[0] + 13, sun[1] + 13), fill=rgb("#fff0c0"))
    greens = ("#7fa3b0", "#5f8a6a", "#4a7a45", "#355f33")
    for layer, colour in enumerate(greens):
        base = 85 + layer * 28
        wave = noise(f"hills {number} {layer}", size=256, cells=(4, 8))[layer * 7]
        edge = [(x, base + 26 * wave[x]) for x in range(0, w + 1, 4) if x < 256]
        draw.polygon([(0, h), *edge, (w, edge[-1][1]), (w, h)], fill=rgb(colour))
    for _ in range(int(rng.integers(3, 8))):
        x, y, s = int(rng.integers(0, w)), int(rng.integers(140, 185)), int(rng.integers(10, 24))
        draw.rectangle((x - 1, y - s // 2, x + 2, y), fill=rgb("#4b3423"))
        draw.ellipse((x - s // 2, y - s - s // 2, x + s // 2, y - s // 2), fill=rgb("#2f5a2c"))
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.7)))


@cache
def abstract(number: int) -> np.ndarray:
    """Paint shapes: colour fields, circles or strokes."""
    rng = seeds.rng(0, "abstract", number)
    colours = [rgb(c) for c in PALETTES[number % len(PALETTES)]]
    w, h = 224, 224
    canvas = Image.new("RGB", (w, h), colours[int(rng.integers(5))])
    draw = ImageDraw.Draw(canvas)
    kind = number % 3
    for index in range(9 if kind else 6):
        colour = colours[index % 5]
        x, y = (int(v) for v in rng.integers(0, w, 2))
        s = int(rng.integers(20, 80))
        if kind == 0:
            draw.rectangle((x - s, y - s // 2, x + s, y + s), fill=colour)
        elif kind == 1:
            draw.ellipse((x - s, y - s, x + s, y + s), fill=colour)
        else:
            points = [(int(px), int(py)) for px, py in rng.integers(0, w, (4, 2))]
            draw.line(points, fill=colour, width=int(rng.integers(6, 22)), joint="curve")
    grain = noise("canvas", size=256, cells=(64, 128))[:h, :w, None]
    return to_u8(np.asarray(canvas) + 10 * grain)


@cache
def television_menu(number: int) -> np.ndarray:
    """Draw a television's start page: a wide banner over two rows of plain tiles."""
    rng = seeds.rng(0, "television menu", number)
    w, h = 256, 144
    page = Image.new("RGB", (w, h), rgb(("#141a26", "#1c1622", "#12201f")[number % 3]))
    draw = ImageDraw.Draw(page)
    colours = [rgb(colour) for colour in PALETTES[number % len(PALETTES)]]
    draw.rounded_rectangle((10, 10, w - 10, 58), 4, fill=colours[int(rng.integers(5))])
    for row in range(2):
        for column in range(6):
            x, y = 10 + column * 40, 68 + row * 36
            draw.rounded_rectangle((x, y, x + 34, y + 28), 3, fill=colours[int(rng.integers(5))])
    return np.asarray(page)


def canvas(rng: np.random.Generator, ratio: float) -> np.ndarray:
    """Choose a painting; `ratio` is width over height. None shows an object found in a room."""
    number = int(rng.integers(9))
    share_of_landscapes = 0.5 if ratio > 0.95 else 0.2
    return landscape(number) if rng.random() < share_of_landscapes else abstract(number)


@cache
def window_screen(number: int) -> np.ndarray:
    """Draw a desktop with windows and lines of grey text."""
    rng = seeds.rng(0, "screen", number)
    image = (
        Image.fromarray(landscape(number)).resize((256, 160)).filter(ImageFilter.GaussianBlur(5))
    )
    draw = ImageDraw.Draw(image)
    for box in ((14, 12, 150, 120), (110, 40, 240, 142)):
        draw.rectangle(box, fill=rgb("#f4f5f6"))
        draw.rectangle((box[0], box[1], box[2], box[1] + 10), fill=rgb("#3f6aa8"))
        for y in range(box[1] + 18, box[3] - 6, 8):
            draw.rectangle(
                (box[0] + 8, y, box[0] + 8 + int(rng.integers(30, box[2] - box[0] - 16)), y + 3),
                fill=rgb("#8b929a"),
            )
    draw.rectangle((0, 150, 256, 160), fill=rgb("#20262d"))
    return np.asarray(image)


@cache
def keyboard() -> np.ndarray:
    """Draw rows of keys, the top row first."""
    image = Image.new("RGB", (256, 96), rgb("#1c1d20"))
    draw = ImageDraw.Draw(image)
    for row in range(5):
        for col in range(14):
            x, y = 4 + col * 17.8 + (row % 3) * 2, 4 + row * 18
            if row == 4 and 3 <= col <= 8:
                continue
            draw.rectangle((x, y, x + 14, y + 14), fill=rgb("#4a4d52"))
    draw.rectangle((60, 76, 165, 90), fill=rgb("#4a4d52"))
    return np.asarray(image)
