"""Small things on the surfaces of furniture, by ProcTHOR's table of what is found on what."""

from collections.abc import Iterator, Sequence

import numpy as np

from workflow_scripts.common.assets import Asset, Surface, assets_of, database, surfaces_of
from workflow_scripts.scenes.generator.draw import chance, pick
from workflow_scripts.scenes.generator.things import Object, footprint, turned
from workflow_scripts.scenes.generator.walls import Rect, Room

GAP_M = 0.012
MAX_SURFACE_M = 1.6
"""Nothing is put higher than this except on shelves."""
UNDER_CEILING_M = 0.05
MAX_PER_TYPE = 3
AREA_PER_THING_M2 = 0.055
_NUM_TRIES = 14
_MAX_BOTTOM_OFF_M = 0.03

# Added to the table's probability, as ProcTHOR does: furniture is better filled, chairs are not.
_PARENT_BIAS = {"Chair": 0.0, "ArmChair": 0.05, "Sofa": 0.1, "Bed": 0.08, "Toilet": 0.0}
_OTHER_PARENT_BIAS = 0.18
_CHILD_BIAS = {"HousePlant": 0.2, "Vase": 0.05, "Book": 0.1, "Candle": 0.05}
# Furniture that the table does not know as a place for things.
_MORE_PLACES: dict[str, dict[str, float]] = {
    "CounterTop": {"AluminumFoil": 0.15},
    "Dresser": {"WateringCan": 0.05},
    "Fridge": {"Box": 0.15, "HousePlant": 0.1},
    "WashingMachine": {"Cloth": 0.4, "SoapBottle": 0.4, "SprayBottle": 0.4, "Candle": 0.1},
    "ClothesDryer": {"Cloth": 0.4, "SprayBottle": 0.3},
    "Microwave": {"Bread": 0.2, "Bowl": 0.2},
}
# Placed by groups, too tall to stand, or no small things at all.
_NEVER = frozenset(
    {"BaseballBat", "Faucet", "Painting", "Safe", "ShowerCurtain", "Sink", "Television", "Window"}
)
_MAX_HEIGHT_M = {"HousePlant": 0.6, "Box": 0.35, "Statue": 0.5, "DeskLamp": 0.7}
_MAX_SIDE_M = {"Box": 0.5}
_AT_THE_BACK = frozenset({"CoffeeMachine", "Desktop", "Microwave", "Pillow", "Toaster"})
_FACES_FRONT = _AT_THE_BACK | {"AlarmClock", "Laptop", "Statue", "TeddyBear"}
_SWITCHED = frozenset({"DeskLamp", "FloorLamp"})


