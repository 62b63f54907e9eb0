"""Two views of one room: the same object in both, and which view is nearer to something.

"First" and "second" are the pictures from left to right.
"""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.vqa.batch import YES_NO, Batch
from workflow_scripts.vqa.evidence import distances_in_both_views, no_quantities
from workflow_scripts.vqa.measures import distance_readings_m, smallest_agreeing
from workflow_scripts.vqa.question_types.ranking import MENTION_ORDINALS
from workflow_scripts.vqa.question_types.two_views import TwoViews, make_batch
from workflow_scripts.vqa.reasoning import comparison
from workflow_scripts.vqa.reasoning.question_instance import RECOGNITION_ONLY
from workflow_scripts.vqa.view_pair import ViewPair


def _same_object(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    places = list(pair.marks.values())
    if len(places) < 1 + len(MENTION_ORDINALS):
        return
    first_appearance, matching_appearance, *others = places
    for number, place in enumerate(MENTION_ORDINALS):
        three = [others[index] for index in rng.permutation(len(others)).tolist()]
        three.insert(number, matching_appearance)
        yield make_batch(
            family, "which", place, [[*three, first_appearance]], 1.0,
            winner=number, choices=None, num_choices=len(three),
        )  # fmt: skip


def _same_instance(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    if not pair.marks:
        return
    first_appearance, *others = pair.marks.values()
    facts = {"yes": others[:1], "no": others[1:]}
    for answer, chosen in facts.items():
        yield make_batch(
            family, "yes_no", answer, [[first_appearance, other] for other in chosen], 1.0,
            fact_ids=np.array(chosen), answers=family.templates[answer], truth=answer,
            choices=YES_NO,
        )  # fmt: skip


def _nearer_view(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    readings = [distance_readings_m(context) for context in (pair.first, pair.second)]
    for number, (a, b) in enumerate(pair.same_name_pairs):
        differences = [
            other[b : b + 1] - one[a : a + 1] for one, other in zip(*readings, strict=False)
        ]
        nearer = smallest_agreeing(*differences)[0]
        if abs(nearer) >= pair.margins.metres:
            option = "first" if nearer > 0 else "second"
            yield make_batch(
                family, "which", option, [[a]], abs(nearer), fact_ids=np.array([number]),
                shared_slots={"option": option}, truth=option, choices=("first", "second"),
            )  # fmt: skip


SAME_OBJECT = TwoViews(
    name="same_object",
    forms=("marked",),
    unit="",
    reasoning=RECOGNITION_ONLY,
    frame="picture",
    evidence=no_quantities,
    generate_batches=_same_object,
    sentences={
        "which": (
            "Which mark in the second picture is on the same object as {d} in the first: {a}, {b} "
            "or {c}?",
            "Which of {a}, {b} and {c} is on the same object as {d}?",
            "Both pictures show the same room. Which mark is on the same object as {d}: {a}, {b} "
            "or {c}?",
            "Find the object at {d} in the second picture. Is it at {a}, {b} or {c}?",
        ),
        "answers": (
            "{winner} is on the same object.",
            "{winner}.",
            "It's {winner}.",
            "I'd say {winner}.",
        ),
    },
)
SAME_INSTANCE = TwoViews(
    name="same_instance",
    forms=("marked",),
    unit="",
    reasoning=RECOGNITION_ONLY,
    frame="picture",
    evidence=no_quantities,
    generate_batches=_same_instance,
    sentences={
        "yes_no": (
            "Are {a} and {b} on the same object?",
            "Are {a} in the first picture and {b} in the second on the same object?",
            "Both pictures show the same room. Are {a} and {b} on the same object?",
            "Is the object at {a} in the first picture the one at {b} in the second?",
        ),
        "yes": (
            "Yes, {a} and {b} are on the same object.",
            "Yes, it is the same object.",
            "Yes, both marks are on the same object.",
            "Yes, I'd say it is the same object.",
        ),
        "no": (
            "No, {a} and {b} are on different objects.",
            "No, they are different objects.",
            "No, the two marks are on different objects.",
            "No, I'd say they are different objects.",
        ),
    },
)
NEARER_VIEW = TwoViews(
    name="nearer_view",
    forms=("named",),
    unit="m",
    reasoning=comparison.nearer_view,
    frame="camera",
    evidence=distances_in_both_views,
    generate_batches=_nearer_view,
    sentences={
        "which": (
            "Which picture was taken closer to {a}, the first or the second?",
            "In which picture {is_a} {a} closer to the camera, the first or the second?",
            "Was the first or the second picture taken closer to {a}?",
            "Is the camera closer to {a} in the first or the second picture?",
        ),
        "answers": (
            "The {option} picture.",
            "The {option} one.",
            "It's the {option} picture.",
            "The {option} picture was taken closer to {a}.",
        ),
    },
)
