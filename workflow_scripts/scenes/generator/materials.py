"""Materials of walls, floors and ceiling, lights and sky."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.scenes.generator.walls import Room
from workflow_scripts.sources.readers.procthor_assets import read_database

P_ALL_WALLS_EQUAL = 0.35
P_PLAIN_COLOUR = 0.5
P_ALL_FLOORS_EQUAL = 0.15
LIGHT_BELOW_CEILING_M = 0.2
P_MATCHING_MATERIAL = 0.85
_TILED_ROOM_TYPES = ("Bathroom", "Kitchen")
_TILES = ("tiles", "porcelain", "marble")
_DRY_WALLS = ("drywall", "plaster", "brick", "concrete", "panel", "redwall")


@dataclass(frozen=True)
class HouseMaterials:
    """Materials by room number, of the outside walls and of the ceiling."""

    walls: dict[int, dict[str, Any]]
    floors: dict[int, dict[str, Any]]
    exterior: dict[str, Any]
    ceiling: dict[str, Any]
    skybox: str


def sample_materials(rng: np.random.Generator, rooms: list[Room]) -> HouseMaterials:
    """Draw the materials of a house from ProcTHOR's lists."""
    wall, floor = (
        _sample_wall_material(rng, "LivingRoom"),
        _sample_floor_material(rng, "LivingRoom"),
    )
    walls_equal, floors_equal = chance(rng, P_ALL_WALLS_EQUAL), chance(rng, P_ALL_FLOORS_EQUAL)
    return HouseMaterials(
        walls={
            r.number: wall if walls_equal else _sample_wall_material(rng, r.room_type)
            for r in rooms
        },
        floors={
            r.number: floor if floors_equal else _sample_floor_material(rng, r.room_type)
            for r in rooms
        },
        exterior=_sample_wall_material(rng, "LivingRoom"),
        ceiling={"name": "PureWhite"} if chance(rng, 0.7) else wall,
        skybox=pick(rng, sorted(read_database("skyboxes"))),
    )


def _sample_wall_material(rng: np.random.Generator, room_type: str) -> dict[str, Any]:
    """Draw a plain colour or a material; tiles mostly where it gets wet, plaster elsewhere."""
    if chance(rng, P_PLAIN_COLOUR):
        return {"name": "PureWhite", "color": dict(pick(rng, read_database("solid-wall-colors")))}
    names = read_database("material-database")["Wall"]
    keywords = _TILES if room_type in _TILED_ROOM_TYPES else _DRY_WALLS
    return {
        "name": pick(
            rng, _names_containing(names, keywords if chance(rng, P_MATCHING_MATERIAL) else ("",))
        )
    }


def _sample_floor_material(rng: np.random.Generator, room_type: str) -> dict[str, Any]:
    """Draw a wooden floor, often tiles where it gets wet, now and then carpet in bedrooms."""
    materials = read_database("material-database")
    if room_type in _TILED_ROOM_TYPES and chance(rng, 0.5):
        return {"name": pick(rng, _names_containing(materials["Wall"], _TILES))}
    if room_type == "Bedroom" and chance(rng, 0.2):
        return {"name": pick(rng, _names_containing(materials["Fabric"], ("carpet",)))}
    return {"name": pick(rng, sorted(materials["Wood"]))}


def _names_containing(names: list[str], keywords: tuple[str, ...]) -> list[str]:
    """Return the names that contain one of the words, sorted."""
    return sorted(name for name in names if any(word in name.lower() for word in keywords))


def house_lights(rooms: list[Room], ceiling_m: float) -> list[dict[str, Any]]:
    """Return the sun and one lamp below the ceiling in the middle of every room (Unity's frame)."""
    shadow = {
        "type": "Soft",
        "strength": 1,
        "normalBias": 0,
        "bias": 0,
        "nearPlane": 0.2,
        "resolution": "FromQualitySettings",
    }
    sun = {
        "id": "DirectionalLight",
        "position": {"x": 0.84, "y": 0.1855, "z": -1.09},
        "rotation": {"x": 66, "y": 75, "z": 0},
        "shadow": shadow,
        "type": "directional",
        "intensity": 1,
        "indirectMultiplier": 1.0,
        "rgb": {"r": 1.0, "g": 1.0, "b": 1.0},
    }
    lamps = [
        {
            "id": f"light_{room.number}",
            "type": "point",
            "position": _lamp_position(room, ceiling_m),
            "intensity": 0.75,
            "range": 15,
            "rgb": {"r": 1.0, "g": 0.855, "b": 0.722},
            "shadow": {**shadow, "bias": 0.05},
        }
        for room in rooms
    ]
    return [sun, *lamps]


def _lamp_position(room: Room, ceiling_m: float) -> dict[str, float]:
    """Return the middle of the room, or of its largest part if that lies outside (L shapes)."""
    total = room.area_m2
    x = sum((x0 + x1) / 2 * (x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in room.cells) / total
    y = sum((y0 + y1) / 2 * (x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in room.cells) / total
    if not any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in room.cells):
        x0, y0, x1, y1 = max(room.cells, key=lambda c: (c[2] - c[0]) * (c[3] - c[1]))
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return {"x": x, "y": ceiling_m - LIGHT_BELOW_CEILING_M, "z": y}
