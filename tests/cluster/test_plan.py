"""The plan's sums on numbers that can be checked by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.cluster.plan import (
    MeasuredJobs,
    estimate,
    format_hours,
    format_table,
    read_counts,
    read_example,
    read_measured_jobs,
    write_example,
)

RULES = {
    "render_shard": {
        "benchmark": r"results/benchmarks/views/(?P<source>a|b)/(?P<shard>\d{4})\.tsv$",
        "gpu": 0,
        "slots": 4,
    },
    "predict_answers": {
        "benchmark": r"results/benchmarks/evaluate/predict\.(?P<part>\d)\.tsv$",
        "gpu": 2,
        "slots": 100,
    },
    "train_lora": {
        "benchmark": r"results/benchmarks/train/(?P<experiment>.+)\.tsv$",
        "gpu": 8,
        "slots": 1,
    },
    "merge_scores": {"benchmark": None, "gpu": 0, "slots": 1},
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return results of 8 houses: two shards of 5 and 3."""
    folder = tmp_path / "results"
    for name, lines in (("0000", 5), ("0001", 3)):
        path = folder / f"scenes/a/{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n" * lines)
    for name, seconds in (
        ("views/a/0000", 50.0),
        ("views/a/0001", 30.0),
        ("evaluate/predict.0", 16.0),
        ("train/tiny", 1800.0),
    ):
        path = folder / f"benchmarks/{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t-\t-\n")
    (folder / "benchmarks/views/a/0002.tsv").write_text("s\th:m:s\n-\t-\n")
    return folder


def test_benchmarks_are_found_by_rule_and_counted_by_house(results: Path) -> None:
    assert read_measured_jobs(RULES, results, "a") == {
        "render_shard": MeasuredJobs(2, 40.0, 4.0),
        "predict_answers": MeasuredJobs(1, 16.0, 8.0),
        "train_lora": MeasuredJobs(1, 1800.0, 8.0),
    }


def test_scores_of_poses_do_not_grow_with_houses(results: Path) -> None:
    (results / "benchmarks/evaluate/score.lifter.tsv").write_text("s\n10.0\n")
    pattern = r"results/benchmarks/evaluate/score\.(?P<experiment>.+)\.tsv$"
    rules = {"score_pose": {"benchmark": pattern, "gpu": 0, "slots": 9, "scene_kind": "episode"}}
    measured = read_measured_jobs(rules, results, "procthor")
    assert measured == {"score_pose": MeasuredJobs(1, 10.0, 0)}
    (row,) = estimate({"score_pose": 1}, rules, measured, scenes=10_000, shards=79)
    assert row.seconds_per_job == 10.0


def test_the_sums(results: Path) -> None:
    measured = read_measured_jobs(RULES, results, "a")
    counts = {"render_shard": 10, "predict_answers": 2, "train_lora": 1, "merge_scores": 1}
    rows = {row.rule: row for row in estimate(counts, RULES, measured, scenes=1000, shards=10)}
    # 100 houses a job at 10 s a house; 10 jobs, 4 at once: 3 rounds, each with a minute on top.
    assert rows["render_shard"].seconds_per_job == pytest.approx(1000)
    assert rows["render_shard"].wall_hours == pytest.approx(3 * 1060 / 3600)
    assert rows["render_shard"].gpu_hours == 0
    # 2 s a house over all 1000 houses; 2 jobs with 2 cards, both at once.
    assert rows["predict_answers"].seconds_per_job == pytest.approx(2000)
    assert rows["predict_answers"].gpu_hours == pytest.approx(2 * 2000 * 2 / 3600)
    assert rows["predict_answers"].wall_hours == pytest.approx(2060 / 3600)
    # A training has its steps, whatever the houses.
    assert rows["train_lora"].gpu_hours == pytest.approx(4.0)
    assert rows["merge_scores"].gpu_hours is None


def test_what_is_unknown_is_said(results: Path) -> None:
    measured = read_measured_jobs(RULES, results, "a")
    rows = estimate({"merge_scores": 1, "train_lora": 1}, RULES, measured, scenes=8, shards=2)
    text = format_table(rows, measured).splitlines()
    assert "unknown" in text[1]
    assert text[-1].split()[:3] == ["sum", "2", "4.0"]
    assert "1 unknown rule" in text[-1]


def test_an_example_is_read_as_it_was_written(tmp_path: Path) -> None:
    measured = {"render_shard": MeasuredJobs(6, 78.82, 4)}
    write_example(measured, tmp_path / "table.tsv", "Means.")
    assert read_example(tmp_path / "table.tsv") == measured


def test_the_shipped_table_knows_every_rule_without_a_card() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "snakemake", "--list-rules", "--nolock"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.split()[0] for line in listed.stdout.splitlines() if line.strip()}
    known = read_example()
    assert set(known) <= names
    assert {
        "sample_scenes",
        "render_shard",
        "fuse_shard",
        "generate_questions",
        "merge_questions",
    } <= set(known)
    assert not {"pretrain_base", "train_lora", "predict_answers"} & set(known)


def test_snakemakes_table_of_jobs_is_read() -> None:
    printed = "noise\njob count\n--- ---\nall    1\ngenerate_questions   10\ntotal  11\n\nother 3\n"
    assert read_counts(printed) == {"generate_questions": 10}


@pytest.mark.parametrize(
    ("hours", "text"), [(0.005, "18 s"), (0.5, "30 min"), (1.5, "90 min"), (30, "30.0 h")]
)
def test_hours_as_people_say_them(hours: float, text: str) -> None:
    assert format_hours(hours) == text
