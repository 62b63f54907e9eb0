"""What the question types of VSI-Bench have in common: objects to name, options, balanced draws."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.routes import floor_height_m
from workflow_scripts.vqa.scans.samples import new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

Key = TypeVar("Key")
Item = TypeVar("Item")
LETTERS = "ABCDEFGH"
# Of how many objects of a scan three or more are combined.
MAX_OBJECTS = 24
# What one can stand by or walk to: nothing small, above all not on something else or high up.
LANDMARK_SIDE_M, SUPPORTED_SIDE_M, LANDMARK_BOTTOM_M = 0.3, 0.5, 1.8


def some_of(
    items: Sequence[Item], rng: np.random.Generator, *, limit: int = MAX_OBJECTS
) -> list[Item]:
    """Return the items, or a part drawn at random where there are more than a limit, in order."""
    if len(items) <= limit:
        return list(items)
    return [items[place] for place in sorted(rng.permutation(len(items))[:limit].tolist())]


def landmarks(context: ScanContext) -> list[ScanObject]:
    """Return the objects that their noun alone names and that one can stand by."""
    floor_m = floor_height_m(context)
    return [
        item
        for item in context.alone
        if item.bottom_m - floor_m <= LANDMARK_BOTTOM_M
        and max(item.size_m) >= (SUPPORTED_SIDE_M if item.parent else LANDMARK_SIDE_M)
    ]


def draw_balanced(
    groups: Mapping[Key, Sequence[Item]], limit: int, rng: np.random.Generator
) -> list[tuple[Key, Item]]:
    """Return at most `limit` items of groups, as many from each, in random order.

    Groups are answers, none of which is to be the more likely one. Where a group has no item, each
    of the others gives one.
    """
    shuffled = {
        key: [items[place] for place in rng.permutation(len(items))]
        for key, items in groups.items()
    }
    rounds = max(1, min(map(len, shuffled.values()), default=0))
    keys = list(shuffled)
    drawn = [
        (keys[place], shuffled[keys[place]][number])
        for number in range(rounds)
        for place in rng.permutation(len(keys))
        if number < len(shuffled[keys[place]])
    ]
    return drawn[:limit]


def balanced_places(number: int, options: int, rng: np.random.Generator) -> list[int]:
    """Return for a number of questions which option is the right one: all equally often, up to one.

    The order is random, and so are the options that are once more often right.
    """
    places: list[int] = []
    while len(places) < number:
        places += rng.permutation(options).tolist()
    return places[:number]


def place_truth(
    truth: Item, wrong: Sequence[Item], place: int, rng: np.random.Generator
) -> list[Item]:
    """Return options in random order, with the true one at a place."""
    options = [wrong[index] for index in rng.permutation(len(wrong))]
    options.insert(place, truth)
    return options


def choice_sample(
    context: ScanContext,
    *,
    question_type: str,
    text: str,
    options: Sequence[str],
    place: int,
    reasoning: str,
    margin: float,
    **values: Any,
) -> ScanSample:
    """Return a multiple choice whose right option is at a place."""
    letter = LETTERS[place]
    return new_sample(
        context,
        task="question",
        question_type=question_type,
        text=text,
        answer=letter,
        answers=[letter],
        answer_type="choice",
        truth=letter,
        options=list(options),
        reasoning=f"{reasoning} So the answer is {letter}.",
        margin=round(float(margin), 4),
        **values,
    )


def number_sample(
    context: ScanContext,
    *,
    question_type: str,
    text: str,
    value: float,
    digits: int,
    answer_type: str,
    reasoning: str,
    margin: float,
    **values: Any,
) -> ScanSample:
    """Return a question for a number, which is written with so many digits after the point.

    The truth is the number as it is written, as in the benchmark.
    """
    answer = f"{value:.{digits}f}"
    return new_sample(
        context,
        task="question",
        question_type=question_type,
        text=text,
        answer=answer,
        answers=[answer],
        answer_type=answer_type,
        truth=float(answer),
        reasoning=f"{reasoning} So the answer is {answer}.",
        margin=round(float(margin), 4),
        **values,
    )
