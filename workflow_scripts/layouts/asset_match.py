"""Assets for objects that are known by label and size only."""

import math
import re
from collections.abc import Sequence
from functools import cache

from workflow_scripts.common.label_text import phrase
from workflow_scripts.sources.readers.procthor_assets import Asset, assets, assets_in_category

STRUCTURE = frozenset(["Doorway", "Doorframe", "Window"])
"""Categories of the asset table that are parts of walls."""


@cache
def _categories_by_name() -> dict[str, str]:
    """Return the categories of objects by their name and noun, letters and digits only."""
    names = sorted({asset.category for asset in assets().values()} - STRUCTURE)
    return {_letters(text): name for name in names for text in (phrase(name), name)}


@cache
def category_of_label(label: str) -> str | None:
    """Return the category of the asset table that a label means, None if there is none.

    The label is its name or noun in any spelling ("SideTable", "side table"), or a phrase with
    such a noun, of which the longest and then the last counts ("a low wooden side table").
    """
    known = _categories_by_name()
    if _letters(label) in known:
        return known[_letters(label)]
    words = re.findall(r"[^\W_]+", label.lower())
    for length in range(len(words) - 1, 0, -1):
        for start in range(len(words) - length, -1, -1):
            category = known.get("".join(words[start : start + length]))
            if category is not None:
                return category
    return None


def nearest_asset(category: str, size_m: Sequence[float]) -> Asset | None:
    """Return the asset of a category whose size is nearest, None if the category has none.

    Nearest is the least sum of the squared logarithms of the ratios of width, depth and height;
    equally near ones go by their id.
    """
    candidates = assets_in_category(category)
    if not candidates:
        return None

    def difference(asset: Asset) -> float:
        return sum(
            math.log(max(own, 1e-3) / max(wanted, 1e-3)) ** 2
            for own, wanted in zip(asset.size_m, size_m, strict=True)
        )

    return min(candidates, key=difference)


def nearest_opening(kind: str, width_m: float, height_m: float) -> Asset:
    """Return the door or window whose width and height are nearest."""
    candidates = assets_in_category("Window" if kind == "window" else "Doorway")
    return min(candidates, key=lambda a: abs(a.width_m - width_m) + abs(a.height_m - height_m))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
