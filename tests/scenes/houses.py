"""Small houses to break, and geometry of houses worked out without the generator's own code."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from workflow_scripts.sources.readers.procthor_assets import Asset, assets


def small_house() -> dict[str, Any]:
    """Return a hand-made room of 4 x 3 m with a table, a vase on it, a door and a window."""

    def point(x: float, y: float, z: float) -> dict[str, float]:
        return {"x": x, "y": y, "z": z}

    corners = [(0.0, 0.0), (0.0, 3.0), (4.0, 3.0), (4.0, 0.0)]
    walls = []
    for owner in ("2", "exterior"):
        for (x0, z0), (x1, z1) in zip(corners, corners[1:] + corners[:1], strict=True):
            walls.append(
                {
                    "id": f"wall|{owner}|{min(x0, x1):.2f}|{min(z0, z1):.2f}"
                    f"|{max(x0, x1):.2f}|{max(z0, z1):.2f}",
                    "roomId": "room|2" if owner == "2" else "exterior",
                    "polygon": [
                        point(x, y, z) for y in (0.0, 2.6) for x, z in ((x0, z0), (x1, z1))
                    ],
                    "material": {"name": "PureWhite"},
                }
            )
    opening = {"room0": "room|2", "room1": "room|2"}
    return {
        "rooms": [
            {
                "id": "room|2",
                "roomType": "LivingRoom",
                "floorPolygon": [point(x, 0.0, z) for x, z in corners],
                "floorMaterial": {"name": "WoodFloor"},
                "ceilings": [],
                "children": [],
            }
        ],
        "walls": walls,
        "doors": [
            {
                **opening,
                "id": "door|1|2",
                "wall0": "wall|2|0.00|0.00|0.00|3.00",
                "wall1": "wall|exterior|0.00|0.00|0.00|3.00",
                "assetId": "Doorway_1",
                "holePolygon": [point(1.0, 0.0, 0.0), point(2.07, 2.13, 0.0)],
                "assetPosition": point(1.535, 1.065, 0.0),
            }
        ],
        "windows": [
            {
                **opening,
                "id": "window|2|0",
                "wall0": "wall|2|0.00|3.00|4.00|3.00",
                "wall1": "wall|exterior|0.00|3.00|4.00|3.00",
                "assetId": "Window_Fixed_60x36",
                "holePolygon": [point(1.0, 1.0, 0.0), point(2.52, 1.91, 0.0)],
                "assetPosition": point(1.76, 1.455, 0.0),
            }
        ],
        "objects": [
            {
                "id": "2|0|0",
                "assetId": "Dining_Table_203_1",
                "position": point(2.0, 0.375, 1.5),
                "rotation": point(0, 90, 0),
                "kinematic": True,
                "children": [
                    {
                        "id": "small|2|0",
                        "assetId": "Vase_Flat_1",
                        "position": point(2.0, 0.9, 1.5),
                        "rotation": point(0, 0, 0),
                        "kinematic": False,
                    }
                ],
            }
        ],
        "proceduralParameters": {"lights": [], "ceilingMaterial": {"name": "PureWhite"}},
        "metadata": {"schema": "1.0.0"},
    }


def house_with(path: str, value: Any) -> dict[str, Any]:
    """Return the small house with one value replaced, e.g. at "objects.0.position.x"."""
    house = copy.deepcopy(small_house())
    *parents, last = path.split(".")
    place: Any = house
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return house


def with_children(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield objects and all that stands on them."""
    for obj in objects:
        yield obj
        yield from with_children(obj.get("children") or [])


def asset_of(obj: dict[str, Any]) -> Asset:
    return assets()[obj["assetId"]]


def box(
    obj: dict[str, Any],
    x: tuple[float, float] = (-0.5, 0.5),
    y: tuple[float, float] = (-0.5, 0.5),
) -> Polygon:
    """Return the plan rectangle of a thing, or of a part given in shares of width and depth.

    Unity's yaw is clockwise from above: X = x cos + y sin, Z = -x sin + y cos.
    """
    asset = asset_of(obj)
    yaw = np.deg2rad(obj["rotation"]["y"])
    corners = []
    for u, v in ((x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])):
        local_x, local_y = u * asset.width_m, v * asset.depth_m
        corners.append(
            (
                obj["position"]["x"] + local_x * np.cos(yaw) + local_y * np.sin(yaw),
                obj["position"]["z"] - local_x * np.sin(yaw) + local_y * np.cos(yaw),
            )
        )
    return Polygon(corners)


def height_range(obj: dict[str, Any]) -> tuple[float, float]:
    """Return the heights of a thing's bottom and top."""
    half = asset_of(obj).height_m / 2
    return obj["position"]["y"] - half, obj["position"]["y"] + half


def outline(room: dict[str, Any]) -> Polygon:
    return Polygon([(p["x"], p["z"]) for p in room["floorPolygon"]])


def room_number(obj: dict[str, Any]) -> str:
    """Return the number in an id "Type|2|0" or "Type|surface|2|0" or "Type|wall|2|0"."""
    parts = obj["id"].split("|")
    return parts[2] if parts[1] in ("surface", "wall") else parts[1]


def floor_in_front(house: dict[str, Any], opening: dict[str, Any], wall: str, depth_m: float):
    """Return the rectangle of floor in front of an opening, on the side of one of its walls."""
    faces = {w["id"]: w for w in house["walls"]}
    room = next(r for r in house["rooms"] if r["id"] == faces[wall]["roomId"])
    start, end = (
        np.array([p["x"], p["z"]])
        for p in sorted(faces[opening["wall0"]]["polygon"], key=lambda p: p["y"])[:2]
    )
    along = (end - start) / np.linalg.norm(end - start)
    low, high = (corner["x"] for corner in opening["holePolygon"])
    for normal in (np.array([along[1], -along[0]]), np.array([-along[1], along[0]])):
        a, b = start + low * along, start + high * along
        floor = Polygon([a, b, b + depth_m * normal, a + depth_m * normal])
        if outline(room).contains(floor.buffer(-1e-3)):
            return floor
    raise AssertionError(f"no floor in front of {opening['id']} at {wall}")


def rooms_with_objects(houses):
    """Yield (house, room, its top objects)."""
    for house in houses:
        for room in house["rooms"]:
            number = room["id"].split("|")[1]
            yield house, room, [o for o in house["objects"] if room_number(o) == number]
