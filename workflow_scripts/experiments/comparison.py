"""Experiments of one kind beside each other: whose answers a score is compared with."""

from dataclasses import replace

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.base import Experiment, WorkflowContext


def comparison_key(experiment: Experiment) -> str:
    """Return where the configuration says what an experiment is compared with."""
    return f"train.experiments.{experiment.name}.compare_with"


def compared_experiments(experiment: Experiment, context: WorkflowContext) -> list[Experiment]:
    """Return the experiments in `compare_with`.

    Raises `UserError` for a name that is not another experiment of the same kind.
    """
    kind = experiment.kind
    if not experiment.settings.compare_with:
        return []
    known = {
        name: values
        for name, values in context.config["train"]["experiments"].items()
        if values is not None and values["kind"] == kind.name and name != experiment.name
    }
    for name in experiment.settings.compare_with:
        if name not in known:
            raise UserError(
                f"{comparison_key(experiment)}: {name} is not another experiment of kind "
                f"{kind.name} ({', '.join(known) or 'there is none'})"
            )
    return [
        replace(experiment, name=name, settings=kind.settings.parse(known[name]))
        for name in experiment.settings.compare_with
    ]


def compared_answers(experiment: Experiment, context: WorkflowContext) -> list[str]:
    """Return the files of what the compared experiments answered to their pictures or frames."""
    return [
        path
        for other in compared_experiments(experiment, context)
        for path in other.answer_files("image", context)
    ]
