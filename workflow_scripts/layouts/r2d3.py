"""The program text of R2D3: whole centimetres and degrees in AI2-THOR's frame.

    polygon: [[0, 0, 0], [0, 0, 400], [300, 0, 400], [300, 0, 0]]
    floor_material: 'Wood'
    wall_material: ['Paint', 'Paint', 'Paint', 'Paint']

    obj_0: ['Bed_4', [120, 40, 80], [0, 90, 0]]
    child_0: ['Pillow_1', [120, 70, 60], [0, 90, 0], 'obj_0']
    window_0: ['Window_2', [150, 160, 0], [[90, 100, 0], [210, 220, 0]], 1]

AI2-THOR's frame is left-handed with Y up; rotations are its Euler angles. The published text counts
children from 0 for each parent, so that keys collide, and cuts values off; here every child has a
key of its own and values are rounded, halves to even. A value may also be a phrase:
`obj_0: a wooden bed at location [120, 40, 80] with rotation [0, 90, 0]`. The text has no sizes.

Other forms that R2D3 has are read, too: a single yaw instead of three angles, as in its frame of
the camera, and what untrained models are asked for, `a wooden bed at location (120, 40, 80)`
without a key or a rotation.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray, unity_from_world, world_from_unity
from workflow_scripts.geometry.rotation_conventions import (
    rotation_from_unity_euler,
    unity_euler_deg,
)
from workflow_scripts.layouts.entries import (
    box_identity,
    limited,
    numbered_lines,
    read_entries,
    without_fences,
)
from workflow_scripts.layouts.layout import (
    MAX_CORNERS,
    FormatProblem,
    LayoutBox,
    LayoutFrame,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
    SaidRotation,
)
from workflow_scripts.layouts.text_values import (
    Value,
    ValueProblem,
    as_number,
    as_text,
    as_vector,
    parse_values,
    quote,
    shorten,
)

CENTIMETRES = 100.0
FIRST_OBJECT = "obj_0"
OBJECT_LINE = "object"
"""Key of an object whose line has none."""
# What ends a program: a mark, or the next turn of a conversation; a heading of Markdown does not.
_END = re.compile(
    r"(?:^|[ \t])###[ \t]*(?:$|(?:human|assistant|system|user)\b)", re.MULTILINE | re.IGNORECASE
)
_LINE = re.compile(r"([A-Za-z]+(?:_[A-Za-z]+)*(?:_[0-9]{1,9})?)\s*:\s*(.*)")
_PHRASE = re.compile(r"(.{1,500}?) at location (.{1,200}?)(?:,? with rotation (.{1,200}))?")
_ITEM = re.compile(r"^(?:[-*]|[0-9]{1,4}[.):])[ \t]+")
_KINDS = ("polygon", "floor_material", "wall_material", "obj", "child", "window")


def write_program(
    layout: RoomLayout, *, phrases: bool = False, include_children: bool = True
) -> str:
    """Return the program of a layout in the world or room frame.

    With `phrases`, objects are called by their label instead of their asset.
    """
    lines = []
    if len(layout.floor_polygon_m):
        lines.append(f"polygon: {_whole(unity_from_world(layout.floor_polygon_m), CENTIMETRES)}")
        lines.append(f"floor_material: {quote(layout.floor_material)}")
        lines.append(f"wall_material: [{', '.join(quote(w.material) for w in layout.walls)}]")
        lines.append("")
    keys = _program_keys(layout.boxes)
    for box in layout.boxes:
        if box.parent and not include_children:
            continue
        place = _whole(unity_from_world(box.centre_m), CENTIMETRES)
        turn = _whole(unity_euler_deg(box.rotation), 1.0, wrap=True)
        name = box.label if phrases or not box.asset_id else box.asset_id
        name = " ".join(name.split()).strip("'\"") if phrases else name
        parent = keys.get(box.parent, "")
        if phrases:
            lines.append(f"{keys[box.key]}: {name} at location {place} with rotation {turn}")
        else:
            tail = f", {quote(parent)}" if parent else ""
            lines.append(f"{keys[box.key]}: [{quote(name)}, {place}, {turn}{tail}]")
    windows = [opening for opening in layout.openings if opening.kind == "window"]
    for number, opening in enumerate(windows):
        centre, least, most = _on_wall(opening, layout.walls[opening.wall])
        hole = f"[{_whole(least, CENTIMETRES)}, {_whole(most, CENTIMETRES)}]"
        place = _whole(centre, CENTIMETRES)
        asset = quote(opening.asset_id)
        lines.append(f"window_{number}: [{asset}, {place}, {hole}, {opening.wall}]")
    return "\n".join(lines) + "\n"


def read_program(
    text: str, *, wall_height_m: float = 2.5, frame: LayoutFrame = "world"
) -> RoomLayout:
    """Read a program; what is no entry is a problem of the layout, never an error.

    Walls follow from the polygon; the text does not say how high they are.
    """
    text, unread = limited(text)
    if end := _END.search(text):
        if text[end.end() :].strip():
            unread.append(FormatProblem("end", "what follows ### is not read"))
        text = text[: end.start()]
    lines = numbered_lines(without_fences(text))
    entries, problems = read_entries(lines, _read_line, lambda entry: entry.identity)
    polygon = next((entry.polygon for entry in entries if entry.polygon is not None), None)
    floor = world_from_unity(polygon) if polygon is not None else np.zeros((0, 3))
    materials = next((entry.materials for entry in entries if entry.key == "wall_material"), ())
    floors = next((entry.materials for entry in entries if entry.key == "floor_material"), ("",))
    walls = tuple(
        LayoutWall(
            floor[i],
            floor[(i + 1) % len(floor)],
            wall_height_m,
            material=materials[i] if i < len(materials) else "",
        )
        for i in range(len(floor))
    )
    boxes = _with_free_keys(entry for entry in entries if entry.box is not None)
    openings, unplaced = _place_windows(entries, walls)
    return RoomLayout(
        frame=frame,
        boxes=boxes,
        walls=walls,
        openings=tuple(openings),
        floor_polygon_m=floor,
        floor_material=floors[0] if floors else "",
        problems=(*problems, *unplaced, *unread),
    )


@dataclass(frozen=True)
class _Entry:
    """A line: exactly one of its values, or none where the key is one of ours."""

    key: str
    polygon: FloatArray | None = None
    materials: tuple[str, ...] = ()
    box: LayoutBox | None = None
    window: tuple[str, FloatArray, FloatArray, int] | None = None

    @property
    def identity(self) -> Hashable:
        """Return what makes two entries the same; the number in an object's key does not."""
        if self.box is not None:
            return box_identity(self.box)
        if self.window is not None:
            asset, place, size, wall = self.window
            return (asset, place.tobytes(), size.tobytes(), wall)
        return self.key


