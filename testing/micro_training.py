"""The smallest training there is: a model of one layer learns three colours."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from workflow_scripts.common.storage import read_json
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor
from workflow_scripts.train.vlm.experiment import VlmExperiment

MICRO = TinyVlmConfig(image_px=32, vision_width=32, text_width=32, vision_layers=1, text_layers=1)
COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}


def make_data(folder: Path) -> Path:
    """Write a base model, conversations about three colours, and their pictures."""
    processor = make_processor(MICRO)
    model = make_model(MICRO, processor, seed=1)
    model.model.vision_tower.fold_batch_norm()
    model.save_pretrained(folder / "base")
    processor.save_pretrained(folder / "base")
    entries = []
    for number in range(12):
        name = list(COLOURS)[number % 3]
        Image.new("RGB", (30, 30), COLOURS[name]).save(folder / f"{name}.png")
        turns = [("human", "<image>\nWhich colour is shown?"), ("gpt", name)]
        entries.append(
            {
                "id": str(number),
                "image": f"{name}.png",
                "conversations": [{"from": who, "value": text} for who, text in turns],
            }
        )
    (folder / "train.json").write_text(json.dumps(entries))
    (folder / "val.json").write_text(json.dumps(entries[:3]))
    (folder / "empty.json").write_text("[]")
    return folder


def experiment_in(
    out: Path,
    folder: Path,
    *,
    data: str = "train.json",
    validation: str = "val.json",
    **changes: Any,
) -> VlmExperiment:
    """Return an experiment on that data that takes seconds; `changes` are settings."""
    plain = {"steps": 6, "batch_size": 4, "save_steps": 2, "learning_rate": 5e-3}
    return VlmExperiment(
        name="micro",
        base=str(folder / "base"),
        data=folder / data,
        images=folder,
        out=out,
        seed=7,
        validation=folder / validation,
        settings=VlmTrainingSettings.parse(plain | changes),
    )


def with_settings(experiment: VlmExperiment, **changes: Any) -> VlmExperiment:
    """Return an experiment with some settings changed."""
    return replace(experiment, settings=experiment.settings.model_copy(update=changes))


def losses(experiment: VlmExperiment) -> list[float]:
    """Return the training losses of the history."""
    return [row["loss"] for row in read_json(experiment.out / "metrics.json")["history"]
            if "loss" in row]  # fmt: skip


def validation_losses(experiment: VlmExperiment) -> list[float]:
    """Return the validation losses of the history."""
    history = read_json(experiment.out / "metrics.json")["history"]
    return [row["eval_loss"] for row in history if "eval_loss" in row]
