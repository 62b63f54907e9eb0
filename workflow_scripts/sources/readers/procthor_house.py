"""Read a ProcTHOR house as rooms, walls and openings in the world frame.

House JSON is in Unity's frame (left-handed, y up); everything returned here is in world metres
(right-handed, z up). The visible face of a wall is its polygon's plane: ProcTHOR hangs pictures
3 to 5 mm in front of it, so a wall's thickness lies behind that plane, outside its room.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely.geometry import Point, Polygon

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.geometry.cameras import world_from_unity
from workflow_scripts.sources.readers.procthor_assets import assets

WALL_THICKNESS_M = 0.1
MIN_ROOM_AREA_M2 = 0.5


@dataclass(frozen=True)
class Room:
    """A room: its floor polygon [n, 2] in world metres, clockwise seen from above."""

    room_id: str
    room_type: str
    polygon_m: np.ndarray
    height_m: float

    @property
    def shape(self) -> Polygon:
        return Polygon(self.polygon_m)


@dataclass(frozen=True)
class Wall:
    """A wall of a room: its visible face runs from `start_m` to `end_m` [2] along the floor.

    `inward` [2] is the horizontal unit normal into its room.
    """

    wall_id: str
    room_id: str
    start_m: np.ndarray
    end_m: np.ndarray
    height_m: float
    inward: np.ndarray

    @property
    def length_m(self) -> float:
        return float(np.linalg.norm(self.end_m - self.start_m))

    @property
    def yaw_deg(self) -> float:
        """Return the yaw of an object that stands against the wall and faces its room."""
        return math.degrees(math.atan2(-self.inward[0], self.inward[1]))


@dataclass(frozen=True)
class Opening:
    """A door or window: centre [3] and size (width, depth, height) in metres.

    `hole_m` is (u0, v0, u1, v1) in the frame of `wall0`: u from its first floor point, v up.
    """

    opening_id: str
    kind: str
    asset_id: str
    room_id: str
    wall0: Wall
    hole_m: tuple[float, float, float, float]
    centre_m: np.ndarray
    size_m: tuple[float, float, float]


def _read_number(value: Any, *, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{where} is {value!r}; it must be a finite number of meters or degrees")
    return float(value)


def read_vector(value: Any, *, where: str) -> np.ndarray:
    """Read {x, y, z} as Unity's [3]; `UserError` names `where` if a number is missing or NaN."""
    if not isinstance(value, dict):
        raise UserError(f"{where} is {value!r}; it must be an object with x, y and z")
    return np.array([_read_number(value.get(axis, 0), where=f"{where}.{axis}") for axis in "xyz"])


