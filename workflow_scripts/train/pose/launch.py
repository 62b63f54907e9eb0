"""Start the training of a pose model through submitit, as `train.launch` does for any model."""

import os
from collections.abc import Callable
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.train.launch import JobResources, run_or_attach
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.rank import Rank


class PoseRank(Rank):
    """A rank of the training of a pose model."""

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        """Train."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from workflow_scripts.train.pose.train_lifter import train

        assert isinstance(self.experiment, PoseExperiment)
        train(self.experiment, should_stop)


def main(
    *,
    experiment: Annotated[PoseExperiment, tyro.conf.arg(name="")],
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    poll_s: float = 0.0,
) -> None:
    """Train a pose model.

    Args:
        experiment: What is trained on what.
        machine: Where ranks run.
        poll_s: Seconds between looks at the job; 0 chooses by cluster.
    """
    experiment.check_inputs()
    identity_fields = experiment.identity(num_ranks=resources.num_ranks())
    run_or_attach(experiment, PoseRank, resources, identity_fields, poll_s=poll_s)


if __name__ == "__main__":
    run(main)
