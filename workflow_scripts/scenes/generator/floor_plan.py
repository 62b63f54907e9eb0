"""Which rooms a house has and where they lie: a sliced rectangle with bitten corners.

All lengths are whole steps of 5 cm, so that rooms, walls and the raster of free floor agree
exactly. Rooms are numbered from 2, as ProcTHOR does; 0 is outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

STEP_M = 0.05
OUTSIDE = 0
FIRST_ROOM = 2

AREA_M2 = {"Bathroom": (4.5, 9.0), "Bedroom": (11, 20), "Kitchen": (9, 18), "LivingRoom": (16, 32)}
MIN_SIDE_M = {"Bathroom": 1.9, "Bedroom": 2.8, "Kitchen": 2.6, "LivingRoom": 3.4}
NUM_CANDIDATES = 12
MIN_ARM_M = 1.8
MIN_CUT_M = 0.6
MIN_TRANSFER_M = 1.2
"""Deep enough for a door into what is bitten off."""
#: Room types, nested: rooms that are nested together lie together.
Tree = tuple["str | Tree", ...]
NumberedTree = tuple["int | NumberedTree", ...]


@dataclass(frozen=True)
class RoomSpec:
    """A kind of house. `tree` nests room types: what is nested together lies together."""

    spec_id: str
    weight: float
    tree: Tree


_B, _R, _K, _L = "Bathroom", "Bedroom", "Kitchen", "LivingRoom"
ROOM_SPECS = (
    RoomSpec("kitchen", 0.9, (_K,)),
    RoomSpec("living-room", 1.1, (_L,)),
    RoomSpec("bedroom", 0.9, (_R,)),
    RoomSpec("bathroom", 0.7, (_B,)),
    RoomSpec("kitchen-living-room", 1.4, (_K, _L)),
    RoomSpec("bedroom-bathroom", 1.2, (_R, _B)),
    RoomSpec("living-room-bedroom", 0.9, (_L, _R)),
    RoomSpec("3-room", 1.0, (_L, (_R, _B))),
    RoomSpec("3-room-kitchen", 0.6, ((_K, _L), _R)),
    RoomSpec("4-room", 1.0, ((_K, _L), (_R, _B))),
    RoomSpec("5-room-2-bed", 0.25, ((_K, _L), (_R, _R, _B))),
)


@dataclass(frozen=True)
class FloorPlan:
    """Room numbers on a grid whose lines are `xs_m` and `ys_m`: `labels` [y, x], 0 = outside."""

    spec_id: str
    xs_m: np.ndarray
    ys_m: np.ndarray
    labels: np.ndarray
    room_types: dict[int, str]


@dataclass(frozen=True)
class _Rect:
    """A rectangle in steps: [x0, x1) x [y0, y1)."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def depth(self) -> int:
        return self.y1 - self.y0


def sample_floor_plan(rng: np.random.Generator) -> FloorPlan:
    """Draw a kind of house and the best of some sliced plans for it."""
    weights = np.array([spec.weight for spec in ROOM_SPECS])
    spec = ROOM_SPECS[int(rng.choice(len(ROOM_SPECS), p=weights / weights.sum()))]
    tree, room_types = _number_rooms(spec.tree)
    plans = [_slice_plan(rng, tree, room_types) for _ in range(NUM_CANDIDATES)]
    rects = max(plans, key=lambda plan: _score(plan, room_types))
    labelled_rects = [(number, rect) for number, rect in rects.items()]
    if rng.random() < 0.35:
        labelled_rects += _cut_corner(rng, rects)
    if len(rects) > 1 and rng.random() < 0.3:
        labelled_rects += _transfer_corner(rng, rects, room_types)
    return _rasterise(spec.spec_id, labelled_rects, room_types)


def _number_rooms(tree: Tree) -> tuple[NumberedTree, dict[int, str]]:
    """Replace the room types of a tree by room numbers."""
    room_types: dict[int, str] = {}

    def walk(node: Tree | str) -> NumberedTree | int:
        if isinstance(node, str):
            room_types[FIRST_ROOM + len(room_types)] = node
            return FIRST_ROOM + len(room_types) - 1
        return tuple(walk(child) for child in node)

    numbered_tree = walk(tree)
    assert isinstance(numbered_tree, tuple)
    return numbered_tree, room_types


