"""Above or below: heights in the room, and, as a family of its own, rows in the picture.

`above_below` is about the room: one object's underside is not lower than the other's top (a vase
on a table is above it), and their middles differ by the margin. Where marks are drawn they must
lie in the same order in the picture too, so that the marks cannot point the wrong way.

`image_above_below` is about places in the picture alone, whatever lies there. `top_higher`
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
    requires=Requirements(level=True),
    frame="gravity",
    scopes=("in this room", "measured from the floor", "going by the height above the floor"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "In this room, {is_a} {a} {relation} {b}?",
        "Measured from the floor, {is_a} {a} {relation} {b}?",
        "Going by {its_a} height above the floor, {is_a} {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme} in the room, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
        "Measured from the floor, which is {extreme}: {a} or {b}?",
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
    scopes=("in the picture", "in this image", "on the picture itself"),
    forms=POINTING_FORMS,
    yes_no=(
        "In the picture, {is_a} {a} {relation} {b}?",
        "In this image, {is_a} {a} {relation} {b}?",
        "Looking at the picture, do you find {a} {relation} {b}?",
        "{Is_a} {a} {relation} {b} in the picture?",
    ),
    which=(
        "Which is {extreme} in the picture, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme} in the image?",
        "In the picture, which is {extreme}: {a} or {b}?",
    ),
)

TOP_HIGHER = Comparison(
    name="top_higher",
    antonyms=(
        Antonym("higher at the top than", "higher at the top"),
        Antonym("lower at the top than", "lower at the top"),
    ),
    difference=metres_top_higher,
    unit="m",
    reasoning=comparison.compare_two(comparison.TOP),
    requires=Requirements(untruncated=True, level=True),
    frame="gravity",
    scopes=("above the floor", "measured from the floor", "in this room"),
    yes_no=("Measured from the floor, {is_a} {a} {relation} {b}?",),
    which=("Measured from the floor, which is {extreme}: {a} or {b}?",),
)
