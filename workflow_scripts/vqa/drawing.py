"""Draw what a question is about: marks and boxes on a picture, or on two side by side."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.image_marks import draw_boxes, draw_marks
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.view_context import ViewContext

JPEG_QUALITY = 92
# Which picture a form is about, and what its file's name ends with.
IMAGE_SUFFIXES: dict[Form, str] = {
    "named": "",
    "region": "",
    "marked": "-marked",
    "boxed": "-boxed",
}


def save_jpeg(path: Path, rgb: np.ndarray) -> None:
    """Write a JPEG that keeps the colours of small marks (no chroma subsampling)."""
    Image.fromarray(rgb).save(path, quality=JPEG_QUALITY, subsampling=0)


def draw_annotations(
    rgb: np.ndarray, view_context: ViewContext, form: Form, placed: Mapping[str, int]
) -> np.ndarray:
    """Return a picture with what a form points with."""
    if form == "marked":
        marks = [(colour, tuple(view_context.mark_px[row])) for colour, row in placed.items()]
        return draw_marks(rgb, marks)
    if form == "boxed":
        boxes = view_context.measured.box_px
        return draw_boxes(rgb, [(colour, tuple(boxes[row])) for colour, row in placed.items()])
    return rgb
