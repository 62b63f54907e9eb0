"""Doors, open passages and windows, and the floor that must stay free for them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from workflow_scripts.scenes.generator.floor_plan import OUTSIDE
from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.scenes.generator.walls import Room, WallSegment, opposite_face
from workflow_scripts.sources.readers.procthor_assets import Asset, assets_in_category

DOOR_CLEARANCE_M = 1.0
"""Depth in front of a door that stays free on both sides: the width of an open leaf."""
PASSAGE_CLEARANCE_M = 0.6
JAMB_M = 0.1
"""Least wall on either side of an opening."""
NUM_WINDOWS = ((0, 0.1), (1, 0.4), (2, 0.5))
SILL_RANGE_M = (0.3, 1.4)
_NUM_TRIES = 8
MAX_WINDOW_DEPTH_M = 0.3
"""Bay windows are deeper; they would need a wall with a bay."""

# How readily two room types share a door: a bathroom is no thoroughfare, a kitchen is no way to
# bed. Larger is better.
_DOOR_PREFERENCE = {
    frozenset(("Kitchen", "LivingRoom")): 5.0,
    frozenset(("Bedroom", "LivingRoom")): 4.0,
    frozenset(("Bathroom", "Bedroom")): 3.0,
    frozenset(("Bathroom", "LivingRoom")): 2.5,
    frozenset(("Bedroom",)): 1.5,
    frozenset(("Bedroom", "Kitchen")): 1.0,
    frozenset(("Bathroom", "Kitchen")): 0.5,
}
_FRONT_DOOR_PREFERENCE = {"LivingRoom": 4.0, "Kitchen": 3.0, "Bedroom": 1.0, "Bathroom": 0.2}


@dataclass(frozen=True)
class Opening:
    """A door (`asset` may be None: no wall at all) or a window in a piece of wall.

    `low_m` and `high_m` are the corners (along the piece from its start, height) of the hole.
    """

    segment: WallSegment
    opposite: WallSegment | None
    asset: Asset | None
    low_m: tuple[float, float]
    high_m: tuple[float, float]
    openness: float = 0.0

    @property
    def middle_m(self) -> float:
        return (self.low_m[0] + self.high_m[0]) / 2

    def along(self, face: WallSegment) -> tuple[float, float]:
        """Return from where to where the hole goes along one of its wall's two faces."""
        low, high = self.low_m[0], self.high_m[0]
        if face == self.segment:
            return low, high
        return face.length_m - high, face.length_m - low

    def faces(self) -> tuple[WallSegment, ...]:
        """Return the faces of the wall that are inside the house."""
        return (self.segment,) if self.opposite is None else (self.segment, self.opposite)


def sample_doors(rng: np.random.Generator, rooms: list[Room]) -> list[Opening] | None:
    """Connect all rooms by a tree of doors and add one front door; None if that cannot be."""
    by_number = {room.number: room for room in rooms}
    candidates = []
    for room in rooms:
        for segment in room.segments:
            if segment.neighbour > room.number and segment.length_m >= 1.0 + 2 * JAMB_M + 0.1:
                pair = frozenset((room.room_type, by_number[segment.neighbour].room_type))
                score = (
                    _DOOR_PREFERENCE.get(pair, 0.3) + 0.3 * rng.random() + 0.05 * segment.length_m
                )
                candidates.append((score, segment))
    group = {room.number: room.number for room in rooms}
    doors: list[Opening] = []
    for _, segment in sorted(candidates, key=lambda entry: -entry[0]):
        if group[segment.room] == group[segment.neighbour]:
            continue
        door = _sample_usable_door(
            partial(_sample_inner_door, rng, segment, by_number), doors, by_number
        )
        if door is None:
            continue
        doors.append(door)
        old, new = group[segment.neighbour], group[segment.room]
        group = {number: new if g == old else g for number, g in group.items()}
    front = _sample_usable_door(partial(_sample_front_door, rng, rooms), doors, by_number)
    if front is None or len(set(group.values())) > 1:
        return None
    return [*doors, front]


def _sample_usable_door(
    draw: Callable[[], Opening | None], others: list[Opening], rooms: dict[int, Room]
) -> Opening | None:
    """Draw a door until it has floor before it and its leaf does not hit another's."""
    for _ in range(_NUM_TRIES):
        door = draw()
        if (
            door
            and _has_clearance(door, rooms)
            and not any(_doors_overlap(door, other) for other in others)
        ):
            return door
    return None


def _has_clearance(door: Opening, rooms: dict[int, Room]) -> bool:
    """Tell whether there is room to walk through on every side that is inside."""
    depth_m = PASSAGE_CLEARANCE_M if door.asset is None else DOOR_CLEARANCE_M
    return all(
        rooms[face.room].contains(face.floor_rect(*door.along(face), depth_m))
        for face in door.faces()
    )


