"""Score one reply by the metrics that fit the type of its question.

Published metrics are in `published.py`. Ours say what those cannot: how often a model declines,
how far off it is when twice too long and half too long weigh the same, places and angles.
"""

import math
from dataclasses import dataclass
from typing import Literal

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import answer_parsing, published_metrics
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.quantity_parsing import (
    Dimension,
    contains_number,
    parse_number,
    parse_quantity,
)

NAN = float("nan")


@dataclass(frozen=True)
class Metric:
    """What a column of scores means; `better` says which end is good."""

    name: str
    better: Literal["higher", "lower"]
    source: str
    definition: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "higher", "", "share of replies that say the truth"),
        Metric(
            "outputs_number", "higher", "SpatialVLM: outputs numbers", "share that holds a number"
        ),
        Metric(
            "within_factor_2",
            "higher",
            "SpatialVLM: in range [50, 200] %",
            "share with 0.5 g <= p <= 2 g",
        ),
        Metric(
            "success_25pct",
            "higher",
            "SpatialRGPT-Bench: success rate",
            "share with 0.75 g <= p <= 1.25 g; unreadable fails",
        ),
        Metric(
            "abs_rel",
            "lower",
            "SpatialRGPT-Bench: absolute relative error",
            "mean of |p - g| / g over readable replies",
        ),
        Metric(
            "clock_within_1h",
            "higher",
            "SpatialRGPT-Bench: success rate, direction",
            "share at most one hour off, around the clock; unreadable fails",
        ),
        Metric(
            "clock_error_deg",
            "lower",
            "SpatialRGPT-Bench: error, direction",
            "30 degrees for each hour off, mean over readable replies",
        ),
        Metric(
            "mra",
            "higher",
            "VSI-Bench: mean relative accuracy (equation)",
            "share of t in 0.50, 0.55 ... 0.95 with |p - g| / g < 1 - t; unreadable is 0",
        ),
        Metric(
            "vsi_mra",
            "higher",
            "VSI-Bench: MRA:.5:.95:.05 (released code)",
            "as mra, with <= and only the first word read as a bare number",
        ),
        Metric(
            "vsi_accuracy",
            "higher",
            "VSI-Bench: accuracy (released code)",
            "share whose first word is the right letter",
        ),
        Metric("log_error", "lower", "", "mean of |ln(p / g)| over readable positive replies"),
        Metric("abs_error", "lower", "", "mean of |p - g| over readable replies"),
        Metric("angle_error_deg", "lower", "", "mean difference around the circle"),
        Metric("within_15deg", "higher", "", "share at most 15 degrees off; unreadable fails"),
        Metric("point_inside", "higher", "", "share of points on the object; unreadable fails"),
        Metric(
            "point_error",
            "lower",
            "",
            "mean distance from the true point, as a share of the picture's diagonal",
        ),
        Metric("box_iou", "higher", "", "mean overlap of boxes; unreadable is 0"),
        Metric("refusal_rate", "lower", "", "share that declines to answer"),
        Metric("parse_failure_rate", "lower", "", "share in which no answer can be read"),
    )
}
DIMENSIONS: dict[AnswerType, Dimension] = {
    "metres": "length",
    "square_metres": "area",
    "degrees": "angle",
}


def score(text: str, item: EvalItem) -> dict[str, float]:
    """Return the metrics of one reply; NaN where a metric needs a reading and there is none."""
    scores, is_parsed = _SCORERS[item.answer_type](text, item)
    if item.benchmark == "vsi-bench":
        if item.answer_type == "multiple_choice":
            scores["vsi_accuracy"] = published_metrics.vsi_accuracy(text, str(item.truth))
        elif not isinstance(item.truth, str):
            scores["vsi_mra"] = published_metrics.vsi_mra(
                text, item.truth / (item.unit_size or 1.0)
            )
    scores["refusal_rate"] = float(not is_parsed and answer_parsing.is_refusal(text))
    scores["parse_failure_rate"] = float(not is_parsed)
    return scores


MetricValues = tuple[dict[str, float], bool]


def _choice(text: str, item: EvalItem) -> MetricValues:
    parsed = answer_parsing.read_choice(text, item.choices)
    return {"accuracy": float(parsed == item.truth)}, parsed is not None


def _multiple_choice(text: str, item: EvalItem) -> MetricValues:
    parsed = answer_parsing.read_option(text, item.choices, item.options)
    return {"accuracy": float(parsed == item.truth)}, parsed is not None


