"""Start the tuning of a vision-language model through submitit and wait for it."""

from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import run
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.train.job_resources import JobResources
from workflow_scripts.train.launch import run_or_attach
from workflow_scripts.train.vlm.experiment import VlmExperiment


def main(
    *,
    name: str,
    base: str,
    data: Path,
    images: Path,
    out: Path,
    seed: int,
    settings: VlmTrainingSettings,
    resources: Annotated[JobResources, tyro.conf.arg(name="")],
    validation: Path | None = None,
    poll_s: float = 0.0,
) -> None:
    """Tune a vision-language model.

    Args:
        name: Name of the experiment.
        base: Local folder or hub id of the base model.
        data: Table of the questions of the training split (Parquet), or a LLaVA JSON file.
        images: Folder that its pictures are relative to.
        out: Folder for the result.
        seed: Seed of the workflow.
        settings: The experiment's settings.
        resources: Where ranks run.
        validation: The same of the validation split.
        poll_s: Seconds between queries of the job; 0 chooses by cluster.
    """
    experiment = VlmExperiment(
        name=name,
        base=base,
        data=data,
        images=images,
        out=out,
        seed=seed,
        settings=settings,
        validation=validation,
    )
    run_or_attach(experiment, resources, poll_s=poll_s)


if __name__ == "__main__":
    run(main)
