"""Semantic groups of furniture: what belongs together, and how it stands to each other.

Every builder draws assets from ProcTHOR's table and returns a `Group` in a frame whose y axis
leads away from the wall behind it, or None if no asset is small enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.assets import SURFACES, Asset, assets_of
from workflow_scripts.scenes.generator.draw import chance, pick
from workflow_scripts.scenes.generator.things import Group, Item

EDGE = frozenset({"edge", "corner"})
MIDDLE = frozenset({"middle"})
SEAT_SHARE = 0.5
"""Height of a chair's seat as a share of its own height, see `SURFACES`."""
TABLE_TOP_M = 0.08
GAP_M = 0.03


@dataclass(frozen=True)
class Limits:
    """The sides of the room, short and long, in metres; how hard earlier tries failed (0..)."""

    short_m: float
    long_m: float
    tries: int = 0


Builder = Callable[[np.random.Generator, Limits], Group | None]


def choose(
    rng: np.random.Generator,
    category: str,
    *,
    width_m: tuple[float, float] = (0.0, 9.0),
    depth_m: tuple[float, float] = (0.0, 9.0),
    height_m: tuple[float, float] = (0.0, 9.0),
    name: str = "",
) -> Asset | None:
    """Draw an asset of a category within limits of size; None if there is none."""
    fitting = [
        asset
        for asset in assets_of(category)
        if width_m[0] <= asset.width_m <= width_m[1]
        and depth_m[0] <= asset.depth_m <= depth_m[1]
        and height_m[0] <= asset.height_m <= height_m[1]
        and name in asset.asset_id
    ]
    return pick(rng, fitting) if fitting else None


