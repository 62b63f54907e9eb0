"""Published scores against their definitions worked out in fractions, and every answer type."""

import math
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate import published_metrics
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.metric import is_better
from workflow_scripts.evaluate.metrics import (
    ANSWER_METRICS,
    KEYPOINT_METRICS,
    METRICS,
    MODEL_METRICS,
    PATCH_METRICS,
    score_reply,
)
from workflow_scripts.evaluate.reconstruction.room_metrics import ROOM_METRICS
from workflow_scripts.evaluate.replies import iou
from workflow_scripts.evaluate.score_table import ScoreRow
from workflow_scripts.evaluate.video.scan_metrics import SCAN_METRICS

THRESHOLDS = [Fraction(percent, 100) for percent in range(50, 100, 5)]
hundredths = st.integers(1, 10_000).map(lambda number: Fraction(number, 100))


def item(answer_type: str, truth: str | float, **changes) -> EvalItem:
    values = {
        "question_id": "q",
        "scene_id": "s",
        "family": "f",
        "form": "named",
        "question": "?",
        "answer": str(truth),
        "images": [],
        "answer_type": answer_type,
        "truth": truth,
    }
    return EvalItem.model_validate({**values, **changes})


@given(hundredths, hundredths)
def test_published_scores_equal_their_definitions(p: Fraction, g: Fraction) -> None:
    error = abs(p - g) / g
    expected = {
        published_metrics.within_factor_2: Fraction(1, 2) * g <= p <= 2 * g,
        published_metrics.success_25pct: Fraction(3, 4) * g <= p <= Fraction(5, 4) * g,
        published_metrics.abs_rel: error,
        published_metrics.mean_relative_accuracy: Fraction(
            sum(error < 1 - threshold for threshold in THRESHOLDS), len(THRESHOLDS)
        ),
    }
    for function, value in expected.items():
        assert function(float(p), float(g)) == pytest.approx(float(value), abs=1e-9), function
    released = Fraction(sum(error <= 1 - threshold for threshold in THRESHOLDS), len(THRESHOLDS))
    assert published_metrics.vsi_mra(f"{float(p)}", float(g)) == pytest.approx(
        float(released), abs=1e-9
    )


def test_thresholds_themselves_are_exact() -> None:
    # |p - g| / g is exactly 1 - t for each threshold in turn: < leaves it out, <= takes it.
    for index, threshold in enumerate(THRESHOLDS):
        p, g = float(100 * threshold), 100.0
        assert published_metrics.mean_relative_accuracy(p, g) == pytest.approx(index / 10)
        assert published_metrics.vsi_mra(f"{p}", g) == pytest.approx((index + 1) / 10)


@given(st.integers(1, 12), st.integers(1, 12))
def test_hours_go_around(p: int, g: int) -> None:
    apart = min((p - g) % 12, (g - p) % 12)
    assert published_metrics.hours_apart(p, g) == apart
    assert published_metrics.clock_success(p, g) == float(apart <= 1)
    assert published_metrics.clock_error_deg(p, g) == 30.0 * apart


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("1.5.", 1.5), ("4 chairs", 4), ("about 4", None), ("", None), ("nan", None)],
)
def test_first_word_reading(text: str, number: float | None) -> None:
    assert published_metrics.vsi_number(text) == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "2.5 m",
            {"outputs_number": 1, "within_factor_2": 1, "success_25pct": 1, "abs_rel": 0.25,
             "mra": 0.5, "log_error": math.log(1.25), "parse_failure_rate": 0},
        ),
        ("between 3 and 5 metres", {"success_25pct": 0, "within_factor_2": 1, "abs_rel": 1.0}),
        (
            "far away",
            {"outputs_number": 0, "success_25pct": 0, "mra": 0, "abs_rel": np.nan,
             "log_error": np.nan, "parse_failure_rate": 1, "refusal_rate": 0},
        ),
        ("I cannot measure that.", {"refusal_rate": 1, "parse_failure_rate": 1}),
        ("I cannot be sure, but about 2 m", {"refusal_rate": 0, "abs_rel": 0}),
        ("200", {"outputs_number": 1, "success_25pct": 0, "parse_failure_rate": 1}),
        ("", {"outputs_number": 0, "parse_failure_rate": 1}),
    ],
)  # fmt: skip
def test_lengths(text: str, expected: dict[str, float]) -> None:
    scores = score_reply(text, item("metres", 2.0))
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


