"""Put a group of things on the floor of a room, where it fits and blocks no way."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.scenes.generator.space import KEPT, LOW, SOLID, Rect, Space
from workflow_scripts.scenes.generator.things import Group, Object, hull_of, turned, turned_rect
from workflow_scripts.scenes.generator.walls import Piece, Room

WALL_GAP_M = 0.025
TALL_M = 0.95
"""Things taller than this do not stand in front of windows."""
_ALONG_STEP_M = 0.1
_MIDDLE_STEP_M = 0.15
_CORNER_WEIGHT = 6.0
_NUM_TRIES = 6


def place(
    rng: np.random.Generator,
    room: Room,
    space: Space,
    group: Group,
    walls: Sequence[Piece],
    *,
    number: int,
) -> list[Object] | None:
    """Place a group as number `number` of its room; None if it fits nowhere.

    Among all places where every item is on free floor, its clear floor is not occupied and every
    door and every group stays within reach, one is drawn; corners weigh more.
    """
    standing = [index for index, item in enumerate(group.items) if item.parent is None]
    rects = [group.items[index].footprint() for index in standing]
    layers = [LOW if _top_m(group, index) > TALL_M else KEPT for index in standing]
    hull = hull_of(rects)
    anchors, yaws, weights = _anchors(rng, room, group, hull, walls)
    if not len(anchors):
        return None
    free = np.zeros(len(anchors), dtype=bool)
    local = [*rects, *group.clear]
    layer_array = np.array([*layers, *([SOLID] * len(group.clear))])
    for yaw in np.unique(yaws):
        chosen = yaws == yaw
        turned_rects = np.array([turned_rect(rect, float(yaw)) for rect in local])
        free[chosen] = space.fits(anchors[chosen], turned_rects[None], layer_array)
    places = np.flatnonzero(free)
    if not len(places):
        return None
    shares = weights[places] / weights[places].sum()
    tries = rng.choice(places, size=min(_NUM_TRIES, len(places)), replace=False, p=shares)
    for index in tries:
        anchor, yaw = anchors[index], float(yaws[index])
        solid = [_moved(turned_rect(rect, yaw), anchor) for rect in rects]
        clear = [_moved(turned_rect(rect, yaw), anchor) for rect in group.clear]
        if space.stays_connected(solid, clear):
            space.occupy(solid)
            space.keep(clear, reach=True)
            return _objects(room, group, anchor, yaw, number)
    return None


def _top_m(group: Group, index: int) -> float:
    """Return how high an item reaches, with what stands on it."""
    tops = [
        item.bottom_m + item.asset.height_m
        for number, item in enumerate(group.items)
        if index in (number, item.parent)
    ]
    return max(tops)


def _moved(rect: Rect, anchor: np.ndarray) -> Rect:
    x, y = float(anchor[0]), float(anchor[1])
    return (rect[0] + x, rect[1] + y, rect[2] + x, rect[3] + y)


def _anchors(
    rng: np.random.Generator, room: Room, group: Group, hull: Rect, walls: Sequence[Piece]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return candidate anchors [n, 2], yaws [n] and weights [n]."""
    points, yaws, weights = [], [], []
    if group.where & {"edge", "corner"}:
        for piece in walls:
            # The group's +x runs against the piece's direction.
            low, high = WALL_GAP_M + hull[2], piece.length_m - WALL_GAP_M + hull[0]
            if high < low:
                continue
            steps = np.arange(0.0, high - low + 1e-9, _ALONG_STEP_M)
            along = np.concatenate([low + steps, high - steps])
            weight = np.full(len(along), 1.0 if "edge" in group.where else 0.0)
            if "corner" in group.where:
                weight[[0, len(steps)]] = _CORNER_WEIGHT
            start = np.array(piece.at(0.0, WALL_GAP_M))
            points.append(start + along[:, None] * np.array(piece.direction))
            yaws.append(np.full(len(along), round(piece.inward_yaw_deg)))
            weights.append(weight)
    if "middle" in group.where:
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


def _objects(room: Room, group: Group, anchor: np.ndarray, yaw: float, number: int) -> list[Object]:
    """Return the group's top objects, with what stands on them as children."""
    objects: list[Object] = []
    top: list[Object] = []
    for index, item in enumerate(group.items):
        dx, dy = turned(item.x, item.y, yaw)
        suffix = f"|{index}" if len(group.items) > 1 else ""
        thing = Object(
            object_id=f"{item.asset.category}|{room.number}|{number}{suffix}",
            asset=item.asset,
            x=float(anchor[0]) + dx,
            y=float(anchor[1]) + dy,
            z=item.bottom_m + item.asset.height_m / 2,
            yaw_deg=(yaw + item.yaw_deg) % 360.0,
            room=room.number,
            tucked=item.tucked_under is not None,
        )
        objects.append(thing)
        (top if item.parent is None else objects[item.parent].children).append(thing)
    return top
