"""A training that only notes where its ranks run.

    python -m tests.slurm.toy_training --out FOLDER --cluster slurm --gpus 2 ...

launches it as `workflow_scripts.train.vlm.launch` does, with the same resources.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.common.storage import atomic_write, write_text
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.train import launch
from workflow_scripts.train.vlm.experiment import VlmExperiment


class Rank(launch.Rank):
    """A rank that notes its node, then works for as long as a file holds it."""

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        out, rank = self.spec.out, os.environ["RANK"]
        with (out / f"starts-{rank}.txt").open("a") as file:
            file.write(f"{os.environ['SLURMD_NODENAME']}\n")
        while hold_file(out).exists():
            time.sleep(0.1)
            if (out / f"break-{rank}").exists():
                raise RuntimeError(f"rank {rank} broke")
        if rank == "0":
            # As trainings do: a result without a checksum would be made again.
            with atomic_write(self.spec.result, checksum=True) as partial:
                partial.mkdir(parents=True)
                (partial / "metrics.json").write_text("{}")


def hold_file(out: Path) -> Path:
    """Return the file that holds the ranks while it is there."""
    return out / "held"


def experiment_in(out: Path) -> VlmExperiment:
    """Return an experiment that takes no time."""
    # Whole: launchers that are started at once read what another has just written.
    write_text(out / "data.json", "[]")
    return VlmExperiment(
        name="toy",
        base="no/such",
        data=out / "data.json",
        images=out,
        out=out,
        seed=7,
        settings=VlmTrainingSettings(),
    )


def main(*, out: Path, resources: Annotated[launch.JobResources, tyro.conf.arg(name="")]) -> None:
    """Launch the toy."""
    launch.Rank = Rank  # type: ignore[misc]
    launch.run_or_attach(experiment_in(out), resources, poll_s=0.5)


if __name__ == "__main__":
    # Ranks unpickle the class from the module's own name, not from __main__.
    from tests.slurm import toy_training

    run(toy_training.main)
