"""Turn a house's rooms, walls and openings into meshes, lamps and windows in the world frame."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Point
from shapely.ops import nearest_points

from workflow_scripts.common.cameras import world_from_unity
from workflow_scripts.views.house import (
    WALL_THICKNESS_M,
    Opening,
    Room,
    Wall,
    ceiling_height_m,
    entries,
    openings,
    rooms,
    vector,
    walls,
)
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.pathtrace.fittings import WallFrame, door, window
from workflow_scripts.views.pathtrace.solids import Builder
from workflow_scripts.views.pathtrace.textures import ceiling as ceiling_surface
from workflow_scripts.views.pathtrace.textures import linear, surface

# Two rooms share the plane of the wall between them. Moving each face into its room by this
# much keeps them apart; pictures hang 3 to 5 mm in front of the plane.
FACE_INSET_M = 0.001
SKIRTING_HEIGHT_M = 0.08
SKIRTING_DEPTH_M = 0.012
LAMP_SIDE_M = 0.6
LAMP_DROP_M = 0.03
# A camera above the ceiling looks through it; what it sees begins this far below.
CUT_BELOW_CEILING_M = 0.06
_CAP_BELOW_CEILING_M = 0.08
_MAX_LAMP_SPACING_M = 4.2

TRIM = Material(colour=(0.80, 0.79, 0.77), roughness=0.45)
OUTSIDE = Material(colour=(0.62, 0.58, 0.52), roughness=0.9)


@dataclass(frozen=True)
class Lamp:
    """A square panel under the ceiling that shines down: centre [3], side, radiance [3]."""

    centre_m: np.ndarray
    side_m: float
    radiance: np.ndarray


@dataclass(frozen=True)
class Shell:
    """The house without its furniture.

    `parts` pairs object ids (as in the object rows) with world meshes. `portals` are the window
    holes [p, 3 (corner, side, up), 3] that let daylight in.
    """

    parts: list[tuple[str, Mesh]]
    lamps: list[Lamp]
    portals: np.ndarray
    ceiling_m: float
    rooms: list[Room]
    walls: list[Wall]
    openings: list[Opening]


def build_shell(house: dict[str, Any]) -> Shell:
    """Build floors, ceilings, walls, doors, windows and lamps of a house."""
    rooms_of_house = rooms(house)
    walls_of_house = walls(house, rooms_of_house)
    openings_of_house = openings(house, walls_of_house)
    ceiling_m = ceiling_height_m(house)
    lamps = {room.room_id: _lamps(house, room, ceiling_m) for room in rooms_of_house}

    frames = {wall.wall_id: WallFrame.of(wall) for wall in walls_of_house}
    outside = {wall.wall_id for wall in walls_of_house if not _has_twin(wall, walls_of_house)}
    parts: list[tuple[str, Mesh]] = []
    for room, entry in zip(rooms_of_house, entries(house, "rooms"), strict=True):
        parts.append((f"floor|{room.room_id}", _floor(room, entry.get("floorMaterial"))))
        ceiling = (house.get("proceduralParameters") or {}).get("ceilingMaterial")
        parts.append(
            (f"ceiling|{room.room_id}", _ceiling(room, ceiling, lamps[room.room_id], ceiling_m))
        )
    materials = {wall.get("id"): wall.get("material") for wall in entries(house, "walls")}
    for wall in walls_of_house:
        mesh = _wall(
            wall,
            [other for other in walls_of_house if other.room_id == wall.room_id],
            openings_of_house,
            _material(materials.get(wall.wall_id)),
            ceiling_m=ceiling_m,
            is_outside=wall.wall_id in outside,
        )
        parts.append((wall.wall_id, mesh))
    portals = []
    openness = {
        door.get("id"): float(door.get("openness") or 0) for door in entries(house, "doors")
    }
    for opening in openings_of_house:
        wall = opening.wall0
        frame = frames[wall.wall_id]
        hole = frame.hole(opening)
        back_m = -WALL_THICKNESS_M if wall.wall_id in outside else -FACE_INSET_M
        if opening.kind == "door":
            mesh = door(opening.asset_id, hole, back_m, openness.get(opening.opening_id, 0.0))
        else:
            mesh = window(opening.asset_id, hole, back_m)
            if wall.wall_id in outside:
                portals.append(frame.rectangle(hole, offset_m=back_m))
        parts.append((opening.opening_id, mesh.transformed(frame.world_from_wall)))
    return Shell(
        parts,
        [lamp for room in rooms_of_house for lamp in lamps[room.room_id]],
        np.array(portals, dtype=np.float64).reshape(-1, 3, 3),
        ceiling_m,
        rooms_of_house,
        walls_of_house,
        openings_of_house,
    )


def _material(
    entry: Any, look: Callable[..., tuple[Material, float]] = surface
) -> tuple[Material, float]:
    """Read a material of the house: {"name", "color"?}; plain off-white if there is none."""
    if not isinstance(entry, dict):
        return look("PureWhite")
    colour = entry.get("color")
    rgb = tuple(float(colour[c]) for c in "rgb") if isinstance(colour, dict) else None
    return look(str(entry.get("name", "PureWhite")), rgb)


def _triangles(room: Room) -> np.ndarray:
    """Cut the floor polygon into triangles [t, 3, 2], counter-clockwise from above."""
    cut = shapely.constrained_delaunay_triangles(room.shape)
    corners = np.array([triangle.exterior.coords[:3] for triangle in cut.geoms])
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = np.cross(np.c_[b - a, 0 * a[:, :1]], np.c_[c - a, 0 * a[:, :1]])[:, 2]
    corners[area < 0] = corners[area < 0][:, ::-1]
    return corners[np.abs(area) > 1e-9]


def _slab(room: Room, z_m: float, material: Material, repeat_m: float, *, up: bool) -> Builder:
    flat = _triangles(room)
    flat = flat if up else flat[:, ::-1]
    corners = np.concatenate([flat.reshape(-1, 2), np.full((flat.size // 2, 1), z_m)], axis=1)
    builder = Builder()
    faces = np.arange(len(corners)).reshape(-1, 3)
    builder.polygon(corners, corners[:, :2] / repeat_m, faces, material)
    return builder


def _floor(room: Room, entry: Any) -> Mesh:
    return _slab(room, 0.0, *_material(entry), up=True).mesh()


def _ceiling(room: Room, entry: Any, lamps: Sequence[Lamp], ceiling_m: float) -> Mesh:
    material, repeat_m = _material(entry, ceiling_surface)
    builder = _slab(room, ceiling_m, material, repeat_m, up=False)
    for lamp in lamps:
        half, rim = lamp.side_m / 2, 0.025
        x, y, z = lamp.centre_m
        low, high = (x - half - rim, y - half - rim), (x + half + rim, y + half + rim)
        builder.box((*low, z + 0.004), (*high, ceiling_m - 0.001), TRIM)
        corners = [(x - half, y + half, z), (x + half, y + half, z)]
        corners += [(x + half, y - half, z), (x - half, y - half, z)]
        builder.quad(
            np.array(corners), np.zeros((4, 2)), Material(emission=tuple(map(float, lamp.radiance)))
        )
    return builder.mesh()


def _lamps(house: dict[str, Any], room: Room, ceiling_m: float) -> list[Lamp]:
    """Place ceiling panels: one at a small room's own light, more over a large floor.

    A point light that AI2-THOR puts in the middle of a large room reaches its far corners only
    because it does not weaken with distance; real rooms of that size have several lamps.
    """
    shape = room.shape
    inner = shape.buffer(-0.5)
    inner = inner if not inner.is_empty else shape
    lights = []
    for light in entries(house.get("proceduralParameters") or {}, "lights"):
        if light.get("type") == "point":
            where = f"light {light.get('id')!r} position"
            at = world_from_unity(vector(light.get("position"), where=where))
            lights.append((shape.distance(Point(at[:2])), at, light))
    lights.sort(key=lambda found: found[0])
    own = [found for found in lights if found[0] < 0.5] or lights[:1]
    low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
    num = np.maximum(1, np.ceil((high - low) / _MAX_LAMP_SPACING_M)).astype(int)
    places = [
        low + (high - low) * (np.array([i, j]) + 0.5) / num
        for i in range(num[0])
        for j in range(num[1])
    ]
    places = [place for place in places if inner.contains(Point(place))]
    if num.max() == 1 and own:
        places = [found[1][:2] for found in own]
    snapped = []
    for place in places or [np.array(inner.representative_point().coords[0])]:
        near = nearest_points(inner, Point(place))[0]
        snapped.append(np.array(near.coords[0]))
    rgb = np.array([1.0, 0.92, 0.84])
    if own and isinstance(own[0][2].get("rgb"), dict):
        given = own[0][2]["rgb"]
        # A camera balances most of a warm lamp's colour away; a quarter of it is left.
        rgb = 0.75 + 0.25 * linear([float(given.get(channel, 1)) for channel in "rgb"])
    return [
        Lamp(np.array([*place, ceiling_m - LAMP_DROP_M]), LAMP_SIDE_M, 11.0 * rgb)
        for place in snapped
    ]


def _has_twin(wall: Wall, walls_of_house: Iterable[Wall]) -> bool:
    """Say whether another room's wall stands in the same plane behind the middle of this one."""
    middle = (wall.start_m + wall.end_m) / 2
    for other in walls_of_house:
        if other.room_id == wall.room_id or other.inward @ wall.inward > -0.99:
            continue
        along = (other.end_m - other.start_m) / other.length_m
        u = (middle - other.start_m) @ along
        if abs((middle - other.start_m) @ other.inward) < 0.02 and 0 < u < other.length_m:
            return True
    return False


