"""Two views of one room: the same object in both, which view is nearer, how the camera moved.

"First" and "second" are the pictures from left to right. Turning and moving are of the camera from
the first picture to the second; left, right and forward are those of the first picture's heading.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common import quantities
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, Kind
from workflow_scripts.vqa.measures import agreeing
from workflow_scripts.vqa.pair import Pair
from workflow_scripts.vqa.shapes.base import Frame, Requirements, Unit
from workflow_scripts.vqa.shapes.comparison import YES_NO
from workflow_scripts.vqa.shapes.pick import PLACES
from workflow_scripts.vqa.templates import Templates

# A turn or a way this near to the border of two answers has no clear one.
CLEAR_TURN_DEG, LARGEST_TURN_DEG = 15.0, 165.0
CLEAR_WAY_DEG = 25.0
LEAST_MOVE_M = 0.3
WAYS = ("forward", "to the right", "backward", "to the left")
_NONE = Requirements()


@dataclass(frozen=True)
class TwoViews:
    """A family about two views; `ask` yields its batches for a pair.

    `questions` and `answers` are by kind of sentence: "which", "yes_no" or "open" and "answers",
    "yes" and "no".
    """

    name: str
    form: Form
    unit: Unit
    frame: Frame
    sentences: dict[str, tuple[str, ...]]
    ask: Callable[["TwoViews", Pair, np.random.Generator], Iterator[Batch]]
    requires: Requirements = _NONE

    @property
    def forms(self) -> tuple[Form, ...]:
        return (self.form,)

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {name: Templates(texts) for name, texts in self.sentences.items()}


def _batch(
    family: TwoViews,
    kind: Kind,
    answer: str,
    objects: list[list[int]],
    margin: float,
    **others: object,
) -> Batch:
    number = len(objects)
    return Batch(
        kind=kind,
        pole="",
        answer=answer,
        objects=np.array(objects, dtype=int).reshape(number, -1),
        questions=family.templates[kind],
        measure=np.full(number, margin),
        sigma=np.zeros(number),
        **{"fact": np.arange(number), "answers": family.templates.get("answers"), **others},
    )


def _same_object(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    places = list(pair.marks.values())
    if len(places) < 1 + len(PLACES):
        return
    here, twin, *others = places
    for number, place in enumerate(PLACES):
        three = [others[index] for index in rng.permutation(len(others)).tolist()]
        three.insert(number, twin)
        yield _batch(
            family, "which", place, [[*three, here]], 1.0,
            winner=np.array([twin]), choices=None, num_choices=len(three),
        )  # fmt: skip


def _same_thing(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    if not pair.marks:
        return
    here, *others = pair.marks.values()
    facts = {"yes": others[:1], "no": others[1:]}
    for answer, chosen in facts.items():
        yield _batch(
            family, "yes_no", answer, [[here, other] for other in chosen], 1.0,
            fact=np.array(chosen), answers=family.templates[answer], truth=answer, choices=YES_NO,
        )  # fmt: skip


def _nearer_view(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    one, other = pair.first.measured, pair.second.measured
    for number, (a, b) in enumerate(pair.named):
        nearer = agreeing(
            np.array([other.distance_m[b] - one.distance_m[a]]),
            np.array([other.nearest_m[b] - one.nearest_m[a]]),
        )[0]
        if abs(nearer) >= pair.margins.metres:
            option = "first" if nearer > 0 else "second"
            yield _batch(
                family, "which", option, [[a]], abs(nearer), fact=np.array([number]),
                words={"option": option}, truth=option, choices=("first", "second"),
            )  # fmt: skip


def _turn(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    turn = abs(pair.turn_deg)
    if CLEAR_TURN_DEG <= turn <= LARGEST_TURN_DEG:
        option = "to the right" if pair.turn_deg > 0 else "to the left"
        yield _batch(
            family, "which", option, [[]], turn, words={"option": option},
            truth=option, choices=("to the left", "to the right"),
        )  # fmt: skip


def _turn_angle(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    turn = abs(pair.turn_deg)
    if CLEAR_TURN_DEG <= turn <= LARGEST_TURN_DEG:
        yield _number(family, turn, quantities.angle(turn), answer_type="degrees")


def _move(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    right, forward, _ = pair.moved_m
    way_deg = math.degrees(math.atan2(right, forward))
    off_deg = abs((way_deg + 45.0) % 90.0 - 45.0)
    if math.hypot(right, forward) >= LEAST_MOVE_M and off_deg <= CLEAR_WAY_DEG:
        option = WAYS[round(way_deg / 90.0) % 4]
        yield _batch(
            family, "which", option, [[]], 45.0 - off_deg, words={"option": option},
            truth=option, choices=WAYS,
        )  # fmt: skip


def _move_length(family: TwoViews, pair: Pair, rng: np.random.Generator) -> Iterator[Batch]:
    moved = math.hypot(*pair.moved_m)
    if moved >= LEAST_MOVE_M:
        written = quantities.length(moved, imperial=False)
        yield _number(family, moved, written, answer_type="metres")


def _number(
    family: TwoViews, value: float, written: quantities.Written, *, answer_type: str
) -> Batch:
    text, unit, tolerance = written
    return _batch(
        family, "open", "", [[]], value, answer_type=answer_type, columns={"value": [text]},
        truth=[round(value, 4)], unit=[unit], tolerance=np.array([tolerance]),
    )  # fmt: skip


SAME_OBJECT = TwoViews(
    name="same_object",
    form="marked",
    unit="",
    frame="picture",
    ask=_same_object,
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
SAME_THING = TwoViews(
    name="same_thing",
    form="marked",
    unit="",
    frame="picture",
    ask=_same_thing,
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
    form="named",
    unit="m",
    frame="camera",
    ask=_nearer_view,
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
_LEFT_RIGHT = "to the left or to the right"
CAMERA_TURN = TwoViews(
    name="camera_turn",
    form="named",
    unit="deg",
    frame="gravity",
    ask=_turn,
    sentences={
        "which": tuple(
            text.replace("*", _LEFT_RIGHT)
            for text in (
                "From the first picture to the second, did the camera turn *?",
                "Between the two pictures, which way did the camera turn: *?",
                "Which way did the camera turn after the first picture, *?",
                "To take the second picture, was the camera turned *?",
                "Did the heading of the camera turn * from the first picture to the second?",
                "Compare the two pictures: has the camera turned *?",
                "Tell me which way the camera turned between the pictures: *.",
                "Seen from above, did the camera turn * between the pictures?",
                "After the first picture the camera turned. Was that *?",
                "Say whether the camera turned * between the two pictures.",
                "In which direction did the camera turn, *, to take the second picture?",
                "Choose how the camera turned from one picture to the next: *.",
            )
        ),
        "answers": (
            "It turned {option}.",
            "The camera turned {option}.",
            "It was turned {option}.",
            "From the first picture to the second, it turned {option}.",
            "I would say that it turned {option}.",
            "Its heading turned {option}.",
            "The turn was {option}.",
            "Between the pictures, the camera turned {option}.",
        ),
    },
)
CAMERA_TURN_ANGLE = TwoViews(
    name="camera_turn_angle",
    form="named",
    unit="deg",
    frame="gravity",
    ask=_turn_angle,
    sentences={
        "open": (
            "By how many degrees did the camera turn from the first picture to the second?",
            "How far, in degrees, did the camera turn between the two pictures?",
            "What is the angle between the camera's headings in the two pictures?",
            "Seen from above, by how many degrees do the two headings differ?",
            "Through which angle was the camera turned to take the second picture?",
            "Please estimate the angle by which the camera turned.",
            "Can you estimate how many degrees the camera turned between the pictures?",
            "Tell me by how many degrees the camera turned.",
            "How large is the turn of the camera from one picture to the next?",
            "Give the angle by which the camera's heading changed.",
            "How many degrees lie between the directions in which the two pictures look?",
            "What would you say is the angle of the camera's turn?",
        ),
        "answers": (
            "It turned by {value}.",
            "The camera turned by {value}.",
            "By {value}.",
            "The headings differ by {value}.",
            "I estimate the turn at {value}.",
            "The angle is {value}.",
            "My estimate is {value}.",
            "It is {value}.",
        ),
    },
)
_FOUR_WAYS = "forward, backward, to the left or to the right"
CAMERA_MOVE = TwoViews(
    name="camera_move",
    form="named",
    unit="deg",
    frame="gravity",
    ask=_move,
    sentences={
        "which": tuple(
            text.replace("*", _FOUR_WAYS)
            for text in (
                "Seen as in the first picture, which way did the camera move: *?",
                "From where the first picture was taken, is the place of the second *?",
                "As the first picture looks, did the camera move * to take the second?",
                "In the view of the first picture, where did the camera go: *?",
                "Which way did the camera go after the first picture, *?",
                "By the heading of the first picture, did the camera move *?",
                "Going by the first picture, in which direction was the camera moved: *?",
                "Tell me which way the camera moved, seen as in the first picture: *.",
                "Where does the second picture's camera stand, as the first one sees it: *?",
                "To take the second picture, did the camera move *, as seen in the first?",
                "Choose how the camera moved, as the first picture sees it: *.",
                "Say where the camera moved, going by the first picture: *.",
            )
        ),
        "answers": (
            "It moved {option}.",
            "The camera moved {option}.",
            "It went {option}.",
            "From the first picture to the second, it moved {option}.",
            "I would say that it moved {option}.",
            "The camera was moved {option}.",
            "The way goes {option}.",
            "As the first picture sees it, the camera moved {option}.",
        ),
    },
)
CAMERA_MOVE_LENGTH = TwoViews(
    name="camera_move_length",
    form="named",
    unit="m",
    frame="gravity",
    ask=_move_length,
    sentences={
        "open": (
            "How far did the camera move from the first picture to the second?",
            "What is the distance between the places where the two pictures were taken?",
            "How far apart are the camera's two places?",
            "By how much was the camera moved, in a straight line, between the pictures?",
            "What is the straight distance between the two cameras?",
            "Please estimate how far the camera moved.",
            "Can you estimate the distance between the two camera positions?",
            "Tell me how far the camera moved between the pictures.",
            "How long is the straight way from the first camera's place to the second's?",
            "Give the distance by which the camera was moved.",
            "How far from the first picture's place was the second one taken?",
            "What would you say is the distance that the camera moved?",
        ),
        "answers": (
            "It moved {value}.",
            "The camera moved {value}.",
            "By {value}.",
            "The two places are {value} apart.",
            "I estimate the distance at {value}.",
            "The distance is {value}.",
            "My estimate is {value}.",
            "It is {value}.",
        ),
    },
)

TWO_VIEW_FAMILIES: tuple[TwoViews, ...] = (
    SAME_OBJECT,
    SAME_THING,
    NEARER_VIEW,
    CAMERA_TURN,
    CAMERA_TURN_ANGLE,
    CAMERA_MOVE,
    CAMERA_MOVE_LENGTH,
)
