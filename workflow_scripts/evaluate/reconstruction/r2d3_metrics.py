"""The metrics of R2D3 on rooms, by their published definitions; `r2d3_corrected.py` has ours.

Each returns what one room contributes: a list of values by the name of the metric; a score is the
mean over the lists of all rooms. Layouts are in the world frame, objects are called by asset or
phrase; lengths are compared in centimetres, as published. A text that cannot be read contributes
nothing.

What is wrong with the published ones:

- tolerances are 10 % of the largest less the least number of the floor polygon, heights of 0
  among them: they grow with the room's distance from the house's origin;
- the difference of two angles is not wrapped (359 and 1 differ by 358), and errors of angles are
  summed over the pairs of a class;
- location and pose count only classes that were predicted, and only as many pairs as the shorter
  list has: extra and missing objects cost nothing;
- the floor's corners are counted on the points (x, height), a ring without area, where corners on
  a straight wall count;
- walls beyond the shorter list of materials count as nothing;
- distances between objects count only pairs of classes that both layouts have;
- a marked object, whose place the prompt says, counts: the rule that is to leave it out compares
  values of two types and never holds;
- a text that cannot be read is left out, and one in which a rotation is a single number.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from shapely.geometry import Polygon

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout

TOLERANCE = 0.1
MAX_YAW_DEG = 10.0
SIMPLIFY_M = 0.01
CM = 100.0
_NO_TURN_DEG = 1e-6  # -0.0000001 degrees is 0, not 360
SELECTED = "Sel"
COUNT_ACC = "ObjectCountAcc"
Values = dict[str, list[float]]


@lru_cache(maxsize=10_000)
def class_of_asset(asset_id: str) -> str:
    """Return the class that R2D3 reads from an asset's name: no digits, no names of houses."""
    name = re.sub(r"[0-9]", "", asset_id.replace("_", " "))
    for word in ("RoboTHOR", "jokkmokk"):
        name = name.replace(word, "")
    name = re.sub(r"(?i)^counter ?top ([ILC])\b.*", r"\1-shaped countertop", name.strip())
    return " ".join(name.split())


def asset_name(box: LayoutBox) -> str:
    """Return the name of an object's asset, or its label where there is none."""
    return box.asset_id or box.label


def max_dimension_cm(floor_polygon_m: FloatArray) -> float:
    """Return the published scale: the largest less the least number of the polygon, heights too."""
    return float(CM * (floor_polygon_m.max() - floor_polygon_m.min()))


