"""Which of three: nearest to another, second from the left, biggest, nearest to the camera."""

import numpy as np

from workflow_scripts.vqa import measures
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import Requirements, Unit
from workflow_scripts.vqa.question_types.ranking import Ranking
from workflow_scripts.vqa.view_context import ViewContext

WHOLE = Requirements(untruncated=True)
LEVEL = Requirements(untruncated=True, level=True)
FRONTED = Requirements(untruncated=True, level=True, front=True)
IMAGE_POSITION = Requirements(shape=False, position_independent=True)


def _columns(view_context: ViewContext) -> Measure:
    """Return how far left the marks are, in pixels."""
    columns = -view_context.mark_px[:, 0]
    return columns, np.zeros(len(columns))


def _nearness(view_context: ViewContext) -> Measure:
    """Return how near the centres are to the camera."""
    return measures.negated(measures.camera_distance_m(view_context))


def _extreme(
    name: str,
    measure: object,
    extremes: tuple[str, ...],
    *,
    unit: Unit = "m",
    requires: Requirements = WHOLE,
    rank: int = 0,
    anchored: bool = False,
    frame: str = "camera",
    questions: tuple[str, ...] = (),
    answers: tuple[str, ...] = (),
) -> Ranking:
    return Ranking(
        name=name,
        measure=measure,  # type: ignore[arg-type]
        unit=unit,
        requires=requires,
        frame=frame,  # type: ignore[arg-type]
        extremes=extremes,
        rank=rank,
        anchored=anchored,
        questions=questions,
        answers=answers,
    )


NEAREST_TO = _extreme(
    "nearest_to",
    lambda view_context: measures.negated(measures.gap_m(view_context)),
    ("closest to {d}",),
    anchored=True,
    frame="gravity",
)
FARTHEST_FROM = _extreme(
    "farthest_from",
    measures.gap_m,
    ("farthest from {d}",),
    anchored=True,
    frame="gravity",
)
NEAREST_CAMERA = _extreme("nearest_camera", _nearness, ("closest to the camera",))
FARTHEST_CAMERA = _extreme(
    "farthest_camera",
    measures.camera_distance_m,
    ("farthest from the camera",),
)
LEFTMOST = _extreme(
    "leftmost",
    _columns,
    ("furthest to the left in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    frame="picture",
)
RIGHTMOST = _extreme(
    "rightmost",
    lambda view_context: measures.negated(_columns(view_context)),
    ("furthest to the right in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    frame="picture",
)
SECOND_FROM_LEFT = _extreme(
    "second_from_left",
    _columns,
    ("second from the left in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    rank=1,
    frame="picture",
)
SECOND_FROM_RIGHT = _extreme(
    "second_from_right",
    lambda view_context: measures.negated(_columns(view_context)),
    ("second from the right in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    rank=1,
    frame="picture",
)
SECOND_FROM_FRONT = _extreme(
    "second_from_front",
    _nearness,
    ("second closest to the camera",),
    rank=1,
)
BIGGEST = _extreme(
    "biggest",
    measures.cube_edge_m,
    ("the biggest",),
    unit="ratio",
    requires=LEVEL,
    frame="object",
)
SMALLEST = _extreme(
    "smallest",
    lambda view_context: _inverse(measures.cube_edge_m(view_context)),
    ("the smallest",),
    unit="ratio",
    requires=LEVEL,
    frame="object",
)
TALLEST = _extreme(
    "tallest",
    measures.height_m,
    ("the tallest",),
    unit="ratio",
    requires=LEVEL,
    frame="gravity",
)
WIDEST = _extreme(
    "widest",
    measures.width_m,
    ("the widest",),
    unit="ratio",
    requires=FRONTED,
    frame="object",
)
HIGHEST = _extreme(
    "highest",
    measures.bottom_m,
    (),
    requires=LEVEL,
    frame="gravity",
    questions=(
        "Whose underside is highest off the floor: {a}, {b} or {c}?",
        "Of {a}, {b} and {c}, whose underside is highest off the floor?",
        "Measured at the underside, which is highest off the floor: {a}, {b} or {c}?",
        "{a}, {b} or {c}: whose underside is highest off the floor?",
    ),
    answers=(
        "The underside of {winner} is highest.",
        "{winner}.",
        "It's {winner}.",
        "I'd say {winner}.",
    ),
)


def _inverse(measure: Measure) -> Measure:
    """Return one over a positive size: ratios stay the same, their order turns round."""
    value, sigma = measure
    return 1 / value, sigma / value**2


RANKINGS = (
    NEAREST_TO,
    FARTHEST_FROM,
    NEAREST_CAMERA,
    FARTHEST_CAMERA,
    LEFTMOST,
    RIGHTMOST,
    SECOND_FROM_LEFT,
    SECOND_FROM_RIGHT,
    SECOND_FROM_FRONT,
    BIGGEST,
    SMALLEST,
    TALLEST,
    WIDEST,
    HIGHEST,
)
