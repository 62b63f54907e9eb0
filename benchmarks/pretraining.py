"""Pre-train the tiny base with several lengths of its two phases: what each gives on unseen houses.

Run it after the default run, whose views it learns from (one core):

    python -m benchmarks.pretraining --views results/views/pretraining/*.zarr \
        results/views/procthor/*.zarr --patch-steps 800 2000 --steps 300 1000

Each row is one pre-training from the start. Patches and questions are those of validation houses.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import run
from workflow_scripts.config.train import TinyBaseSettings
from workflow_scripts.train.base.experiment import PretrainExperiment

HEADER = "| patch steps | steps | CPU s | patches named right | commonest name | marked | named |"


def main(
    *,
    views: tuple[Path, ...],
    patch_steps: tuple[int, ...] = (TinyBaseSettings().patch_steps,),
    steps: tuple[int, ...] = (TinyBaseSettings().steps,),
    seed: int = 7,
) -> None:
    """Print a table of pre-trainings.

    Args:
        views: View shards; their training split is learned, their validation split is measured.
        patch_steps: Lengths of the first phase.
        steps: Lengths of the second phase.
        seed: Seed of the workflow.
    """
    print(f"{HEADER}\n|{'---|' * HEADER.count(' | ')}---|")
    for first in patch_steps:
        for second in steps:
            settings = TinyBaseSettings(patch_steps=first, steps=second)
            start = time.process_time()
            metrics = pretrain(settings, views, seed)
            seconds = time.process_time() - start
            naming, answers = metrics["patch_naming"], metrics["validation_accuracy"]
            cells = [first, second, round(seconds), naming["accuracy"], naming["commonest"]]
            cells += [answers["marked"], answers["named"]]
            print(f"| {' | '.join(_cell(cell) for cell in cells)} |", flush=True)


def pretrain(settings: TinyBaseSettings, views: tuple[Path, ...], seed: int) -> dict[str, Any]:
    """Pre-train in a temporary folder and return the metrics."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = PretrainExperiment(
            name="tiny", views=views, out=Path(folder), seed=seed, settings=settings
        )
        experiment.train()
        text = (experiment.result / "tiny.metrics.json").read_text(encoding="utf-8")
        metrics: dict[str, Any] = json.loads(text)
        return metrics


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    run(main)
