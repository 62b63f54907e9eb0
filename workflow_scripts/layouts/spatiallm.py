"""The layout script of SpatialLM: walls, doors, windows and boxes in metres and radians, Z up.

    wall_0=Wall(0,0,0,3,0,0,2.5,0.1)
    door_0=Door(wall_0,1.2,0,1,0.9,2)
    window_0=Window(wall_0,2.2,0,1.5,0.8,1)
    bbox_0=Bbox(side_table,0.5,1.2,0.3,1.5708,0.5,0.4,0.6)

A wall has its two ends on the floor, height and thickness; a door or window its wall, centre, width
and height; a box its class, centre, yaw and full sizes. Boxes stand upright.
"""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.layouts.entries import (
    box_identity,
    limited,
    numbered_lines,
    read_entries,
    without_fences,
)
from workflow_scripts.layouts.layout import (
    UPRIGHT_FRAMES,
    FormatProblem,
    LayoutBox,
    LayoutFrame,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
)
from workflow_scripts.layouts.text_values import ValueProblem, parse_number, shorten

DECIMALS = 4
_ENTRY = re.compile(
    r"([a-z]+_[0-9]{1,9})\s*=\s*([A-Z][A-Za-z]*)\s*\(([^()]*)\)\s*[;,]?\s*(?:(?:#|//).*)?"
)
_MARKS = ("<|layout_s|>", "<|layout_e|>")
_ARGUMENTS = {"Wall": 8, "Door": 6, "Window": 6, "Bbox": 8}


def write_script(layout: RoomLayout) -> str:
    """Return the script of a layout in an upright frame; walls first, then openings and boxes.

    Values are rounded, halves to even; a size of a box is one step at least.
    `ValueError` for a layout in a camera's tilted frame, which the script cannot say.
    """
    if layout.frame not in UPRIGHT_FRAMES:
        raise ValueError(f"a script needs an upright frame, not {layout.frame}")
    lines = []
    for number, wall in enumerate(layout.walls):
        values = (*wall.start_m, *wall.end_m, wall.height_m, wall.thickness_m)
        lines.append(f"wall_{number}=Wall({_numbers(values)})")
    for kind in ("door", "window"):
        openings = [opening for opening in layout.openings if opening.kind == kind]
        for number, opening in enumerate(openings):
            values = (*opening.centre_m, opening.width_m, opening.height_m)
            name = kind.capitalize()
            lines.append(f"{kind}_{number}={name}(wall_{opening.wall},{_numbers(values)})")
    for number, box in enumerate(layout.boxes):
        yaw = float(np.deg2rad(box.yaw_deg))
        sizes = np.maximum(box.size_m, 10.0**-DECIMALS)
        values = (*box.centre_m, yaw, *sizes)
        lines.append(f"bbox_{number}=Bbox({class_name(box.label)},{_numbers(values)})")
    return "\n".join(lines) + "\n"


def class_name(label: str) -> str:
    """Return a label as the script writes classes: lower case, words joined by underscores."""
    return re.sub(r"[^\w-]+", "_", label.strip().lower()).strip("_") or "unknown"


def read_script(text: str, *, frame: LayoutFrame = "world") -> RoomLayout:
    """Read a script; what is no entry is a problem of the layout, never an error."""
    for mark in _MARKS:
        text = text.replace(mark, "\n")
    text, cut = limited(text)
    entries, problems = read_entries(numbered_lines(without_fences(text)), _read_line, _identity)
    walls = [entry for entry in entries if isinstance(entry.item, LayoutWall)]
    numbers: dict[str, int] = {}
    for number, entry in enumerate(walls):
        numbers.setdefault(entry.key, number)  # of walls of one name, the first
    openings = []
    for entry in entries:
        if not isinstance(entry.item, LayoutOpening):
            continue
        if entry.wall_key in numbers:
            openings.append(replace(entry.item, wall=numbers[entry.wall_key]))
        else:
            reason = f"{shorten(entry.wall_key)} is no wall of this layout"
            problems.append(FormatProblem(entry.key, reason))
    return RoomLayout(
        frame=frame,
        boxes=tuple(entry.item for entry in entries if isinstance(entry.item, LayoutBox)),
        walls=tuple(entry.item for entry in walls if isinstance(entry.item, LayoutWall)),
        openings=tuple(openings),
        problems=(*problems, *cut),
    )


@dataclass(frozen=True)
class _Entry:
    key: str
    item: LayoutWall | LayoutOpening | LayoutBox
    wall_key: str = ""


def _identity(entry: _Entry) -> Hashable:
    item = entry.item
    if isinstance(item, LayoutBox):
        return box_identity(item)
    if isinstance(item, LayoutWall):
        ends = item.start_m.tobytes(), item.end_m.tobytes()
        return (*ends, item.height_m, item.thickness_m)
    place = item.centre_m.tobytes(), item.width_m, item.height_m
    return (item.kind, entry.wall_key, *place)


def _read_line(line: str) -> _Entry:
    match = _ENTRY.fullmatch(line)
    if match is None or match[2] not in _ARGUMENTS:
        raise ValueProblem(f"{shorten(line)} is no wall, door, window or box")
    key, name, arguments = match[1], match[2], [word.strip() for word in match[3].split(",")]
    if len(arguments) != _ARGUMENTS[name]:
        raise ValueProblem(f"{key} has {len(arguments)} values, not {_ARGUMENTS[name]}")
    if name == "Wall":
        values = [parse_number(word) for word in arguments]
        ends = np.array(values[:6]).reshape(2, 3)
        if values[6] <= 0 or values[7] < 0:
            raise ValueProblem(
                f"{key} has height {values[6]:g}, thickness {values[7]:g}; it must be above 0, and "
                "0 or above"
            )
        return _Entry(key, LayoutWall(ends[0], ends[1], values[6], values[7]))
    first, values = arguments[0], [parse_number(word) for word in arguments[1:]]
    if not first:
        raise ValueProblem(f"{key} has no {'class' if name == 'Bbox' else 'wall'}")
    if name == "Bbox":
        size = np.array(values[4:])
        if (size <= 0).any():
            raise ValueProblem(f"{key} has sizes {size.tolist()}, which must be above 0")
        rotation = rotation_about_up(float(np.rad2deg(values[3])))
        label = first.replace("_", " ")
        return _Entry(key, LayoutBox(label, np.array(values[:3]), size, rotation, key=key))
    if min(values[3:]) <= 0:
        raise ValueProblem(f"{key} has sizes {values[3:]}, which must be above 0")
    kind: Literal["door", "window"] = "door" if name == "Door" else "window"
    opening = LayoutOpening(kind, -1, np.array(values[:3]), values[3], values[4])
    return _Entry(key, opening, wall_key=first)


def _numbers(values: Iterable[float]) -> str:
    """Write numbers with at most `DECIMALS` decimals and no zeros at the end."""
    words = [f"{float(value):.{DECIMALS}f}".rstrip("0").rstrip(".") for value in values]
    return ",".join("0" if word == "-0" else word for word in words)
