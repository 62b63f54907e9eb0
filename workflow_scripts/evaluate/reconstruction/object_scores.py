"""Ours: objects of a room matched by class and distance, and whether a layout can be.

Counts of one room add up over rooms, so that a room with many objects weighs as many; a text that
could not be read has missed all of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from scipy.spatial.distance import cdist
from shapely import make_valid
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from workflow_scripts.evaluate.reconstruction.matching import (
    Matching,
    match_within,
    same_class,
)
from workflow_scripts.geometry.box_overlap import (
    OrientedBoxes,
    intersection_volumes_m3,
    size_iou,
)
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.upright_boxes import box_corners, footprint_axes
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout, oriented_boxes

DISTANCES_M = (0.25, 0.5, 1.0)
MAX_OVERLAP = 0.1  # of the smaller box: more is a collision
MAX_OUTSIDE_M = 0.05
MAX_FLOAT_M = 0.05
MAX_CHECKED_BOXES = 1000


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
    true: RoomLayout,
    predicted: RoomLayout,
    pairs: Matching,
    symmetry: Mapping[str, int] | None = None,
) -> FloatArray:
    """Return the yaw errors of pairs, 0 to 180 over the order of the category's symmetry.

    `symmetry` says how often a category looks the same in a full turn: 2 for a bare long table, 4
    for a square one; 0 for something round, which has no yaw and no error (NaN); nor has a
    prediction whose text says no yaw.
    """
    orders = symmetry or {}
    order = np.array([orders.get(true.boxes[i].label, 1) for i in pairs.true], dtype=np.float64)
    period = 360.0 / np.maximum(order, 1.0)
    turn = (true.yaws_deg[pairs.true] - predicted.said_yaws_deg[pairs.predicted]) % period
    return np.where(order > 0, np.minimum(turn, period - turn), np.nan)


def size_errors(true: RoomLayout, predicted: RoomLayout, pairs: Matching) -> FloatArray:
    """Return one less the IoU of the sizes of pairs, if they were placed and turned alike.

    NaN where the sizes are not known.
    """
    a, b = true.oriented_boxes.take(pairs.true), predicted.oriented_boxes.take(pairs.predicted)
    return np.where(np.isfinite(b.size_m).all(axis=1), 1 - size_iou(a, b), np.nan)


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


def validity(
    layout: RoomLayout, floor_polygon_m: FloatArray, on_walls: Collection[str]
) -> Validity:
    """Return which boxes of an upright layout cannot stand as they do.

    Outside: its footprint leaves the floor by more than 5 cm. Colliding: it shares more than a
    tenth of the smaller box with another that is neither its parent nor its child. Floating: its
    bottom is more than 5 cm above the floor and above the top of every box under its centre, and
    its category does not hang on walls or ceilings. Of a layout of more, the first
    `MAX_CHECKED_BOXES` are checked; boxes without a size are none of the three.
    """
    known = [box for box in layout.boxes if np.isfinite(box.size_m).all()][:MAX_CHECKED_BOXES]
    if not known:
        return Validity()
    boxes = layout if len(known) == len(layout.boxes) else replace(layout, boxes=tuple(known))
    arrays, yaw = boxes.oriented_boxes, boxes.yaws_deg
    corners = box_corners(arrays.centre_m, arrays.size_m, yaw)
    outside = np.zeros(len(known), dtype=bool)
    if len(floor_polygon_m):
        floor = _area(floor_polygon_m).buffer(MAX_OUTSIDE_M)
        shapely.prepare(floor)
        outside = ~shapely.covers(floor, shapely.polygons(corners[:, [0, 2, 6, 4], :2]))
    colliding = _colliding(known, arrays)
    floor_z = float(np.asarray(floor_polygon_m)[:, 2].mean()) if len(floor_polygon_m) else 0.0
    hangs = np.array([box.label in on_walls for box in known])
    floating = ~hangs & ~_stands(arrays, yaw, floor_z)
    return Validity(outside, colliding, floating)


def _colliding(boxes: Sequence[LayoutBox], arrays: OrientedBoxes) -> np.ndarray:
    radius = np.linalg.norm(arrays.size_m, axis=1) / 2
    near = cdist(arrays.centre_m, arrays.centre_m) < radius[:, None] + radius[None, :]
    rows, columns = np.nonzero(np.triu(near, k=1))
    shared = intersection_volumes_m3(arrays.take(rows), arrays.take(columns))
    smaller = np.minimum(arrays.volume_m3[rows], arrays.volume_m3[columns])
    hits = shared > MAX_OVERLAP * smaller
    colliding = np.zeros(len(boxes), dtype=bool)
    for i, j in zip(rows[hits], columns[hits], strict=True):
        is_family = boxes[i].parent == boxes[j].key != "" or boxes[j].parent == boxes[i].key != ""
        if not is_family:
            colliding[[i, j]] = True
    return colliding


def _stands(arrays: OrientedBoxes, yaw_deg: FloatArray, floor_z: float) -> np.ndarray:
    """Return whether each box stands on the floor, on a box, or within one as on a shelf [n]."""
    top = arrays.centre_m[:, 2] + arrays.size_m[:, 2] / 2
    bottom = arrays.centre_m[:, 2] - arrays.size_m[:, 2] / 2
    result: np.ndarray = bottom <= floor_z + MAX_FLOAT_M
    raised = np.flatnonzero(~result)
    offset = arrays.centre_m[raised, None, :2] - arrays.centre_m[None, :, :2]
    along = np.einsum("rnx,nax->rna", offset, footprint_axes(yaw_deg))
    under = (np.abs(along) <= arrays.size_m[None, :, :2] / 2).all(axis=2)
    under[np.arange(len(raised)), raised] = False
    # A shelf carries what stands within it.
    carries = under & (bottom[raised, None] <= top + MAX_FLOAT_M) & (bottom < bottom[raised, None])
    result[raised] = carries.any(axis=1)
    return result


def _area(points_m: FloatArray) -> BaseGeometry:
    if len(points_m) < 3:
        return Polygon()
    return make_valid(Polygon(np.asarray(points_m, dtype=np.float64)[:, :2]))
