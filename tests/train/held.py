"""The launcher of a training whose ranks wait in the middle, to be cut off there.

    python -m tests.train.held --name micro ...

takes the flags of `workflow_scripts.train.launch`.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.train import launch


def held(out: Path) -> Path:
    """Return the file that names the step at whose end ranks wait while it is there."""
    return out / "held"


def waits(out: Path, rank: int | str) -> Path:
    """Return the file that a rank writes when it waits: then it needs nothing of the others."""
    return out / f"waits-{rank}"


class HeldRank(launch.Rank):
    """A rank that waits at the end of a step while a file holds it."""

    def work(self, is_leaving: Callable[[], bool]) -> None:
        file = held(self.experiment.out)
        last, done = int(file.read_text()), 0

        def step_ends() -> bool:
            nonlocal done
            done += 1
            if done == last and file.exists():
                waits(self.experiment.out, os.environ["RANK"]).touch()
            while done == last and file.exists():
                time.sleep(0.05)
            return is_leaving()

        super().work(step_ends)


if __name__ == "__main__":
    # Ranks unpickle the class from the module's own name, not from __main__.
    from tests.train import held as named

    launch.Rank = named.HeldRank  # type: ignore[misc]
    run(launch.main)
