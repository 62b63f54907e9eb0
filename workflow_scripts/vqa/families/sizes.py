"""Wider, taller, bigger, longer; width, height, length and area: an object's own size.

Width is along the object's own side-to-side axis, as seen from its front; where the front is not
known it is not asked for, and comparisons must hold whichever side it is. `view_width` is the
extent across the camera's level heading, whatever faces where. Height is along the room's up
axis, length is the longer of the two horizontal sides, and "bigger" compares the volumes of the
oriented boxes by the edge of the cube of equal volume, so that one margin suits lengths and
volumes. A size is asked for only of an object that is wholly in the picture, and heights not in
views from above. `same_*` ask whether two are about equal: within 7 %, or apart by 30 % or more.
"""

import numpy as np

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.comparison import Antonym, Comparison
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo, between_limits
from workflow_scripts.vqa.reasoning import comparison, numeric, yes_no

SMALLEST_ASKED_M = 0.05
SMALLEST_ASKED_M2 = 0.02
# By how much the ratio of two sizes exceeds 1.
SAME_EXCESS = yes_no.Limits(yes=0.07, no=0.3)
WHOLE = Requirements(untruncated=True)
STANDING = Requirements(untruncated=True, level=True)
UPRIGHT = Requirements(untruncated=True, gravity=True)
FRONTED = Requirements(untruncated=True, gravity=True, front=True)


WIDER = Comparison(
    name="wider",
    antonyms=(Antonym("wider than", "wider"), Antonym("narrower than", "narrower")),
    difference=measures.wider_ratio,
    unit="ratio",
    reasoning=comparison.wider,
    requires=UPRIGHT,
    frame="object",
    scopes=("from side to side", "comparing the widths", "in the real room"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "From side to side, {is_a} {a} {relation} {b}?",
        "Comparing their widths, {is_a} {a} {relation} {b}?",
        "Would you call {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "From side to side, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
    ),
)

TALLER = Comparison(
    name="taller",
    antonyms=(Antonym("taller than", "taller"), Antonym("shorter than", "shorter")),
    difference=measures.height_ratio,
    unit="ratio",
    reasoning=comparison.compare_two(comparison.HEIGHT),
    requires=STANDING,
    frame="gravity",
    scopes=("from bottom to top", "comparing the heights", "in the real room"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "From bottom to top, {is_a} {a} {relation} {b}?",
        "Comparing their heights, {is_a} {a} {relation} {b}?",
        "Would you call {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "From bottom to top, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme}?",
    ),
)

BIGGER = Comparison(
    name="bigger",
    antonyms=(Antonym("bigger than", "bigger"), Antonym("smaller than", "smaller")),
    difference=measures.cube_edge_ratio,
    unit="ratio",
    reasoning=comparison.bigger,
    requires=STANDING,
    frame="object",
    scopes=("by volume", "going by the space taken up", "in the real room"),
    yes_no=(
        "{Is_a} {a} {relation} {b}?",
        "By volume, {is_a} {a} {relation} {b}?",
        "Going by the space they take up, {is_a} {a} {relation} {b}?",
        "In the real room, {is_a} {a} {relation} {b}?",
    ),
    which=(
        "Which is {extreme}, {a} or {b}?",
        "By volume, which one is {extreme}: {a} or {b}?",
        "Of {a} and {b}, which one is {extreme} in the real room?",
    ),
)

LONGER = Comparison(
    name="longer",
    antonyms=(
        Antonym("longer on its longer side than", "longer on its longer side"),
        Antonym("shorter on its longer side than", "shorter on its longer side"),
    ),
    difference=lambda view_context: measures.ratio_of(measures.length_m(view_context)),
    unit="ratio",
    reasoning=comparison.compare_two(comparison.LENGTH),
    requires=UPRIGHT,
    frame="object",
    scopes=("seen from above", "comparing the footprints", "in the real room"),
)

WIDTH = Numeric(
    name="width",
    num_objects=1,
    measure=measures.width_m,
    unit="m",
    reasoning=numeric.width,
    min_value=SMALLEST_ASKED_M,
    requires=FRONTED,
    frame="object",
    quantities=("the width of {a}", "the distance from one side of {a} to the other"),
    questions=(
        "How wide {is_a} {a}?",
        "What is the width of {a}?",
        "How wide {is_a} {a} from side to side?",
        "What {does_a} {a} measure from side to side?",
        "Seen from the front, how wide {is_a} {a}?",
        "Please estimate the width of {a}.",
    ),
    answers=(
        "{a} {is_a} {value} wide.",
        "The width of {a} is {value}.",
        "From side to side, {a} {measures_a} {value}.",
        "{It_a} {is_a} {value} wide.",
    ),
)

