"""A training that only notes where its ranks run.

    python -m tests.slurm.toy --out FOLDER --cluster slurm --gpus 2 ...

launches it as `workflow_scripts.train.launch` does, with the same flags.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.train import launch
from workflow_scripts.train.experiment import Experiment


class Rank(launch.Rank):
    """A rank that notes its node, then works for as many seconds as a file says."""

    def work(self, is_leaving: Callable[[], bool]) -> None:
        out, rank = self.experiment.out, os.environ["RANK"]
        with (out / f"starts-{rank}.txt").open("a") as file:
            file.write(f"{os.environ['SLURMD_NODENAME']}\n")
        end = time.monotonic() + float((out / "seconds").read_text())
        while time.monotonic() < end:
            time.sleep(0.1)
            if (out / f"break-{rank}").exists():
                raise RuntimeError(f"rank {rank} broke")
        if rank == "0":
            self.experiment.result.mkdir(parents=True, exist_ok=True)
            (self.experiment.result / "metrics.json").write_text("{}")


def experiment_in(out: Path, *, seconds: float = 0) -> Experiment:
    """Return an experiment that takes so many seconds."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "data.json").write_text("[]")
    (out / "seconds").write_text(str(seconds))
    return experiment_at(out)


def experiment_at(out: Path) -> Experiment:
    """Return the experiment that is in a folder already."""
    return Experiment(name="toy", base="no/such", data=out / "data.json", images=out, out=out)


def main(*, out: Path, machine: Annotated[launch.Machine, tyro.conf.arg(name="")]) -> None:
    """Launch the toy; one that is there already stays as it is, as others may be reading it."""
    launch.Rank = Rank  # type: ignore[misc]
    experiment = experiment_at(out) if (out / "seconds").exists() else experiment_in(out)
    launch.main(experiment=experiment, machine=machine, poll_s=0.5)


if __name__ == "__main__":
    # Ranks unpickle the class from the module's own name, not from __main__.
    from tests.slurm import toy

    run(toy.main)
