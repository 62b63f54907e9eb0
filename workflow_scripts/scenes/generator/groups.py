"""What builders of furniture groups share: limits, the choice of assets, rectangles of items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.scenes.generator.placed_objects import Group, Item, bounding_rect
from workflow_scripts.scenes.generator.sampling import pick
from workflow_scripts.scenes.generator.walls import Rect
from workflow_scripts.sources.readers.procthor_assets import Asset, assets_in_category

EDGE = frozenset({"edge", "corner"})
MIDDLE = frozenset({"middle"})
GAP_M = 0.03
"""Air between objects that stand side by side."""


@dataclass(frozen=True)
class Limits:
    """What a builder must respect.

    The room's short and long side in metres, how many tries failed already, and the categories
    that the room has.
    """

    short_m: float
    long_m: float
    tries: int = 0
    present_categories: frozenset[str] = frozenset()


Builder = Callable[[np.random.Generator, Limits], Group | None]


def choose_asset(
    rng: np.random.Generator,
    category: str,
    *,
    width_m: tuple[float, float] = (0.0, 9.0),
    depth_m: tuple[float, float] = (0.0, 9.0),
    height_m: tuple[float, float] = (0.0, 9.0),
    name: str = "",
) -> Asset | None:
    """Draw an asset of a category within limits of size; None if there is none."""
    candidate_assets = [
        asset
        for asset in assets_in_category(category)
        if width_m[0] <= asset.width_m <= width_m[1]
        and depth_m[0] <= asset.depth_m <= depth_m[1]
        and height_m[0] <= asset.height_m <= height_m[1]
        and name in asset.asset_id
    ]
    return pick(rng, candidate_assets) if candidate_assets else None


def single_object(category: str, zones: frozenset[str], clearance_m: float) -> Builder:
    """Return a builder of one asset of a category, with free floor in front of it."""

    def build(rng: np.random.Generator, limits: Limits) -> Group | None:
        largest = limits.long_m - 0.6
        asset = choose_asset(rng, category, width_m=(0, largest), depth_m=(0, limits.short_m - 1.0))
        if asset is None:
            return None
        if zones == MIDDLE:
            return Group(category, (Item(asset, 0.0, 0.0),), (), zones)
        item = Item(asset, 0.0, asset.depth_m / 2)
        return Group(
            category, (item,), front_clearance([item], clearance_m) if clearance_m else (), zones
        )

    return build


def floor_bounding_rect(items: Sequence[Item]) -> Rect:
    """Return the smallest rectangle around the items that stand on the floor."""
    return bounding_rect([item.footprint() for item in items if item.parent is None])


def front_clearance(items: Sequence[Item], depth_m: float) -> tuple[Rect]:
    """Return the floor in front of items, as the one rectangle to keep clear."""
    x0, _, x1, y1 = floor_bounding_rect(items)
    return ((x0, y1, x1, y1 + depth_m),)


def overlap(a: Item, b: Item) -> bool:
    """Tell whether the rectangles around two items overlap."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.footprint(), b.footprint()
    return ax0 < bx1 and bx0 < ax1 and ay0 < by1 and by0 < ay1


def mirrored(item: Item) -> Item:
    """Return the item with left and right exchanged."""
    return replace(item, x=-item.x, yaw_deg=-item.yaw_deg)