def _measure(text: str, item: EvalItem) -> MetricValues:
    answer = answer_parsing.final_answer(text)
    parsed = parse_quantity(answer, DIMENSIONS[item.answer_type])
    if parsed is None and item.unit_size:
        bare = parse_number(answer)
        parsed = None if bare is None else bare * item.unit_size
    truth = float(item.truth)
    positive = parsed is not None and parsed > 0 and truth > 0
    return {
        "outputs_number": float(contains_number(text)),
        "within_factor_2": published_metrics.within_factor_2(parsed, truth),
        "success_25pct": published_metrics.success_25pct(parsed, truth),
        "abs_rel": published_metrics.abs_rel(parsed, truth),
        "mra": published_metrics.mean_relative_accuracy(parsed, truth),
        "log_error": abs(math.log(parsed / truth)) if parsed and positive else NAN,
    }, parsed is not None


def _count(text: str, item: EvalItem) -> MetricValues:
    parsed, truth = answer_parsing.read_count(text), float(item.truth)
    return {
        "accuracy": float(parsed == truth),
        "mra": published_metrics.mean_relative_accuracy(parsed, truth),
        "abs_error": NAN if parsed is None else abs(parsed - truth),
    }, parsed is not None


def _degrees(text: str, item: EvalItem) -> MetricValues:
    answer = answer_parsing.final_answer(text)
    parsed = parse_quantity(answer, "angle")
    if parsed is None:
        parsed = parse_number(answer)
    error = NAN if parsed is None else abs((parsed - float(item.truth) + 180) % 360 - 180)
    return {"angle_error_deg": error, "within_15deg": float(error <= 15)}, parsed is not None


def _clock(text: str, item: EvalItem) -> MetricValues:
    parsed, truth = answer_parsing.read_clock_hour(text), int(float(item.truth))
    return {
        "accuracy": float(parsed == truth),
        "clock_within_1h": published_metrics.clock_success(parsed, truth),
        "clock_error_deg": published_metrics.clock_error_deg(parsed, truth),
    }, parsed is not None


def _point(text: str, item: EvalItem) -> MetricValues:
    parsed = _normalized_coordinates(text, 2, item)
    if parsed is None:
        return {"point_inside": 0.0, "point_error": NAN}, False
    truth = answer_parsing.read_coordinates(str(item.truth), 2)
    assert truth is not None, item.question_id
    width, height = item.width_px or 1, item.height_px or 1
    distance_px = math.hypot((parsed[0] - truth[0]) * width, (parsed[1] - truth[1]) * height)
    inside = any(u0 <= parsed[0] <= u1 and v0 <= parsed[1] <= v1 for u0, v0, u1, v1 in item.boxes)
    return {
        "point_inside": float(inside),
        "point_error": distance_px / math.hypot(width, height),
    }, True


def _box(text: str, item: EvalItem) -> MetricValues:
    parsed = _normalized_coordinates(text, 4, item)
    truth = answer_parsing.read_coordinates(str(item.truth), 4)
    assert truth is not None, item.question_id
    return {"box_iou": 0.0 if parsed is None else iou(parsed, truth)}, parsed is not None


def _normalized_coordinates(text: str, how_many: int, item: EvalItem) -> tuple[float, ...] | None:
    """Read a place as shares of width and height: from shares, per cent or pixels.

    All numbers up to 1 are shares; with a % sign, or larger without a known picture, per cent;
    else pixels.
    """
    parsed = answer_parsing.read_coordinates(text, how_many)
    if parsed is None or max(parsed) <= 1:
        return parsed
    if "%" in text or not item.width_px:
        return tuple(value / 100 for value in parsed)
    sides = (item.width_px, item.height_px) * (how_many // 2)
    return tuple(value / side for value, side in zip(parsed, sides, strict=True))


def iou(box_a: tuple[float, ...], box_b: tuple[float, ...]) -> float:
    """Return the overlap of two boxes (u0, v0, u1, v1) over their union, 0 to 1."""
    width = min(box_a[2], box_b[2]) - max(box_a[0], box_b[0])
    height = min(box_a[3], box_b[3]) - max(box_a[1], box_b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum(max(b[2] - b[0], 0.0) * max(b[3] - b[1], 0.0) for b in (box_a, box_b))
    return shared / (areas - shared) if shared else 0.0


_SCORERS = {
    "choice": _choice,
    "multiple_choice": _multiple_choice,
    "metres": _measure,
    "square_metres": _measure,
    "count": _count,
    "degrees": _degrees,
    "clock": _clock,
    "point": _point,
    "box": _box,
}