def _slice_plan(
    rng: np.random.Generator, tree: NumberedTree, room_types: dict[int, str]
) -> dict[int, _Rect]:
    """Draw an area for every room, and cut a rectangle of their sum along the tree."""
    areas = {
        number: rng.uniform(*AREA_M2[room_type]) / STEP_M**2
        for number, room_type in room_types.items()
    }
    total = sum(areas.values())
    aspect = rng.uniform(1.0, 1.5 if len(areas) == 1 else 1.9)
    width = round(float(np.sqrt(total * aspect)))
    depth = round(total / width)
    if rng.random() < 0.5:
        width, depth = depth, width
    rects: dict[int, _Rect] = {}

    def area(node: NumberedTree | int) -> float:
        return areas[node] if isinstance(node, int) else sum(area(child) for child in node)

    def cut(node: NumberedTree | int, rect: _Rect) -> None:
        if isinstance(node, int):
            rects[node] = rect
            return
        if len(node) == 1:
            cut(node[0], rect)
            return
        order = [node[int(i)] for i in rng.permutation(len(node))]
        head, tail = (order[0], tuple(order[1:]))
        share = area(head) / area(node)
        if rect.width * rng.uniform(0.8, 1.25) > rect.depth:
            x = rect.x0 + round(rect.width * share)
            cut(head, _Rect(rect.x0, rect.y0, x, rect.y1))
            cut(tail, _Rect(x, rect.y0, rect.x1, rect.y1))
        else:
            y = rect.y0 + round(rect.depth * share)
            cut(head, _Rect(rect.x0, rect.y0, rect.x1, y))
            cut(tail, _Rect(rect.x0, y, rect.x1, rect.y1))

    cut(tree, _Rect(0, 0, width, depth))
    return rects


def _score(rects: dict[int, _Rect], room_types: dict[int, str]) -> float:
    """Prefer plans whose narrowest and longest rooms are still good rooms."""
    scores = []
    for number, rect in rects.items():
        short, long = sorted((rect.width, rect.depth))
        width_ratio = short * STEP_M / MIN_SIDE_M[room_types[number]]
        scores.append(min(width_ratio, 1.0) - 0.3 * max(long / short - 2.0, 0.0))
    return min(scores)


def _sample_corner(
    rng: np.random.Generator, rect: _Rect, x_low: bool, y_low: bool, min_m: float
) -> _Rect | None:
    """Draw a part of a rectangle at one of its corners that leaves two usable arms."""
    arm, min_steps = round(MIN_ARM_M / STEP_M), round(min_m / STEP_M)
    max_steps = [min(side - arm, round(0.45 * side)) for side in (rect.width, rect.depth)]
    if min(max_steps) < min_steps:
        return None
    width, depth = (int(rng.integers(min_steps, side + 1)) for side in max_steps)
    x0 = rect.x0 if x_low else rect.x1 - width
    y0 = rect.y0 if y_low else rect.y1 - depth
    return _Rect(x0, y0, x0 + width, y0 + depth)


def _cut_corner(rng: np.random.Generator, rects: dict[int, _Rect]) -> list[tuple[int, _Rect]]:
    """Give a corner of the house to the outside."""
    x_low, y_low = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    x = min(r.x0 for r in rects.values()) if x_low else max(r.x1 for r in rects.values())
    y = min(r.y0 for r in rects.values()) if y_low else max(r.y1 for r in rects.values())
    for rect in rects.values():
        if x in (rect.x0, rect.x1) and y in (rect.y0, rect.y1):
            part = _sample_corner(rng, rect, x_low, y_low, MIN_CUT_M)
            return [(OUTSIDE, part)] if part else []
    return []


def _transfer_corner(
    rng: np.random.Generator, rects: dict[int, _Rect], room_types: dict[int, str]
) -> list[tuple[int, _Rect]]:
    """Give a corner of one room to the neighbour that spans that side of it."""
    numbers = sorted(rects)
    for i in rng.permutation(len(numbers)):
        receiver = numbers[int(i)]
        for donor in numbers:
            if donor == receiver or room_types[donor] == "Bathroom":
                continue
            a, b = rects[receiver], rects[donor]
            stands_on_x = a.x1 == b.x0 or a.x0 == b.x1
            stands_on_y = a.y1 == b.y0 or a.y0 == b.y1
            spans_y = a.y0 <= b.y0 and a.y1 >= b.y1
            spans_x = a.x0 <= b.x0 and a.x1 >= b.x1
            if (stands_on_x and spans_y) or (stands_on_y and spans_x):
                x_low = a.x1 == b.x0 if stands_on_x and spans_y else bool(rng.random() < 0.5)
                y_low = bool(rng.random() < 0.5) if stands_on_x and spans_y else a.y1 == b.y0
                part = _sample_corner(rng, b, x_low, y_low, MIN_TRANSFER_M)
                return [(receiver, part)] if part else []
    return []


def _rasterise(
    spec_id: str, labelled_rects: list[tuple[int, _Rect]], room_types: dict[int, str]
) -> FloorPlan:
    """Paint rectangles, later over earlier, on the grid of all their sides."""
    xs = np.array(sorted({x for _, r in labelled_rects for x in (r.x0, r.x1)}))
    ys = np.array(sorted({y for _, r in labelled_rects for y in (r.y0, r.y1)}))
    labels = np.full((len(ys) - 1, len(xs) - 1), OUTSIDE)
    for number, r in labelled_rects:
        columns = slice(*np.searchsorted(xs, (r.x0, r.x1)))
        rows = slice(*np.searchsorted(ys, (r.y0, r.y1)))
        labels[rows, columns] = number
    return FloorPlan(spec_id, xs * STEP_M, ys * STEP_M, labels, room_types)


def room_cells(plan: FloorPlan, room: int) -> Iterator[tuple[int, int]]:
    """Yield the (row, column) of a room's grid cells."""
    for row, column in np.argwhere(plan.labels == room):
        yield int(row), int(column)
