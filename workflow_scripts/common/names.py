"""Category names as people say them, and which categories people would take for one another."""

import re

# Where splitting the words does not give a singular noun that a person would use.
_PHRASES = {
    "AluminumFoil": "roll of aluminum foil",
    "ArmChair": "armchair",
    "BaseballBat": "baseball bat",
    "BasketBall": "basketball",
    "Blinds": "window blind",
    "Boots": "pair of boots",
    "Bread": "loaf of bread",
    "ButterKnife": "butter knife",
    "CD": "CD",
    "CounterTop": "countertop",
    "Desktop": "desktop computer",
    "DishSponge": "dish sponge",
    "Lettuce": "head of lettuce",
    "PaperTowelRoll": "paper towel roll",
    "RoomDecor": "room decoration",
    "SoapBar": "bar of soap",
    "TableTopDecor": "tabletop decoration",
    "TVStand": "TV stand",
    "ToiletPaper": "roll of toilet paper",
}
_CONFUSABLE = (
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
# Names that do not tell a person which thing is meant.
VAGUE = frozenset({"RoomDecor", "TableTopDecor"})


def phrase(category: str) -> str:
    """Return the singular noun for a category: "FloorLamp" -> "floor lamp"."""
    if category in _PHRASES:
        return _PHRASES[category]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\s_-]+", category)
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)


def confusable(one: str, other: str) -> bool:
    """Say whether "the {one}" could be taken to mean an object of the other category."""
    return one == other or any(one in group and other in group for group in _CONFUSABLE)
