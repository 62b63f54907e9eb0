"""Small objects on the surfaces of furniture, by ProcTHOR's table of what is found on what."""

from collections.abc import Iterator, Sequence

import numpy as np

from workflow_scripts.scenes.generator.placed_objects import PlacedObject, footprint, rotate_xy
from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.scenes.generator.walls import Rect, Room
from workflow_scripts.sources.readers.procthor_assets import (
    Asset,
    SupportSurface,
    assets_in_category,
    read_database,
    support_surfaces,
)

GAP_M = 0.012
MAX_SURFACE_M = 1.6
"""Nothing is put higher than this except on shelves."""
UNDER_CEILING_M = 0.05
MAX_PER_TYPE = 3
AREA_PER_OBJECT_M2 = 0.055
_NUM_TRIES = 14
_MAX_BOTTOM_OFF_M = 0.03

# Added to the table's probability, as ProcTHOR does: furniture is better filled, chairs are not.
_PARENT_BIAS = {"Chair": 0.0, "ArmChair": 0.05, "Sofa": 0.1, "Bed": 0.08, "Toilet": 0.0}
_OTHER_PARENT_BIAS = 0.18
_CHILD_BIAS = {"HousePlant": 0.2, "Vase": 0.05, "Book": 0.1, "Candle": 0.05}
# Furniture that the table does not list as a support.
_EXTRA_RECEPTACLES: dict[str, dict[str, float]] = {
    "CounterTop": {"AluminumFoil": 0.15},
    "Dresser": {"WateringCan": 0.05},
    "Fridge": {"Box": 0.15, "HousePlant": 0.1},
    "WashingMachine": {"Cloth": 0.4, "SoapBottle": 0.4, "SprayBottle": 0.4, "Candle": 0.1},
    "ClothesDryer": {"Cloth": 0.4, "SprayBottle": 0.3},
    "Microwave": {"Bread": 0.2, "Bowl": 0.2},
}
# Placed by groups, too tall to stand, or no small objects at all.
_EXCLUDED_CATEGORIES = frozenset(
    {"BaseballBat", "Faucet", "Painting", "Safe", "ShowerCurtain", "Sink", "Television", "Window"}
)
_MAX_HEIGHT_M = {"HousePlant": 0.6, "Box": 0.35, "Statue": 0.5, "DeskLamp": 0.7}
_MAX_SIDE_M = {"Box": 0.5}
_PLACED_AT_BACK = frozenset({"CoffeeMachine", "Desktop", "Microwave", "Pillow", "Toaster"})
_FACES_FRONT = _PLACED_AT_BACK | {"AlarmClock", "Laptop", "Statue", "TeddyBear"}
_SWITCHABLE = frozenset({"DeskLamp", "FloorLamp"})


class _SupportSurface:
    """A surface of a parent in the parent's frame (metres, x width, y front), and what is on it."""

    def __init__(self, parent: PlacedObject, surface: SupportSurface, ceiling_m: float) -> None:
        width, depth = parent.asset.width_m, parent.asset.depth_m
        self.parent = parent
        self.z = parent.bottom_m + surface.height * parent.asset.height_m
        self.rect: Rect = (
            surface.x0 * width,
            surface.y0 * depth,
            surface.x1 * width,
            surface.y1 * depth,
        )
        above_m = ceiling_m - self.z - UNDER_CEILING_M
        if surface.clearance is not None:
            above_m = min(above_m, surface.clearance * parent.asset.height_m)
        self.clearance_m = above_m
        self.occupied: list[Rect] = []
        for child in parent.children:
            if abs(child.bottom_m - self.z) < _MAX_BOTTOM_OFF_M:
                x, y = rotate_xy(child.x - parent.x, child.y - parent.y, -parent.yaw_deg % 360.0)
                self.occupied.append(footprint(child.asset, x, y, child.yaw_deg - parent.yaw_deg))

    @property
    def area_m2(self) -> float:
        x0, y0, x1, y1 = self.rect
        return (x1 - x0) * (y1 - y0)

    def fits(self, rect: Rect) -> bool:
        """Tell whether a rectangle lies on the surface and touches nothing there."""
        x0, y0, x1, y1 = rect
        left, back, right, front = self.rect
        if x0 < left or y0 < back or x1 > right or y1 > front:
            return False
        return all(
            x1 + GAP_M < a or c + GAP_M < x0 or y1 + GAP_M < b or d + GAP_M < y0
            for a, b, c, d in self.occupied
        )

    def put(self, asset: Asset, x: float, y: float, yaw_deg: float) -> PlacedObject | None:
        """Stand an asset at a point of the parent's frame; None if it does not fit there."""
        rect = footprint(asset, x, y, yaw_deg)
        if asset.height_m > self.clearance_m or not self.fits(rect):
            return None
        self.occupied.append(rect)
        dx, dy = rotate_xy(x, y, self.parent.yaw_deg)
        child = PlacedObject(
            object_id="",
            asset=asset,
            x=self.parent.x + dx,
            y=self.parent.y + dy,
            z=self.z + asset.height_m / 2,
            yaw_deg=(self.parent.yaw_deg + yaw_deg) % 360.0,
            room=self.parent.room,
        )
        self.parent.children.append(child)
        return child

    def place_randomly(self, rng: np.random.Generator, asset: Asset) -> PlacedObject | None:
        """Stand an asset at a free point, turned as its type is; None if there is none."""
        yaw = _yaw_deg(rng, asset)
        x0, y0, x1, y1 = footprint(asset, 0.0, 0.0, yaw)
        left, back, right, front = self.rect
        low_x, low_y, high_x, high_y = left - x0, back - y0, right - x1, front - y1
        if low_x > high_x or low_y > high_y or asset.height_m > self.clearance_m:
            return None
        if asset.category in _PLACED_AT_BACK:
            high_y = low_y + 0.15 * (high_y - low_y)
        for u, v in rng.random((_NUM_TRIES, 2)):
            x, y = low_x + float(u) * (high_x - low_x), low_y + float(v) * (high_y - low_y)
            placed = self.put(asset, x, y, yaw)
            if placed:
                return placed
        return None


