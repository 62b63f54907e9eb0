"""Directions on the floor plan: hours of a clock, bearings from the camera, angles between.

At 12 o'clock is what lies further away along the camera's heading, at 3 what lies to the right,
at 6 what lies towards the camera. Hours are rounded to the nearest.
"""

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.question_types.base import Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.reasoning import numeric

LEVEL = Requirements(untruncated=True, level=True)
_CLOCK = "With 12 o'clock pointing away from the camera and 3 o'clock to its right"

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
    quantities=("the direction from {a} to {b} on a clock whose 12 points away from the camera",),
    questions=(
        f"{_CLOCK}, at what hour {{is_b}} {{b}} seen from {{a}}?",
        f"{_CLOCK}, in which direction is it from {{a}} to {{b}}?",
        f"{_CLOCK}, which hour points from {{a}} to {{b}}?",
        f"{_CLOCK}, where {{is_b}} {{b}} if you stand at {{a}}?",
    ),
    answers=(
        "{b} {is_b} at {value} from {a}.",
        "From {a}, {b} {is_b} at {value}.",
        "The direction from {a} to {b} is {value}.",
    ),
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
    quantities=(
        "the angle, on the floor plan, from straight ahead of the camera to the right to the "
        "centre of {a}",
    ),
    questions=(
        "How many degrees to the right of straight ahead is the centre of {a}?",
        "By how many degrees must the camera turn right to look at the centre of {a}?",
        "How far to the right, in degrees, is the centre of {a} from the camera's heading?",
        "Turning right from straight ahead, after how many degrees does the camera face {a}?",
    ),
    answers=(
        "The centre of {a} is {value} to the right.",
        "The camera must turn right by {value}.",
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
    quantities=(
        "the angle, on the floor plan, from straight ahead of the camera to the left to the "
        "centre of {a}",
    ),
    questions=(
        "How many degrees to the left of straight ahead is the centre of {a}?",
        "By how many degrees must the camera turn left to look at the centre of {a}?",
        "How far to the left, in degrees, is the centre of {a} from the camera's heading?",
        "Turning left from straight ahead, after how many degrees does the camera face {a}?",
    ),
    answers=(
        "The centre of {a} is {value} to the left.",
        "The camera must turn left by {value}.",
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
    quantities=(
        "the angle, on the floor plan, between the centres of {a} and {b} as the camera sees them",
    ),
    questions=(
        "Seen from the camera, how many degrees lie between the centres of {a} and {b} on the "
        "floor plan?",
        "Turning level from {a} to {b}, by how many degrees does the camera turn?",
        "How large is the angle at the camera between {a} and {b} on the floor plan?",
        "By how many degrees must the camera turn to look first at {a} and then at {b}?",
    ),
    answers=(
        "{value} lie between {a} and {b}.",
        "The camera turns by {value}.",
    ),
)
