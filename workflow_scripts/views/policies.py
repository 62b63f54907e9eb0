"""Choose camera poses in a room.

Each policy gets a room, the floor points where an agent can stand and a generator, and returns
candidate poses in order of preference, more than are needed; `render` drops those that show a
wall or nothing and keeps the first good ones.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from workflow_scripts.geometry.cameras import wrap_deg
from workflow_scripts.sources.readers.procthor_house import Room

# AI2-THOR's standing agent: its body is at 0.901 m and its camera 0.675 m above that.
CAMERA_HEIGHT_M = 1.576

# -30 is the pitch that ProcTHOR's agent starts with, and shows more than a level camera: over
# 198 corner poses in 42 real rooms (field of view 90) a view holds 8.5 visible objects on 19 % of
# its pixels, against 7.6 on 15 % at pitch 0.
CORNER_PITCH_DEG = -30.0
RANDOM_PITCH_DEG = (-25.0, 0.0)
NEAREST_POINTS = 10
TOP_DOWN_FOV_DEG = 40.0
TOP_DOWN_MARGIN = 1.12
CANDIDATES_PER_VIEW = 4


@dataclass(frozen=True)
class Pose:
    """A camera pose: position [3] in world metres, angles in degrees.

    `vertical_fov_deg` None means the field of view of the configuration; a number is that of a
    square image, and an image of another shape shows at least as much.
    """

    policy: str
    position_m: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    vertical_fov_deg: float | None = None


Policy = Callable[[Room, np.ndarray, np.random.Generator, int], list[Pose]]


def points_in(room: Room, reachable_m: np.ndarray) -> np.ndarray:
    """Return the reachable points [n, 3] that lie inside a room."""
    points = np.asarray(reachable_m, dtype=np.float64).reshape(-1, 3)
    inside: np.ndarray = points[shapely.contains_xy(room.shape, points[:, 0], points[:, 1])]
    return inside


def corners(room: Room) -> list[tuple[np.ndarray, float]]:
    """Return each true corner [2] of a room with the yaw of the view from it.

    The view points from the corner to the centroid of the previous corner, itself and the next
    one; at a reflex corner that centroid lies outside the room and the view points the other
    way. Vertices in the middle of a straight wall are not corners.
    """
    polygon = room.polygon_m
    before, after = np.roll(polygon, 1, axis=0), np.roll(polygon, -1, axis=0)
    incoming, outgoing = polygon - before, after - polygon
    # Negative where a clockwise polygon turns right, which is a convex corner.
    turn = incoming[:, 0] * outgoing[:, 1] - incoming[:, 1] * outgoing[:, 0]
    lengths = np.linalg.norm(incoming, axis=1) * np.linalg.norm(outgoing, axis=1)
    is_corner = np.abs(turn) > 1e-6 * np.maximum(lengths, 1e-12)
    if not is_corner.all():
        return corners(Room(room.room_id, room.room_type, polygon[is_corner], room.height_m))
    vertices = []
    for vertex, previous, following, side in zip(polygon, before, after, turn, strict=True):
        direction = (previous + vertex + following) / 3 - vertex
        direction = -direction if side > 0 else direction
        vertices.append((vertex, math.degrees(math.atan2(-direction[0], direction[1]))))
    return vertices


def corner(
    room: Room, reachable_m: np.ndarray, rng: np.random.Generator, num_views: int
) -> list[Pose]:
    """Look from near each corner into the room, as R2D3 does, but at the agent's camera height.

    The position is one of the ten reachable points nearest to the corner. Corners come in
    random order; every corner is tried once before any is tried again.
    """
    points = points_in(room, reachable_m)
    vertices = corners(room)
    if not len(points) or not num_views:
        return []
    rounds = max(CANDIDATES_PER_VIEW, math.ceil(CANDIDATES_PER_VIEW * num_views / len(vertices)))
    nearest = [
        points[np.argsort(np.linalg.norm(points[:, :2] - vertex, axis=1), kind="stable")]
        for vertex, _ in vertices
    ]
    chosen = [rng.permutation(min(NEAREST_POINTS, len(points))) for _ in vertices]
    order = rng.permutation(len(vertices))
    poses = []
    for attempt in range(rounds):
        for index in order:
            if attempt >= len(chosen[index]):
                continue
            position = nearest[index][chosen[index][attempt]]
            poses.append(_pose("corner", position, vertices[index][1], CORNER_PITCH_DEG))
    return poses


def random(
    room: Room, reachable_m: np.ndarray, rng: np.random.Generator, num_views: int
) -> list[Pose]:
    """Look from random reachable points in random directions, a little downwards."""
    points = points_in(room, reachable_m)
    if not len(points):
        return []
    count = CANDIDATES_PER_VIEW * num_views
    choice = rng.choice(len(points), size=count, replace=count > len(points))
    yaws = rng.uniform(-180.0, 180.0, size=count)
    pitches = rng.uniform(*RANDOM_PITCH_DEG, size=count)
    return [
        _pose("random", points[index], yaw, pitch)
        for index, yaw, pitch in zip(choice, yaws, pitches, strict=True)
    ]


def panorama(
    room: Room, reachable_m: np.ndarray, rng: np.random.Generator, num_views: int
) -> list[Pose]:
    """Look around from the reachable point farthest from the walls, in equal steps of yaw."""
    points = points_in(room, reachable_m)
    if not len(points) or not num_views:
        return []
    boundary = room.shape.exterior
    clearance_m = np.array([boundary.distance(shapely.Point(point[:2])) for point in points])
    position = points[int(np.argmax(clearance_m))]
    first = rng.uniform(0.0, 360.0)
    step = 360.0 / num_views
    return [_pose("panorama", position, first + step * k, 0.0) for k in range(num_views)]


def top_down(
    room: Room, reachable_m: np.ndarray, rng: np.random.Generator, num_views: int
) -> list[Pose]:
    """Look straight down on the middle of the room, its longer side across the image.

    The camera is above the ceiling, which is not rendered for it. The height is such that a
    square image shows the whole floor, and never below the ceiling.
    """
    low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
    extent = float((high - low).max())
    height = 0.5 * TOP_DOWN_MARGIN * extent / math.tan(math.radians(TOP_DOWN_FOV_DEG / 2))
    yaw = 0.0 if high[0] - low[0] >= high[1] - low[1] else 90.0
    x, y = (low + high) / 2
    z = max(height, room.height_m + 1.0)
    fov = math.degrees(2 * math.atan(0.5 * TOP_DOWN_MARGIN * extent / z))
    pose = Pose("top_down", (float(x), float(y), z), yaw, -90.0, vertical_fov_deg=fov)
    return [pose] * min(num_views, 1)


POLICIES: dict[str, Policy] = {
    "corner": corner,
    "random": random,
    "panorama": panorama,
    "top_down": top_down,
}


def _pose(policy: str, point_m: np.ndarray, yaw_deg: float, pitch_deg: float) -> Pose:
    position = (float(point_m[0]), float(point_m[1]), CAMERA_HEIGHT_M)
    return Pose(policy, position, wrap_deg(float(yaw_deg)), float(pitch_deg))
