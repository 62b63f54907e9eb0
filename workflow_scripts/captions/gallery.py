"""A picture of captions beside the images they describe."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from workflow_scripts.common.records import Caption
from workflow_scripts.common.storage import atomic_write

log = logging.getLogger(__name__)
MAX_TILES = 24
_COLUMNS = 2
_THUMB_PX = 260
_TEXT_PX = 420
_GAP_PX = 16
_FONT_PX = 16
_LINE_PX = 22
_FOREGROUND, _SECONDARY, _BACKGROUND = (30, 33, 40), (110, 116, 128), (255, 255, 255)
_STATUS_COLOURS = {"refused": (190, 90, 0), "failed": (190, 30, 30), "manual": (20, 110, 60)}


@dataclass(frozen=True)
class CaptionTile:
    """One image, or none, with its caption."""

    image: Image.Image | None
    caption: Caption


class Gallery:
    """Keep up to `MAX_CELLS` of `total` captions, spread evenly, and draw them."""

    def __init__(self, *, total: int) -> None:
        self.total, self.count = total, 0
        shown_indices = np.linspace(0, max(total - 1, 0), min(total, MAX_TILES)).round()
        self.shown_indices = {int(index) for index in shown_indices}
        self.tiles: list[CaptionTile] = []

    def add(self, rgb: np.ndarray | None, caption: Caption) -> None:
        """Offer the next caption with its image u8 [h, w, 3]."""
        if self.count in self.shown_indices:
            self.tiles.append(CaptionTile(None if rgb is None else _thumbnail(rgb), caption))
        self.count += 1

    def save(self, path: Path) -> None:
        """Draw the cells in two columns; without any, a note that says so."""
        bold, plain = _font(_FONT_PX, bold=True), _font(_FONT_PX, bold=False)
        layouts = [(tile, wrap_text(_text(tile.caption), plain, _TEXT_PX)) for tile in self.tiles]
        rows = [layouts[start : start + _COLUMNS] for start in range(0, len(layouts), _COLUMNS)]
        heights = [
            max(_THUMB_PX, *((len(lines) + 2) * _LINE_PX for _, lines in row)) for row in rows
        ]
        tile_px = _THUMB_PX + _TEXT_PX + 3 * _GAP_PX
        size = (
            _COLUMNS * tile_px + _GAP_PX,
            sum(heights) + _GAP_PX * (len(rows) + 1) + 2 * _LINE_PX,
        )
        sheet = Image.new("RGB", size, _BACKGROUND)
        pen = ImageDraw.Draw(sheet)
        title = f"{len(self.tiles)} of {self.count} captions" if self.count else "no captions"
        pen.text((_GAP_PX, _GAP_PX), title, font=bold, fill=_FOREGROUND)
        y = 2 * _LINE_PX + _GAP_PX
        for row, height in zip(rows, heights, strict=True):
            for column, (tile, lines) in enumerate(row):
                x = _GAP_PX + column * tile_px
                _draw_tile(sheet, pen, tile, lines, x=x, y=y, fonts=(bold, plain))
            y += height + _GAP_PX
        with atomic_write(path) as partial:
            sheet.save(partial, format="PNG", optimize=True)


def _draw_tile(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    tile: CaptionTile,
    lines: list[str],
    *,
    x: int,
    y: int,
    fonts: tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont],
) -> None:
    bold, plain = fonts
    if tile.image is not None:
        left, top = (_THUMB_PX - tile.image.width) // 2, 0
        sheet.paste(tile.image, (x + left, y + top))
    else:
        pen.rectangle([x, y, x + _THUMB_PX - 1, y + _THUMB_PX - 1], outline=_SECONDARY)
        pen.text((x + _GAP_PX, y + _GAP_PX), "not seen in any view", font=plain, fill=_SECONDARY)
    caption, text_x = tile.caption, x + _THUMB_PX + _GAP_PX
    colour = _STATUS_COLOURS.get(caption.status, _FOREGROUND)
    heading = (
        caption.kind.replace("_", " ")
        if caption.status == "ok"
        else (f"{caption.kind.replace('_', ' ')} · {caption.status}")
    )
    pen.text((text_x, y), heading, font=bold, fill=colour)
    name = caption.asset_id or f"{caption.scene_id} {caption.room_id}"
    pen.text(
        (text_x, y + _LINE_PX), _truncate_text(name, plain, _TEXT_PX), font=plain, fill=_SECONDARY
    )
    for number, line in enumerate(lines):
        pen.text((text_x, y + (number + 2) * _LINE_PX), line, font=plain, fill=colour)


def wrap_text(text: str, font: ImageFont.FreeTypeFont, width_px: int) -> list[str]:
    """Break a text into lines that fit; a word longer than a line is broken too."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width_px:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width_px:
                lines.append("")
            lines[-1] += letter
    return lines


def _truncate_text(text: str, font: ImageFont.FreeTypeFont, width_px: int) -> str:
    first, *rest = wrap_text(text, font, width_px)
    return f"{first[:-1]}…" if rest else first


def _text(caption: Caption) -> str:
    return caption.text or caption.reason


def _thumbnail(rgb: np.ndarray) -> Image.Image:
    image = Image.fromarray(rgb)
    scale = _THUMB_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _font(size_px: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    """Load the font that comes with matplotlib: the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size_px)
