"""Two ranks step by the loss and gradients of separate sequences on one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from testing.micro_training import make_data
from tests.train.vlm.first_step import first_step_experiment, load_first_step
from tests.train.vlm.gradients import assert_equal, loss_and_gradients, separate_loss
from workflow_scripts.models.vlm import load_processor

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("adapter", "stage"),
    [("none", "zero2"), ("lora", "zero3"), ("lora", "none")],
)
def test_gradients_on_two_ranks(adapter: str, stage: str, data: Path, tmp_path: Path) -> None:
    """Several micro-batches on each: the loss and gradients that the optimizer steps by."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.train.vlm.first_step", data, tmp_path, adapter, stage],
            cwd=ROOT,
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    output = [rank.communicate(timeout=240)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], output[0]
    results = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    assert results[0]["num_micro_batches"] == results[1]["num_micro_batches"] > 1
    experiment = first_step_experiment(tmp_path, data, adapter=adapter, deepspeed=stage)
    model, conversations = load_first_step(experiment)
    assert_equal(
        (results[0]["loss"], results[0]["gradients"]),
        loss_and_gradients(
            model, lambda: separate_loss(model, load_processor(experiment.base), conversations)
        ),
    )
