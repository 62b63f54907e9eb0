"""How a question calls the objects it speaks of, so that each name means one object in view.

Named: by the noun if no other thing in view could be meant; among several of a kind by the place
in their row ("the second chair from the left"), or by what carries it ("the vase on the desk").
Marked and boxed: by the colour drawn on the picture. Region: by a tag that a mask stands for.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.names import VAGUE, confusable, is_plural
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Book
from workflow_scripts.vqa.contact import on_top
from workflow_scripts.vqa.measures import px_to_the_left
from workflow_scripts.vqa.sight import Sight

ORDINALS = ("first", "second", "third", "fourth", "fifth")
MAX_IN_ROW = 5


@dataclass(frozen=True, eq=False)
class Named:
    """Which rows of a sight can be named, and how; `by_place` holds the rows named by place.

    `reasons` says by row why the others cannot.
    """

    nouns: Mapping[int, str]
    by_place: frozenset[int]
    reasons: Mapping[int, str]


def named(sight: Sight, *, margin_px: float) -> Named:
    """Name the objects of a sight; a name of two or more is given to neither."""
    nouns: dict[int, str] = {}
    reasons: dict[int, str] = {}
    by_place: set[int] = set()
    rows_of: dict[str, list[int]] = {}
    for row, category in enumerate(sight.categories):
        rows_of.setdefault(category, []).append(row)
    alone = {}
    for category, rows in rows_of.items():
        if category in VAGUE or not sight.nouns[rows[0]].strip():
            reasons.update(dict.fromkeys(rows, "object without a telling name"))
        elif any(confusable(category, other) for other in sight.in_view if other != category):
            reasons.update(dict.fromkeys(rows, "an object of a similar name in view"))
        elif sight.in_view[category] == 1:
            nouns[rows[0]] = sight.nouns[rows[0]]
            alone[category] = rows[0]
    for category, rows in rows_of.items():
        if rows[0] in reasons or category in alone:
            continue
        places = {}
        if sight.in_view[category] == len(rows):
            places = row_names(sight, rows, margin_px=margin_px)
            by_place.update(places)
        carried = {} if places else _names_by_carrier(sight, rows, alone)
        found = places or carried
        nouns.update(found)
        for row in rows:
            if row not in found:
                reasons[row] = "another object of that name in view"
    return Named(nouns, frozenset(by_place), reasons)


def row_names(sight: Sight, rows: Sequence[int], *, margin_px: float) -> dict[int, str]:
    """Name singular things of one kind by their order from left to right, if it is clear."""
    noun = sight.nouns[rows[0]]
    if not 2 <= len(rows) <= MAX_IN_ROW or is_plural(noun):
        return {}
    left = px_to_the_left(sight)[0]
    order = sorted(rows, key=lambda row: sight.mark_px[row, 0])
    if any(left[one, other] < margin_px for one, other in itertools.pairwise(order)):
        return {}
    return dict(zip(order, place_names(noun, len(order)), strict=True))


def place_names(noun: str, number: int) -> list[str]:
    """Return what to call each of a row of things, from left to right."""
    if number == 2:
        return [f"left {noun}", f"right {noun}"]
    middle = [f"{ORDINALS[place]} {noun} from the left" for place in range(1, number - 1)]
    return [f"leftmost {noun}", *middle, f"rightmost {noun}"]


def _names_by_carrier(
    sight: Sight, rows: Sequence[int], alone: Mapping[str, int]
) -> dict[int, str]:
    """Name those of a kind that alone stand on something that needs no more than its noun."""
    carried = on_top(sight) > 0
    names = {}
    for category, carrier in alone.items():
        on_it = [row for row in rows if carried[row, carrier]]
        # Another of the kind that is not known well might stand there too.
        known = sight.in_view[sight.categories[rows[0]]] == len(rows)
        if len(on_it) == 1 and known and category != sight.categories[rows[0]]:
            names[on_it[0]] = f"{sight.nouns[on_it[0]]} on the {sight.nouns[carrier]}"
    return names


def name_book(sight: Sight, names: Named) -> Book:
    """Return the book of the named form."""
    bare = [names.nouns.get(row, "") for row in range(len(sight))]
    return Book([f"the {noun}" for noun in bare], bare, [is_plural(noun) for noun in bare])


def mark_book(number: int, colours: Mapping[int, str], form: Form, *, of_object: bool) -> Book:
    """Return the book of a form with marks, boxes or regions; `colours` by row.

    `of_object`: the question is about the thing, not about the place of its mark.
    """
    phrases, bare = [], []
    for row in range(number):
        colour = colours.get(row, "")
        if form == "region":
            phrases.append(colour)
        elif form == "boxed":
            phrases.append(f"the object in the {colour} box")
        else:
            phrases.append(
                f"the object at the {colour} mark" if of_object else f"the {colour} mark"
            )
        bare.append(colour)
    return Book(phrases, bare, np.zeros(number, dtype=bool).tolist())
