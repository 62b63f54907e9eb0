"""Write what every tuning of a base leaves beside its weights, whatever it was tuned on."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import atomic_write, write_json, write_records, write_text
from workflow_scripts.train.curves import draw_curves
from workflow_scripts.train.trainer import last_logged, logged_history

_LOGGED_KEYS = {"loss", "eval_loss", "learning_rate"}
_CURVES = {"loss": "training", "eval_loss": "validation"}


class TuningInfo(Protocol):
    """What is read of an experiment that has been tuned."""

    @property
    def name(self) -> str: ...

    @property
    def base(self) -> str: ...

    @property
    def result(self) -> Path: ...

    def description(self) -> dict[str, Any]: ...


def write_tuning_result(
    out: Path,
    trainer: Any,
    experiment: TuningInfo,
    *,
    counts: Mapping[str, int],
    title: str,
    make_card: Callable[[dict[str, Any], dict[str, Any]], str],
    skipped: Iterable[SkippedItem],
) -> None:
    """Write card, metrics, settings, curves and what was left out, and move the folder in place.

    Args:
        out: Folder beside the result that has the weights.
        trainer: The Trainer, done.
        experiment: What was tuned.
        counts: How much there was to learn from, and how much was left out; the first counts
            epochs.
        title: Title of the picture of the losses.
        make_card: Makes the model card of the settings and the metrics.
        skipped: What was left out, with reasons.
    """
    history = logged_history(trainer, _LOGGED_KEYS, digits=6)
    settings = experiment.description()
    num_seen = trainer.state.global_step * settings["batch_size"]
    metrics = {
        "experiment": experiment.name,
        "base": experiment.base,
        "steps": trainer.state.global_step,
        "batch_size": settings["batch_size"],
        **counts,
        "epochs": round(num_seen / next(iter(counts.values())), 3),
        "train_loss": last_logged(history, "loss"),
        "validation_loss": last_logged(history, "eval_loss"),
        "trained_parameters": trained_parameters(trainer.model),
        "history": history,
    }
    draw_curves(out / "curves.png", history, names=_CURVES, title=title)
    write_text(out / "config.yaml", yaml.safe_dump(settings, sort_keys=True))
    write_text(out / "README.md", make_card(settings, metrics))
    write_json(out / "metrics.json", metrics)
    write_records(out / "skipped.jsonl", skipped, checksum=False)
    with atomic_write(experiment.result, checksum=True) as partial:
        out.rename(partial)


def trained_parameters(model: Any) -> int:
    """Count trained parameters; with ZeRO-3 a rank's part has the full size in `ds_numel`."""
    sizes = (
        getattr(part, "ds_numel", part.numel()) for part in model.parameters() if part.requires_grad
    )
    return int(sum(sizes))
