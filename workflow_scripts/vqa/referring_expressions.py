"""How a question refers to objects, so that each phrase means one object in view.

Named: by the noun if no other object in view could be meant; among several of a category by the
position in their row ("the second chair from the left"), or by what supports it ("the vase on the
desk"). Marked and boxed: by the colour drawn on the picture. Region: by a tag that stands for a
mask.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_confusable, is_plural
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.contact import on_top
from workflow_scripts.vqa.measures import px_to_the_left
from workflow_scripts.vqa.view_context import ViewContext

ORDINALS = ("first", "second", "third", "fourth", "fifth")
MAX_IN_ROW = 5


@dataclass(frozen=True, eq=False)
class NamedObjects:
    """Which rows of a view context can be named, and how.

    `by_position` holds the rows that are named by their position.

    `reasons` says by row why the others cannot.
    """

    nouns: Mapping[int, str]
    by_position: frozenset[int]
    reasons: Mapping[int, str]


def name_objects(view_context: ViewContext, *, margin_px: float) -> NamedObjects:
    """Name the objects of a view; a name that fits several objects is given to none."""
    nouns: dict[int, str] = {}
    reasons: dict[int, str] = {}
    by_position: set[int] = set()
    rows_of: dict[str, list[int]] = {}
    for row, category in enumerate(view_context.categories):
        rows_of.setdefault(category, []).append(row)
    unique_rows = {}
    for category, rows in rows_of.items():
        if category in VAGUE_CATEGORIES or not view_context.nouns[rows[0]].strip():
            reasons.update(dict.fromkeys(rows, "object with a vague category name"))
        elif any(
            is_confusable(category, other) for other in view_context.in_view if other != category
        ):
            reasons.update(dict.fromkeys(rows, "an object of a similar name in view"))
        elif view_context.in_view[category] == 1:
            nouns[rows[0]] = view_context.nouns[rows[0]]
            unique_rows[category] = rows[0]
    for category, rows in rows_of.items():
        if rows[0] in reasons or category in unique_rows:
            continue
        places = {}
        if view_context.in_view[category] == len(rows):
            places = names_by_position(view_context, rows, margin_px=margin_px)
            by_position.update(places)
        supported = {} if places else _names_by_support(view_context, rows, unique_rows)
        found = places or supported
        nouns.update(found)
        for row in rows:
            if row not in found:
                reasons[row] = "another object of that name in view"
    return NamedObjects(nouns, frozenset(by_position), reasons)


def names_by_position(
    view_context: ViewContext, rows: Sequence[int], *, margin_px: float
) -> dict[int, str]:
    """Name singular objects of one category by their order from left to right, if it is clear."""
    noun = view_context.nouns[rows[0]]
    if not 2 <= len(rows) <= MAX_IN_ROW or is_plural(noun):
        return {}
    left = px_to_the_left(view_context)[0]
    order = sorted(rows, key=lambda row: view_context.mark_px[row, 0])
    if any(left[one, other] < margin_px for one, other in itertools.pairwise(order)):
        return {}
    return dict(zip(order, position_names(noun, len(order)), strict=True))


def position_names(noun: str, number: int) -> list[str]:
    """Return the names of a row of objects, from left to right."""
    if number == 2:
        return [f"left {noun}", f"right {noun}"]
    middle = [f"{ORDINALS[place]} {noun} from the left" for place in range(1, number - 1)]
    return [f"leftmost {noun}", *middle, f"rightmost {noun}"]


def ordinal_name(noun: str, place: int, side: str) -> str:
    """Return what to call the object at a place, from 0, counted from the left, right or camera."""
    if side == "camera":
        rank = f"{ORDINALS[place]} closest" if place else "closest"
        return f"{noun} {rank} to the camera"
    return f"{ORDINALS[place]} {noun} from the {side}" if place else f"{side}most {noun}"


def _names_by_support(
    view_context: ViewContext, rows: Sequence[int], unique_rows: Mapping[str, int]
) -> dict[int, str]:
    """Name objects of a category of which just one stands on an object with a unique noun."""
    supported = on_top(view_context) > 0
    names = {}
    for category, support in unique_rows.items():
        supported_rows = [row for row in rows if supported[row, support]]
        # Another object of the category that is not known well might stand on it too.
        known = view_context.in_view[view_context.categories[rows[0]]] == len(rows)
        if len(supported_rows) == 1 and known and category != view_context.categories[rows[0]]:
            names[supported_rows[0]] = (
                f"{view_context.nouns[supported_rows[0]]} on the {view_context.nouns[support]}"
            )
    return names


def name_expressions(view_context: ViewContext, names: NamedObjects) -> ReferringExpressions:
    """Return the referring expressions of the named form."""
    bare = [names.nouns.get(row, "") for row in range(len(view_context))]
    return ReferringExpressions(
        [f"the {noun}" for noun in bare], bare, [is_plural(noun) for noun in bare]
    )


def mark_expressions(
    number: int, colours: Mapping[int, str], form: Form, *, of_object: bool
) -> ReferringExpressions:
    """Return the referring expressions of a form with marks, boxes or regions; `colours` by row.

    `of_object`: the question is about the object, not about the position of its mark.
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
    return ReferringExpressions(phrases, bare, np.zeros(number, dtype=bool).tolist())