def _read_line(line: str) -> _Entry:
    line = _ITEM.sub("", line)
    match = _LINE.fullmatch(line)
    key, text = (match[1].lower(), match[2]) if match is not None else ("", "")
    kind = key.rstrip("0123456789").rstrip("_")
    if kind not in _KINDS:
        phrase = _PHRASE.fullmatch(line.rstrip(".,; "))
        if phrase is None:
            raise ValueProblem(f"{shorten(line)} is no entry of a program")
        return _Entry(OBJECT_LINE, box=_read_phrase(OBJECT_LINE, phrase))
    if kind == "polygon":
        corners = _single(text, key)
        if not isinstance(corners, list) or len(corners) < 3:
            raise ValueProblem(f"polygon {shorten(text)} has fewer than three corners")
        if len(corners) > MAX_CORNERS:
            raise ValueProblem(f"polygon has {len(corners)} corners, more than {MAX_CORNERS}")
        points = [as_vector(corner, 3, "a corner of the polygon") for corner in corners]
        return _Entry(key, polygon=np.array(points) / CENTIMETRES)
    if kind in ("floor_material", "wall_material"):
        value = _single(text, key)
        names = value if isinstance(value, list) else [value]
        return _Entry(kind, materials=tuple(str(name) for name in names))
    if kind in ("obj", "child"):
        return _Entry(key, box=_read_box(key, text))
    values = _single(text, key)
    if not isinstance(values, list) or len(values) != 4 or not isinstance(values[2], list):
        raise ValueProblem(f"{key} {shorten(text)} does not have asset, place, hole and wall")
    place = np.array(as_vector(values[1], 3, f"the place of {key}")) / CENTIMETRES
    hole = np.array([as_vector(corner, 3, f"the hole of {key}") for corner in values[2]])
    if len(hole) != 2:
        raise ValueProblem(f"the hole of {key} has {len(hole)} corners, not 2")
    size = np.abs(hole[1] - hole[0]) / CENTIMETRES
    wall = as_number(values[3], f"the wall of {key}")
    if wall != int(wall):
        raise ValueProblem(f"the wall of {key} is {wall:g}, no whole number")
    # Windows of formats without assets have none.
    asset = values[0] and as_text(values[0], f"the asset of {key}")
    return _Entry(key, window=(str(asset), place, size, int(wall)))


