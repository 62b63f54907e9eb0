"""Walls, doors and windows of a rebuilt room: a wall has one hole at most, as AI2-THOR wants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray, unity_from_world
from workflow_scripts.layouts.asset_match import nearest_opening
from workflow_scripts.layouts.floor_polygon import distance_to_edge_m
from workflow_scripts.layouts.layout import FormatProblem, LayoutOpening
from workflow_scripts.layouts.room_record import RoomOpening
from workflow_scripts.sources.readers.procthor_assets import assets, read_database

LAYER = "Procedural0"
MAX_FROM_WALL_M = 0.3
"""An opening farther than this from every wall is left out."""
MIN_HOLE_M = 0.1
SAME_DOOR_M = 0.5
EDGE_M = 0.02
_CATEGORIES = {"door": ("Doorway", "Doorframe"), "window": ("Window",)}


@dataclass(frozen=True)
class Edge:
    """An edge of the floor with its wall: ends [2], material, color, whether it is a passage."""

    start_m: FloatArray
    end_m: FloatArray
    material: str
    color: tuple[float, float, float] | None = None
    is_open: bool = False

    @property
    def length_m(self) -> float:
        """Return its length."""
        return float(np.linalg.norm(self.end_m - self.start_m))


@dataclass(frozen=True)
class Hole:
    """A hole in an edge: u along it from its start and v up, in metres."""

    kind: str
    u0_m: float
    u1_m: float
    v0_m: float
    v1_m: float
    asset_id: str
    openness: float = 0.0


def place_holes(
    edges: Sequence[Edge],
    openings: Iterable[LayoutOpening],
    ceiling_m: float,
    true_openings: Sequence[RoomOpening] = (),
) -> tuple[dict[int, list[Hole]], list[FormatProblem]]:
    """Return the holes of each edge from its start to its end, and what has no place.

    No format says how far doors are open: each is as the true one near it, or closed.
    """
    holes: dict[int, list[Hole]] = {}
    problems = []
    for number, opening in enumerate(openings):
        position = f"{opening.kind} {number}"
        numbers = np.array([*opening.centre_m, opening.width_m, opening.height_m])
        if not np.isfinite(numbers).all():
            problems.append(FormatProblem(position, "its place or size is not a number"))
            continue
        distances = [
            np.inf if e.is_open else distance_to_edge_m(opening.centre_m[:2], e.start_m, e.end_m)
            for e in edges
        ]
        edge = int(np.argmin(distances))
        if distances[edge] > MAX_FROM_WALL_M:
            problems.append(FormatProblem(position, f"is {distances[edge]:.2f} m from every wall"))
            continue
        hole = _hole(opening, edges[edge], ceiling_m)
        if min(hole.u1_m - hole.u0_m, hole.v1_m - hole.v0_m) < MIN_HOLE_M:
            problems.append(FormatProblem(position, "nothing of it is within its wall"))
        elif any(h.u0_m < hole.u1_m and hole.u0_m < h.u1_m for h in holes.get(edge, ())):
            problems.append(FormatProblem(position, "overlaps another door or window"))
        else:
            openness = _openness(opening, true_openings)
            holes.setdefault(edge, []).append(replace(hole, openness=openness))
    for row in holes.values():
        row.sort(key=lambda hole: hole.u0_m)
    return holes, problems


def _hole(opening: LayoutOpening, edge: Edge, ceiling_m: float) -> Hole:
    along = (edge.end_m - edge.start_m) / edge.length_m
    u = float((opening.centre_m[:2] - edge.start_m) @ along)
    v = float(opening.centre_m[2])
    half_width, half_height = abs(opening.width_m) / 2, abs(opening.height_m) / 2
    return Hole(
        opening.kind,
        max(u - half_width, EDGE_M),
        min(u + half_width, edge.length_m - EDGE_M),
        max(v - half_height, 0.0 if opening.kind == "door" else EDGE_M),
        min(v + half_height, ceiling_m - EDGE_M),
        _opening_asset(opening),
    )


def _openness(opening: LayoutOpening, true_openings: Sequence[RoomOpening]) -> float:
    near = {
        float(np.linalg.norm(opening.centre_m - np.array(true.centre_m))): true.openness
        for true in true_openings
        if true.kind == opening.kind
    }
    distance = min(near, default=np.inf)
    return near[distance] if distance <= SAME_DOOR_M else 0.0


def _opening_asset(opening: LayoutOpening) -> str:
    asset = assets().get(opening.asset_id)
    if asset is not None and asset.category in _CATEGORIES[opening.kind]:
        return asset.asset_id
    width, height = abs(opening.width_m), abs(opening.height_m)
    return nearest_opening(opening.kind, width, height).asset_id


def split_edges(
    edges: Sequence[Edge], holes: Mapping[int, Sequence[Hole]]
) -> list[tuple[Edge, Hole | None]]:
    """Return edges of one hole at most: an edge with several is cut in the middle between them."""
    result: list[tuple[Edge, Hole | None]] = []
    for number, edge in enumerate(edges):
        row = list(holes.get(number, ()))
        if len(row) < 2:
            result.append((edge, row[0] if row else None))
            continue
        along = (edge.end_m - edge.start_m) / edge.length_m
        cuts = [(a.u1_m + b.u0_m) / 2 for a, b in pairwise(row)]
        bounds = [0.0, *cuts, edge.length_m]
        for hole, (low, high) in zip(row, pairwise(bounds), strict=True):
            part = replace(
                edge, start_m=edge.start_m + low * along, end_m=edge.start_m + high * along
            )
            moved = replace(hole, u0_m=hole.u0_m - low, u1_m=hole.u1_m - low)
            result.append((part, moved))
    return result


def wall_entries(
    parts: Sequence[tuple[Edge, Hole | None]], *, room: int, ceiling_m: float
) -> dict[str, list[dict[str, Any]]]:
    """Return the lists walls, doors and windows of a house with one room."""
    walls: list[dict[str, Any]] = []
    openings: dict[str, list[dict[str, Any]]] = {"door": [], "window": []}
    used: set[str] = set()
    for edge, hole in parts:
        name = _wall_name(edge, used)
        inner, outer = f"wall|{room}|{name}", f"wall|exterior|{room}|{name}"
        wall = _wall(inner, f"room|{room}", edge, (0.0, ceiling_m))
        walls.append({**wall, "empty": True} if edge.is_open else wall)
        if not edge.is_open:
            walls.append(_wall(outer, "exterior", edge, (ceiling_m, 0.0)))
        if hole is None:
            continue
        row = openings[hole.kind]
        ending = "1" if hole.kind == "door" and not row else f"1|{len(row)}"
        identity = f"door|{room}|{ending}" if hole.kind == "door" else f"window|{room}|{len(row)}"
        row.append(_opening(identity, hole, inner, outer, room))
    return {"walls": walls, "doors": openings["door"], "windows": openings["window"]}


def _wall_name(edge: Edge, used: set[str]) -> str:
    """Return the least and largest x and z, in centimetres as AI2-THOR writes them."""
    low = np.minimum(edge.start_m, edge.end_m)
    high = np.maximum(edge.start_m, edge.end_m)
    base = name = "|".join(f"{value:.2f}" for value in (*low, *high))
    number = 1
    while name in used:
        number += 1
        name = f"{base}|{number}"
    used.add(name)
    return name


def _wall(identity: str, room_id: str, edge: Edge, heights: tuple[float, float]) -> dict[str, Any]:
    return {
        "id": identity,
        "roomId": room_id,
        "polygon": [
            vector(x, y, height) for height in heights for x, y in (edge.start_m, edge.end_m)
        ],
        "material": _material(edge),
        "layer": LAYER,
    }


def _material(edge: Edge) -> dict[str, Any]:
    if edge.color is None:
        return {"name": edge.material}
    return {"name": edge.material, "color": dict(zip("rgb", edge.color, strict=True))}


def _opening(identity: str, hole: Hole, inner: str, outer: str, room: int) -> dict[str, Any]:
    known = read_database("wall-holes").get(hole.asset_id)
    offset = known["offset"] if known else {"x": 0.0, "y": 0.0}
    middle = ((hole.u0_m + hole.u1_m) / 2, (hole.v0_m + hole.v1_m) / 2)
    entry: dict[str, Any] = {
        "id": identity,
        "assetId": hole.asset_id,
        "room0": f"room|{room}",
        "room1": f"room|{room}",
        "wall0": inner,
        "wall1": outer,
        "holePolygon": [
            {"x": round(u, 6), "y": round(v, 6), "z": 0}
            for u, v in ((hole.u0_m, hole.v0_m), (hole.u1_m, hole.v1_m))
        ],
        "assetPosition": {
            "x": round(middle[0] + offset["x"], 6),
            "y": round(middle[1] + offset["y"], 6),
            "z": 0,
        },
    }
    if hole.kind == "door":
        has_leaf = assets()[hole.asset_id].category == "Doorway"
        openness = hole.openness if has_leaf else 0.0
        entry |= {"openable": openness > 0, "openness": openness}
    return entry


def vector(x_m: float, y_m: float, z_m: float) -> dict[str, float]:
    """Return a world point as a vector of Unity's frame, rounded to a micrometre."""
    x, y, z = (round(float(value), 6) for value in unity_from_world((x_m, y_m, z_m)))
    return {"x": x, "y": y, "z": z}
