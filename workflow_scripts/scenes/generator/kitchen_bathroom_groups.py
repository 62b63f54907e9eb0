"""Groups of kitchens and bathrooms: counters, basins, toilets, showers, laundry."""

import numpy as np

from workflow_scripts.scenes.generator.groups import (
    EDGE,
    GAP_M,
    Limits,
    choose_asset,
    floor_bounding_rect,
    front_clearance,
    mirrored,
)
from workflow_scripts.scenes.generator.placed_objects import Group, Item
from workflow_scripts.scenes.generator.sampling import chance, pick
from workflow_scripts.sources.readers.procthor_assets import assets_in_category


def kitchen_counter(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a run of counters along a wall, with a fridge at one end and a sink in it."""
    longest = limits.long_m - 0.3 - 0.5 * limits.tries
    items: list[Item] = []
    along = 0.0
    fridge = choose_asset(rng, "Fridge", width_m=(0, 1.0), depth_m=(0, 0.9))
    if fridge is not None and "Fridge" not in limits.present_categories and limits.tries < 3:
        items.append(Item(fridge, fridge.width_m / 2, fridge.depth_m / 2))
        along = fridge.width_m + GAP_M
    target_length_m = min(rng.uniform(2.4, 5.0) - 0.3 * limits.tries, longest)
    straight = [asset for asset in assets_in_category("CounterTop") if "_I_" in asset.asset_id]
    while True:
        candidate_assets = [asset for asset in straight if along + asset.width_m <= target_length_m]
        if not candidate_assets:
            break
        counter = pick(rng, candidate_assets, [asset.width_m**2 for asset in candidate_assets])
        items.append(Item(counter, along + counter.width_m / 2, counter.depth_m / 2))
        along += counter.width_m + 0.005
    counters = [i for i, item in enumerate(items) if item.asset.category == "CounterTop"]
    if not counters:
        return None
    wide = [i for i in counters if items[i].asset.width_m > 1.0]
    if wide and "Sink" not in limits.present_categories:
        items += _basin(rng, items, pick(rng, wide), faucet="Kitchen_Faucet")
    if chance(rng, 0.5):
        items = [mirrored(item) for item in items]
    x0, _, x1, _ = floor_bounding_rect(items)
    depth = items[counters[0]].asset.depth_m
    return Group("counter", tuple(items), ((x0, depth, x1, depth + 0.75),), EDGE)


def _basin(rng: np.random.Generator, items: list[Item], index: int, *, faucet: str) -> list[Item]:
    """Set a shallow basin with its faucet behind it on items[index]."""
    base = items[index]
    tap = choose_asset(rng, "Faucet", name=faucet, depth_m=(0, 0.25), width_m=(0, 0.35))
    assert tap is not None
    left = base.asset.depth_m - tap.depth_m - 0.07
    bowl = choose_asset(
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
    bowl = choose_asset(rng, "Toilet")
    assert bowl is not None
    items = [Item(bowl, 0.0, bowl.depth_m / 2)]
    if chance(rng, 0.5) and limits.tries < 2:
        tool = choose_asset(rng, pick(rng, ("Plunger", "ScrubBrush")))
        assert tool is not None
        side = pick(rng, (-1, 1))
        x = side * (bowl.width_m / 2 + 0.04 + tool.width_m / 2)
        items.append(Item(tool, x, 0.06 + tool.depth_m / 2))
    return Group("toilet", tuple(items), front_clearance(items[:1], 0.5), EDGE)


def washbasin(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a standing sink with its faucet, or a basin on a chest."""
    if chance(rng, 0.35) and limits.tries < 2:
        chest = choose_asset(
            rng, "Dresser", width_m=(0.6, 1.5), depth_m=(0.42, 0.65), height_m=(0.6, 0.95)
        )
        if chest is not None:
            items = [Item(chest, 0.0, chest.depth_m / 2)]
            basin = _basin(rng, items, 0, faucet="Bathroom_Faucet")
            if basin:
                return Group("washbasin", tuple(items + basin), front_clearance(items, 0.6), EDGE)
    bowl = choose_asset(rng, "Sink", height_m=(0.6, 1.2))
    assert bowl is not None
    tap = choose_asset(
        rng, "Faucet", name="Bathroom_Faucet", width_m=(0, bowl.width_m), depth_m=(0, 0.3)
    )
    assert tap is not None
    items = [
        Item(bowl, 0.0, bowl.depth_m / 2),
        Item(tap, 0.0, 0.01 + tap.depth_m / 2, 0.0, bowl.height_m, parent=0),
    ]
    return Group("washbasin", tuple(items), front_clearance(items[:1], 0.6), EDGE)


def shower(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a shower in a corner: its head on the wall, the curtain drawn aside."""
    head, curtain = choose_asset(rng, "ShowerHead"), choose_asset(rng, "ShowerCurtain")
    assert head is not None
    assert curtain is not None
    side = pick(rng, (-1, 1))
    x = side * (0.45 + curtain.width_m / 2)
    items = (
        Item(head, 0.0, head.depth_m / 2, 0.0, 2.08 - head.height_m),
        Item(curtain, x, curtain.depth_m / 2, 0.0, 2.05 - curtain.height_m),
    )
    tray = (-0.42, head.depth_m, 0.42, 0.9)
    return Group("shower", items, (tray,), frozenset({"corner"}))


def laundry(rng: np.random.Generator, limits: Limits) -> Group | None:
    """Make a washing machine, often with a dryer beside it."""
    washer, dryer = choose_asset(rng, "WashingMachine"), choose_asset(rng, "ClothesDryer")
    assert washer is not None
    assert dryer is not None
    items = [Item(washer, 0.0, washer.depth_m / 2)]
    if chance(rng, 0.4) and limits.tries == 0:
        x = washer.width_m / 2 + 0.02 + dryer.width_m / 2
        items.append(Item(dryer, x, dryer.depth_m / 2))
    return Group("laundry", tuple(items), front_clearance(items, 0.6), EDGE)
