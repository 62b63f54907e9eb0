"""F1 of layouts as SpatialLM defines it, for boxes and for walls, doors and windows.

Published: in each scene and class, pairs are assigned so that as many as possible have an
intersection over union above the threshold; the score of a class is the mean over scenes of the
scene's F1, scenes that have none of it, true or predicted, left out. Sizes of boxes count as at
least 0.1 m. A wall, door or window is an upright rectangle: two agree in plane if they are parallel
within 5 degrees and the distance of their planes is below 0.2 m; their IoU is measured in the true
plane. The published code compares the signed distance, so that any plane far to one side passes:
`signed_distance=True` does so too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from shapely.geometry import Polygon

from workflow_scripts.geometry.box_overlap import OrientedBoxes, pairwise_iou
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.layout import RoomLayout

MIN_SIZE_M = 0.1
MAX_PLANE_DISTANCE_M = 0.2
MAX_SINE = np.sin(np.deg2rad(5.0))
_FORBIDDEN = 1e6


def box_f1(pairs: Iterable[tuple[RoomLayout, RoomLayout]], threshold: float) -> dict[str, float]:
    """Return the F1 of each class of boxes; a pair is a true and a predicted layout."""
    scores: dict[str, list[float]] = defaultdict(list)
    for true, predicted in pairs:
        for label, values in scene_box_f1(true, predicted, (threshold,)).items():
            scores[label] += values
    return {label: float(np.mean(values)) for label, values in sorted(scores.items())}


def scene_box_f1(
    true: RoomLayout, predicted: RoomLayout, thresholds: Sequence[float]
) -> dict[str, list[float]]:
    """Return the F1 of each class of boxes of one scene, one a threshold."""
    numbers: dict[str, int] = {}
    of_true, of_predicted = (
        np.array([numbers.setdefault(box.label, len(numbers)) for box in layout.boxes], dtype=int)
        for layout in (true, predicted)
    )
    rows, columns = np.nonzero(of_true[:, None] == of_predicted[None, :])
    iou = np.zeros((len(of_true), len(of_predicted)))
    a, b = _lifted(true.oriented_boxes), _lifted(predicted.oriented_boxes)
    iou[rows, columns] = pairwise_iou(a.take(rows), b.take(columns))
    totals = np.bincount(of_true, minlength=len(numbers))
    totals = totals + np.bincount(of_predicted, minlength=len(numbers))
    f1 = np.zeros((len(thresholds), len(numbers)))
    for number, threshold in enumerate(thresholds):
        hits = _assigned(iou, threshold)
        f1[number] = 2 * np.bincount(of_true[hits], minlength=len(numbers)) / totals
    return {label: f1[:, number].tolist() for label, number in sorted(numbers.items())}


def layout_f1(
    pairs: Iterable[tuple[RoomLayout, RoomLayout]],
    threshold: float,
    *,
    signed_distance: bool = False,
) -> dict[str, float]:
    """Return the F1 of walls, doors and windows."""
    scores: dict[str, list[float]] = defaultdict(list)
    for true, predicted in pairs:
        for kind, values in scene_layout_f1(true, predicted, (threshold,)).items():
            scores[kind] += values.signed if signed_distance else values.unsigned
    return {kind: float(np.mean(values)) for kind, values in sorted(scores.items())}


@dataclass(frozen=True)
class PlaneF1:
    """F1 of one kind of rectangle, one a threshold, by the signed and the unsigned distance."""

    signed: list[float]
    unsigned: list[float]


def scene_layout_f1(
    true: RoomLayout, predicted: RoomLayout, thresholds: Sequence[float]
) -> dict[str, PlaneF1]:
    """Return the F1 of walls, doors and windows of one scene that it has."""
    scores = {}
    for kind, rectangles in _RECTANGLES.items():
        a, b = rectangles(true), rectangles(predicted)
        if len(a) or len(b):
            lists = [
                [2 * len(_assigned(iou, threshold)) / (len(a) + len(b)) for threshold in thresholds]
                for iou in rectangle_ious(a, b)
            ]
            scores[kind] = PlaneF1(*lists)
    return scores


def rectangle_iou(
    true: FloatArray, predicted: FloatArray, *, signed_distance: bool = False
) -> float:
    """Return the IoU of two upright rectangles [4 corners in turn, 3] in the true one's plane."""
    signed, unsigned = rectangle_ious(true[None], predicted[None])
    return float((signed if signed_distance else unsigned)[0, 0])


