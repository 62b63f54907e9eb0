"""Check the settings of pose experiments before anything is made for them."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values

MIN_CAMERAS = 2


def check_pose_model(key: str, settings: Mapping[str, Any]) -> None:
    """Raise `UserError` for a model that cannot be; `key` says where its settings stand."""
    problem = model_problem(settings)
    if problem:
        raise UserError(f"{key}: {problem}")


def model_problem(settings: Mapping[str, Any]) -> str:
    """Say what is wrong with a model's settings; '' if they are good."""
    window, width, heads = settings["window"], settings["width"], settings["heads"]
    if window % 2 == 0:
        return f"window {window} must be odd: it has a frame in its middle"
    if settings["objective"] == "masked" and window < 3:
        return (
            f"window {window} leaves objective masked nothing to learn from, since it hides "
            "the frame in the middle; use 3 or more"
        )
    if settings["front_end"] == "images" and settings["objective"] != "supervised":
        return (
            f"front_end images learns with objective supervised only, not {settings['objective']!r}"
        )
    if width % heads:
        return f"width {width} must be a multiple of heads {heads}"
    return ""


def check_pose_experiment(
    name: str, settings: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    """Raise `UserError` for an experiment that cannot be learned from a source's settings."""
    key = f"train.experiments.{name}"
    check_pose_model(key, settings)
    if len(source["cameras"]) < MIN_CAMERAS:
        raise UserError(
            f"{key}: a position needs {MIN_CAMERAS} cameras; sources.rlbench.cameras has "
            f"{', '.join(source['cameras'])} alone"
        )
    for task in settings["tasks"]:
        if source["tasks"] and task not in source["tasks"]:
            raise UserError(
                f"{key}.tasks: {task!r} is not in sources.rlbench.tasks; "
                f"{allowed_values(task, source['tasks'])}"
            )
