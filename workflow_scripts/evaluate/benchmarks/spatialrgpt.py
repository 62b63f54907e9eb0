"""Read files in the form of SpatialRGPT-Bench, and our own region-tagged export, which has it too.

A row has `id`, `image_info` (file_path, width, height), `text_q`, `qa_info` (type, category),
`conversations`, and a `bbox` or COCO `rle` for each "Region [k]" of the question. A model that
knows no region tags sees coloured marks on the regions instead, and the question says "the
object at the red mark". The truth is read from the reference answer; `qa_info` of our own export
also states it (`answer_type`, `truth`, `choices`, `options`, `answer`), and then that counts.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import ExifTags, Image, ImageOps

from workflow_scripts.common import coco_rle
from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS, draw_marks, mark_pixel
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import answer_parsing
from workflow_scripts.evaluate.benchmarks.benchmark_files import read_picture
from workflow_scripts.evaluate.benchmarks.importer import (
    Row,
    SkippedRow,
    UnusableRow,
    field,
    import_row,
    row_name,
)
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.quantity_parsing import parse_quantity

FORMAT = "spatialrgpt-bench"
ANSWER_TYPES = get_args(AnswerType)
_REGION = re.compile(r"<?region\s*\[?(\d+)\]?>?(?:\s*<mask>)?(?:\s*<depth>)?", re.IGNORECASE)
JPEG_QUALITY = 95
_ASPECT_TOLERANCE = 0.02
# EXIF orientations that keep width and height: mirrored, upside down.
_TURNED_IN_PLACE = (2, 3, 4)


def import_rows(
    rows: list[Row | SkippedRow], images: Path, pictures: Path, *, num_frames: int
) -> Iterator[EvalItem | SkippedRow]:
    """Yield an item for every row, or why there is none; `num_frames` does not matter here."""
    for number, row in enumerate(rows):
        item = functools.partial(_item, images=images, picture=pictures / f"{number:06d}.jpg")
        yield import_row(row, row_name(number, row), item)


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
    what = f"picture {Path(file).name}"
    shown, box_size = _upright(read_picture(images, file, what=what), row, what, bool(colours))
    rgb = np.asarray(shown)
    marks = [
        (colour, _mark_position(row, number, rgb.shape[:2], box_size))
        for number, colour in colours.items()
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
        is_valid = is_finite_number(truth) and kind not in ("point", "box")
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


def _upright(
    picture: Image.Image, row: Row, what: str, has_regions: bool
) -> tuple[Image.Image, tuple[float, float]]:
    """Return a picture as it is shown, and the (width, height) that its boxes and masks refer to.

    A picture that EXIF turns is shown upright, or as stored if the row states that size: then its
    boxes are of the stored picture. `UnusableRow` if they fit neither.
    """
    upright = ImageOps.exif_transpose(picture)
    info = row.get("image_info")
    stated = tuple(info.get(key) for key in ("width", "height")) if isinstance(info, dict) else ()
    size = tuple(side for side in stated if is_finite_number(side) and side > 0)
    if not has_regions:
        return upright, upright.size
    if picture.getexif().get(ExifTags.Base.Orientation, 1) in _TURNED_IN_PLACE:
        raise UnusableRow(f"{what} is turned by EXIF, so its boxes are ambiguous; save it upright")
    if len(size) < 2:
        return upright, upright.size
    for shown in (upright, picture):
        if abs(size[0] / size[1] / (shown.width / shown.height) - 1) <= _ASPECT_TOLERANCE:
            return shown, (size[0], size[1])
    raise UnusableRow(
        f"its boxes are of a picture of {size[0]:g} x {size[1]:g} pixels, {what} has "
        f"{upright.width} x {upright.height}"
    )


def _mark_position(
    row: Row, number: int, shape: tuple[int, ...], box_size: tuple[float, float]
) -> tuple[float, float]:
    """Return the pixel of a region's mark: well inside its mask, else the middle of its box.

    `shape` is (height, width) of the picture, `box_size` (width, height) of that of the boxes.
    """
    height, width = shape
    across, down = width / box_size[0], height / box_size[1]
    encoded = _get_or_none(row.get("rle"), number)
    if encoded is not None:
        rows, columns = round(box_size[1]), round(box_size[0])
        try:
            mask = coco_rle.mask_from_segmentation(encoded, height=rows, width=columns)
        except UserError as error:
            raise UnusableRow(f"mask of region {number} cannot be read") from error
        if mask.shape == (rows, columns) and mask.any():
            u, v = mark_pixel(mask)
            return u * across, v * down
    box = _get_or_none(row.get("bbox"), number)
    if box is None:
        raise UnusableRow(f"region {number} has neither a mask nor a box")
    if not _is_box(box):
        raise UnusableRow(f"box of region {number} is not four finite numbers")
    u, v = (box[0] + box[2]) / 2 * across, (box[1] + box[3]) / 2 * down
    if not (0 <= u <= width and 0 <= v <= height):
        raise UnusableRow(
            f"box of region {number} lies outside of its picture of {width} x {height} pixels"
        )
    return float(np.clip(u, 0, width - 1)), float(np.clip(v, 0, height - 1))


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(map(is_finite_number, box))


def _get_or_none(values: Any, number: int) -> Any:
    return values[number] if isinstance(values, list) and number < len(values) else None