def place_small_objects(
    rng: np.random.Generator, room: Room, furniture: list[PlacedObject], ceiling_m: float
) -> None:
    """Place small objects on the furniture of a room, as its children."""
    house_bias = -0.3 + 0.4 * float(rng.beta(3.5, 1.9))
    present_categories = {obj.asset.category for obj in _with_children(furniture)}
    placed: list[PlacedObject] = []
    for parent in list(_with_children(furniture)):
        surfaces = support_surfaces(parent.asset)
        supports = [_SupportSurface(parent, surface, ceiling_m) for surface in surfaces]
        if parent.asset.category == "ShelvingUnit":
            put = _fill_shelves(rng, room, supports, present_categories)
        elif not supports or parent.tucked or supports[0].z > MAX_SURFACE_M:
            continue
        else:
            put = []
            if parent.asset.category == "DiningTable" and chance(rng, 0.4):
                put = _place_tableware(rng, room, supports[0], furniture)
            present_categories |= {obj.asset.category for obj in put}
            put += _place_random_objects(rng, room, supports[0], house_bias, present_categories)
        present_categories |= {obj.asset.category for obj in put}
        placed += put
    for number, child in enumerate(placed):
        child.object_id = f"{child.asset.category}|surface|{room.number}|{number}"
    for obj in _with_children(furniture):
        if obj.asset.category in _SWITCHABLE:
            obj.extra["isOn"] = chance(rng, 0.5)


def _with_children(placed_objects: Sequence[PlacedObject]) -> Iterator[PlacedObject]:
    for obj in placed_objects:
        yield obj
        yield from _with_children(obj.children)


def _allowed(room: Room, category: str, present_categories: set[str]) -> bool:
    """Return whether a room of this type has an object of a category, or one more of it."""
    table = read_database("placement-annotations")
    if category in _EXCLUDED_CATEGORIES or not table[f"in{room.room_type}s"].get(category):
        return False
    return category not in present_categories or bool(table["multiplePerRoom"][category])


def _sample_asset(rng: np.random.Generator, category: str) -> Asset | None:
    tallest, longest = _MAX_HEIGHT_M.get(category, 9.0), _MAX_SIDE_M.get(category, 9.0)
    candidate_assets = [
        asset
        for asset in assets_in_category(category)
        if asset.height_m <= tallest and max(asset.width_m, asset.depth_m) <= longest
    ]
    return pick(rng, candidate_assets) if candidate_assets else None


