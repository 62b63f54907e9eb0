"""Objects before and after they are placed: items of a group, and objects of a house."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.scenes.generator.walls import Rect
from workflow_scripts.sources.readers.procthor_assets import Asset


@dataclass(frozen=True)
class Item:
    """An asset in its group's frame: y away from the wall behind the group, x along it.

    `yaw_deg` is counter-clockwise; 0 has the front towards +y. `parent` is the index of the item
    it stands on; `tucked_under` of the table it is pushed under (they may overlap in plan).
    """

    asset: Asset
    x: float
    y: float
    yaw_deg: float = 0.0
    bottom_m: float = 0.0
    parent: int | None = None
    tucked_under: int | None = None

    def footprint(self) -> Rect:
        """Return the axis-aligned rectangle around the oriented footprint."""
        return footprint(self.asset, self.x, self.y, self.yaw_deg)


@dataclass(frozen=True)
class Group:
    """Objects that belong together, the floor kept free for using them, and where they may go.

    `where` holds "edge" (back to a wall), "corner" and "middle".
    """

    name: str
    items: tuple[Item, ...]
    clearance: tuple[Rect, ...] = ()
    zones: frozenset[str] = frozenset({"edge", "corner"})


@dataclass
class PlacedObject:
    """A placed asset in plan coordinates; z of its middle above the floor; yaw of its front."""

    object_id: str
    asset: Asset
    x: float
    y: float
    z: float
    yaw_deg: float
    room: int
    tucked: bool = False
    """Pushed under a table, so nothing can stand on it."""
    children: list["PlacedObject"] = field(default_factory=list)
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def bottom_m(self) -> float:
        return self.z - self.asset.height_m / 2

    @property
    def top_m(self) -> float:
        return self.z + self.asset.height_m / 2

    def footprint(self) -> Rect:
        """Return the axis-aligned rectangle around the oriented footprint."""
        return footprint(self.asset, self.x, self.y, self.yaw_deg)


def footprint(asset: Asset, x: float, y: float, yaw_deg: float) -> Rect:
    """Return (x0, y0, x1, y1) around a box of the asset's width and depth turned by yaw."""
    yaw = np.deg2rad(yaw_deg)
    cos, sin = abs(float(np.cos(yaw))), abs(float(np.sin(yaw)))
    half_x = (asset.width_m * cos + asset.depth_m * sin) / 2
    half_y = (asset.width_m * sin + asset.depth_m * cos) / 2
    return (x - half_x, y - half_y, x + half_x, y + half_y)


def bounding_rect(rects: Sequence[Rect]) -> Rect:
    """Return the smallest rectangle around all."""
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))


def rotate_xy(x: float, y: float, yaw_deg: float) -> tuple[float, float]:
    """Turn a plan vector counter-clockwise; exact for multiples of 90 degrees."""
    quarter, rest = divmod(yaw_deg, 90.0)
    for _ in range(int(quarter) % 4):
        x, y = -y, x
    if rest:
        yaw = np.deg2rad(rest)
        x, y = x * np.cos(yaw) - y * np.sin(yaw), x * np.sin(yaw) + y * np.cos(yaw)
    return float(x), float(y)


def rotate_rect(rect: Rect, yaw_deg: float) -> Rect:
    """Turn a rectangle by a multiple of 90 degrees about the origin."""
    (ax, ay), (bx, by) = (
        rotate_xy(rect[0], rect[1], yaw_deg),
        rotate_xy(rect[2], rect[3], yaw_deg),
    )
    return (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
