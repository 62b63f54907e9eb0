"""Wider, taller, bigger, longer; width, height, length and area: an object's own size.

Width is along the object's own side-to-side axis, as seen from its front; where the front is not
known it is not asked for, and comparisons must hold whichever side it is. `view_width` is the
extent across the camera's level heading, whatever faces where. Height is along the room's up
axis. Length is the longer of the two horizontal sides, of what is not taller than that. "Bigger"
compares volumes by the edge of the cube of equal volume, so that one margin suits lengths and
volumes: those of the convex hulls, of the surfaces where they are closed, and of the boxes must
agree, and their largest faces too. The footprint is the convex outline of what is drawn, if that is
filled. Where only boxes are known, volumes and footprints are asked of the bounding boxes. A size
is asked for only of an object that is wholly in the picture, and heights not in views from above.
`same_*` ask whether two are about equal: within 7 %, or apart by 30 % or more. Sizes are compared
only of what a person would compare (`vqa/plausibility.py`).
"""

import numpy as np

from workflow_scripts.vqa import measures, volume_measures
from workflow_scripts.vqa.plausibility import NOT_COMPARED, is_compared
from workflow_scripts.vqa.question_types.base import (
    BOX_VOLUMES,
    QuestionContext,
    Requirements,
)
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
FRONTED = Requirements(untruncated=True, gravity=True, agreed_front=True)
LONG = Requirements(untruncated=True, gravity=True, long=True)


WIDER = Comparison(
    name="wider",
    antonyms=(Antonym("wider than", "wider"), Antonym("narrower than", "narrower")),
    difference=measures.wider_ratio,
    unit="ratio",
    reasoning=comparison.wider,
    requires=UPRIGHT,
    frame="object",
    scopes=("judging by the width",),
)

TALLER = Comparison(
    name="taller",
    antonyms=(Antonym("taller than", "taller"), Antonym("shorter than", "shorter")),
    difference=measures.height_ratio,
    unit="ratio",
    reasoning=comparison.compare_two(comparison.HEIGHT),
    requires=STANDING,
    frame="gravity",
    scopes=("from bottom to top",),
)

BIGGER = Comparison(
    name="bigger",
    antonyms=(Antonym("bigger than", "bigger"), Antonym("smaller than", "smaller")),
    difference=volume_measures.bigger_ratio,
    unit="ratio",
    reasoning=comparison.bigger,
    requires=STANDING,
    frame="object",
    scopes=("by volume",),
).with_box_wording(
    BOX_VOLUMES,
    yes_no=(
        "Is the bounding box of {a} {relation} that of {b}?",
        "Would you say that the bounding box of {a} is {relation} that of {b}?",
        "{Scope}, is the bounding box of {a} {relation} that of {b}?",
        "Can you tell me whether the bounding box of {a} is {relation} that of {b}?",
    ),
    which=(
        "Whose bounding box is {extreme}, {a} or {b}?",
        "Which has the {extreme} bounding box, {a} or {b}?",
        "{Scope}, whose bounding box is {extreme}, {a} or {b}?",
        "{a} or {b}: whose bounding box is {extreme}?",
    ),
    yes=(
        "Yes, the bounding box of {a} is {relation} that of {b}.",
        "Yes, it is.",
        "Yes, the bounding box of {a} is {extreme}.",
        "Yes, I'd say the bounding box of {a} is {relation} that of {b}.",
    ),
    no=(
        "No, the bounding box of {a} is not {relation} that of {b}.",
        "No, the bounding box of {a} is {opposite} that of {b}.",
        "No, it isn't.",
        "No, the bounding box of {b} is {relation} that of {a}.",
    ),
    winners=(
        "The bounding box of {winner} is {extreme}.",
        "{winner}.",
        "It's {winner}.",
        "I'd say {winner}.",
    ),
)

LONGER = Comparison(
    name="longer",
    antonyms=(
        Antonym("longer than", "longer"),
        Antonym("shorter than", "shorter"),
    ),
    difference=lambda view_context: measures.ratio_of(measures.length_m(view_context)),
    unit="ratio",
    reasoning=comparison.compare_two(comparison.LENGTH),
    requires=LONG,
    frame="object",
    scopes=("seen from above",),
    yes_no=(
        "{Scope}, {is_a} {a} {relation} {b}?",
        "{Is_a} {a} {relation} {b}, seen from above?",
        "On the floor plan, {is_a} {a} {relation} {b}?",
        "Would you say that {a} {is_a} {relation} {b}, seen from above?",
    ),
    which=(
        "{Scope}, which is {extreme}, {a} or {b}?",
        "Which is {extreme} on the floor plan, {a} or {b}?",
        "Of {a} and {b}, which is {extreme}, seen from above?",
        "{a} or {b}: which is {extreme}, seen from above?",
    ),
)

WIDTH = Numeric(
    name="width",
    num_objects=1,
    is_size=True,
    measure=measures.width_m,
    unit="m",
    reasoning=numeric.width,
    min_value=SMALLEST_ASKED_M,
    requires=FRONTED,
    frame="object",
    quantities=("the width of {a}",),
    questions=(
        "How wide {is_a} {a}?",
        "How wide {is_a} {a} from side to side?",
    ),
    answers=("{a} {is_a} {value} wide.", "{It_a} {is_a} {value} wide."),
)

