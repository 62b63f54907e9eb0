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
        quantities=(),
        questions=(
            f"How much {more} is the center of {{a}} than the center of {{b}}?",
            f"From center to center, how much {more} {{is_a}} {{a}} than {{b}}?",
            f"{along}, how far apart are the centers of {{a}} and {{b}}?",
            f"Can you estimate how much {more} the center of {{a}} is than the center of {{b}}?",
        ),
        answers=(
            f"The center of {{a}} is {{value}} {more} than the center of {{b}}.",
            f"{{a}} {{is_a}} {{value}} {more} than {{b}}, from center to center.",
        ),
    )


LEFT_OFFSET = _offset(
    "left_offset",
    "further left",
    "From left to right as seen from the camera",
    measures.metres_further_left,
    numeric.offset(0, "measured to the right from the camera", second_minus_first=True),
)
DEPTH_OFFSET = _offset(
    "depth_offset",
    "farther ahead of the camera",
    "Along the viewing direction",
    measures.metres_further_away,
    numeric.offset(1, "measured ahead from the camera", second_minus_first=False),
)
HEIGHT_OFFSET = _offset(
    "height_offset",
    "higher",
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
    quantities=("the height of the underside of {a} above the floor",),
    questions=(
        "How high off the floor is the underside of {a}?",
        "How far is it from the floor to the lowest point of {a}?",
    ),
    answers=("The underside of {a} is {value} off the floor.",),
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
    quantities=("the height of the top of {a} above the floor",),
    questions=(
        "How high off the floor is the top of {a}?",
        "How far is it from the floor to the highest point of {a}?",
    ),
    answers=("The top of {a} is {value} off the floor.",),
)
