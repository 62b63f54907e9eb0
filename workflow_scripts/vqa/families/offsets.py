"""Signed offsets: how much further left, further away, higher up one object is than another.

Left and away are across and along the camera's level heading; the first-named object is the one
that is further left, further away or higher. Heights of undersides and tops are above the floor.
"""

from collections.abc import Callable

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import Reasoning, Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.reasoning import numeric
from workflow_scripts.vqa.view_context import ViewContext

MIN_OFFSET_M = 0.1
LEVEL = Requirements(untruncated=True, level=True)


def _offset(
    name: str,
    more: str,
    along: str,
    measure: Callable[[ViewContext], Measure],
    reasoning: Reasoning,
) -> Numeric:
    """Return the family of one axis; `more` fits "How much {more} is a than b?"."""
    return Numeric(
        name=name,
        num_objects=2,
        measure=measure,
        unit="m",
        reasoning=reasoning,
        min_value=MIN_OFFSET_M,
        requires=LEVEL,
        frame="gravity",
        signed=True,
        quantities=(
            f"the distance by which the centre of {{a}} is {more} than the centre of {{b}}",
        ),
        questions=(
            f"How much {more} is the centre of {{a}} than that of {{b}}?",
            f"By how much is the centre of {{a}} {more} than that of {{b}}?",
            f"{{Is_a}} {{a}} {more} than {{b}}, and by how much, from centre to centre?",
            f"{along}, how far apart are the centres of {{a}} and {{b}}?",
            f"{along}, what distance lies between the middle of {{a}} and the middle of {{b}}?",
            f"Measure from the centre of {{a}} to that of {{b}}: how much {more} is the first?",
        ),
        answers=(
            f"The centre of {{a}} is {{value}} {more} than that of {{b}}.",
            f"{{a}} {{is_a}} {{value}} {more} than {{b}}.",
        ),
    )


LEFT_OFFSET = _offset(
    "left_offset",
    "further to the left",
    "From left to right as the camera sees it",
    measures.metres_further_left,
    numeric.offset(0, "measured to the right from the camera", second_minus_first=True),
)
DEPTH_OFFSET = _offset(
    "depth_offset",
    "further from the camera",
    "Along the direction in which the camera looks",
    measures.metres_further_away,
    numeric.offset(1, "measured ahead from the camera", second_minus_first=False),
)
HEIGHT_OFFSET = _offset(
    "height_offset",
    "higher up",
    "Measured straight up",
    measures.metres_higher,
    numeric.offset(2, "measured up from the floor", second_minus_first=False),
)

BOTTOM_HEIGHT = Numeric(
    name="bottom_height",
    num_objects=1,
    measure=measures.bottom_m,
    unit="m",
    reasoning=numeric.bottom_height,
    min_value=MIN_OFFSET_M,
    requires=LEVEL,
    frame="gravity",
    quantities=(
        "the height of the underside of {a} above the floor",
        "the distance from the floor to the lowest point of {a}",
    ),
    questions=("How high above the floor is the underside of {a}?",),
    answers=("The underside of {a} is {value} above the floor.",),
)
TOP_HEIGHT = Numeric(
    name="top_height",
    num_objects=1,
    measure=measures.top_m,
    unit="m",
    reasoning=numeric.top_height,
    min_value=MIN_OFFSET_M,
    requires=LEVEL,
    frame="gravity",
    quantities=(
        "the height of the top of {a} above the floor",
        "the distance from the floor to the highest point of {a}",
    ),
    questions=("How high above the floor is the top of {a}?",),
    answers=("The top of {a} is {value} above the floor.",),
)
