"""Left or right of one another, as the camera sees it: columns in the picture.

The column is that of the object's mark, in every form, so that they never disagree; the middle
of what is visible of the object must give the same order.
"""

from workflow_scripts.vqa.measures import px_to_the_left
from workflow_scripts.vqa.question_types.base import Requirements
from workflow_scripts.vqa.question_types.comparison import Antonym, Comparison
from workflow_scripts.vqa.reasoning import comparison

LEFT_RIGHT = Comparison(
    name="left_right",
    antonyms=(
        Antonym("to the left of", "further to the left"),
        Antonym("to the right of", "further to the right"),
    ),
    difference=px_to_the_left,
    unit="px",
    reasoning=comparison.compare_two(comparison.COLUMN),
    requires=Requirements(shape=False, position_independent=True),
    frame="picture",
    scopes=("in this picture", "seen from the camera"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "In this picture, {is_a} {a} {relation} {b}?",
        "Seen from the camera, {is_a} {a} {relation} {b}?",
        "Would you say that {a} {is_a} {relation} {b} in the picture?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "From the camera's point of view, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)
