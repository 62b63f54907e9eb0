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
    labels = [np.array([box.label for box in layout.boxes]) for layout in (true, predicted)]
    rows, columns = np.nonzero(labels[0][:, None] == labels[1][None, :])
    iou = np.zeros((len(true.boxes), len(predicted.boxes)))
    a, b = _lifted(true.oriented_boxes), _lifted(predicted.oriented_boxes)
    iou[rows, columns] = pairwise_iou(a.take(rows), b.take(columns))
    scores = {}
    for label in sorted({*labels[0].tolist(), *labels[1].tolist()}):
        of_true, of_predicted = (np.flatnonzero(names == label) for names in labels)
        part = iou[np.ix_(of_true, of_predicted)]
        scores[label] = [_f1(part, threshold) for threshold in thresholds]
    return scores


def layout_f1(
    pairs: Iterable[tuple[RoomLayout, RoomLayout]],
    threshold: float,
    *,
    signed_distance: bool = False,
) -> dict[str, float]:
    """Return the F1 of walls, doors and windows."""
    scores: dict[str, list[float]] = defaultdict(list)
    for true, predicted in pairs:
        values = scene_layout_f1(true, predicted, (threshold,), signed_distance=signed_distance)
        for kind, value in values.items():
            scores[kind] += value
    return {kind: float(np.mean(values)) for kind, values in sorted(scores.items())}


def scene_layout_f1(
    true: RoomLayout,
    predicted: RoomLayout,
    thresholds: Sequence[float],
    *,
    signed_distance: bool = False,
) -> dict[str, list[float]]:
    """Return the F1 of walls, doors and windows of one scene that it has, one a threshold."""
    scores = {}
    for kind, rectangles in _RECTANGLES.items():
        a, b = rectangles(true), rectangles(predicted)
        if len(a) or len(b):
            iou = rectangle_ious(a, b, signed_distance=signed_distance)
            scores[kind] = [_f1(iou, threshold) for threshold in thresholds]
    return scores


def rectangle_iou(
    true: FloatArray, predicted: FloatArray, *, signed_distance: bool = False
) -> float:
    """Return the IoU of two upright rectangles [4 corners in turn, 3] in the true one's plane."""
    pair = true[None], predicted[None]
    return float(rectangle_ious(*pair, signed_distance=signed_distance)[0, 0])


def rectangle_ious(
    true: FloatArray, predicted: FloatArray, *, signed_distance: bool = False
) -> FloatArray:
    """Return the IoU [n, m] of upright rectangles [n, 4, 3] and [m, 4, 3] in the true ones' planes.

    Corners are two along the bottom, then the two above them in turn.
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
    if not signed_distance:
        distance = np.abs(distance)
    sine = along[:, None, 0] * other[None, :, 1] - along[:, None, 1] * other[None, :, 0]
    coplanar = (np.abs(sine) < MAX_SINE) & (distance < MAX_PLANE_DISTANCE_M)
    coplanar &= is_long[:, None] & other_is_long[None, :]
    for i, j in np.argwhere(coplanar):
        result[i, j] = _plane_iou(
            *(
                np.stack([(corners - true[i, 0]) @ along[i], corners[:, 2]], axis=1)
                for corners in (true[i], predicted[j])
            )
        )
    return result


def _plane_iou(a: FloatArray, b: FloatArray) -> float:
    """Return the IoU of two quadrilaterals [4, 2]; those with level edges need no polygons."""
    if all(q[0, 1] == q[1, 1] and q[2, 1] == q[3, 1] for q in (a, b)) and all(
        q[0, 0] == q[3, 0] and q[1, 0] == q[2, 0] for q in (a, b)
    ):
        low = np.maximum(a.min(axis=0), b.min(axis=0))
        high = np.minimum(a.max(axis=0), b.max(axis=0))
        shared = float(np.maximum(high - low, 0.0).prod())
        areas = float(np.ptp(a, axis=0).prod() + np.ptp(b, axis=0).prod())
        return shared / (areas - shared) if areas > 0 else 0.0
    first, second = Polygon(a), Polygon(b)
    if not first.is_valid or not second.is_valid or first.area + second.area <= 0:
        return 0.0
    shared = first.intersection(second).area
    return float(shared / (first.area + second.area - shared))


def _f1(iou: FloatArray, threshold: float) -> float:
    """Return F1 of a matrix [true, predicted]; assigned above the threshold, counted from it on."""
    num_true, num_predicted = iou.shape
    if not num_true or not num_predicted:
        return 0.0
    above = iou > threshold
    if not above.any():
        right = 0
        if (iou == threshold).any():
            right = _assigned(iou, threshold)
    elif above.sum(axis=0).max() <= 1 >= above.sum(axis=1).max() and not (iou == threshold).any():
        right = int(above.sum())  # one partner each: nothing to choose
    else:
        right = _assigned(iou, threshold)
    return float(2 * right / (num_true + num_predicted))


def _assigned(iou: FloatArray, threshold: float) -> int:
    rows, columns = linear_sum_assignment(np.where(iou > threshold, -1.0, _FORBIDDEN))
    return int((iou[rows, columns] >= threshold).sum())


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
