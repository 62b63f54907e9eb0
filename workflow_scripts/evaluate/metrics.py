"""The table of metrics: what scoring computes, results/eval.csv may hold and docs/results.md lists.

A new metric is one entry of `ANSWER_METRICS`, `KEYPOINT_METRICS`, `ROOM_METRICS` (in
`reconstruction/room_metrics.py`), `SCAN_METRICS` (in `video/scan_metrics.py`), `PATCH_METRICS` or
`MODEL_METRICS`, and its function. Formulas that others published are in `published_metrics.py`.
"""

import numpy as np

from workflow_scripts.common.label_text import is_confusable
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import published_metrics, replies
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.metric import (
    ALL_ANSWERS,
    AnswerMetric,
    KeypointMetric,
    Metric,
    ModelMetric,
    PatchMetric,
)
from workflow_scripts.evaluate.pose import keypoint_errors
from workflow_scripts.evaluate.quantity_parsing import contains_number
from workflow_scripts.evaluate.reconstruction.room_metrics import ROOM_METRICS
from workflow_scripts.evaluate.video.scan_metrics import SCAN_METRICS

LENGTHS_AND_AREAS: tuple[AnswerType, ...] = ("metres", "square_metres")
VSI_BENCH = "vsi-bench"
PCK_MM = (5, 10, 20, 50)
FRACTION = "fraction"

ANSWER_METRICS: tuple[AnswerMetric, ...] = (
    AnswerMetric(
        "accuracy",
        "higher",
        FRACTION,
        "share of replies whose answer is the true one",
        answer_types=("choice", "multiple_choice", "count", "clock"),
        measure=replies.accuracy,
        is_headline=True,
    ),
    AnswerMetric(
        "outputs_number",
        "higher",
        FRACTION,
        "share of replies that hold a number",
        source="SpatialVLM: outputs numbers",
        answer_types=LENGTHS_AND_AREAS,
        measure=lambda reply: float(contains_number(reply.text)),
    ),
    AnswerMetric(
        "within_factor_2",
        "higher",
        FRACTION,
        "share with 0.5 g <= p <= 2 g; unreadable fails",
        source="SpatialVLM: in range [50, 200] %",
        answer_types=LENGTHS_AND_AREAS,
        measure=lambda reply: published_metrics.within_factor_2(reply.number, reply.true_number),
        is_headline=True,
    ),
    AnswerMetric(
        "success_25pct",
        "higher",
        FRACTION,
        "share with 0.75 g <= p <= 1.25 g; unreadable fails",
        source="SpatialRGPT-Bench: success rate",
        answer_types=LENGTHS_AND_AREAS,
        measure=lambda reply: published_metrics.success_25pct(reply.number, reply.true_number),
        is_headline=True,
    ),
    AnswerMetric(
        "abs_rel",
        "lower",
        "relative error",
        "mean of |p - g| / g over readable replies",
        source="SpatialRGPT-Bench: absolute relative error",
        answer_types=LENGTHS_AND_AREAS,
        measure=lambda reply: published_metrics.abs_rel(reply.number, reply.true_number),
    ),
    AnswerMetric(
        "clock_within_1h",
        "higher",
        FRACTION,
        "share at most one hour off, around the clock; unreadable fails",
        source="SpatialRGPT-Bench: success rate, direction",
        answer_types=("clock",),
        measure=lambda reply: published_metrics.clock_success(reply.number, reply.true_number),
        is_headline=True,
    ),
    AnswerMetric(
        "clock_error_deg",
        "lower",
        "degrees",
        "30 degrees for each hour off, mean over readable replies",
        source="SpatialRGPT-Bench: error, direction",
        answer_types=("clock",),
        measure=lambda reply: published_metrics.clock_error_deg(reply.number, reply.true_number),
    ),
    AnswerMetric(
        "mra",
        "higher",
        FRACTION,
        "share of t in 0.50, 0.55 ... 0.95 with |p - g| / g < 1 - t; unreadable is 0",
        source="VSI-Bench: mean relative accuracy (equation)",
        answer_types=(*LENGTHS_AND_AREAS, "count"),
        measure=lambda reply: published_metrics.mean_relative_accuracy(
            reply.number, reply.true_number
        ),
    ),
    AnswerMetric(
        "vsi_mra",
        "higher",
        FRACTION,
        "as mra, with <= and only the first word read as a bare number",
        source="VSI-Bench: MRA:.5:.95:.05 (released code)",
        answer_types=(*LENGTHS_AND_AREAS, "count", "degrees", "clock"),
        benchmark=VSI_BENCH,
        measure=lambda reply: published_metrics.vsi_mra(
            reply.text, reply.true_number / (reply.item.unit_size or 1.0)
        ),
        is_headline=True,
    ),
    AnswerMetric(
        "vsi_accuracy",
        "higher",
        FRACTION,
        "share whose first word is the right letter",
        source="VSI-Bench: accuracy (released code)",
        answer_types=("multiple_choice",),
        benchmark=VSI_BENCH,
        measure=lambda reply: published_metrics.vsi_accuracy(reply.text, str(reply.truth)),
        is_headline=True,
    ),
    AnswerMetric(
        "log_error",
        "lower",
        "natural logarithm",
        "mean of |ln(p / g)| over readable positive replies",
        answer_types=LENGTHS_AND_AREAS,
        measure=replies.log_error,
    ),
    AnswerMetric(
        "abs_error",
        "lower",
        "count",
        "mean of |p - g| over readable replies",
        answer_types=("count",),
        measure=replies.abs_error,
    ),
    AnswerMetric(
        "angle_error_deg",
        "lower",
        "degrees",
        "mean difference around the circle over readable replies",
        answer_types=("degrees",),
        measure=replies.angle_error_deg,
    ),
    AnswerMetric(
        "within_15deg",
        "higher",
        FRACTION,
        "share at most 15 degrees off; unreadable fails",
        answer_types=("degrees",),
        measure=lambda reply: float(replies.angle_error_deg(reply) <= 15),
        is_headline=True,
    ),
    AnswerMetric(
        "point_inside",
        "higher",
        FRACTION,
        "share of points on the object; unreadable fails",
        answer_types=("point",),
        measure=replies.is_point_inside,
        is_headline=True,
    ),
    AnswerMetric(
        "point_error",
        "lower",
        "picture diagonals",
        "mean distance from the true point, over the picture's diagonal, over readable replies",
        answer_types=("point",),
        measure=replies.point_error,
    ),
    AnswerMetric(
        "box_iou",
        "higher",
        FRACTION,
        "mean intersection over union of boxes; unreadable is 0",
        answer_types=("box",),
        measure=replies.box_overlap,
        is_headline=True,
    ),
    AnswerMetric(
        "refusal_rate",
        "lower",
        FRACTION,
        "share that declines to answer; no row where none does",
        answer_types=ALL_ANSWERS,
        measure=replies.is_refusal,
        omit_zero=True,
    ),
    AnswerMetric(
        "no_reply_rate",
        "lower",
        FRACTION,
        "share that has no reply: refused, failed, or not to be asked; no row where all have one",
        answer_types=ALL_ANSWERS,
        measure=replies.has_no_reply,
        omit_zero=True,
    ),
    AnswerMetric(
        "parse_failure_rate",
        "lower",
        FRACTION,
        "share in which no answer can be read",
        answer_types=ALL_ANSWERS,
        measure=lambda reply: float(reply.parsed is None),
    ),
)