def bed(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a bed, head to the wall, with pillows and a bedside table or two."""
    widest = max(limits.short_m - 1.4 - 0.3 * limits.tries, 0.9)
    frame = choose(
        rng, "Bed", width_m=(0.7, widest), depth_m=(0, limits.long_m - 0.7), height_m=(0.5, 1.4)
    )
    if frame is None:
        return None
    items = [Item(frame, 0.0, frame.depth_m / 2)]
    surface = SURFACES["Bed"][0]
    head_y = (0.5 + surface.y0) * frame.depth_m
    num_pillows = 1 if frame.width_m < 1.25 else 2
    room_m = 0.9 * frame.width_m / num_pillows
    pillow = choose(rng, "Pillow", width_m=(0.3, room_m), depth_m=(0.2, 0.6))
    if pillow is not None:
        for index in range(num_pillows):
            x = (index - (num_pillows - 1) / 2) * frame.width_m * 0.46
            y = head_y + pillow.depth_m / 2 + 0.02 + 0.04 * rng.random()
            items.append(Item(pillow, x, y, 0.0, surface.height * frame.height_m, parent=0))
    table = choose(rng, "SideTable", width_m=(0.3, 0.66), depth_m=(0, 0.6), height_m=(0.38, 0.75))
    half = frame.width_m / 2
    sides = [side for side in (-1, 1) if chance(rng, 0.75)] if limits.tries < 2 else []
    clear = [(-half, frame.depth_m, half, frame.depth_m + 0.5)]
    for side in sides:
        assert table is not None
        items.append(Item(table, side * (half + GAP_M + table.width_m / 2), table.depth_m / 2))
    # At least one long side is free to get up; a double bed has both.
    up = (-1, 1) if frame.width_m > 1.3 else (pick(rng, (-1, 1)),)
    for side in up:
        near, far = sorted((side * (half + 0.02), side * (half + 0.5)))
        clear.append((near, 0.65, far, frame.depth_m))
    return Group("bed", tuple(items), tuple(clear), EDGE)


def television(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a television on a stand, with a sofa that faces it and often more to sit on."""
    stand = choose(rng, "TVStand", width_m=(0, limits.long_m - 0.4))
    screen = choose(rng, "Television", width_m=(0, 1.6), depth_m=(0, 0.42), height_m=(0.4, 1.0))
    if stand is None or screen is None:
        return None
    if screen.width_m > stand.width_m + 0.1 or screen.depth_m > stand.depth_m:
        screen = choose(
            rng, "Television", width_m=(0, stand.width_m + 0.1), depth_m=(0, stand.depth_m)
        )
        if screen is None:
            return None
    items = [
        Item(stand, 0.0, stand.depth_m / 2),
        Item(screen, 0.0, stand.depth_m / 2, 0.0, stand.height_m, parent=0),
    ]
    if limits.tries >= 4:
        return Group("television", tuple(items), _front(items, 0.8), EDGE)
    widest = min(limits.long_m - 1.0, 2.9) - 0.25 * limits.tries
    sofa = choose(rng, "Sofa", width_m=(1.2, max(widest, 1.6)), depth_m=(0, 1.2))
    if sofa is None:
        return None
    depths = [
        side - 0.06 - stand.depth_m - sofa.depth_m for side in (limits.short_m, limits.long_m)
    ]
    to_wall = [depth for depth in depths if 1.3 <= depth <= 3.4]
    if to_wall and chance(rng, 0.7):
        gap = pick(rng, to_wall)
    else:
        gap = max(rng.uniform(1.7, 2.8) - 0.3 * limits.tries, 1.3)
    front = stand.depth_m + gap
    shift = rng.uniform(-0.25, 0.25)
    items.append(Item(sofa, shift, front + sofa.depth_m / 2, 180.0))
    half = sofa.width_m / 2
    table = choose(rng, "CoffeeTable", width_m=(0, sofa.width_m), depth_m=(0, gap - 0.9))
    if table is not None and chance(rng, 0.75) and limits.tries < 3:
        items.append(Item(table, shift, front - 0.35 - table.depth_m / 2, 0.0))
    if chance(rng, 0.45) and limits.tries < 2:
        side = pick(rng, (-1, 1))
        armchair = choose(rng, "ArmChair", width_m=(0, 1.05), depth_m=(0, 1.0))
        if armchair is not None and gap > armchair.width_m + 0.9:
            x = shift + side * (half + 0.1 + armchair.depth_m / 2 + 0.1)
            y = front - armchair.width_m / 2 - 0.05
            items.append(Item(armchair, x, y, side * 90.0 + rng.uniform(-12, 12)))
    if chance(rng, 0.5) and limits.tries < 2:
        side = pick(rng, (-1, 1))
        beside = choose(
            rng, pick(rng, ("FloorLamp", "SideTable")), width_m=(0, 0.6), depth_m=(0, 0.6)
        )
        assert beside is not None
        x = shift + side * (half + GAP_M + beside.width_m / 2)
        items.append(Item(beside, x, front + sofa.depth_m - beside.depth_m / 2, 180.0))
    clear = ((shift - half, stand.depth_m, shift + half, front),)
    return Group("television", tuple(items), clear, EDGE)


def sofa(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a sofa with its back to a wall and a low table in front."""
    seat = choose(rng, "Sofa", width_m=(1.2, limits.long_m - 0.6), depth_m=(0, 1.2))
    if seat is None:
        return None
    items = [Item(seat, 0.0, seat.depth_m / 2)]
    table = choose(rng, "CoffeeTable", width_m=(0, seat.width_m), depth_m=(0, 0.8))
    reach = 0.6
    if table is not None and limits.tries == 0:
        items.append(Item(table, 0.0, seat.depth_m + 0.35 + table.depth_m / 2))
        reach = 0.7 + table.depth_m
    half = seat.width_m / 2
    return Group("sofa", tuple(items), ((-half, seat.depth_m, half, seat.depth_m + reach),), EDGE)


def reading_corner(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make an armchair with a floor lamp or a small table beside it."""
    chair = choose(rng, "ArmChair", width_m=(0, 1.1), depth_m=(0, 1.05))
    beside = choose(rng, pick(rng, ("FloorLamp", "FloorLamp", "SideTable")), width_m=(0, 0.6))
    if chair is None or beside is None:
        return None
    turn = rng.uniform(-15, 15)
    seat = Item(chair, 0.0, 0.0, turn)
    x0, y0, x1, y1 = seat.footprint()
    items = [Item(chair, 0.0, -y0, turn)]
    side = pick(rng, (-1, 1))
    x = (x1 if side > 0 else x0) + side * (GAP_M + beside.width_m / 2)
    items.append(Item(beside, x, beside.depth_m / 2 + 0.05))
    return Group("reading corner", tuple(items), ((-0.3, y1 - y0, 0.3, y1 - y0 + 0.5),), EDGE)


def dining(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a dining table with chairs around it, most of them tucked under it."""
    widest = min(limits.short_m - 1.2, 2.3) - 0.3 * limits.tries
    table = choose(
        rng, "DiningTable", width_m=(0.6, max(widest, 1.0)), depth_m=(0, 1.3), height_m=(0.6, 0.96)
    )
    chair = choose(rng, "Chair", width_m=(0, 0.58), depth_m=(0, 0.65), height_m=(0.7, 1.1))
    if table is None or chair is None:
        return None
    in_middle = limits.tries < 2 and chance(rng, 0.6)
    base_y = 0.0 if in_middle else table.depth_m / 2
    items = [Item(table, 0.0, base_y)]
    half_x, half_y = table.width_m / 2, table.depth_m / 2
    num_side = max(int(table.width_m / (chair.width_m + 0.12)), 1)
    slots = [
        ((index + 0.5) / num_side * table.width_m - half_x, side * half_y, yaw)
        for side, yaw in ((1, 180.0), (-1, 0.0))
        for index in range(min(num_side, 3))
        if in_middle or side > 0
    ]
    if table.depth_m > chair.width_m + 0.1:
        slots += [(half_x, 0.0, 90.0), (-half_x, 0.0, 270.0)]
    most = len(slots) if limits.tries == 0 else 2
    wanted = max(min(int(rng.integers(2, 7)), most), 1)
    for index in sorted(int(i) for i in rng.permutation(len(slots))[:wanted]):
        seat = _chair_at(rng, chair, table, *slots[index])
        seat = Item(seat.asset, seat.x, seat.y + base_y, seat.yaw_deg, 0.0, None, seat.tucked_under)
        if all(not _overlap(seat, other) for other in items[1:]):
            items.append(seat)
    x0, y0, x1, y1 = _hull(items)
    margin = 0.4
    clear = (
        ((x0 - margin, y0 - margin, x1 + margin, y1 + margin),)
        if in_middle
        else ((x0, table.depth_m, x1, y1 + margin),)
    )
    return Group("dining", tuple(items), clear, MIDDLE if in_middle else EDGE)


def desk(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a desk against a wall with a chair pushed to it."""
    table = choose(
        rng, "Desk", width_m=(0, limits.long_m - 0.5), depth_m=(0, 0.95), height_m=(0.55, 1.0)
    )
    chair = choose(rng, "Chair", width_m=(0, 0.65), depth_m=(0, 0.7), height_m=(0.7, 1.2))
    if table is None or chair is None or chair.width_m > table.width_m - 0.1:
        return None
    slack = (table.width_m - chair.width_m) / 2 - 0.1
    seat = _chair_at(
        rng, chair, table, rng.uniform(-1, 1) * max(slack, 0) * 0.6, table.depth_m / 2, 180.0
    )
    seat = Item(
        chair, seat.x, seat.y + table.depth_m / 2, seat.yaw_deg, 0.0, None, seat.tucked_under
    )
    items = (Item(table, 0.0, table.depth_m / 2), seat)
    x0, _, x1, y1 = seat.footprint()
    return Group("desk", items, ((x0, table.depth_m, x1, y1 + 0.3),), EDGE)


def _chair_at(
    rng: np.random.Generator, chair: Asset, table: Asset, x: float, y: float, yaw_deg: float
) -> Item:
    """Put a chair at the edge point (x, y) of a table; `yaw_deg` faces the table.

    A chair whose seat is lower than the table's top goes under it by up to 0.4 of its depth, so
    its back stays outside; now and then one is pulled out and turned.
    """
    out_x, out_y = {0.0: (0, -1), 90.0: (1, 0), 180.0: (0, 1), 270.0: (-1, 0)}[yaw_deg]
    goes_under = SEAT_SHARE * chair.height_m < table.height_m - TABLE_TOP_M
    turn, tucked = rng.uniform(-4, 4), goes_under
    out = -rng.uniform(0.08, 0.4) * chair.depth_m if goes_under else 0.04
    if chance(rng, 0.2):
        turn, out, tucked = rng.uniform(-28, 28), rng.uniform(0.1, 0.25), False
    if not tucked:
        # Far enough for the turned rectangle.
        probe = Item(chair, 0.0, 0.0, yaw_deg + turn).footprint()
        depth = max(probe[3], probe[2]) if not goes_under or turn else chair.depth_m / 2
        return Item(
            chair, x + out_x * (depth + abs(out)), y + out_y * (depth + abs(out)), yaw_deg + turn
        )
    distance = chair.depth_m / 2 + out
    return Item(chair, x + out_x * distance, y + out_y * distance, yaw_deg + turn, tucked_under=0)


def kitchen_counter(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a run of counters along a wall, with a fridge at one end and a sink in it."""
    longest = limits.long_m - 0.3 - 0.5 * limits.tries
    items: list[Item] = []
    along = 0.0
    fridge = choose(rng, "Fridge", width_m=(0, 1.0), depth_m=(0, 0.9))
    if fridge is not None and longest > 2.2:
        items.append(Item(fridge, fridge.width_m / 2, fridge.depth_m / 2))
        along = fridge.width_m + GAP_M
    wished = min(rng.uniform(1.8, 5.0), longest)
    while along < wished:
        counter = choose(rng, "CounterTop", name="_I_", width_m=(0, max(wished - along, 0.62)))
        if counter is None or along + counter.width_m > longest:
            break
        items.append(Item(counter, along + counter.width_m / 2, counter.depth_m / 2))
        along += counter.width_m + 0.005
    counters = [i for i, item in enumerate(items) if item.asset.category == "CounterTop"]
    if not counters:
        return None
    wide = [i for i in counters if items[i].asset.width_m > 1.0]
    if wide:
        items += _basin(rng, items, pick(rng, wide), faucet="Kitchen_Faucet")
    if chance(rng, 0.5):
        items = [_mirrored(item) for item in items]
    x0, _, x1, _ = _hull(items)
    depth = items[counters[0]].asset.depth_m
    return Group("counter", tuple(items), ((x0, depth, x1, depth + 0.75),), EDGE)


def _basin(rng: np.random.Generator, items: list[Item], index: int, *, faucet: str) -> list[Item]:
    """Set a shallow basin with its faucet behind it on items[index]."""
    base = items[index]
    tap = choose(rng, "Faucet", name=faucet, depth_m=(0, 0.25), width_m=(0, 0.35))
    assert tap is not None
    left = base.asset.depth_m - tap.depth_m - 0.07
    bowl = choose(
        rng, "Sink", width_m=(0, base.asset.width_m - 0.1), depth_m=(0, left), height_m=(0, 0.2)
    )
    if bowl is None:
        return []
    back = base.y - base.asset.depth_m / 2
    slack = max((base.asset.width_m - bowl.width_m) / 2 - 0.1, 0.0)
    x = base.x + rng.uniform(-slack, slack)
    top = base.bottom_m + base.asset.height_m
    front = back + tap.depth_m + 0.04
    return [
        Item(tap, x, back + 0.02 + tap.depth_m / 2, 0.0, top, parent=index),
        Item(bowl, x, front + bowl.depth_m / 2, 0.0, top, parent=index),
    ]


def toilet(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a toilet, sometimes with a plunger or brush beside it."""
    bowl = choose(rng, "Toilet")
    assert bowl is not None
    items = [Item(bowl, 0.0, bowl.depth_m / 2)]
    if chance(rng, 0.5) and limits.tries < 2:
        tool = choose(rng, pick(rng, ("Plunger", "ScrubBrush")))
        assert tool is not None
        side = pick(rng, (-1, 1))
        x = side * (bowl.width_m / 2 + 0.04 + tool.width_m / 2)
        items.append(Item(tool, x, 0.06 + tool.depth_m / 2))
    return Group("toilet", tuple(items), _front(items[:1], 0.5), EDGE)


def washbasin(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a standing sink with its faucet, or a basin on a chest."""
    if chance(rng, 0.35) and limits.tries < 2:
        chest = choose(
            rng, "Dresser", width_m=(0.6, 1.5), depth_m=(0.42, 0.65), height_m=(0.6, 0.95)
        )
        if chest is not None:
            items = [Item(chest, 0.0, chest.depth_m / 2)]
            basin = _basin(rng, items, 0, faucet="Bathroom_Faucet")
            if basin:
                return Group("washbasin", tuple(items + basin), _front(items, 0.6), EDGE)
    bowl = choose(rng, "Sink", height_m=(0.6, 1.2))
    assert bowl is not None
    tap = choose(rng, "Faucet", name="Bathroom_Faucet", width_m=(0, bowl.width_m), depth_m=(0, 0.3))
    assert tap is not None
    items = [
        Item(bowl, 0.0, bowl.depth_m / 2),
        Item(tap, 0.0, 0.01 + tap.depth_m / 2, 0.0, bowl.height_m, parent=0),
    ]
    return Group("washbasin", tuple(items), _front(items[:1], 0.6), EDGE)


def laundry(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a washing machine, often with a dryer beside it."""
    washer, dryer = choose(rng, "WashingMachine"), choose(rng, "ClothesDryer")
    assert washer is not None
    assert dryer is not None
    items = [Item(washer, 0.0, washer.depth_m / 2)]
    if chance(rng, 0.4) and limits.tries == 0:
        x = washer.width_m / 2 + 0.02 + dryer.width_m / 2
        items.append(Item(dryer, x, dryer.depth_m / 2))
    return Group("laundry", tuple(items), _front(items, 0.6), EDGE)


def single(category: str, where: frozenset[str], clear_m: float) -> Builder:
    """Return a builder of one asset of a category, with free floor in front of it."""

    def build(rng: np.random.Generator, limits: Limits) -> Group | None:
        largest = limits.long_m - 0.6
        asset = choose(rng, category, width_m=(0, largest), depth_m=(0, limits.short_m - 1.0))
        if asset is None:
            return None
        if where == MIDDLE:
            return Group(category, (Item(asset, 0.0, 0.0),), (), where)
        item = Item(asset, 0.0, asset.depth_m / 2)
        return Group(category, (item,), _front([item], clear_m) if clear_m else (), where)

    return build


def floor_plant(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a house plant that is large enough to stand on the floor."""
    plant = choose(rng, "HousePlant", height_m=(0.5, 9))
    assert plant is not None
    return Group("plant", (Item(plant, 0.0, plant.depth_m / 2 + 0.03),), (), EDGE)


def _front(items: list[Item], clear_m: float) -> tuple[tuple[float, float, float, float], ...]:
    """Return the floor in front of items as the one clear rectangle."""
    x0, _, x1, y1 = _hull(items)
    return ((x0, y1, x1, y1 + clear_m),)


def _hull(items: list[Item]) -> tuple[float, float, float, float]:
    rects = [item.footprint() for item in items if item.parent is None]
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))


def _overlap(a: Item, b: Item) -> bool:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.footprint(), b.footprint()
    return ax0 < bx1 and bx0 < ax1 and ay0 < by1 and by0 < ay1


def _mirrored(item: Item) -> Item:
    return Item(
        item.asset,
        -item.x,
        item.y,
        -item.yaw_deg,
        item.bottom_m,
        item.parent,
        item.tucked_under,
    )
