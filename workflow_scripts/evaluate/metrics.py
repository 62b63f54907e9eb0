"""Score one reply by the metrics that fit the type of its question.

Published metrics are in `published.py`. Ours say what those cannot: how often a model declines,
how far off it is when twice too long and half too long weigh the same, places and angles.
"""

import math
from dataclasses import dataclass
from typing import Literal

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import published, replies
from workflow_scripts.evaluate.items import Item
from workflow_scripts.evaluate.numbers import Dimension, bare_number, contains_number, quantity

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


def score(text: str, item: Item) -> dict[str, float]:
    """Return the metrics of one reply; NaN where a metric needs a reading and there is none."""
    scores, is_read = _SCORERS[item.answer_type](text, item)
    if item.benchmark == "vsi-bench":
        if item.answer_type == "multiple_choice":
            scores["vsi_accuracy"] = published.vsi_accuracy(text, str(item.truth))
        elif not isinstance(item.truth, str):
            scores["vsi_mra"] = published.vsi_mra(text, item.truth / (item.unit_size or 1.0))
    scores["refusal_rate"] = float(not is_read and replies.is_refusal(text))
    scores["parse_failure_rate"] = float(not is_read)
    return scores


Scored = tuple[dict[str, float], bool]


def _choice(text: str, item: Item) -> Scored:
    said = replies.choice(text, item.choices)
    return {"accuracy": float(said == item.truth)}, said is not None


def _multiple_choice(text: str, item: Item) -> Scored:
    said = replies.option(text, item.choices, item.options)
    return {"accuracy": float(said == item.truth)}, said is not None


def _measure(text: str, item: Item) -> Scored:
    answer = replies.final(text)
    said = quantity(answer, DIMENSIONS[item.answer_type])
    if said is None and item.unit_size:
        bare = bare_number(answer)
        said = None if bare is None else bare * item.unit_size
    truth = float(item.truth)
    positive = said is not None and said > 0 and truth > 0
    return {
        "outputs_number": float(contains_number(text)),
        "within_factor_2": published.in_50_200(said, truth),
        "success_25pct": published.success_25(said, truth),
        "abs_rel": published.abs_rel(said, truth),
        "mra": published.mean_relative_accuracy(said, truth),
        "log_error": abs(math.log(said / truth)) if said and positive else NAN,
    }, said is not None


def _count(text: str, item: Item) -> Scored:
    said, truth = replies.count(text), float(item.truth)
    return {
        "accuracy": float(said == truth),
        "mra": published.mean_relative_accuracy(said, truth),
        "abs_error": NAN if said is None else abs(said - truth),
    }, said is not None


def _degrees(text: str, item: Item) -> Scored:
    answer = replies.final(text)
    said = quantity(answer, "angle")
    if said is None:
        said = bare_number(answer)
    error = NAN if said is None else abs((said - float(item.truth) + 180) % 360 - 180)
    return {"angle_error_deg": error, "within_15deg": float(error <= 15)}, said is not None


def _clock(text: str, item: Item) -> Scored:
    said, truth = replies.clock_hour(text), int(float(item.truth))
    return {
        "accuracy": float(said == truth),
        "clock_within_1h": published.clock_success(said, truth),
        "clock_error_deg": published.clock_error_deg(said, truth),
    }, said is not None


def _point(text: str, item: Item) -> Scored:
    said = _shares(text, 2, item)
    if said is None:
        return {"point_inside": 0.0, "point_error": NAN}, False
    truth = replies.coordinates(str(item.truth), 2)
    assert truth is not None, item.question_id
    width, height = item.width_px or 1, item.height_px or 1
    off = math.hypot((said[0] - truth[0]) * width, (said[1] - truth[1]) * height)
    inside = any(u0 <= said[0] <= u1 and v0 <= said[1] <= v1 for u0, v0, u1, v1 in item.boxes)
    return {
        "point_inside": float(inside),
        "point_error": off / math.hypot(width, height),
    }, True


def _box(text: str, item: Item) -> Scored:
    said = _shares(text, 4, item)
    truth = replies.coordinates(str(item.truth), 4)
    assert truth is not None, item.question_id
    return {"box_iou": 0.0 if said is None else iou(said, truth)}, said is not None


def _shares(text: str, how_many: int, item: Item) -> tuple[float, ...] | None:
    """Read a place as shares of width and height: from shares, per cent or pixels.

    All numbers up to 1 are shares; with a % sign, or larger without a known picture, per cent;
    else pixels.
    """
    said = replies.coordinates(text, how_many)
    if said is None or max(said) <= 1:
        return said
    if "%" in text or not item.width_px:
        return tuple(value / 100 for value in said)
    sides = (item.width_px, item.height_px) * (how_many // 2)
    return tuple(value / side for value, side in zip(said, sides, strict=True))


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the overlap of two boxes (u0, v0, u1, v1) over their union, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum(max(b[2] - b[0], 0.0) * max(b[3] - b[1], 0.0) for b in (one, other))
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
