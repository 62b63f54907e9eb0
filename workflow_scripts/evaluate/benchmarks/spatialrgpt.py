"""Read files in the form of SpatialRGPT-Bench, and our own region-tagged export, which has it too.

A row has `id`, `image_info` (file_path, width, height), `text_q`, `qa_info` (type, category),
`conversations`, and a `bbox` or COCO `rle` for each "Region [k]" of the question. A model that
knows no region tags sees coloured marks on the regions instead, and the question says "the
object at the red mark". The truth is read from the reference answer; `qa_info` of our own export
also states it (`answer_type`, `truth`, `choices`, `options`, `answer`), and then that counts.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image

from workflow_scripts.common import coco_rle
from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS, draw_marks, mark_pixel
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import answer_parsing
from workflow_scripts.evaluate.benchmarks.benchmark_files import read_picture
from workflow_scripts.evaluate.benchmarks.importer import Row, SkippedRow, UnusableRow, field
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.quantity_parsing import parse_quantity

FORMAT = "spatialrgpt-bench"
ANSWER_TYPES = get_args(AnswerType)
_REGION = re.compile(r"<?region\s*\[?(\d+)\]?>?(?:\s*<mask>)?(?:\s*<depth>)?", re.IGNORECASE)
JPEG_QUALITY = 95


def import_rows(
    rows: list[Row], images: Path, pictures: Path, *, num_frames: int
) -> Iterator[EvalItem | SkippedRow]:
    """Yield an item for every row, or why there is none; `num_frames` does not matter here."""
    for number, row in enumerate(rows):
        name = f"{number:06d}"
        try:
            yield _item(row, f"{name}-{row.get('id', number)}", images, pictures / f"{name}.jpg")
        except UnusableRow as error:
            yield SkippedRow(f"{name}-{row.get('id', number)}", str(error))


def _item(row: Row, name: str, images: Path, picture: Path) -> EvalItem:
    text = str(field(row, "text_q"))
    file = str(field(row, "image_info", "file_path"))
    numbers = list(dict.fromkeys(int(match[1]) for match in _REGION.finditer(text)))
    if len(numbers) > len(MARK_COLOURS):
        raise UnusableRow(f"{len(numbers)} regions, and there are {len(MARK_COLOURS)} marks")
    colours = dict(zip(numbers, MARK_COLOURS, strict=False))
    turns = field(row, "conversations")
    if not isinstance(turns, list) or len(turns) < 2:
        raise UnusableRow("no reference answer in 'conversations'")
    answer = turns[1].get("value", "") if isinstance(turns[1], dict) else ""
    category = str(field(row, "qa_info", "category"))
    truth = _stated_answer(field(row, "qa_info"), colours) or _parse_truth(
        str(field(row, "qa_info", "type")), str(answer), colours, category=category
    )
    rgb = np.asarray(read_picture(images, file, what=f"picture {Path(file).name}"))
    marks = [
        (colour, _mark_position(row, number, rgb.shape[:2])) for number, colour in colours.items()
    ]
    marked = Image.fromarray(draw_marks(rgb, marks))
    marked.save(picture, quality=JPEG_QUALITY, subsampling=0)
    return EvalItem(
        question_id=name,
        benchmark=FORMAT,
        scene_id=file,
        family=category,
        form="marked" if marks else "named",
        question=_REGION.sub(
            lambda match: f"the object at the {colours[int(match[1])]} mark", text
        ),
        images=[picture.name],
        width_px=rgb.shape[1],
        height_px=rgb.shape[0],
        **truth,
    )


def _stated_answer(info: Any, colours: dict[int, str]) -> dict[str, Any] | None:
    """Return type and truth as `qa_info` states them, None if it does not."""
    if not isinstance(info, dict) or info.get("answer_type") not in ANSWER_TYPES:
        return None
    kind, truth = info["answer_type"], info.get("truth")
    choices, options = (
        [_replace_region_tags(str(label), colours) for label in labels]
        if isinstance(labels, list)
        else []
        for labels in (info.get("choices"), info.get("options"))
    )
    if kind in ("choice", "multiple_choice"):
        truth = _replace_region_tags(str(truth), colours)
        is_valid = truth in choices
    else:
        is_number = isinstance(truth, int | float) and np.isfinite(truth)
        is_valid = is_number and kind not in ("point", "box")
    if not is_valid:
        raise UnusableRow(f"'qa_info.truth' {truth!r} is no answer of type {kind!r}")
    return {
        "answer_type": kind,
        "truth": truth,
        "choices": choices,
        "options": options,
        "answer": _replace_region_tags(str(info.get("answer", truth)), colours),
    }


def _replace_region_tags(text: str, colours: dict[int, str]) -> str:
    """Replace the tags of regions by the colours of their marks."""
    return _REGION.sub(lambda match: colours.get(int(match[1]), match[0]), text)


def _parse_truth(
    kind: str, answer: str, colours: dict[int, str], *, category: str
) -> dict[str, Any]:
    """Read type and truth of a reference answer."""
    if kind == "quantitative":
        # A number without a unit is an hour only where directions are asked for.
        bare = r"|^\W*\d+\W*$" if "direction" in category else ""
        hour = (
            answer_parsing.read_clock_hour(answer) if re.search(rf"clock{bare}", answer) else None
        )
        if hour is not None:
            return {"answer_type": "clock", "truth": hour, "answer": f"{hour} o'clock"}
        length_m = parse_quantity(answer, "length")
        if length_m is not None and length_m > 0:
            written = format_metres(length_m)
            return {"answer_type": "metres", "truth": length_m, "answer": written}
        angle_deg = parse_quantity(answer, "angle")
        if angle_deg is not None:
            written = f"{angle_deg:.0f} degrees"
            return {"answer_type": "degrees", "truth": angle_deg, "answer": written}
        area_m2 = parse_quantity(answer, "area")
        if area_m2 is not None and area_m2 > 0:
            written = f"{area_m2:.2f} square metres"
            return {"answer_type": "square_metres", "truth": area_m2, "answer": written}
        raise UnusableRow("no length, area, angle or hour can be read from the reference answer")
    parsed = answer_parsing.read_yes_no(answer)
    starts_with_region = re.match(r"\W*(?:the\s+)?<?region", answer, re.IGNORECASE)
    if parsed is not None and not starts_with_region:
        return {
            "answer_type": "choice",
            "choices": ["yes", "no"],
            "truth": parsed,
            "answer": parsed,
        }
    mentioned = [
        colours[int(match[1])] for match in _REGION.finditer(answer) if int(match[1]) in colours
    ]
    if mentioned and len(colours) > 1:
        return {
            "answer_type": "choice",
            "choices": list(colours.values()),
            "truth": mentioned[0],
            "answer": mentioned[0],
        }
    raise UnusableRow("neither yes or no nor a region can be read from the reference answer")


def _mark_position(row: Row, number: int, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the pixel of a region's mark: well inside its mask, else the middle of its box."""
    height, width = shape
    encoded = _get_or_none(row.get("rle"), number)
    if encoded is not None:
        try:
            mask = coco_rle.mask_from_segmentation(encoded, height=height, width=width)
        except UserError as error:
            raise UnusableRow(f"mask of region {number} cannot be read") from error
        if mask.shape == (height, width) and mask.any():
            return mark_pixel(mask)
    box = _get_or_none(row.get("bbox"), number)
    if box is None:
        raise UnusableRow(f"region {number} has neither a mask nor a box")
    if not _is_box(box):
        raise UnusableRow(f"box of region {number} is not four finite numbers")
    u = float(np.clip((box[0] + box[2]) / 2, 0, width - 1))
    v = float(np.clip((box[1] + box[3]) / 2, 0, height - 1))
    return u, v


def _is_box(box: Any) -> bool:
    return (
        isinstance(box, list)
        and len(box) == 4
        and all(isinstance(side, int | float) and np.isfinite(side) for side in box)
    )


def _get_or_none(values: Any, number: int) -> Any:
    return values[number] if isinstance(values, list) and number < len(values) else None
