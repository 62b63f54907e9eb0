"""Made-up scans of which words say much: bedrooms and kitchens with their own things and colors."""

import numpy as np

from tests.vqa.scans.rooms_by_hand import item, scan_of
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

# Category, size, colors that it usually has; what stands on the floor, then what is on it.
_FLOOR = {
    "bedroom": {
        "Bed": ((1.6, 2.0, 0.6), "white"),
        "Dresser": ((1.0, 0.5, 0.9), "brown"),
        "FloorLamp": ((0.3, 0.3, 1.6), "black"),
        "LaundryHamper": ((0.4, 0.4, 0.6), "beige"),
        "Chair": ((0.5, 0.5, 0.9), "blue"),
    },
    "kitchen": {
        "Fridge": ((0.8, 0.7, 1.8), "white"),
        "DiningTable": ((1.4, 0.8, 0.75), "brown"),
        "GarbageCan": ((0.4, 0.4, 0.6), "black"),
        "Chair": ((0.5, 0.5, 0.9), "red"),
        "HousePlant": ((0.4, 0.4, 0.8), "green"),
    },
}
_CARRIED = {
    "bedroom": {"Pillow": "white", "Book": "blue", "AlarmClock": "black"},
    "kitchen": {"Mug": "red", "Plate": "white", "Bottle": "green"},
}


def room(number: int) -> ScanContext:
    """Return a scan of one of the two kinds; all follows from the number."""
    rng = np.random.default_rng(number)
    kind = ("bedroom", "kitchen")[number % 2]
    items: list[ScanObject] = []
    places = [(x, y) for x in (1.0, 2.6, 4.2, 5.8) for y in (1.0, 3.2, 5.4)]
    spots = [places[place] for place in rng.permutation(len(places))]
    for category, (size, usual) in _FLOOR[kind].items():
        for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
            place = spots.pop()
            wide = float(rng.uniform(0.9, 1.1))
            items.append(
                item(
                    len(items) + 1,
                    category,
                    (place[0] + float(rng.uniform(0, 0.5)), place[1]),
                    (size[0] * wide, size[1], size[2]),
                    colour=_colour(usual, rng),
                )
            )
    carriers = [one for one in items if one.category in ("Bed", "Dresser", "DiningTable")]
    for category, usual in _CARRIED[kind].items():
        for _ in range(int(rng.choice([0, 1, 1, 2]))):
            if not carriers:
                continue
            carrier = carriers[int(rng.integers(len(carriers)))]
            x, y = carrier.centre_m[:2] + rng.uniform(-0.2, 0.2, size=2)
            items.append(
                item(
                    len(items) + 1,
                    category,
                    (float(x), float(y)),
                    (0.2, 0.2, 0.1),
                    bottom=carrier.top_m,
                    parent=carrier.instance,
                    colour=_colour(usual, rng),
                )
            )
    return scan_of(*items, scene_id=f"{kind}-{number}")


def _colour(usual: str, rng: np.random.Generator) -> str:
    return usual if rng.random() < 0.7 else str(rng.choice(["red", "blue", "green", "white"]))
