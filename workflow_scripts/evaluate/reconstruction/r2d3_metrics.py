"""The metrics of R2D3, by their published definitions, and the corrected ones beside them.

Each returns what one room contributes: a list of values by the name of the metric; a score is the
mean over the lists of all rooms. Layouts are in the world frame, objects are called by asset or
phrase; lengths are compared in centimetres, as published.

What is wrong with the published ones, and is right in those called `corrected_`:

- tolerances are 10 % of the largest less the least number of the floor polygon, heights of 0
  among them: they grow with the room's distance from the house's origin. Corrected: the diagonal of
  the room's own floor.
- the difference of two angles is not wrapped (359 and 1 differ by 358), and errors of angles are
  summed over the pairs of a class. Corrected: wrapped, and the mean.
- location and pose count only classes that were predicted, and only as many pairs as the shorter
  list has: extra and missing objects cost nothing. Corrected: precision and recall of all objects.
- the floor's corners are counted on the points (x, height), a ring without area, where corners on
  a straight wall count. Corrected: on the floor plan, without those.
- a text that cannot be read is left out. Corrected: all of its objects are missed.
"""

import re
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from shapely.geometry import Polygon

from workflow_scripts.evaluate.reconstruction.matching import (
    match_within,
    same_class,
)
from workflow_scripts.geometry.cameras import FloatArray, unity_from_yaw, wrap_deg
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout, oriented_boxes

TOLERANCE = 0.1
MAX_YAW_DEG = 10.0
SIMPLIFY_M = 0.01
_CM = 100.0
Values = dict[str, list[float]]


def class_of_asset(asset_id: str) -> str:
    """Return the class that R2D3 reads from an asset's name: no digits, no names of houses."""
    name = re.sub(r"[0-9]", "", asset_id.replace("_", " "))
    for word in ("RoboTHOR", "jokkmokk"):
        name = name.replace(word, "")
    name = re.sub(r"(?i)^counter ?top ([ILC])\b.*", r"\1-shaped countertop", name.strip())
    return " ".join(name.split())


def max_dimension_cm(floor_polygon_m: FloatArray) -> float:
    """Return the published scale: the largest less the least number of the polygon, heights too."""
    return float(_CM * (floor_polygon_m.max() - floor_polygon_m.min()))


def floor_diagonal_cm(floor_polygon_m: FloatArray) -> float:
    """Return the diagonal of the floor's extent."""
    return float(_CM * np.linalg.norm(np.ptp(floor_polygon_m[:, :2], axis=0)))


def semantic_similarity(
    true: RoomLayout,
    predicted: RoomLayout,
    *,
    name: Callable[[LayoutBox], str] = lambda box: box.asset_id or box.label,
    class_of: Callable[[str], str] = class_of_asset,
) -> Values:
    """Return the published HouseSemanticSimilarity of one room."""
    values: Values = _floor_and_materials(true, predicted)
    true_names = [name(box) for box in true.boxes]
    predicted_names = [name(box) for box in predicted.boxes]
    predicted_classes = [class_of(text) for text in predicted_names]
    classes = [class_of(text) for text in true_names]
    for asset in dict.fromkeys(true_names):
        count = predicted_names.count(asset)
        values.setdefault("ObjectClassAcc", []).append(float(class_of(asset) in predicted_classes))
        values.setdefault("ObjectFinegrainAcc", []).append(float(count > 0))
        error = abs(true_names.count(asset) - count)
        values.setdefault("ObjectCountError", []).append(float(error))
    scale = max_dimension_cm(true.floor_polygon_m) if len(true.floor_polygon_m) else np.nan
    for label in dict.fromkeys(classes):
        if label not in predicted_classes:
            continue
        a = [box for box, c in zip(true.boxes, classes, strict=True) if c == label]
        b = [box for box, c in zip(predicted.boxes, predicted_classes, strict=True) if c == label]
        cost = _CM * cdist(oriented_boxes(a).centre_m, oriented_boxes(b).centre_m)
        rows, columns = linear_sum_assignment(cost)
        near = cost[rows, columns] / scale < TOLERANCE
        turn = np.abs(_unity_yaws(a)[rows] - _unity_yaws(b)[columns])
        for metric, value in (
            ("ObjectLocationAcc", near.mean()),
            ("ObjectLocationError", cost[rows, columns].mean() / scale),
            ("ObjectPoseAcc", (near & (turn < MAX_YAW_DEG)).mean()),
            ("ObjectPoseError", turn.sum()),
        ):
            values.setdefault(metric, []).append(float(value))
    return values


