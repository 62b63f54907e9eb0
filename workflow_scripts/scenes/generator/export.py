"""Write a drawn house as ProcTHOR JSON, schema 1.0.0, in Unity's frame."""

from typing import Any

from workflow_scripts.common.assets import database
from workflow_scripts.common.cameras import unity_from_world, unity_from_yaw
from workflow_scripts.scenes.generator.floor_plan import OUTSIDE
from workflow_scripts.scenes.generator.looks import Looks, lights_of
from workflow_scripts.scenes.generator.openings import Opening
from workflow_scripts.scenes.generator.things import Object
from workflow_scripts.scenes.generator.walls import Piece, Point, Room

AGENT_Y_M = 0.95
AGENT_HORIZON_DEG = 30
FIRST_LAYER = "Procedural0"


def house_json(
    *,
    spec_id: str,
    rooms: list[Room],
    doors: list[Opening],
    windows: list[Opening],
    objects: list[Object],
    looks: Looks,
    ceiling_m: float,
    agent: tuple[Point, float],
) -> dict[str, Any]:
    """Return the house. `agent` is where it starts: plan point and yaw."""
    open_pieces = {piece for door in doors if door.asset is None for piece in door.faces()}
    walls = []
    for room in rooms:
        for piece in room.pieces:
            walls.append(_wall(piece, looks.walls[room.number], ceiling_m, piece in open_pieces))
            if piece.neighbour == OUTSIDE:
                walls.append(_exterior_wall(piece, looks.exterior, ceiling_m))
    pose = {
        "position": _vector(*agent[0], AGENT_Y_M),
        "rotation": {"x": 0, "y": unity_from_yaw(agent[1]), "z": 0},
        "horizon": AGENT_HORIZON_DEG,
        "standing": True,
    }
    return {
        "rooms": [_room(room, looks) for room in rooms],
        "walls": walls,
        "doors": [_door(door) for door in doors if door.asset is not None],
        "windows": _windows(windows),
        "objects": [_object(thing) for thing in objects],
        "proceduralParameters": {
            "ceilingMaterial": looks.ceiling,
            "floorColliderThickness": 1.0,
            "lights": lights_of(rooms, ceiling_m),
            "receptacleHeight": 0.7,
            "reflections": [],
            "skyboxId": looks.skybox,
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


def _room(room: Room, looks: Looks) -> dict[str, Any]:
    return {
        "id": room.room_id,
        "roomType": room.room_type,
        "floorPolygon": [_vector(x, y, 0.0) for x, y in room.outline],
        "floorMaterial": looks.floors[room.number],
        "ceilings": [],
        "children": [],
        "layer": FIRST_LAYER,
    }


def _wall(
    piece: Piece, material: dict[str, Any], ceiling_m: float, is_open: bool
) -> dict[str, Any]:
    """Return the wall; `polygon` is start and end on the floor, then both at the ceiling."""
    wall = {
        "id": piece.wall_id,
        "roomId": f"room|{piece.room}",
        "polygon": [
            _vector(*point, height)
            for height in (0.0, ceiling_m)
            for point in (piece.start, piece.end)
        ],
        "material": material,
        "layer": FIRST_LAYER,
    }
    return {**wall, "empty": True} if is_open else wall


def _exterior_wall(piece: Piece, material: dict[str, Any], ceiling_m: float) -> dict[str, Any]:
    """Return the outer face of a wall; ProcTHOR writes its points from the top."""
    return {
        "id": piece.exterior_id,
        "roomId": "exterior",
        "polygon": [
            _vector(*point, height)
            for height in (ceiling_m, 0.0)
            for point in (piece.start, piece.end)
        ],
        "material": material,
        "layer": FIRST_LAYER,
    }


def _opening(opening: Opening) -> dict[str, Any]:
    """Return what doors and windows share; positions are (along, height) in the wall's frame."""
    piece, twin = opening.piece, opening.twin
    fields: dict[str, Any] = {
        "room0": f"room|{piece.room}",
        "room1": f"room|{twin.room if twin else piece.room}",
        "wall0": piece.wall_id,
        "wall1": twin.wall_id if twin else piece.exterior_id,
        "holePolygon": [
            {"x": round(x, 6), "y": round(y, 6), "z": 0} for x, y in (opening.low_m, opening.high_m)
        ],
    }
    if opening.asset is not None:
        # The table has no entry for frames without a leaf, whose pivot is their middle.
        hole = database("wall-holes").get(opening.asset.asset_id)
        offset = hole["offset"] if hole else {"x": 0.0, "y": 0.0}
        fields["assetId"] = opening.asset.asset_id
        fields["assetPosition"] = {
            "x": round(opening.middle_m + offset["x"], 6),
            "y": round((opening.low_m[1] + opening.high_m[1]) / 2 + offset["y"], 6),
            "z": 0,
        }
    return fields


def _door(door: Opening) -> dict[str, Any]:
    rooms = sorted({door.piece.room, door.twin.room if door.twin else 1})
    has_leaf = door.asset is not None and door.asset.category == "Doorway"
    return {
        "id": f"door|{rooms[0]}|{rooms[1]}",
        **_opening(door),
        "openable": has_leaf and door.openness > 0,
        "openness": door.openness if has_leaf else 0.0,
    }


def _windows(windows: list[Opening]) -> list[dict[str, Any]]:
    """Return the windows, numbered within their rooms."""
    numbers: dict[int, int] = {}
    found = []
    for window in windows:
        room = window.piece.room
        number = numbers[room] = numbers.get(room, -1) + 1
        found.append({"id": f"window|{room}|{number}", **_opening(window)})
    return found


def _object(thing: Object) -> dict[str, Any]:
    kinematic = bool(database("placement-annotations")["isKinematic"].get(thing.asset.category))
    return {
        "id": thing.object_id,
        "assetId": thing.asset.asset_id,
        "position": _vector(thing.x, thing.y, thing.z),
        "rotation": {"x": 0, "y": round(unity_from_yaw(thing.yaw_deg), 4) % 360.0, "z": 0},
        "kinematic": kinematic,
        "layer": FIRST_LAYER,
        "children": [_object(child) for child in thing.children],
        **thing.extra,
    }
