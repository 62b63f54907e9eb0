"""Start the tuning of a video model through submitit and wait for it."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.experiments.video import VideoTrainingSettings
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.launch import run_or_attach
from workflow_scripts.train.video.experiment import VideoExperiment


def main(
    *,
    name: str,
    base: str,
    data: Path,
    views: list[Path],
    proposals: list[Path],
    out: Path,
    seed: int,
    settings: VideoTrainingSettings,
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    validation: Path | None = None,
    poll_s: float = 0.0,
) -> None:
    """Tune a video model.

    Args:
        name: Name of the experiment.
        base: Local folder or hub id of the base model.
        data: Samples of the training split (JSON lines).
        views: View shards of the scans; their chosen frames lie beside them.
        proposals: Tables of the proposals of every scan (Parquet).
        out: Folder for the result.
        seed: Seed of the workflow.
        settings: The experiment's settings.
        resources: Where ranks run.
        validation: Samples of the validation split.
        poll_s: Seconds between queries of the job; 0 chooses by cluster.
    """
    experiment = VideoExperiment(
        name=name,
        base=base,
        data=data,
        views=views,
        proposals=proposals,
        out=out,
        seed=seed,
        settings=settings,
        validation=validation,
    )
    run_or_attach(experiment, resources, poll_s=poll_s)


if __name__ == "__main__":
    run(main)
