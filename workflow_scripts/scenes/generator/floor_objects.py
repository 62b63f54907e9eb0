"""Furnish a room: a programme of groups per room type, then whatever else the tables allow."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.scenes.generator import (
    bedroom_living_groups,
    kitchen_bathroom_groups,
    table_groups,
)
from workflow_scripts.scenes.generator.groups import EDGE, MIDDLE, Builder, Limits, single_object
from workflow_scripts.scenes.generator.occupancy_grid import OccupancyGrid
from workflow_scripts.scenes.generator.openings import (
    DOOR_CLEARANCE_M,
    PASSAGE_CLEARANCE_M,
    Opening,
)
from workflow_scripts.scenes.generator.placed_objects import PlacedObject
from workflow_scripts.scenes.generator.placement import place_group
from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.scenes.generator.walls import Room, WallSegment
from workflow_scripts.sources.readers.procthor_assets import read_database

MIN_FREE_SHARE = 0.42
WINDOW_CLEARANCE_M = 0.7
MAX_PER_CATEGORY = 2
GROUP_TRIES, SINGLE_TRIES = 5, 2


@dataclass(frozen=True)
class FurnitureRule:
    """A group that a room type wants, how likely, and in how large a room at least."""

    build: Builder
    probability: float
    min_area_m2: float = 0.0
    unless: str = ""
    """Not wanted if the room has something of this category."""


_SHELF = single_object("ShelvingUnit", EDGE, 0.5)
_DRESSER = single_object("Dresser", EDGE, 0.6)
_BIN = single_object("GarbageCan", EDGE, 0.0)
_LAMP = single_object("FloorLamp", EDGE, 0.0)

ROOM_FURNITURE: dict[str, tuple[FurnitureRule, ...]] = {
    "Bedroom": (
        FurnitureRule(bedroom_living_groups.bed, 1.0),
        FurnitureRule(_DRESSER, 0.8),
        FurnitureRule(table_groups.desk, 0.65, 9.0),
        FurnitureRule(bedroom_living_groups.bed, 0.15, 16.0),
        FurnitureRule(_SHELF, 0.45, 10.0),
        FurnitureRule(bedroom_living_groups.reading_corner, 0.4, 13.0),
        FurnitureRule(single_object("LaundryHamper", EDGE, 0.0), 0.35),
        FurnitureRule(_BIN, 0.35),
        FurnitureRule(bedroom_living_groups.floor_plant, 0.4),
    ),
    "LivingRoom": (
        FurnitureRule(bedroom_living_groups.television, 0.92),
        FurnitureRule(bedroom_living_groups.sofa, 1.0, unless="Sofa"),
        FurnitureRule(table_groups.dining, 0.55, 18.0),
        FurnitureRule(_SHELF, 0.7),
        FurnitureRule(bedroom_living_groups.reading_corner, 0.55, 16.0),
        FurnitureRule(bedroom_living_groups.sofa, 0.25, 22.0),
        FurnitureRule(_DRESSER, 0.4),
        FurnitureRule(table_groups.desk, 0.2, 18.0),
        FurnitureRule(_SHELF, 0.3, 18.0),
        FurnitureRule(bedroom_living_groups.floor_plant, 0.7),
        FurnitureRule(bedroom_living_groups.floor_plant, 0.25, 20.0),
        FurnitureRule(_LAMP, 0.45),
        FurnitureRule(single_object("SideTable", EDGE, 0.4), 0.5),
    ),
    "Kitchen": (
        FurnitureRule(kitchen_bathroom_groups.kitchen_counter, 1.0),
        FurnitureRule(single_object("Fridge", EDGE, 0.6), 1.0, unless="Fridge"),
        FurnitureRule(kitchen_bathroom_groups.kitchen_counter, 0.55, 8.0),
        FurnitureRule(table_groups.dining, 0.9, 7.5),
        FurnitureRule(_BIN, 0.8),
        FurnitureRule(_SHELF, 0.35, 10.0),
        FurnitureRule(single_object("SideTable", EDGE, 0.4), 0.3),
        FurnitureRule(single_object("Stool", EDGE, 0.0), 0.3),
        FurnitureRule(bedroom_living_groups.floor_plant, 0.3),
    ),
    "Bathroom": (
        FurnitureRule(kitchen_bathroom_groups.toilet, 1.0),
        FurnitureRule(kitchen_bathroom_groups.washbasin, 1.0),
        FurnitureRule(kitchen_bathroom_groups.shower, 0.6, 4.8),
        FurnitureRule(kitchen_bathroom_groups.laundry, 0.4, 5.5),
        FurnitureRule(_BIN, 0.6),
        FurnitureRule(single_object("LaundryHamper", EDGE, 0.0), 0.4),
        FurnitureRule(single_object("SideTable", EDGE, 0.4), 0.3, 5.0),
        FurnitureRule(bedroom_living_groups.floor_plant, 0.25),
    ),
}

# Sorts that come only with their groups, or would not stand.
_GROUP_ONLY_CATEGORIES = {
    "BaseballBat",
    "Bed",
    "Chair",
    "ClothesDryer",
    "CoffeeTable",
    "CounterTop",
    "Desk",
}
_GROUP_ONLY_CATEGORIES |= {
    "DiningTable",
    "Fridge",
    "Plunger",
    "Sink",
    "Sofa",
    "Television",
    "Toilet",
}
_GROUP_ONLY_CATEGORIES |= {"TVStand", "WashingMachine"}
_EXTRA_FLOOR_CATEGORIES = frozenset({"Footstool", "WateringCan"})


@dataclass
class _RoomFurnisher:
    """A room that is being furnished."""

    room: Room
    occupancy_grid: OccupancyGrid
    walls: list[WallSegment]
    """Pieces that have a wall at all."""
    objects: list[PlacedObject] = field(default_factory=list)
    num_groups: int = 0

    @property
    def categories(self) -> frozenset[str]:
        """Categories of the objects so far and of what stands on them."""
        return frozenset(
            part.asset.category for obj in self.objects for part in (obj, *obj.children)
        )

    def add(self, rng: np.random.Generator, build: Builder, *, tries: int) -> None:
        """Draw a group, smaller at every try, until one can be placed."""
        short_m, long_m = sorted(np.ptp(np.array(self.room.outline), axis=0).tolist())
        for attempt in range(tries):
            group = build(rng, Limits(short_m, long_m, attempt, self.categories))
            if group is None:
                continue
            placed = place_group(
                rng, self.room, self.occupancy_grid, group, self.walls, number=self.num_groups
            )
            if placed:
                self.objects += placed
                self.num_groups += 1
                return


def furnish(
    rng: np.random.Generator, room: Room, openings: list[Opening]
) -> tuple[list[PlacedObject], OccupancyGrid]:
    """Return the floor objects of a room and its floor, with doors kept free."""
    occupancy_grid = OccupancyGrid(room)
    furnisher = _RoomFurnisher(
        room, occupancy_grid, _reserve_openings(occupancy_grid, room, openings)
    )
    for rule in ROOM_FURNITURE[room.room_type]:
        is_wanted = room.area_m2 >= rule.min_area_m2 and rule.unless not in furnisher.categories
        if is_wanted and chance(rng, rule.probability):
            furnisher.add(rng, rule.build, tries=GROUP_TRIES)
    for _ in range(int(rng.integers(2, 5 + int(room.area_m2 / 5)))):
        build = _sample_single_object(rng, room, furnisher.objects)
        if build is None or occupancy_grid.free_fraction() < MIN_FREE_SHARE:
            break
        furnisher.add(rng, build, tries=SINGLE_TRIES)
    return furnisher.objects, occupancy_grid


def _reserve_openings(
    occupancy_grid: OccupancyGrid, room: Room, openings: list[Opening]
) -> list[WallSegment]:
    """Keep the floor at doors and passages free; return the pieces that have a wall at all."""
    open_segments = set()
    for opening in openings:
        for segment in opening.faces():
            if segment.room != room.number:
                continue
            low, high = opening.along(segment)
            if opening.asset is None:
                open_segments.add(segment)
                occupancy_grid.reserve(
                    [segment.floor_rect(low, high, PASSAGE_CLEARANCE_M)], reach=True
                )
            elif opening.asset.category != "Window":
                occupancy_grid.reserve(
                    [segment.floor_rect(low, high, DOOR_CLEARANCE_M)], reach=True
                )
            else:
                occupancy_grid.reserve_low(segment.floor_rect(low, high, WINDOW_CLEARANCE_M))
    return [segment for segment in room.segments if segment not in open_segments]


def _sample_single_object(
    rng: np.random.Generator, room: Room, objects: list[PlacedObject]
) -> Builder | None:
    """Draw a sort of floor object by ProcTHOR's weights for the room type."""
    table = read_database("placement-annotations")
    weights = table[f"in{room.room_type}s"]
    category_counts = Counter(obj.asset.category for obj in objects)
    category_names = [
        category
        for category in sorted(weights)
        if weights[category]
        and (table["onFloor"][category] or category in _EXTRA_FLOOR_CATEGORIES)
        and category not in _GROUP_ONLY_CATEGORIES
        and category_counts[category]
        < (MAX_PER_CATEGORY if table["multiplePerRoom"][category] else 1)
    ]
    if not category_names:
        return None
    shares = [
        (0.0, 0.4, 1.0)[weights[category]] * (0.2 if category in _EXTRA_FLOOR_CATEGORIES else 1.0)
        for category in category_names
    ]
    category = pick(rng, category_names, shares)
    middle = bool(table["inMiddle"][category]) and chance(rng, 0.3)
    clearance_m = 0.4 if category in ("Dresser", "ShelvingUnit", "SideTable", "ArmChair") else 0.0
    return single_object(category, MIDDLE if middle else EDGE, clearance_m)
