"""Which category a label stands for, in whatever spelling; how categories look and hang."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property

from workflow_scripts.common.label_text import phrase
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import class_of_asset
from workflow_scripts.layouts.room_record import Point3, RoomRecord
from workflow_scripts.sources.readers.procthor_assets import assets

# How often a category looks the same in a full turn; 0 is round. All others look different from
# every side.
_YAW_SYMMETRY = {
    0: "Apple BasketBall Bottle Bowl Candle Egg FloorLamp HousePlant PaperTowelRoll PepperShaker "
    "Plate Plunger Potato SaltShaker SoapBottle Stool Tomato ToiletPaper Vase WineBottle",
    2: "BaseballBat Bench Box Cloth CoffeeTable CounterTop DiningTable Footstool HandTowel Ottoman "
    "Painting Pillow Towel Window",
}
YAW_SYMMETRY: Mapping[str, int] = {
    category: order for order, names in _YAW_SYMMETRY.items() for category in names.split()
}
# What hangs on a wall or from a ceiling needs nothing under it.
_HANGING = (
    "Blinds CeilingLamp Curtains Faucet HandTowel HandTowelHolder LightSwitch Mirror Painting "
    "PaperTowelRoll Poster ShowerCurtain ShowerDoor ShowerGlass ShowerHead Television ToiletPaper "
    "ToiletPaperHanger Towel TowelHolder WallPanel Window"
)
HANGS = frozenset(_HANGING.split(" "))


def spelling_key(text: str) -> str:
    """Return a label without case, blanks and signs: "Side Table" and side_table are one."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def normalised_phrase(text: str) -> str:
    """Return a phrase without case, signs and a leading article."""
    words = re.sub(r"[^\w]+", " ", text.casefold()).split()
    if len(words) > 1 and words[0] in ("a", "an", "the"):
        words = words[1:]
    return " ".join(words)


class CategoryNames:
    """The categories of rooms, and the phrases that their assets are called by.

    `category` returns the category of a label: of its own name or noun in any spelling, of a
    known phrase (the commonest category with it), or of the longest noun that the label ends with
    ("wooden chair"); else the label's spelling key, which is no category of the rooms.
    """

    def __init__(self, records: Iterable[RoomRecord] = ()) -> None:
        self._categories: set[str] = set()
        self._assets: dict[str, tuple[str, Point3]] = {}
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._answers: dict[str, str] = {}
        for record in records:
            self.add(record)

    def add(self, record: RoomRecord) -> None:
        """Learn the categories, assets and phrases of a room."""
        for item in record.objects:
            self._categories.add(item.category)
            self._assets.setdefault(item.asset_id, (item.category, item.size_m))
            if item.phrase:
                self._counts[normalised_phrase(item.phrase)][item.category] += 1
        for learned in ("_known", "_phrases", "_nouns"):
            self.__dict__.pop(learned, None)
        self._answers.clear()

    @cached_property
    def _known(self) -> dict[str, str]:
        return {
            spelling_key(name): category
            for category in sorted(self._categories)
            for name in (phrase(category), category)
        }

    @cached_property
    def _phrases(self) -> dict[str, str]:
        return {
            text: min(found, key=lambda category: (-found[category], category))
            for text, found in self._counts.items()
        }

    @cached_property
    def _nouns(self) -> dict[str, str]:
        return {normalised_phrase(phrase(name)): name for name in sorted(self._categories)}

    def category(self, label: str) -> str:
        """Return the category that a label stands for."""
        if label not in self._answers:
            self._answers[label] = self._category(label)
        return self._answers[label]

    def asset(self, asset_id: str) -> tuple[str, Point3 | None]:
        """Return category and size of an asset: of the rooms, of ProcTHOR's table, or its name."""
        if asset_id in self._assets:
            return self._assets[asset_id]
        asset = assets().get(asset_id)
        if asset is not None:
            return asset.category, asset.size_m
        return class_of_asset(asset_id), None

    def _category(self, label: str) -> str:
        key = spelling_key(label)
        if key in self._known:
            return self._known[key]
        text = normalised_phrase(label)
        if text in self._phrases:
            return self._phrases[text]
        words = text.split()
        for start in range(1, len(words)):
            ending = " ".join(words[start:])
            if ending in self._nouns:
                return self._nouns[ending]
        return key or label
