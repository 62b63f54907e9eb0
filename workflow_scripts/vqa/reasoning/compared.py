"""Steps of comparisons: of two objects by one number each, of three for the first or the second."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.vqa.measures import widths_m
from workflow_scripts.vqa.reasoning.fact import Fact, listed, numbers, pixels, sentence
from workflow_scripts.vqa.reasoning.numbers import Number, Unclear, less, minus, more, over, times
from workflow_scripts.vqa.sight import Sight


@dataclass(frozen=True)
class Scale:
    """What objects are compared by.

    `values` gives a number [n]; `text` says of `{name}` what its number is, with `{is}` agreeing:
    "the height of {name} is {value} m"; `intro` goes before the first. `ratio`: sizes are divided,
    other numbers subtracted. `sign` is -1 where the first pole of the family has the smaller
    number. Of pixels the number is printed, not the middle.
    """

    values: Callable[[Sight], FloatArray]
    text: str
    intro: str = ""
    sign: int = 1
    ratio: bool = False
    pixels: bool = False

    def number(self, fact: Fact, place: int, digits: int) -> Number:
        """Return an object's number as printed."""
        return self.numbers(fact, [place], digits)[0]

    def numbers(self, fact: Fact, places: list[int], digits: int) -> list[Number]:
        """Return the numbers of objects as printed."""
        values = self.values(fact.sight)[places]
        return pixels(values) if self.pixels else numbers(values, digits)

    def clause(self, fact: Fact, place: int, value: Number) -> str:
        """Return the clause that gives an object's number."""
        words = {"name": fact.name(place), "value": value, "is": fact.be(place)}
        return self.text.format(**words)

    def clauses(self, fact: Fact, places: list[int], values: list[Number]) -> str:
        """Return the sentence that gives several objects' numbers."""
        said = [self.clause(fact, *one) for one in zip(places, values, strict=True)]
        return sentence(self.intro, listed(said))


COLUMN = Scale(
    lambda sight: sight.mark_px[:, 0],
    "{name} {is} at column {value}",
    "counted from the left of the picture",
    sign=-1,
    pixels=True,
)
LINE = Scale(
    lambda sight: sight.mark_px[:, 1],
    "{name} {is} at row {value}",
    "counted from the top of the picture",
    sign=-1,
    pixels=True,
)
CENTRE_HEIGHT = Scale(
    lambda sight: sight.measured.centre_m[:, 2], "the centre of {name} is at a height of {value} m"
)
TOP = Scale(
    lambda sight: sight.measured.high_m[:, 2], "the top of {name} is at a height of {value} m"
)
UNDERSIDE = Scale(
    lambda sight: sight.measured.low_m[:, 2], "the underside of {name} is at a height of {value} m"
)
DEPTH = Scale(
    lambda sight: sight.measured.centre_camera_m[:, 2],
    "the centre of {name} is {value} m from the camera",
    "along the line of sight",
    sign=-1,
)
DISTANCE = Scale(
    lambda sight: sight.measured.distance_m,
    "the centre of {name} is {value} m from the camera",
    sign=-1,
)
HEIGHT = Scale(
    lambda sight: sight.measured.size_m[:, 2], "the height of {name} is {value} m", ratio=True
)
WIDTH = Scale(
    lambda sight: sight.measured.size_m[:, 0], "the width of {name} is {value} m", ratio=True
)
LENGTH = Scale(
    lambda sight: sight.measured.size_m[:, :2].max(axis=1),
    "the longer side of {name} is {value} m",
    ratio=True,
)


def two(scale: Scale) -> Callable[[Fact, int], list[str]]:
    """Return the steps of a comparison of two objects."""

    def write(fact: Fact, digits: int) -> list[str]:
        values = scale.numbers(fact, fact.places, digits)
        return [scale.clauses(fact, fact.places, values), _verdict(scale, fact, values)]

    return write


def _verdict(scale: Scale, fact: Fact, values: list[Number]) -> str:
    ahead = values[fact.places.index(fact.winner)]
    behind = values[1 - fact.places.index(fact.winner)]
    sign = scale.sign if fact.batch.pole == "0" else -scale.sign
    high, low = (ahead, behind) if sign > 0 else (behind, ahead)
    more(high, low)
    step, _ = over(high, low) if scale.ratio else minus(high, low)
    return sentence(step, _so(fact))


def _so(fact: Fact) -> str:
    place = fact.winner
    return f"so {fact.name(place)} {fact.be(place)} {fact.batch.words['extreme']}"


def wider(fact: Fact, digits: int) -> list[str]:
    """Compare the least width of one with the greatest of the other: a front may be unknown."""
    least, most, _ = widths_m(fact.sight)
    places, first = fact.places, fact.batch.pole == "0"
    wide = fact.winner if first else next(one for one in places if one != fact.winner)
    clauses = []
    values = {}
    for place in places:
        one = numbers([(least if place == wide else most)[place]], digits)[0]
        known = bool(fact.sight.measured.has_front[place])
        hedge = "" if known else "at least " if place == wide else "at most "
        clauses.append(f"the width of {fact.name(place)} is {hedge}{one} m")
        values[place] = one
    narrow = next(one for one in places if one != wide)
    more(values[wide], values[narrow])
    step, _ = over(values[wide], values[narrow])
    return [sentence(listed(clauses)), sentence(step, _so(fact))]


