"""The ProcTHOR asset tables (from the `procthor` package) and where objects can stand on assets.

Sizes are in metres along the asset's own axes: width x, depth y (front is +y), height z. Unity's
table calls them x, z, y.
"""

import importlib.util
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError


@dataclass(frozen=True)
class Asset:
    """One entry of the asset table."""

    asset_id: str
    category: str
    width_m: float
    depth_m: float
    height_m: float
    split: str | None
    properties: tuple[str, ...]
    can_open: bool

    @property
    def size_m(self) -> tuple[float, float, float]:
        return (self.width_m, self.depth_m, self.height_m)


@dataclass(frozen=True)
class SupportSurface:
    """A horizontal rectangle on an asset where small objects can stand.

    `height` is its height as a share of the asset's height. `x0, x1, y0, y1` bound it as shares
    of width and depth, from -0.5 to 0.5 about the middle (y 0.5 is the front). `clearance` is
    the free height above it as a share of the asset's height, None if open to the room.
    """

    height: float
    x0: float = -0.46
    x1: float = 0.46
    y0: float = -0.46
    y1: float = 0.46
    clearance: float | None = None


# What houses are built of; all other categories are of objects.
STRUCTURE_CATEGORIES = ("ceiling", "door", "doorway", "floor", "wall", "window")

_TOP = (SupportSurface(1.0),)

# The usual asset of each category; `surfaces_of` is what to place and build by.
# Chairs, sofas and beds are lower where one sits or lies than their backs.
SUPPORT_SURFACES: dict[str, tuple[SupportSurface, ...]] = {
    "ArmChair": (SupportSurface(0.45, -0.28, 0.28, -0.15, 0.42),),
    "Bed": (SupportSurface(0.58, -0.44, 0.44, -0.42, 0.46),),
    "Box": (),
    "Cart": (SupportSurface(0.62, -0.44, 0.44, -0.42, 0.42, 0.3),),
    "Chair": (SupportSurface(0.5, -0.4, 0.4, -0.3, 0.42),),
    "CoffeeTable": _TOP,
    "CounterTop": _TOP,
    "Desk": _TOP,
    "DiningTable": _TOP,
    "DogBed": (SupportSurface(0.45, -0.35, 0.35, -0.35, 0.35),),
    "Dresser": _TOP,
    "Footstool": (SupportSurface(1.0, -0.36, 0.36, -0.36, 0.36),),
    "Ottoman": (SupportSurface(1.0, -0.42, 0.42, -0.42, 0.42),),
    "ShelvingUnit": (
        *tuple(
            SupportSurface(height, -0.44, 0.44, -0.4, 0.42, 0.2)
            for height in (0.05, 0.285, 0.52, 0.755)
        ),
        SupportSurface(1.0, -0.46, 0.46, -0.42, 0.46),
    ),
    "SideTable": _TOP,
    "Sofa": (SupportSurface(0.45, -0.4, 0.4, -0.15, 0.44),),
    "Stool": (SupportSurface(1.0, -0.36, 0.36, -0.36, 0.36),),
    "TVStand": _TOP,
    "Toilet": (SupportSurface(1.0, -0.4, 0.4, -0.47, -0.28),),
    "WashingMachine": (SupportSurface(1.0, -0.44, 0.44, -0.36, 0.44),),
    "ClothesDryer": (SupportSurface(1.0, -0.44, 0.44, -0.36, 0.44),),
    "Fridge": (SupportSurface(1.0, -0.4, 0.4, -0.4, 0.3),),
    "Microwave": (SupportSurface(1.0, -0.4, 0.4, -0.4, 0.4),),
    "Safe": (SupportSurface(1.0, -0.4, 0.4, -0.4, 0.4),),
}


# Counters that go round a corner are L (back and right run) or C (back and both side runs).
COUNTER_DEPTH_M = 0.61
DESK_TOP_M = 0.74
MATTRESS_TOP_M = 0.62


def support_surfaces(asset: Asset) -> tuple[SupportSurface, ...]:
    """Return where objects can stand on this asset, as the procedural furniture is built.

    It is `SURFACES` except for corner counters (their runs, not their box), desks with shelves
    above (the desk top in front of them), and beds with posts or a high head.
    """
    surfaces = SUPPORT_SURFACES.get(asset.category, ())
    if asset.category == "CounterTop" and "_I" not in asset.asset_id:
        x, y = COUNTER_DEPTH_M / asset.width_m, COUNTER_DEPTH_M / asset.depth_m
        back = SupportSurface(1.0, -0.48, 0.48, -0.48, -0.5 + 0.94 * y)
        right = SupportSurface(1.0, 0.5 - 0.94 * x, 0.48, -0.5 + y, 0.48)
        left = SupportSurface(1.0, -0.48, -0.5 + 0.94 * x, -0.5 + y, 0.48)
        return (back, right) if "_L_" in asset.asset_id else (back, left, right)
    if asset.category == "Desk" and asset.height_m > 1.05:
        height = DESK_TOP_M / asset.height_m
        return (SupportSurface(height, -0.44, 0.44, -0.1, 0.46),)
    if asset.category == "Bed":
        (mattress,) = surfaces
        height = min(mattress.height, MATTRESS_TOP_M / asset.height_m)
        return (replace(mattress, height=height),)
    return surfaces


def databases_folder() -> Path:
    """Return the folder of ProcTHOR's tables without importing the `procthor` package.

    Importing it would need Unity's Python client and half a dozen packages it does not declare.
    """
    spec = importlib.util.find_spec("procthor")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "the asset tables are missing: the package 'procthor' is not installed. "
            "Run 'make' targets, or 'pip install procthor==0.0.1.dev2'."
        )
    return Path(spec.submodule_search_locations[0]) / "databases"


@cache
def read_database(name: str) -> Any:
    """Read one of ProcTHOR's tables, e.g. "receptacles" or "asset_groups/desk-with-chair"."""
    return json.loads((databases_folder() / f"{name}.json").read_text(encoding="utf-8"))


def nameable_categories() -> tuple[str, ...]:
    """Return every category that a pixel can have: parts of the house, then objects."""
    return (*STRUCTURE_CATEGORIES, *sorted(read_database("asset-database")))


@cache
def assets() -> dict[str, Asset]:
    """Return all assets by id."""
    table = {}
    for category, entries in read_database("asset-database").items():
        for entry in entries:
            box = entry["boundingBox"]
            table[entry["assetId"]] = Asset(
                asset_id=entry["assetId"],
                category=category,
                width_m=box["x"],
                depth_m=box["z"],
                height_m=box["y"],
                split=entry.get("split"),
                properties=(
                    *filter(None, [entry.get("primaryProperty")]),
                    *entry.get("secondaryProperties", ()),
                ),
                can_open="open" in (entry.get("states") or {}),
            )
    return table


@cache
def assets_in_category(category: str) -> tuple[Asset, ...]:
    """Return the assets of a category, sorted by id."""
    return tuple(
        sorted(
            (asset for asset in assets().values() if asset.category == category),
            key=lambda asset: asset.asset_id,
        )
    )
