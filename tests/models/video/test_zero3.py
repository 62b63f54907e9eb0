"""Ranks that share weights step by the mean gradient, whatever their batches ask."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from tests.models.video.zero3_step import batch_of_rank, first_model

ROOT = Path(__file__).parents[3]


def test_ranks_with_other_tasks_step_by_the_mean_gradient(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.models.video.zero3_step", tmp_path],
            cwd=ROOT,
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    output = [rank.communicate(timeout=240)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(text[-3000:] for text in output)
    gradients = torch.load(tmp_path / "0.pt")
    model, inputs = first_model()
    for rank in range(2):
        (model(**batch_of_rank(inputs, rank))["loss"] / 2).backward()
    for name, part in model.named_parameters():
        expected = torch.zeros_like(part) if part.grad is None else part.grad
        found = gradients[name]
        found = torch.zeros_like(part) if found is None else found
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4, msg=name)
    assert gradients["model.model.image_newline"].abs().max() > 0
