"""Start the pre-training of the tiny base through submitit and wait for it."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.config.train import TinyBaseSettings
from workflow_scripts.train.base.experiment import PretrainExperiment
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.launch import run_or_attach


def main(
    *,
    name: str,
    views: tuple[Path, ...],
    out: Path,
    seed: int,
    settings: TinyBaseSettings,
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    poll_s: float = 0.0,
) -> None:
    """Pre-train the tiny base.

    Args:
        name: Name of the model folder in `out`.
        views: View shards, `results/views/{source}/{shard}.zarr`.
        out: Folder for the result: the model folder, its metrics and its curves.
        seed: Seed of the workflow.
        settings: Settings of the pre-training.
        resources: Where the rank runs.
        poll_s: Seconds between queries of the job; 0 chooses by cluster.
    """
    experiment = PretrainExperiment(name=name, views=views, out=out, seed=seed, settings=settings)
    run_or_attach(experiment, resources, poll_s=poll_s)


if __name__ == "__main__":
    run(main)
