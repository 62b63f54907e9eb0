"""Two views of one room: the same object in both, and which view is nearer to something.

"First" and "second" are the pictures from left to right.
"""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.vqa.batch import YES_NO, Batch
from workflow_scripts.vqa.evidence import distances_in_both_views, no_quantities
from workflow_scripts.vqa.measures import smallest_agreeing
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
    one, other = pair.first.measured, pair.second.measured
    for number, (a, b) in enumerate(pair.same_name_pairs):
        nearer = smallest_agreeing(
            np.array([other.distance_m[b] - one.distance_m[a]]),
            np.array([other.nearest_m[b] - one.nearest_m[a]]),
        )[0]
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
            "Which mark in the second picture is on the object at {d} in the first picture: {a}, "
            "{b} or {c}?",
            "The object at {d} in the first picture is at which mark in the second: {a}, {b} or "
            "{c}?",
            "Find the object at {d} of the first picture in the second one. Is it at {a}, {b} or "
            "{c}?",
            "Both pictures show one room. Which of {a}, {b} and {c} is on the same object as {d}?",
            "Which one marks the same object as {d}: {a}, {b} or {c}?",
            "In the second picture, which mark is on what {d} marks in the first: {a}, {b} or {c}?",
            "Compare the two pictures: which of {a}, {b} and {c} lies on the object at {d}?",
            "Tell me which mark of the second picture is on the object at {d}: {a}, {b} or {c}.",
            "What {d} marks in the first picture is marked in the second by which one: {a}, {b} "
            "or {c}?",
            "Choose the mark that is on the object at {d}: {a}, {b} or {c}.",
            "Seen from the second place, is the object at {d} under {a}, {b} or {c}?",
            "One of {a}, {b} and {c} is on the object at {d}. Which one?",
        ),
        "answers": (
            "It is {winner}.",
            "{winner}.",
            "{winner} is on the same object.",
            "The same object is at {winner}.",
            "In the second picture it is at {winner}.",
            "I would say {winner}.",
            "The object is at {winner} there.",
            "{winner} marks it in the second picture.",
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
            "Are {a} in the first picture and {b} in the second on the same object?",
            "Do {a} and {b} mark the same object in the two pictures?",
            "Is the object at {a} of the first picture the one at {b} of the second?",
            "Does {b} in the second picture mark what {a} marks in the first?",
            "Both pictures show one room. Do {a} and {b} lie on one and the same object?",
            "Is it true that {a} and {b} are on the same object?",
            "Would you say that {a} and {b} mark one object, seen twice?",
            "Tell me whether {a} and {b} are on the same object.",
            "Please check whether the object at {a} is the object at {b}.",
            "Can you tell if {a} and {b} mark the same thing?",
            "Do you agree that {a} and {b} lie on the same thing?",
            "Compare the two pictures: is it one object that {a} and {b} mark?",
        ),
        "yes": (
            "Yes, {a} and {b} are on the same object.",
            "Yes, it is the same object.",
            "Yes, both mark one object.",
            "Yes, that is one object seen twice.",
            "Yes, {b} marks the object at {a}.",
            "Yes, I would say it is the same one.",
            "Yes, they lie on the same thing.",
            "Yes, the object is the same.",
        ),
        "no": (
            "No, {a} and {b} are on different objects.",
            "No, it is another object.",
            "No, they mark different objects.",
            "No, those are two objects.",
            "No, {b} marks another object than {a}.",
            "No, I would say it is another one.",
            "No, they lie on different things.",
            "No, the objects are different.",
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
            "In which picture is the camera nearer to {a}, the first or the second?",
            "Which picture was taken nearer to {a}, the first or the second?",
            "Is the camera closer to {a} in the first picture or in the second?",
            "From which picture's place is it less far to {a}: the first or the second?",
            "In which of the two pictures, first or second, {is_a} {a} closer to the camera?",
            "Compare the two pictures: which was taken closer to {a}, the first or the second?",
            "Tell me in which picture the camera is nearer to {a}, the first or the second.",
            "First or second picture: in which one {is_a} {a} nearer to the camera?",
            "Which one shows {a} from a shorter distance, the first picture or the second?",
            "Did the camera stand nearer to {a} in the first picture or in the second?",
            "Choose the picture that was taken nearer to {a}: first or second.",
            "Say which picture, first or second, was taken from nearer to {a}.",
        ),
        "answers": (
            "In the {option} picture.",
            "The {option} one.",
            "It is the {option} picture.",
            "The {option} picture was taken nearer to {a}.",
            "The camera is nearer to {a} in the {option} picture.",
            "I would say the {option} one.",
            "In the {option} picture the distance is shorter.",
            "{a} {is_a} closer to the camera in the {option} picture.",
        ),
    },
)
