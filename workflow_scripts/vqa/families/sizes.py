"""Wider, taller, bigger; width and height: an object's own size, however it is turned.

Width is along the object's own side-to-side axis, as seen from its front, height is along the
room's up axis, and "bigger" compares the volumes of the oriented boxes by the edge of the cube of
equal volume, so that one margin suits lengths and volumes. A size is asked for only of an object
that is wholly in the picture, and heights not in views from above.
"""

from workflow_scripts.vqa.families.family import (
    Comparison,
    Length,
    Pole,
    Requirements,
    excess_ratio,
)
from workflow_scripts.vqa.sight import Seen

SMALLEST_ASKED_M = 0.05
_YES = (
    "Yes, {a} is {relation} {b}.",
    "Yes, of the two {a} is {extreme}.",
)
_NO = (
    "No, {a} is not {relation} {b}.",
    "No, {a} is {opposite} {b}.",
)
_WINNERS = ("{winner} is {extreme}.", "{winner} is the {extreme} one.")


def width_m(a: Seen) -> float:
    """Return the extent along the object's own x axis."""
    return a.size_m[0]


def height_m(a: Seen) -> float:
    """Return the extent along the vertical."""
    return a.size_m[2]


def cube_edge_m(a: Seen) -> float:
    """Return the edge of the cube with the box's volume."""
    width, depth, height = a.size_m
    return float((width * depth * height) ** (1 / 3))


WIDER = Comparison(
    name="wider",
    forms=("named", "marked"),
    poles=(Pole("wider than", "wider"), Pole("narrower than", "narrower")),
    difference=lambda a, b: excess_ratio(width_m(a), width_m(b)),
    unit="ratio",
    requires=Requirements(whole=True),
    yes_no=(
        "Is {a} {relation} {b}?",
        "From side to side, is {a} {relation} {b}?",
        "Comparing their widths, is {a} {relation} {b}?",
        "Would you call {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "From side to side, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
    ),
    yes=_YES,
    no=_NO,
    winners=_WINNERS,
)

TALLER = Comparison(
    name="taller",
    forms=("named", "marked"),
    poles=(Pole("taller than", "taller"), Pole("shorter than", "shorter")),
    difference=lambda a, b: excess_ratio(height_m(a), height_m(b)),
    unit="ratio",
    requires=Requirements(whole=True, level=True),
    yes_no=(
        "Is {a} {relation} {b}?",
        "From bottom to top, is {a} {relation} {b}?",
        "Comparing their heights, is {a} {relation} {b}?",
        "Would you call {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "From bottom to top, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
    ),
    yes=_YES,
    no=_NO,
    winners=_WINNERS,
)

BIGGER = Comparison(
    name="bigger",
    forms=("named", "marked"),
    poles=(Pole("bigger than", "bigger"), Pole("smaller than", "smaller")),
    difference=lambda a, b: excess_ratio(cube_edge_m(a), cube_edge_m(b)),
    unit="ratio",
    requires=Requirements(whole=True, level=True),
    yes_no=(
        "Is {a} {relation} {b}?",
        "By volume, is {a} {relation} {b}?",
        "Going by the space they take up, is {a} {relation} {b}?",
        "In the real room, is {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "By volume, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme} in the real room?",
    ),
    yes=_YES,
    no=_NO,
    winners=_WINNERS,
)

WIDTH = Length(
    name="width",
    forms=("named", "marked"),
    num_objects=1,
    value_m=width_m,
    least_m=SMALLEST_ASKED_M,
    requires=Requirements(whole=True),
    questions=(
        "How wide is {a}?",
        "What is the width of {a}?",
        "How wide is {a} from side to side?",
        "What does {a} measure from its left side to its right side?",
        "Seen from its front, how wide is {a}?",
        "Please estimate the width of {a}.",
    ),
    answers=(
        "{a} is {value} wide.",
        "The width of {a} is {value}.",
        "From side to side, {a} measures {value}.",
        "It is {value} wide.",
    ),
)

HEIGHT = Length(
    name="height",
    forms=("named", "marked"),
    num_objects=1,
    value_m=height_m,
    least_m=SMALLEST_ASKED_M,
    requires=Requirements(whole=True, level=True),
    questions=(
        "How tall is {a}?",
        "What is the height of {a}?",
        "How tall is {a} from bottom to top?",
        "What does {a} measure from its underside to its top?",
        "How high is {a} itself, from its lowest to its highest point?",
        "Please estimate the height of {a}.",
    ),
    answers=(
        "{a} is {value} tall.",
        "The height of {a} is {value}.",
        "From bottom to top, {a} measures {value}.",
        "It is {value} tall.",
    ),
)
