"""Tuning of a video model: all tasks, adapters, two ranks, resume to the same bytes, bad input."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from testing.micro_scans import make_base, make_scans, scan_experiment
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_json, read_records, write_records
from workflow_scripts.config.scan_inputs import ProposalTrainingSettings
from workflow_scripts.models.video.load import HEADS_FILE, load_video_model
from workflow_scripts.train import launch
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.preemption import TrainingInterrupted
from workflow_scripts.train.video.experiment import VideoExperiment


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    make_scans(folder)
    make_base(folder / "base")
    return folder


def experiment_in(out: Path, folder: Path, **changes: Any) -> VideoExperiment:
    plain: dict[str, Any] = {
        "adapter": "none",
        "deepspeed": "none",
        "num_processes": 1,
        "steps": 6,
        "batch_size": 4,
        "save_steps": 2,
        "learning_rate": 5e-3,
        "pooling": 1,
    }
    return scan_experiment(folder, out, plain | changes, validation=folder / "val.jsonl")


def losses(experiment: VideoExperiment) -> list[float]:
    history = read_json(experiment.result / "metrics.json")["history"]
    return [row["loss"] for row in history if "loss" in row]


def weights(experiment: VideoExperiment) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for file in sorted(experiment.result.glob("*.safetensors")):
        found |= {f"{file.name}/{name}": value for name, value in load_file(str(file)).items()}
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": "objects", "train_vision": True, "depth_head": True},
        {"tokens": "frames", "train_vision": True, "depth_head": True},
        {
            **{"relation_head": True, "point_features": True, "situation": "pose"},
            "grounded_answers": True,
        },
    ],
)
def test_every_task_is_learned_and_the_result_loads(
    tmp_path: Path, folder: Path, changes: dict[str, Any]
) -> None:
    experiment = experiment_in(tmp_path, folder, steps=30, **changes)
    experiment.train()
    found = losses(experiment)
    assert found[-1] < found[0] - 0.5
    model, _ = load_video_model(experiment.base, experiment.result, experiment.settings)
    stored = load_file(str(experiment.result / HEADS_FILE))
    assert set(stored) == set(model.own_parameters())
    for name, part in model.own_parameters().items():
        assert torch.equal(part, stored[name]), name


def test_a_run_that_is_stopped_and_run_again_ends_with_the_same_bytes(
    tmp_path: Path, folder: Path
) -> None:
    changes = {"proposals": ProposalTrainingSettings(jitter_m=0.05, drop=0.2), "steps": 6}
    through = experiment_in(tmp_path / "through", folder, **changes)
    through.train()
    stopped = experiment_in(tmp_path / "stopped", folder, **changes)
    calls = iter([False, False, True])
    with pytest.raises(TrainingInterrupted):
        stopped.train(lambda: next(calls, False))
    stopped.train()
    first, second = weights(through), weights(stopped)
    assert set(first) == set(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("deepspeed", ["zero2", "zero3"])
def test_two_ranks_with_deepspeed(tmp_path: Path, folder: Path, deepspeed: str) -> None:
    adapter = "lora" if deepspeed == "zero2" else "none"
    experiment = experiment_in(
        tmp_path, folder, deepspeed=deepspeed, adapter=adapter, num_processes=2, steps=3
    )
    launch.run_or_attach(experiment, JobResources(threads=1))
    model, _ = load_video_model(experiment.base, experiment.out, experiment.settings)
    assert all(torch.isfinite(part).all() for part in model.parameters())
    names = {path.name for path in experiment.out.iterdir()}
    expected = "adapter_model.safetensors" if adapter == "lora" else "model.safetensors"
    assert {expected, HEADS_FILE, "README.md", "metrics.json", "curves.png"} <= names


def test_what_decides_the_result_decides_what_is_resumed(tmp_path: Path, folder: Path) -> None:
    experiment = experiment_in(tmp_path, folder)
    identity = experiment.identity(num_ranks=1)
    saved_more_often = experiment_in(tmp_path, folder, save_steps=1)
    assert saved_more_often.identity(num_ranks=1) == identity
    for changes in ({"blind_fraction": 0.5}, {"tasks": ["grounding"]}, {"tokens": "frames"}):
        assert experiment_in(tmp_path, folder, **changes).identity(num_ranks=1) != identity
    other = tmp_path / "other.jsonl"
    samples = read_records(folder / "train.jsonl", ScanSample)
    write_records(other, samples[1:])
    assert replace(experiment, data=other).identity(num_ranks=1) != identity


def test_samples_that_cannot_be_learned_are_rows_with_reasons(tmp_path: Path, folder: Path) -> None:
    samples = read_records(folder / "train.jsonl", ScanSample)
    grounding = next(one for one in samples if one.task == "grounding")
    caption = next(one for one in samples if one.task == "captioning")
    bad = [
        grounding.model_copy(update={"sample_id": "far", "scene_id": "elsewhere"}),
        caption.model_copy(update={"sample_id": "mute", "answer": "  "}),
        caption.model_copy(update={"sample_id": "nowhere", "point_m": None}),
    ]
    data = tmp_path / "mixed.jsonl"
    write_records(data, [*samples, *bad])
    experiment = replace(experiment_in(tmp_path / "out", folder, steps=1), data=data)
    experiment.train()
    text = (experiment.result / "skipped.jsonl").read_text()
    for name, reason in (("far", "no view shard"), ("mute", "empty"), ("nowhere", "point_m")):
        line = next(line for line in text.splitlines() if f'"{name}"' in line)
        assert reason in line
    write_records(data, bad)
    with pytest.raises(UserError, match="can be learned"):
        experiment.train()
    write_records(data, [grounding, grounding])
    with pytest.raises(UserError, match="twice"):
        experiment.train()


def test_a_frozen_vision_tower_stays_as_it_is(tmp_path: Path, folder: Path) -> None:
    experiment = experiment_in(tmp_path, folder, steps=3)
    experiment.train()
    before = load_file(str(folder / "base/model.safetensors"))
    after = load_file(str(experiment.result / "model.safetensors"))
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert changed
    assert all("language_model" in name for name in changed), sorted(changed)
    with pytest.raises(UserError, match="depth_head"):
        experiment_in(tmp_path, folder, depth_head=True)
