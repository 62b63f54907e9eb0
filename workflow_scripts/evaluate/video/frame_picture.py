"""Frames of scans with the edges of true and chosen boxes, a row for each sample."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.video.shown_samples import NUM_FRAMES, ShownFrame, ShownSample
from workflow_scripts.geometry.aligned_boxes import box_iou
from workflow_scripts.geometry.box_edges import project_box_edges

FRAME_WIDTH_PX, GAP_PX, LINE_PX, TITLE_PX = 460, 10, 20, 52
LINE_CHARACTERS = 150
TRUE, PREDICTED = (46, 204, 113), (255, 140, 26)
_BACKGROUND, _TEXT, _MUTED = (252, 252, 250), (32, 34, 38), (110, 114, 120)
_CASING = (20, 20, 24)
NOTHING = "No sample of these scans can be shown: no chosen frame shows what one asks for."


def draw_frames(path: Path, shown: Sequence[ShownSample], experiment: str) -> None:
    """Write the picture (PNG): green edges are true boxes, orange ones those that were chosen."""
    rows = [[_draw_frame(frame, one) for frame in one.frames] for one in shown]
    width = NUM_FRAMES * (FRAME_WIDTH_PX + GAP_PX) + GAP_PX
    texts = [_lines(one) for one in shown]
    heights = [
        max(frame.height for frame in row) + LINE_PX * len(lines) + 2 * GAP_PX
        for row, lines in zip(rows, texts, strict=True)
    ]
    sheet = Image.new("RGB", (width, TITLE_PX + max(sum(heights), 3 * LINE_PX)), _BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP_PX, 8), f"{experiment}: chosen frames", font=font(20), fill=_TEXT)
    _draw_legend(pen, width)
    top = TITLE_PX
    if not rows:
        pen.text((GAP_PX, top), NOTHING, font=font(15), fill=_MUTED)
    for lines, row, height in zip(texts, rows, heights, strict=True):
        for place, line in enumerate(lines):
            fill = _MUTED if place == len(lines) - 1 else _TEXT
            pen.text((GAP_PX, top + LINE_PX * place), line, font=font(15), fill=fill)
        below = top + LINE_PX * len(lines) + 4
        for column, frame in enumerate(row):
            sheet.paste(frame, (GAP_PX + column * (FRAME_WIDTH_PX + GAP_PX), below))
        top += height
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


def _draw_frame(frame: ShownFrame, one: ShownSample) -> Image.Image:
    """Return a frame at the width of a column, with the edges of boxes and its rank."""
    height, width = frame.rgb.shape[:2]
    scale = FRAME_WIDTH_PX / width
    picture = Image.fromarray(frame.rgb).resize(
        (FRAME_WIDTH_PX, round(height * scale)), Image.Resampling.LANCZOS
    )
    pen = ImageDraw.Draw(picture)
    # Chosen boxes are drawn thinner and later, so that both show where they agree.
    for boxes, colour, line_px in ((one.truth, TRUE, 5), (one.predicted, PREDICTED, 2)):
        for box in boxes:
            edges = project_box_edges(box[:3], box[3:], 0.0, frame.camera) * scale
            segments = [[(float(u), float(v)) for u, v in edge] for edge in edges]
            if colour == TRUE:
                for segment in segments:
                    pen.line(segment, fill=_CASING, width=line_px + 2)
            for segment in segments:
                pen.line(segment, fill=colour, width=line_px)
    note = f"frame {frame.rank + 1}"
    pen.rectangle((0, 0, 12 + 8 * len(note), 22), fill=_CASING)
    pen.text((6, 3), note, font=font(14), fill=(255, 255, 255))
    return picture


def _lines(one: ShownSample) -> list[str]:
    """Return what is written above the frames of a sample: the text, then how it was answered."""
    sample = one.sample
    words = " ".join(filter(None, (sample.situation, sample.text))) or "(describe the object)"
    wrapped = textwrap.wrap(f"{sample.question_type}: {words}", LINE_CHARACTERS) or [""]
    if len(wrapped) > 2:
        wrapped = [wrapped[0], wrapped[1][: LINE_CHARACTERS - 3] + "..."]
    return [*wrapped, result_line(one)]


def result_line(one: ShownSample) -> str:
    """Return in words how a sample was answered."""
    if one.sample.task != "grounding":
        return f"reply: {one.reply or '(empty)'}; reference: {one.sample.answer}"
    if one.reply:
        return f"no answer: {one.reply}"
    if not len(one.truth) or not len(one.predicted):
        return f"{len(one.truth)} objects are meant, {len(one.predicted)} were chosen"
    best = box_iou(one.predicted, one.truth).max(axis=0)
    values = ", ".join(f"{value:.2f}" for value in np.round(best, 2))
    return f"{len(one.predicted)} chosen; IoU with what is meant: {values}"


def _draw_legend(pen: ImageDraw.ImageDraw, width: int) -> None:
    for place, (colour, label) in enumerate(((TRUE, "meant"), (PREDICTED, "chosen by the model"))):
        left = width - 330 + 100 * place
        pen.line([(left, 21), (left + 24, 21)], fill=colour, width=5 - 3 * place)
        pen.text((left + 30, 12), label, font=font(15), fill=_TEXT)
