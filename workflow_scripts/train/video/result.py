"""Write the result of a video training: weights, card, metrics, settings, curves."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from workflow_scripts.common.records import SkippedItem
from workflow_scripts.models.video.load import HEADS_FILE
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import VideoModel
from workflow_scripts.train.video.experiment import VideoExperiment
from workflow_scripts.train.vlm.result import write_tuning_result

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
    write_tuning_result(
        out,
        trainer,
        experiment,
        counts={"samples": num_samples, "samples_left_out": len(skipped)},
        title=f"{experiment.name}: loss",
        make_card=_card,
        skipped=skipped,
    )


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
