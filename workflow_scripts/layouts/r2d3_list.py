"""The rooms that R2D3 released: a JSON list of nine values a room, read one room at a time.

The values are: program text, JSON of the one-room house that was rendered, JSON of the original
house, camera by number of the corner, paths of the pictures, names of what each shows, paths of the
mask pictures, object id by colour "(r, g, b)", asset id by object id.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import json_problem, text_encoding, unusable_value
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.sources.readers.procthor_house import iterate_objects, read_vector

FIELDS = (
    ("program text", str),
    ("house", dict),
    ("original house", dict),
    ("cameras", dict),
    ("pictures", list),
    ("visible objects", list),
    ("mask pictures", list),
    ("object by color", dict),
    ("asset by object", dict),
)
_COLOUR = re.compile(r"\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,\s*\d{1,3}\s*)?\)")
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 22
MAX_ROOM = 1 << 28
"""Characters of one room; whole houses are some hundred thousand."""


@dataclass(frozen=True)
class DrawnChild:
    """A child object that the rendered house has: id, asset and position [3] in Unity's metres."""

    object_id: str
    asset_id: str
    position: FloatArray


@dataclass(frozen=True)
class R2D3View:
    """A picture of a room: the agent's position [3] and yaw as stored, in Unity's frame."""

    image: str
    mask_image: str
    corner: str
    position: FloatArray
    yaw_unity_deg: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class R2D3Room:
    """One entry of the list.

    Attributes:
        number: index in the list, the "example" of file names.
        program: program text.
        wall_height_m: height of the rendered walls, 8 in the published data.
        children: children that the rendered house has.
        house: the original house.
        views: pictures with a camera.
        lost: pictures without one, and why.
        ids_by_colour: object id by 0xRRGGBB.
        assets_by_id: asset id of top-level objects by id.
    """

    number: int
    program: str
    wall_height_m: float
    children: Sequence[DrawnChild]
    house: dict[str, Any]
    views: Sequence[R2D3View]
    lost: Sequence[tuple[str, str]]
    ids_by_colour: Mapping[int, str]
    assets_by_id: Mapping[str, str]


def read_room(entry: Any, number: int) -> R2D3Room:
    """Read an entry of the list; `UserError` says what is not as published."""
    if not isinstance(entry, list) or len(entry) != len(FIELDS):
        count = f"a list of {len(entry)}" if isinstance(entry, list) else type(entry).__name__
        raise UserError(f"the room is {count}, not a list of {len(FIELDS)} values")
    for value, (name, kind) in zip(entry, FIELDS, strict=True):
        if not isinstance(value, kind):
            raise UserError(f"its {name} is {type(value).__name__}, not {kind.__name__}")
    problem = unusable_value(entry)
    if problem:
        raise UserError(problem)
    program, house, original, cameras, images, names, masks, colours, by_id = entry
    views, lost = [], []
    for index, image in enumerate(images):
        mask = masks[index] if index < len(masks) else ""
        shown = names[index] if index < len(names) else []
        try:
            views.append(_read_view(image, mask, shown, cameras))
        except UserError as error:
            lost.append((str(image)[-80:], str(error)))
    return R2D3Room(
        number=number,
        program=program,
        wall_height_m=_wall_height_m(house),
        children=[
            DrawnChild(
                str(child.get("id")),
                str(child.get("assetId")),
                read_vector(child.get("position"), where=f"child {child.get('id')!r} position"),
            )
            for child, parent_id in iterate_objects(house)
            if parent_id
        ],
        house=original,
        views=views,
        lost=lost,
        ids_by_colour=_read_colours(colours),
        assets_by_id={key: value for key, value in by_id.items() if isinstance(value, str)},
    )


def _read_view(image: Any, mask: Any, shown: Any, cameras: Mapping[str, Any]) -> R2D3View:
    if not isinstance(image, str) or not image:
        raise UserError("its path is not a text")
    corner = Path(image.replace("\\", "/")).stem
    camera = cameras.get(corner)
    if not isinstance(camera, list) or len(camera) != 2:
        raise UserError(
            f"no camera {corner!r}; there are {', '.join(list(cameras)[:10]) or 'none'}"
        )
    position = read_vector(camera[0], where=f"position of camera {corner!r}")
    yaw = camera[1].get("y") if isinstance(camera[1], dict) else camera[1]
    if not is_finite_number(yaw):
        raise UserError(f"rotation of camera {corner!r} is {camera[1]!r:.60}, no yaw")
    names = shown if isinstance(shown, list) else []
    return R2D3View(
        image=image,
        mask_image=mask if isinstance(mask, str) else "",
        corner=corner,
        position=position,
        yaw_unity_deg=float(yaw),
        names=tuple(str(name) for name in names),
    )


def _read_colours(colours: Mapping[str, Any]) -> dict[int, str]:
    """Return object ids by 0xRRGGBB; what is no colour is left out."""
    result = {}
    for key, value in colours.items():
        match = _COLOUR.fullmatch(key.strip())
        if match is not None and isinstance(value, str):
            red, green, blue = (int(part) for part in match.groups())
            result[red << 16 | green << 8 | blue] = value
    return result


def _wall_height_m(house: dict[str, Any]) -> float:
    walls = house.get("walls")
    heights = [
        float(point["y"])
        for wall in (walls if isinstance(walls, list) else [])
        for point in (wall.get("polygon") or [] if isinstance(wall, dict) else [])
        if isinstance(point, dict) and is_finite_number(point.get("y"))
    ]
    if not heights or max(heights) <= 0:
        raise UserError("its house has no wall with a height")
    return float(np.max(heights))


def iterate_json_list(path: Path) -> Iterator[Any]:
    """Yield the elements of a JSON list one by one; the file may be larger than memory, or gzipped.

    `UserError` names the file and the element where it is cut off or no JSON.
    """
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == _GZIP
        with gzip.open(path) if is_gzipped else path.open("rb") as file:
            encoding = text_encoding(file.read(4))
            file.seek(0)
            with io.TextIOWrapper(file, encoding=encoding) as text:
                yield from _elements(text, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: damaged gzip file: {error}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: damaged {encoding.upper()} text; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _elements(text: Any, path: Path) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    buffer, at, size, number = text.read(_CHUNK).lstrip("\ufeff"), 0, _CHUNK, 0
    start = re.match(r"\s*\[", buffer)
    if start is None:
        raise UserError(f"{path}: no JSON list of rooms; it must begin with '['")
    at = start.end()
    while True:
        separators = re.compile(r"[\s,]*" if number else r"\s*").match(buffer, at)
        at = separators.end() if separators else at
        value, end, problem = None, -1, "the file is cut off"
        if at < len(buffer):
            if buffer[at] == "]":
                return
            try:
                value, end = decoder.raw_decode(buffer, at)
            except (ValueError, RecursionError) as error:
                problem = json_problem(error)
        # A number at the very end of what was read may go on.
        if end < 0 or end == len(buffer):
            more = text.read(size)
            if not more or len(buffer) - at > MAX_ROOM:
                raise UserError(f"{path}: not valid JSON in room {number}: {problem}")
            buffer, at, size = buffer[at:] + more, 0, 2 * size
            continue
        yield value
        number, at, size = number + 1, end, _CHUNK