@dataclass(frozen=True)
class NamedObjects:
    """Objects of a layout: names and classes, centres [n, 3] in cm, yaws [n] of AI2-THOR.

    A yaw is from 0 to 360 degrees, NaN where the text says none.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    centre_cm: FloatArray
    yaw_deg: FloatArray

    @classmethod
    def of(
        cls,
        layout: RoomLayout,
        name: Callable[[LayoutBox], str] = asset_name,
        class_of: Callable[[str], str] = class_of_asset,
    ) -> "NamedObjects":
        """Return the objects of a layout in an upright frame."""
        names = tuple(name(box) for box in layout.boxes)
        return cls(
            names,
            tuple(class_of(text) for text in names),
            CM * layout.oriented_boxes.centre_m,
            _unity_yaws_deg(layout.said_yaws_deg),
        )

    def members(self) -> dict[str, np.ndarray]:
        """Return which objects are of each class, in the order in which classes first occur."""
        rows: dict[str, list[int]] = {}
        for number, label in enumerate(self.classes):
            rows.setdefault(label, []).append(number)
        return {label: np.array(numbers) for label, numbers in rows.items()}


def semantic_similarity(
    true: RoomLayout,
    predicted: RoomLayout,
    *,
    name: Callable[[LayoutBox], str] = asset_name,
    class_of: Callable[[str], str] = class_of_asset,
) -> Values:
    """Return the published HouseSemanticSimilarity of one room."""
    a, b = (NamedObjects.of(layout, name, class_of) for layout in (true, predicted))
    found = object_values(a, b, scale_cm(true), class_of)
    return floor_and_materials(true, predicted) | collect_values(found)


ObjectValue = tuple[str, str, float]
"""Class, metric and value: of a true asset, or of a true class that was predicted."""


def object_values(
    true: NamedObjects, predicted: NamedObjects, scale_cm: float, class_of: Callable[[str], str]
) -> list[ObjectValue]:
    """Return the published values of the objects of a room, each with its class."""
    found: list[ObjectValue] = []
    for asset in dict.fromkeys(true.names):
        label, count = class_of(asset), predicted.names.count(asset)
        error = abs(true.names.count(asset) - count)
        found += [
            (label, "ObjectClassAcc", float(label in predicted.classes)),
            (label, "ObjectFinegrainAcc", float(count > 0)),
            (label, "ObjectCountError", float(error)),
            (label, COUNT_ACC, float(error == 0)),
        ]
    return [*found, *class_positions(true, predicted, scale_cm)]


def collect_values(object_results: Iterable[ObjectValue]) -> Values:
    """Return the published values of HouseSemanticSimilarity by metric."""
    values: Values = {}
    for _, metric, value in object_results:
        if metric != COUNT_ACC:
            values.setdefault(metric, []).append(value)
    return values


def selected_values(object_results: Iterable[ObjectValue], visible: Collection[str]) -> Values:
    """Return the values of HouseSelectedObjAccuracy: of visible classes, with exact counts.

    As released it is given ids instead of names, and matches none.
    """
    values: Values = {}
    for label, metric, value in object_results:
        if label in visible:
            values.setdefault(f"{SELECTED}{metric}", []).append(value)
    return values


def class_positions(
    true: NamedObjects, predicted: NamedObjects, scale_cm: float
) -> list[ObjectValue]:
    """Return location and pose of each true class that was predicted, by the shared matching."""
    found: list[ObjectValue] = []
    of_predicted = predicted.members()
    costs = cdist(true.centre_cm, predicted.centre_cm)
    for label, members in true.members().items():
        if label not in of_predicted:
            continue
        cost = costs[np.ix_(members, of_predicted[label])]
        rows, columns = linear_sum_assignment(cost)
        paired = cost[rows, columns]
        near = paired / scale_cm < TOLERANCE
        yaws = true.yaw_deg[members[rows]], predicted.yaw_deg[of_predicted[label][columns]]
        turn = np.abs(yaws[0] - yaws[1])
        found += [
            (label, "ObjectLocationAcc", float(near.mean())),
            (label, "ObjectLocationError", float(paired.mean() / scale_cm)),
        ]
        if not np.isnan(turn).all():  # lines without rotations have no pose
            found += [
                (label, "ObjectPoseAcc", float((near & (turn < MAX_YAW_DEG)).mean())),
                (label, "ObjectPoseError", float(turn.sum())),
            ]
    return found


def object_distances(
    true: RoomLayout,
    predicted: RoomLayout,
    *,
    name: Callable[[LayoutBox], str] = asset_name,
    class_of: Callable[[str], str] = class_of_asset,
    visible: Collection[str] | None = None,
) -> Values:
    """Return the published HouseObjectDistancesAccuracy of one room; no value if no pair counts.

    For each ordered pair of classes in both layouts, distances between their objects are assigned
    so that the sum of differences is least. `visible` keeps pairs of classes that a name of it
    contains, as the published "selected" variant does.
    """
    a, b = (NamedObjects.of(layout, name, class_of) for layout in (true, predicted))
    return mean_distances(distances_by_classes(a, b, scale_cm(true)), visible)


@dataclass(frozen=True)
class ClassDistances:
    """Distances between the objects of two classes: mean error over the scale, share right."""

    classes: tuple[str, str]
    error: float
    accuracy: float


def distances_by_classes(
    true: NamedObjects, predicted: NamedObjects, scale_cm: float
) -> list[ClassDistances]:
    """Return every pair of classes that both have; either order of a pair gives the same."""
    of_true, of_predicted = true.members(), predicted.members()
    shared = [label for label in of_true if label in of_predicted]
    between, between_predicted = (cdist(x.centre_cm, x.centre_cm) for x in (true, predicted))
    found = []
    for first, second in combinations(shared, 2):
        difference = _least_differences(
            between[np.ix_(of_true[first], of_true[second])].ravel(),
            between_predicted[np.ix_(of_predicted[first], of_predicted[second])].ravel(),
        )
        difference = difference / scale_cm
        accuracy = np.count_nonzero(difference < TOLERANCE) / len(difference)
        found.append(ClassDistances((first, second), float(difference.mean()), accuracy))
    return found


def mean_distances(
    distances: Sequence[ClassDistances], visible: Collection[str] | None = None
) -> Values:
    """Return the published values of a room; `visible` as in `object_distances`."""
    if visible is not None:
        shown = {
            label
            for pair in distances
            for label in pair.classes
            if any(label in text for text in visible)
        }
        distances = [pair for pair in distances if shown.issuperset(pair.classes)]
    if not distances:
        return {}
    return {
        "ObjectDistancesError": [float(np.mean([pair.error for pair in distances]))],
        "ObjectDistancesAcc": [float(np.mean([pair.accuracy for pair in distances]))],
    }


def _unity_yaws_deg(yaws_deg: FloatArray) -> FloatArray:
    turned: FloatArray = -yaws_deg % 360.0
    turned[(turned < _NO_TURN_DEG) | (turned > 360.0 - _NO_TURN_DEG)] = 0.0
    return turned


def _least_differences(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the differences of numbers [n] and [m], paired so that their sum is least."""
    if len(a) == len(b):  # in order
        result: FloatArray = np.abs(np.sort(a) - np.sort(b))
        return result
    cost: FloatArray = np.abs(a[:, None] - b[None, :])
    if min(cost.shape) == 1:
        result = cost.min(keepdims=True)[0]
    else:
        result = cost[linear_sum_assignment(cost)]
    return result


def scale_cm(true: RoomLayout) -> float:
    """Return the published scale of a room; NaN without a floor."""
    return max_dimension_cm(true.floor_polygon_m) if len(true.floor_polygon_m) else float("nan")


def floor_and_materials(true: RoomLayout, predicted: RoomLayout) -> Values:
    """Return the published values of floor, corners and materials of one room."""
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
    ring = Polygon(CM * floor_polygon_m[:, [0, 2]]).simplify(SIMPLIFY_M)
    return len(ring.exterior.coords)
