"""The objects of a room as short lines of words and numbers, one object a line.

    chair box 12 30 25 61 at 1.2 3.4 0.5 size 0.5 0.5 0.9 yaw 30;

`box` is where the picture shows it: left, top, right, bottom in hundredths of the picture's width
and height. `at` is the centre, `size` the full width, depth and height in metres, `yaw` degrees
counter-clockwise seen from above; a box of yaw 0 has its front to +y. Boxes stand upright. A room
without objects is `none`. Every number is one of few words, so that a tokenizer may hold them all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.layouts.entries import box_identity, limited, read_entries, without_fences
from workflow_scripts.layouts.layout import (
    UPRIGHT_FRAMES,
    FormatProblem,
    LayoutBox,
    LayoutFrame,
    RoomLayout,
)
from workflow_scripts.layouts.text_values import ValueProblem, parse_number, shorten

FIELDS = ("box_2d", "centre", "size", "yaw")
END = ";"
NO_OBJECTS = "none"
BOX_STEPS = 100
# Words of prompts (room_prompt.py) that are in no ordinary question, and the largest of their
# numbers without decimals: focal lengths in hundredths of the picture.
_PROMPT_WORDS = ("write", "focal", "pitch")
_MAX_WHOLE = 200
MAX_LABEL = 200
# Word of a field, and how many numbers follow it.
_WORDS = {"box_2d": ("box", 4), "centre": ("at", 3), "size": ("size", 3), "yaw": ("yaw", 1)}
_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_NO_LETTER = re.compile(r"[^\w-]+")
_BRACKETS = str.maketrans(dict.fromkeys(",:()[]", " "))


@dataclass(frozen=True)
class ObjectListStyle:
    """What a line says, and how finely.

    Attributes:
        fields: of `FIELDS`; the centre is always written.
        precision_m: step of centres and sizes.
        yaw_step_deg: step of yaws.
    """

    fields: tuple[str, ...] = FIELDS
    precision_m: float = 0.1
    yaw_step_deg: int = 15


def write_object_list(
    layout: RoomLayout,
    style: ObjectListStyle,
    *,
    width_px: int = 0,
    height_px: int = 0,
) -> str:
    """Return a line for every box of a layout in an upright frame.

    Values are rounded, halves to even; a size is one step at least. Without the picture's size, and
    of a box that no picture shows, `box` is left out. `ValueError` in a camera's tilted frame.
    """
    if layout.frame not in UPRIGHT_FRAMES:
        raise ValueError(f"a list of objects needs an upright frame, not {layout.frame}")
    lines = []
    for box in layout.boxes:
        words = [label_words(box.label)]
        if "box_2d" in style.fields and box.box_2d_px is not None and width_px and height_px:
            shares = np.array(box.box_2d_px) / [width_px, height_px, width_px, height_px]
            steps = np.clip(np.rint(BOX_STEPS * shares), 0, BOX_STEPS).astype(int)
            words += ["box", *map(str, steps)]
        words += ["at", *(number_word(value, style.precision_m) for value in box.centre_m)]
        if "size" in style.fields and np.isfinite(box.size_m).all():
            sizes = np.maximum(box.size_m, style.precision_m)
            words += ["size", *(number_word(value, style.precision_m) for value in sizes)]
        if "yaw" in style.fields and box.said_rotation != "nothing":
            words += ["yaw", yaw_word(box.yaw_deg, style.yaw_step_deg)]
        lines.append(f"{' '.join(words)}{END}")
    return "\n".join(lines or [f"{NO_OBJECTS}{END}"]) + "\n"


def read_object_list(
    text: str,
    *,
    frame: LayoutFrame = "level_camera",
    width_px: int = 0,
    height_px: int = 0,
) -> RoomLayout:
    """Read a list of objects; what is no object is a problem of the layout, never an error.

    The lines may stand in code fences, begin with a hyphen, and have commas or brackets around
    numbers. Without the picture's size `box` is read over; a box without a size has NaN.
    """
    picture_px = (width_px, height_px, width_px, height_px)

    def read(entry: str) -> LayoutBox:
        return _read_object(entry, picture_px)

    text, too_long = limited(text)
    text, cut = _COMMENT.sub("", without_fences(text)), ""
    # The last number of an object that is cut off may lack digits. Where lines alone divide
    # objects, the last one is taken for whole.
    if END in text or "\n" not in text.strip():
        text, _, cut = text.rpartition(END)
    boxes, problems = read_entries(_entries(text), read, box_identity)
    if cut.strip():
        problems.append(FormatProblem("end", f"{shorten(cut)} is cut off: no {END!r} ends it"))
    return RoomLayout(frame=frame, boxes=tuple(boxes), problems=(*problems, *too_long))


def label_words(label: str) -> str:
    """Return a label as the list writes it: lower case words, joined by spaces."""
    return _NO_LETTER.sub(" ", label.lower()).strip() or "unknown"


def number_word(value: float, step: float) -> str:
    """Return a value rounded to a step, with as many decimals as the step has."""
    decimals = max(0, -int(Decimal(str(step)).normalize().as_tuple().exponent))
    word = f"{float(np.rint(value / step)) * step:.{decimals}f}"
    return word.removeprefix("-") if float(word) == 0 else word


def yaw_word(yaw_deg: float, step: int) -> str:
    """Return a yaw rounded to a step, in (-180, 180]."""
    whole = int(np.rint(yaw_deg / step)) * step
    return str(180 - (180 - whole) % 360)


def vocabulary(style: ObjectListStyle = ObjectListStyle(), *, max_m: float = 15.0) -> list[str]:
    """Return every word of a list but those of labels, for a tokenizer of whole words.

    Words and whole numbers of prompts for lists are among them.
    Numbers of metres go from -`max_m` to `max_m`. The order is fixed and no word stands twice.
    """
    count = int(max_m / style.precision_m + 0.5)
    metres = [
        number_word(n * style.precision_m, style.precision_m) for n in range(-count, count + 1)
    ]
    step = style.yaw_step_deg
    yaws = [yaw_word(n * step, step) for n in range(-(180 // step), 180 // step + 1)]
    whole = [str(n) for n in range(_MAX_WHOLE + 1)]
    keywords = [*(word for word, _ in _WORDS.values()), NO_OBJECTS, END, *_PROMPT_WORDS]
    return list(dict.fromkeys([*keywords, *whole, *yaws, *metres]))


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for number, entry in enumerate(re.split(r"[;\n]", text), 1):
        if entry.strip() and entry.strip().lower() != NO_OBJECTS:
            yield f"entry {number}", entry


def _read_object(entry: str, picture_px: tuple[int, int, int, int]) -> LayoutBox:
    words = entry.translate(_BRACKETS).strip().removeprefix("- ").lower().split()
    values: dict[str, list[float]] = {}
    end = len(words)
    # From the end, because a label may itself be "box" or hold a number.
    for name in reversed(FIELDS):
        word, count = _WORDS[name]
        start = end - count - 1
        if start >= 0 and words[start] == word:
            values[name] = [parse_number(text) for text in words[start + 1 : end]]
            end = start
    label = " ".join(words[:end])
    if "centre" not in values:
        raise ValueProblem(f"{shorten(entry)} has no 'at' with three numbers")
    if not label or len(label) > MAX_LABEL:
        raise ValueProblem(f"{shorten(entry)} has no label of at most {MAX_LABEL} characters")
    size = np.array(values.get("size", [np.nan] * 3))
    if (size <= 0).any():
        raise ValueProblem(f"{label} has sizes {size.tolist()}, which must be above 0")
    box_2d = None
    if "box_2d" in values and all(picture_px):
        left, top, right, bottom = np.array(values["box_2d"]) / BOX_STEPS * picture_px
        box_2d = (float(left), float(top), float(right), float(bottom))
    return LayoutBox(
        label=label,
        centre_m=np.array(values["centre"]),
        size_m=size,
        rotation=rotation_about_up(values.get("yaw", [0.0])[0]),
        said_rotation="all" if "yaw" in values else "nothing",
        box_2d_px=box_2d,
    )
