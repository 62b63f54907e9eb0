"""Which experiments of the configuration run."""

from collections.abc import Callable, Mapping

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.base import Experiment, ExperimentKind, WorkflowContext


def enabled_experiments(
    context: WorkflowContext,
    kinds: Mapping[str, ExperimentKind],
    *,
    warn: Callable[[str], None],
) -> dict[str, Experiment]:
    """Return the experiments that are on and can run with the sources that are on, checked.

    `warn` gets a line about those that are left out.

    Raises:
        UserError: No experiment can run, or one that can has impossible settings.
    """
    configured = {
        name: Experiment(name, kinds[value["kind"]], kinds[value["kind"]].settings.parse(value))
        for name, value in context.config["train"]["experiments"].items()
        if value is not None
    }
    reasons: dict[str, list[str]] = {}
    for name, experiment in configured.items():
        reason = experiment.kind.disabled_reason(context)
        if reason is not None:
            reasons.setdefault(reason, []).append(name)
    left_out = {name for names in reasons.values() for name in names}
    if len(left_out) == len(configured):
        reason, names = next(iter(reasons.items()))
        raise UserError(f"train.experiments.{names[0]}: {reason}")
    for reason, names in reasons.items():
        warn(f"train.experiments: {', '.join(names)} off: {reason}")
    enabled = {name: value for name, value in configured.items() if name not in left_out}
    for experiment in enabled.values():
        experiment.kind.check(experiment, context)
    return enabled
