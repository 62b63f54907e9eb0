"""Steps of ways and turns: which way something faces, how the camera turned and moved."""

import numpy as np

from workflow_scripts.vqa.families.facing import WAYS as FACING_WAYS
from workflow_scripts.vqa.measures import facing_camera_deg
from workflow_scripts.vqa.pair import heading
from workflow_scripts.vqa.reasoning.fact import Fact, listed, numbers, sentence
from workflow_scripts.vqa.reasoning.numbers import (
    Number,
    Unclear,
    direction,
    full_turn,
    in_words_of,
    minus,
    number,
    root,
)

_LOOK = "as the first picture looks, the camera moved"
_QUARTERS = ("0 or 360", "90", "180", "270")


def _nearest(angle: Number, meanings: tuple[str, ...], answer: str) -> list[str]:
    """Say what the quarters of a turn mean, and which is the nearest to an angle in [0, 360)."""
    quarter = round(angle.value / 90)
    if meanings[quarter % 4] != answer:
        raise Unclear
    listing = [f"{one} degrees is {word}" for one, word in zip(_QUARTERS, meanings, strict=True)]
    return [
        sentence(listed(listing)),
        sentence(f"the nearest of these to {angle} is {90 * quarter}", f"{answer}"),
    ]


def facing(fact: Fact, digits: int) -> list[str]:
    """Measure where a front points against the way to the camera."""
    (place,) = fact.places
    angle = number(facing_camera_deg(fact.sight)[0][place] % 360.0, digits - 2)
    said = (
        f"seen from above, the front of {fact.name(place)} points {angle} degrees "
        "counter-clockwise from the way to the camera"
    )
    return [sentence(said), *_nearest(angle, FACING_WAYS, fact.batch.answer)]


def _turn(fact: Fact, digits: int) -> tuple[list[str], Number]:
    """Subtract the headings of the first picture from that of the second."""
    pair = fact.pair
    assert pair is not None
    first, second = (
        number(np.rad2deg(np.arctan2(*heading(sight))) % 360.0, digits - 1)
        for sight in (pair.first, pair.second)
    )
    step, turn = minus(second, first)
    said = (
        f"seen from above and clockwise, the heading is {first} degrees in the first picture and "
        f"{second} degrees in the second"
    )
    steps = [sentence(said), sentence(f"{step} degrees")]
    if abs(turn.value) > 180:
        way = 360 if turn.value < 0 else -360
        found = number(turn.value + way, turn.digits)
        sign = "+" if way > 0 else "-"
        steps.append(sentence(f"the shorter way is {turn} {sign} 360 = {found} degrees"))
        turn = found
    return steps, turn


def camera_turn(fact: Fact, digits: int) -> list[str]:
    """A clockwise turn is one to the right."""
    steps, turn = _turn(fact, digits)
    right = turn.value > 0
    if fact.batch.answer != ("to the right" if right else "to the left"):
        raise Unclear
    said = (
        "more than 0, so the camera turned clockwise"
        if right
        else ("less than 0, so the camera turned counter-clockwise")
    )
    return [*steps, sentence(f"{turn} is {said}, {fact.batch.answer}")]


def camera_turn_angle(fact: Fact, digits: int) -> list[str]:
    """The size of the turn is asked for."""
    steps, turn = _turn(fact, digits)
    size = number(abs(turn.value), turn.digits)
    last = in_words_of(size, fact.value, fact.unit)
    said = f"without its sign the turn is {size} degrees"
    return [
        *steps,
        *([sentence(said)] if turn.value < 0 else []),
        *([sentence(last)] if last else []),
    ]


def _moved(fact: Fact, axes: int, digits: int) -> list[Number]:
    assert fact.pair is not None
    return numbers(fact.pair.moved_m[:axes], digits)


def camera_move(fact: Fact, digits: int) -> list[str]:
    """The direction of the move is the nearest quarter of a turn."""
    right, ahead = _moved(fact, 2, digits)
    step, angle = direction(right, ahead)
    turned, angle = full_turn(angle)
    said = f"{_LOOK} by ({right}, {ahead}) m to the right and ahead"
    ways = ("forward", "to the right", "backward", "to the left")
    return [
        sentence(said),
        sentence(f"clockwise from ahead that is {step}"),
        *([sentence(turned)] if turned else []),
        *_nearest(angle, ways, fact.batch.answer),
    ]


def camera_move_length(fact: Fact, digits: int) -> list[str]:
    """The move is the diagonal of its three parts."""
    sides = _moved(fact, 3, digits)
    step, found = root(*sides)
    said = f"{_LOOK} by ({', '.join(map(str, sides))}) m to the right, ahead and up"
    last = in_words_of(found, fact.value, fact.unit)
    return [
        sentence(said),
        sentence(f"{step} m"),
        *([sentence(last)] if last else []),
    ]
