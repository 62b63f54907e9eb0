"""What can be said of objects of a scan, and how clearly it holds of each of them.

A `Clause` is something that singles objects out: a colour, a size, a place. It says of every
object of a group whether it holds: positive by how much it does, negative by how much it does not,
0 where people might disagree.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely

from workflow_scripts.common.label_text import is_confusable
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.scan_context import OPENINGS, ScanContext, ScanObject

# Horizontal gaps at which something is next to another, and at which it is not.
NEXT_TO_M, NOT_NEXT_TO_M = 0.35, 0.9
# Distance of an object's footprint from a corner of its room.
IN_CORNER_M, NOT_IN_CORNER_M = 0.4, 1.2
# The underside of what stands on something is this near to its top; what is not on it is further.
CONTACT_M, APART_M = 0.05, 0.15
ABOVE_M, MAX_ABOVE_M = 0.05, 1.6
ON_FLOOR_M = 0.3
# The object that names a place is at least this much of the size of what is there, and distances
# are not measured from small objects.
MIN_ANCHOR_RATIO, MIN_ANCHOR_M = 0.5, 0.4
VOLUME_RATIO, LENGTH_RATIO, MIN_HEIGHT_M = 1.5, 1.1, 0.1
# Names of colours that people may exchange.
_ALIKE = (
    *({"beige", "brown"}, {"beige", "white"}, {"beige", "yellow"}, {"gray", "white"}),
    *({"gray", "black"}, {"orange", "brown"}, {"orange", "red"}, {"orange", "yellow"}),
    *({"red", "pink"}, {"pink", "purple"}, {"teal", "blue"}, {"teal", "green"}, {"brown", "red"}),
    *({"blue", "purple"}, {"brown", "black"}, {"beige", "gray"}, {"beige", "pink"}),
    *({"beige", "orange"}, {"yellow", "green"}, {"brown", "gray"}, {"brown", "yellow"}),
)


@dataclass(frozen=True, eq=False)
class Clause:
    """Something that holds of some objects of a group and not of others.

    Attributes:
        kind: colour, size, nearest, farthest, on, next_to, above, corner, room.
        word: the colour, the superlative or the name of the room.
        anchor: the object that names the place.
        clear: by instance, how clearly it holds.
        values: by instance, what was measured, in the unit.
        unit: of `clear` and `values`.
    """

    kind: str
    word: str
    anchor: ScanObject | None
    clear: dict[int, float]
    values: dict[int, float] = field(default_factory=dict)
    unit: str = "m"

    @property
    def is_decided(self) -> bool:
        """Say whether it is clear for every object whether it holds."""
        return all(self.clear.values())

    @cached_property
    def fits(self) -> frozenset[int]:
        """Instances of which it holds."""
        return frozenset(instance for instance, value in self.clear.items() if value > 0)

    @property
    def margin(self) -> float:
        """How far the least clear object is from turning over."""
        return min(abs(value) for value in self.clear.values())

    @property
    def is_superlative(self) -> bool:
        """Say whether it always holds of one object."""
        return self.kind in ("size", "nearest", "farthest")

    @property
    def adjective(self) -> str:
        """Return what stands before the noun, '' if it stands behind it."""
        return self.word if self.kind in ("colour", "size") else ""

    @property
    def place(self) -> str:
        """Return what stands behind the noun: "next to the desk"; '' if it stands before it."""
        name = f"the {self.anchor.phrase}" if self.anchor else ""
        return {
            "nearest": f"nearest to {name}",
            "farthest": f"farthest from {name}",
            "on": f"on {name}",
            "next_to": f"{'by' if _is_opening(self.anchor) else 'next to'} {name}",
            "above": f"above {name}",
            "corner": "in a corner of the room",
            "room": f"in the {self.word}",
        }.get(self.kind, "")


def kind_of_place(item: ScanObject) -> str:
    """Return where an object is: carried by another, on the floor or on a wall."""
    if item.parent:
        return "carried"
    return "floor" if item.bottom_m <= ON_FLOOR_M else "wall"


def group_of(context: ScanContext, category: str) -> tuple[ScanObject, ...]:
    """Return all objects that a category's noun might mean, also those that are only glimpsed."""
    everything = (*context.objects, *context.glimpsed)
    return tuple(item for item in everything if is_confusable(category, item.category))


def anchors_of(context: ScanContext) -> tuple[ScanObject, ...]:
    """Return what can name a place: alone of its kind in the scan, and clearly shown."""
    nouns = [item.phrase for item in context.openings]
    # Of several doors none is "the door"; of doors that are not shown nothing is known.
    openings = [item for item in context.openings if nouns.count(item.phrase) == 1]
    return (*context.alone, *openings)


def clauses_of(
    context: ScanContext, group: Sequence[ScanObject], settings: ScanQuestionSettings
) -> list[Clause]:
    """Return what can be said of a group, of every kind, decided or not, in a fixed order."""
    members = {item.instance for item in group}
    found = [*_colours(group), *_sizes(group, settings), *_corner(context, group)]
    found += _rooms(context, group)
    for anchor in anchors_of(context):
        if anchor.instance not in members:
            found += _places(context, group, anchor, settings)
    return [clause for clause in found if any(clause.clear.values())]


