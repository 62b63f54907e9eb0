"""Pictures as bytes: JPEG of colours, 16-bit PNG of depth."""

import io

import numpy as np
from PIL import Image


def jpeg(rgb: np.ndarray, *, quality: int = 97, exif_orientation: int = 0) -> bytes:
    """Return a JPEG of u8 [h, w, 3]; `exif_orientation` is written as it is."""
    buffer = io.BytesIO()
    image = Image.fromarray(rgb)
    if exif_orientation:
        exif = Image.Exif()
        exif[0x0112] = exif_orientation
        image.save(buffer, "JPEG", quality=quality, subsampling=0, exif=exif)
    else:
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def png(values: np.ndarray) -> bytes:
    """Return a PNG of u8 [h, w], u8 [h, w, 3] or u16 [h, w]."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def matrix_text(matrix: np.ndarray, *, separator: str = " ") -> str:
    """Return a matrix as lines of numbers."""
    return "".join(separator.join(f"{value:.9g}" for value in row) + "\n" for row in matrix)
