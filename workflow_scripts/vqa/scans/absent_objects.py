"""What is not in a scan and might have been: what descriptions that fit nothing speak of."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_confusable, phrase
from workflow_scripts.vqa.scans.relations import kind_of_place
from workflow_scripts.vqa.scans.scan_context import ScanContext

# By where things of a room are: where a scan's house is not known or holds nothing else.
COMMON_CATEGORIES = {
    "floor": (
        *("ArmChair", "Bed", "Chair", "ClothesDryer", "CoffeeTable", "Desk", "DiningTable"),
        *("Dresser", "FloorLamp", "Fridge", "GarbageCan", "HousePlant", "LaundryHamper", "Sofa"),
        *("ShelvingUnit", "SideTable", "Stool", "Toilet", "TVStand", "WashingMachine"),
    ),
    "carried": (
        *("AlarmClock", "BasketBall", "Book", "Bottle", "Bowl", "Box", "Candle", "CellPhone"),
        *("Cup", "DeskLamp", "Kettle", "Laptop", "Microwave", "Mug", "Pillow", "Plate"),
        *("RemoteControl", "TeddyBear", "Television", "Toaster", "Vase"),
    ),
    "wall": ("LightSwitch", "Mirror", "Painting", "Television", "TowelHolder", "Blinds"),
}


def absent_nouns(context: ScanContext, place: str) -> tuple[str, ...]:
    """Return nouns of what is not in a scan, and that nothing in it could be taken for.

    What other rooms of its house have at such places comes before what is common in rooms.
    """
    here = {item.category for item in context.placed}
    own = sorted({item.category for item in context.unseen if kind_of_place(item) == place})
    found = [category for category in own if _is_absent(category, here)]
    if len(found) < 3:
        found += [c for c in COMMON_CATEGORIES[place] if c not in found and _is_absent(c, here)]
    return tuple(phrase(category) for category in found)


def draw_absent_noun(context: ScanContext, place: str, rng: np.random.Generator) -> str:
    """Return a noun of what is not in a scan, '' if everything is."""
    nouns: Sequence[str] = absent_nouns(context, place)
    return nouns[int(rng.integers(len(nouns)))] if nouns else ""


def _is_absent(category: str, here: set[str]) -> bool:
    if category in VAGUE_CATEGORIES:
        return False
    noun = phrase(category)
    return not any(
        is_confusable(category, other) or is_confusable(noun, phrase(other)) for other in here
    )