def rectangle_ious(true: FloatArray, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the IoU [n, m] of upright rectangles [n, 4, 3] and [m, 4, 3] in the true ones' planes.

    First by the signed distance of the planes, as published, then by the distance. Corners are two
    along the bottom, then the two above them in turn.
    """
    result = np.zeros((len(true), len(predicted)))
    directions = []
    for corners in (true, predicted):
        along = corners[:, 1] - corners[:, 0]
        length = np.linalg.norm(along, axis=1)
        long_enough = length > 1e-9
        along = np.divide(along, length[:, None], out=along.copy(), where=long_enough[:, None])
        directions.append((along, long_enough))
    (along, is_long), (other, other_is_long) = directions
    normal = np.stack([-along[:, 1], along[:, 0], np.zeros(len(along))], axis=1)
    offset = predicted[None, :, 0] - true[:, None, 0]
    distance = np.einsum("nmk,nk->nm", offset, normal)
    sine = along[:, None, 0] * other[None, :, 1] - along[:, None, 1] * other[None, :, 0]
    coplanar = (np.abs(sine) < MAX_SINE) & (distance < MAX_PLANE_DISTANCE_M)
    coplanar &= is_long[:, None] & other_is_long[None, :]
    rows, columns = np.nonzero(coplanar)
    origin, direction = true[rows, :1], along[rows]
    a, b = (
        np.stack([np.einsum("pkx,px->pk", c - origin, direction), c[:, :, 2]], axis=2)
        for c in (true[rows], predicted[columns])
    )
    result[rows, columns] = _plane_ious(a, b)
    return result, np.where(distance > -MAX_PLANE_DISTANCE_M, result, 0.0)


def _plane_ious(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the IoUs [n] of quadrilaterals [n, 4, 2]; those with level edges need no polygons."""
    low = np.maximum(a.min(axis=1), b.min(axis=1))
    high = np.minimum(a.max(axis=1), b.max(axis=1))
    shared = np.maximum(high - low, 0.0).prod(axis=1)
    areas = np.ptp(a, axis=1).prod(axis=1) + np.ptp(b, axis=1).prod(axis=1)
    result: FloatArray = np.divide(
        shared, areas - shared, out=np.zeros(len(a)), where=areas > shared
    )
    level = np.ones(len(a), dtype=bool)
    for q in (a, b):
        level &= (q[:, 0, 1] == q[:, 1, 1]) & (q[:, 2, 1] == q[:, 3, 1])
        level &= (q[:, 0, 0] == q[:, 3, 0]) & (q[:, 1, 0] == q[:, 2, 0])
    for n in np.flatnonzero(~level):
        first, second = Polygon(a[n]), Polygon(b[n])
        result[n] = 0.0
        if first.is_valid and second.is_valid and first.area + second.area > 0:
            common = first.intersection(second).area
            result[n] = common / (first.area + second.area - common)
    return result


def _assigned(iou: FloatArray, threshold: float) -> np.ndarray:
    """Return the rows of a matrix that are found: assigned above a threshold, counted from it on.

    Where every row and column has one partner at most, there is nothing to assign.
    """
    above = iou > threshold
    if not (iou == threshold).any() and (
        not above.any() or (above.sum(axis=0).max() <= 1 and above.sum(axis=1).max() <= 1)
    ):
        return np.flatnonzero(above.any(axis=1))
    rows, columns = linear_sum_assignment(np.where(above, -1.0, _FORBIDDEN))
    found: np.ndarray = rows[iou[rows, columns] >= threshold]
    return found


def _lifted(boxes: OrientedBoxes) -> OrientedBoxes:
    """Return boxes with sizes of at least `MIN_SIZE_M`, unknown ones among them."""
    sizes = np.maximum(np.nan_to_num(boxes.size_m), MIN_SIZE_M)
    return OrientedBoxes(boxes.centre_m, sizes, boxes.rotation)


def _wall_rectangles(layout: RoomLayout) -> FloatArray:
    up = np.array([0.0, 0.0, 1.0])
    corners = [
        [
            wall.start_m,
            wall.end_m,
            wall.end_m + up * wall.height_m,
            wall.start_m + up * wall.height_m,
        ]
        for wall in layout.walls
    ]
    return np.array(corners, dtype=np.float64).reshape(-1, 4, 3)


_SIGNS = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])


def _opening_rectangles(kind: str) -> Callable[[RoomLayout], FloatArray]:
    def rectangles(layout: RoomLayout) -> FloatArray:
        corners = []
        for opening in layout.openings:
            if opening.kind != kind:
                continue
            wall = layout.walls[opening.wall]
            if wall.length_m < 1e-9:
                continue
            along = (wall.end_m - wall.start_m) / wall.length_m * opening.width_m / 2
            up = np.array([0.0, 0.0, opening.height_m / 2])
            corners.append(opening.centre_m + _SIGNS @ np.stack([along, up]))
        return np.array(corners, dtype=np.float64).reshape(-1, 4, 3)

    return rectangles


_RECTANGLES: dict[str, Callable[[RoomLayout], FloatArray]] = {
    "wall": _wall_rectangles,
    "door": _opening_rectangles("door"),
    "window": _opening_rectangles("window"),
}
