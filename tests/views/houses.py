"""Hand-made ProcTHOR houses for tests: small, exact, in Unity's frame as the files are."""

import copy
from typing import Any

from workflow_scripts.sources.readers.procthor_assets import assets_in_category


def first_asset(category: str) -> str:
    """Return an asset id of a category from the table."""
    return assets_in_category(category)[0].asset_id


def _vec(x: float, y: float, z: float) -> dict[str, float]:
    return {"x": x, "y": y, "z": z}


def room_entry(room_id: str, corners: list[tuple[float, float]], kind: str = "LivingRoom") -> dict:
    """Return a room whose floor polygon runs through `corners` (x, z), clockwise from above."""
    return {
        "id": room_id,
        "roomType": kind,
        "floorPolygon": [_vec(x, 0, z) for x, z in corners],
        "floorMaterial": {"name": "WoodFloorsCrossRED"},
        "ceilings": [],
        "children": [],
    }


def wall_entries(
    room_id: str, corners: list[tuple[float, float]], height: float = 2.6
) -> list[dict]:
    """Return the walls along a floor polygon, each with its twin outside."""
    number = room_id.split("|")[1]
    walls = []
    for (x0, z0), (x1, z1) in zip(corners, corners[1:] + corners[:1], strict=True):
        name = "|".join(f"{v:.2f}" for v in (min(x0, x1), min(z0, z1), max(x0, x1), max(z0, z1)))
        floor = [_vec(x0, 0, z0), _vec(x1, 0, z1)]
        top = [_vec(x0, height, z0), _vec(x1, height, z1)]
        material = {"name": "WallDrywallWhite3"}
        walls.append(
            {
                "id": f"wall|{number}|{name}",
                "roomId": room_id,
                "polygon": floor + top,
                "material": material,
            }
        )
        walls.append(
            {
                "id": f"wall|exterior|{number}|{name}",
                "roomId": "exterior",
                "polygon": top[::-1] + floor[::-1],
                "material": material,
            }
        )
    return walls


def object_entry(
    object_id: str,
    category: str,
    position: tuple[float, float, float],
    *,
    yaw: float = 0.0,
    children: list[dict] | None = None,
) -> dict[str, Any]:
    """Return an object: position is the centre of its box in Unity's frame."""
    return {
        "id": object_id,
        "assetId": first_asset(category),
        "position": _vec(*position),
        "rotation": _vec(0, yaw, 0),
        "kinematic": True,
        "children": children or [],
    }


def house_of(rooms: list[dict], walls: list[dict], objects: list[dict]) -> dict[str, Any]:
    """Return a house of schema 1.0.0 with a lamp in every room."""
    lights = []
    for room in rooms:
        xs = [point["x"] for point in room["floorPolygon"]]
        zs = [point["z"] for point in room["floorPolygon"]]
        lights.append(
            {
                "id": f"light_{room['id'].split('|')[1]}",
                "type": "point",
                "position": _vec(sum(xs) / len(xs), 2.4, sum(zs) / len(zs)),
                "intensity": 0.75,
                "range": 15,
                "rgb": {"r": 1.0, "g": 0.9, "b": 0.8},
            }
        )
    return {
        "rooms": rooms,
        "walls": walls,
        "doors": [],
        "windows": [],
        "objects": objects,
        "proceduralParameters": {
            "ceilingMaterial": {"name": "PureWhite"},
            "floorColliderThickness": 1.0,
            "receptacleHeight": 0.7,
            "reflections": [],
            "skyboxId": "SkyAlbany",
            "lights": lights,
        },
        "metadata": {
            "schema": "1.0.0",
            "roomSpecId": "test",
            "warnings": {},
            "agent": {
                "position": _vec(2.5, 0.95, 1.0),
                "rotation": _vec(0, 0, 0),
                "horizon": 30,
                "standing": True,
            },
        },
    }


SQUARE = [(0.0, 4.0), (5.0, 4.0), (5.0, 0.0), (0.0, 0.0)]
L_SHAPE = [(0.0, 6.0), (3.0, 6.0), (3.0, 3.0), (6.0, 3.0), (6.0, 0.0), (0.0, 0.0)]


def living_room() -> dict[str, Any]:
    """Return a room of 5 x 4 x 2.6 m: sofa at the far wall, table with a vase, lamp, door."""
    house = house_of(
        [room_entry("room|2", SQUARE)],
        wall_entries("room|2", SQUARE),
        [
            object_entry("Sofa|2|0", "Sofa", (1.2, 0.45, 3.3), yaw=180.0),
            object_entry(
                "DiningTable|2|1",
                "DiningTable",
                (3.6, 0.4, 2.4),
                children=[object_entry("Vase|surface|2|0", "Vase", (3.6, 0.95, 2.4), yaw=30.0)],
            ),
            # Rebuilt rooms carry ids without "|", which Unity's masks leave out.
            object_entry("lamp_3", "FloorLamp", (0.4, 0.8, 0.5)),
        ],
    )
    house["doors"] = [
        {
            "id": "door|1|2",
            "room0": "room|2",
            "room1": "room|2",
            "wall0": "wall|2|5.00|0.00|5.00|4.00",
            "wall1": "wall|exterior|2|5.00|0.00|5.00|4.00",
            "assetId": "Doorway_8",
            "openable": False,
            "openness": 0,
            # The wall runs from (5, 4) to (5, 0): u = 1 is z = 3.
            "assetPosition": _vec(1.0, 1.05, 0),
            "holePolygon": [_vec(0.5, 0, 0), _vec(1.5, 2.1, 0)],
        }
    ]
    return house


def l_shaped_room() -> dict[str, Any]:
    """Return an L-shaped room of 27 m2 with a reflex corner at (3, 3) and one chair."""
    return house_of(
        [room_entry("room|4", L_SHAPE, "Bedroom")],
        wall_entries("room|4", L_SHAPE),
        [object_entry("Chair|4|0", "Chair", (1.5, 0.5, 1.5))],
    )


def mirrored(house: dict[str, Any], width: float) -> dict[str, Any]:
    """Return the house mirrored in the plane x = width / 2."""
    mirror_image = copy.deepcopy(house)

    def flip(vector: dict[str, float]) -> None:
        vector["x"] = width - vector["x"]

    for room in mirror_image["rooms"]:
        room["floorPolygon"] = room["floorPolygon"][::-1]
        for point in room["floorPolygon"]:
            flip(point)
    for wall in mirror_image["walls"]:
        floor, top = wall["polygon"][:2], wall["polygon"][2:]
        wall["polygon"] = floor[::-1] + top[::-1]
        for point in wall["polygon"]:
            flip(point)
    queue = list(mirror_image["objects"])
    while queue:
        entry = queue.pop()
        flip(entry["position"])
        entry["rotation"]["y"] = -entry["rotation"]["y"]
        queue += entry["children"]
    for light in mirror_image["proceduralParameters"]["lights"]:
        flip(light["position"])
    mirror_image["doors"] = []
    return mirror_image
