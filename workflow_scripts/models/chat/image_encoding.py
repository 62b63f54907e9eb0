"""Pictures as a server wants them: small enough, JPEG, in a data URL."""

import base64
import io

import numpy as np
from PIL import Image

JPEG_QUALITY = 90


def resized_size(width_px: int, height_px: int, *, max_px: int) -> tuple[int, int]:
    """Return (width, height) shrunk, never enlarged, to a longest side."""
    scale = min(1.0, max_px / max(width_px, height_px))
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def encode_jpeg(rgb: np.ndarray, *, max_px: int) -> bytes:
    """Shrink u8 [h, w, 3] to a longest side and encode it."""
    image = Image.fromarray(rgb)
    size = resized_size(image.width, image.height, max_px=max_px)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def jpeg_data_url(jpeg_bytes: bytes) -> str:
    """Return a data URL whose declared type is what the bytes are."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg_bytes).decode()}"
