"""Training of detectors on pictures, end to end, and their scores."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from testing import keypoint_tracks
from testing.demonstration_shards import write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json
from workflow_scripts.config.evaluate import PoseScoreSettings
from workflow_scripts.evaluate.pose import score
from workflow_scripts.experiments.pose import PoseTrainingSettings
from workflow_scripts.geometry.triangulation import projection_matrices
from workflow_scripts.models.keypoints.detector_inference import load_detector
from workflow_scripts.models.keypoints.load_tracks import load_tracks
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.pose.train_detector import (
    check_image_size,
    evenly_spaced_steps,
    triangulation_loss,
)
from workflow_scripts.train.pose.train_lifter import train
from workflow_scripts.train.preemption import TrainingInterrupted

KEYPOINTS = ("point0", "point3")


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shard(tmp_path_factory.mktemp("views") / "0000.zarr", 5, num_steps=4)


def experiment_in(out: Path, shard: Path, **changes: Any) -> PoseExperiment:
    plain = {
        "front_end": "images",
        "keypoints": KEYPOINTS,
        "frames_per_episode": 2,
        "steps": 6,
        "batch_size": 2,
        "save_steps": 3,
        "num_validations": 2,
        "learning_rate": 3e-3,
    }
    settings = PoseTrainingSettings.parse(plain | changes)
    return PoseExperiment(name="detector", views=(shard,), out=out, seed=3, settings=settings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, shard: Path) -> PoseExperiment:
    experiment = experiment_in(tmp_path_factory.mktemp("train"), shard)
    train(experiment)
    return experiment


def test_a_detector_learns_and_is_written_whole(trained: PoseExperiment) -> None:
    metrics = read_json(trained.result / "metrics.json")
    losses = [row["loss"] for row in metrics["history"] if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]
    assert metrics["frames"] == 3 * 2
    assert {"validation_px", "validation_mpjpe_mm"} <= set().union(*metrics["history"])
    detector, settings = load_detector(trained.result)
    assert settings.names == [f"reach_target/{name}" for name in KEYPOINTS]
    assert settings.conditions == ("reach_target/0", "reach_target/1")
    assert metrics["parameters"] == sum(value.numel() for value in detector.parameters())
    assert "images" in (trained.result / "README.md").read_text()


def test_an_interrupted_detector_training_resumes_to_the_same_bytes(
    trained: PoseExperiment, tmp_path: Path
) -> None:
    interrupted = replace(trained, out=tmp_path)
    stop_flags: Iterator[bool] = iter([False] * 3 + [True])
    with pytest.raises(TrainingInterrupted):
        train(interrupted, lambda: next(stop_flags))
    train(interrupted)
    for name in ("model.safetensors", "metrics.json"):
        assert (interrupted.result / name).read_bytes() == (trained.result / name).read_bytes()


def test_detections_are_scored_beside_the_baselines(
    trained: PoseExperiment, shard: Path, tmp_path: Path
) -> None:
    score.main(
        views=(shard,),
        model=trained.result,
        experiment="detector",
        seed=7,
        out=tmp_path / "scores.parquet",
        frame=tmp_path / "keypoints.png",
        errors=tmp_path / "errors.png",
        settings=PoseScoreSettings(bootstrap_samples=100),
    )
    rows = pd.read_parquet(tmp_path / "scores.parquet")
    assert set(rows["noise"]) == {"images"}
    assert {"learned", "learned_smoothed", "smoothed_dlt", "ransac_dlt"} <= set(rows["method"])
    assert set(rows["keypoint"]) <= {"all", *KEYPOINTS}
    assert {"all", "without front"} <= set(rows["views"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "masked"}, "front_end images learns with objective supervised only"),
        ({"keypoints": ("piont0",)}, "did you mean 'point0'"),
    ],
)
def test_invalid_settings_are_named(
    tmp_path: Path, shard: Path, changes: dict, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(experiment_in(tmp_path, shard, **changes))


def test_images_of_different_sizes_are_refused(shard: Path) -> None:
    tracks, _ = load_tracks([shard], split="train")
    assert check_image_size(tracks) == (128, 128)
    with pytest.raises(UserError, match="several sizes"):
        check_image_size([tracks[0], replace(tracks[1], width_px=64, height_px=64)])
    with pytest.raises(UserError, match="8 x 8 px are too small"):
        check_image_size([replace(tracks[0], width_px=8, height_px=8)])


def test_training_frames_are_evenly_spaced_over_an_episode(shard: Path) -> None:
    tracks, _ = load_tracks([shard], split="train")
    assert evenly_spaced_steps(tracks[0], 2).tolist() == [0, 3]
    assert evenly_spaced_steps(tracks[0], 99).tolist() == [0, 1, 2, 3]
    part = tracks[0].select_steps(np.array([1, 3]))
    assert np.array_equal(part.keypoints_m, tracks[0].keypoints_m[[1, 3]])


@pytest.mark.parametrize("num_dropped_views", range(5))
def test_dropped_views_leave_the_gradient_finite(num_dropped_views: int) -> None:
    """From one view no position follows, so there is no gradient of the triangulation."""
    scale = np.diag([1 / keypoint_tracks.SIDE_PX, 1 / keypoint_tracks.SIDE_PX, 1])
    projections = projection_matrices(
        torch.from_numpy(np.tile(scale @ keypoint_tracks.K_PX, (4, 1, 1))),
        torch.from_numpy(keypoint_tracks.POSES),
    ).float()
    generator = torch.Generator().manual_seed(0)
    frames = 300
    points = torch.rand(frames, 4, 2, 2, generator=generator).requires_grad_()
    confidence = torch.randn(frames, 4, 2, generator=generator).requires_grad_()
    kept = (torch.arange(4) >= num_dropped_views).float()[:, None]
    loss = triangulation_loss(
        projections.expand(frames, -1, -1, -1),
        points,
        confidence.sigmoid() * kept,
        torch.ones(frames, 4, 2),
        torch.zeros(frames, 2, 3),
    )
    loss.backward()
    assert loss.isfinite()
    for gradient in (points.grad, confidence.grad):
        assert gradient is not None
        assert gradient.isfinite().all()
        assert gradient.any() == (num_dropped_views <= 2)
