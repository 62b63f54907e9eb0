"""Write the result of a video training: weights, card, metrics, settings, curves."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import atomic_write, write_json, write_records, write_text
from workflow_scripts.models.video.load import HEADS_FILE
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import VideoModel
from workflow_scripts.train.curves import draw_curves
from workflow_scripts.train.trainer import last_logged, logged_history
from workflow_scripts.train.video.experiment import VideoExperiment
from workflow_scripts.train.vlm.finetune import trained_parameters

_LOGGED_KEYS = {"loss", "eval_loss", "learning_rate"}
_CARD = """\
---
base_model: {base}
pipeline_tag: image-text-to-text
tags: [3d, scans, visual-grounding, simulation]
---

# {name}

A video model of `{base}`, trained on {samples} samples about scans ({tasks}). It chooses among
proposals at the token `<ground>`, describes what lies at `<coord>`, and answers questions.

| setting | value |
|---|---|
{settings}

| result | value |
|---|---|
| steps | {steps} |
| trained parameters | {trained_parameters:,} |
| training loss (last logged) | {train_loss} |
| validation loss | {validation_loss} |

The weights of the base (or its adapters) lie beside `video_model.safetensors`, which holds what a
video model adds. `workflow_scripts/models/video/load.py` loads both.

## Limits

Trained on scans of simulated rooms. Boxes of objects are given, not detected.
"""
_IN_CARD = ("adapter", "tokens", "pooling", "crop", "frames", "position_encoding", "batch_size")


def write_result(
    trainer: Any,
    processor: VideoProcessor,
    experiment: VideoExperiment,
    *,
    num_samples: int,
    skipped: Sequence[SkippedItem],
) -> None:
    """Write the result; every rank takes part in saving."""
    # With ZeRO-3 each rank holds a part of the weights.
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not trainer.args.should_save:
        return
    model: VideoModel = trainer.accelerator.unwrap_model(trainer.model)
    out = Path(tempfile.mkdtemp(prefix=".saving-", dir=experiment.checkpoints))
    out.chmod(0o755)
    save_weights(out, model, state)
    if experiment.settings.adapter == "none":
        processor.processor.save_pretrained(out)
    history = logged_history(trainer, _LOGGED_KEYS, digits=6)
    batch_size = experiment.settings.batch_size
    metrics = {
        "experiment": experiment.name,
        "base": experiment.base,
        "steps": trainer.state.global_step,
        "batch_size": batch_size,
        "samples": num_samples,
        "samples_left_out": len(skipped),
        "epochs": round(trainer.state.global_step * batch_size / num_samples, 3),
        "train_loss": last_logged(history, "loss"),
        "validation_loss": last_logged(history, "eval_loss"),
        "trained_parameters": trained_parameters(trainer.model),
        "history": history,
    }
    draw_curves(
        out / "curves.png",
        history,
        names={"loss": "training", "eval_loss": "validation"},
        title=f"{experiment.name}: loss",
    )
    description = experiment.description()
    write_text(out / "config.yaml", yaml.safe_dump(description, sort_keys=True))
    write_text(out / "README.md", _card(description, metrics))
    write_json(out / "metrics.json", metrics)
    write_records(out / "skipped.jsonl", skipped, checksum=False)
    with atomic_write(experiment.result, checksum=True) as partial:
        out.rename(partial)


def save_weights(folder: Path, model: VideoModel, state: dict[str, torch.Tensor]) -> None:
    """Write the base (or its adapters) as Hugging Face has them, and what is added to it."""
    own = {
        name: weight.contiguous().cpu()
        for name, weight in state.items()
        if not name.startswith("model.")
    }
    save_file(own, str(folder / HEADS_FILE))
    base = {
        name.removeprefix("model."): weight
        for name, weight in state.items()
        if name.startswith("model.")
    }
    model.model.save_pretrained(folder, state_dict=base)
    (folder / "training_args.bin").unlink(missing_ok=True)


def _card(settings: dict[str, Any], metrics: dict[str, Any]) -> str:
    rows = [f"| {key} | {settings[key]} |" for key in _IN_CARD]
    shown = {key: metrics[key] for key in ("steps", "train_loss", "validation_loss", "samples")}
    return _CARD.format(
        name=settings["name"],
        base=settings["base"],
        tasks=", ".join(settings["tasks"]),
        settings="\n".join(rows),
        trained_parameters=metrics["trained_parameters"],
        **shown,
    )
