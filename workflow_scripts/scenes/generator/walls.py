"""Walls of a floor plan: one piece wherever a room meets one neighbour along a straight line.

Pieces of a room follow each other clockwise seen from above, so the room is on the right of the
way from `start` to `end`; a door's or window's position counts from `start`.
"""

from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.scenes.generator.floor_plan import OUTSIDE, FloorPlan, room_cells

Point = tuple[float, float]
Rect = tuple[float, float, float, float]
"""x0, y0, x1, y1 in plan metres."""


@dataclass(frozen=True)
class WallSegment:
    """A straight piece of a room's wall, in plan coordinates (x, y) in metres."""

    room: int
    neighbour: int
    start: Point
    end: Point

    @property
    def length_m(self) -> float:
        return abs(self.end[0] - self.start[0]) + abs(self.end[1] - self.start[1])

    @property
    def direction(self) -> Point:
        """Unit vector from start to end."""
        length = self.length_m
        return ((self.end[0] - self.start[0]) / length, (self.end[1] - self.start[1]) / length)

    @property
    def inward(self) -> Point:
        """Unit vector into the room."""
        x, y = self.direction
        return (y, -x)

    @property
    def inward_yaw_deg(self) -> float:
        """Yaw of something that stands with its back to this wall (0 faces +y)."""
        x, y = self.inward
        return float(np.rad2deg(np.arctan2(-x, y))) % 360.0

    @property
    def wall_id(self) -> str:
        return self._id(str(self.room))

    @property
    def exterior_id(self) -> str:
        return self._id("exterior")

    def _id(self, owner: str) -> str:
        (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(self.start, self.end, strict=True))
        return f"wall|{owner}|{x0:.2f}|{y0:.2f}|{x1:.2f}|{y1:.2f}"

    def point_at(self, along_m: float, inward_m: float = 0.0) -> Point:
        """Return the plan point so far along the piece and so far into the room."""
        (ux, uy), (nx, ny) = self.direction, self.inward
        return (
            self.start[0] + along_m * ux + inward_m * nx,
            self.start[1] + along_m * uy + inward_m * ny,
        )

    def floor_rect(self, low_m: float, high_m: float, depth_m: float) -> Rect:
        """Return the floor rectangle (x0, y0, x1, y1) in front of a part of the piece."""
        (ax, ay), (bx, by) = self.point_at(low_m), self.point_at(high_m, depth_m)
        return (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


@dataclass(frozen=True)
class Room:
    """A room: its number, type, outline (clockwise) and pieces of wall."""

    number: int
    room_type: str
    segments: tuple[WallSegment, ...]
    cells: tuple[Rect, ...] = field(repr=False)
    """Rectangles that fill the room."""

    @property
    def room_id(self) -> str:
        return f"room|{self.number}"

    @property
    def outline(self) -> list[Point]:
        return [segment.start for segment in self.segments]

    @property
    def area_m2(self) -> float:
        return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in self.cells)

    def contains(self, rect: Rect) -> bool:
        """Tell whether a rectangle lies in the room, whole."""
        x0, y0, x1, y1 = rect
        common_m2 = sum(
            max(min(x1, cx1) - max(x0, cx0), 0.0) * max(min(y1, cy1) - max(y0, cy0), 0.0)
            for cx0, cy0, cx1, cy1 in self.cells
        )
        return common_m2 > (x1 - x0) * (y1 - y0) - 1e-6


def rooms_of(plan: FloorPlan) -> list[Room]:
    """Return the rooms of a plan in order of their numbers."""
    rooms = []
    for number in sorted(plan.room_types):
        cells = tuple(
            (
                float(plan.xs_m[column]),
                float(plan.ys_m[row]),
                float(plan.xs_m[column + 1]),
                float(plan.ys_m[row + 1]),
            )
            for row, column in room_cells(plan, number)
        )
        rooms.append(Room(number, plan.room_types[number], _wall_segments(plan, number), cells))
    return rooms


def _wall_segments(plan: FloorPlan, room: int) -> tuple[WallSegment, ...]:
    """Chain the edges of a room's cells clockwise and join those that go on."""
    padded = np.pad(plan.labels, 1, constant_values=OUTSIDE)
    edges: dict[Point, tuple[Point, int]] = {}
    for row, column in room_cells(plan, room):
        x0, x1 = float(plan.xs_m[column]), float(plan.xs_m[column + 1])
        y0, y1 = float(plan.ys_m[row]), float(plan.ys_m[row + 1])
        sides = (
            ((x0, y0), (x0, y1), padded[row + 1, column]),
            ((x0, y1), (x1, y1), padded[row + 2, column + 1]),
            ((x1, y1), (x1, y0), padded[row + 1, column + 2]),
            ((x1, y0), (x0, y0), padded[row, column + 1]),
        )
        for start, end, neighbour in sides:
            if neighbour != room:
                edges[start] = (end, int(neighbour))
    first = min(edges)
    chain: list[WallSegment] = []
    point = first
    while not chain or point != first:
        end, neighbour = edges[point]
        chain.append(WallSegment(room, neighbour, point, end))
        point = end
    assert len(chain) == len(edges), "a room must have one outline"
    merged: list[WallSegment] = []
    for segment in chain:
        if merged and _continues(merged[-1], segment):
            merged[-1] = WallSegment(room, segment.neighbour, merged[-1].start, segment.end)
        else:
            merged.append(segment)
    if len(merged) > 1 and _continues(merged[-1], merged[0]):
        merged[0] = WallSegment(room, merged[0].neighbour, merged[-1].start, merged[0].end)
        merged.pop()
    return tuple(merged)


def _continues(a: WallSegment, b: WallSegment) -> bool:
    return a.neighbour == b.neighbour and a.direction == b.direction


def opposite_face(segment: WallSegment, rooms: dict[int, Room]) -> WallSegment | None:
    """Return the other room's face of a wall between two rooms, None if outside is there."""
    if segment.neighbour == OUTSIDE:
        return None
    return next(
        other
        for other in rooms[segment.neighbour].segments
        if other.start == segment.end and other.end == segment.start
    )
