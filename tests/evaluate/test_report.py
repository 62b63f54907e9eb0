"""The page: what is counted, what was skipped, errors of estimated depth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.common.records import (
    DepthRow,
    DroppedQuestions,
    SkippedItem,
    records_to_frame,
)
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.evaluate import report
from workflow_scripts.sources.readers.photo_records import Photo


def photo(name: str, skipped: str = "") -> Photo:
    return Photo(
        scene_id=name,
        source="images",
        split="train",
        origin=f"{name}.jpg",
        skipped=skipped,
        index=0,
        stem=name,
        sha256="0" * 64,
        fingerprint="",
        group=name,
        width_px=64,
        height_px=64,
        focal_px=None,
    )


def depth_row(view: int, backend: str, abs_rel: float, scale: float) -> DepthRow:
    return DepthRow(
        view=view,
        view_id=f"a-{view:03d}",
        scene_id="a",
        backend=backend,
        intrinsics_source="simulator",
        valid_share=1.0,
        min_m=1.0,
        median_m=2.0,
        max_m=3.0,
        abs_rel=abs_rel,
        rmse_m=0.5,
        delta1=0.8,
        median_scale=scale,
    )


def test_reasons_are_counted_once_and_stage_by_stage(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes/images/0000.jsonl"
    write_records(scenes, [photo("a"), photo("b", "tiny: 3 x 3")])
    skipped = tmp_path / "views/images/0000.skipped.jsonl"
    rows = [("b", "photo", "tiny: 3 x 3"), ("a", "object wall", "label: excluded")]
    write_records(
        skipped,
        [
            SkippedItem(source="images", scene_id=scene, item=item, reason=reason)
            for scene, item, reason in rows
        ],
    )
    skipped_items = tmp_path / "evaluate/benchmarks/bench.skipped.jsonl"
    write_records(
        skipped_items, [SkippedItem(source="bench", scene_id="", item="0", reason="no video")]
    )
    dropped = tmp_path / "vqa/images/0000.dropped.jsonl"
    write_records(
        dropped,
        [
            DroppedQuestions(
                source="images", family=family, form="named", reason="too close", count=40
            )
            for family in ("width", "height")
        ],
    )
    assert report.skipped_counts([scenes], [skipped, skipped_items], [], [dropped]) == [
        ("scenes", "tiny: 3 x 3", 1),
        ("views", "label: excluded", 1),
        ("vqa", "too close", 80),
        ("benchmarks", "no video", 1),
    ]
    assert report.counts([scenes], [], [], [])["photos"] == 1


def test_scores_that_are_not_fractions_have_no_chart() -> None:
    columns = ("experiment", "benchmark", "form", "family", "metric", "is_headline")
    rows = [
        ("lora", "vqa", "marked", "left_right", "accuracy", True),
        ("lora", "vqa", "marked", "left_right", "parse_failure_rate", False),
        ("lifter", "keypoints", "", "reach_target", "mpjpe_mm", True),
    ]
    scores = pd.DataFrame(rows, columns=columns)

    assert {title: len(rows) for title, rows in report.charts(scores, "lora").items()} == {
        "lora": 1
    }
    assert report.charts(scores, "lifter") == {}


def test_depth_errors_are_means_over_views_that_have_both(tmp_path: Path) -> None:
    path = tmp_path / "depth/procthor/0000.parquet"
    rows = [depth_row(n, "transformers", error, scale) for n, (error, scale) in
            enumerate([(0.1, 1.1), (0.3, 0.9), (np.nan, np.nan), (0.2, 9.0)])]  # fmt: skip
    write_table(path, records_to_frame(rows, DepthRow))
    [row] = report.depth_errors([path])
    assert (row["source"], row["estimator"], row["views"]) == ("procthor", "transformers", 3)
    assert row["abs_rel"] == pytest.approx(0.2)
    assert row["delta1"] == pytest.approx(0.8)
    assert row["median_scale"] == pytest.approx(1.1)


def test_photos_have_no_true_depth_to_compare_with(tmp_path: Path) -> None:
    path = tmp_path / "depth/images/0000.parquet"
    write_table(path, records_to_frame([depth_row(0, "transformers", np.nan, np.nan)], DepthRow))
    assert report.depth_errors([path]) == []
    assert report.depth_errors([]) == []


def test_what_was_learned_is_what_beats_every_baseline() -> None:
    common = {"method": "learned", "experiment": "e", "benchmark": "vqa", "value": 0.9}
    rows = pd.DataFrame(
        [
            {"family": "left_right", "form": "named", "gain": 0.2, "gain_low": 0.1}
            | {"majority_gain_low": 0.3},
            {"family": "width", "form": "named", "gain": 0.1, "gain_low": -0.1},
            {"family": "height", "form": "named", "gain": 0.3, "gain_low": 0.2}
            | {"majority_gain_low": -0.2},
            {"family": "all", "form": "named", "gain": 0.1, "gain_low": 0.05},
            {"family": "all", "form": "all", "gain": 0.1, "gain_low": 0.05},
            {"family": "all", "form": "", "gain": 0.3, "gain_low": 0.2},
            {"family": "reach_target", "form": "", "gain": 0.3, "gain_low": 0.2},
            {"family": "all", "form": "", "gain": np.nan, "gain_low": np.nan},
        ]
    ).assign(**common)
    learned = report.learned_rows(rows)
    assert [(row["family"], row["form"], row["is_learned"]) for row in learned] == [
        ("all", "", True),
        ("left_right", "named", True),
        ("width", "named", False),
        ("height", "named", False),
    ]
