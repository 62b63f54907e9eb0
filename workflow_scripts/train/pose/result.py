"""Write what a pose training made: weights, settings, metrics, curves and a card."""

from pathlib import Path
from typing import Any

import yaml
from torch import nn

from workflow_scripts.common.storage import atomic_write, write_json, write_text
from workflow_scripts.models.keypoints.pose_model import PoseModel, save_model
from workflow_scripts.train.pose.experiment import PoseExperiment

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

Scores on unseen episodes, beside geometric baselines and with intervals, are in
`results/eval.csv`. A model knows the keypoints that it was taught by name (`model.json`); others
are lifted by geometry and what all keypoints have in common.
"""
_SETTINGS_IN_CARD = (
    "objective",
    "window",
    "width",
    "layers",
    "view_dropout",
    "steps",
    "batch_size",
)
_SETTINGS_IN_CARD += ("learning_rate", "seed")


def write_result(
    trainer: Any,
    model: nn.Module,
    model_settings: PoseModel,
    training_stats: dict[str, Any],
    experiment: PoseExperiment,
) -> None:
    """Write every file of the result into a folder that appears whole, on one rank."""
    with atomic_write(experiment.result) as out:
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
    history = [
        {key: round(float(value), 6) for key, value in row.items() if key in _LOGGED_KEYS}
        | {"step": row["step"]}
        for row in trainer.state.log_history
        if _LOGGED_KEYS & set(row)
    ]
    losses = [row["loss"] for row in history if "loss" in row]
    errors = [row["validation_mpjpe_mm"] for row in history if "validation_mpjpe_mm" in row]
    metrics = {
        "experiment": experiment.name,
        "steps": trainer.state.global_step,
        "batch_size": experiment.batch_size,
        "train_loss": losses[-1] if losses else None,
        "validation_mpjpe_mm": errors[-1] if errors else None,
        "history": history,
        **training_stats,
    }
    save_model(out, model, model_settings)
    draw_curves(out / "curves.png", metrics, experiment)
    settings = experiment.settings()
    write_text(out / "config.yaml", yaml.safe_dump(settings, sort_keys=True))
    write_text(
        out / "README.md",
        _CARD.format(
            name=experiment.name,
            what="A lifter" if model_settings.kind == "lifter" else "A detector with triangulation",
            tasks=", ".join(model_settings.tasks),
            front_end="pictures" if experiment.front_end == "images" else "2D keypoints",
            settings="\n".join(f"| {key} | {settings[key]} |" for key in _SETTINGS_IN_CARD),
            loss=metrics["train_loss"],
            error=metrics["validation_mpjpe_mm"],
            **{key: training_stats[key] for key in ("episodes", "frames", "parameters")},
        ),
    )
    write_json(out / "metrics.json", metrics)


def draw_curves(path: Path, metrics: dict[str, Any], experiment: PoseExperiment) -> None:
    """Draw the loss, and beside it the error on validation episodes against the baselines'."""
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
    figure.suptitle(f"{experiment.name}: {experiment.objective}, {experiment.front_end}")
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