def _mitre(wall: Wall, corner_m: np.ndarray, others: Iterable[Wall], offset_m: float) -> float:
    """Return how much longer than the wall a face `offset_m` inside it is at this corner."""
    away = (wall.end_m - wall.start_m) / wall.length_m
    if np.linalg.norm(corner_m - wall.start_m) < np.linalg.norm(corner_m - wall.end_m):
        away = -away
    for other in others:
        ends = np.linalg.norm(np.stack([other.start_m, other.end_m]) - corner_m, axis=1)
        slope = away @ other.inward
        if other is not wall and ends.min() < 1e-3 and abs(slope) > 0.05:
            return float(offset_m * (1 - wall.inward @ other.inward) / slope)
    return 0.0


def _wall(
    wall: Wall,
    others: Sequence[Wall],
    openings_of_house: Iterable[Opening],
    material: tuple[Material, float],
    *,
    ceiling_m: float,
    is_outside: bool,
) -> Mesh:
    frame = WallFrame.of(wall)
    holes = [
        hole
        for opening in openings_of_house
        if (hole := frame.hole(opening, tolerance_m=0.02)) is not None
    ]
    builder = Builder()

    def ends(offset_m: float) -> tuple[float, float]:
        start = _mitre(wall, frame.start_m, others, offset_m)
        end = _mitre(wall, frame.end_m, others, offset_m)
        return -start, wall.length_m + end

    _face(builder, ends(FACE_INSET_M), ceiling_m, holes, FACE_INSET_M, *material)
    if is_outside:
        outer = ends(-WALL_THICKNESS_M)
        _face(builder, outer, ceiling_m, holes, -WALL_THICKNESS_M, OUTSIDE, 1.0, back=True)
        z = ceiling_m - _CAP_BELOW_CEILING_M
        (a, b), (c, d) = ends(FACE_INSET_M), outer
        corners = [(a, FACE_INSET_M, z), (b, FACE_INSET_M, z)]
        corners = [*corners, (d, -WALL_THICKNESS_M, z), (c, -WALL_THICKNESS_M, z)]
        builder.quad(np.array(corners), np.zeros((4, 2)), TRIM)
    doors = sorted((u0 - 0.05, u1 + 0.05) for u0, v0, u1, _ in holes if v0 < SKIRTING_HEIGHT_M)
    front = FACE_INSET_M + SKIRTING_DEPTH_M
    _skirting(builder, ends(FACE_INSET_M), ends(front), doors)
    return builder.mesh().transformed(frame.world_from_wall)