def _doors_overlap(a: Opening, b: Opening) -> bool:
    """Tell whether two doors need the same floor of a room; passages have no leaf to hit."""
    if a.asset is None or b.asset is None:
        return False
    for face_a in a.faces():
        for face_b in b.faces():
            if face_a.room == face_b.room:
                ax0, ay0, ax1, ay1 = face_a.floor_rect(*a.along(face_a), DOOR_CLEARANCE_M)
                bx0, by0, bx1, by1 = face_b.floor_rect(*b.along(face_b), DOOR_CLEARANCE_M)
                if ax0 < bx1 and bx0 < ax1 and ay0 < by1 and by0 < ay1:
                    return True
    return False


def _sample_inner_door(
    rng: np.random.Generator, segment: WallSegment, rooms: dict[int, Room]
) -> Opening:
    types = {rooms[segment.room].room_type, rooms[segment.neighbour].room_type}
    opposite = opposite_face(segment, rooms)
    kind = "Doorway"
    if types == {"Kitchen", "LivingRoom"} and chance(rng, 0.75):
        if chance(rng, 0.4) and segment.length_m < 5.0:
            return Opening(segment, opposite, None, (0.0, 0.0), (segment.length_m, 0.0), 1.0)
        kind = "Doorframe"
    double = kind == "Doorframe" and segment.length_m > 3.2 and chance(rng, 0.5)
    if chance(rng, 0.5):
        segment, opposite = opposite or segment, segment
    return _place_door(rng, segment, opposite, kind, double=double, openness=1.0)


def _sample_front_door(rng: np.random.Generator, rooms: list[Room]) -> Opening | None:
    candidates = [
        (_FRONT_DOOR_PREFERENCE[room.room_type] * rng.uniform(0.5, 1.0), segment)
        for room in rooms
        for segment in room.segments
        if segment.neighbour == OUTSIDE and segment.length_m >= 1.0 + 2 * JAMB_M + 0.1
    ]
    if not candidates:
        return None
    segment = max(candidates, key=lambda entry: entry[0])[1]
    double = segment.length_m > 4.0 and chance(rng, 0.15)
    return _place_door(rng, segment, None, "Doorway", double=double, openness=0.0)


def _place_door(
    rng: np.random.Generator,
    segment: WallSegment,
    opposite: WallSegment | None,
    kind: str,
    *,
    double: bool,
    openness: float,
) -> Opening:
    """Hang a door of a kind at a random place of a piece; often near one of its ends."""
    candidate_assets = [
        leaf for leaf in assets_in_category(kind) if ("Double" in leaf.asset_id) == double
    ]
    asset = pick(rng, candidate_assets)
    width, height = asset.width_m, asset.height_m
    free_length_m = segment.length_m - width - 2 * JAMB_M
    share = rng.choice((0.0, 1.0)) if chance(rng, 0.4) else rng.random()
    low = JAMB_M + float(share) * free_length_m
    return Opening(segment, opposite, asset, (low, 0.0), (low + width, height), openness)


def sample_windows(
    rng: np.random.Generator, rooms: list[Room], doors: list[Opening], ceiling_m: float
) -> list[Opening]:
    """Put up to two windows in outside walls that have no door, one a wall, none in bathrooms."""
    with_door = {segment for door in doors for segment in door.faces()}
    windows = []
    for room in rooms:
        counts, shares = zip(*NUM_WINDOWS, strict=True)
        count = int(rng.choice(counts, p=shares))
        if room.room_type == "Bathroom":
            continue
        free = [p for p in room.segments if p.neighbour == OUTSIDE and p not in with_door]
        for i in rng.permutation(len(free))[:count]:
            segment = free[int(i)]
            candidate_assets = [
                window
                for window in assets_in_category("Window")
                if window.width_m + 0.4 <= segment.length_m
                and window.height_m + 0.9 <= ceiling_m
                and window.depth_m <= MAX_WINDOW_DEPTH_M
            ]
            if not candidate_assets:
                continue
            asset = pick(rng, candidate_assets)
            free_length_m = segment.length_m - asset.width_m - 0.4
            low = 0.2 + free_length_m * float(rng.beta(3, 3))
            sill = (min(ceiling_m, 3.0) - asset.height_m) / 2
            sill = float(np.clip(sill + 0.15, *SILL_RANGE_M))
            top = sill + asset.height_m
            windows.append(
                Opening(segment, None, asset, (low, sill), (low + asset.width_m, top), 0.0)
            )
    return windows