VIEW_WIDTH = Numeric(
    name="view_width",
    num_objects=1,
    measure=measures.view_width_m,
    unit="m",
    reasoning=numeric.view_width,
    min_value=SMALLEST_ASKED_M,
    requires=STANDING,
    frame="gravity",
    quantities=(
        "the width of {a} across the line of sight",
        "the real extent of {a} from its leftmost to its rightmost point as the camera sees it",
    ),
    questions=("Across the line of sight, how far {does_a} {a} extend?",),
    answers=("{a} {is_a} {value} wide across the line of sight.",),
)

HEIGHT = Numeric(
    name="height",
    num_objects=1,
    measure=measures.height_m,
    unit="m",
    reasoning=numeric.height,
    min_value=SMALLEST_ASKED_M,
    requires=STANDING,
    frame="gravity",
    quantities=("the height of {a}", "the distance from the bottom of {a} to the top"),
    questions=(
        "How tall {is_a} {a}?",
        "What is the height of {a}?",
        "How tall {is_a} {a} from bottom to top?",
        "What {does_a} {a} measure from the underside to the top?",
        "How high {is_a} {a} {itself_a}, from the lowest to the highest point?",
        "Please estimate the height of {a}.",
    ),
    answers=(
        "{a} {is_a} {value} tall.",
        "The height of {a} is {value}.",
        "From bottom to top, {a} {measures_a} {value}.",
        "{It_a} {is_a} {value} tall.",
    ),
)

LENGTH = Numeric(
    name="length",
    num_objects=1,
    measure=measures.length_m,
    unit="m",
    reasoning=numeric.length,
    min_value=SMALLEST_ASKED_M,
    requires=UPRIGHT,
    frame="object",
    quantities=(
        "the length of {a} along the longer side",
        "the longer side of {a} on the floor plan",
    ),
    questions=("How long {is_a} {a} along the longer side?",),
    answers=("{a} {is_a} {value} long.",),
)

FOOTPRINT = Numeric(
    name="footprint",
    num_objects=1,
    measure=measures.footprint_m2,
    unit="m2",
    reasoning=numeric.footprint,
    min_value=SMALLEST_ASKED_M2,
    requires=UPRIGHT,
    frame="object",
    quantities=("the area that {a} {covers_a} seen from above", "the footprint of {a}"),
    questions=("How much floor area would {a} cover?", "How large is the footprint of {a}?"),
    answers=("Seen from above, {a} {covers_a} {value}.",),
)


def same_size(ratio: measures.Measure, context: QuestionContext) -> PredicateValues:
    """YesNo of every pair that two sizes are about equal."""
    excess, sigma = context.pair_values(*ratio)
    return PredicateValues(
        objects=context.shuffled_pairs(),
        value=between_limits(np.abs(excess), SAME_EXCESS.yes, SAME_EXCESS.no),
        sigma=sigma,
    )


SAME_HEIGHT = YesNo(
    name="same_height",
    predicate=lambda context: same_size(measures.height_ratio(context.view_context), context),
    unit="ratio",
    reasoning=yes_no.about_equal(comparison.HEIGHT, SAME_EXCESS),
    requires=STANDING,
    frame="gravity",
    questions=("Are {a} and {b} about the same height?", "Are {a} and {b} equally tall?"),
    statements=("{a} and {b} are about the same height",),
    negations=("{a} and {b} are not the same height",),
)

SAME_WIDTH = YesNo(
    name="same_width",
    predicate=lambda context: same_size(
        measures.ratio_of(measures.width_m(context.view_context)), context
    ),
    unit="ratio",
    reasoning=yes_no.about_equal(comparison.WIDTH, SAME_EXCESS),
    requires=FRONTED,
    frame="object",
    questions=("Are {a} and {b} about the same width?", "Are {a} and {b} equally wide?"),
    statements=("{a} and {b} are about the same width",),
    negations=("{a} and {b} are not the same width",),
)

SAME_SIZE = YesNo(
    name="same_size",
    predicate=lambda context: same_size(measures.cube_edge_ratio(context.view_context), context),
    unit="ratio",
    reasoning=yes_no.same_size(SAME_EXCESS),
    requires=STANDING,
    frame="object",
    questions=("Are {a} and {b} about the same size?", "Are {a} and {b} equally big?"),
    statements=("{a} and {b} are about the same size", "{a} and {b} take up about the same space"),
    negations=("{a} and {b} are not the same size", "{a} and {b} do not take up the same space"),
)
