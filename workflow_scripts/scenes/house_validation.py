"""Say why a house cannot be used, or that it can."""

from collections.abc import Iterator, Sequence
from typing import Any

from workflow_scripts.common.errors import allowed_values
from workflow_scripts.sources.readers.procthor_assets import assets

SCHEMA = "1.0.0"
ROOM_TYPES = ("Bathroom", "Bedroom", "Kitchen", "LivingRoom")
MIN_ROOM_AREA_M2 = 0.5
MAX_COORDINATE = 1e4
"""Metres or degrees; NaN and infinities are beyond it too."""
_LISTS = ("rooms", "walls", "doors", "windows", "objects")
_NUM_POINTS = {"polygon": 4, "holePolygon": 2}


class _UnusableHouse(Exception):
    """The reason why a house cannot be used."""


def unusable_reason(house: Any) -> str | None:
    """Return why a ProcTHOR house cannot be used (value, what is allowed, what to do), or None."""
    try:
        _check_outline(house)
        rooms = _check_rooms(house["rooms"])
        walls = _check_walls(house["walls"], rooms)
        for kind in ("doors", "windows"):
            _check_openings(house[kind], kind, rooms, walls)
        _check_objects(house["objects"])
    except _UnusableHouse as error:
        return str(error)
    return None


def _check_outline(house: Any) -> None:
    if not isinstance(house, dict):
        raise _UnusableHouse(f"a house must be a JSON object, not {type(house).__name__}")
    metadata = house.get("metadata")
    schema = metadata.get("schema") if isinstance(metadata, dict) else None
    if schema != SCHEMA:
        raise _UnusableHouse(
            f"metadata.schema is {schema!r}; only {SCHEMA!r} is read. "
            "Upgrade the house with ai2thor's schema tools or leave it out."
        )
    for name in _LISTS:
        if not isinstance(house.get(name), list):
            raise _UnusableHouse(f"{name}: must be a list, not {type(house.get(name)).__name__}")
        for index, item in enumerate(house[name]):
            if not isinstance(item, dict):
                raise _UnusableHouse(f"{name}[{index}]: must be an object, not {item!r:.60}")
        _check_unique(name, [item.get("id") for item in house[name]])
    if not isinstance(house.get("proceduralParameters"), dict):
        raise _UnusableHouse(
            "proceduralParameters: missing; it has the lights and the ceiling material"
        )


def _check_rooms(rooms: list[dict[str, Any]]) -> set[str]:
    if not rooms:
        raise _UnusableHouse("rooms: the house has none; at least 1 is needed")
    for room in rooms:
        label = f"room {room['id']!r}"
        if room.get("roomType") not in ROOM_TYPES:
            allowed = allowed_values(str(room.get("roomType")), ROOM_TYPES)
            raise _UnusableHouse(f"{label}: roomType {room.get('roomType')!r}; {allowed}")
        corners = _points(room, "floorPolygon", label)
        area = abs(
            sum(
                a[0] * b[2] - b[0] * a[2]
                for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
            )
            / 2
        )
        if len(corners) < 3 or area < MIN_ROOM_AREA_M2:
            raise _UnusableHouse(
                f"{label}: floorPolygon has {len(corners)} corners and {area:.2f} m2; at least 3 "
                f"corners and {MIN_ROOM_AREA_M2} m2 are needed"
            )
    return {room["id"] for room in rooms}


def _check_walls(walls: list[dict[str, Any]], rooms: set[str]) -> set[str]:
    for wall in walls:
        label = f"wall {wall['id']!r}"
        if not _is_one_of(wall.get("roomId"), rooms | {"exterior"}):
            raise _UnusableHouse(f"{label}: roomId {wall.get('roomId')!r} is no room of the house")
        corners = _points(wall, "polygon", label)
        if len(corners) != _NUM_POINTS["polygon"]:
            raise _UnusableHouse(f"{label}: polygon has {len(corners)} points; 4 are needed")
        if max(corner[1] for corner in corners) - min(corner[1] for corner in corners) <= 0:
            raise _UnusableHouse(f"{label}: its height is 0; the top must lie above the floor")
    return {wall["id"] for wall in walls}