VIEW_WIDTH = Numeric(
    name="view_width",
    num_objects=1,
    is_size=True,
    measure=measures.view_width_m,
    unit="m",
    reasoning=numeric.view_width,
    min_value=SMALLEST_ASKED_M,
    requires=STANDING,
    frame="gravity",
    quantities=("the real width of {a} as seen from the camera",),
    questions=(
        "How wide {is_a} {a}, seen from the camera?",
        "From the camera's point of view, how wide {is_a} {a} from left to right?",
    ),
    answers=("Seen from the camera, {a} {is_a} {value} wide.", "{It_a} {is_a} {value} wide."),
)

HEIGHT = Numeric(
    name="height",
    num_objects=1,
    is_size=True,
    measure=measures.height_m,
    unit="m",
    reasoning=numeric.height,
    min_value=SMALLEST_ASKED_M,
    requires=STANDING,
    frame="gravity",
    quantities=("the height of {a} from bottom to top",),
    questions=("How tall {is_a} {a}?", "How tall {is_a} {a} from bottom to top?"),
    answers=("{a} {is_a} {value} tall.", "{It_a} {is_a} {value} tall."),
)

LENGTH = Numeric(
    name="length",
    num_objects=1,
    is_size=True,
    measure=measures.length_m,
    unit="m",
    reasoning=numeric.length,
    min_value=SMALLEST_ASKED_M,
    requires=LONG,
    frame="object",
    quantities=(),
    questions=(
        "Seen from above, how long {is_a} {a}?",
        "How long {is_a} {a} on the floor plan?",
        "What is the length of {a}, seen from above?",
        "Seen from above, can you estimate the length of {a}?",
    ),
    answers=("{a} {is_a} {value} long.", "{It_a} {is_a} {value} long."),
)

FOOTPRINT = Numeric(
    name="footprint",
    num_objects=1,
    is_size=True,
    measure=measures.footprint_m2,
    unit="m2",
    reasoning=numeric.footprint,
    min_value=SMALLEST_ASKED_M2,
    requires=UPRIGHT,
    frame="object",
    quantities=("the footprint of {a}",),
    questions=(
        "How large is the footprint of {a}?",
        "Seen from above, how much area {does_a} {a} cover?",
    ),
    answers=("{a} {covers_a} {value}.",),
).with_box_wording(
    BOX_VOLUMES,
    quantities=("the footprint of the bounding box of {a}",),
    questions=(
        "How large is the footprint of the bounding box of {a}?",
        "Seen from above, how much area does the bounding box of {a} cover?",
    ),
    answers=("The bounding box of {a} covers {value}.",),
)


def same_size(
    ratio: measures.Measure, context: QuestionContext, most: measures.Measure | None = None
) -> PredicateValues:
    """YesNo of every pair that two sizes are about equal.

    `most` is by how much they differ at most, where there are several readings of the size.
    """
    excess, sigma = context.pair_values(*ratio)
    least = np.abs(excess)
    (most_excess,) = context.pair_values(most[0]) if most is not None else (least,)
    value = between_limits(np.maximum(least, most_excess), SAME_EXCESS.yes, SAME_EXCESS.no)
    value = np.where((value < 0) & (least < SAME_EXCESS.no), 0.0, value)
    compared = is_compared(context.view_context, context.pairs(), 1 + least)
    context.dropped[NOT_COMPARED] += int(np.count_nonzero((value != 0) & ~compared))
    return PredicateValues(
        objects=context.shuffled_pairs(), value=np.where(compared, value, 0.0), sigma=sigma
    )


SAME_HEIGHT = YesNo(
    name="same_height",
    predicate=lambda context: same_size(measures.height_ratio(context.view_context), context),
    unit="ratio",
    reasoning=yes_no.about_equal(comparison.HEIGHT, SAME_EXCESS),
    requires=STANDING,
    frame="gravity",
    questions=("Are {a} and {b} about equally tall?", "{Is_a} {a} about as tall as {b}?"),
    statements=("{a} and {b} are about equally tall", "{a} {is_a} about as tall as {b}"),
    negations=("{a} and {b} are not equally tall", "one of them is clearly taller"),
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
    questions=("Are {a} and {b} about equally wide?", "{Is_a} {a} about as wide as {b}?"),
    statements=("{a} and {b} are about equally wide", "{a} {is_a} about as wide as {b}"),
    negations=("{a} and {b} are not equally wide", "one of them is clearly wider"),
)

SAME_SIZE = YesNo(
    name="same_size",
    predicate=lambda context: same_size(
        volume_measures.cube_edge_ratio(context.view_context),
        context,
        volume_measures.most_cube_edge_ratio(context.view_context),
    ),
    unit="ratio",
    reasoning=yes_no.same_size(SAME_EXCESS),
    requires=STANDING,
    frame="object",
    questions=("Are {a} and {b} about the same size?", "{Is_a} {a} about as big as {b}?"),
    statements=("{a} and {b} are about the same size", "{a} {is_a} about as big as {b}"),
    negations=("{a} and {b} are different sizes", "one of them is clearly bigger"),
).with_box_wording(
    BOX_VOLUMES,
    questions=(
        "Are the bounding boxes of {a} and {b} about the same size?",
        "Is the bounding box of {a} about as big as that of {b}?",
    ),
    statements=(
        "the bounding boxes of {a} and {b} are about the same size",
        "the bounding box of {a} is about as big as that of {b}",
    ),
    negations=(
        "the bounding boxes of {a} and {b} are different sizes",
        "one of the bounding boxes is clearly bigger",
    ),
)
