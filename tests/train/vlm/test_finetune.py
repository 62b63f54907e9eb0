"""Tuning through the launcher: two DeepSpeed ranks, resume, adapters that load, clear errors."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from testing.micro_training import (
    COLOURS,
    MICRO,
    experiment_in,
    losses,
    make_data,
    validation_losses,
    with_settings,
)
from testing.wait import background_process, wait_until
from tests.train.pausing_launcher import pause_file, paused_file
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json
from workflow_scripts.models import vlm
from workflow_scripts.train import launch
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.resume import (
    latest_complete_checkpoint,
    prepare_resume,
    write_checkpoint_checksums,
)
from workflow_scripts.train.trainer import micro_batches
from workflow_scripts.train.vlm.experiment import VlmExperiment
from workflow_scripts.train.vlm.finetune import deepspeed_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def run(experiment: VlmExperiment, **resources: object) -> None:
    launch.run_or_attach(experiment, JobResources(threads=1, **resources))  # type: ignore[arg-type]


def assert_complete(experiment: VlmExperiment) -> None:
    names = {path.name for path in experiment.out.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md"} <= names
    assert {"metrics.json", "config.yaml", "curves.png", "checkpoints"} <= names
    assert not [name for name in names if name.startswith(".saving")]
    assert list((experiment.out / "tensorboard").glob("events*"))
    card = (experiment.out / "README.md").read_text()
    assert card.startswith(f"---\nbase_model: {experiment.base}\n")
    assert read_json(experiment.out / "adapter_config.json")["base_model_name_or_path"] == str(
        experiment.base
    )


def test_two_ranks_zero2_learn_and_the_adapter_loads(tmp_path: Path, data: Path) -> None:
    experiment = experiment_in(tmp_path / "micro", data, steps=16)
    run(experiment)
    assert_complete(experiment)
    found = losses(experiment)
    assert found[-1] < found[0] - 0.5
    assert read_json(experiment.out / "metrics.json")["validation_loss"] < found[0]
    base, _ = vlm.load_model_and_processor(experiment.base)
    tuned, processor = vlm.load_model_and_processor(experiment.base, experiment.out)
    items = [(Image.new("RGB", (30, 30), COLOURS["red"]), "Which colour is shown?")]
    assert vlm.generate(tuned, processor, items, max_new_tokens=3, batch_size=1)
    changed = [
        name
        for (name, one), other in zip(base.named_parameters(), tuned.parameters(), strict=True)
        if not torch.equal(one, other)
    ]
    assert len(changed) == 7 * MICRO.text_layers
    assert all("language_model" in name for name in changed)


def test_zero3_resumes_after_a_kill_and_leaves_no_second_training(
    tmp_path: Path, data: Path
) -> None:
    """Kill the launcher, then the job; each time the next launcher goes on with it."""
    undisturbed = experiment_in(tmp_path / "undisturbed", data, deepspeed="zero3", steps=12)
    run(undisturbed)
    assert_complete(undisturbed)
    experiment = replace(undisturbed, out=tmp_path / "killed")
    flags = {
        "threads": 1,
        "settings": experiment.settings.model_dump_json(),
        **{
            name: getattr(experiment, name)
            for name in ("name", "base", "data", "images", "out", "seed", "validation")
        },
    }
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.train.pausing_launcher", *words]
    options = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    # It waits after its third step for as long as it takes to kill it.
    experiment.out.mkdir()
    pause_file(experiment.out).write_text("3")
    job_file, log = experiment.out / "launch/job.json", tmp_path / "log"
    with background_process(command, log=log, **options) as first:
        wait_until(
            lambda: job_file.exists() or first.poll() is not None, "the launcher to start a job"
        )
        assert first.poll() is None, log.read_text()
    job_record = read_json(job_file)
    with background_process(command, log=log, **options) as second:
        wait_until(
            lambda: "is running" in log.read_text() or second.poll() is not None,
            "the job to be found",
        )
        # A rank in the middle of a step would lose its partner and say so.
        paused_files = [paused_file(experiment.out, rank) for rank in range(2)]
        wait_until(
            lambda: all(map(Path.exists, paused_files)) or second.poll() is not None, "both ranks"
        )
        assert second.poll() is None, log.read_text()
        assert (experiment.checkpoints / "checkpoint-2/complete").exists()
        assert read_json(job_file) == job_record
        controller = psutil.Process(int(job_record["job_id"]))
        processes = [*controller.children(), controller]
        for process in processes[1:]:
            process.kill()
        assert second.wait() == 1
    log_text = log.read_text()
    assert f"job {job_record['job_id']} is running" in log_text
    assert "ended without a report" in log_text
    assert "logs: " in log_text
    # Rank 0 lives on, without the process that started it.
    assert len(processes) == 3
    assert processes[0].is_running()
    run(experiment)
    assert not processes[0].is_running() or processes[0].status() == psutil.STATUS_ZOMBIE
    assert_complete(experiment)
    # The training loss of the first row after a resume is a mean over fewer steps.
    assert validation_losses(experiment) == pytest.approx(validation_losses(undisturbed), abs=1e-5)
    one, other = (
        load_file(run.out / "adapter_model.safetensors") for run in (undisturbed, experiment)
    )
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=1e-6, rtol=0)


def test_all_weights_on_one_rank_without_deepspeed(tmp_path: Path, data: Path) -> None:
    experiment = experiment_in(
        tmp_path / "full",
        data,
        adapter="none",
        deepspeed="none",
        validation="empty.json",
        num_processes=1,
    )
    run(experiment)
    assert (experiment.out / "model.safetensors").exists()
    model, processor = vlm.load_model_and_processor(experiment.base, experiment.out)
    assert processor.tokenizer.unk_token == "<unk>"
    weights = load_file(data / "base/model.safetensors")
    name = "model.vision_tower.stem.weight"
    assert not torch.equal(model.state_dict()[name], next(
        value for key, value in weights.items() if key.endswith("stem.weight")
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 1e30}, "loss became (nan|inf) at step"),
        (
            {"lora": {"targets": ["q_proj", "nowhere"]}},
            "nowhere not found.*linear modules there:.*q_proj",
        ),
        ({"base": "no/such/base"}, "no/such/base.*cannot be loaded"),
        ({"data": "empty.json"}, "nothing to train on"),
    ],
    ids=["nan", "target", "base", "empty"],
)
def test_the_launcher_reports_invalid_settings(
    tmp_path: Path,
    data: Path,
    changes: dict[str, Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = {name: value for name, value in changes.items() if name != "base"}
    experiment = experiment_in(
        tmp_path / "bad", data, deepspeed="none", num_processes=1, **settings
    )
    experiment = replace(experiment, base=changes.get("base", experiment.base))
    with pytest.raises(UserError, match=message):
        run(experiment)
    assert not (experiment.out / "metrics.json").exists()


def test_a_failing_rank_ends_the_job_with_its_traceback(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other rank would wait for it in vain."""
    monkeypatch.setattr(launch, "Rank", FailingRank)
    with pytest.raises(UserError, match=r"(?s)failed on rank 1.*RuntimeError: broken.*_log\.err"):
        run(experiment_in(tmp_path / "bad", data))
    job_record = read_json(tmp_path / "bad/launch/job.json")
    assert not psutil.pid_exists(int(job_record["job_id"])) or (
        psutil.Process(int(job_record["job_id"])).status() == psutil.STATUS_ZOMBIE
    )


