"""Which objects a person would compare, and which could lie in or stand on which.

Nobody asks whether a fork is taller than a wardrobe or whether a bed is inside a cup: such
questions teach what the words say, not what the picture shows. Sizes are compared of objects of
about one scale, the more readily the nearer their kinds are; words that no kind lists (labels of
photos) go by their size alone.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.view_context import ViewContext, cached_per_view

NOT_COMPARED = "sizes that nobody would compare"
# How many times as large one may be as the other: of one kind, of kinds that are commonly
# compared, and where a kind is not known. Of other kinds none are compared.
SAME_KIND, RELATED_KINDS, UNKNOWN_KINDS = 5.0, 3.0, 2.0
# A larger share of what holds it may something take up along each side.
MAX_FILLED = 0.95

# A noun may be of several kinds.
_KINDS: dict[str, tuple[str, ...]] = {
    "furniture": (
        "armchair", "basin", "bathtub", "bed", "bench", "bookcase", "bookshelf", "cabinet", "cart",
        "chair", "chest", "closet", "couch", "counter", "countertop", "crib", "cupboard", "desk",
        "dishwasher", "drawer", "dresser", "dryer", "footstool", "freezer", "fridge", "furniture",
        "hamper", "nightstand", "ottoman", "oven", "piano", "recliner", "refrigerator", "seat",
        "shelf", "shelves", "shelving unit", "shower", "sideboard", "sink", "sofa", "stand",
        "stool", "stove", "table", "toilet", "tub", "unit", "wardrobe", "washer",
        "washing machine",
    ),
    "standing": (
        "bin", "box", "coat rack", "fan", "floor lamp", "garbage bag", "garbage can", "heater",
        "houseplant", "lamp", "plant", "rug", "safe", "suitcase", "trash can", "tree", "vacuum",
        "vacuum cleaner",
    ),
    "electronics": (
        "alarm clock", "coffee machine", "computer", "desk lamp", "lamp", "laptop", "microwave",
        "monitor", "printer", "radio", "screen", "speaker", "television", "toaster", "tv",
    ),
    "wall": (
        "blackboard", "blind", "blinds", "bulletin board", "clock", "curtain", "curtains", "door",
        "doorframe", "doorway", "frame", "hanger", "holder", "mirror", "outlet", "painting",
        "picture", "poster", "radiator", "showerhead", "switch", "television", "tv", "whiteboard",
        "window",
    ),
    "kitchen": (
        "apple", "banana", "bottle", "bowl", "bread", "butter knife", "can", "coffee machine",
        "cup", "dish", "egg", "faucet", "foil", "fork", "fruit", "glass", "jar", "jug", "kettle",
        "knife", "ladle", "lettuce", "machine", "microwave", "mug", "orange", "pan",
        "paper towel roll", "pitcher", "plate", "pot", "potato", "shaker", "spatula", "spoon",
        "teapot", "toaster", "tomato", "tray", "vegetable", "vase",
    ),
    "small": (
        "alarm clock", "ball", "basketball", "bat", "bear", "book", "boots", "box", "brush",
        "camera", "candle", "card", "cd", "cell phone", "cloth", "cushion", "desk lamp", "doll",
        "dumbbell", "hat", "houseplant", "keyboard", "keychain", "laptop", "magazine", "mouse",
        "newspaper", "paper", "pen", "pencil", "phone", "pillow", "plant", "plunger", "purse",
        "racket", "remote", "remote control", "safe", "scissors", "shoe", "shoes", "soap",
        "soap bottle", "sponge", "spray bottle", "statue", "toilet paper", "toothbrush", "towel",
        "toy", "vase", "watch", "watering can",
    ),
}  # fmt: skip
_KINDS_OF = {
    noun: frozenset(kind for kind, nouns in _KINDS.items() if noun in nouns)
    for nouns in _KINDS.values()
    for noun in nouns
}
_RELATED = frozenset(
    frozenset(pair)
    for pair in (
        ("furniture", "standing"),
        ("furniture", "wall"),
        ("standing", "electronics"),
        ("electronics", "kitchen"),
        ("electronics", "small"),
        ("kitchen", "small"),
    )
)
# What stands on the floor or hangs on a wall lies in or on nothing else.
_FIXED_KINDS = frozenset(["furniture", "wall"])
# What carries other objects, beside furniture.
_CARRIER_WORDS = frozenset(["bathtub", "board", "book", "box", "cart", "plate", "rack", "tray"])


@lru_cache(maxsize=10_000)
def kinds_of(noun: str) -> frozenset[str]:
    """Return the kinds of what a noun names, none if no kind lists it.

    The longest end of the noun that is listed decides: a "coffee machine" is of the kitchen, a
    "washing machine" is not, a "loaf of bread" is bread.
    """
    words = noun.lower().split()
    for stop in range(len(words), 0, -1):
        for start in range(stop):
            ending = " ".join(words[start:stop])
            for text in (ending, ending.removesuffix("s")):
                if text in _KINDS_OF:
                    return _KINDS_OF[text]
    return frozenset()


@lru_cache(maxsize=100_000)
def _largest_ratio(noun: str, other: str) -> float:
    kinds, other_kinds = kinds_of(noun), kinds_of(other)
    if kinds & other_kinds:
        return SAME_KIND
    if not (kinds and other_kinds):
        return UNKNOWN_KINDS
    related = any(frozenset(pair) in _RELATED for pair in product(kinds, other_kinds))
    return RELATED_KINDS if related else 0.0


@cached_per_view
def largest_compared_ratio(view_context: ViewContext) -> FloatArray:
    """Return [n, n] up to which ratio a person would compare the sizes of i and j.

    0 where they would not be compared at all: the longest sides are of another scale.
    """
    nouns = view_context.nouns
    limit = np.array([[_largest_ratio(one, other) for other in nouns] for one in nouns])
    limit = limit.reshape(len(nouns), len(nouns))
    longest = np.maximum(view_context.measured.size_m.max(axis=1, initial=0.0), 1e-6)
    ratio = longest[:, None] / longest
    return np.where(np.maximum(ratio, ratio.T) <= limit, limit, 0.0)


def is_compared(view_context: ViewContext, rows: np.ndarray, ratio: FloatArray) -> np.ndarray:
    """Say of groups of rows [m, k] whether a person would compare their sizes.

    `ratio` [m] is that of the largest of the group to the smallest in what is compared.
    """
    limit = largest_compared_ratio(view_context)
    number = rows.shape[1]
    pairs = [(one, other) for other in range(number) for one in range(other)]
    least = np.min([limit[rows[:, one], rows[:, other]] for one, other in pairs], axis=0)
    compared: np.ndarray = ratio <= least
    return compared


@cached_per_view
def could_be_inside(view_context: ViewContext) -> NDArray[np.bool_]:
    """Say [n, n] whether i could lie in j for all that their sizes and kinds say."""
    sides = np.sort(view_context.measured.size_m, axis=1)
    fits = (sides[:, None] <= MAX_FILLED * sides[None, :]).all(axis=2)
    return np.asarray(fits & _is_loose(view_context)[:, None])


@cached_per_view
def could_stand_on(view_context: ViewContext) -> NDArray[np.bool_]:
    """Say [n, n] whether i could stand or lie on j for all that their sizes and kinds say."""
    level = np.sort(view_context.measured.size_m[:, :2], axis=1)
    fits = (level[:, None] <= level[None, :]).all(axis=2)
    carries = np.array(
        [
            "furniture" in kinds_of(noun) or not _CARRIER_WORDS.isdisjoint(noun.lower().split())
            for noun in view_context.nouns
        ],
        dtype=bool,
    )
    unknown = np.array([not kinds_of(noun) for noun in view_context.nouns], dtype=bool)
    return np.asarray(fits & (carries | unknown)[None, :] & _is_loose(view_context)[:, None])


def _is_loose(view_context: ViewContext) -> NDArray[np.bool_]:
    kinds = [kinds_of(noun) for noun in view_context.nouns]
    return np.array([not one or bool(one - _FIXED_KINDS) for one in kinds], dtype=bool)
