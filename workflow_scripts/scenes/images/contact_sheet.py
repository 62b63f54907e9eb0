"""Draw a sheet of thumbnails: what is in a shard of photos, and what cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workflow_scripts.common.storage import atomic_write

TILE_PX = 180
GAP_PX = 10
LINE_PX = 16
HEAD_PX = 40
PER_ROW = 5
MAX_TILES = 40
BACKGROUND, FOREGROUND, SECONDARY, EMPTY, WARNING = (
    "#fafaf8",
    "#202226",
    "#787c82",
    "#e6e6e2",
    "#b3401c",
)


@dataclass(frozen=True)
class Thumbnail:
    """A photo on the sheet: its name, small rgb u8 [h, w, 3] if it has any, why it is left out."""

    name: str
    rgb: np.ndarray | None
    reason: str


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    """Shrink a picture to fit a tile."""
    image = Image.fromarray(rgb)
    image.thumbnail((TILE_PX, TILE_PX))
    return np.asarray(image)


def draw_contact_sheet(path: Path, thumbnails: Sequence[Thumbnail], *, caption: str) -> None:
    """Write the PNG; of a large shard the first photos that can be used and cannot."""
    left_out = [item for item in thumbnails if item.reason][: MAX_TILES // 4]
    usable = [item for item in thumbnails if not item.reason][: MAX_TILES - len(left_out)]
    shown = usable + left_out
    num_rows = max(-(-len(shown) // PER_ROW), 1)
    step_x, step_y = TILE_PX + GAP_PX, TILE_PX + 2 * LINE_PX + GAP_PX
    size = (PER_ROW * step_x + GAP_PX, HEAD_PX + num_rows * step_y)
    sheet = Image.new("RGB", size, BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    num_left_out = sum(bool(item.reason) for item in thumbnails)
    title = f"{caption}; {num_left_out} of {len(thumbnails)} left out"
    pen.text(
        (GAP_PX, 10),
        _truncate_text(title, pen, ImageFont.load_default(16), size[0]),
        FOREGROUND,
        font=ImageFont.load_default(16),
    )
    for number, item in enumerate(shown):
        x = GAP_PX + number % PER_ROW * step_x
        y = HEAD_PX + number // PER_ROW * step_y
        pen.rectangle((x, y, x + TILE_PX - 1, y + TILE_PX - 1), fill=EMPTY)
        if item.rgb is not None:
            height, width = item.rgb.shape[:2]
            position = (x + (TILE_PX - width) // 2, y + (TILE_PX - height) // 2)
            sheet.paste(Image.fromarray(item.rgb), position)
        pen.text(
            (x, y + TILE_PX + 2),
            _truncate_text(item.name, pen, font, TILE_PX),
            FOREGROUND,
            font=font,
        )
        if item.reason:
            text = _truncate_text(item.reason, pen, font, TILE_PX)
            pen.text((x, y + TILE_PX + 2 + LINE_PX), text, WARNING, font=font)
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _truncate_text(text: str, pen: ImageDraw.ImageDraw, font: Font, width: int) -> str:
    """Cut a text to a width in pixels."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(f"{text}...", font=font) > width:
        text = text[:-1]
    return f"{text}..."
