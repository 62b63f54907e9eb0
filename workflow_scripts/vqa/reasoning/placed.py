"""Steps of questions for a place in the picture: shares of its sides, the n-th from one side."""

from workflow_scripts.vqa.reasoning.fact import Fact, listed, numbers, pixels, sentence
from workflow_scripts.vqa.reasoning.numbers import Number, Unclear, number, over
from workflow_scripts.vqa.refer import ORDINALS


def _shares(fact: Fact, edges: list[Number]) -> tuple[str, list[Number]]:
    sides = [number(side, 0) for side in fact.sight.size_px]
    steps, found = zip(
        *(over(edge, sides[place % 2]) for place, edge in enumerate(edges)), strict=True
    )
    if f"({', '.join(map(str, found))})" != fact.value:
        raise Unclear
    return sentence(f"as shares of the width and the height, {listed(steps)}"), list(found)


def _size(fact: Fact) -> str:
    width, height = fact.sight.size_px
    return f"the picture is {width} pixels wide and {height} high"


def point(fact: Fact, digits: int) -> list[str]:
    """Divide the pixel of an object by the picture's sides."""
    (place,) = fact.places
    column, row = numbers(fact.sight.mark_px[place], digits - 1)
    target = fact.batch.columns["target"][fact.row]
    said = f"a point on {target} is at column {column} and row {row}"
    return [sentence(_size(fact)), sentence(said), _shares(fact, [column, row])[0]]


def box(fact: Fact, digits: int) -> list[str]:
    """Divide the edges of an object's box by the picture's sides."""
    (place,) = fact.places
    edges = numbers(fact.sight.measured.box_px[place], 0)
    target = fact.batch.columns["target"][fact.row]
    left, top, right, bottom = edges
    said = (
        f"what is seen of {target} reaches from column {left} to {right} and from row {top} to "
        f"{bottom}"
    )
    return [sentence(_size(fact)), sentence(said), _shares(fact, edges)[0]]


def _order(fact: Fact, digits: int) -> str:
    """Say which of a kind comes first, second and so on from a side or the camera."""
    (place,) = fact.places
    sight = fact.sight
    target = fact.batch.columns["target"][fact.row]
    rows = [row for row, one in enumerate(sight.categories) if one == sight.categories[place]]
    if target.endswith("from the camera"):
        distances = sight.measured.distance_m
        order = sorted(rows, key=lambda row: distances[row])
        values = numbers(distances[order], digits)
        where, unit = "the distances of their centres from the camera, nearest first, are", " m"
    else:
        columns = sight.mark_px[:, 0]
        left = target.endswith("from the left")
        order = sorted(rows, key=lambda row: columns[row] if left else -columns[row])
        values = pixels(columns[order])
        where, unit = (
            f"{target.rpartition(' from ')[2]}".join(("from ", " on, their columns are")),
            "",
        )
    number_in_row = order.index(place)
    printed = [str(one) for one in values]
    if f" {ORDINALS[number_in_row]} " not in f" {target} " or len(set(printed)) < len(printed):
        raise Unclear
    said = f"{where} {listed(printed)}{unit}"
    return sentence(said, f"so {target} is the one at {printed[number_in_row]}{unit}")


def nth_point(fact: Fact, digits: int) -> list[str]:
    """Find the n-th of a kind, then its point."""
    return [_order(fact, digits), *point(fact, digits)]


def nth_box(fact: Fact, digits: int) -> list[str]:
    """Find the n-th of a kind, then its box."""
    return [_order(fact, digits), *box(fact, digits)]
