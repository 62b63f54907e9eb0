"""Start the training of a pose model through submitit and wait for it."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.experiments.pose import PoseTrainingSettings
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.launch import run_or_attach
from workflow_scripts.train.pose.experiment import PoseExperiment


def main(
    *,
    name: str,
    views: tuple[Path, ...],
    out: Path,
    seed: int,
    settings: PoseTrainingSettings,
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    poll_s: float = 0.0,
) -> None:
    """Train a pose model.

    Args:
        name: Name of the experiment.
        views: Shards of demonstrations.
        out: Folder for the result.
        seed: Seed of the workflow.
        settings: The experiment's settings.
        resources: Where ranks run.
        poll_s: Seconds between queries of the job; 0 chooses by cluster.
    """
    experiment = PoseExperiment(name=name, views=views, out=out, seed=seed, settings=settings)
    run_or_attach(experiment, resources, poll_s=poll_s)


if __name__ == "__main__":
    run(main)