def object_distances(
    true: RoomLayout,
    predicted: RoomLayout,
    *,
    name: Callable[[LayoutBox], str] = lambda box: box.asset_id or box.label,
    class_of: Callable[[str], str] = class_of_asset,
    visible: Sequence[str] | None = None,
) -> Values:
    """Return the published HouseObjectDistancesAccuracy of one room; no value if no pair counts.

    For each ordered pair of classes in both layouts, distances between their objects are assigned
    so that the sum of differences is least. `visible` keeps pairs of these classes alone.
    """
    classes, found = ([class_of(name(box)) for box in layout.boxes] for layout in (true, predicted))
    shared = [label for label in dict.fromkeys(classes) if label in found]
    if visible is not None:
        shared = [label for label in shared if label in visible]
    scale = max_dimension_cm(true.floor_polygon_m) if len(true.floor_polygon_m) else np.nan
    between = []
    for layout, labels in ((true, classes), (predicted, found)):
        centres = layout.oriented_boxes.centre_m
        members = {label: np.flatnonzero([c == label for c in labels]) for label in shared}
        between.append((_CM * cdist(centres, centres), members))
    errors, hits = [], []
    for first, second in combinations(shared, 2):  # either order gives the same
        a, b = (cost[np.ix_(of[first], of[second])].ravel() for cost, of in between)
        difference = _least_differences(a, b) / scale
        errors.append(float(difference.mean()))
        hits.append(float((difference < TOLERANCE).mean()))
    if not errors:
        return {}
    return {
        "ObjectDistancesError": [float(np.mean(errors))],
        "ObjectDistancesAcc": [float(np.mean(hits))],
    }


def _least_differences(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the differences of numbers [n] and [m], paired so that their sum is least."""
    if len(a) == len(b):  # in order
        result: FloatArray = np.abs(np.sort(a) - np.sort(b))
        return result
    cost: FloatArray = np.abs(a[:, None] - b[None, :])
    result = (
        cost.min(keepdims=True)[0] if min(cost.shape) == 1 else cost[linear_sum_assignment(cost)]
    )
    return result


def corrected_similarity(
    true: RoomLayout,
    predicted: RoomLayout | None,
    *,
    name: Callable[[LayoutBox], str] = lambda box: box.asset_id or box.label,
    class_of: Callable[[str], str] = class_of_asset,
) -> Values:
    """Return the corrected metrics of one room; None is a text that could not be read."""
    predicted = predicted or RoomLayout(frame=true.frame)
    classes, found = ([class_of(name(box)) for box in layout.boxes] for layout in (true, predicted))
    limit = TOLERANCE * floor_diagonal_cm(true.floor_polygon_m)
    cost = _CM * cdist(true.oriented_boxes.centre_m, predicted.oriented_boxes.centre_m)
    pairs = match_within(cost, same_class(classes, found), limit)
    yaws, found_yaws = _unity_yaws(true.boxes), _unity_yaws(predicted.boxes)
    turn = np.abs(wrap_deg(yaws[pairs.true] - found_yaws[pairs.predicted]))
    values: Values = {
        "corrected_corner_error": [
            float(abs(_num_corners(true.floor_polygon_m) - _num_corners(predicted.floor_polygon_m)))
        ],
        "corrected_count_error": [float(abs(len(classes) - len(found)))],
    }
    if classes:
        values["corrected_location_recall"] = [pairs.num_pairs / len(classes)]
        values["corrected_pose_recall"] = [float((turn < MAX_YAW_DEG).sum()) / len(classes)]
    if found:
        values["corrected_location_precision"] = [pairs.num_pairs / len(found)]
        values["corrected_pose_precision"] = [float((turn < MAX_YAW_DEG).sum()) / len(found)]
    elif classes:  # nothing predicted is no precision, and no success either
        values["corrected_location_precision"] = values["corrected_pose_precision"] = [0.0]
    if pairs.num_pairs:
        values["corrected_yaw_error_deg"] = [float(turn.mean())]
    return values


def _floor_and_materials(true: RoomLayout, predicted: RoomLayout) -> Values:
    corners = [_num_published_corners(layout.floor_polygon_m) for layout in (true, predicted)]
    values: Values = {
        "PolygonAcc": [float(corners[0] == corners[1])],
        "NumCornerError": [float(abs(corners[0] - corners[1]))],
        "FloorMaterialAcc": [float(true.floor_material == predicted.floor_material)],
    }
    materials = list(zip(true.walls, predicted.walls, strict=False))
    if materials:
        same = [a.material == b.material for a, b in materials]
        values["WallMaterialAcc"] = [float(np.mean(same))]
    return values


def _num_published_corners(floor_polygon_m: FloatArray) -> int:
    """Count the corners of the ring of points (x, height), which has no area."""
    if len(floor_polygon_m) < 3:
        return 0
    ring = Polygon(_CM * floor_polygon_m[:, [0, 2]]).simplify(SIMPLIFY_M)
    return len(ring.exterior.coords)


def _num_corners(floor_polygon_m: FloatArray) -> int:
    """Count the corners of the floor plan, without those on a straight wall."""
    if len(floor_polygon_m) < 3:
        return 0
    ring = np.array(Polygon(floor_polygon_m[:, :2]).simplify(SIMPLIFY_M).exterior.coords)[:-1]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return int((np.abs(cross) > 1e-3 * np.maximum(lengths, 1e-12)).sum())


def _unity_yaws(boxes: Sequence[LayoutBox]) -> FloatArray:
    return np.array([unity_from_yaw(box.yaw_deg) for box in boxes], dtype=np.float64)