def _place_random_objects(
    rng: np.random.Generator,
    room: Room,
    support: _SupportSurface,
    house_bias: float,
    present_categories: set[str],
) -> list[PlacedObject]:
    """Place on a surface what the table says is found there; large objects first."""
    parent = support.parent.asset.category
    table = read_database("receptacles").get(parent, {})
    shares = {child: entry["p"] for child, entry in table.items()} | _EXTRA_RECEPTACLES.get(
        parent, {}
    )
    bias = house_bias + _PARENT_BIAS.get(parent, _OTHER_PARENT_BIAS)
    has_pillow = any(child.asset.category == "Pillow" for child in support.parent.children)
    wanted: list[Asset] = []
    for child in sorted(shares):
        if child == "Pillow":
            allowed = not has_pillow and _allowed(room, child, set())
        else:
            allowed = _allowed(room, child, present_categories)
        if not allowed:
            continue
        probability = shares[child] + bias + _CHILD_BIAS.get(child, 0.0)
        allows_several = (
            read_database("placement-annotations")["multiplePerRoom"][child] or child == "Pillow"
        )
        for _ in range(MAX_PER_TYPE if allows_several else 1):
            if not chance(rng, probability):
                break
            asset = _sample_asset(rng, child)
            wanted += [asset] if asset else []
            probability *= 0.6
    max_objects = max(int(support.area_m2 / AREA_PER_OBJECT_M2), 1)
    chosen = [wanted[int(i)] for i in rng.permutation(len(wanted))[:max_objects]]
    chosen.sort(key=lambda asset: -asset.width_m * asset.depth_m)
    placed = (support.place_randomly(rng, asset) for asset in chosen)
    return [obj for obj in placed if obj is not None]


def _fill_shelves(
    rng: np.random.Generator,
    room: Room,
    supports: list[_SupportSurface],
    present_categories: set[str],
) -> list[PlacedObject]:
    """Place a few objects, mostly books, on every shelf."""
    table = read_database("receptacles")["ShelvingUnit"]
    placed: list[PlacedObject] = []
    for support in supports:
        for _ in range(int(rng.integers(0, 2 + round(3 * support.parent.asset.width_m)))):
            current_categories = present_categories | {obj.asset.category for obj in placed}
            categories = [
                sort for sort in sorted(table) if _allowed(room, sort, current_categories)
            ]
            weights = [table[sort]["p"] * (4.0 if sort == "Book" else 1.0) for sort in categories]
            asset = _sample_asset(rng, pick(rng, categories, weights)) if categories else None
            obj = support.place_randomly(rng, asset) if asset else None
            placed += [obj] if obj else []
    return placed


def _place_tableware(
    rng: np.random.Generator, room: Room, support: _SupportSurface, furniture: list[PlacedObject]
) -> list[PlacedObject]:
    """Lay a plate, a cup and a fork in front of every chair at a dining table."""
    if not _allowed(room, "Plate", set()):
        return []
    plate, cup, fork = (pick(rng, assets_in_category(sort)) for sort in ("Plate", "Cup", "Fork"))
    table = support.parent
    half_x, half_y = table.asset.width_m / 2, table.asset.depth_m / 2
    placed = []
    for chair in furniture:
        x, y = rotate_xy(chair.x - table.x, chair.y - table.y, -table.yaw_deg % 360.0)
        if chair.asset.category != "Chair" or abs(x) > half_x + 0.6 or abs(y) > half_y + 0.6:
            continue
        is_at_side = abs(y) / half_y > abs(x) / half_x
        outward = (0.0, float(np.sign(y))) if is_at_side else (float(np.sign(x)), 0.0)
        edge = (x, outward[1] * half_y) if is_at_side else (outward[0] * half_x, y)
        right = (-outward[1], outward[0])
        yaw = {(0.0, 1.0): 0.0, (-1.0, 0.0): 90.0, (0.0, -1.0): 180.0, (1.0, 0.0): 270.0}[outward]
        setting = ((plate, 0.18, 0.0), (cup, 0.3, 0.16), (fork, 0.18, -0.19))
        for asset, inward, sideways in setting:
            if asset is not plate and not (
                _allowed(room, asset.category, set()) and chance(rng, 0.8)
            ):
                continue
            obj = support.put(
                asset,
                edge[0] - outward[0] * inward + right[0] * sideways,
                edge[1] - outward[1] * inward + right[1] * sideways,
                yaw,
            )
            placed += [obj] if obj else []
    return placed


def _yaw_deg(rng: np.random.Generator, asset: Asset) -> float:
    """Draw an object's yaw: some face the front, long ones lie along, round ones any way."""
    if asset.category in _FACES_FRONT:
        return float(rng.normal(0.0, 5.0))
    if max(asset.width_m, asset.depth_m) > 1.3 * min(asset.width_m, asset.depth_m):
        return float(pick(rng, (0.0, 90.0, 180.0, 270.0)) + rng.normal(0.0, 12.0))
    return float(rng.uniform(0.0, 360.0))
