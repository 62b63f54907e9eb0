"""Routes of a robot from object to object: straight legs on the free floor, and turns between them.

A leg starts and ends a little way from an object's footprint and keeps the robot's radius from
everything that stands in the room, seen or not, and from its walls. Turns are measured both between
legs and between the objects' centers, so that what the floor plan of the objects says holds on the
floor as well.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from workflow_scripts.geometry.cameras import FloatArray, wrap_deg
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject, ScanRoom

ROBOT_RADIUS_M = 0.22
STOP_GAPS_M = (0.1, 0.35)
"""Between the robot and the object that it stops at, which may stand on or behind another one."""
MIN_LEG_M = 0.8
# The object stands ahead along the leg to it, and at its end.
MAX_AIM_DEG, MAX_ARRIVAL_DEG = 20.0, 45.0
# What is lower is walked over, what is higher up is walked under.
_LOW_M, _HIGH_M = 0.03, 1.8
_STOPS_AROUND = 12
LEFT, RIGHT, BACK = "Turn Left", "Turn Right", "Turn Back"
TURNS = (BACK, LEFT, RIGHT)
_SIDE_DEG = (45.0, 135.0)


@dataclass(frozen=True, eq=False)
class Route:
    """A route over stops.

    Attributes:
        facing: what the robot faces at first; the first stop's object if it goes there at once.
        objects: where it starts, where it stops, where it ends.
        points_m: f64 [n, 2], the robot's middle at each of them.
        turns: the turns to fill in, in order; the first is at the start unless the robot faces the
            first stop.
        turns_deg: their angles between legs, counter-clockwise.
        margin_deg: how far the angle nearest to another turn is from it.
    """

    facing: ScanObject
    objects: tuple[ScanObject, ...]
    points_m: FloatArray
    turns: tuple[str, ...]
    turns_deg: tuple[float, ...]
    margin_deg: float

    @property
    def starts_with_turn(self) -> bool:
        """Say whether the robot turns before its first leg."""
        return self.facing is not self.objects[1]

    @property
    def key(self) -> tuple[int, ...]:
        """What its words tell of it: instances of what it faces and of its stops."""
        return (self.facing.instance, *(item.instance for item in self.objects))


@dataclass(frozen=True, eq=False)
class FloorGraph:
    """Stops of a room, and where legs lead from each.

    Attributes:
        objects: the object of each stop.
        points_m: f64 [n, 2].
        legs: of each stop, the stops at which its legs end, one for each object.
    """

    objects: tuple[ScanObject, ...]
    points_m: FloatArray
    legs: tuple[tuple[int, ...], ...]


def floor_height_m(context: ScanContext) -> float:
    """Return the height of the lowest underside of an object, seen or not: that of the floor."""
    return min(item.bottom_m for item in (*context.placed, *context.unseen))


def turn_of(angle_deg: float) -> tuple[str, float]:
    """Return the turn of an angle, and how far in degrees it is from another one.

    '' straight ahead, where the robot does not turn.
    """
    size = abs(angle_deg)
    low, high = _SIDE_DEG
    if size < low:
        return "", low - size
    if size > high:
        return BACK, size - high
    return (LEFT if angle_deg > 0 else RIGHT), min(size - low, high - size)


def free_floor(context: ScanContext, room: ScanRoom) -> BaseGeometry:
    """Return where the middle of the robot may be in a room."""
    floor_m = floor_height_m(context)
    standing = [
        item.footprint
        for item in (*context.placed, *context.unseen)
        if item.top_m - floor_m > _LOW_M and item.bottom_m - floor_m < _HIGH_M
    ]
    taken = shapely.union_all(standing).buffer(ROBOT_RADIUS_M)
    inside: BaseGeometry = room.shape.buffer(-ROBOT_RADIUS_M).difference(taken)
    return inside


def floor_graph(
    context: ScanContext, room: ScanRoom, landmarks: Sequence[ScanObject]
) -> FloorGraph:
    """Return the stops at landmarks in a room, and the legs between them."""
    free = free_floor(context, room)
    shapely.prepare(free)
    objects: list[ScanObject] = []
    points: list[tuple[float, float]] = []
    shares = np.arange(_STOPS_AROUND) / _STOPS_AROUND
    for item, gap_m in itertools.product(landmarks, STOP_GAPS_M):
        around = item.footprint.buffer(ROBOT_RADIUS_M + gap_m).exterior
        for point in shapely.line_interpolate_point(around, shares, normalized=True):
            if free.covers(point):
                objects.append(item)
                points.append((point.x, point.y))
    points_m = np.array(points, dtype=np.float64).reshape(-1, 2)
    legs = _legs(objects, points_m, free)
    return FloorGraph(tuple(objects), points_m, legs)


def _legs(
    objects: Sequence[ScanObject], points_m: FloatArray, free: BaseGeometry
) -> tuple[tuple[int, ...], ...]:
    number = len(objects)
    if not number:
        return ()
    way = points_m[None] - points_m[:, None]
    heading = np.degrees(np.arctan2(way[..., 1], way[..., 0]))
    centres_m = np.array([item.centre_m[:2] for item in objects])
    aim = centres_m[None] - points_m[:, None]
    off_aim = np.abs(wrap_deg(np.degrees(np.arctan2(aim[..., 1], aim[..., 0])) - heading))
    footprints = np.array([item.footprint for item in objects])
    to_object = shapely.shortest_line(shapely.points(points_m), footprints)
    ahead = shapely.get_coordinates(to_object).reshape(-1, 2, 2)[:, 1] - points_m
    off_arrival = np.abs(wrap_deg(np.degrees(np.arctan2(ahead[:, 1], ahead[:, 0])) - heading))
    instances = np.array([item.instance for item in objects])
    fits = (
        (np.hypot(way[..., 0], way[..., 1]) >= MIN_LEG_M)
        & (off_aim <= MAX_AIM_DEG)
        & (off_arrival <= MAX_ARRIVAL_DEG)
        & (instances[:, None] != instances[None])
    )
    rows, columns = np.nonzero(fits)
    lines = shapely.linestrings(np.stack([points_m[rows], points_m[columns]], axis=1))
    is_free = shapely.covers(free, lines)
    best: list[dict[int, tuple[float, int]]] = [{} for _ in range(number)]
    for start, end in zip(rows[is_free].tolist(), columns[is_free].tolist(), strict=True):
        offer = (float(off_aim[start, end]), end)
        instance = int(instances[end])
        best[start][instance] = min(best[start].get(instance, offer), offer)
    return tuple(tuple(end for _, (_, end) in sorted(ends.items())) for ends in best)


def draw_route(
    graph: FloorGraph,
    faced: Sequence[ScanObject],
    wanted: Sequence[str],
    rng: np.random.Generator,
    *,
    starts_with_turn: bool,
    margin_deg: float,
) -> Route | None:
    """Draw a route with the turns that are wanted, or None where none is found in one attempt.

    `faced` are the objects that the robot may face before its first turn.
    """
    place = int(rng.integers(len(graph.objects)))
    if not graph.legs[place]:
        return None
    stops = [place, int(rng.choice(graph.legs[place]))]
    turns = list(wanted)
    facing = graph.objects[stops[1]]
    passed = [graph.objects[stop] for stop in stops]
    margins: list[float] = []
    angles: list[float] = []
    if starts_with_turn:
        fitting = [
            (item, angle, margin)
            for item in faced
            if item not in passed
            for turn, angle, margin in [_first_turn(graph, item, stops)]
            if turn == turns[0] and margin >= margin_deg
        ]
        if not fitting:
            return None
        facing, angle, margin = fitting[int(rng.integers(len(fitting)))]
        passed.append(facing)
        angles.append(angle)
        margins.append(margin)
        turns = turns[1:]
    for turn in turns:
        ends = []
        for end in graph.legs[stops[-1]]:
            if graph.objects[end] in passed:
                continue
            name, angle, margin = _turn_between(graph, stops[-2], stops[-1], end)
            if name == turn and margin >= margin_deg:
                ends.append((end, angle, margin))
        if not ends:
            return None
        end, angle, margin = ends[int(rng.integers(len(ends)))]
        stops.append(end)
        passed.append(graph.objects[end])
        angles.append(angle)
        margins.append(margin)
    return Route(
        facing=facing,
        objects=tuple(graph.objects[stop] for stop in stops),
        points_m=graph.points_m[stops],
        turns=tuple(wanted),
        turns_deg=tuple(angles),
        margin_deg=min(margins),
    )


def _turn_between(graph: FloorGraph, start: int, middle: int, end: int) -> tuple[str, float, float]:
    """Return the turn at a stop, its angle, and its margin by points and by centers."""
    centres = [graph.objects[stop].centre_m[:2] for stop in (start, middle, end)]
    points = [graph.points_m[stop] for stop in (start, middle, end)]
    by_points = _angle_deg(points[1] - points[0], points[2] - points[1])
    by_centres = _angle_deg(centres[1] - centres[0], centres[2] - centres[1])
    return _agreed(by_points, by_centres)


def _first_turn(
    graph: FloorGraph, facing: ScanObject, stops: Sequence[int]
) -> tuple[str, float, float]:
    """Return the turn from what is faced to the first leg, its angle and its margin."""
    start, first = stops
    point, centre = graph.points_m[start], graph.objects[start].centre_m[:2]
    faced_m = facing.centre_m[:2]
    by_points = _angle_deg(faced_m - point, graph.points_m[first] - point)
    by_centres = _angle_deg(faced_m - centre, graph.objects[first].centre_m[:2] - centre)
    return _agreed(by_points, by_centres)


def _agreed(by_points: float, by_centres: float) -> tuple[str, float, float]:
    (turn, margin), (other, other_margin) = turn_of(by_points), turn_of(by_centres)
    return (turn if turn == other else ""), by_points, min(margin, other_margin)


def _angle_deg(before: FloatArray, after: FloatArray) -> float:
    """Return the turn from one direction [2] to another, counter-clockwise, wrapped."""
    angle = math.atan2(after[1], after[0]) - math.atan2(before[1], before[0])
    return float(wrap_deg(math.degrees(angle)))


def routes_by_turns(routes: Sequence[Route]) -> Mapping[tuple[str, ...], list[Route]]:
    """Return routes by their turns."""
    found: dict[tuple[str, ...], list[Route]] = {}
    for route in routes:
        found.setdefault(route.turns, []).append(route)
    return found
