"""The parts of a room record that follow from a house: walls, openings, materials, object poses.

Where a door or window is follows the rule by which it is drawn: a hole cuts every wall in the plane
of its own wall that it overlaps, so that a door between two rooms is in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.rotation_conventions import rotation_from_unity_euler
from workflow_scripts.layouts.floor_polygon import distance_to_edge_m
from workflow_scripts.layouts.room_record import RoomOpening, RoomWall
from workflow_scripts.sources.readers.procthor_house import (
    Opening,
    Room,
    Wall,
    entries,
    iterate_objects,
    material_name,
    openings,
    read_vector,
    rooms,
    walls,
)

SAME_PLANE_M = 0.02


@dataclass(frozen=True)
class HouseRooms:
    """The rooms of a house and what their records need.

    Attributes:
        rooms: rooms by id, in the order of the house.
        walls: visible walls.
        openings: doors and windows.
        wall_materials: name of the material by wall id.
        floor_materials: name of the material by room id.
        openness: how far doors are open, by id.
        rotations: world_from_object [3, 3] by object id.
    """

    rooms: Mapping[str, Room]
    walls: Sequence[Wall]
    openings: Sequence[Opening]
    wall_materials: Mapping[str, str]
    floor_materials: Mapping[str, str]
    openness: Mapping[str, float]
    rotations: Mapping[str, FloatArray]

    @classmethod
    def read(cls, house: dict[str, Any]) -> "HouseRooms":
        """Read a house; `UserError` names what is wrong with it."""
        rooms_of_house = rooms(house)
        walls_of_house = walls(house, rooms_of_house)
        return cls(
            rooms={room.room_id: room for room in rooms_of_house},
            walls=walls_of_house,
            openings=openings(house, walls_of_house),
            wall_materials={
                str(entry.get("id")): material_name(entry.get("material"))
                for entry in entries(house, "walls")
            },
            floor_materials={
                str(entry.get("id")): material_name(entry.get("floorMaterial"))
                for entry in entries(house, "rooms")
            },
            openness={
                str(entry.get("id")): min(max(float(entry["openness"]), 0.0), 1.0)
                for entry in entries(house, "doors")
                if is_finite_number(entry.get("openness"))
            },
            rotations=object_rotations(house),
        )

    def room_walls(self, room_id: str) -> tuple[RoomWall, ...]:
        """Return a wall for each edge of a room's floor; one that is not drawn is open."""
        room = self.rooms[room_id]
        own = [wall for wall in self.walls if wall.room_id == room_id]
        corners = room.polygon_m
        result = []
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            wall = _wall_at((start + end) / 2, own)
            wall_id = "" if wall is None else wall.wall_id
            result.append(
                RoomWall(
                    wall_id=wall_id,
                    start_m=(float(start[0]), float(start[1])),
                    end_m=(float(end[0]), float(end[1])),
                    height_m=room.height_m,
                    material=self.wall_materials.get(wall_id, ""),
                    is_open=wall is None,
                )
            )
        return tuple(result)

    def room_openings(
        self, room_id: str, room_walls: Sequence[RoomWall]
    ) -> tuple[RoomOpening, ...]:
        """Return the doors and windows of a room, as their holes are cut into its walls."""
        result = []
        for opening in self.openings:
            u0, v0, u1, v1 = opening.hole_m
            own = opening.wall0
            along = (own.end_m - own.start_m) / own.length_m
            centre = own.start_m + (u0 + u1) / 2 * along
            number = _edge_at(centre, room_walls)
            if number is None:
                continue
            is_own = opening.room_id == room_id
            result.append(
                RoomOpening(
                    opening_id=opening.opening_id,
                    kind="door" if opening.kind == "door" else "window",
                    wall=number,
                    asset_id=opening.asset_id,
                    centre_m=(float(centre[0]), float(centre[1]), (v0 + v1) / 2),
                    width_m=u1 - u0,
                    height_m=v1 - v0,
                    openness=self.openness.get(opening.opening_id, 0.0) if is_own else 0.0,
                )
            )
        return tuple(result)


def object_rotations(house: dict[str, Any]) -> dict[str, FloatArray]:
    """Return world_from_object [3, 3] by object id, tilt included."""
    result = {}
    for entry, _ in iterate_objects(house):
        where = f"object {entry.get('id')!r} rotation"
        euler = read_vector(entry.get("rotation") or {}, where=where)
        result[str(entry.get("id"))] = rotation_from_unity_euler(euler.tolist())
    return result


def room_of_house(house_rooms: HouseRooms, room_id: str) -> Room:
    """Return a room; `UserError` if the house has none of this id."""
    room = house_rooms.rooms.get(room_id)
    if room is None:
        names = ", ".join(map(repr, house_rooms.rooms))
        raise UserError(f"room {room_id!r} is not in its house; its rooms are {names}")
    return room


def _wall_at(point_m: FloatArray, candidates: Sequence[Wall]) -> Wall | None:
    """Return the wall that a floor point [2] lies on, the nearest if there are several."""
    found = [(distance_to_edge_m(point_m, wall.start_m, wall.end_m), wall) for wall in candidates]
    distance, wall = min(found, key=lambda pair: pair[0], default=(np.inf, None))
    return wall if distance < SAME_PLANE_M else None


def _edge_at(point_m: FloatArray, room_walls: Sequence[RoomWall]) -> int | None:
    """Return the number of the drawn wall that a floor point [2] lies on."""
    found = [
        (distance_to_edge_m(point_m, np.array(wall.start_m), np.array(wall.end_m)), number)
        for number, wall in enumerate(room_walls)
        if not wall.is_open
    ]
    distance, number = min(found, default=(np.inf, -1))
    return number if distance < SAME_PLANE_M else None