def _face(
    builder: Builder,
    ends: tuple[float, float],
    height_m: float,
    holes: Sequence[tuple[float, float, float, float]],
    offset_m: float,
    material: Material,
    repeat_m: float,
    *,
    back: bool = False,
) -> None:
    """Add a rectangle with rectangular holes as a grid of quads, without T-junctions."""
    us = np.unique(np.clip([*ends, *(u for hole in holes for u in hole[::2])], *ends))
    vs = np.unique(np.clip([0, height_m, *(v for hole in holes for v in hole[1::2])], 0, height_m))
    for u0, u1 in pairwise(us):
        for v0, v1 in pairwise(vs):
            u, v = (u0 + u1) / 2, (v0 + v1) / 2
            if any(h[0] < u < h[2] and h[1] < v < h[3] for h in holes):
                continue
            flat = np.array([(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
            corners = np.stack([flat[:, 0], np.full(4, offset_m), flat[:, 1]], axis=1)
            order = slice(None) if back else slice(None, None, -1)
            builder.quad(corners[order], flat[order] / repeat_m, material)


def _skirting(
    builder: Builder,
    back: tuple[float, float],
    front: tuple[float, float],
    doors: Sequence[tuple[float, float]],
) -> None:
    """Add a board along the foot of the wall, interrupted by doors, mitred at its corners."""
    edges = [(back[0], front[0]), *((u, u) for door in doors for u in door), (back[1], front[1])]
    n0, n1, z = FACE_INSET_M, FACE_INSET_M + SKIRTING_DEPTH_M, SKIRTING_HEIGHT_M
    for (b0, f0), (b1, f1) in zip(edges[::2], edges[1::2], strict=True):
        if min(b1, f1) - max(b0, f0) < 0.01:
            continue
        top = [(b0, n0, z), (b1, n0, z), (f1, n1, z), (f0, n1, z)][::-1]
        face = [(f0, n1, 0), (f0, n1, z), (f1, n1, z), (f1, n1, 0)]
        for corners in (top, face):
            builder.quad(np.array(corners), np.zeros((4, 2)), TRIM)
        if b0 == f0:
            corners = [(b0, n0, 0), (b0, n0, z), (b0, n1, z), (b0, n1, 0)]
            builder.quad(np.array(corners), np.zeros((4, 2)), TRIM)
        if b1 == f1:
            corners = [(b1, n1, 0), (b1, n1, z), (b1, n0, z), (b1, n0, 0)]
            builder.quad(np.array(corners), np.zeros((4, 2)), TRIM)
