"""Write a drawn house as ProcTHOR JSON, schema 1.0.0, in Unity's frame."""

from typing import Any

from workflow_scripts.geometry.cameras import unity_from_world, unity_from_yaw
from workflow_scripts.scenes.generator.floor_plan import OUTSIDE
from workflow_scripts.scenes.generator.materials import HouseMaterials, house_lights
from workflow_scripts.scenes.generator.openings import Opening
from workflow_scripts.scenes.generator.placed_objects import PlacedObject
from workflow_scripts.scenes.generator.walls import Point, Room, WallSegment
from workflow_scripts.sources.readers.procthor_assets import read_database

AGENT_Y_M = 0.95
AGENT_HORIZON_DEG = 30
FIRST_LAYER = "Procedural0"


def house_json(
    *,
    spec_id: str,
    rooms: list[Room],
    doors: list[Opening],
    windows: list[Opening],
    objects: list[PlacedObject],
    materials: HouseMaterials,
    ceiling_m: float,
    agent: tuple[Point, float],
) -> dict[str, Any]:
    """Return the house. `agent` is where it starts: plan point and yaw."""
    open_segments = {segment for door in doors if door.asset is None for segment in door.faces()}
    walls = []
    for room in rooms:
        for segment in room.segments:
            walls.append(
                _wall(segment, materials.walls[room.number], ceiling_m, segment in open_segments)
            )
            if segment.neighbour == OUTSIDE:
                walls.append(_exterior_wall(segment, materials.exterior, ceiling_m))
    pose = {
        "position": _vector(*agent[0], AGENT_Y_M),
        "rotation": {"x": 0, "y": unity_from_yaw(agent[1]), "z": 0},
        "horizon": AGENT_HORIZON_DEG,
        "standing": True,
    }
    return {
        "rooms": [_room(room, materials) for room in rooms],
        "walls": walls,
        "doors": [_door(door) for door in doors if door.asset is not None],
        "windows": _windows(windows),
        "objects": [_object(obj) for obj in objects],
        "proceduralParameters": {
            "ceilingMaterial": materials.ceiling,
            "floorColliderThickness": 1.0,
            "lights": house_lights(rooms, ceiling_m),
            "receptacleHeight": 0.7,
            "reflections": [],
            "skyboxId": materials.skybox,
        },
        "metadata": {
            "schema": "1.0.0",
            "roomSpecId": spec_id,
            "agent": pose,
            "agentPoses": dict.fromkeys(("default", "arm", "locobot", "stretch"), pose),
            "warnings": {},
        },
    }


def _vector(x_m: float, y_m: float, z_m: float) -> dict[str, float]:
    """Turn a plan point and a height into a vector in Unity's frame, rounded to a micrometre."""
    x, y, z = (round(float(v), 6) for v in unity_from_world((x_m, y_m, z_m)))
    return {"x": x, "y": y, "z": z}


def _room(room: Room, materials: HouseMaterials) -> dict[str, Any]:
    return {
        "id": room.room_id,
        "roomType": room.room_type,
        "floorPolygon": [_vector(x, y, 0.0) for x, y in room.outline],
        "floorMaterial": materials.floors[room.number],
        "ceilings": [],
        "children": [],
        "layer": FIRST_LAYER,
    }


def _wall(
    segment: WallSegment, material: dict[str, Any], ceiling_m: float, is_open: bool
) -> dict[str, Any]:
    """Return the wall; `polygon` is start and end on the floor, then both at the ceiling."""
    wall = {
        "id": segment.wall_id,
        "roomId": f"room|{segment.room}",
        "polygon": [
            _vector(*point, height)
            for height in (0.0, ceiling_m)
            for point in (segment.start, segment.end)
        ],
        "material": material,
        "layer": FIRST_LAYER,
    }
    return {**wall, "empty": True} if is_open else wall


def _exterior_wall(
    segment: WallSegment, material: dict[str, Any], ceiling_m: float
) -> dict[str, Any]:
    """Return the outer face of a wall; ProcTHOR writes its points from the top."""
    return {
        "id": segment.exterior_id,
        "roomId": "exterior",
        "polygon": [
            _vector(*point, height)
            for height in (ceiling_m, 0.0)
            for point in (segment.start, segment.end)
        ],
        "material": material,
        "layer": FIRST_LAYER,
    }


def _opening_fields(opening: Opening) -> dict[str, Any]:
    """Return what doors and windows share; positions are (along, height) in the wall's frame."""
    segment, opposite = opening.segment, opening.opposite
    fields: dict[str, Any] = {
        "room0": f"room|{segment.room}",
        "room1": f"room|{opposite.room if opposite else segment.room}",
        "wall0": segment.wall_id,
        "wall1": opposite.wall_id if opposite else segment.exterior_id,
        "holePolygon": [
            {"x": round(x, 6), "y": round(y, 6), "z": 0} for x, y in (opening.low_m, opening.high_m)
        ],
    }
    if opening.asset is not None:
        # The table has no entry for frames without a leaf, whose pivot is their middle.
        hole = read_database("wall-holes").get(opening.asset.asset_id)
        offset = hole["offset"] if hole else {"x": 0.0, "y": 0.0}
        fields["assetId"] = opening.asset.asset_id
        fields["assetPosition"] = {
            "x": round(opening.middle_m + offset["x"], 6),
            "y": round((opening.low_m[1] + opening.high_m[1]) / 2 + offset["y"], 6),
            "z": 0,
        }
    return fields


def _door(door: Opening) -> dict[str, Any]:
    rooms = sorted({door.segment.room, door.opposite.room if door.opposite else 1})
    has_leaf = door.asset is not None and door.asset.category == "Doorway"
    return {
        "id": f"door|{rooms[0]}|{rooms[1]}",
        **_opening_fields(door),
        "openable": has_leaf and door.openness > 0,
        "openness": door.openness if has_leaf else 0.0,
    }


def _windows(windows: list[Opening]) -> list[dict[str, Any]]:
    """Return the windows, numbered within their rooms."""
    numbers: dict[int, int] = {}
    window_list = []
    for window in windows:
        room = window.segment.room
        number = numbers[room] = numbers.get(room, -1) + 1
        window_list.append({"id": f"window|{room}|{number}", **_opening_fields(window)})
    return window_list


def _object(obj: PlacedObject) -> dict[str, Any]:
    kinematic = bool(read_database("placement-annotations")["isKinematic"].get(obj.asset.category))
    return {
        "id": obj.object_id,
        "assetId": obj.asset.asset_id,
        "position": _vector(obj.x, obj.y, obj.z),
        "rotation": {"x": 0, "y": round(unity_from_yaw(obj.yaw_deg), 4) % 360.0, "z": 0},
        "kinematic": kinematic,
        "layer": FIRST_LAYER,
        "children": [_object(child) for child in obj.children],
        **obj.extra,
    }
