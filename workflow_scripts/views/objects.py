"""Turn a house into object rows: the oriented boxes and instance numbers of every backend."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from shapely.geometry import Point

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import world_from_unity, wrap_deg, yaw_from_unity
from workflow_scripts.sources.readers.procthor_house import (
    WALL_THICKNESS_M,
    Room,
    entries,
    find_asset,
    openings,
    read_vector,
    rooms,
    walls,
)

MAX_INSTANCES = 65535


def object_rows(house: dict[str, Any], scene_id: str) -> list[ObjectRow]:
    """Return furniture, objects on it and structure, with instance numbers from 1.

    Numbers follow the order of the house file: objects depth first (a child after its parent),
    then floors, ceilings, walls, doors, windows. Sizes come from the asset table, so an open
    drawer or lid does not count. `UserError` names what is wrong with the house.
    """
    rooms_of_house = rooms(house)
    field_dicts = [
        *_furniture(house, rooms_of_house),
        *_structure(house, rooms_of_house),
    ]
    seen: set[str] = set()
    for fields in field_dicts:
        if fields["object_id"] in seen:
            raise UserError(f"two objects have the id {fields['object_id']!r}; ids must differ")
        seen.add(fields["object_id"])
    if len(field_dicts) > MAX_INSTANCES:
        raise UserError(
            f"the house has {len(field_dicts)} objects; masks hold at most {MAX_INSTANCES}"
        )
    return [
        ObjectRow(scene_id=scene_id, instance=number, **fields)
        for number, fields in enumerate(field_dicts, start=1)
    ]


def _object_fields(
    object_id: str,
    category: str,
    kind: str,
    *,
    room_id: str,
    centre_m: np.ndarray,
    size_m: tuple[float, float, float] | np.ndarray,
    yaw_deg: float = 0.0,
    asset_id: str = "",
    parent_id: str = "",
) -> dict[str, Any]:
    x, y, z = (float(value) for value in centre_m)
    width, depth, height = (float(value) for value in size_m)
    return {
        "object_id": object_id,
        "category": category,
        "kind": kind,
        "asset_id": asset_id,
        "parent_id": parent_id,
        "room_id": room_id,
        "x_m": x,
        "y_m": y,
        "z_m": z,
        "width_m": width,
        "depth_m": depth,
        "height_m": height,
        "yaw_deg": wrap_deg(yaw_deg),
    }


def _furniture(house: dict[str, Any], rooms_of_house: list[Room]) -> Iterator[dict[str, Any]]:
    for entry in entries(house, "objects"):
        yield from _with_children(entry, rooms_of_house, parent_id="", room_id="")


def _with_children(
    entry: dict[str, Any], rooms_of_house: list[Room], *, parent_id: str, room_id: str
) -> Iterator[dict[str, Any]]:
    object_id = entry.get("id")
    if not isinstance(object_id, str) or not object_id:
        raise UserError(f"an object has id {object_id!r}; it must be a string")
    where = f"object {object_id!r}"
    asset = find_asset(str(entry.get("assetId")), where=where)
    centre_m = world_from_unity(read_vector(entry.get("position"), where=f"{where} position"))
    rotation_deg = read_vector(entry.get("rotation") or {}, where=f"{where} rotation")
    room_id = room_id or _room_at(centre_m, rooms_of_house)
    yield _object_fields(
        object_id,
        asset.category,
        "object",
        room_id=room_id,
        centre_m=centre_m,
        size_m=_tilted_size_m(asset.size_m, rotation_deg),
        yaw_deg=yaw_from_unity(rotation_deg[1]),
        asset_id=asset.asset_id,
        parent_id=parent_id,
    )
    for child in entries(entry, "children"):
        yield from _with_children(child, rooms_of_house, parent_id=object_id, room_id=room_id)


def _tilted_size_m(size_m: tuple[float, float, float], rotation_deg: np.ndarray) -> np.ndarray:
    """Return the extents, in the frame rotated by yaw alone, of a box that is also tilted.

    Unity rotates about z, then x, then y. About one small object in five hundred is tilted; its
    row has the smallest box with the same yaw that contains the tilted box.
    """
    if not np.any(rotation_deg[[0, 2]] % 360.0):
        return np.array(size_m)
    x, z = np.deg2rad(rotation_deg[0]), np.deg2rad(rotation_deg[2])
    angle_x = np.array([[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]])
    angle_z = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    width, depth, height = size_m
    extents = np.abs(angle_x @ angle_z) @ np.array([width, height, depth])
    width_depth_height: np.ndarray = extents[[0, 2, 1]]
    return width_depth_height


def _room_at(centre_m: np.ndarray, rooms_of_house: list[Room]) -> str:
    """Return the room a point lies in, or the nearest one (for objects on walls)."""
    point = Point(centre_m[:2])
    return min(rooms_of_house, key=lambda room: room.shape.distance(point)).room_id


def _structure(house: dict[str, Any], rooms_of_house: list[Room]) -> Iterator[dict[str, Any]]:
    thickness = WALL_THICKNESS_M
    for category in ("floor", "ceiling"):
        for room in rooms_of_house:
            low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
            z = -thickness / 2 if category == "floor" else room.height_m + thickness / 2
            yield _object_fields(
                f"{category}|{room.room_id}",
                category,
                "structure",
                room_id=room.room_id,
                centre_m=np.array([*((low + high) / 2), z]),
                size_m=(high[0] - low[0], high[1] - low[1], thickness),
            )
    walls_of_house = walls(house, rooms_of_house)
    for wall in walls_of_house:
        middle = (wall.start_m + wall.end_m) / 2 - wall.inward * thickness / 2
        yield _object_fields(
            wall.wall_id,
            "wall",
            "structure",
            room_id=wall.room_id,
            centre_m=np.array([*middle, wall.height_m / 2]),
            size_m=(wall.length_m, thickness, wall.height_m),
            yaw_deg=wall.yaw_deg,
        )
    for opening in openings(house, walls_of_house):
        frame_only = opening.asset_id.startswith("Doorframe")
        yield _object_fields(
            opening.opening_id,
            "doorframe" if frame_only else opening.kind,
            "structure",
            room_id=opening.room_id,
            centre_m=opening.centre_m,
            size_m=opening.size_m,
            yaw_deg=opening.wall0.yaw_deg,
            asset_id=opening.asset_id,
        )
