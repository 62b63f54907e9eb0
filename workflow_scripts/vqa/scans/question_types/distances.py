"""Distances between objects from closest point to closest point: how far, and which is closest."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types.vsi_samples import (
    balanced_places,
    choice_sample,
    number_sample,
    place_truth,
)
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.reasoning import joined, length
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

ABSOLUTE, RELATIVE = "object_abs_distance", "object_rel_distance"
OPTIONS = 4
# Answers have one decimal, so of shorter distances they would be more than a sixth off.
MIN_DISTANCE_M = 0.3
TOO_NEAR = f"objects less than {MIN_DISTANCE_M} m apart"
NOT_CLEAR = "no four objects of which one is clearly the closest"
ABSOLUTE_WORDINGS = (
    "How far apart are the {a} and the {b} at their closest points, in meters?",
    "Measured between their closest points, how many meters are the {a} and the {b} apart?",
    "What is the shortest distance between the {a} and the {b}, in meters?",
    "How many meters of space are there between the {a} and the {b} where they are closest?",
    "In meters, how long is the straight line between the closest points of the {a} and the {b}?",
)
RELATIVE_WORDINGS = (
    "Which of these has its closest point nearest to the {x}: {options}?",
    "Measured between closest points, which one is closest to the {x}: {options}?",
    "Compare {list}. Which one comes closest to the {x}, from closest point to closest point?",
    "Which one has the smallest gap to the {x}: {options}?",
    "Among {list}, which is nearest to the {x} when distances are taken between closest points?",
)


def generate_absolute(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield questions for the distance of two objects, short and long ones alike."""
    named = context.alone
    pairs = []
    for place, one in enumerate(named):
        for other in named[place + 1 :]:
            distance_m = context.gap_m(one, other)
            if distance_m < MIN_DISTANCE_M:
                yield DroppedSample(ABSOLUTE, TOO_NEAR)
            else:
                pairs.append((distance_m, one.instance, other.instance))
    pairs.sort()
    number = min(settings.samples_per_type, len(pairs))
    # One from each part of the sorted distances.
    bounds = np.linspace(0, len(pairs), number + 1).round().astype(int)
    for low, high in itertools.pairwise(bounds.tolist()):
        distance_m, *instances = pairs[int(rng.integers(low, high))]
        one, other = (context.by_instance[instances[place]] for place in rng.permutation(2))
        yield number_sample(
            context,
            question_type=ABSOLUTE,
            text=pick(rng, ABSOLUTE_WORDINGS).format(a=one.phrase, b=other.phrase),
            value=distance_m,
            digits=1,
            answer_type="metres",
            referents=(one, other),
            margin=distance_m - MIN_DISTANCE_M,
            margin_unit="m",
            evidence={"distance_m": distance_m},
            reasoning=f"The closest points of the {one.phrase} and the {other.phrase} are "
            f"{distance_m:.2f} meters apart.",
        )


def generate_relative(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield choices of the one of four objects that is closest to another one."""
    named = context.alone
    drawn = []
    for anchor in named:
        sets = _sets_of_four(context, anchor, named, rng, settings)
        if not sets:
            yield DroppedSample(RELATIVE, NOT_CLEAR)
        drawn.append([(anchor, items) for items in sets])
    # One about each object, then a second one about each, and so on.
    rounds = [
        sets[number]
        for number in range(max(map(len, drawn), default=0))
        for sets in drawn
        if number < len(sets)
    ]
    # Only whole rounds could favour objects that come early.
    chosen = [rounds[place] for place in rng.permutation(len(rounds))[: settings.samples_per_type]]
    places = balanced_places(len(chosen), OPTIONS, rng)
    for (anchor, items), place in zip(chosen, places, strict=True):
        yield _relative_sample(context, anchor, items, place, rng)


def _sets_of_four(
    context: ScanContext,
    anchor: ScanObject,
    named: Sequence[ScanObject],
    rng: np.random.Generator,
    settings: ScanQuestionSettings,
) -> list[list[ScanObject]]:
    """Return sets of four objects, the closest to the anchor first and clearly so.

    What rests on the anchor or carries it is left out: its name would give it away. Every other
    object may be the closest of its set, not only the closest of all.
    """
    others = [
        (context.gap_m(anchor, item), item)
        for item in named
        if item is not anchor and item.parent != anchor.instance and anchor.parent != item.instance
    ]
    sets = []
    for gap_m, item in others:
        least_m = max(gap_m + settings.margin_m, gap_m * (1 + settings.margin_ratio))
        farther = [other for other_gap_m, other in others if other_gap_m >= least_m]
        if len(farther) >= OPTIONS - 1:
            wrong = rng.choice(len(farther), size=OPTIONS - 1, replace=False)
            sets.append([item, *(farther[index] for index in wrong)])
    return [sets[place] for place in rng.permutation(len(sets))]


def _relative_sample(
    context: ScanContext,
    anchor: ScanObject,
    items: list[ScanObject],
    place: int,
    rng: np.random.Generator,
) -> ScanSample:
    gaps = {item.instance: context.gap_m(anchor, item) for item in items}
    nearest_m, second_m, *_ = sorted(gaps.values())
    options = place_truth(items[0], items[1:], place, rng)
    nouns = [item.phrase for item in options]
    names = [f"the {noun}" for noun in nouns]
    distances = joined([f"{length(gaps[item.instance])} to the {item.phrase}" for item in options])
    return choice_sample(
        context,
        question_type=RELATIVE,
        text=pick(rng, RELATIVE_WORDINGS).format(
            x=anchor.phrase,
            options=f"{', '.join(names[:-1])} or {names[-1]}",
            list=joined(names),
        ),
        options=nouns,
        place=place,
        referents=(anchor, *options),
        margin=second_m - nearest_m,
        margin_unit="m",
        evidence={
            f"distance_{letter}_m": gaps[item.instance]
            for letter, item in zip("abcd", options, strict=True)
        },
        reasoning=f"From the {anchor.phrase} it is {distances}. The {items[0].phrase} has the "
        "shortest distance.",
    )
