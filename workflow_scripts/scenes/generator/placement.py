"""Place a group of objects on the floor of a room, where it fits and blocks no passage."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.scenes.generator.occupancy_grid import (
    LOW_ONLY,
    OCCUPIED,
    RESERVED,
    OccupancyGrid,
)
from workflow_scripts.scenes.generator.placed_objects import (
    Group,
    PlacedObject,
    bounding_rect,
    rotate_rect,
    rotate_xy,
)
from workflow_scripts.scenes.generator.walls import Rect, Room, WallSegment

WALL_GAP_M = 0.025
TALL_M = 0.95
"""Objects taller than this do not stand in front of windows."""
_ALONG_STEP_M = 0.1
_MIDDLE_STEP_M = 0.15
_CORNER_WEIGHT = 6.0
_NUM_TRIES = 6


def place_group(
    rng: np.random.Generator,
    room: Room,
    occupancy_grid: OccupancyGrid,
    group: Group,
    walls: Sequence[WallSegment],
    *,
    number: int,
) -> list[PlacedObject] | None:
    """Place a group as number `number` of its room; None if it fits nowhere.

    Among all places where every item is on free floor, its clear floor is not occupied and every
    door and every group stays within reach, one is drawn; corners weigh more.
    """
    floor_items = [index for index, item in enumerate(group.items) if item.parent is None]
    rects = [group.items[index].footprint() for index in floor_items]
    layers = [LOW_ONLY if _top_m(group, index) > TALL_M else RESERVED for index in floor_items]
    bounds = bounding_rect(rects)
    anchors, yaws, weights = _candidate_poses(rng, room, group, bounds, walls)
    if not len(anchors):
        return None
    free = np.zeros(len(anchors), dtype=bool)
    local = [*rects, *group.clearance]
    layer_array = np.array([*layers, *([OCCUPIED] * len(group.clearance))])
    for yaw in np.unique(yaws):
        chosen = yaws == yaw
        rotated_rects = np.array([rotate_rect(rect, float(yaw)) for rect in local])
        free[chosen] = occupancy_grid.fits(anchors[chosen], rotated_rects[None], layer_array)
    candidates = np.flatnonzero(free)
    if not len(candidates):
        return None
    shares = weights[candidates] / weights[candidates].sum()
    tries = rng.choice(candidates, size=min(_NUM_TRIES, len(candidates)), replace=False, p=shares)
    for index in tries:
        anchor, yaw = anchors[index], float(yaws[index])
        solid = [_translate_rect(rotate_rect(rect, yaw), anchor) for rect in rects]
        clearance = [_translate_rect(rotate_rect(rect, yaw), anchor) for rect in group.clearance]
        if occupancy_grid.stays_connected(solid, clearance):
            occupancy_grid.occupy(solid)
            occupancy_grid.reserve(clearance, reach=True)
            return _placed_objects(room, group, anchor, yaw, number)
    return None


def _top_m(group: Group, index: int) -> float:
    """Return how high an item reaches, with what stands on it."""
    tops = [
        item.bottom_m + item.asset.height_m
        for number, item in enumerate(group.items)
        if index in (number, item.parent)
    ]
    return max(tops)


def _translate_rect(rect: Rect, anchor: np.ndarray) -> Rect:
    x, y = float(anchor[0]), float(anchor[1])
    return (rect[0] + x, rect[1] + y, rect[2] + x, rect[3] + y)


def _candidate_poses(
    rng: np.random.Generator, room: Room, group: Group, bounds: Rect, walls: Sequence[WallSegment]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return candidate anchors [n, 2], yaws [n] and weights [n]."""
    points, yaws, weights = [], [], []
    if group.zones & {"edge", "corner"}:
        for segment in walls:
            # The group's +x runs against the piece's direction.
            low, high = WALL_GAP_M + bounds[2], segment.length_m - WALL_GAP_M + bounds[0]
            if high < low:
                continue
            steps = np.arange(0.0, high - low + 1e-9, _ALONG_STEP_M)
            along = np.concatenate([low + steps, high - steps])
            weight = np.full(len(along), 1.0 if "edge" in group.zones else 0.0)
            if "corner" in group.zones:
                weight[[0, len(steps)]] = _CORNER_WEIGHT
            start = np.array(segment.point_at(0.0, WALL_GAP_M))
            points.append(start + along[:, None] * np.array(segment.direction))
            yaws.append(np.full(len(along), round(segment.inward_yaw_deg)))
            weights.append(weight)
    if "middle" in group.zones:
        corners = np.array(room.outline)
        x, y = (
            np.arange(low + _MIDDLE_STEP_M, high, _MIDDLE_STEP_M)
            for low, high in zip(corners.min(axis=0), corners.max(axis=0), strict=True)
        )
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        for yaw in rng.choice((0, 90, 180, 270), size=2, replace=False):
            points.append(grid)
            yaws.append(np.full(len(grid), int(yaw)))
            weights.append(np.full(len(grid), 1.0))
    if not points:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    all_weights = np.concatenate(weights)
    used = all_weights > 0
    return np.concatenate(points)[used], np.concatenate(yaws)[used], all_weights[used]


def _placed_objects(
    room: Room, group: Group, anchor: np.ndarray, yaw: float, number: int
) -> list[PlacedObject]:
    """Return the group's top objects, with what stands on them as children."""
    objects: list[PlacedObject] = []
    top_objects: list[PlacedObject] = []
    for index, item in enumerate(group.items):
        dx, dy = rotate_xy(item.x, item.y, yaw)
        suffix = f"|{index}" if len(group.items) > 1 else ""
        obj = PlacedObject(
            object_id=f"{item.asset.category}|{room.number}|{number}{suffix}",
            asset=item.asset,
            x=float(anchor[0]) + dx,
            y=float(anchor[1]) + dy,
            z=item.bottom_m + item.asset.height_m / 2,
            yaw_deg=(yaw + item.yaw_deg) % 360.0,
            room=room.number,
            tucked=item.tucked_under is not None,
        )
        objects.append(obj)
        (top_objects if item.parent is None else objects[item.parent].children).append(obj)
    return top_objects
