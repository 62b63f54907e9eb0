"""The launcher of a training whose ranks wait in the middle, to be cut off there.

    python -m tests.train.pausing_launcher --name micro ...

takes the flags of `workflow_scripts.train.vlm.launch`.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.train import launch
from workflow_scripts.train.vlm.launch import main


def pause_file(out: Path) -> Path:
    """Return the file that names the step at whose end ranks wait while it is there."""
    return out / "pause"


def paused_file(out: Path, rank: int | str) -> Path:
    """Return the file that a rank writes when it waits: then it needs nothing of the others."""
    return out / f"paused-{rank}"


class PausingRank(launch.Rank):
    """A rank that waits at the end of a step while a file holds it."""

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        file = pause_file(self.spec.out)
        pause_step, done = int(file.read_text()), 0

        def step_ends() -> bool:
            nonlocal done
            done += 1
            if done == pause_step and file.exists():
                paused_file(self.spec.out, os.environ["RANK"]).touch()
            while done == pause_step and file.exists():
                time.sleep(0.05)
            return should_stop()

        super().run_training(step_ends)


if __name__ == "__main__":
    # Ranks unpickle the class from the module's own name, not from __main__.
    from tests.train import pausing_launcher as module

    launch.Rank = module.PausingRank  # type: ignore[misc]
    run(main)
