"""The font of sheets and plans: it comes with Pillow and needs no file."""

from functools import cache

from PIL import ImageFont


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font in a size."""
    return ImageFont.load_default(size=size_px)
