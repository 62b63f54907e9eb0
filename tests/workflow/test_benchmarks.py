"""Published benchmarks in the workflow: imported, answered and scored, to table and report."""

import json
import re
from collections.abc import Callable

import pandas as pd
import pytest

from testing.project import Project
from tests.evaluate.benchmarks.sample_rows import SPATIAL, VSI, write_pictures

pytestmark = pytest.mark.e2e
# Metrics by the type of what is asked: published names in the report, columns here.
EXPECTED = {
    ("rgpt", "tall_predicate"): {"accuracy"},
    ("rgpt", "tall_choice"): {"accuracy"},
    ("rgpt", "width_data"): {"success_25pct", "within_factor_2", "outputs_number"},
    ("rgpt", "direction"): {"clock_within_1h"},
    ("vsi", "object_counting"): {"vsi_mra", "mra"},
    ("vsi", "object_abs_distance"): {"vsi_mra", "mra"},
    ("vsi", "room_size_estimation"): {"vsi_mra", "mra"},
    ("vsi", "object_rel_distance"): {"vsi_accuracy", "accuracy"},
}
PUBLISHED = (
    "SpatialRGPT-Bench: success rate",
    "SpatialRGPT-Bench: success rate, direction",
    "SpatialVLM: in range [50, 200] %",
    "VSI-Bench: mean relative accuracy (equation)",
    "VSI-Bench: MRA:.5:.95:.05 (released code)",
    "VSI-Bench: accuracy (released code)",
)


def with_benchmarks(project: Project) -> Project:
    """Give a project a small file of each format, one row of the first without its image."""
    folder = project.folder / "benchmarks"
    write_pictures(folder)
    without_image = {**SPATIAL[0], "id": "lost", "image_info": {"file_path": "gone.jpg"}}
    (folder / "rgpt.json").write_text(json.dumps([*SPATIAL, without_image]))
    (folder / "vsi.jsonl").write_text("\n".join(map(json.dumps, VSI)))
    formats = {"rgpt": ("spatialrgpt-bench", "rgpt.json"), "vsi": ("vsi-bench", "vsi.jsonl")}
    benchmarks = {
        name: {
            "format": file_format,
            "path": f"benchmarks/{file}",
            "images": "benchmarks",
            "num_frames": 3,
            "max_new_tokens": 8,
        }
        for name, (file_format, file) in formats.items()
    }
    project.edit({"evaluate": {"benchmarks": benchmarks}})
    return project


def check(project: Project) -> None:
    """Check scores beside every baseline, the published names, the row without its image."""
    results = project.folder / "results"
    scores = pd.concat(
        pd.read_parquet(results / f"evaluate/tiny-lora/{name}.scores.parquet")
        for name in ("rgpt", "vsi")
    )
    headline = pd.read_csv(results / "eval.csv")
    assert {"vqa", "rgpt", "vsi"} <= set(headline["benchmark"])
    for (benchmark, family), metrics in EXPECTED.items():
        rows = scores[(scores["benchmark"] == benchmark) & (scores["family"] == family)]
        assert metrics <= set(rows["metric"]), (benchmark, family)
        known = rows[rows["metric"].isin(metrics)]
        assert known[["value", "blind", "blank", "majority"]].notna().all(axis=None)
        assert (known["experiment"] == "tiny-lora").all()
    for benchmark, number in (("rgpt", len(SPATIAL)), ("vsi", len(VSI))):
        rows = scores[(scores["benchmark"] == benchmark) & (scores["family"] == "all")]
        assert rows[(rows["form"] == "all")]["n"].max() == number
    page = re.sub(r"\s+", " ", (results / "report.html").read_text())
    for name in ("tiny-lora on rgpt", "tiny-lora on vsi", *PUBLISHED):
        assert name in page, name
    assert re.search(r"<th[^>]*>\s*blank", page)
    assert "picture gone.jpg cannot be read" in page


def test_benchmarks_go_through_the_workflow_beside_our_own_questions(
    copy_of_finished: Callable[[], Project],
) -> None:
    project = with_benchmarks(copy_of_finished())
    planned_jobs = project.planned_jobs()
    assert planned_jobs["import_benchmark"] == planned_jobs["score_benchmark"] == 2
    assert planned_jobs["predict_answers"] == 6
    assert not {"train_lora", "pretrain_base", "score_vlm", "score_pose"} & set(planned_jobs)
    project.snakemake("--cores", "2", "results/eval.csv", "results/report.html")
    check(project)
