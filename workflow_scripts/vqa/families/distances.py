"""Distances, each named in its question: gap, centres, along the ground, in height, to the camera.

The gap is between nearest points; things that touch, or nearly, have none worth asking for.
`horizontal_distance` is that of the centres on the ground plan, `vertical_distance` the
difference in their height. From the camera, distance is in a straight line.
"""

import numpy as np

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo
from workflow_scripts.vqa.reasoning import numeric, yes_no

MIN_DISTANCE_M = 0.1
SAME_DIFFERENCE_M = yes_no.Limits(yes=0.1, no=0.5)
WHOLE = Requirements(untruncated=True)
LEVEL = Requirements(untruncated=True, gravity=True)

MINIMUM_DISTANCE = Numeric(
    name="minimum_distance",
    num_objects=2,
    measure=measures.gap_m,
    unit="m",
    reasoning=numeric.minimum_distance,
    min_value=MIN_DISTANCE_M,
    requires=WHOLE,
    frame="gravity",
    quantities=("the smallest gap between {a} and {b}", "the shortest distance from {a} to {b}"),
    questions=(
        "How far apart are {a} and {b} at their nearest points?",
        "How wide is the gap between {a} and {b}?",
        "What is the shortest distance between {a} and {b}?",
        "How much space is there between {a} and {b} where they are closest?",
        "What is the distance from {a} to the nearest point of {b}, edge to edge?",
        "Please estimate the smallest gap between {a} and {b}.",
    ),
    answers=(
        "{a} and {b} are {value} apart at their nearest points.",
        "The gap between {a} and {b} is {value}.",
        "At the closest, {value} lie between {a} and {b}.",
        "They are {value} apart, edge to edge.",
    ),
)

CENTRE_DISTANCE = Numeric(
    name="centre_distance",
    num_objects=2,
    measure=measures.centre_distance_m,
    unit="m",
    reasoning=numeric.distance([0, 1, 2]),
    min_value=MIN_DISTANCE_M,
    requires=WHOLE,
    frame="gravity",
    quantities=(
        "the distance between the centres of {a} and {b}",
        "the straight distance from the middle of {a} to the middle of {b}",
    ),
    questions=(
        "How far is the centre of {a} from the centre of {b}?",
        "What is the distance between the centres of {a} and {b}?",
        "Measured from centre to centre, how far apart are {a} and {b}?",
        "How far is it from the middle of {a} to the middle of {b}?",
        "What is the straight distance from the centre of {a} to the centre of {b}?",
        "Please estimate the distance between the centres of {a} and {b}.",
    ),
    answers=(
        "The centres of {a} and {b} are {value} apart.",
        "From centre to centre, {a} and {b} are {value} apart.",
        "The distance between their centres is {value}.",
        "It is {value} from the middle of {a} to the middle of {b}.",
    ),
)

HORIZONTAL_DISTANCE = Numeric(
    name="horizontal_distance",
    num_objects=2,
    measure=measures.horizontal_distance_m,
    unit="m",
    reasoning=numeric.distance([0, 1]),
    min_value=MIN_DISTANCE_M,
    requires=LEVEL,
    frame="gravity",
    quantities=(
        "the horizontal distance between the centres of {a} and {b}",
        "the distance from {a} to {b} along the floor, from centre to centre",
    ),
    questions=(
        "Seen from above, how far apart are the centres of {a} and {b}?",
        "Leaving heights aside, how far apart are the centres of {a} and {b}?",
    ),
    answers=("On the floor plan, the centres of {a} and {b} are {value} apart.",),
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
    quantities=(
        "the vertical distance between the centres of {a} and {b}",
        "the difference in height between the middle of {a} and the middle of {b}",
    ),
    questions=("By how much do the heights of the centres of {a} and {b} differ?",),
    answers=("The centres of {a} and {b} differ by {value} in height.",),
)

CAMERA_DISTANCE = Numeric(
    name="camera_distance",
    num_objects=1,
    measure=measures.camera_distance_m,
    unit="m",
    reasoning=numeric.camera_distance,
    min_value=MIN_DISTANCE_M,
    requires=WHOLE,
    frame="camera",
    quantities=(
        "the distance from the camera to the centre of {a}",
        "the straight distance between the camera and the middle of {a}",
    ),
    questions=("How far {is_a} {a} from the camera, measured to the centre?",),
    answers=("{a} {is_a} {value} from the camera.",),
)

CAMERA_NEAREST = Numeric(
    name="camera_nearest",
    num_objects=1,
    measure=measures.camera_nearest_m,
    unit="m",
    reasoning=numeric.camera_nearest,
    min_value=MIN_DISTANCE_M,
    requires=WHOLE,
    frame="camera",
    quantities=(
        "the distance from the camera to the nearest point of {a}",
        "the shortest distance between the camera and {a}",
    ),
    questions=("How far away from the camera is the nearest point of {a}?",),
    answers=("The nearest point of {a} is {value} from the camera.",),
)


def same_distance(context: QuestionContext) -> PredicateValues:
    """Say of every pair whether both are about equally far from the camera."""
    pairs = context.pairs()
    near, sigma = measures.camera_nearest_m(context.view_context)
    far, _ = measures.camera_distance_m(context.view_context)
    # Centres and nearest points must both be about equally far, or both differ in one direction.
    differences = [value[pairs[:, 0]] - value[pairs[:, 1]] for value in (near, far)]
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
    requires=WHOLE,
    frame="camera",
    questions=("Are {a} and {b} about equally far from the camera?",),
    statements=("{a} and {b} are about the same distance from the camera",),
    negations=("{a} and {b} are not the same distance from the camera",),
)