class _Tray:
    """A surface of a parent in the parent's frame (metres, x width, y front), and what is on it."""

    def __init__(self, parent: Object, surface: Surface, ceiling_m: float) -> None:
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
        self.taken: list[Rect] = []
        for child in parent.children:
            if abs(child.bottom_m - self.z) < _MAX_BOTTOM_OFF_M:
                x, y = turned(child.x - parent.x, child.y - parent.y, -parent.yaw_deg % 360.0)
                self.taken.append(footprint(child.asset, x, y, child.yaw_deg - parent.yaw_deg))

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
            for a, b, c, d in self.taken
        )

    def put(self, asset: Asset, x: float, y: float, yaw_deg: float) -> Object | None:
        """Stand an asset at a point of the parent's frame; None if it does not fit there."""
        rect = footprint(asset, x, y, yaw_deg)
        if asset.height_m > self.clearance_m or not self.fits(rect):
            return None
        self.taken.append(rect)
        dx, dy = turned(x, y, self.parent.yaw_deg)
        child = Object(
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

    def put_somewhere(self, rng: np.random.Generator, asset: Asset) -> Object | None:
        """Stand an asset at a free point, turned as its type is; None if there is none."""
        yaw = _yaw_deg(rng, asset)
        x0, y0, x1, y1 = footprint(asset, 0.0, 0.0, yaw)
        left, back, right, front = self.rect
        low_x, low_y, high_x, high_y = left - x0, back - y0, right - x1, front - y1
        if low_x > high_x or low_y > high_y or asset.height_m > self.clearance_m:
            return None
        if asset.category in _AT_THE_BACK:
            high_y = low_y + 0.15 * (high_y - low_y)
        for u, v in rng.random((_NUM_TRIES, 2)):
            x, y = low_x + float(u) * (high_x - low_x), low_y + float(v) * (high_y - low_y)
            placed = self.put(asset, x, y, yaw)
            if placed:
                return placed
        return None


def put_small_objects(
    rng: np.random.Generator, room: Room, furniture: list[Object], ceiling_m: float
) -> None:
    """Stand small things on the furniture of a room, as its children."""
    house_bias = -0.3 + 0.4 * float(rng.beta(3.5, 1.9))
    there = {thing.asset.category for thing in _with_children(furniture)}
    placed: list[Object] = []
    for parent in list(_with_children(furniture)):
        surfaces = surfaces_of(parent.asset)
        trays = [_Tray(parent, surface, ceiling_m) for surface in surfaces]
        if parent.asset.category == "ShelvingUnit":
            put = _fill_shelves(rng, room, trays, there)
        elif not trays or parent.tucked or trays[0].z > MAX_SURFACE_M:
            continue
        else:
            put = []
            if parent.asset.category == "DiningTable" and chance(rng, 0.4):
                put = _lay_table(rng, room, trays[0], furniture)
            there |= {thing.asset.category for thing in put}
            put += _scatter(rng, room, trays[0], house_bias, there)
        there |= {thing.asset.category for thing in put}
        placed += put
    for number, child in enumerate(placed):
        child.object_id = f"{child.asset.category}|surface|{room.number}|{number}"
    for thing in _with_children(furniture):
        if thing.asset.category in _SWITCHED:
            thing.extra["isOn"] = chance(rng, 0.5)


def _with_children(things: Sequence[Object]) -> Iterator[Object]:
    for thing in things:
        yield thing
        yield from _with_children(thing.children)


def _allowed(room: Room, category: str, there: set[str]) -> bool:
    """Tell whether a thing of a category is found in this type of room, or one more of it."""
    table = database("placement-annotations")
    if category in _NEVER or not table[f"in{room.room_type}s"].get(category):
        return False
    return category not in there or bool(table["multiplePerRoom"][category])


def _draw_asset(rng: np.random.Generator, category: str) -> Asset | None:
    tallest, longest = _MAX_HEIGHT_M.get(category, 9.0), _MAX_SIDE_M.get(category, 9.0)
    fitting = [
        asset
        for asset in assets_of(category)
        if asset.height_m <= tallest and max(asset.width_m, asset.depth_m) <= longest
    ]
    return pick(rng, fitting) if fitting else None


def _scatter(
    rng: np.random.Generator, room: Room, tray: _Tray, house_bias: float, there: set[str]
) -> list[Object]:
    """Put on a surface what the table says is found there; large things first."""
    parent = tray.parent.asset.category
    table = database("receptacles").get(parent, {})
    shares = {child: entry["p"] for child, entry in table.items()} | _MORE_PLACES.get(parent, {})
    bias = house_bias + _PARENT_BIAS.get(parent, _OTHER_PARENT_BIAS)
    has_pillow = any(child.asset.category == "Pillow" for child in tray.parent.children)
    wanted: list[Asset] = []
    for child in sorted(shares):
        if child == "Pillow":
            allowed = not has_pillow and _allowed(room, child, set())
        else:
            allowed = _allowed(room, child, there)
        if not allowed:
            continue
        probability = shares[child] + bias + _CHILD_BIAS.get(child, 0.0)
        several = database("placement-annotations")["multiplePerRoom"][child] or child == "Pillow"
        for _ in range(MAX_PER_TYPE if several else 1):
            if not chance(rng, probability):
                break
            asset = _draw_asset(rng, child)
            wanted += [asset] if asset else []
            probability *= 0.6
    most = max(int(tray.area_m2 / AREA_PER_THING_M2), 1)
    chosen = [wanted[int(i)] for i in rng.permutation(len(wanted))[:most]]
    chosen.sort(key=lambda asset: -asset.width_m * asset.depth_m)
    placed = (tray.put_somewhere(rng, asset) for asset in chosen)
    return [thing for thing in placed if thing is not None]


def _fill_shelves(
    rng: np.random.Generator, room: Room, trays: list[_Tray], there: set[str]
) -> list[Object]:
    """Put a few things, mostly books, on every shelf."""
    table = database("receptacles")["ShelvingUnit"]
    placed: list[Object] = []
    for tray in trays:
        for _ in range(int(rng.integers(0, 2 + round(3 * tray.parent.asset.width_m)))):
            now = there | {thing.asset.category for thing in placed}
            sorts = [sort for sort in sorted(table) if _allowed(room, sort, now)]
            weights = [table[sort]["p"] * (4.0 if sort == "Book" else 1.0) for sort in sorts]
            asset = _draw_asset(rng, pick(rng, sorts, weights)) if sorts else None
            thing = tray.put_somewhere(rng, asset) if asset else None
            placed += [thing] if thing else []
    return placed


def _lay_table(
    rng: np.random.Generator, room: Room, tray: _Tray, furniture: list[Object]
) -> list[Object]:
    """Lay a plate, a cup and a fork in front of every chair at a dining table."""
    if not _allowed(room, "Plate", set()):
        return []
    plate, cup, fork = (pick(rng, assets_of(sort)) for sort in ("Plate", "Cup", "Fork"))
    table = tray.parent
    half_x, half_y = table.asset.width_m / 2, table.asset.depth_m / 2
    placed = []
    for chair in furniture:
        x, y = turned(chair.x - table.x, chair.y - table.y, -table.yaw_deg % 360.0)
        if chair.asset.category != "Chair" or abs(x) > half_x + 0.6 or abs(y) > half_y + 0.6:
            continue
        at_side = abs(y) / half_y > abs(x) / half_x
        out = (0.0, float(np.sign(y))) if at_side else (float(np.sign(x)), 0.0)
        edge = (x, out[1] * half_y) if at_side else (out[0] * half_x, y)
        right = (-out[1], out[0])
        yaw = {(0.0, 1.0): 0.0, (-1.0, 0.0): 90.0, (0.0, -1.0): 180.0, (1.0, 0.0): 270.0}[out]
        setting = ((plate, 0.18, 0.0), (cup, 0.3, 0.16), (fork, 0.18, -0.19))
        for asset, inward, sideways in setting:
            if asset is not plate and not (
                _allowed(room, asset.category, set()) and chance(rng, 0.8)
            ):
                continue
            thing = tray.put(
                asset,
                edge[0] - out[0] * inward + right[0] * sideways,
                edge[1] - out[1] * inward + right[1] * sideways,
                yaw,
            )
            placed += [thing] if thing else []
    return placed


def _yaw_deg(rng: np.random.Generator, asset: Asset) -> float:
    """Draw how a thing is turned: some face the front, long ones lie along, round ones anyhow."""
    if asset.category in _FACES_FRONT:
        return float(rng.normal(0.0, 5.0))
    if max(asset.width_m, asset.depth_m) > 1.3 * min(asset.width_m, asset.depth_m):
        return float(pick(rng, (0.0, 90.0, 180.0, 270.0)) + rng.normal(0.0, 12.0))
    return float(rng.uniform(0.0, 360.0))
