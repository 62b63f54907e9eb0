"""Groups to sleep and to sit: beds, televisions with sofas, reading corners."""

import numpy as np

from workflow_scripts.scenes.generator.groups import (
    EDGE,
    GAP_M,
    Limits,
    choose_asset,
    front_clearance,
)
from workflow_scripts.scenes.generator.placed_objects import Group, Item
from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.sources.readers.procthor_assets import support_surfaces


def bed(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a bed, head to the wall, with pillows and a bedside table or two."""
    max_width_m = max(limits.short_m - 1.4 - 0.3 * limits.tries, 0.9)
    frame = choose_asset(
        rng,
        "Bed",
        width_m=(0.7, max_width_m),
        depth_m=(0, limits.long_m - 0.7),
        height_m=(0.5, 1.4),
    )
    if frame is None:
        return None
    items = [Item(frame, 0.0, frame.depth_m / 2)]
    surface = support_surfaces(frame)[0]
    head_y = (0.5 + surface.y0) * frame.depth_m
    num_pillows = 1 if frame.width_m < 1.25 else 2
    room_m = 0.9 * frame.width_m / num_pillows
    pillow = choose_asset(rng, "Pillow", width_m=(0.3, room_m), depth_m=(0.2, 0.6))
    if pillow is not None:
        for index in range(num_pillows):
            x = (index - (num_pillows - 1) / 2) * frame.width_m * 0.46
            y = head_y + pillow.depth_m / 2 + 0.02 + 0.04 * rng.random()
            items.append(Item(pillow, x, y, 0.0, surface.height * frame.height_m, parent=0))
    table = choose_asset(
        rng, "SideTable", width_m=(0.3, 0.66), depth_m=(0, 0.6), height_m=(0.38, 0.75)
    )
    half = frame.width_m / 2
    sides = [side for side in (-1, 1) if chance(rng, 0.75)] if limits.tries < 2 else []
    clearance = [(-half, frame.depth_m, half, frame.depth_m + 0.5)]
    for side in sides:
        assert table is not None
        items.append(Item(table, side * (half + GAP_M + table.width_m / 2), table.depth_m / 2))
    # At least one long side is free to get up; a double bed has both.
    open_sides = (-1, 1) if frame.width_m > 1.3 else (pick(rng, (-1, 1)),)
    for side in open_sides:
        near, far = sorted((side * (half + 0.02), side * (half + 0.5)))
        clearance.append((near, 0.65, far, frame.depth_m))
    return Group("bed", tuple(items), tuple(clearance), EDGE)


def television(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a television on a stand, with a sofa that faces it and often more to sit on."""
    stand = choose_asset(rng, "TVStand", width_m=(0, limits.long_m - 0.4))
    if stand is None:
        return None
    screen = choose_asset(
        rng, "Television", width_m=(0, stand.width_m), depth_m=(0, stand.depth_m), height_m=(0, 1.0)
    )
    if screen is None:
        return None
    items = [
        Item(stand, 0.0, stand.depth_m / 2),
        Item(screen, 0.0, stand.depth_m / 2, 0.0, stand.height_m, parent=0),
    ]
    if limits.tries >= 4:
        return Group("television", tuple(items), front_clearance(items, 0.8), EDGE)
    max_width_m = min(limits.long_m - 1.0, 2.9) - 0.25 * limits.tries
    seat = choose_asset(rng, "Sofa", width_m=(1.2, max(max_width_m, 1.6)), depth_m=(0, 1.2))
    if seat is None:
        return None
    gap = _viewing_distance_m(rng, limits, stand.depth_m + seat.depth_m)
    front = stand.depth_m + gap
    shift = rng.uniform(-0.25, 0.25)
    half = seat.width_m / 2
    items.append(Item(seat, shift, front + seat.depth_m / 2, 180.0))
    table = choose_asset(rng, "CoffeeTable", width_m=(0, seat.width_m), depth_m=(0, gap - 0.9))
    if table is not None and chance(rng, 0.75) and limits.tries < 3:
        items.append(Item(table, shift, front - 0.35 - table.depth_m / 2, 0.0))
    if chance(rng, 0.45) and limits.tries < 2:
        side = pick(rng, (-1, 1))
        armchair = choose_asset(rng, "ArmChair", width_m=(0, 1.05), depth_m=(0, 1.0))
        if armchair is not None and gap > armchair.width_m + 0.9:
            x = shift + side * (half + 0.2 + armchair.depth_m / 2)
            y = front - 0.05 - armchair.width_m / 2
            items.append(Item(armchair, x, y, side * 90.0 + rng.uniform(-12, 12)))
    if chance(rng, 0.5) and limits.tries < 2:
        side = pick(rng, (-1, 1))
        category = pick(rng, ("FloorLamp", "SideTable"))
        side_asset = choose_asset(rng, category, width_m=(0, 0.6), depth_m=(0, 0.6))
        assert side_asset is not None
        x = shift + side * (half + GAP_M + side_asset.width_m / 2)
        items.append(Item(side_asset, x, front + seat.depth_m - side_asset.depth_m / 2, 180.0))
    clearance = ((shift - half, stand.depth_m, shift + half, front),)
    return Group("television", tuple(items), clearance, EDGE)


def _viewing_distance_m(rng: np.random.Generator, limits: Limits, depths_m: float) -> float:
    """Draw the floor between stand and sofa; where it can be, the sofa's back is at a wall."""
    to_wall = [
        side - depths_m - 2 * GAP_M
        for side in (limits.short_m, limits.long_m)
        if 1.3 <= side - depths_m - 2 * GAP_M <= 3.4
    ]
    if to_wall and chance(rng, 0.7):
        return pick(rng, to_wall)
    return max(rng.uniform(1.7, 2.8) - 0.3 * limits.tries, 1.3)


def sofa(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a sofa with its back to a wall and a low table in front."""
    seat = choose_asset(rng, "Sofa", width_m=(1.2, limits.long_m - 0.6), depth_m=(0, 1.2))
    if seat is None:
        return None
    items = [Item(seat, 0.0, seat.depth_m / 2)]
    table = choose_asset(rng, "CoffeeTable", width_m=(0, seat.width_m), depth_m=(0, 0.8))
    reach = 0.6
    if table is not None and limits.tries == 0:
        items.append(Item(table, 0.0, seat.depth_m + 0.35 + table.depth_m / 2))
        reach = 0.7 + table.depth_m
    half = seat.width_m / 2
    return Group("sofa", tuple(items), ((-half, seat.depth_m, half, seat.depth_m + reach),), EDGE)


def reading_corner(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make an armchair with a floor lamp or a small table beside it."""
    chair = choose_asset(rng, "ArmChair", width_m=(0, 1.1), depth_m=(0, 1.05))
    side_asset = choose_asset(
        rng, pick(rng, ("FloorLamp", "FloorLamp", "SideTable")), width_m=(0, 0.6)
    )
    if chair is None or side_asset is None:
        return None
    turn = rng.uniform(-15, 15)
    seat = Item(chair, 0.0, 0.0, turn)
    x0, y0, x1, y1 = seat.footprint()
    items = [Item(chair, 0.0, -y0, turn)]
    side = pick(rng, (-1, 1))
    x = (x1 if side > 0 else x0) + side * (GAP_M + side_asset.width_m / 2)
    items.append(Item(side_asset, x, side_asset.depth_m / 2 + 0.05))
    return Group("reading corner", tuple(items), ((-0.3, y1 - y0, 0.3, y1 - y0 + 0.5),), EDGE)


def floor_plant(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a house plant that is large enough to stand on the floor."""
    plant = choose_asset(rng, "HousePlant", height_m=(0.5, 9))
    assert plant is not None
    return Group("plant", (Item(plant, 0.0, plant.depth_m / 2 + 0.03),), (), EDGE)
