"""Above or below: heights in the room, and, as a family of its own, rows in the picture.

`above_below` is about the room: one object's underside is not lower than the other's top (a vase
on a table is above it), and their middles differ by the margin. In the marked form the marks
must lie in the same order in the picture too, so that the marks cannot point the wrong way.

`image_above_below` is about the marks in the picture alone, whatever they lie on.
"""

from dataclasses import replace

from workflow_scripts.vqa.families.family import Comparison, Pole, Requirements, agreeing
from workflow_scripts.vqa.sight import Seen

# Things sink a little into what they stand on.
CONTACT_M = 0.03


def metres_above(a: Seen, b: Seen) -> float:
    """Return by how much the middle of a is higher than that of b; 0 if they share heights."""
    difference = float(a.centre_m[2] - b.centre_m[2])
    overlap = (a.size_m[2] + b.size_m[2]) / 2 - abs(difference)
    return difference if overlap <= CONTACT_M else 0.0


def metres_above_in_picture_too(a: Seen, b: Seen) -> float:
    """Return `metres_above`, 0 if the marks lie the other way round in the picture."""
    metres = metres_above(a, b)
    return metres if metres * px_above(a, b) > 0 else 0.0


def px_above(a: Seen, b: Seen) -> float:
    """Return how many pixels the mark of a lies above that of b."""
    return b.mark_px[1] - a.mark_px[1]


ABOVE_BELOW = Comparison(
    name="above_below",
    forms=("named",),
    poles=(Pole("higher up than", "higher up"), Pole("lower down than", "lower down")),
    difference=metres_above,
    unit="m",
    requires=Requirements(level=True),
    yes_no=(
        "Is {a} {relation} {b}?",
        "In this room, is {a} {relation} {b}?",
        "Measured from the floor, is {a} {relation} {b}?",
        "Going by its height above the floor, is {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme} in the room, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
        "Measured from the floor, which is {extreme}: {a} or {b}?",
    ),
    yes=(
        "Yes, {a} is {relation} {b}.",
        "Yes, measured from the floor {a} is {relation} {b}.",
    ),
    no=(
        "No, {a} is not {relation} {b}.",
        "No, {a} is {opposite} {b}.",
    ),
    winners=("{winner} is {extreme}.", "{winner} is the one {extreme} in the room."),
)

MARKED_ABOVE_BELOW = replace(ABOVE_BELOW, forms=("marked",), difference=metres_above_in_picture_too)

IMAGE_ABOVE_BELOW = Comparison(
    name="image_above_below",
    forms=("marked",),
    poles=(Pole("above", "higher"), Pole("below", "lower")),
    difference=lambda a, b: agreeing(px_above(a, b), b.middle_px[1] - a.middle_px[1]),
    unit="px",
    requires=Requirements(shape=False),
    yes_no=(
        "In the picture, is {a} {relation} {b}?",
        "In this image, is {a} {relation} {b}?",
        "Looking at the picture, do you find {a} {relation} {b}?",
        "Is {a} {relation} {b} in the picture?",
    ),
    which=(
        "Which is {extreme} in the picture, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme} in the image?",
        "In the picture, which is {extreme}: {a} or {b}?",
    ),
    yes=(
        "Yes, {a} is {relation} {b}.",
        "Yes, in the picture {a} is {relation} {b}.",
    ),
    no=(
        "No, {a} is not {relation} {b}.",
        "No, {a} is {opposite} {b}.",
    ),
    winners=("{winner} is {extreme}.", "{winner} is the one {extreme} in the picture."),
)
