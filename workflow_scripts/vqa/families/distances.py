"""Distances between two objects: the gap between their nearest points, and between centres.

The gap is exact for the oriented boxes: as these stand upright, it is made of the horizontal
distance between two turned rectangles and of the vertical gap between their bottoms and tops.
Things that touch, or nearly, have no gap worth asking for.
"""

import math

import numpy as np

from workflow_scripts.vqa.families.family import Length, Requirements
from workflow_scripts.vqa.sight import Seen

LEAST_GAP_M = 0.1


def gap_m(a: Seen, b: Seen) -> float:
    """Return the smallest distance between the two oriented boxes, 0 where they touch."""
    vertical = abs(a.centre_m[2] - b.centre_m[2]) - (a.size_m[2] + b.size_m[2]) / 2
    return math.hypot(a.footprint.distance(b.footprint), max(float(vertical), 0.0))


def centre_distance_m(a: Seen, b: Seen) -> float:
    """Return the straight distance between the boxes' centres."""
    return float(np.linalg.norm(a.centre_m - b.centre_m))


MINIMUM_DISTANCE = Length(
    name="minimum_distance",
    forms=("named", "marked"),
    num_objects=2,
    value_m=gap_m,
    least_m=LEAST_GAP_M,
    requires=Requirements(whole=True),
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

CENTRE_DISTANCE = Length(
    name="centre_distance",
    forms=("named", "marked"),
    num_objects=2,
    value_m=centre_distance_m,
    least_m=LEAST_GAP_M,
    requires=Requirements(whole=True),
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
