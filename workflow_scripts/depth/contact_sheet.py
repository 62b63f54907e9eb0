"""Draw a contact sheet of depth: each view beside its depth, with one colour bar in metres."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workflow_scripts.common.storage import atomic_write

TILE_PX = 200
GAP_PX = 8
BAR_PX = 18
MARGIN_PX = 56
TILES_PER_ROW = 6
COLOUR_MAP = "viridis_r"
"""Perceptually even, readable without red-green vision; near is bright, far is dark."""
TICKS_M = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 25, 50, 100)
NO_DEPTH = (236, 236, 236)
FOREGROUND = (40, 44, 52)


@dataclass(frozen=True)
class Tile:
    """A view to show: its name, rgb u8 [h, w, 3] and maps of depth (and error) in metres."""

    title: str
    rgb: np.ndarray
    maps_m: Sequence[np.ndarray]


def colour_depth(depth_m: np.ndarray, *, near_m: float, far_m: float) -> np.ndarray:
    """Return u8 [h, w, 3]: equal ratios of depth get equal steps of colour, grey without depth.

    Views from inside a room and from above it differ fivefold in depth; on a linear scale one
    of them would be flat.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(depth_m / near_m) / np.log(far_m / near_m)
    share = np.clip(np.nan_to_num(share), 0, 1)
    colours = matplotlib.colormaps[COLOUR_MAP](share, bytes=True)
    return np.where(np.isfinite(depth_m)[..., None], colours[..., :3], NO_DEPTH).astype(np.uint8)


def draw_contact_sheet(path: Path, tiles: Sequence[Tile], *, caption: str) -> None:
    """Write the PNG. All maps share one range, the 5th to 99th percentile."""
    near_m, far_m = _range_m(tiles)
    pictures = [picture for tile in tiles for picture in _tile_images(tile, near_m, far_m)]
    views_wide = max(1, TILES_PER_ROW // max(len(tiles[0].maps_m) + 1, 1)) if tiles else 1
    per_row = views_wide * (len(tiles[0].maps_m) + 1 if tiles else 1)
    num_rows = max(-(-len(pictures) // per_row), 1)
    aspect = tiles[0].rgb.shape[0] / tiles[0].rgb.shape[1] if tiles else 1.0
    step_x, step_y = TILE_PX + GAP_PX, round(TILE_PX * aspect) + GAP_PX
    width = max(2 * MARGIN_PX + per_row * step_x + BAR_PX, 640)
    sheet = Image.new("RGB", (width, MARGIN_PX + num_rows * step_y + GAP_PX), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    pen.text((GAP_PX, 18), caption, FOREGROUND, font=ImageFont.load_default(16))
    for number, (title, picture) in enumerate(pictures):
        x = GAP_PX + (number % per_row) * step_x
        y = MARGIN_PX + (number // per_row) * step_y
        tile = Image.fromarray(picture).resize((TILE_PX, step_y - GAP_PX), Image.Resampling.LANCZOS)
        sheet.paste(tile, (x, y))
        if title:
            pen.text(
                (x + 5, y + 3), title, "white", font=font, stroke_width=1, stroke_fill=FOREGROUND
            )
    if tiles:
        left = GAP_PX + per_row * step_x + GAP_PX
        _draw_bar(sheet, left, MARGIN_PX, num_rows * step_y - GAP_PX, near_m, far_m)
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


def _range_m(tiles: Sequence[Tile]) -> tuple[float, float]:
    """Return the range of the colour bar in metres, in steps of a quarter of a metre."""
    values = [depth[np.isfinite(depth)] for tile in tiles for depth in tile.maps_m]
    values_m = np.concatenate(values) if values else np.zeros(0)
    if not values_m.size:
        return 0.25, 1.0
    near_m, far_m = np.quantile(values_m, [0.05, 0.99])
    near_m = max(np.floor(near_m * 4) / 4, 0.25)
    return float(near_m), float(max(np.ceil(far_m * 4) / 4, near_m + 0.25))


def _tile_images(tile: Tile, near_m: float, far_m: float) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pictures of a tile, left to right; the first has the title."""
    yield tile.title, tile.rgb
    for depth_m in tile.maps_m:
        yield "", colour_depth(depth_m, near_m=near_m, far_m=far_m)


def _draw_bar(
    sheet: Image.Image, left: int, top: int, height: int, near_m: float, far_m: float
) -> None:
    """Draw the colour bar, near at the bottom, with ticks in metres."""
    ramp = np.geomspace(far_m, near_m, height)[:, None].repeat(BAR_PX, axis=1)
    sheet.paste(Image.fromarray(colour_depth(ramp, near_m=near_m, far_m=far_m)), (left, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for tick in TICKS_M:
        if near_m <= tick <= far_m:
            y = top + np.log(far_m / tick) / np.log(far_m / near_m) * (height - 1)
            pen.line([(left + BAR_PX, y), (left + BAR_PX + 4, y)], fill=FOREGROUND)
            pen.text((left + BAR_PX + 8, y), f"{tick:g} m", FOREGROUND, font=font, anchor="lm")