def entries(house: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of the house, empty for null; `UserError` if it is no list of objects."""
    parsed = [] if house.get(key) is None else house[key]
    if not isinstance(parsed, list) or not all(isinstance(entry, dict) for entry in parsed):
        raise UserError(f"{key!r} of the house must be a list of JSON objects")
    return parsed


def _read_text(entry: dict[str, Any], key: str, *, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise UserError(f"{where} has {key} {value!r}; it must be a string")
    return value


def ceiling_height_m(house: dict[str, Any]) -> float:
    """Return the height of the highest wall, where AI2-THOR puts every ceiling."""
    heights = [
        read_vector(point, where=f"wall {wall.get('id')!r} polygon")[1]
        for wall in entries(house, "walls")
        for point in wall.get("polygon") or []
    ]
    if not heights or max(heights) <= 0:
        raise UserError("the house has no wall with a height")
    return float(max(heights))


def rooms(house: dict[str, Any]) -> list[Room]:
    """Return the rooms; `UserError` for a room without area."""
    height_m = ceiling_height_m(house)
    parsed = []
    for entry in entries(house, "rooms"):
        room_id = _read_text(entry, "id", where="a room")
        where = f"room {room_id!r} floorPolygon"
        points = [read_vector(point, where=where) for point in entry.get("floorPolygon") or []]
        polygon = world_from_unity(np.array(points).reshape(-1, 3))[:, :2]
        shape = Polygon(polygon) if len(polygon) >= 3 else Polygon()
        if not shape.is_valid or shape.area < MIN_ROOM_AREA_M2:
            raise UserError(
                f"{where} encloses {shape.area:.2f} m2 without crossing itself; "
                f"it must enclose at least {MIN_ROOM_AREA_M2} m2"
            )
        if shape.exterior.is_ccw:
            polygon = polygon[::-1]
        parsed.append(Room(room_id, str(entry.get("roomType", "")), polygon, height_m))
    if not parsed:
        raise UserError("the house has no room")
    return parsed


def walls(house: dict[str, Any], rooms_of_house: Iterable[Room]) -> list[Wall]:
    """Return the visible walls of rooms: neither open passages nor the outside of the house."""
    shapes = {room.room_id: room.shape for room in rooms_of_house}
    parsed = []
    for entry in entries(house, "walls"):
        wall_id = _read_text(entry, "id", where="a wall")
        room_id = entry.get("roomId")
        if entry.get("empty") or "exterior" in wall_id or room_id not in shapes:
            continue
        where = f"wall {wall_id!r} polygon"
        points = np.array([read_vector(point, where=where) for point in entry.get("polygon") or []])
        if len(points) != 4:
            raise UserError(f"{where} has {len(points)} points; it must have 4")
        # The two floor points keep their order, as in AI2-THOR, which sorts by height.
        floor = world_from_unity(points[np.argsort(points[:, 1], kind="stable")[:2]])
        start, end = floor[0, :2], floor[1, :2]
        length = np.linalg.norm(end - start)
        if length < 1e-3:
            continue
        along = (end - start) / length
        inward = np.array([along[1], -along[0]])
        if not shapes[room_id].contains(Point((start + end) / 2 + 0.01 * inward)):
            inward = -inward
        top = float(points[:, 1].max())
        parsed.append(Wall(wall_id, room_id, start, end, top, inward))
    return parsed


def openings(house: dict[str, Any], walls_of_house: Iterable[Wall]) -> list[Opening]:
    """Return doors and windows whose `wall0` is visible; open passages have none."""
    by_id = {wall.wall_id: wall for wall in walls_of_house}
    parsed = []
    for kind in ("door", "window"):
        for entry in entries(house, f"{kind}s"):
            opening_id = _read_text(entry, "id", where=f"a {kind}")
            wall = by_id.get(entry.get("wall0", ""))
            if wall is None:
                continue
            asset_id = _read_text(entry, "assetId", where=f"{kind} {opening_id!r}")
            asset = find_asset(asset_id, where=f"{kind} {opening_id!r}")
            where = f"{kind} {opening_id!r} holePolygon"
            hole = entry.get("holePolygon")
            if not isinstance(hole, list) or len(hole) != 2:
                raise UserError(f"{where} is {hole!r}; it must be two points")
            corners = np.array([read_vector(point, where=where) for point in hole])
            (u0, v0), (u1, v1) = corners.min(axis=0)[:2], corners.max(axis=0)[:2]
            middle = read_vector(
                entry.get("assetPosition"), where=f"{kind} {opening_id!r} position"
            )
            along = (wall.end_m - wall.start_m) / wall.length_m
            centre = np.array([*(wall.start_m + middle[0] * along), middle[1]])
            parsed.append(
                Opening(
                    opening_id,
                    kind,
                    asset_id,
                    wall.room_id,
                    wall,
                    (float(u0), float(v0), float(u1), float(v1)),
                    centre,
                    asset.size_m,
                )
            )
    return parsed


def find_asset(asset_id: str, *, where: str) -> Any:
    """Return the asset table's entry; `UserError` names the object if there is none."""
    asset = assets().get(asset_id)
    if asset is None:
        raise UserError(f"{where} has asset {asset_id!r}, which is not in ProcTHOR's asset table")
    return asset


def material_name(value: Any) -> str:
    """Return the name of a material entry, '' if it has none."""
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else ""


def material_color(value: Any) -> tuple[float, float, float] | None:
    """Return the color (red, green, blue from 0 to 1) of a material entry, None if it has none."""
    color = value.get("color") if isinstance(value, dict) else None
    parts = [color.get(name) for name in "rgb"] if isinstance(color, dict) else []
    known = [float(part) for part in parts if is_finite_number(part) and 0 <= part <= 1]
    if len(known) != 3:
        return None
    red, green, blue = known
    return red, green, blue


def iterate_objects(house: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (entry, id of its parent or "") of all objects, a child after its parent."""
    stack = [(entry, "") for entry in reversed(entries(house, "objects"))]
    while stack:
        entry, parent_id = stack.pop()
        yield entry, parent_id
        own_id = str(entry.get("id") or "")
        stack += [(child, own_id) for child in reversed(entries(entry, "children"))]
