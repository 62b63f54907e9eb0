"""The metrics of R2D3 with their defects removed; `r2d3_metrics.py` lists the defects.

- The tolerance is 10 % of the diagonal of the room's own floor.
- Angles are wrapped, their error is a mean over pairs.
- Objects are matched within the tolerance, class by class, one to one; precision and recall are of
  all objects, distances between objects of all true pairs.
- Corners are those of the floor plan, without those on a straight wall.
- Materials of walls are compared over the longer list.
- A marked object does not count: the prompt says where it is.
- Of a text that cannot be read, every object, wall and material is missed.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from scipy.spatial.distance import cdist
from shapely.geometry import Polygon

from workflow_scripts.evaluate.reconstruction.matching import match_within, same_class
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import (
    CM,
    MAX_YAW_DEG,
    SIMPLIFY_M,
    TOLERANCE,
    NamedObjects,
    Values,
    asset_name,
    class_of_asset,
)
from workflow_scripts.geometry.cameras import FloatArray, wrap_deg
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout


def floor_diagonal_cm(floor_polygon_m: FloatArray) -> float:
    """Return the diagonal of the floor's extent; 0 without a floor."""
    if not len(floor_polygon_m):
        return 0.0
    return float(CM * np.linalg.norm(np.ptp(floor_polygon_m[:, :2], axis=0)))


def corrected_similarity(
    true: RoomLayout,
    predicted: RoomLayout | None,
    *,
    name: Callable[[LayoutBox], str] = asset_name,
    class_of: Callable[[str], str] = class_of_asset,
) -> Values:
    """Return the corrected metrics of one room; None is a text that could not be read."""
    predicted = predicted or RoomLayout(frame=true.frame)
    a, b = (NamedObjects.of(layout, name, class_of) for layout in (true, predicted))
    diagonal = floor_diagonal_cm(true.floor_polygon_m)
    cost = cdist(a.centre_cm, b.centre_cm)
    pairs = match_within(cost, same_class(a.classes, b.classes), TOLERANCE * diagonal)
    turn = np.abs(wrap_deg(a.yaw_deg[pairs.true] - b.yaw_deg[pairs.predicted]))
    posed = float((turn < MAX_YAW_DEG).sum())
    counts = Counter(a.classes), Counter(b.classes)
    values: Values = {
        "corrected_corner_error": [
            float(abs(_num_corners(true.floor_polygon_m) - _num_corners(predicted.floor_polygon_m)))
        ],
        "corrected_count_error": [float(abs(len(a.names) - len(b.names)))],
        "corrected_class_count_error": [
            float(((counts[0] - counts[1]) + (counts[1] - counts[0])).total())
        ],
        **_materials(true, predicted),
    }
    if a.names or b.names:
        values["corrected_class_f1"] = [multiset_f1(a.classes, b.classes)]
        values["corrected_asset_f1"] = [multiset_f1(a.names, b.names)]
    if a.names:
        values["corrected_location_recall"] = [pairs.num_pairs / len(a.names)]
        values["corrected_pose_recall"] = [posed / len(a.names)]
    if b.names:
        values["corrected_location_precision"] = [pairs.num_pairs / len(b.names)]
        values["corrected_pose_precision"] = [posed / len(b.names)]
    elif a.names:  # nothing predicted is no precision, and no success either
        values["corrected_location_precision"] = values["corrected_pose_precision"] = [0.0]
    if pairs.num_pairs:
        near = cost[pairs.true, pairs.predicted]
        values["corrected_location_error"] = [float(near.mean() / diagonal)]
        said = turn[np.isfinite(turn)]
        values["corrected_yaw_error_deg"] = [float(said.mean())] if len(said) else []
    if len(a.names) > 1:
        values["corrected_distances_recall"] = [_distances_recall(a, b, diagonal)]
    return values


def multiset_f1(true: Iterable[str], predicted: Iterable[str]) -> float:
    """Return the F1 of two lists of names, each occurrence one; 1 if both are empty."""
    a, b = Counter(true), Counter(predicted)
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def _distances_recall(a: NamedObjects, b: NamedObjects, diagonal_cm: float) -> float:
    """Return the share of true pairs of objects whose distance apart is right.

    Objects are paired with predicted ones of their class wherever these are; a pair of which one
    has no partner is missed.
    """
    pairs = match_within(cdist(a.centre_cm, b.centre_cm), same_class(a.classes, b.classes), np.inf)
    num_true_pairs = len(a.names) * (len(a.names) - 1) / 2
    rows, columns = np.triu_indices(pairs.num_pairs, k=1)
    true, predicted = a.centre_cm[pairs.true], b.centre_cm[pairs.predicted]
    apart = np.linalg.norm(true[rows] - true[columns], axis=1)
    apart_predicted = np.linalg.norm(predicted[rows] - predicted[columns], axis=1)
    right = np.abs(apart - apart_predicted) <= TOLERANCE * diagonal_cm
    return float(right.sum() / num_true_pairs)


def _materials(true: RoomLayout, predicted: RoomLayout) -> Values:
    values: Values = {
        "corrected_floor_material_acc": [
            float(bool(true.floor_material) and true.floor_material == predicted.floor_material)
        ]
    }
    count = max(len(true.walls), len(predicted.walls))
    if count:
        walls = zip(true.walls, predicted.walls, strict=False)
        same = sum(a.material == b.material for a, b in walls)
        values["corrected_wall_material_acc"] = [same / count]
    return values


def _num_corners(floor_polygon_m: FloatArray) -> int:
    """Count the corners of the floor plan, without those on a straight wall."""
    if len(floor_polygon_m) < 3:
        return 0
    ring = np.array(Polygon(floor_polygon_m[:, :2]).simplify(SIMPLIFY_M).exterior.coords)[:-1]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return int((np.abs(cross) > 1e-3 * np.maximum(lengths, 1e-12)).sum())
