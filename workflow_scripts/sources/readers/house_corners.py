"""Remove corners that a polygon of a house repeats."""

from typing import Any

SAME_CORNER_M = 1e-3
"""Corners nearer than this are one: AI2-THOR's houses are in millimeters."""
_POLYGONS = (("rooms", "floorPolygon", 3), ("walls", "polygon", 4))


def without_repeated_corners(house: Any) -> Any:
    """Return a house whose rooms and walls name each corner once.

    Tools of geography close their rings, and joined outlines repeat corners; the area is the same,
    but an edge without length has no direction. What is no polygon is left for the check of the
    house, and so is a polygon of which fewer corners would be left than it needs.
    """
    if not isinstance(house, dict):
        return house
    changed = dict(house)
    for name, key, least in _POLYGONS:
        items = house.get(name)
        if isinstance(items, list):
            changed[name] = [_item_without(item, key, least) for item in items]
    return changed


def _item_without(item: Any, key: str, least: int) -> Any:
    corners = item.get(key) if isinstance(item, dict) else None
    if not isinstance(corners, list):
        return item
    kept = [
        corner
        for index, corner in enumerate(corners)
        if not (index and _is_same(corner, corners[index - 1]))
    ]
    if len(kept) > 1 and _is_same(kept[0], kept[-1]):
        kept.pop()
    return item if len(kept) in (len(corners), *range(least)) else {**item, key: kept}


def _is_same(corner: Any, other: Any) -> bool:
    try:
        return all(abs(corner[axis] - other[axis]) < SAME_CORNER_M for axis in "xyz")
    except (TypeError, KeyError, OverflowError):
        return False