def are_alike(one: str, other: str) -> bool:
    """Say whether two names of colours may be exchanged."""
    return one == other or {one, other} in _ALIKE


def _colours(group: Sequence[ScanObject]) -> Iterator[Clause]:
    for word in sorted({item.colour for item in group if item.colour}):
        yield colour_clause(group, word)


def colour_clause(group: Sequence[ScanObject], word: str) -> Clause:
    """Return that something has a colour; of glimpsed objects it is not known."""
    clear = {}
    for item in group:
        is_known = item.colour and item.num_frames
        same = 1.0 if item.colour == word else 0.0 if are_alike(item.colour, word) else -1.0
        clear[item.instance] = same if is_known else 0.0
    return Clause("colour", word, None, clear, unit="")


def _sizes(group: Sequence[ScanObject], settings: ScanQuestionSettings) -> Iterator[Clause]:
    if len(group) < 2:
        return
    height = np.array([item.size_m[2] for item in group])
    volume = np.array([np.prod(np.maximum(item.size_m, 0.01)) for item in group])
    longest = np.array([item.size_m.max() for item in group])
    ids = [item.instance for item in group]
    for word, sign in (("tallest", 1), ("shortest", -1)):
        order = np.argsort(-sign * height, kind="stable")
        first, second = height[order[0]], height[order[1]]
        ratio = (first / second) ** sign
        is_clear = ratio >= 1 + settings.margin_ratio and abs(first - second) >= MIN_HEIGHT_M
        yield _superlative("size", word, None, ids, order, sign * height, is_clear)
    for word, sign in (("largest", 1), ("smallest", -1)):
        order = np.argsort(-sign * volume, kind="stable")
        ratio = (volume[order[0]] / volume[order[1]]) ** sign
        others = longest[order[1:]]
        length_ratio = (
            longest[order[0]] / others.max() if sign > 0 else others.min() / longest[order[0]]
        )
        is_clear = ratio >= VOLUME_RATIO and length_ratio >= LENGTH_RATIO
        yield _superlative("size", word, None, ids, order, sign * longest, is_clear)


def _superlative(
    kind: str,
    word: str,
    anchor: ScanObject | None,
    ids: Sequence[int],
    order: np.ndarray,
    value: np.ndarray,
    is_clear: bool,
) -> Clause:
    """Return what holds of the first of an order; `value` [n] is larger for it."""
    best, second = int(order[0]), int(order[1])
    clear = dict.fromkeys(ids, 0.0)
    if is_clear:
        clear = {
            instance: float(value[best] - value[second])
            if place == best
            else -float(max(value[best] - value[place], 1e-6))
            for place, instance in enumerate(ids)
        }
        clear[ids[best]] = max(clear[ids[best]], 1e-6)
    values = {instance: float(abs(value[place])) for place, instance in enumerate(ids)}
    return Clause(kind, word, anchor, clear, values)


def _corner(context: ScanContext, group: Sequence[ScanObject]) -> Iterator[Clause]:
    # In a scan of several rooms nobody knows which room is meant.
    if len(context.rooms) != 1:
        return
    room = context.rooms[0]
    corners = shapely.MultiPoint(room.polygon_m)
    inner = shapely.MultiPoint(_inner_corners(room.polygon_m))
    clear, values = {}, {}
    for item in group:
        distance = item.footprint.distance(inner)
        values[item.instance] = float(distance)
        is_placed = item.room_id == room.room_id and kind_of_place(item) == "floor"
        if is_placed and distance <= IN_CORNER_M:
            clear[item.instance] = max(IN_CORNER_M - distance, 1e-3)
        elif is_placed and item.footprint.distance(corners) > NOT_IN_CORNER_M:
            clear[item.instance] = IN_CORNER_M - distance
        else:
            clear[item.instance] = 0.0
    yield Clause("corner", "", None, clear, values)


def _inner_corners(polygon_m: np.ndarray) -> np.ndarray:
    """Return the corners [k, 2] of a floor polygon that are less than 180 degrees inside."""
    before = polygon_m - np.roll(polygon_m, 1, axis=0)
    after = np.roll(polygon_m, -1, axis=0) - polygon_m
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    inward = 1.0 if shapely.LinearRing(polygon_m).is_ccw else -1.0
    corners: np.ndarray = polygon_m[inward * turn > 1e-6]
    return corners


def _rooms(context: ScanContext, group: Sequence[ScanObject]) -> Iterator[Clause]:
    types = [room.room_type for room in context.rooms]
    if len(types) < 2 or not all(types):
        return
    for room in context.rooms:
        if types.count(room.room_type) > 1:
            continue
        clear = {
            item.instance: 0.0
            if not item.room_id
            else 1.0
            if item.room_id == room.room_id
            else -1.0
            for item in group
        }
        yield Clause("room", room.name, None, clear, unit="")


