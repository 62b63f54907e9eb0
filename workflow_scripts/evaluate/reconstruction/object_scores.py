"""Ours: objects of a room matched by class and distance, and whether a layout can be.

Counts of one room add up over rooms, so that a room with many objects weighs as many; a text that
could not be read has missed all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.distance import cdist
from shapely import make_valid
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from workflow_scripts.evaluate.reconstruction.matching import (
    Matching,
    match_within,
    same_class,
)
from workflow_scripts.geometry.box_overlap import intersection_volumes_m3, size_iou
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout, oriented_boxes

DISTANCES_M = (0.25, 0.5, 1.0)
MAX_OVERLAP = 0.1  # of the smaller box: more is a collision
MAX_OUTSIDE_M = 0.05
MAX_FLOAT_M = 0.05


@dataclass(frozen=True)
class ObjectCounts:
    """Counts of one room: pairs within each of `DISTANCES_M` [3], true and predicted objects."""

    pairs: tuple[int, ...]
    num_true: int
    num_predicted: int

    def precision(self, index: int) -> float:
        """Return the share of predictions that are right; 0 if there are none."""
        return self.pairs[index] / self.num_predicted if self.num_predicted else 0.0

    def recall(self, index: int) -> float:
        """Return the share of true objects that were found; NaN if there are none."""
        return self.pairs[index] / self.num_true if self.num_true else float("nan")


def f1(pairs: float, num_true: float, num_predicted: float) -> float:
    """Return F1 of counts; 1 if there is nothing and nothing was predicted."""
    total = num_true + num_predicted
    return 2 * pairs / total if total else 1.0


def count_objects(
    true: Sequence[LayoutBox], predicted: Sequence[LayoutBox]
) -> tuple[ObjectCounts, Matching]:
    """Return the counts of a room, and the pairs within the largest distance."""
    cost = cdist(oriented_boxes(true).centre_m, oriented_boxes(predicted).centre_m)
    allowed = same_class([box.label for box in true], [box.label for box in predicted])
    matchings = [match_within(cost, allowed, limit) for limit in DISTANCES_M]
    counts = ObjectCounts(tuple(m.num_pairs for m in matchings), len(true), len(predicted))
    return counts, matchings[-1]


def yaw_errors_deg(
    true: Sequence[LayoutBox],
    predicted: Sequence[LayoutBox],
    pairs: Matching,
    symmetry: Mapping[str, int] | None = None,
) -> FloatArray:
    """Return the yaw errors of pairs, 0 to 180 over the order of the category's symmetry.

    `symmetry` says how often a category looks the same in a full turn: 2 for a bed's bare box, 4
    for a square table; 0 for something round, which has no yaw and no error (NaN).
    """
    orders = symmetry or {}
    errors = np.full(pairs.num_pairs, np.nan)
    for index, (i, j) in enumerate(zip(pairs.true, pairs.predicted, strict=True)):
        order = orders.get(true[i].label, 1)
        if order > 0:
            period = 360.0 / order
            difference = (true[i].yaw_deg - predicted[j].yaw_deg) % period
            errors[index] = min(difference, period - difference)
    return errors


def size_errors(
    true: Sequence[LayoutBox], predicted: Sequence[LayoutBox], pairs: Matching
) -> FloatArray:
    """Return one less the IoU of the sizes of pairs, if they were placed and turned alike."""
    a, b = oriented_boxes(true), oriented_boxes(predicted)
    return 1 - size_iou(a.take(pairs.true), b.take(pairs.predicted))


def polygon_iou(true_m: FloatArray, predicted_m: FloatArray) -> float:
    """Return the IoU of two floors [n, 2 or 3]; 0 for one that encloses nothing.

    A polygon that crosses itself counts as the area that it encloses.
    """
    a, b = (_area(points) for points in (true_m, predicted_m))
    union = a.union(b).area
    return float(a.intersection(b).area / union) if union > 0 else 0.0


@dataclass(frozen=True)
class Validity:
    """Which boxes of a layout are outside the floor, collide or float; one flag a box [n]."""

    outside: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    colliding: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    floating: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


def validity(layout: RoomLayout, floor_polygon_m: FloatArray, on_walls: Sequence[str]) -> Validity:
    """Return which boxes of an upright layout cannot stand as they do.

    Outside: its footprint leaves the floor by more than 5 cm. Colliding: it shares more than a
    tenth of the smaller box with another that is neither its parent nor its child. Floating: its
    bottom is more than 5 cm above the floor and above the top of every box under its centre, and
    its category does not hang on walls or ceilings.
    """
    boxes = layout.boxes
    if not boxes:
        return Validity()
    arrays = oriented_boxes(boxes)
    yaw = np.array([box.yaw_deg for box in boxes])
    corners = box_corners(arrays.centre_m, arrays.size_m, yaw)
    floor = _area(floor_polygon_m).buffer(MAX_OUTSIDE_M)
    footprints = [Polygon(corner[[0, 2, 6, 4], :2]) for corner in corners]
    outside = np.array([not floor.covers(footprint) for footprint in footprints])
    rows, columns = np.triu_indices(len(boxes), k=1)
    shared = intersection_volumes_m3(arrays.take(rows), arrays.take(columns))
    smaller = np.minimum(arrays.volume_m3[rows], arrays.volume_m3[columns])
    is_family = np.array(
        [
            boxes[i].parent == boxes[j].key != "" or boxes[j].parent == boxes[i].key != ""
            for i, j in zip(rows, columns, strict=True)
        ],
        dtype=bool,
    )
    hits = (shared > MAX_OVERLAP * smaller) & ~is_family
    colliding = np.zeros(len(boxes), dtype=bool)
    colliding[rows[hits]] = colliding[columns[hits]] = True
    floor_z = float(np.asarray(floor_polygon_m)[:, 2].mean()) if len(floor_polygon_m) else 0.0
    floating = np.array(
        [
            box.label not in on_walls
            and not _stands(index, arrays.centre_m, arrays.size_m, yaw, floor_z)
            for index, box in enumerate(boxes)
        ]
    )
    return Validity(outside, colliding, floating)


def _stands(
    index: int, centre_m: FloatArray, size_m: FloatArray, yaw_deg: FloatArray, floor_z: float
) -> bool:
    bottom = centre_m[index, 2] - size_m[index, 2] / 2
    if bottom <= floor_z + MAX_FLOAT_M:
        return True
    yaw = np.deg2rad(yaw_deg)
    offset = centre_m[index, :2] - centre_m[:, :2]
    x = offset[:, 0] * np.cos(yaw) + offset[:, 1] * np.sin(yaw)
    y = -offset[:, 0] * np.sin(yaw) + offset[:, 1] * np.cos(yaw)
    under = (np.abs(x) <= size_m[:, 0] / 2) & (np.abs(y) <= size_m[:, 1] / 2)
    under[index] = False
    tops, bottoms = centre_m[:, 2] + size_m[:, 2] / 2, centre_m[:, 2] - size_m[:, 2] / 2
    # A shelf carries what stands within it.
    carries = under & (bottom <= tops + MAX_FLOAT_M) & (bottoms < bottom)
    return bool(carries.any())


def _area(points_m: FloatArray) -> BaseGeometry:
    points = np.asarray(points_m, dtype=np.float64).reshape(len(points_m), -1)
    if len(points) < 3:
        return Polygon()
    return make_valid(Polygon(points[:, :2]))
