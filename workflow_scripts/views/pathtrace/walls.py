"""Build walls: faces with holes, mitred at the corners of their room, and skirting boards."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from workflow_scripts.sources.readers.procthor_house import WALL_THICKNESS_M, Opening, Wall
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.pathtrace.doors_windows import PAINT, Hole, WallFrame
from workflow_scripts.views.pathtrace.mesh_builder import MeshBuilder

# Two rooms share the plane of the wall between them. Moving each face into its room by this
# much keeps them apart; pictures hang 3 to 5 mm in front of the plane.
FACE_INSET_M = 0.001
SKIRTING_HEIGHT_M = 0.08
SKIRTING_DEPTH_M = 0.012
# Rays of a camera above the ceiling begin this far below it, and outer walls are closed a little
# lower, so that such a camera does not see into them.
CUT_BELOW_CEILING_M = 0.06
_CAP_BELOW_CEILING_M = 0.08

# Paths end outdoors, so the outside of the house emits the daylight that it would reflect.
EXTERIOR_MATERIAL = Material(colour=(0.62, 0.58, 0.52), roughness=0.9, emission=(0.40, 0.38, 0.35))


def has_wall_behind(wall: Wall, walls_of_house: Iterable[Wall]) -> bool:
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
    direction_away = (wall.end_m - wall.start_m) / wall.length_m
    if np.linalg.norm(corner_m - wall.start_m) < np.linalg.norm(corner_m - wall.end_m):
        direction_away = -direction_away
    for other in others:
        ends = np.linalg.norm(np.stack([other.start_m, other.end_m]) - corner_m, axis=1)
        slope = direction_away @ other.inward
        if other is not wall and ends.min() < 1e-3 and abs(slope) > 0.05:
            return float(offset_m * (1 - wall.inward @ other.inward) / slope)
    return 0.0


def wall_mesh(
    wall: Wall,
    others: Sequence[Wall],
    openings_of_house: Iterable[Opening],
    material: tuple[Material, float],
    *,
    ceiling_m: float,
    is_outside: bool,
) -> Mesh:
    """Build the face of a wall with its holes and skirting, in the world frame.

    `others` are the walls of its room, `material` a material and the metres of one repeat. An
    outside wall also gets its outer face and a cap.
    """
    frame = WallFrame.of(wall)
    holes = [
        hole
        for opening in openings_of_house
        if (hole := frame.hole(opening, tolerance_m=0.02)) is not None
    ]
    builder = MeshBuilder()

    def ends(offset_m: float) -> tuple[float, float]:
        start = _mitre(wall, frame.start_m, others, offset_m)
        end = _mitre(wall, frame.end_m, others, offset_m)
        return -start, wall.length_m + end

    _face(builder, ends(FACE_INSET_M), ceiling_m, holes, FACE_INSET_M, *material)
    if is_outside:
        outer = ends(-WALL_THICKNESS_M)
        _face(
            builder, outer, ceiling_m, holes, -WALL_THICKNESS_M, EXTERIOR_MATERIAL, 1.0, back=True
        )
        z = ceiling_m - _CAP_BELOW_CEILING_M
        (a, b), (c, d) = ends(FACE_INSET_M), outer
        corners = [(a, FACE_INSET_M, z), (b, FACE_INSET_M, z)]
        corners = [*corners, (d, -WALL_THICKNESS_M, z), (c, -WALL_THICKNESS_M, z)]
        builder.quad(np.array(corners), np.zeros((4, 2)), PAINT)
    doors = sorted((u0 - 0.05, u1 + 0.05) for u0, v0, u1, _ in holes if v0 < SKIRTING_HEIGHT_M)
    front = FACE_INSET_M + SKIRTING_DEPTH_M
    _skirting(builder, ends(FACE_INSET_M), ends(front), doors)
    return builder.mesh().transformed(frame.world_from_wall)


def _face(
    builder: MeshBuilder,
    ends: tuple[float, float],
    height_m: float,
    holes: Sequence[Hole],
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
    builder: MeshBuilder,
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
            builder.quad(np.array(corners), np.zeros((4, 2)), PAINT)
        if b0 == f0:
            corners = [(b0, n0, 0), (b0, n0, z), (b0, n1, z), (b0, n1, 0)]
            builder.quad(np.array(corners), np.zeros((4, 2)), PAINT)
        if b1 == f1:
            corners = [(b1, n1, 0), (b1, n1, z), (b1, n0, z), (b1, n0, 0)]
            builder.quad(np.array(corners), np.zeros((4, 2)), PAINT)
