"""Groups of a table and its chairs: dining tables, desks."""

import numpy as np

from workflow_scripts.scenes.generator.groups import (
    EDGE,
    MIDDLE,
    Limits,
    choose_asset,
    floor_bounding_rect,
    overlap,
)
from workflow_scripts.scenes.generator.placed_objects import Group, Item, footprint
from workflow_scripts.scenes.generator.sampling import chance
from workflow_scripts.sources.readers.procthor_assets import Asset

SEAT_SHARE = 0.5
"""Height of a chair's seat as a share of its own height, as in `SURFACES`."""
TABLE_TOP_M = 0.08
LEGS_M = 0.15
"""Width that both legs of a table take from a chair pushed between them."""


def dining(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a dining table with chairs around it, most of them tucked under it."""
    max_width_m = min(limits.short_m - 1.2, 2.3) - 0.3 * limits.tries
    table = choose_asset(
        rng,
        "DiningTable",
        width_m=(0.6, max(max_width_m, 1.0)),
        depth_m=(0, 1.3),
        height_m=(0.6, 0.96),
    )
    chair = choose_asset(rng, "Chair", width_m=(0, 0.58), depth_m=(0, 0.65), height_m=(0.7, 1.1))
    if table is None or chair is None:
        return None
    in_middle = limits.tries < 2 and chance(rng, 0.75)
    base_y = 0.0 if in_middle else table.depth_m / 2
    items = [Item(table, 0.0, base_y)]
    half_x, half_y = table.width_m / 2, table.depth_m / 2
    num_side = max(int(table.width_m / (chair.width_m + LEGS_M)), 1)
    slots = [
        ((index + 0.5) / num_side * table.width_m - half_x, side * half_y, yaw)
        for side, yaw in ((1, 180.0), (-1, 0.0))
        for index in range(min(num_side, 3))
        if in_middle or side > 0
    ]
    if table.depth_m > chair.width_m + LEGS_M:
        slots += [(half_x, 0.0, 90.0), (-half_x, 0.0, 270.0)]
    max_chairs = len(slots) if limits.tries < 2 else 3
    num_chairs = min(int(rng.integers(2, 8)), max_chairs)
    for index in sorted(int(i) for i in rng.permutation(len(slots))[:num_chairs]):
        x, y, yaw = slots[index]
        seat = _chair_at(rng, chair, table, (x, y + base_y), yaw)
        if all(not overlap(seat, other) for other in items[1:]):
            items.append(seat)
    x0, y0, x1, y1 = floor_bounding_rect(items)
    margin = 0.4
    clearance = (
        ((x0 - margin, y0 - margin, x1 + margin, y1 + margin),)
        if in_middle
        else ((x0, table.depth_m, x1, y1 + margin),)
    )
    return Group("dining", tuple(items), clearance, MIDDLE if in_middle else EDGE)


def desk(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a desk against a wall with a chair pushed to it."""
    table = choose_asset(
        rng, "Desk", width_m=(0, limits.long_m - 0.5), depth_m=(0, 0.95), height_m=(0.55, 1.0)
    )
    chair = choose_asset(rng, "Chair", width_m=(0, 0.65), depth_m=(0, 0.7), height_m=(0.7, 1.2))
    if table is None or chair is None or chair.width_m + LEGS_M > table.width_m:
        return None
    slack = (table.width_m - chair.width_m - LEGS_M) / 2
    x = 0.6 * slack * rng.uniform(-1, 1)
    seat = _chair_at(rng, chair, table, (x, table.depth_m), 180.0)
    items = (Item(table, 0.0, table.depth_m / 2), seat)
    x0, _, x1, y1 = seat.footprint()
    return Group("desk", items, ((x0, table.depth_m, x1, y1 + 0.3),), EDGE)


def _chair_at(
    rng: np.random.Generator, chair: Asset, table: Asset, edge: tuple[float, float], yaw_deg: float
) -> Item:
    """Put a chair at a point of a table's edge (items[0]), facing the table with `yaw_deg`.

    A chair whose seat is lower than the table's top goes under it by up to 0.4 of its depth, so
    its back stays outside; now and then one is pulled out and turned.
    """
    away_x, away_y = {0.0: (0, -1), 90.0: (1, 0), 180.0: (0, 1), 270.0: (-1, 0)}[yaw_deg]
    side_m = table.width_m if away_y else table.depth_m
    goes_under = (
        SEAT_SHARE * chair.height_m < table.height_m - TABLE_TOP_M
        and chair.width_m + LEGS_M <= side_m
    )
    tucked = goes_under and not chance(rng, 0.12)
    if tucked:
        turn = rng.uniform(-3, 3)
        distance = chair.depth_m * (0.5 - rng.uniform(0.08, 0.4))
    else:
        turn = rng.uniform(-28, 28)
        _, _, x1, y1 = footprint(chair, 0.0, 0.0, yaw_deg + turn)
        distance = (y1 if away_y else x1) + rng.uniform(0.03, 0.25)
    return Item(
        chair,
        edge[0] + away_x * distance,
        edge[1] + away_y * distance,
        yaw_deg + turn,
        tucked_under=0 if tucked else None,
    )