def _pck(limit_mm: int) -> KeypointMetric:
    return KeypointMetric(
        f"pck_{limit_mm}mm",
        "higher",
        FRACTION,
        f"share at most {limit_mm} mm off; a keypoint without an estimate is a miss",
        source="percentage of correct keypoints (PCK)",
        measure=lambda errors: keypoint_errors.within_threshold(errors.error_mm, limit_mm),
    )


KEYPOINT_METRICS: tuple[KeypointMetric, ...] = (
    KeypointMetric(
        "mpjpe_mm",
        "lower",
        "mm",
        "mean distance from the true keypoint, over keypoints with an estimate",
        source="mean per-joint position error (MPJPE)",
        measure=lambda errors: errors.error_mm,
        per_keypoint=True,
        is_headline=True,
    ),
    *map(_pck, PCK_MM),
    KeypointMetric(
        "auc_50mm",
        "higher",
        FRACTION,
        "area under the PCK curve from 0 to 50 mm; a keypoint without an estimate is a miss",
        source="area under the PCK curve (AUC)",
        measure=lambda errors: keypoint_errors.pck_curve_area(errors.error_mm),
        is_headline=True,
    ),
    KeypointMetric(
        "estimated_fraction",
        "higher",
        FRACTION,
        "share of keypoints with an estimate",
        measure=lambda errors: np.isfinite(errors.error_mm).astype(np.float64),
    ),
    KeypointMetric(
        "median_mm",
        "lower",
        "mm",
        "median distance from the true keypoint, over keypoints with an estimate",
        measure=lambda errors: errors.error_mm,
        statistic="median",
        per_keypoint=True,
    ),
    KeypointMetric(
        "reprojection_px",
        "lower",
        "pixels",
        "mean distance of reprojected estimates from exact projections",
        measure=lambda errors: errors.reprojection_px,
    ),
    KeypointMetric(
        "p_mpjpe_mm",
        "lower",
        "mm",
        "mpjpe_mm after the best similarity of each frame, where it has four keypoints or more",
        source="Procrustes-aligned MPJPE (Umeyama 1991)",
        measure=lambda errors: errors.procrustes_mm,
    ),
)
MODEL_METRICS: tuple[ModelMetric, ...] = (
    ModelMetric("parameters", "lower", "count", "learned parameters", about="model of keypoints"),
    ModelMetric(
        "unobservable_fraction",
        "lower",
        FRACTION,
        "share of a task's episodes in which no two cameras ever see the keypoint at once",
        about="test episodes of keypoints",
    ),
)
PATCH_METRICS: tuple[PatchMetric, ...] = (
    PatchMetric(
        "patch_accuracy",
        "higher",
        FRACTION,
        "share of patches, at least half filled by one object, whose best name is its category's",
        is_right=lambda given, true: given == true,
        is_headline=True,
    ),
    PatchMetric(
        "patch_accuracy_confusable",
        "higher",
        FRACTION,
        "as patch_accuracy, where a category that people take for the true one counts, too",
        is_right=lambda given, true: given == true or is_confusable(given, true),
    ),
)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *ANSWER_METRICS,
        *KEYPOINT_METRICS,
        *ROOM_METRICS,
        *SCAN_METRICS,
        *PATCH_METRICS,
        *MODEL_METRICS,
    )
}


def score_reply(text: str | replies.NoReply, item: EvalItem) -> dict[str, float]:
    """Return every metric that applies to an item, of one reply.

    NaN where a metric needs an answer and none can be read.
    """
    reply = replies.read_reply(text, item)
    return {
        metric.name: metric.measure(reply) for metric in ANSWER_METRICS if metric.applies_to(item)
    }
