"""Above or below: heights in the room, and, as a family of its own, rows in the picture.

`above_below` is about the room: one object's underside is not lower than the other's top (a vase
on a table is above it), and their middles differ by the margin. Where marks are drawn they must
lie in the same order in the picture too, so that the marks cannot point the wrong way.

`image_above_below` is about positions in the picture alone, whatever is there. `top_higher`
compares how high up the tops are.
"""

from dataclasses import replace

from workflow_scripts.vqa.measures import (
    metres_above,
    metres_above_in_picture_too,
    metres_top_higher,
    px_above,
)
from workflow_scripts.vqa.question_types.base import POINTING_FORMS, Requirements
from workflow_scripts.vqa.question_types.comparison import Antonym, Comparison
from workflow_scripts.vqa.reasoning import comparison

ABOVE_BELOW = Comparison(
    name="above_below",
    forms=("named",),
    antonyms=(Antonym("higher up than", "higher up"), Antonym("lower down than", "lower down")),
    difference=metres_above,
    unit="m",
    reasoning=comparison.compare_two(comparison.CENTRE_HEIGHT),
    requires=Requirements(level=True, same_room=True),
    frame="gravity",
    scopes=("in the room", "measured from the floor"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "In the room, {is_a} {a} {relation} {b}?",
        "Measured from the floor, {is_a} {a} {relation} {b}?",
        "Would you say that {a} {is_a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme} in the room, {a} or {b}?",
        "Of {a} and {b}, which is {extreme}?",
        "Measured from the floor, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)

MARKED_ABOVE_BELOW = replace(
    ABOVE_BELOW, forms=POINTING_FORMS, difference=metres_above_in_picture_too
)

IMAGE_ABOVE_BELOW = Comparison(
    name="image_above_below",
    antonyms=(Antonym("above", "higher"), Antonym("below", "lower")),
    difference=px_above,
    unit="px",
    reasoning=comparison.compare_two(comparison.LINE),
    requires=Requirements(shape=False),
    frame="picture",
    scopes=("in the picture",),
    forms=POINTING_FORMS,
    yes_no=(
        "In the picture, {is_a} {a} {relation} {b}?",
        "{Is_a} {a} {relation} {b} in the picture?",
        "In this image, {is_a} {a} {relation} {b}?",
        "Would you say that {a} {is_a} {relation} {b} in the picture?",
    ),
    which=(
        "Which is {extreme} in the picture, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "In this image, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme} in the picture?",
    ),
)

TOP_HIGHER = Comparison(
    name="top_higher",
    antonyms=(
        Antonym("higher than", "higher"),
        Antonym("lower than", "lower"),
    ),
    difference=metres_top_higher,
    unit="m",
    reasoning=comparison.compare_two(comparison.TOP),
    requires=Requirements(untruncated=True, level=True),
    frame="gravity",
    scopes=("measured from the floor",),
    yes_no=(
        "Is the top of {a} {relation} the top of {b}?",
        "Would you say that the top of {a} is {relation} the top of {b}?",
        "{Scope}, is the top of {a} {relation} the top of {b}?",
        "Can you tell me whether the top of {a} is {relation} the top of {b}?",
    ),
    which=(
        "Whose top is {extreme}, {a} or {b}?",
        "Which has the {extreme} top, {a} or {b}?",
        "{Scope}, whose top is {extreme}, {a} or {b}?",
        "{a} or {b}: whose top is {extreme}?",
    ),
    yes=(
        "Yes, the top of {a} is {relation} the top of {b}.",
        "Yes, it is.",
        "Yes, the top of {a} is {extreme}.",
        "Yes, I'd say the top of {a} is {relation} the top of {b}.",
    ),
    no=(
        "No, the top of {a} is not {relation} the top of {b}.",
        "No, the top of {a} is {opposite} the top of {b}.",
        "No, it isn't.",
        "No, the top of {b} is {relation} the top of {a}.",
    ),
    winners=(
        "The top of {winner} is {extreme}.",
        "{winner}.",
        "It's {winner}.",
        "I'd say {winner}.",
    ),
)
