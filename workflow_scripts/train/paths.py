"""Paths of stage train that its rules and the report ask for."""

from collections.abc import Iterable

from workflow_scripts.experiments.base import Experiment, WorkflowContext

TINY_BASE = "results/train/base/tiny"


def uses_tiny_base(experiments: Iterable[Experiment], context: WorkflowContext) -> bool:
    """Say whether any experiment is trained from the tiny base."""
    trained = [experiment for experiment in experiments if experiment.is_trained]
    return any(TINY_BASE in one.training_arguments(context).paths() for one in trained)


def training_curves(experiments: Iterable[Experiment], context: WorkflowContext) -> list[str]:
    """Return the pictures of all training curves, that of the tiny base first if it is used."""
    trained = [experiment for experiment in experiments if experiment.is_trained]
    base = [f"{TINY_BASE}.curves.png"] if uses_tiny_base(trained, context) else []
    return [*base, *(f"{experiment.folder}/curves.png" for experiment in trained)]
