"""Facing: which way something with a front looks, and whether it faces something else."""

import numpy as np

from workflow_scripts.vqa.measures import facing_camera_deg, facing_deg
from workflow_scripts.vqa.question_types.base import QuestionContext, Requirements
from workflow_scripts.vqa.question_types.fixed_choice import Classification, FixedChoice
from workflow_scripts.vqa.question_types.yes_no import PredicateValues, YesNo, between_limits
from workflow_scripts.vqa.reasoning import orientation, yes_no

FRONT = Requirements(untruncated=True, level=True, front=True)
FACES_DEG = yes_no.Limits(yes=20.0, no=60.0)
# Four ways to face; nearer than this to the middle of one it is clear.
CLEAR_WITHIN_DEG = 25.0
FACING_DIRECTIONS = ("towards the camera", "to the right", "away from the camera", "to the left")


def faces_object_values(context: QuestionContext) -> PredicateValues:
    """YesNo of every ordered pair that the first faces the second."""
    pairs = context.pairs(ordered=True)
    if not len(pairs):
        return PredicateValues(pairs, np.zeros(0), np.zeros(0))
    pairs = pairs[context.view_context.has_agreed_front[pairs[:, 0]]]
    angle, sigma = facing_deg(context.view_context)
    where = (pairs[:, 0], pairs[:, 1])
    value = between_limits(angle[where], FACES_DEG.yes, FACES_DEG.no)
    # From above or below "facing" means little.
    near = (
        context.view_context.measured.horizontal_distance_m[0][where] < 2 * context.margins.metres
    )
    return PredicateValues(pairs, np.where(near, 0.0, value), sigma[where])


def facing_direction(context: QuestionContext) -> Classification:
    """Sort what has a front by the way it faces, as the camera sees it."""
    rows = context.usable
    if not len(rows):
        return Classification(rows[:, None], rows, np.zeros(0), np.zeros(0))
    rows = rows[context.view_context.has_agreed_front[rows]]
    angle, sigma = facing_camera_deg(context.view_context)
    quarter = np.round(angle[rows] / 90.0).astype(int) % 4
    off = np.abs((angle[rows] + 45.0) % 90.0 - 45.0)
    return Classification(
        objects=rows[:, None],
        option=np.where(off <= CLEAR_WITHIN_DEG, quarter, -1),
        value=45.0 - off,
        sigma=sigma[rows],
    )


FACING_OBJECT = YesNo(
    name="facing_object",
    predicate=faces_object_values,
    unit="deg",
    reasoning=yes_no.facing_object(FACES_DEG),
    requires=FRONT,
    frame="object",
    questions=("{Is_a} {a} facing {b}?", "{Does_a} {a} face {b}?"),
    statements=("{a} {is_a} facing {b}", "{a} {faces_a} {b}"),
    negations=("{a} {is_a} not facing {b}", "{a} {does_a} not face {b}"),
)
FACING = FixedChoice(
    name="facing",
    options=FACING_DIRECTIONS,
    classify=facing_direction,
    unit="deg",
    reasoning=orientation.facing(FACING_DIRECTIONS),
    requires=FRONT,
    frame="camera",
    questions=(
        "Which way {is_a} {a} facing: towards the camera, away from the camera, to the left or to "
        "the right?",
        "{Is_a} {a} facing towards the camera, away from the camera, to the left or to the right?",
        "Seen from the camera, which way {does_a} {a} face: towards the camera, away from the "
        "camera, to the left or to the right?",
        "Which way does the front of {a} point: towards the camera, away from the camera, to the "
        "left or to the right?",
    ),
    answers=(
        "{a} {is_a} facing {option}.",
        "{It_a} {is_a} facing {option}.",
        "{option}.",
        "I'd say {it_a} {is_a} facing {option}.",
    ),
)
