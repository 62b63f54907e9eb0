"""What one room contributes to every metric: a part and a total; a score is a ratio of their sums.

So a metric of objects weighs every object alike, one of rooms every room. `room_metrics.py` has the
names and definitions. A prediction that could not be read has nothing in it: it misses everything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.distance import cdist

from workflow_scripts.evaluate.reconstruction.categories import HANGS, YAW_SYMMETRY
from workflow_scripts.evaluate.reconstruction.language_metrics import LanguageMetrics
from workflow_scripts.evaluate.reconstruction.matching import Matching, match_within, same_class
from workflow_scripts.evaluate.reconstruction.object_scores import (
    DISTANCES_M,
    polygon_iou,
    size_errors,
    validity,
    yaw_errors_deg,
)
from workflow_scripts.evaluate.reconstruction.r2d3_corrected import corrected_similarity
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import (
    SELECTED,
    NamedObjects,
    asset_name,
    class_of_asset,
    collect_values,
    distances_by_classes,
    floor_and_materials,
    mean_distances,
    object_values,
    scale_cm,
    selected_values,
)
from workflow_scripts.evaluate.reconstruction.room_metrics import LIMITS
from workflow_scripts.evaluate.reconstruction.room_pair import PredictedRoom, RoomPair
from workflow_scripts.evaluate.reconstruction.spatiallm_f1 import scene_box_f1, scene_layout_f1
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout

ALL, VISIBLE, HIDDEN, TARGET = "all", "visible", "hidden", "target"
IOU_PERCENTS = (25, 50)
# The published models wrote at most 768 tokens, which name fewer objects; distances between all
# pairs of more would need unlimited memory.
MAX_PUBLISHED_BOXES = 200
_MATERIALS = ("WallMaterialAcc", "FloorMaterialAcc")
_CORNERS = ("PolygonAcc", "NumCornerError")
_IDENTITIES = ("ObjectFinegrainAcc", "corrected_asset_f1")

Value = tuple[float, float]


@dataclass
class RoomValues:
    """Parts and totals of one room.

    Attributes:
        ratios: by group of objects (or category) and metric.
        by_category: by metric and category, for metrics that are means over categories.
    """

    ratios: dict[tuple[str, str], Value] = field(default_factory=dict)
    by_category: dict[tuple[str, str], Value] = field(default_factory=dict)

    def add(self, group: str, metric: str, part: float, total: float) -> None:
        """Add a part and a total of a group and metric."""
        self.ratios[group, metric] = (part, total)

    def add_mean(self, group: str, metric: str, values: FloatArray | Sequence[float]) -> None:
        """Add the values that are known, each with weight 1."""
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        if len(known):
            self.ratios[group, metric] = (float(known.sum()), float(len(known)))


@dataclass(frozen=True)
class Content:
    """What the predictions of an experiment say; a metric of what none of them says has no row."""

    sizes: bool
    yaws: bool
    floor: bool
    walls: bool
    openings: bool
    materials: bool
    assets: bool

    @classmethod
    def of(cls, predictions: Iterable[PredictedRoom]) -> "Content":
        """Return what any of some predictions says."""
        layouts = [prediction.layout for prediction in predictions]
        boxes = [box for layout in layouts for box in layout.boxes]
        return cls(
            sizes=any(np.isfinite(box.size_m).all() for box in boxes),
            yaws=any(box.said_rotation != "nothing" for box in boxes),
            floor=any(len(layout.floor_polygon_m) for layout in layouts),
            walls=any(layout.walls for layout in layouts),
            openings=any(layout.openings for layout in layouts),
            materials=any(layout.floor_material for layout in layouts),
            assets=any(box.asset_id for box in boxes),
        )


def room_values(
    pair: RoomPair,
    content: Content,
    *,
    published: bool,
    language: LanguageMetrics | None = None,
) -> RoomValues:
    """Return what a room contributes to every metric that is a ratio of sums."""
    values = RoomValues()
    _add_objects(values, pair, content)
    _add_geometry(values, pair, content)
    _add_spatiallm(values, pair, content, published=published)
    _add_r2d3(values, pair, content, published=published)
    if language is not None:
        lists = language.corrected(pair) | (language.published(pair) if published else {})
        for metric, metric_values in lists.items():
            values.add_mean(TARGET, metric, metric_values)
    return values


def _add_objects(values: RoomValues, pair: RoomPair, content: Content) -> None:
    true, predicted = pair.true.layout, pair.predicted.layout
    visible = pair.true.visible
    categories = [box.label for box in true.boxes]
    cost = cdist(true.oriented_boxes.centre_m, predicted.oriented_boxes.centre_m)
    allowed = same_class(categories, [box.label for box in predicted.boxes])
    num_seen = int(visible.sum())
    for suffix, limit in zip(LIMITS, DISTANCES_M, strict=True):
        everything = match_within(cost, allowed, limit)
        num_true, num_predicted = len(true.boxes), len(predicted.boxes)
        _add_counts(values, ALL, suffix, everything.num_pairs, num_true, num_predicted)
        found_hidden = int(pair.true.hidden[everything.true].sum())
        values.add(HIDDEN, f"recall_{suffix}", found_hidden, int(pair.true.hidden.sum()))
        seen, ignored = match_visible(cost, allowed, limit, visible)
        num_counted = num_predicted - len(ignored)
        _add_counts(values, VISIBLE, suffix, seen.num_pairs, num_seen, num_counted)
        _add_categories(values, suffix, pair, seen, ignored)
        if limit == max(DISTANCES_M):
            for group, pairs, count, number in (
                (ALL, everything, num_true, num_predicted),
                (VISIBLE, seen, num_seen, num_counted),
            ):
                values.add(group, "count_error", abs(number - count), 1.0)
                near = cost[pairs.true, pairs.predicted]
                values.add_mean(group, "centre_error_m", near)
                if content.yaws:
                    turns = yaw_errors_deg(true, predicted, pairs, YAW_SYMMETRY)
                    values.add_mean(group, "yaw_error_deg", turns)
                if content.sizes:
                    values.add_mean(group, "size_error", size_errors(true, predicted, pairs))


def match_visible(
    cost: FloatArray, allowed: np.ndarray, limit: float, visible: np.ndarray
) -> tuple[Matching, np.ndarray]:
    """Match visible objects; return the pairs, and predictions that match a hidden one instead."""
    rows, hidden = np.flatnonzero(visible), np.flatnonzero(~visible)
    seen = match_within(cost[rows], allowed[rows], limit)
    pairs = replace(seen, true=rows[seen.true])
    is_left = np.ones(cost.shape[1], dtype=bool)
    is_left[seen.predicted] = False
    left = np.flatnonzero(is_left)
    others = match_within(cost[np.ix_(hidden, left)], allowed[np.ix_(hidden, left)], limit)
    return pairs, left[others.predicted]


def _add_counts(
    values: RoomValues, group: str, suffix: str, pairs: int, num_true: int, num_predicted: int
) -> None:
    values.add(group, f"f1_{suffix}", 2.0 * pairs, num_true + num_predicted)
    values.add(group, f"precision_{suffix}", pairs, num_predicted)
    values.add(group, f"recall_{suffix}", pairs, num_true)


def _add_categories(
    values: RoomValues, suffix: str, pair: RoomPair, seen: Matching, ignored: np.ndarray
) -> None:
    """Add the F1 of visible objects by category."""
    totals: dict[str, float] = {}
    true, predicted = pair.true.layout.boxes, pair.predicted.layout.boxes
    for number in np.flatnonzero(pair.true.visible):
        totals[true[number].label] = totals.get(true[number].label, 0.0) + 1
    left_out = set(ignored.tolist())
    for place, box in enumerate(predicted):
        if place not in left_out:
            totals[box.label] = totals.get(box.label, 0.0) + 1
    hits: dict[str, float] = {}
    for number in seen.true:
        hits[true[number].label] = hits.get(true[number].label, 0.0) + 2
    for label, total in totals.items():
        values.add(f"category {label}", f"f1_{suffix}", hits.get(label, 0.0), total)


def _add_geometry(values: RoomValues, pair: RoomPair, content: Content) -> None:
    layout, floor = pair.predicted.layout, pair.true.layout.floor_polygon_m
    values.add(ALL, "unreadable_rooms", float(not pair.predicted.is_read), 1.0)
    values.add(ALL, "entries_left_out", float(pair.predicted.num_left_out), 1.0)
    if content.floor:
        values.add(ALL, "floor_iou", polygon_iou(floor, layout.floor_polygon_m), 1.0)
    if content.sizes:
        flags = validity(layout, floor, HANGS)
        values.add_mean(ALL, "outside_share", flags.outside)
        values.add_mean(ALL, "colliding_share", flags.colliding)
        values.add_mean(ALL, "floating_share", flags.floating)


def _add_spatiallm(
    values: RoomValues, pair: RoomPair, content: Content, *, published: bool
) -> None:
    true, predicted = pair.true.target, pair.predicted.layout
    thresholds = [percent / 100 for percent in IOU_PERCENTS]
    if content.sizes:
        for label, scores in scene_box_f1(true, predicted, thresholds).items():
            for percent, score in zip(IOU_PERCENTS, scores, strict=True):
                values.by_category[f"spatiallm_f1_{percent}", label] = (score, 1.0)
    if not (content.walls and content.floor):
        return
    for kind, scores_of in scene_layout_f1(true, predicted, thresholds).items():
        if kind != "wall" and not content.openings:
            continue
        for column, percent in enumerate(IOU_PERCENTS):
            values.add(ALL, f"{kind}_f1_{percent}", scores_of.unsigned[column], 1.0)
            if published:
                signed = scores_of.signed[column]
                values.add(ALL, f"spatiallm_{kind}_f1_{percent}", signed, 1.0)


def _category(box: LayoutBox) -> str:
    return box.label


def _same(text: str) -> str:
    return text


def _add_r2d3(values: RoomValues, pair: RoomPair, content: Content, *, published: bool) -> None:
    """Add the metrics of R2D3; without names of assets, objects are called by their category."""
    true = pair.true.target
    predicted = _first_boxes(pair.predicted.layout)
    name, class_of = (asset_name, class_of_asset) if content.assets else (_category, _same)
    left_out = {*([] if content.floor else [*_CORNERS, "corrected_corner_error"])}
    if not content.materials:
        left_out |= {*_MATERIALS, "corrected_floor_material_acc", "corrected_wall_material_acc"}
    if not content.assets:
        left_out |= {*_IDENTITIES}
    if not content.yaws:
        left_out |= {"ObjectPoseAcc", "ObjectPoseError", "corrected_yaw_error_deg"}
        left_out |= {"corrected_pose_recall", "corrected_pose_precision"}
    lists = dict(corrected_similarity(*_without_marked(pair), name=name, class_of=class_of))
    # As published, a room of which a rotation is a single number is left out without a word.
    boxes = pair.predicted.layout.boxes
    is_whole = all(box.said_rotation != "one_number" for box in boxes)
    if published and pair.predicted.is_read and is_whole:
        named = [NamedObjects.of(layout, name, class_of) for layout in (true, predicted)]
        found = object_values(named[0], named[1], scale_cm(true), class_of)
        distances = distances_by_classes(named[0], named[1], scale_cm(true))
        shown = {
            class_of(name(box))
            for box, is_seen in zip(pair.true.layout.boxes, pair.true.visible, strict=True)
            if is_seen
        }
        lists |= floor_and_materials(true, predicted)
        lists |= collect_values(found)
        lists |= mean_distances(distances)
        lists |= selected_values(found, shown)
        selected = mean_distances(distances, shown)
        lists |= {f"visible_{metric}": lists_of for metric, lists_of in selected.items()}
    for metric, metric_values in lists.items():
        if metric.removeprefix(SELECTED) not in left_out:
            values.add_mean(TARGET, metric, metric_values)


def _without_marked(pair: RoomPair) -> tuple[RoomLayout, RoomLayout]:
    """Return target and prediction without marked objects and the predictions nearest to them."""
    true, predicted, marked = pair.true.target, pair.predicted.layout, pair.true.marked
    predicted = _first_boxes(predicted)
    if not marked.boxes:
        return true, predicted
    keys = {box.key for box in marked.boxes}
    cost = cdist(marked.oriented_boxes.centre_m, predicted.oriented_boxes.centre_m)
    allowed = same_class(
        [box.label for box in marked.boxes], [box.label for box in predicted.boxes]
    )
    given = set(match_within(cost, allowed, max(DISTANCES_M)).predicted.tolist())
    return (
        replace(true, boxes=tuple(box for box in true.boxes if box.key not in keys)),
        replace(
            predicted,
            boxes=tuple(box for i, box in enumerate(predicted.boxes) if i not in given),
        ),
    )


def _first_boxes(layout: RoomLayout) -> RoomLayout:
    if len(layout.boxes) <= MAX_PUBLISHED_BOXES:
        return layout
    return replace(layout, boxes=layout.boxes[:MAX_PUBLISHED_BOXES])