def test_a_bare_number_counts_where_the_question_names_the_unit() -> None:
    eval_item = item("metres", 0.86, unit_size=0.01)
    assert score_reply("86", eval_item)["abs_rel"] == pytest.approx(0)
    assert score_reply("0.86 m", eval_item)["abs_rel"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("eval_item", "text", "expected"),
    [
        (item("choice", "yes", choices=["yes", "no"]), "Yes, it is", {"accuracy": 1}),
        (item("choice", "red", choices=["red", "blue"]), "blue", {"accuracy": 0}),
        (
            item("multiple_choice", "B", choices=["A", "B"], options=["sofa", "lamp"]),
            "the lamp",
            {"accuracy": 1},
        ),
        (item("count", 4), "four", {"accuracy": 1, "mra": 1, "abs_error": 0}),
        (item("count", 4), "5", {"accuracy": 0, "mra": 0.5, "abs_error": 1}),
        (item("count", 0), "There are none", {"accuracy": 1, "mra": 1, "abs_error": 0}),
        (
            item("clock", 12),
            "1 o'clock",
            {"accuracy": 0, "clock_within_1h": 1, "clock_error_deg": 30},
        ),
        (item("clock", 3), "left", {"clock_within_1h": 0, "clock_error_deg": np.nan}),
        (item("degrees", 350), "5 degrees", {"angle_error_deg": 15, "within_15deg": 1}),
        (item("degrees", 90), "?", {"angle_error_deg": np.nan, "within_15deg": 0}),
        (item("square_metres", 20), "20 square metres", {"abs_rel": 0, "mra": 1}),
        (
            item("point", "(0.5, 0.5)", width_px=300, height_px=400, boxes=[(0.4, 0.4, 0.6, 0.6)]),
            "(150, 240)",
            {"point_inside": 1, "point_error": 40 / 500},
        ),
        (item("point", "(0.5, 0.5)", boxes=[(0.4, 0.4, 0.6, 0.6)]), "none", {"point_inside": 0}),
        (item("box", "(0, 0, 0.5, 1)"), "(0.25, 0, 0.75, 1)", {"box_iou": 1 / 3}),
        (item("box", "(0, 0, 0.5, 1)"), "there", {"box_iou": 0, "parse_failure_rate": 1}),
    ],
)
def test_every_answer_type(eval_item: EvalItem, text: str, expected: dict[str, float]) -> None:
    scores = score_reply(text, eval_item)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name
    assert 0 <= scores["parse_failure_rate"] <= 1


def test_no_answer_type_and_no_metric_is_forgotten() -> None:
    truths = {"choice": "yes", "multiple_choice": "A", "point": "(0, 0)", "box": "(0, 0, 1, 1)"}
    metric_names = set()
    for answer_type in get_args(AnswerType):
        eval_item = item(answer_type, truths.get(answer_type, 1.0), choices=["yes", "no"])
        for benchmark in ("vqa", "vsi-bench"):
            metric_names |= set(
                score_reply("", eval_item.model_copy(update={"benchmark": benchmark}))
            )
    assert metric_names == {metric.name for metric in ANSWER_METRICS}
    assert metric_names < set(METRICS)


def test_the_table_of_metrics_has_no_name_twice_and_scores_take_no_other() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())
    tables = (
        *(ANSWER_METRICS, KEYPOINT_METRICS, ROOM_METRICS),
        *(SCAN_METRICS, PATCH_METRICS, MODEL_METRICS),
    )
    assert len(METRICS) == sum(map(len, tables))
    row = {
        "experiment": "e",
        "benchmark": "vqa",
        "split": "test",
        "family": "all",
        "n": 1,
        "num_scenes": 1,
        "value": 0.5,
        "ci_low": 0.5,
        "ci_high": 0.5,
    }
    for name in METRICS:
        assert ScoreRow.model_validate({**row, "metric": name}).metric == name
    with pytest.raises(ValidationError, match="vibes is not a metric; known are accuracy"):
        ScoreRow.model_validate({**row, "metric": "vibes"})


def test_nothing_is_better_than_nan() -> None:
    assert is_better(0.1, math.nan, METRICS["accuracy"])
    assert not is_better(math.nan, 0.1, METRICS["accuracy"])
    assert is_better(1.0, 2.0, METRICS["mpjpe_mm"])
    assert not is_better(1.0, 2.0, METRICS["auc_50mm"])


def test_iou_is_symmetric_and_one_for_equal_boxes() -> None:
    box_a, box_b = (0.1, 0.2, 0.5, 0.9), (0.3, 0.1, 0.8, 0.4)
    assert iou(box_a, box_a) == pytest.approx(1)
    assert iou(box_a, box_b) == iou(box_b, box_a)
    assert iou(box_a, (0.6, 0.2, 0.9, 0.9)) == 0
