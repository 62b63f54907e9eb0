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

from workflow_scripts.geometry.box_overlap import OrientedBoxes, iou_matrix
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout, oriented_boxes

MIN_SIZE_M = 0.1
MAX_PLANE_DISTANCE_M = 0.2
MAX_SINE = np.sin(np.deg2rad(5.0))
_FORBIDDEN = 1e6


def box_f1(pairs: Iterable[tuple[RoomLayout, RoomLayout]], threshold: float) -> dict[str, float]:
    """Return the F1 of each class of boxes; a pair is a true and a predicted layout."""
    scores: dict[str, list[float]] = defaultdict(list)
    for true, predicted in pairs:
        labels = {box.label for box in (*true.boxes, *predicted.boxes)}
        for label in sorted(labels):
            a = [box for box in true.boxes if box.label == label]
            b = [box for box in predicted.boxes if box.label == label]
            scores[label].append(_f1(iou_matrix(_lifted(a), _lifted(b)), threshold))
    return {label: float(np.mean(values)) for label, values in sorted(scores.items())}


def layout_f1(
    pairs: Iterable[tuple[RoomLayout, RoomLayout]],
    threshold: float,
    *,
    signed_distance: bool = False,
) -> dict[str, float]:
    """Return the F1 of walls, doors and windows."""
    scores: dict[str, list[float]] = defaultdict(list)
    for true, predicted in pairs:
        for kind, rectangles in _RECTANGLES.items():
            a, b = rectangles(true), rectangles(predicted)
            if a or b:
                iou = np.array(
                    [[rectangle_iou(p, q, signed_distance=signed_distance) for q in b] for p in a]
                )
                scores[kind].append(_f1(iou.reshape(len(a), len(b)), threshold))
    return {kind: float(np.mean(values)) for kind, values in sorted(scores.items())}


def rectangle_iou(
    true: FloatArray, predicted: FloatArray, *, signed_distance: bool = False
) -> float:
    """Return the IoU of two upright rectangles [4 corners in turn, 3] in the true one's plane."""
    along = true[1] - true[0]
    length = np.linalg.norm(along)
    other = predicted[1] - predicted[0]
    if length < 1e-9 or np.linalg.norm(other) < 1e-9:
        return 0.0
    along, other = along / length, other / np.linalg.norm(other)
    normal = np.array([-along[1], along[0], 0.0])
    distance = float((predicted[0] - true[0]) @ normal)
    if not signed_distance:
        distance = abs(distance)
    if abs(along[0] * other[1] - along[1] * other[0]) >= MAX_SINE:
        return 0.0
    if distance >= MAX_PLANE_DISTANCE_M:
        return 0.0
    a, b = (
        Polygon(np.stack([(corners - true[0]) @ along, corners[:, 2]], axis=1))
        for corners in (true, predicted)
    )
    if not a.is_valid or not b.is_valid or a.area + b.area <= 0:
        return 0.0
    shared = a.intersection(b).area
    return float(shared / (a.area + b.area - shared))


def _f1(iou: FloatArray, threshold: float) -> float:
    num_true, num_predicted = iou.shape
    if not num_true or not num_predicted:
        return 0.0
    rows, columns = linear_sum_assignment(np.where(iou > threshold, -1.0, _FORBIDDEN))
    right = int((iou[rows, columns] >= threshold).sum())
    return float(2 * right / (num_true + num_predicted))


def _lifted(boxes: Sequence[LayoutBox]) -> OrientedBoxes:
    arrays = oriented_boxes(boxes)
    return OrientedBoxes(arrays.centre_m, np.maximum(arrays.size_m, MIN_SIZE_M), arrays.rotation)


def _wall_rectangles(layout: RoomLayout) -> list[FloatArray]:
    up = np.array([0.0, 0.0, 1.0])
    return [
        np.array(
            [
                wall.start_m,
                wall.end_m,
                wall.end_m + up * wall.height_m,
                wall.start_m + up * wall.height_m,
            ]
        )
        for wall in layout.walls
    ]


def _opening_rectangles(kind: str) -> Callable[[RoomLayout], list[FloatArray]]:
    def rectangles(layout: RoomLayout) -> list[FloatArray]:
        found = []
        for opening in layout.openings:
            wall = layout.walls[opening.wall]
            if opening.kind != kind or wall.length_m < 1e-9:
                continue
            half = (wall.end_m - wall.start_m) / wall.length_m * opening.width_m / 2
            half_up = np.array([0.0, 0.0, opening.height_m / 2])
            corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
            found.append(np.array([opening.centre_m + x * half + y * half_up for x, y in corners]))
        return found

    return rectangles


_RECTANGLES: dict[str, Callable[[RoomLayout], list[FloatArray]]] = {
    "wall": _wall_rectangles,
    "door": _opening_rectangles("door"),
    "window": _opening_rectangles("window"),
}
