"""Category names as people say them, and which categories people would take for one another.

A category is a simulator's ("FloorLamp"), or any label that a person or a detector gives an object
("wooden chairs").
"""

import re
from functools import lru_cache

# Where splitting the words does not give a singular noun that a person would use.
_CATEGORY_NOUNS = {
    "AluminumFoil": "roll of aluminum foil",
    "ArmChair": "armchair",
    "BaseballBat": "baseball bat",
    "BasketBall": "basketball",
    "Blinds": "window blind",
    "Boots": "pair of boots",
    "Bread": "loaf of bread",
    "ButterKnife": "butter knife",
    "CD": "CD",
    "CounterTop": "kitchen counter",
    "Desktop": "desktop computer",
    "DishSponge": "dish sponge",
    "HousePlant": "houseplant",
    "KeyChain": "keychain",
    "Lettuce": "head of lettuce",
    "PaperTowelRoll": "paper towel roll",
    "Pot": "cooking pot",
    "RoomDecor": "room decoration",
    "ShowerHead": "showerhead",
    "SoapBar": "bar of soap",
    "TableTopDecor": "tabletop decoration",
    "TVStand": "TV stand",
    "ToiletPaper": "roll of toilet paper",
}
_CONFUSABLE_GROUPS = (
    {"ArmChair", "Chair", "Stool"},
    {"ArmChair", "Sofa"},
    {"Bed", "DogBed"},
    {"Book", "Newspaper"},
    {"Bottle", "SoapBottle", "SprayBottle", "WineBottle"},
    {"Bowl", "Plate"},
    {"Box", "TissueBox"},
    {"ButterKnife", "Knife"},
    {"Cart", "ShelvingUnit", "SideTable"},
    {"Cloth", "HandTowel", "Towel"},
    {"CoffeeTable", "Desk", "DiningTable", "SideTable"},
    {"ClothesDryer", "WashingMachine"},
    {"Cup", "Mug"},
    {"DeskLamp", "FloorLamp"},
    {"Desktop", "Laptop", "Television"},
    {"Dresser", "SideTable", "TVStand"},
    {"Footstool", "Ottoman", "Stool"},
    {"Fork", "Knife", "Spoon"},
    {"GarbageBag", "GarbageCan", "LaundryHamper"},
    {"HandTowelHolder", "ToiletPaperHanger", "TowelHolder"},
    {"Kettle", "WateringCan"},
    {"Ladle", "Spatula", "Spoon"},
    {"Pan", "Pot"},
    {"PaperTowelRoll", "ToiletPaper"},
    {"Pen", "Pencil"},
    {"PepperShaker", "SaltShaker"},
    {"Plunger", "ScrubBrush"},
    {"RoomDecor", "Statue", "TableTopDecor", "Vase"},
)
# How the simulator writes its categories, which are looked up in the groups above.
_CATEGORY_PATTERN = re.compile(r"[A-Z][A-Za-z]+")
# Names that do not identify an object to a person.
VAGUE_CATEGORIES = frozenset({"RoomDecor", "TableTopDecor"})


_IRREGULAR = {
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "knife": "knives",
    "leaf": "leaves",
    "loaf": "loaves",
    "man": "men",
    "mouse": "mice",
    "person": "people",
    "shelf": "shelves",
    "tooth": "teeth",
    "wife": "wives",
    "woman": "women",
}
# Cannot be counted: people count pieces ("a piece of furniture").
_MASS_NOUNS = frozenset(
    ["bedding", "clothing", "equipment", "furniture", "jewelry", "laundry", "luggage", "silverware"]
)
# Are counted in pairs: "2 pairs of scissors".
_COUNTED_IN_PAIRS = frozenset(
    [
        *("binoculars", "goggles", "headphones", "jeans", "leggings", "pajamas"),
        *("pants", "pliers", "pyjamas", "scissors", "shorts", "slippers", "sunglasses", "tights"),
        *("trousers", "tweezers"),
    ]
)
_ALWAYS_PLURAL = frozenset(
    [
        "binoculars",
        "blinds",
        "clothes",
        "curtains",
        "drapes",
        "glasses",
        "goggles",
        "headphones",
        "jeans",
        "leggings",
        "overalls",
        "pajamas",
        "pants",
        "pliers",
        "pyjamas",
        "scissors",
        "shorts",
        "slippers",
        "stairs",
        "sunglasses",
        "tights",
        "trousers",
        "tweezers",
    ]
)
# End in s and are singular.
_SINGULAR_IN_S = re.compile(r"(ss|us|is|bus|gas|lens|atlas|canvas|chaos|compass)$")
_O_TAKES_ES = frozenset(["potato", "tomato", "hero", "mango", "echo"])
_NO_PLURAL = frozenset(["sheep", "fish", "deer", "aircraft", "furniture"])
# "pair of boots", "roll of toilet paper": the noun before these words is the one that counts.
_PREPOSITION = re.compile(r"^(.*?)( (?:of|with|in|on|for|from|without|next to) .*)$")