def _single(text: str, key: str) -> Value:
    values = parse_values(text)
    if len(values) != 1:
        raise ValueProblem(f"{key} has {len(values)} values, not one")
    return values[0]


def _read_box(key: str, text: str) -> LayoutBox:
    phrase = _PHRASE.fullmatch(text.strip().strip("'\""))
    if phrase is not None:
        if phrase[3] is None:  # cut off: only a line without a key may leave the rotation out
            raise ValueProblem(f"{key} {shorten(text)} has no rotation")
        return _read_phrase(key, phrase)
    values = _single(text, key)
    if not isinstance(values, list) or len(values) not in (3, 4):
        raise ValueProblem(f"{key} {shorten(text)} does not have a name, a place and a rotation")
    parent = as_text(values[3], f"the parent of {key}") if len(values) == 4 else ""
    name = as_text(values[0], f"the name of {key}")
    return _box(key, name, values[1], values[2], parent=parent, asset_id=name)


def _read_phrase(key: str, phrase: re.Match[str]) -> LayoutBox:
    turn = None if phrase[3] is None else _single(phrase[3], key)
    name = as_text(phrase[1], f"the name of {key}")
    return _box(key, name, _single(phrase[2], key), turn)


def _box(
    key: str, name: str, place: Value, turn: "Value | None", *, parent: str = "", asset_id: str = ""
) -> LayoutBox:
    said: SaidRotation = "nothing" if turn is None else "all"
    angles = [0.0, 0.0, 0.0]
    if isinstance(turn, float):
        said, angles = "one_number", [0.0, turn, 0.0]
    elif turn is not None:
        angles = as_vector(turn, 3, f"the rotation of {key}")
    centre = np.array(as_vector(place, 3, f"the place of {key}")) / CENTIMETRES
    return LayoutBox(
        label=name,
        centre_m=world_from_unity(centre),
        size_m=np.full(3, np.nan),
        rotation=rotation_from_unity_euler(angles),
        key=key,
        parent=parent,
        asset_id=asset_id,
        said_rotation=said,
    )


def _with_free_keys(entries: Iterable[_Entry]) -> tuple[LayoutBox, ...]:
    """Give every box a key of its own: published keys of children collide."""
    boxes: list[LayoutBox] = []
    taken: set[str] = set()
    for entry in entries:
        assert entry.box is not None
        key, number = entry.key, 0
        kind = key.rstrip("0123456789")
        while key in taken:
            key, number = f"{kind}{number}", number + 1
        taken.add(key)
        boxes.append(replace(entry.box, key=key))
    return tuple(boxes)


def _place_windows(
    entries: Iterable[_Entry], walls: Sequence[LayoutWall]
) -> tuple[list[LayoutOpening], list[FormatProblem]]:
    openings, problems = [], []
    for entry in entries:
        if entry.window is None:
            continue
        asset, place, size, wall = entry.window
        if not 0 <= wall < len(walls):
            reason = f"wall {wall} does not exist: the polygon has {len(walls)}"
            problems.append(FormatProblem(entry.key, reason))
            continue
        start, end = walls[wall].start_m, walls[wall].end_m
        along = (end - start) / max(walls[wall].length_m, 1e-9)
        centre = start + place[0] * along + [0.0, 0.0, place[1]]
        openings.append(
            LayoutOpening("window", wall, centre, float(size[0]), float(size[1]), asset_id=asset)
        )
    return openings, problems


def _program_keys(boxes: Sequence[LayoutBox]) -> dict[str, str]:
    """Return the keys of a program by the boxes' own: obj_0, obj_1, ..., child_0, child_1, ..."""
    numbers = {"obj": 0, "child": 0}
    keys = {}
    for box in boxes:
        kind = "child" if box.parent else "obj"
        keys[box.key] = f"{kind}_{numbers[kind]}"
        numbers[kind] += 1
    return keys


def _on_wall(opening: LayoutOpening, wall: LayoutWall) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return centre, least and most corner [3] of an opening along its wall and up."""
    along = (wall.end_m - wall.start_m) / max(wall.length_m, 1e-9)
    centre = np.array(
        [
            (opening.centre_m - wall.start_m) @ along,
            opening.centre_m[2] - wall.start_m[2],
            0.0,
        ]
    )
    half = np.array([opening.width_m / 2, opening.height_m / 2, 0.0])
    return centre, centre - half, centre + half


def _whole(values: FloatArray, factor: float, *, wrap: bool = False) -> str:
    """Write numbers times a factor as whole ones, rounded half to even; angles in [0, 360)."""
    whole = np.rint(np.asarray(values) * factor).astype(int)
    if wrap:
        whole %= 360
    return str(whole.tolist())
