"""Paths of stage train that its rules and the report ask for."""

from collections.abc import Iterable

from workflow_scripts.experiments.base import Experiment, WorkflowContext

TINY_BASE = "results/train/base/tiny"


def training_curves(experiments: Iterable[Experiment], context: WorkflowContext) -> list[str]:
    """Return the pictures of all training curves, that of the tiny base first if it is used."""
    trained = [experiment for experiment in experiments if experiment.is_trained]
    used = {path for one in trained for path in one.training_arguments(context).paths()}
    base = [f"{TINY_BASE}.curves.png"] if TINY_BASE in used else []
    return [*base, *(f"{experiment.folder}/curves.png" for experiment in trained)]
