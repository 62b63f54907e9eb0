"""Find the floor points where an agent can stand."""

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.views.pathtrace.scene import RenderScene

GRID_M = 0.25
RADIUS_M = 0.2
_AGENT_HEIGHT_M = 1.5
_STEP_OVER_M = 0.03


def reachable_m(scene: RenderScene) -> np.ndarray:
    """Return points [n, 3] (z = 0) of a grid that are `RADIUS_M` from furniture and walls.

    The grid's nodes are multiples of 0.25 m in world x and y. Doorways are free but for their
    leaves; rugs and objects above an agent's head are no obstacle. Points are sorted by x,
    then y.
    """
    floor = _floor(scene)
    obstacles = _obstacles(scene, _AGENT_HEIGHT_M)
    low = np.floor(np.array(floor.bounds[:2]) / GRID_M).astype(int)
    high = np.ceil(np.array(floor.bounds[2:]) / GRID_M).astype(int)
    x, y = (np.arange(a, b + 1) * GRID_M for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    points = shapely.points(grid)
    free = shapely.contains(floor, points)
    free &= shapely.distance(points, obstacles) >= RADIUS_M
    free_points = grid[free]
    return np.concatenate([free_points, np.zeros((len(free_points), 1))], axis=1)


def free_area(scene: RenderScene, *, clearance_m: float, height_m: float) -> BaseGeometry:
    """Return where the middle of someone may be who keeps clear of furniture and walls.

    As for `reachable_m`, but without a grid, and for a person of some height.
    """
    blocked = _obstacles(scene, height_m).buffer(clearance_m, quad_segs=16)
    return _floor(scene).difference(blocked)


def _floor(scene: RenderScene) -> BaseGeometry:
    return shapely.union_all([room.shape for room in scene.shell.rooms])


def _obstacles(scene: RenderScene, height_m: float) -> BaseGeometry:
    """Return furniture, walls without their doorways and door leaves, seen from above."""
    obstacles: list[Polygon | LineString] = []
    for row in scene.objects:
        bottom, top = row.z_m - row.height_m / 2, row.z_m + row.height_m / 2
        if row.kind != "object" or bottom > height_m or top < _STEP_OVER_M:
            continue
        corners = box_corners(
            (row.x_m, row.y_m, row.z_m), (row.width_m, row.depth_m, row.height_m), row.yaw_deg
        )
        obstacles.append(shapely.MultiPoint(corners[:, :2]).convex_hull)
    doors = []
    for opening in scene.shell.openings:
        if opening.kind == "door":
            wall = opening.wall0
            along = (wall.end_m - wall.start_m) / wall.length_m
            u0, _, u1, _ = opening.hole_m
            span = LineString([wall.start_m + u0 * along, wall.start_m + u1 * along])
            doors.append(span.buffer(0.02, cap_style="flat"))
    lines = [LineString([wall.start_m, wall.end_m]) for wall in scene.shell.walls]
    obstacle_area = shapely.union_all(lines)
    if doors:
        obstacle_area = obstacle_area.difference(shapely.union_all(doors))
    obstacles += [LineString(leaf) for leaf in scene.shell.leaf_segments_m]
    return shapely.union_all([obstacle_area, *obstacles])
