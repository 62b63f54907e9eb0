"""Steps to directions: which way an object faces, how the camera turned and moved."""

import numpy as np

from workflow_scripts.vqa.measures import facing_camera_deg
from workflow_scripts.vqa.reasoning.numbers import (
    InsufficientDigitsError,
    PrintedNumber,
    clockwise_angle,
    norm,
    number,
    subtract,
    to_answer_unit,
    wrap_degrees,
)
from workflow_scripts.vqa.reasoning.question_instance import (
    QuestionInstance,
    StepWriter,
    join_list,
    numbers,
    sentence,
)
from workflow_scripts.vqa.view_pair import heading

_MOVE_INTRO = "seen from the first viewpoint, the camera moved"
_QUARTER_LABELS = ("0 or 360", "90", "180", "270")


def _nearest_quarter(angle: PrintedNumber, meanings: tuple[str, ...], answer: str) -> list[str]:
    """Say what the quarters of a turn mean, and which is the nearest to an angle in [0, 360)."""
    quarter = round(angle.value / 90)
    if meanings[quarter % 4] != answer:
        raise InsufficientDigitsError
    listing = [
        f"{one} degrees means {word}" for one, word in zip(_QUARTER_LABELS, meanings, strict=True)
    ]
    return [
        sentence(join_list(listing)),
        sentence(f"the nearest of these to {angle} is {90 * quarter}", f"which means {answer}"),
    ]


def facing(directions: tuple[str, ...]) -> StepWriter:
    """Return the steps from the angle between a front and the way to the camera.

    `directions` are the answers by quarters of a turn counterclockwise.
    """

    def write(question: QuestionInstance, digits: int) -> list[str]:
        (object_row,) = question.object_rows
        angle = number(facing_camera_deg(question.view_context)[0][object_row] % 360.0, digits - 2)
        statement = (
            f"seen from above, the front of {question.name(object_row)} points {angle} degrees "
            "counterclockwise from the direction to the camera"
        )
        return [sentence(statement), *_nearest_quarter(angle, directions, question.batch.answer)]

    return write


def _turn(question: QuestionInstance, digits: int) -> tuple[list[str], PrintedNumber]:
    """Subtract the headings of the first picture from that of the second."""
    pair = question.pair
    assert pair is not None
    first, second = (
        number(np.rad2deg(np.arctan2(*heading(view_context))) % 360.0, digits - 1)
        for view_context in (pair.first, pair.second)
    )
    step, turn = subtract(second, first)
    statement = (
        f"seen from above, the clockwise heading is {first} degrees in the first picture and "
        f"{second} degrees in the second"
    )
    steps = [sentence(statement), sentence(f"{step} degrees")]
    if abs(turn.value) > 180:
        way = 360 if turn.value < 0 else -360
        found = number(turn.value + way, turn.digits)
        sign = "+" if way > 0 else "-"
        steps.append(sentence(f"the shorter way around is {turn} {sign} 360 = {found} degrees"))
        turn = found
    return steps, turn


def camera_turn(question: QuestionInstance, digits: int) -> list[str]:
    """A clockwise turn is one to the right."""
    steps, turn = _turn(question, digits)
    right = turn.value > 0
    if question.batch.answer != ("to the right" if right else "to the left"):
        raise InsufficientDigitsError
    statement = (
        "more than 0, so the camera turned clockwise"
        if right
        else ("less than 0, so the camera turned counterclockwise")
    )
    return [*steps, sentence(f"{turn} is {statement}, {question.batch.answer}")]


def camera_turn_angle(question: QuestionInstance, digits: int) -> list[str]:
    """The size of the turn is asked for."""
    steps, turn = _turn(question, digits)
    size = number(abs(turn.value), turn.digits)
    last = to_answer_unit(size, question.value, question.unit)
    statement = f"without its sign, the turn is {size} degrees"
    return [
        *steps,
        *([sentence(statement)] if turn.value < 0 else []),
        *([sentence(last)] if last else []),
    ]


def _moved(question: QuestionInstance, axes: int, digits: int) -> list[PrintedNumber]:
    assert question.pair is not None
    return numbers(question.pair.moved_m[:axes], digits)


def camera_move(directions: tuple[str, ...]) -> StepWriter:
    """Return the steps to the direction of the move, by quarters of a turn clockwise."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        right, ahead = _moved(question, 2, digits)
        step, angle = clockwise_angle(right, ahead)
        turned, angle = wrap_degrees(angle)
        statement = f"{_MOVE_INTRO} by ({right}, {ahead}) m to the right and ahead"
        return [
            sentence(statement),
            sentence(f"clockwise from straight ahead, that is {step}"),
            *([sentence(turned)] if turned else []),
            *_nearest_quarter(angle, directions, question.batch.answer),
        ]

    return write


def camera_move_length(question: QuestionInstance, digits: int) -> list[str]:
    """The move is the diagonal of its three parts."""
    sides = _moved(question, 3, digits)
    step, found = norm(*sides)
    statement = f"{_MOVE_INTRO} by ({', '.join(map(str, sides))}) m to the right, ahead and up"
    last = to_answer_unit(found, question.value, question.unit)
    return [
        sentence(statement),
        sentence(f"{step} m"),
        *([sentence(last)] if last else []),
    ]