def _places(
    context: ScanContext,
    group: Sequence[ScanObject],
    anchor: ScanObject,
    settings: ScanQuestionSettings,
) -> Iterator[Clause]:
    ids = [item.instance for item in group]
    is_fit = all(
        anchor.size_m.max() >= MIN_ANCHOR_RATIO * item.size_m.max() for item in group
    ) or _is_opening(anchor)
    if len(group) > 1 and is_fit and anchor.size_m.max() >= MIN_ANCHOR_M:
        distance = np.array([np.linalg.norm(item.centre_m - anchor.centre_m) for item in group])
        gap = np.array([context.gap_m(item, anchor) for item in group])
        for kind, sign in (("nearest", -1), ("farthest", 1)):
            order = np.argsort(-sign * distance, kind="stable")
            first, second = distance[order[0]], distance[order[1]]
            ahead = sign * (first - second)
            other_gaps = sign * np.delete(gap, order[0])
            is_clear = bool(
                ahead >= settings.margin_m
                and max(first, second) >= (1 + settings.margin_ratio) * min(first, second)
                and sign * gap[order[0]] - other_gaps.max() >= settings.margin_m
            )
            yield _superlative(kind, "", anchor, ids, order, sign * distance, is_clear)
    if is_fit:
        yield _clause("next_to", anchor, group, lambda item: next_to(context, item, anchor))
    if anchor.kind == "object":
        yield _clause("on", anchor, group, lambda item: on_top(context, item, anchor))
        yield _clause("above", anchor, group, lambda item: above(context, item, anchor))


def _clause(
    kind: str,
    anchor: ScanObject,
    group: Sequence[ScanObject],
    measure: Callable[[ScanObject], tuple[float, float]],
) -> Clause:
    measured = {item.instance: measure(item) for item in group}
    clear = {instance: value[0] for instance, value in measured.items()}
    return Clause(kind, "", anchor, clear, {instance: v[1] for instance, v in measured.items()})


def on_top(context: ScanContext, item: ScanObject, anchor: ScanObject) -> tuple[float, float]:
    """Return how clearly one object stands or lies on another, and their gap in metres."""
    gap = context.gap_m(item, anchor)
    if "unclear" in (item.contact, anchor.contact) and gap < APART_M:
        return 0.0, gap
    if item.contact == "carried":
        carriers = _carriers(context, item)
        if carriers[:1] == [anchor.instance]:
            return CONTACT_M, gap
        if anchor.instance in carriers:
            return 0.0, gap
    elif item.contact == "" and not item.parent:
        lift = item.bottom_m - anchor.top_m
        is_over = anchor.footprint.contains(shapely.Point(item.centre_m[:2]))
        if abs(lift) < CONTACT_M and is_over and anchor.contact == "" and not _has_truth(context):
            return CONTACT_M - abs(lift), gap
    return (-gap if gap >= APART_M else 0.0), gap


def carries_objects(context: ScanContext, anchor: ScanObject) -> bool:
    """Say whether something is on an object, so that something else could be."""
    everything = (*context.placed, *context.unseen)
    return any(item.parent == anchor.instance for item in everything)


def _has_truth(context: ScanContext) -> bool:
    """Say whether the source knows what stands on what."""
    return any(item.contact for item in context.placed)


def _carriers(context: ScanContext, item: ScanObject) -> list[int]:
    """Return what carries an object, what carries that, and so on."""
    found: list[int] = []
    below = item.parent
    while below and below not in found:
        found.append(below)
        carrier = context.by_instance.get(below)
        below = carrier.parent if carrier else 0
    return found


def next_to(context: ScanContext, item: ScanObject, anchor: ScanObject) -> tuple[float, float]:
    """Return how clearly one object is beside another, and their horizontal gap in metres."""
    gap = context.footprint_gap_m(item, anchor)
    if gap > NOT_NEXT_TO_M:
        return -(gap - NEXT_TO_M), gap
    overlap = min(item.top_m, anchor.top_m) - max(item.bottom_m, anchor.bottom_m)
    least = 0.5 * min(item.size_m[2], anchor.size_m[2])
    same_room = not item.room_id or not anchor.room_id or item.room_id == anchor.room_id
    is_beside = overlap >= least or (_is_opening(anchor) and not item.parent)
    # That a window blind is by the window tells nothing.
    is_obvious = anchor.phrase in item.phrase
    if not is_beside or not same_room or is_obvious or (gap <= 0.0 and not _is_opening(anchor)):
        return 0.0, gap
    return max(NEXT_TO_M - gap, 0.0), gap


def above(context: ScanContext, item: ScanObject, anchor: ScanObject) -> tuple[float, float]:
    """Return how clearly one object hangs above another, and the vertical gap in metres."""
    lift = item.bottom_m - anchor.top_m
    aside = context.footprint_gap_m(item, anchor)
    is_over = anchor.footprint.distance(shapely.Point(item.centre_m[:2])) <= 0.1
    if is_over and not item.parent and ABOVE_M <= lift <= MAX_ABOVE_M and anchor.bottom_m < 1.0:
        return lift, lift
    return (-aside if aside >= NEXT_TO_M else 0.0), lift


def _is_opening(item: ScanObject | None) -> bool:
    return item is not None and item.category.lower() in OPENINGS
