"""Turn a house's rooms, walls and openings into meshes, lamps and windows in the world frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Point
from shapely.ops import nearest_points

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.srgb import linear_from_srgb
from workflow_scripts.geometry.cameras import world_from_unity
from workflow_scripts.sources.readers.procthor_house import (
    WALL_THICKNESS_M,
    Opening,
    Room,
    Wall,
    ceiling_height_m,
    entries,
    openings,
    read_vector,
    rooms,
    walls,
)
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.pathtrace.doors_windows import (
    PAINT,
    Hole,
    WallFrame,
    door,
    door_leaves,
    window,
)
from workflow_scripts.views.pathtrace.mesh_builder import MeshBuilder
from workflow_scripts.views.pathtrace.textures import ceiling_material, surface_material
from workflow_scripts.views.pathtrace.walls import FACE_INSET_M, has_wall_behind, wall_mesh

LAMP_SIDE_M = 0.6
LAMP_DROP_M = 0.03
_MAX_LAMP_SPACING_M = 4.2


@dataclass(frozen=True)
class Lamp:
    """A square panel under the ceiling that shines down: centre [3], side, radiance [3]."""

    centre_m: np.ndarray
    side_m: float
    radiance: np.ndarray


@dataclass(frozen=True)
class Shell:
    """The building without its furniture.

    `parts` pairs object ids (as in the object rows) with world meshes. `portals` are the window
    holes [p, 3 (corner, side, up), 3] that let daylight in. `leaf_segments_m` are door leaves
    seen from above, hinge and free edge [2, 2].
    """

    parts: list[tuple[str, Mesh]]
    lamps: list[Lamp]
    portals: np.ndarray
    leaf_segments_m: list[np.ndarray]
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
    outside = {wall.wall_id for wall in walls_of_house if not has_wall_behind(wall, walls_of_house)}
    parts: list[tuple[str, Mesh]] = []
    for room, entry in zip(rooms_of_house, entries(house, "rooms"), strict=True):
        parts.append((f"floor|{room.room_id}", _floor(room, entry.get("floorMaterial"))))
        ceiling = (house.get("proceduralParameters") or {}).get("ceilingMaterial")
        parts.append(
            (f"ceiling|{room.room_id}", _ceiling(room, ceiling, lamps[room.room_id], ceiling_m))
        )
    materials = {wall.get("id"): wall.get("material") for wall in entries(house, "walls")}
    for wall in walls_of_house:
        mesh = wall_mesh(
            wall,
            [other for other in walls_of_house if other.room_id == wall.room_id],
            openings_of_house,
            _material(materials.get(wall.wall_id)),
            ceiling_m=ceiling_m,
            is_outside=wall.wall_id in outside,
        )
        parts.append((wall.wall_id, mesh))
    portals, leaf_segments = [], []
    doors = {entry.get("id"): entry for entry in entries(house, "doors")}
    for opening in openings_of_house:
        frame = frames[opening.wall0.wall_id]
        hole = frame.hole(opening)
        if hole is None:
            raise UserError(
                f"{opening.kind} {opening.opening_id!r}: its holePolygon lies outside its wall"
            )
        is_outside = opening.wall0.wall_id in outside
        back_m = -WALL_THICKNESS_M if is_outside else -FACE_INSET_M
        if opening.kind == "door":
            mesh, segments = _door(opening, frame, hole, back_m, doors[opening.opening_id])
            leaf_segments += segments
        else:
            mesh = window(opening.asset_id, hole, back_m)
            if is_outside:
                portals.append(frame.rectangle(hole, offset_m=back_m))
        parts.append((opening.opening_id, mesh.transformed(frame.world_from_wall)))
    return Shell(
        parts,
        [lamp for room in rooms_of_house for lamp in lamps[room.room_id]],
        np.array(portals, dtype=np.float64).reshape(-1, 3, 3),
        leaf_segments,
        ceiling_m,
        rooms_of_house,
        walls_of_house,
        openings_of_house,
    )


def _door(
    opening: Opening, frame: WallFrame, hole: Hole, back_m: float, entry: dict[str, Any]
) -> tuple[Mesh, list[np.ndarray]]:
    """Return a door in the frame of its wall, and its leaves as segments [2, 2] on the floor."""
    openness = _fraction(entry.get("openness") or 0, where=f"door {opening.opening_id!r} openness")
    # The hinge is where the wall's own first point is; its frame may run the other way.
    reversed_frame = bool(frame.along @ (opening.wall0.end_m - opening.wall0.start_m) < 0)
    leaves = door_leaves(opening.asset_id, hole, back_m, openness, hinge_at_high_u=reversed_frame)
    segments = [frame.floor_points(leaf.segment_m) for leaf in leaves]
    return door(hole, back_m, openness, leaves), segments


def _fraction(value: Any, *, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UserError(f"{where} is {value!r}; it must be a number from 0 to 1")
    return float(value)


def _rgb(entry: Any, *, where: str) -> tuple[float, float, float]:
    """Read {"r", "g", "b"}, each from 0 to 1."""
    if not isinstance(entry, dict):
        raise UserError(f"{where} is {entry!r}; it must be an object with r, g and b")
    red, green, blue = (_fraction(entry.get(name), where=f"{where}.{name}") for name in "rgb")
    return red, green, blue


def _material(
    entry: Any, material_of_name: Callable[..., tuple[Material, float]] = surface_material
) -> tuple[Material, float]:
    """Read a material of the house: {"name", "color"?}; plain off-white if there is none."""
    if not isinstance(entry, dict):
        return material_of_name("PureWhite")
    name, colour = str(entry.get("name", "PureWhite")), entry.get("color")
    if colour is None:
        return material_of_name(name)
    return material_of_name(name, _rgb(colour, where=f"colour of material {name!r}"))


def _triangles(room: Room) -> np.ndarray:
    """Cut the floor polygon into triangles [t, 3, 2], counter-clockwise from above."""
    cut = shapely.constrained_delaunay_triangles(room.shape)
    corners = np.array([triangle.exterior.coords[:3] for triangle in cut.geoms])
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = np.cross(np.c_[b - a, 0 * a[:, :1]], np.c_[c - a, 0 * a[:, :1]])[:, 2]
    corners[area < 0] = corners[area < 0][:, ::-1]
    triangles: np.ndarray = corners[np.abs(area) > 1e-9]
    return triangles


def _slab(room: Room, z_m: float, material: Material, repeat_m: float, *, up: bool) -> MeshBuilder:
    flat = _triangles(room)
    flat = flat if up else flat[:, ::-1]
    corners = np.concatenate([flat.reshape(-1, 2), np.full((flat.size // 2, 1), z_m)], axis=1)
    builder = MeshBuilder()
    faces = np.arange(len(corners)).reshape(-1, 3)
    builder.polygon(corners, corners[:, :2] / repeat_m, faces, material)
    return builder


def _floor(room: Room, entry: Any) -> Mesh:
    return _slab(room, 0.0, *_material(entry), up=True).mesh()


def _ceiling(room: Room, entry: Any, lamps: Sequence[Lamp], ceiling_m: float) -> Mesh:
    material, repeat_m = _material(entry, ceiling_material)
    builder = _slab(room, ceiling_m, material, repeat_m, up=False)
    for lamp in lamps:
        half, rim = lamp.side_m / 2, 0.025
        x, y, z = lamp.centre_m
        low, high = (x - half - rim, y - half - rim), (x + half + rim, y + half + rim)
        builder.box((*low, z + 0.004), (*high, ceiling_m - 0.001), PAINT)
        corners = [(x - half, y + half, z), (x + half, y + half, z)]
        corners += [(x + half, y - half, z), (x - half, y - half, z)]
        red, green, blue = map(float, lamp.radiance)
        builder.quad(np.array(corners), np.zeros((4, 2)), Material(emission=(red, green, blue)))
    return builder.mesh()


def _lamps(house: dict[str, Any], room: Room, ceiling_m: float) -> list[Lamp]:
    """Place ceiling panels: one at the light of a small room, several over a large floor.

    A point light that AI2-THOR puts in the middle of a large room reaches its far corners only
    because it does not fade with distance; real rooms of that size have several lamps.
    """
    shape = room.shape
    inner = shape.buffer(-0.5)
    inner = inner if not inner.is_empty else shape
    lights = []
    for light in entries(house.get("proceduralParameters") or {}, "lights"):
        if light.get("type") == "point":
            where = f"light {light.get('id')!r} position"
            at = world_from_unity(read_vector(light.get("position"), where=where))
            lights.append((shape.distance(Point(at[:2])), at, light))
    lights.sort(key=lambda light: light[0])
    room_lights = [light for light in lights if light[0] < 0.5] or lights[:1]
    low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
    num = np.maximum(1, np.ceil((high - low) / _MAX_LAMP_SPACING_M)).astype(int)
    positions = [
        low + (high - low) * (np.array([i, j]) + 0.5) / num
        for i in range(num[0])
        for j in range(num[1])
    ]
    positions = [position for position in positions if inner.contains(Point(position))]
    if num.max() == 1 and room_lights:
        positions = [position[:2] for _, position, _ in room_lights]
    lamp_positions = []
    for position in positions or [np.array(inner.representative_point().coords[0])]:
        nearest = nearest_points(inner, Point(position))[0]
        lamp_positions.append(np.array(nearest.coords[0]))
    rgb = np.array([1.0, 0.92, 0.84])
    if room_lights and room_lights[0][2].get("rgb") is not None:
        entry = room_lights[0][2]
        lamp_rgb = _rgb(entry["rgb"], where=f"light {entry.get('id')!r} rgb")
        # White balance removes most of a warm lamp's colour; a quarter of it remains.
        rgb = 0.75 + 0.25 * linear_from_srgb(lamp_rgb)
    return [
        Lamp(np.array([*position, ceiling_m - LAMP_DROP_M]), LAMP_SIDE_M, 11.0 * rgb)
        for position in lamp_positions
    ]