def _check_openings(
    openings: list[dict[str, Any]], kind: str, rooms: set[str], walls: set[str]
) -> None:
    for opening in openings:
        label = f"{kind[:-1]} {opening['id']!r}"
        _check_asset(opening, label)
        for key, known_ids in (
            ("room0", rooms),
            ("room1", rooms),
            ("wall0", walls),
            ("wall1", walls),
        ):
            if not _is_one_of(opening.get(key), known_ids):
                raise _UnusableHouse(
                    f"{label}: {key} {opening.get(key)!r} is not in the house; "
                    "every door and window names its rooms and both faces of its wall"
                )
        hole = _points(opening, "holePolygon", label)
        if len(hole) != _NUM_POINTS["holePolygon"]:
            raise _UnusableHouse(f"{label}: holePolygon has {len(hole)} points; 2 are needed")
        if hole[1][0] <= hole[0][0] or hole[1][1] <= hole[0][1]:
            raise _UnusableHouse(
                f"{label}: holePolygon {hole} must go from its lowest to highest corner"
            )
        _vector(opening, "assetPosition", label)


def _check_objects(objects: list[dict[str, Any]]) -> None:
    all_objects = list(_with_children(objects))
    _check_unique("objects", [item.get("id") for item in all_objects])
    for item in all_objects:
        label = f"object {item['id']!r}"
        _check_asset(item, label)
        _vector(item, "position", label)
        _vector(item, "rotation", label)


def _with_children(objects: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for item in objects:
        if not isinstance(item, dict):
            raise _UnusableHouse(f"objects: {item!r:.60} is not an object")
        yield item
        children = [] if item.get("children") is None else item["children"]
        if not isinstance(children, list):
            raise _UnusableHouse(
                f"object {item.get('id')!r}: children must be a list, not {children!r:.60}"
            )
        yield from _with_children(children)


def _is_one_of(value: Any, known_ids: set[str]) -> bool:
    return isinstance(value, str) and value in known_ids


def _check_unique(name: str, ids: list[Any]) -> None:
    seen: set[str] = set()
    for identity in ids:
        if not isinstance(identity, str) or not identity:
            raise _UnusableHouse(f"{name}: id {identity!r}; every id must be a text of its own")
        if identity in seen:
            raise _UnusableHouse(f"{name}: id {identity!r} occurs twice; ids must be unique")
        seen.add(identity)


def _check_asset(item: dict[str, Any], label: str) -> None:
    asset_id = item.get("assetId")
    if not isinstance(asset_id, str) or asset_id not in assets():
        raise _UnusableHouse(
            f"{label}: unknown assetId {asset_id!r}; allowed are the {len(assets())} ids of "
            "ProcTHOR's asset table. Replace the asset or remove the object."
        )


def _points(item: dict[str, Any], key: str, label: str) -> list[tuple[float, float, float]]:
    points = item.get(key)
    if not isinstance(points, list):
        raise _UnusableHouse(f"{label}: {key} must be a list of points, not {points!r:.60}")
    return [_vector({key: point}, key, label) for point in points]


def _vector(item: dict[str, Any], key: str, label: str) -> tuple[float, float, float]:
    value = item.get(key)
    try:
        x, y, z = (value[axis] for axis in "xyz")  # type: ignore[index]
        is_valid = all(
            isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < MAX_COORDINATE
            for v in (x, y, z)
        )
    except (TypeError, KeyError):
        is_valid = False
    if not is_valid:
        raise _UnusableHouse(
            f"{label}: {key} is {value!r:.80}; x, y, z must be there and be finite "
            f"numbers below {MAX_COORDINATE:g}"
        )
    return float(x), float(y), float(z)
