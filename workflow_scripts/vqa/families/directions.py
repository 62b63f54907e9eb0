"""Directions on the floor plan: hours of a clock, bearings from the camera, angles between.

At 12 o'clock is what lies further away along the camera's heading, at 3 what lies to the right,
at 6 what lies towards the camera. Hours are rounded to the nearest.
"""

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.question_types.base import Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.reasoning import numeric

LEVEL = Requirements(untruncated=True, level=True)
_CLOCK = "If 12 o'clock points straight away from the camera"

CLOCK_DIRECTION = Numeric(
    name="clock_direction",
    num_objects=2,
    measure=measures.direction_deg,
    unit="deg",
    reasoning=numeric.clock,
    min_value=0.0,
    requires=LEVEL,
    frame="gravity",
    ordered=True,
    is_clock=True,
    quantities=(),
    questions=(
        f"{_CLOCK}, at which hour {{is_b}} {{b}}, seen from {{a}}?",
        "Imagine standing at {a}, facing straight away from the camera. At which hour of the clock "
        "{is_b} {b}?",
        f"{_CLOCK}, which hour points from {{a}} to {{b}}?",
        "With 12 o'clock straight away from the camera and 3 o'clock to the right, at which hour "
        "{is_b} {b}, seen from {a}?",
    ),
    answers=("{b} {is_b} at {value}.", "At {value}.", "Seen from {a}, {b} {is_b} at {value}."),
)

BEARING_RIGHT = Numeric(
    name="bearing_right",
    num_objects=1,
    measure=measures.bearing_deg,
    unit="deg",
    reasoning=numeric.bearing(left=False),
    min_value=5.0,
    max_value=90.0,
    requires=LEVEL,
    frame="gravity",
    quantities=(),
    questions=(
        "How many degrees right of straight ahead is the center of {a}?",
        "How many degrees would the camera have to turn right to face the center of {a}?",
        "Can you estimate how many degrees right of straight ahead the center of {a} is?",
    ),
    answers=(
        "The center of {a} is {value} to the right.",
        "{value} to the right.",
    ),
)
BEARING_LEFT = Numeric(
    name="bearing_left",
    num_objects=1,
    measure=lambda view_context: measures.negated(measures.bearing_deg(view_context)),
    unit="deg",
    reasoning=numeric.bearing(left=True),
    min_value=5.0,
    max_value=90.0,
    requires=LEVEL,
    frame="gravity",
    quantities=(),
    questions=(
        "How many degrees left of straight ahead is the center of {a}?",
        "How many degrees would the camera have to turn left to face the center of {a}?",
        "Can you estimate how many degrees left of straight ahead the center of {a} is?",
    ),
    answers=(
        "The center of {a} is {value} to the left.",
        "{value} to the left.",
    ),
)

ANGLE_BETWEEN = Numeric(
    name="angle_between",
    num_objects=2,
    measure=measures.between_bearings_deg,
    unit="deg",
    reasoning=numeric.between_bearings,
    min_value=5.0,
    requires=LEVEL,
    frame="gravity",
    quantities=(),
    questions=(
        "Seen from the camera, how many degrees apart are the centers of {a} and {b} on the floor "
        "plan?",
        "How many degrees would the camera have to pan from the center of {a} to the center of "
        "{b}?",
        "What is the horizontal angle between the centers of {a} and {b}, seen from the camera?",
    ),
    answers=("They are {value} apart.", "{value}."),
)
