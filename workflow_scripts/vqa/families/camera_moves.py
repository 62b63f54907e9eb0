"""How the camera turned and moved from one view of a room to the next.

Turning and moving are from the first picture to the second; left, right and forward are those of
the first picture's heading.
"""

import math
from collections.abc import Iterator

import numpy as np

from workflow_scripts.common import quantity_text
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.evidence import camera_motion
from workflow_scripts.vqa.question_types.two_views import TwoViews, make_batch, make_numeric_batch
from workflow_scripts.vqa.reasoning import orientation
from workflow_scripts.vqa.view_pair import ViewPair

# A turn or a way this near to the border of two answers has no clear one.
CLEAR_TURN_DEG, LARGEST_TURN_DEG = 15.0, 165.0
CLEAR_DIRECTION_DEG = 25.0
MIN_MOVE_M = 0.3
MOVE_DIRECTIONS = ("forward", "to the right", "backward", "to the left")


def _turn(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    turn = abs(pair.turn_deg)
    if CLEAR_TURN_DEG <= turn <= LARGEST_TURN_DEG:
        option = "to the right" if pair.turn_deg > 0 else "to the left"
        yield make_batch(
            family, "which", option, [[]], turn, shared_slots={"option": option},
            truth=option, choices=("to the left", "to the right"),
        )  # fmt: skip


def _turn_angle(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    turn = abs(pair.turn_deg)
    if CLEAR_TURN_DEG <= turn <= LARGEST_TURN_DEG:
        yield make_numeric_batch(
            family, turn, quantity_text.angle_text(turn), answer_type="degrees"
        )


def _move(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    right, forward, _ = pair.moved_m
    direction_deg = math.degrees(math.atan2(right, forward))
    off_deg = abs((direction_deg + 45.0) % 90.0 - 45.0)
    if math.hypot(right, forward) >= MIN_MOVE_M and off_deg <= CLEAR_DIRECTION_DEG:
        option = MOVE_DIRECTIONS[round(direction_deg / 90.0) % 4]
        yield make_batch(
            family, "which", option, [[]], 45.0 - off_deg, shared_slots={"option": option},
            truth=option, choices=MOVE_DIRECTIONS,
        )  # fmt: skip


def _move_length(family: TwoViews, pair: ViewPair, rng: np.random.Generator) -> Iterator[Batch]:
    moved = math.hypot(*pair.moved_m)
    if moved >= MIN_MOVE_M:
        written = quantity_text.length_text(moved, imperial=False)
        yield make_numeric_batch(family, moved, written, answer_type="metres")


_LEFT_RIGHT = "to the left or to the right"
CAMERA_TURN = TwoViews(
    name="camera_turn",
    forms=("named",),
    unit="deg",
    reasoning=orientation.camera_turn,
    frame="gravity",
    evidence=camera_motion,
    generate_batches=_turn,
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
    forms=("named",),
    unit="deg",
    reasoning=orientation.camera_turn_angle,
    frame="gravity",
    evidence=camera_motion,
    generate_batches=_turn_angle,
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
    forms=("named",),
    unit="deg",
    reasoning=orientation.camera_move(MOVE_DIRECTIONS),
    frame="gravity",
    evidence=camera_motion,
    generate_batches=_move,
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
    forms=("named",),
    unit="m",
    reasoning=orientation.camera_move_length,
    frame="gravity",
    evidence=camera_motion,
    generate_batches=_move_length,
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