class FailingRank(launch.Rank):
    """Rank 1 breaks; rank 0 waits for ever."""

    def __call__(self) -> None:
        if os.environ["SUBMITIT_LOCAL_GLOBALID"] == "1":
            raise RuntimeError("broken")
        while True:
            time.sleep(600)


def test_missing_data_is_reported_before_anything_starts(tmp_path: Path, data: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.json: not found"):
        run(experiment_in(tmp_path / "out", data, data="nothing.json"))
    assert not (tmp_path / "out").exists()


def test_checkpoints_of_another_training_are_not_resumed(tmp_path: Path, data: Path) -> None:
    experiment = experiment_in(tmp_path, data)
    identity = experiment.identity(num_ranks=2)
    folder = experiment.checkpoints
    assert prepare_resume(folder, identity) is None
    for step, complete in ((2, True), (10, True), (12, False)):
        (folder / f"checkpoint-{step}").mkdir()
        if complete:
            (folder / f"checkpoint-{step}/complete").touch()
            write_checkpoint_checksums(folder / f"checkpoint-{step}")
    assert (
        prepare_resume(folder, identity)
        == latest_complete_checkpoint(folder)
        == folder / "checkpoint-10"
    )
    other = with_settings(experiment, learning_rate=1.0).identity(num_ranks=2)
    assert prepare_resume(folder, other) is None
    assert not (folder / "checkpoint-10").exists()


@pytest.mark.parametrize(
    ("batch_size", "num_ranks", "micro", "expected"),
    [(16, 2, 0, (8, 1)), (16, 2, 2, (2, 4)), (16, 1, 32, (16, 1)), (3, 3, 0, (1, 1))],
)
def test_steps_are_split_over_ranks(
    batch_size: int, num_ranks: int, micro: int, expected: tuple[int, int]
) -> None:
    assert micro_batches(batch_size, num_ranks=num_ranks, micro_batch_size=micro) == expected


def test_steps_that_cannot_be_split_are_refused() -> None:
    with pytest.raises(UserError, match="batch_size 5 must be a multiple of the 2 ranks"):
        micro_batches(5, num_ranks=2)
    with pytest.raises(UserError, match="micro_batch_size 3 must divide the 8 samples"):
        micro_batches(16, num_ranks=2, micro_batch_size=3)
    with pytest.raises(UserError, match="--gpus 3 must be a multiple of --nodes 2"):
        JobResources(gpus=3, nodes=2).ranks_per_node(2)
    for wrong in ({"nodes": 0}, {"gpus": -1}):
        ((key, value),) = wrong.items()
        with pytest.raises(UserError, match=f"--{key} {value}: must be"):
            JobResources(**wrong).ranks_per_node(2)
    with pytest.raises(UserError, match="--num-processes 0: must be"):
        JobResources().ranks_per_node(0)


def test_deepspeed_templates_leave_numbers_to_the_trainer() -> None:
    for stage in (2, 3):
        settings = deepspeed_settings(f"zero{stage}", on_gpu=True)
        assert settings is not None
        assert settings["zero_optimization"]["stage"] == stage
        assert settings["train_batch_size"] == settings["optimizer"]["params"]["lr"] == "auto"
    assert deepspeed_settings("none", on_gpu=True) is None
