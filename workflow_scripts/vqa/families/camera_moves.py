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
                "Which way did the camera turn to take the second picture: *?",
                "Compared with the first picture, was the camera turned * in the second?",
                "Which way did the camera turn between the two pictures, *?",
            )
        ),
        "answers": (
            "It turned {option}.",
            "The camera turned {option}.",
            "{option}.",
            "I'd say it turned {option}.",
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
            "How many degrees did the camera turn from the first picture to the second?",
            "By what angle do the two viewing directions differ, seen from above?",
            "By how many degrees was the camera turned between the two pictures?",
            "Can you estimate how many degrees the camera turned between the pictures?",
        ),
        "answers": (
            "It turned {value}.",
            "About {value}.",
            "The camera turned by {value}.",
            "The two directions differ by {value}.",
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
                "Seen from the first viewpoint, which way did the camera move: *?",
                "Seen from the first viewpoint, did the camera move * to take the second picture?",
                "Looking the way the first picture does, did the camera then move *?",
                "Relative to the first picture, which way did the camera move: *?",
            )
        ),
        "answers": (
            "It moved {option}.",
            "The camera moved {option}.",
            "{option}.",
            "I'd say it moved {option}.",
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
            "How far apart are the two camera positions?",
            "What is the distance between the two viewpoints?",
            "Can you estimate how far the camera moved between the pictures?",
        ),
        "answers": (
            "It moved {value}.",
            "About {value}.",
            "The camera moved {value}.",
            "The two viewpoints are {value} apart.",
        ),
    },
)
