"""Left or right of one another, as the camera sees it: columns in the picture.

The column is that of the object's mark, in both forms, so that they never disagree; the middle
of what is visible of the object must give the same order.
"""

from workflow_scripts.vqa.families.family import Comparison, Pole, Requirements, agreeing
from workflow_scripts.vqa.sight import Seen


def px_to_the_left(a: Seen, b: Seen) -> float:
    """Return how many pixels a lies left of b."""
    return agreeing(b.mark_px[0] - a.mark_px[0], b.middle_px[0] - a.middle_px[0])


LEFT_RIGHT = Comparison(
    name="left_right",
    forms=("named", "marked"),
    poles=(
        Pole("to the left of", "further to the left"),
        Pole("to the right of", "further to the right"),
    ),
    difference=px_to_the_left,
    unit="px",
    requires=Requirements(shape=False),
    yes_no=(
        "Is {a} {relation} {b}?",
        "In this picture, is {a} {relation} {b}?",
        "Seen from the camera, is {a} {relation} {b}?",
        "Looking at the picture, do you find {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which one is {extreme} in the picture?",
        "From the camera's point of view, which is {extreme}: {a} or {b}?",
    ),
    yes=(
        "Yes, {a} is {relation} {b}.",
        "Yes, in the picture {a} is {relation} {b}.",
    ),
    no=(
        "No, {a} is not {relation} {b}.",
        "No, {a} is {opposite} {b}.",
    ),
    winners=("{winner} is {extreme}.", "{winner} is the one {extreme}."),
)
