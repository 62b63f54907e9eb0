"""Training of lifters: what is written, ranks, resuming, mistakes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from testing import keypoint_tracks
from testing.demonstration_shards import write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, write_table
from workflow_scripts.experiments.pose import PoseTrainingSettings
from workflow_scripts.models.keypoints.pose_model import load_lifter
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.launch import run_or_attach
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.pose.train_lifter import check_episodes, train
from workflow_scripts.train.preemption import TrainingInterrupted


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shard(tmp_path_factory.mktemp("views") / "0000.zarr", 10, num_steps=20)


def experiment_in(out: Path, shard: Path, **changes: Any) -> PoseExperiment:
    plain = {
        "width": 32,
        "layers": 1,
        "heads": 2,
        "steps": 12,
        "batch_size": 32,
        "save_steps": 4,
        "num_validations": 3,
    }
    settings = PoseTrainingSettings.parse(plain | changes)
    return PoseExperiment(name="micro", views=(shard,), out=out, seed=3, settings=settings)


def history(experiment: PoseExperiment, key: str = "loss") -> list[float]:
    rows = read_json(experiment.result / "metrics.json")["history"]
    return [row[key] for row in rows if key in row]


@pytest.mark.parametrize("objective", ["supervised", "masked", "published"])
def test_every_objective_writes_a_model_that_loads(
    tmp_path: Path, shard: Path, objective: str
) -> None:
    experiment = experiment_in(tmp_path, shard, objective=objective)
    train(experiment)
    names = {path.name for path in experiment.result.iterdir()}
    assert names == {
        "README.md",
        "config.yaml",
        "curves.png",
        "metrics.json",
        "model.json",
        "model.safetensors",
    }
    assert list((experiment.out / "tensorboard").glob("events*"))
    lifter, settings = load_lifter(experiment.result)
    assert settings.objective == objective
    assert settings.names == [f"reach_target/point{k}" for k in range(6)]
    assert torch.isfinite(lifter.shapes[1:]).all()
    assert len(history(experiment, "validation_mpjpe_mm")) == 3
    metrics = read_json(experiment.result / "metrics.json")
    assert metrics["validation_mpjpe_mm"] < metrics["validation_baselines_mm"]["smoothed_dlt"]
    assert "reach_target" in (experiment.result / "README.md").read_text()


def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path: Path, shard: Path) -> None:
    uninterrupted = experiment_in(tmp_path / "whole", shard, objective="masked")
    train(uninterrupted)
    interrupted = replace(uninterrupted, out=tmp_path / "left")
    stop_flags: Iterator[bool] = iter([False] * 6 + [True])
    with pytest.raises(TrainingInterrupted):
        train(interrupted, lambda: next(stop_flags))
    assert not interrupted.result.exists()
    train(interrupted)
    assert history(interrupted) == history(uninterrupted)
    for name in ("model.safetensors", "metrics.json"):
        assert (interrupted.result / name).read_bytes() == (
            uninterrupted.result / name
        ).read_bytes()


def test_two_ranks_through_the_launcher_learn_the_same(tmp_path: Path, shard: Path) -> None:
    """Two processes, each with half of every batch: losses differ by rounding only."""
    one = experiment_in(tmp_path / "one", shard, steps=6, save_steps=3)
    train(one)
    settings = one.settings.model_copy(update={"num_processes": 2})
    two = replace(one, out=tmp_path / "two", settings=settings)
    run_or_attach(two, JobResources(threads=1))
    assert history(two) == pytest.approx(history(one), rel=2e-3)
    assert (two.out / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ("reach_taget",)}, "did you mean 'reach_target'"),
        ({"window": 6}, "window 6 must be odd"),
        ({"width": 33, "heads": 2}, "must be a multiple of heads"),
        ({"batch_size": 0}, "batch_size: 0"),
    ],
)
def test_invalid_settings_are_named(
    tmp_path: Path, shard: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(experiment_in(tmp_path, shard, **changes))


def test_missing_views_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.zarr: not found"):
        train(experiment_in(tmp_path, Path("nowhere.zarr")))


def test_keypoints_that_two_cameras_never_see_are_one_line(
    tmp_path: Path, shard: Path, caplog: pytest.LogCaptureFixture
) -> None:
    track = keypoint_tracks.episode(0, num_steps=4)
    visible = track.visible.copy()
    visible[:, 1:, [0, 3]] = False
    check_episodes(experiment_in(tmp_path, shard), [track])
    assert not caplog.records
    check_episodes(experiment_in(tmp_path, shard), [track, *[replace(track, visible=visible)] * 3])
    (record,) = caplog.records
    assert f"{track.task}/point0 in 3 of 4, {track.task}/point3 in 3 of 4" in record.getMessage()


def test_keypoints_that_two_cameras_never_see_cannot_be_learned_alone(
    tmp_path: Path, shard: Path
) -> None:
    track = keypoint_tracks.episode(0, num_steps=4)
    visible = track.visible.copy()
    visible[:, 1:, 0] = False
    single_keypoint = replace(track, visible=visible).select_keypoints(["point0"])
    experiment = experiment_in(tmp_path, shard)
    with pytest.raises(UserError, match=f"two cameras never see {track.task}/point0 at once"):
        check_episodes(experiment, [single_keypoint, single_keypoint])
    check_episodes(experiment, [single_keypoint, track])
    unhidden = experiment_in(tmp_path, shard, noise={"occlusion": False})
    check_episodes(unhidden, [single_keypoint])


def test_a_split_without_episodes_is_named(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "views/0000.zarr", 3, num_steps=4)
    table = shard.with_name("0000.episodes.parquet")
    import pandas as pd

    rows = pd.read_parquet(table).assign(split="test")
    write_table(table, rows)
    with pytest.raises(UserError, match="no training episodes"):
        train(experiment_in(tmp_path / "out", shard))
