"""Furnish a room: a programme of groups per room type, then whatever else the tables allow."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.assets import database
from workflow_scripts.scenes.generator import living_groups, table_groups, wet_groups
from workflow_scripts.scenes.generator.draw import chance, pick
from workflow_scripts.scenes.generator.groups import EDGE, MIDDLE, Builder, Limits, single
from workflow_scripts.scenes.generator.openings import KEEP_FREE_M, PASSAGE_FREE_M, Opening
from workflow_scripts.scenes.generator.placement import place
from workflow_scripts.scenes.generator.space import Space
from workflow_scripts.scenes.generator.things import Object
from workflow_scripts.scenes.generator.walls import Piece, Room

MIN_FREE_SHARE = 0.42
WINDOW_FREE_M = 0.7
MAX_PER_SORT = 2
WISH_TRIES, SINGLE_TRIES = 5, 2


@dataclass(frozen=True)
class Wish:
    """A group that a room type wants, how likely, and in how large a room at least."""

    build: Builder
    probability: float
    min_area_m2: float = 0.0
    unless: str = ""
    """Not wanted if the room has something of this category."""


_SHELF = single("ShelvingUnit", EDGE, 0.5)
_DRESSER = single("Dresser", EDGE, 0.6)
_BIN = single("GarbageCan", EDGE, 0.0)
_LAMP = single("FloorLamp", EDGE, 0.0)

PROGRAMMES: dict[str, tuple[Wish, ...]] = {
    "Bedroom": (
        Wish(living_groups.bed, 1.0),
        Wish(_DRESSER, 0.8),
        Wish(table_groups.desk, 0.65, 9.0),
        Wish(living_groups.bed, 0.15, 16.0),
        Wish(_SHELF, 0.45, 10.0),
        Wish(living_groups.reading_corner, 0.4, 13.0),
        Wish(single("LaundryHamper", EDGE, 0.0), 0.35),
        Wish(_BIN, 0.35),
        Wish(living_groups.floor_plant, 0.4),
    ),
    "LivingRoom": (
        Wish(living_groups.television, 0.92),
        Wish(living_groups.sofa, 1.0, unless="Sofa"),
        Wish(table_groups.dining, 0.55, 18.0),
        Wish(_SHELF, 0.7),
        Wish(living_groups.reading_corner, 0.55, 16.0),
        Wish(living_groups.sofa, 0.25, 22.0),
        Wish(_DRESSER, 0.4),
        Wish(table_groups.desk, 0.2, 18.0),
        Wish(_SHELF, 0.3, 18.0),
        Wish(living_groups.floor_plant, 0.7),
        Wish(living_groups.floor_plant, 0.25, 20.0),
        Wish(_LAMP, 0.45),
        Wish(single("SideTable", EDGE, 0.4), 0.5),
    ),
    "Kitchen": (
        Wish(wet_groups.kitchen_counter, 1.0),
        Wish(single("Fridge", EDGE, 0.6), 1.0, unless="Fridge"),
        Wish(wet_groups.kitchen_counter, 0.55, 8.0),
        Wish(table_groups.dining, 0.9, 7.5),
        Wish(_BIN, 0.8),
        Wish(_SHELF, 0.35, 10.0),
        Wish(single("SideTable", EDGE, 0.4), 0.3),
        Wish(single("Stool", EDGE, 0.0), 0.3),
        Wish(living_groups.floor_plant, 0.3),
    ),
    "Bathroom": (
        Wish(wet_groups.toilet, 1.0),
        Wish(wet_groups.washbasin, 1.0),
        Wish(wet_groups.shower, 0.6, 4.8),
        Wish(wet_groups.laundry, 0.4, 5.5),
        Wish(_BIN, 0.6),
        Wish(single("LaundryHamper", EDGE, 0.0), 0.4),
        Wish(single("SideTable", EDGE, 0.4), 0.3, 5.0),
        Wish(living_groups.floor_plant, 0.25),
    ),
}

# Sorts that come only with their groups, or would not stand.
_NOT_ALONE = {"BaseballBat", "Bed", "Chair", "ClothesDryer", "CoffeeTable", "CounterTop", "Desk"}
_NOT_ALONE |= {"DiningTable", "Fridge", "Plunger", "Sink", "Sofa", "Television", "Toilet"}
_NOT_ALONE |= {"TVStand", "WashingMachine"}
_ALSO_ON_FLOOR = frozenset({"Footstool", "WateringCan"})


@dataclass
class _Furnishing:
    """A room that is being furnished."""

    room: Room
    space: Space
    walls: list[Piece]
    """Pieces that have a wall at all."""
    objects: list[Object] = field(default_factory=list)
    num_groups: int = 0

    @property
    def categories(self) -> frozenset[str]:
        """Categories of the things so far and of what stands on them."""
        return frozenset(
            part.asset.category for thing in self.objects for part in (thing, *thing.children)
        )

    def add(self, rng: np.random.Generator, build: Builder, *, tries: int) -> None:
        """Draw a group, smaller at every try, until one can be placed."""
        short_m, long_m = sorted(np.ptp(np.array(self.room.outline), axis=0).tolist())
        for attempt in range(tries):
            group = build(rng, Limits(short_m, long_m, attempt, self.categories))
            if group is None:
                continue
            placed = place(rng, self.room, self.space, group, self.walls, number=self.num_groups)
            if placed:
                self.objects += placed
                self.num_groups += 1
                return


def furnish(
    rng: np.random.Generator, room: Room, openings: list[Opening]
) -> tuple[list[Object], Space]:
    """Return the floor objects of a room and its floor, with doors kept free."""
    space = Space(room)
    furnishing = _Furnishing(room, space, _keep_openings_free(space, room, openings))
    for wish in PROGRAMMES[room.room_type]:
        wanted = room.area_m2 >= wish.min_area_m2 and wish.unless not in furnishing.categories
        if wanted and chance(rng, wish.probability):
            furnishing.add(rng, wish.build, tries=WISH_TRIES)
    for _ in range(int(rng.integers(2, 5 + int(room.area_m2 / 5)))):
        build = _any_single(rng, room, furnishing.objects)
        if build is None or space.free_share() < MIN_FREE_SHARE:
            break
        furnishing.add(rng, build, tries=SINGLE_TRIES)
    return furnishing.objects, space


def _keep_openings_free(space: Space, room: Room, openings: list[Opening]) -> list[Piece]:
    """Keep the floor at doors and passages free; return the pieces that have a wall at all."""
    open_pieces = set()
    for opening in openings:
        for piece in opening.faces():
            if piece.room != room.number:
                continue
            low, high = opening.along(piece)
            if opening.asset is None:
                open_pieces.add(piece)
                space.keep([piece.floor_m(low, high, PASSAGE_FREE_M)], reach=True)
            elif opening.asset.category != "Window":
                space.keep([piece.floor_m(low, high, KEEP_FREE_M)], reach=True)
            else:
                space.keep_low(piece.floor_m(low, high, WINDOW_FREE_M))
    return [piece for piece in room.pieces if piece not in open_pieces]


def _any_single(rng: np.random.Generator, room: Room, objects: list[Object]) -> Builder | None:
    """Draw a sort of floor object by ProcTHOR's weights for the room type."""
    table = database("placement-annotations")
    weights = table[f"in{room.room_type}s"]
    there = Counter(thing.asset.category for thing in objects)
    sorts = [
        sort
        for sort in sorted(weights)
        if weights[sort]
        and (table["onFloor"][sort] or sort in _ALSO_ON_FLOOR)
        and sort not in _NOT_ALONE
        and there[sort] < (MAX_PER_SORT if table["multiplePerRoom"][sort] else 1)
    ]
    if not sorts:
        return None
    shares = [
        (0.0, 0.4, 1.0)[weights[sort]] * (0.2 if sort in _ALSO_ON_FLOOR else 1.0) for sort in sorts
    ]
    sort = pick(rng, sorts, shares)
    middle = bool(table["inMiddle"][sort]) and chance(rng, 0.3)
    clear_m = 0.4 if sort in ("Dresser", "ShelvingUnit", "SideTable", "ArmChair") else 0.0
    return single(sort, MIDDLE if middle else EDGE, clear_m)
