"""Scores of VSI-Bench: by hand, and its averages over types and tasks."""

from typing import Any

import numpy as np
import pytest

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.vsi_bench import VSI_TASK_OF
from workflow_scripts.evaluate.benchmarks import vsi
from workflow_scripts.evaluate.video.vsi_metrics import (
    score_vsi,
    vsi_task_means,
    vsi_type_means,
)


def sample(question_type: str, truth: str | float, **changes: Any) -> ScanSample:
    values = {
        "sample_id": f"s-{question_type}-{truth}",
        "source": "scans",
        "scene_id": "s",
        "split": "test",
        "task": "question",
        "question_type": question_type,
        "text": "?",
        "truth": truth,
        "answer_type": "choice" if isinstance(truth, str) else "metres",
    }
    return ScanSample.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("B", 1), ("b", 1), ("B.", 1), ("B. left", 1), ("B because A is wrong", 1),
        ("A", 0), ("", 0), ("The answer is B", 0), ("B) left", 0), ("(B)", 0), ("BB", 0),
        ("B" * 100_000, 0),
    ],
)  # fmt: skip
def test_only_the_first_word_of_a_reply_counts(text: str, score: float) -> None:
    assert score_vsi([sample("object_rel_distance", "B")], [text]) == [score]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("2.0", 1), ("2", 1), ("2.", 1), ("2 meters", 1),
        # |p - g| / g of exactly 0.05 reaches all ten thresholds, a little more nine of them.
        ("2.1", 1.0), ("2.11", 0.9), ("1.9", 1.0), ("2.2", 0.9), ("3", 0.1), ("1", 0.1),
        ("3.01", 0), ("0.99", 0), ("-2", 0), ("0", 0),
        ("", 0), ("about 2", 0), ("two", 0), ("nan", 0), ("inf", 0), ("9" * 5000, 0),
    ],
)  # fmt: skip
def test_numbers_have_ten_thresholds_and_what_is_not_readable_is_0(text: str, score: float) -> None:
    got = score_vsi([sample("object_abs_distance", 2.0)], [text])
    assert got == pytest.approx([score])


def test_counts_sizes_and_areas_are_read_in_their_own_unit() -> None:
    samples = [
        sample("object_counting", 4.0, answer_type="count"),
        sample("object_size_estimation", 180.0, answer_type="centimetres"),
        sample("room_size_estimation", 20.0, answer_type="square_metres"),
    ]
    assert score_vsi(samples, ["4", "180", "20"]) == pytest.approx([1, 1, 1])
    assert score_vsi(samples, ["3", "1.8", "30"]) == pytest.approx([0.6, 0, 0.1])


def test_directions_count_once_and_overall_is_the_mean_of_tasks() -> None:
    samples = [
        *(sample("object_rel_direction_easy", "A") for _ in range(4)),
        sample("object_rel_direction_medium", "A"),
        sample("object_rel_direction_hard", "A"),
        *(sample("object_rel_distance", "A") for _ in range(2)),
        sample("object_abs_distance", 2.0),
    ]
    replies = ["A", "A", "B", "B", "A", "B", "A", "B", "2.2"]
    means = vsi_type_means(samples, score_vsi(samples, replies))
    assert means["object_rel_direction_easy"] == pytest.approx(0.5)
    tasks = vsi_task_means(means)
    # (0.5 + 1 + 0) / 3, not the 3 of 6 questions that are right.
    assert tasks["object_rel_direction"] == pytest.approx(0.5)
    assert tasks["object_rel_distance"] == pytest.approx(0.5)
    assert tasks["object_abs_distance"] == pytest.approx(0.9)
    assert list(tasks) == [
        *("object_abs_distance", "object_rel_distance", "object_rel_direction", "overall")
    ]
    assert tasks["overall"] == pytest.approx((0.5 + 0.5 + 0.9) / 3)
    uneven = vsi_task_means({**means, "object_rel_direction_medium": np.array(0.0)})
    assert uneven["object_rel_direction"] == pytest.approx(0.5 / 3)


def test_averages_of_resamples_leave_out_types_that_a_resample_lacks() -> None:
    tasks = vsi_task_means(
        {
            "object_counting": np.array([0.2, np.nan, np.nan]),
            "route_planning": np.array([0.6, 0.4, np.nan]),
        }
    )
    np.testing.assert_allclose(tasks["overall"], [0.4, 0.4, np.nan])
    assert vsi_task_means({}) == {}


def test_what_is_not_of_the_benchmark_is_refused() -> None:
    with pytest.raises(ValueError, match="not a type of VSI-Bench"):
        score_vsi([sample("unique", "A")], ["A"])
    with pytest.raises(ValueError, match="shorter"):
        score_vsi([sample("route_planning", "A")], [])


def test_the_importer_knows_the_same_types() -> None:
    assert set(vsi.NUMERIC) <= set(VSI_TASK_OF)
