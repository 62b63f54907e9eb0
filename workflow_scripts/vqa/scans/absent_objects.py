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

# Words of other vocabularies for the same: where one stands in a label, the noun is not absent.
OTHER_WORDS = {
    "AlarmClock": "clock",
    "ArmChair": "chair recliner seat couch sofa",
    "BasketBall": "ball",
    "Bed": "bed mattress bunk",
    "Book": "book magazine",
    "Bottle": "bottle",
    "Bowl": "bowl dish plate",
    "Box": "box carton container case",
    "Candle": "candle",
    "CellPhone": "phone smartphone telephone",
    "Chair": "chair seat stool",
    "ClothesDryer": "dryer washer machine",
    "CoffeeTable": "table",
    "Cup": "cup mug glass",
    "Desk": "desk table",
    "DeskLamp": "lamp light",
    "DiningTable": "table desk",
    "Dresser": "dresser drawer drawers cabinet chest nightstand wardrobe",
    "FloorLamp": "lamp light",
    "Fridge": "fridge refrigerator freezer",
    "GarbageCan": "can bin trash wastebasket garbage basket",
    "HousePlant": "plant plants flower flowers tree",
    "Kettle": "kettle pot teapot",
    "Laptop": "laptop computer notebook",
    "LaundryHamper": "hamper basket laundry bin",
    "LightSwitch": "switch",
    "Microwave": "microwave oven",
    "Mirror": "mirror",
    "Mug": "mug cup glass",
    "Painting": "painting picture pictures poster frame art",
    "Pillow": "pillow cushion cushions",
    "Plate": "plate dish bowl",
    "RemoteControl": "remote controller",
    "ShelvingUnit": "shelf shelves bookshelf bookcase shelving rack",
    "SideTable": "table nightstand stand desk",
    "Sofa": "sofa couch loveseat settee armchair",
    "Stool": "stool chair ottoman seat",
    "TVStand": "stand cabinet table",
    "TeddyBear": "bear toy animal doll",
    "Television": "television tv monitor screen",
    "Toaster": "toaster",
    "Toilet": "toilet",
    "TowelHolder": "holder rack towel rail",
    "Vase": "vase jar pot",
    "WashingMachine": "washer washing machine dryer laundry",
    "Blinds": "blind blinds curtain curtains shade",
}


def absent_nouns(context: ScanContext, place: str) -> tuple[str, ...]:
    """Return nouns of what is not in a scan, and that nothing in it could be taken for.

    What other rooms of its house have at such places comes before what is common in rooms.
    """
    here = {item.category for item in context.placed}
    own = sorted({item.category for item in context.unseen if kind_of_place(item) == place})
    found = [category for category in own if is_absent(category, here)]
    if len(found) < 3:
        found += [c for c in COMMON_CATEGORIES[place] if c not in found and is_absent(c, here)]
    return tuple(phrase(category) for category in found)


def draw_absent_noun(context: ScanContext, place: str, rng: np.random.Generator) -> str:
    """Return a noun of what is not in a scan, '' if everything is."""
    nouns: Sequence[str] = absent_nouns(context, place)
    return nouns[int(rng.integers(len(nouns)))] if nouns else ""


def is_absent(category: str, here: set[str]) -> bool:
    """Say whether nothing in a scan, of the categories `here`, could be taken for a category."""
    if category in VAGUE_CATEGORIES:
        return False
    noun = phrase(category)
    words = {word for other in here for word in phrase(other).lower().split()}
    if not words.isdisjoint(OTHER_WORDS.get(category, "").split()):
        return False
    return not any(
        is_confusable(category, other) or is_confusable(noun, phrase(other)) for other in here
    )