@lru_cache(maxsize=10_000)
def phrase(category: str) -> str:
    """Return the noun for a category: "FloorLamp" -> "floor lamp"."""
    if category in _CATEGORY_NOUNS:
        return _CATEGORY_NOUNS[category]
    label = re.sub(r"[{}%<>\x00-\x1f]", " ", category)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\s_-]+", label)
    noun = " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)
    noun = re.sub(r"^(the|an?) (?=.)", "", noun)
    return f"piece of {noun}" if noun.rpartition(" ")[2] in _MASS_NOUNS else noun


def _split_head_noun(noun: str) -> tuple[str, str, str]:
    """Return what stands before the noun's head, the head, and what follows it."""
    match = _PREPOSITION.match(noun)
    start, end = (match[1], match[2]) if match else (noun, "")
    before, space, head = start.rpartition(" ")
    return before + space, head, end


@lru_cache(maxsize=10_000)
def is_plural(noun: str) -> bool:
    """Return whether a noun takes "are": "wooden chairs", "scissors", but not "glass", "bus"."""
    _, head, _ = _split_head_noun(noun)
    head = head.lower()
    if head in _ALWAYS_PLURAL or head in _IRREGULAR.values():
        return True
    return len(head) > 3 and head.endswith("s") and _SINGULAR_IN_S.search(head) is None


@lru_cache(maxsize=10_000)
def plural(noun: str) -> str:
    """Return the plural of a noun: "lamp" -> "lamps", "loaf of bread" -> "loaves of bread"."""
    if is_plural(noun):
        return noun
    before, head, end = _split_head_noun(noun)
    lower = head.lower()
    if lower in _IRREGULAR:
        plural_head = _IRREGULAR[lower]
    elif lower in _NO_PLURAL:
        plural_head = head
    elif re.search(r"(s|x|z|ch|sh)$", lower) or lower in _O_TAKES_ES:
        plural_head = f"{head}es"
    elif re.search(r"[^aeiou]y$", lower):
        plural_head = f"{head[:-1]}ies"
    else:
        plural_head = f"{head}s"
    return f"{before}{plural_head}{end}"


@lru_cache(maxsize=10_000)
def counted(number: int, noun: str) -> str:
    """Return a number of things: "1 lamp", "3 lamps", "1 pair of scissors"."""
    if _split_head_noun(noun)[1].lower() in _COUNTED_IN_PAIRS:
        noun = f"pair of {noun}"
    return f"{number} {noun if number == 1 else plural(noun)}"


@lru_cache(maxsize=10_000)
def with_article(noun: str) -> str:
    """Return a noun with "a" or "an"; bare if it is plural."""
    if is_plural(noun):
        return noun
    first = noun.split(" ")[0]
    vowel = re.match(r"(?i)[aeiou]", first) and not re.match(r"(?i)(uni|use|eu|one\b|ute)", first)
    if len(first) > 1 and first.isupper():
        vowel = first[0] in "AEFHILMNORSX"
    return f"{'an' if vowel else 'a'} {noun}"


@lru_cache(maxsize=200_000)
def is_confusable(category_a: str, category_b: str) -> bool:
    """Return whether "the {one}" could be taken to mean an object of the other category.

    Known categories are looked up; other labels are alike if one's head noun is the other's, in
    whatever number ("wooden chair", "chairs"), or if their words are the same.
    """
    if category_a == category_b or any(
        category_a in group and category_b in group for group in _CONFUSABLE_GROUPS
    ):
        return True
    if _CATEGORY_PATTERN.fullmatch(category_a) and _CATEGORY_PATTERN.fullmatch(category_b):
        return False
    first, second = phrase(category_a).lower(), phrase(category_b).lower()
    heads = {plural(_split_head_noun(noun)[1]) for noun in (first, second)}
    return first == second or len(heads) == 1 or set(first.split()) == set(second.split())
