"""Which of three: nearest to another, second from the left, biggest, nearest to the camera."""

from collections.abc import Callable, Sequence

import numpy as np

from workflow_scripts.common.measurements import ShapeSource
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa import measures, volume_measures
from workflow_scripts.vqa.margins import Unit
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import (
    BOX_GAPS,
    BOX_VOLUMES,
    Frame,
    Reasoning,
    Requirements,
)
from workflow_scripts.vqa.question_types.ranking import Ranking
from workflow_scripts.vqa.reasoning import comparison
from workflow_scripts.vqa.view_context import ViewContext

WHOLE = Requirements(untruncated=True)
LEVEL = Requirements(untruncated=True, level=True)
FRONTED = Requirements(untruncated=True, level=True, agreed_front=True)
RANGE = Requirements(untruncated=True, range_clear=True)
IMAGE_POSITION = Requirements(shape=False, position_independent=True)


def _columns(view_context: ViewContext) -> Measure:
    """Return how far left the marks are, in pixels."""
    columns = -view_context.mark_px[:, 0]
    return columns, np.zeros(len(columns))


def _middle_columns(view_context: ViewContext) -> list[FloatArray]:
    """Return how far left the middles of the visible parts are, in pixels."""
    return [-view_context.middle_px[:, 0]]


def _middle_columns_from_right(view_context: ViewContext) -> list[FloatArray]:
    return [view_context.middle_px[:, 0]]


def _nearness(view_context: ViewContext) -> Measure:
    """Return how near the centres are to the camera."""
    return measures.negated(measures.camera_distance_m(view_context))


def _nearness_readings(view_context: ViewContext) -> list[FloatArray]:
    """Return how near objects are by centres, nearest points and what is visible."""
    return [-reading for reading in measures.distance_readings_m(view_context)]


def _size_readings(view_context: ViewContext) -> list[FloatArray]:
    """Return how big objects are by every reading of the volume and by their largest faces."""
    cubes = volume_measures.cube_edges_m(view_context)
    return [edge for edge, _ in (*cubes, volume_measures.face_edge_m(view_context))]


def _extreme(
    name: str,
    reasoning: Reasoning,
    measure: Callable[[ViewContext], Measure],
    extremes: tuple[str, ...],
    *,
    unit: Unit = "m",
    requires: Requirements = WHOLE,
    rank: int = 0,
    anchored: bool = False,
    other_measures: Callable[[ViewContext], Sequence[FloatArray]] | None = None,
    frame: Frame = "camera",
    questions: tuple[str, ...] = (),
    answers: tuple[str, ...] = (),
) -> Ranking:
    return Ranking(
        name=name,
        measure=measure,
        unit=unit,
        reasoning=reasoning,
        requires=requires,
        frame=frame,
        extremes=extremes,
        rank=rank,
        anchored=anchored,
        other_measures=other_measures,
        questions=questions,
        answers=answers,
    )


def _of_boxes(family: Ranking, extreme: str, sources: frozenset[ShapeSource]) -> Ranking:
    """Return a family that asks about the bounding boxes where these stand for the shapes."""
    return family.with_box_wording(
        sources,
        extremes=(),
        questions=(
            f"Whose bounding box is {extreme}: {{a}}, {{b}} or {{c}}?",
            f"Of {{a}}, {{b}} and {{c}}, whose bounding box is {extreme}?",
            f"{{a}}, {{b}} or {{c}}: whose bounding box is {extreme}?",
        ),
        answers=(
            f"The bounding box of {{winner}} is {extreme}.",
            "{winner}.",
            "It's {winner}.",
            "I'd say {winner}.",
        ),
    )


NEAREST_TO = _of_boxes(
    _extreme(
        "nearest_to",
        comparison.rank_by_gap(most=False),
        lambda view_context: measures.negated(measures.gap_m(view_context)),
        ("closest to {d}",),
        anchored=True,
        frame="gravity",
    ),
    "closest to that of {d}",
    BOX_GAPS,
)
FARTHEST_FROM = _of_boxes(
    _extreme(
        "farthest_from",
        comparison.rank_by_gap(most=True),
        measures.gap_m,
        ("farthest from {d}",),
        anchored=True,
        frame="gravity",
    ),
    "farthest from that of {d}",
    BOX_GAPS,
)
NEAREST_CAMERA = _extreme(
    "nearest_camera",
    comparison.rank_three(comparison.DISTANCE, most=False),
    _nearness,
    ("closest to the camera",),
    requires=RANGE,
    other_measures=_nearness_readings,
)
FARTHEST_CAMERA = _extreme(
    "farthest_camera",
    comparison.rank_three(comparison.DISTANCE, most=True),
    measures.camera_distance_m,
    ("farthest from the camera",),
    requires=RANGE,
    other_measures=measures.distance_readings_m,
)
LEFTMOST = _extreme(
    "leftmost",
    comparison.rank_three(comparison.COLUMN, most=False),
    _columns,
    ("furthest to the left in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    other_measures=_middle_columns,
    frame="picture",
)
RIGHTMOST = _extreme(
    "rightmost",
    comparison.rank_three(comparison.COLUMN, most=True),
    lambda view_context: measures.negated(_columns(view_context)),
    ("furthest to the right in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    other_measures=_middle_columns_from_right,
    frame="picture",
)
SECOND_FROM_LEFT = _extreme(
    "second_from_left",
    comparison.rank_three(comparison.COLUMN, most=False, rank=1),
    _columns,
    ("second from the left in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    other_measures=_middle_columns,
    rank=1,
    frame="picture",
)
SECOND_FROM_RIGHT = _extreme(
    "second_from_right",
    comparison.rank_three(comparison.COLUMN, most=True, rank=1),
    lambda view_context: measures.negated(_columns(view_context)),
    ("second from the right in the picture",),
    unit="px",
    requires=IMAGE_POSITION,
    other_measures=_middle_columns_from_right,
    rank=1,
    frame="picture",
)
SECOND_FROM_FRONT = _extreme(
    "second_from_front",
    comparison.rank_three(comparison.DISTANCE, most=False, rank=1),
    _nearness,
    ("second closest to the camera",),
    rank=1,
    requires=RANGE,
    other_measures=_nearness_readings,
)
BIGGEST = _of_boxes(
    _extreme(
        "biggest",
        comparison.rank_by_volume(most=True),
        volume_measures.cube_edge_m,
        ("the biggest",),
        unit="ratio",
        requires=LEVEL,
        frame="object",
        other_measures=_size_readings,
    ),
    "the biggest",
    BOX_VOLUMES,
)
SMALLEST = _of_boxes(
    _extreme(
        "smallest",
        comparison.rank_by_volume(most=False),
        lambda view_context: _inverse(volume_measures.cube_edge_m(view_context)),
        ("the smallest",),
        unit="ratio",
        requires=LEVEL,
        frame="object",
        other_measures=lambda view_context: [1 / edge for edge in _size_readings(view_context)],
    ),
    "the smallest",
    BOX_VOLUMES,
)
TALLEST = _extreme(
    "tallest",
    comparison.rank_three(comparison.HEIGHT, most=True),
    measures.height_m,
    ("the tallest",),
    unit="ratio",
    requires=LEVEL,
    frame="gravity",
)
WIDEST = _extreme(
    "widest",
    comparison.rank_three(comparison.WIDTH, most=True),
    measures.width_m,
    ("the widest",),
    unit="ratio",
    requires=FRONTED,
    frame="object",
)
HIGHEST = _extreme(
    "highest",
    comparison.rank_three(comparison.UNDERSIDE, most=True),
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
