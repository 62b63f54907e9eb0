"""Experiments of kind video through the workflow: which jobs there are, and what runs again."""

from pathlib import Path

import pytest

from testing.project import WITHOUT_RLBENCH, Project

SCANS = {"num_scans": 2, "scans_per_shard": 1, "frames": 4, "scan_unit": "room"}
SMALL = {"kind": "video", "adapter": "none", "steps": 2, "batch_size": 2, "deepspeed": "none"}
TURNED = ["image", "blind", "rotated90", "rotated180", "rotated270"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    project.edit(WITHOUT_RLBENCH)
    project.edit({"sources": {"scans": SCANS}})
    experiments = {"tiny-lora": None, "ours": SMALL, "adapted": SMALL | {"adapter": "lora"}}
    project.edit({"train": {"experiments": experiments}})
    return project


def test_a_video_model_is_trained_asked_and_scored(project: Project) -> None:
    planned = project.planned_jobs("results/eval.csv")
    assert planned["train_video"] == planned["train_video_lora"] == 1
    assert planned["generate_scan_samples"] == 2
    assert planned["merge_scan_samples"] == planned["pretrain_base"] == 1
    assert planned["score_video"] == 2
    # With frames, blind, and those of the validation split, of two experiments.
    assert planned["predict_answers"] == 6
    turned = {"train": {"experiments": {"ours": SMALL | {"conditions": TURNED}}}}
    project.edit(turned)
    assert project.planned_jobs("results/eval.csv")["predict_answers"] == 9


@pytest.mark.parametrize(
    ("sources", "waits_for"),
    [
        ([], set()),
        (["procthor"], {"render_shard"}),
        (["scans"], {"render_walks"}),
        (None, {"render_shard", "render_walks"}),
    ],
)
def test_pre_training_waits_for_the_sources_it_learns_from(
    project: Project, sources: list[str] | None, waits_for: set[str]
) -> None:
    project.edit({"train": {"tiny": {"sources": sources}}})
    planned = project.planned_jobs("results/train/base/tiny")
    assert {"render_shard", "render_walks"} & set(planned) == waits_for


def test_pre_training_without_any_views_is_refused(project: Project) -> None:
    project.edit({"train": {"tiny": {"sources": [], "num_houses": 0}}})
    done = project.snakemake("--dry-run", "results/eval.csv", check=False)
    assert done.returncode != 0
    assert "nothing to learn from; raise num_houses" in done.stdout + done.stderr


def test_pre_training_refuses_objects_without_names(project: Project) -> None:
    project.edit({"train": {"tiny": {"sources": ["procthor", "rlbench"]}}})
    done = project.snakemake("--dry-run", "results/eval.csv", check=False)
    assert done.returncode != 0
    assert "train.tiny.sources: 'rlbench'" in done.stdout + done.stderr


def test_without_scans_video_models_are_off(project: Project) -> None:
    project.edit({"sources": {"scans": None}})
    done = project.snakemake("--dry-run", "results/eval.csv", check=False)
    printed = done.stdout + done.stderr
    assert "turn on a source of scans (sources.scans)" in printed


def test_impossible_settings_are_refused(project: Project) -> None:
    project.edit({"train": {"experiments": {"ours": SMALL | {"depth_head": True}}}})
    done = project.snakemake("--dry-run", "results/eval.csv", check=False)
    assert "train.experiments.ours.depth_head: true, but train_vision is false" in (
        done.stdout + done.stderr
    )