def _volumes(fact: Fact, places: list[int], digits: int) -> tuple[list[str], list[Number]]:
    steps, found = [], []
    for place in places:
        # A cubic centimetre is a millionth of a cubic metre: small things need more digits.
        sides = numbers(fact.sight.measured.size_m[place], digits)
        text, volume = times(*sides)
        steps.append(sentence(f"the volume of {fact.name(place)} is {text} cubic metres"))
        found.append(volume)
    return steps, found


def bigger(fact: Fact, digits: int) -> list[str]:
    """Compare volumes."""
    steps, volumes = _volumes(fact, fact.places, digits)
    ahead = fact.places.index(fact.winner)
    first = fact.batch.pole == "0"
    high, low = volumes[ahead if first else 1 - ahead], volumes[1 - ahead if first else ahead]
    return [*steps, sentence(more(high, low), _so(fact))]


def three(scale: Scale, *, most: bool, rank: int = 0) -> Callable[[Fact, int], list[str]]:
    """Return the steps of a pick of the object with the most, or the least; or the next to it."""

    def write(fact: Fact, digits: int) -> list[str]:
        places = fact.places[:3]
        values = scale.numbers(fact, places, digits)
        said = scale.clauses(fact, places, values)
        return [said, _picked(fact, places, values, most=most, rank=rank)]

    return write


def biggest(*, most: bool) -> Callable[[Fact, int], list[str]]:
    """Return the steps of a pick by volume."""

    def write(fact: Fact, digits: int) -> list[str]:
        places = fact.places[:3]
        steps, volumes = _volumes(fact, places, digits)
        return [*steps, _picked(fact, places, volumes, most=most, rank=0)]

    return write


def gaps(*, most: bool) -> Callable[[Fact, int], list[str]]:
    """Return the steps of a pick by the gap to a fourth object."""

    def write(fact: Fact, digits: int) -> list[str]:
        *places, anchor = fact.places
        values = numbers(fact.sight.measured.gap_m[anchor, places], digits)
        clauses = [
            f"{value} m from {fact.name(place)}"
            for place, value in zip(places, values, strict=True)
        ]
        said = sentence(f"the gap to {fact.name(anchor)} is {listed(clauses)}")
        return [said, _picked(fact, places, values, most=most, rank=0)]

    return write


def carried_by(fact: Fact, digits: int) -> list[str]:
    """Compare the underside of a fourth object with the tops of the three."""
    *places, carried = fact.places
    under = UNDERSIDE.number(fact, carried, digits)
    tops = TOP.numbers(fact, places, digits)
    high_low = [sorted((under, top), key=lambda one: -one.value) for top in tops]
    steps, apart = zip(*(minus(*pair) for pair in high_low), strict=True)
    said = [
        sentence(UNDERSIDE.clause(fact, carried, under)),
        TOP.clauses(fact, places, tops),
        sentence(f"the differences are {listed(steps)}"),
    ]
    return [*said, _picked(fact, places, list(apart), most=False, rank=0)]


def _picked(fact: Fact, places: list[int], values: list[Number], *, most: bool, rank: int) -> str:
    """Say which number decides; `Unclear` if two that matter are printed alike."""
    order = sorted(values, key=lambda one: one.value, reverse=most)
    printed = [str(one) for one in order]
    place = places[values.index(order[rank])]
    if place != fact.winner or printed.count(printed[rank]) > 1:
        raise Unclear
    if rank:
        way = "largest" if most else "smallest"
        found = f"from the {way} on the order is {listed(printed)}, so the second is {order[rank]}"
    else:
        found = f"the {'largest' if most else 'smallest'} of these is {order[0]}"
    return sentence(found, f"which is that of {fact.name(place)}")


def nearer_view(fact: Fact, digits: int) -> list[str]:
    """Compare the distances of one object from two cameras."""
    pair = fact.pair
    assert pair is not None
    (place,) = fact.places
    rows = next((a, b) for a, b in pair.shared if a == place)
    values = numbers(
        [
            sight.measured.distance_m[row]
            for sight, row in zip((pair.first, pair.second), rows, strict=True)
        ],
        digits,
    )
    said = sentence(
        f"the centre of {fact.name(place)} is {values[0]} m from the camera of the first picture "
        f"and {values[1]} m from that of the second"
    )
    is_first = fact.batch.answer == "first"
    near, far = values if is_first else values[::-1]
    return [said, sentence(less(near, far), f"so it is the {fact.batch.answer} picture")]


def counted(fact: Fact, digits: int) -> list[str]:
    """Say where the things of a kind are, and how many that makes."""
    columns = pixels(np.sort(fact.sight.mark_px[fact.places, 0]))
    things = fact.batch.columns["things"][fact.row]
    if len(columns) == 1:
        said = sentence(f"of {things} there is one, at column {columns[0]} of the picture")
        return [said, sentence("that makes 1 in all")]
    where = listed([str(one) for one in columns])
    said = sentence(f"{things} are at columns {where} of the picture")
    return [said, sentence(f"that makes {len(columns)} in all")]
