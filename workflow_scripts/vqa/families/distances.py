"""Distances, each named in its question: gap, centres, along the ground, in height, to the camera.

The gap is between the nearest points of the surfaces; things that touch, or nearly, have none
worth asking for. Where only boxes are known, gap and nearest point are asked of the bounding boxes.
`horizontal_distance` is that of the centres on the ground plan, `vertical_distance` the
difference in their height. From the camera, distance is in a straight line. What is partly a
height (centre to centre, in height, to the camera) is not asked of views from straight above.
"""

import numpy as np

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.question_types.base import BOX_GAPS, QuestionContext, Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo
from workflow_scripts.vqa.reasoning import numeric, yes_no

MIN_DISTANCE_M = 0.1
SAME_DIFFERENCE_M = yes_no.Limits(yes=0.1, no=0.5)
WHOLE = Requirements(untruncated=True)
PLAN = Requirements(untruncated=True, gravity=True)
LEVEL = Requirements(untruncated=True, level=True)
RANGE = Requirements(untruncated=True, range_clear=True)

MINIMUM_DISTANCE = Numeric(
    name="minimum_distance",
    num_objects=2,
    measure=measures.gap_m,
    unit="m",
    reasoning=numeric.minimum_distance,
    min_value=MIN_DISTANCE_M,
    requires=WHOLE,
    frame="gravity",
    quantities=("the shortest distance between {a} and {b}",),
    questions=(
        "How far apart are {a} and {b} at their closest points?",
        "How wide is the gap between {a} and {b}?",
    ),
    answers=(
        "{a} and {b} are {value} apart at their closest points.",
        "The gap between them is {value}.",
    ),
).with_box_wording(
    BOX_GAPS,
    quantities=("the shortest distance between the bounding boxes of {a} and {b}",),
    questions=(
        "How far apart are the bounding boxes of {a} and {b} at their closest points?",
        "How wide is the gap between the bounding boxes of {a} and {b}?",
    ),
    answers=(
        "The bounding boxes of {a} and {b} are {value} apart at their closest points.",
        "The gap between them is {value}.",
    ),
)

CENTRE_DISTANCE = Numeric(
    name="centre_distance",
    num_objects=2,
    measure=measures.centre_distance_m,
    unit="m",
    reasoning=numeric.distance([0, 1, 2]),
    min_value=MIN_DISTANCE_M,
    requires=RANGE,
    frame="gravity",
    quantities=("the distance between the centers of {a} and {b}",),
    questions=(
        "How far apart are the centers of {a} and {b}?",
        "How far is the center of {a} from the center of {b}?",
        "Measured from center to center, how far apart are {a} and {b}?",
    ),
    answers=(
        "The centers of {a} and {b} are {value} apart.",
        "They are {value} apart, from center to center.",
    ),
)

HORIZONTAL_DISTANCE = Numeric(
    name="horizontal_distance",
    num_objects=2,
    measure=measures.horizontal_distance_m,
    unit="m",
    reasoning=numeric.distance([0, 1]),
    min_value=MIN_DISTANCE_M,
    requires=PLAN,
    frame="gravity",
    quantities=("the horizontal distance between the centers of {a} and {b}",),
    questions=(
        "Seen from above, how far apart are the centers of {a} and {b}?",
        "How far apart are the centers of {a} and {b} on the floor plan?",
    ),
    answers=("The centers of {a} and {b} are {value} apart horizontally.",),
)

VERTICAL_DISTANCE = Numeric(
    name="vertical_distance",
    num_objects=2,
    measure=measures.vertical_distance_m,
    unit="m",
    reasoning=numeric.vertical,
    min_value=MIN_DISTANCE_M,
    requires=LEVEL,
    frame="gravity",
    quantities=("the vertical distance between the centers of {a} and {b}",),
    questions=(
        "By how much do the centers of {a} and {b} differ in height?",
        "What is the height difference between the centers of {a} and {b}?",
    ),
    answers=("The centers of {a} and {b} differ by {value} in height.",),
)

CAMERA_DISTANCE = Numeric(
    name="camera_distance",
    num_objects=1,
    measure=measures.camera_distance_m,
    unit="m",
    reasoning=numeric.camera_distance,
    min_value=MIN_DISTANCE_M,
    requires=RANGE,
    frame="camera",
    quantities=("the distance from the camera to the center of {a}",),
    questions=(
        "How far is the center of {a} from the camera?",
        "How far away from the camera {is_a} {a}, measured to the center?",
    ),
    answers=("The center of {a} is {value} from the camera.", "The center is {value} away."),
)

CAMERA_NEAREST = Numeric(
    name="camera_nearest",
    num_objects=1,
    measure=measures.camera_nearest_m,
    unit="m",
    reasoning=numeric.camera_nearest,
    min_value=MIN_DISTANCE_M,
    requires=RANGE,
    frame="camera",
    quantities=("the shortest distance from the camera to {a}",),
    questions=(
        "How far is the closest point of {a} from the camera?",
        "How far away from the camera {is_a} {a} at the closest point?",
    ),
    answers=("The closest point of {a} is {value} from the camera.",),
).with_box_wording(
    BOX_GAPS,
    quantities=("the shortest distance from the camera to the bounding box of {a}",),
    questions=(
        "How far is the closest point of the bounding box of {a} from the camera?",
        "How far away from the camera is the bounding box of {a} at its closest point?",
    ),
    answers=("The closest point of the bounding box of {a} is {value} from the camera.",),
)


def same_distance(context: QuestionContext) -> PredicateValues:
    """Say of every pair whether both are about equally far from the camera."""
    pairs = context.pairs()
    sigma = measures.camera_nearest_m(context.view_context)[1]
    readings = measures.distance_readings_m(context.view_context)
    # By every reading they must be about equally far, or differ in one direction.
    differences = [value[pairs[:, 0]] - value[pairs[:, 1]] for value in readings]
    largest = np.abs(differences).max(axis=0)
    smallest = np.abs(measures.smallest_agreeing(*differences))
    limits = SAME_DIFFERENCE_M
    value = np.where(
        largest <= limits.yes,
        np.maximum(limits.yes - largest, 1e-6),
        np.where(smallest >= limits.no, limits.no - smallest - 1e-6, 0.0),
    )
    return PredicateValues(pairs, value, np.hypot(sigma[pairs[:, 0]], sigma[pairs[:, 1]]))


SAME_DISTANCE = YesNo(
    name="same_distance",
    predicate=same_distance,
    unit="m",
    reasoning=yes_no.same_distance(SAME_DIFFERENCE_M),
    requires=RANGE,
    frame="camera",
    questions=(
        "Are {a} and {b} about the same distance from the camera?",
        "{Is_a} {a} about as far from the camera as {b}?",
    ),
    statements=(
        "{a} and {b} are about the same distance from the camera",
        "{a} {is_a} about as far from the camera as {b}",
    ),
    negations=(
        "{a} and {b} are at different distances from the camera",
        "one of them is clearly closer to the camera",
    ),
)
