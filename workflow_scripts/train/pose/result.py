"""Write the result of a pose training: weights, settings, metrics, curves and a card."""

from pathlib import Path
from typing import Any

import yaml
from torch import nn

from workflow_scripts.common.storage import atomic_write, write_json, write_text
from workflow_scripts.models.keypoints.pose_model import PoseModel, save_model
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.trainer import last_logged, logged_history

_LOGGED_KEYS = {"loss", "learning_rate", "validation_mpjpe_mm", "validation_px"}
_CARD = """\
---
library_name: pytorch
tags: [3d-keypoints, multi-view, robotics, simulation]
---

# {name}

{what}, trained on {episodes} simulated demonstrations ({frames} frames) of {tasks}.
Input: {front_end}. Output: keypoints in world metres.

| setting | value |
|---|---|
{settings}

| result | value |
|---|---|
| parameters | {parameters:,} |
| training loss (last logged) | {loss} |
| mean error on validation episodes | {error} mm |

Scores on test episodes, with geometric baselines and intervals, are in `results/eval.csv`. A model
knows the keypoints of its training by name (`model.json`); others are lifted by geometry and by
what all keypoints have in common.
"""
_SETTINGS_IN_CARD = (
    "objective",
    "window",
    "width",
    "layers",
    "view_dropout",
    "steps",
    "batch_size",
    "learning_rate",
    "seed",
)


def write_result(
    trainer: Any,
    model: nn.Module,
    model_settings: PoseModel,
    training_stats: dict[str, Any],
    experiment: PoseExperiment,
) -> None:
    """Write every file of the result into a folder that appears whole, on one rank."""
    with atomic_write(experiment.result, checksum=True) as out:
        out.mkdir(parents=True)
        _write(out, trainer, model, model_settings, training_stats, experiment)


def _write(
    out: Path,
    trainer: Any,
    model: nn.Module,
    model_settings: PoseModel,
    training_stats: dict[str, Any],
    experiment: PoseExperiment,
) -> None:
    history = logged_history(trainer, _LOGGED_KEYS, digits=6)
    metrics = {
        "experiment": experiment.name,
        "steps": trainer.state.global_step,
        "batch_size": experiment.settings.batch_size,
        "train_loss": last_logged(history, "loss"),
        "validation_mpjpe_mm": last_logged(history, "validation_mpjpe_mm"),
        "history": history,
        **training_stats,
    }
    save_model(out, model, model_settings)
    draw_curves(out / "curves.png", metrics, experiment)
    settings = experiment.description()
    write_text(out / "config.yaml", yaml.safe_dump(settings, sort_keys=True))
    write_text(
        out / "README.md",
        _CARD.format(
            name=experiment.name,
            what="A lifter" if model_settings.kind == "lifter" else "A detector with triangulation",
            tasks=", ".join(model_settings.tasks),
            front_end="images" if experiment.settings.front_end == "images" else "2D keypoints",
            settings="\n".join(f"| {key} | {settings[key]} |" for key in _SETTINGS_IN_CARD),
            loss=metrics["train_loss"],
            error=metrics["validation_mpjpe_mm"],
            **{key: training_stats[key] for key in ("episodes", "frames", "parameters")},
        ),
    )
    write_json(out / "metrics.json", metrics)


def draw_curves(path: Path, metrics: dict[str, Any], experiment: PoseExperiment) -> None:
    """Draw the loss, and the error on validation episodes with the errors of the baselines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
    for axes, key, label in (
        (left, "loss", "loss"),
        (right, "validation_mpjpe_mm", "mean error on validation episodes, mm"),
    ):
        points = [(row["step"], row[key]) for row in metrics["history"] if key in row]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o" * (len(points) < 20), ms=4)
        axes.set(xlabel="step", title=label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    for name, value in metrics.get("validation_baselines_mm", {}).items():
        right.axhline(value, color="#98a2b3", ls="--", lw=1)
        right.annotate(
            name.replace("_", " "),
            (0, value),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=8,
        )
    figure.suptitle(
        f"{experiment.name}: {experiment.settings.objective}, {experiment.settings.front_end}"
    )
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
