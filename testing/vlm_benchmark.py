"""A vision-language model with random weights and questions about pictures of noise, to time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.storage import write_json
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor

# 576 tokens a picture, as LLaVA-1.5 has.
SIZE = TinyVlmConfig(
    image_px=384,
    patch_px=16,
    vision_width=256,
    vision_layers=6,
    text_width=512,
    text_layers=6,
    num_heads=8,
)
ANSWER = "the {} one, 1.2 m."


@dataclass(frozen=True)
class TimedData:
    """A folder with a base model and a LLaVA JSON file of a split."""

    folder: Path
    base: Path
    conversations: Path


def write_data(
    folder: Path, size: TinyVlmConfig, *, num_pictures: int, questions_per_picture: int
) -> TimedData:
    """Write a base with random weights, pictures, and questions of about 40 tokens with answers."""
    processor = make_processor(size)
    processor.tokenizer.model_max_length = 8192
    model = make_model(size, processor, seed=1)
    model.model.vision_tower.fold_batch_norm()
    model.save_pretrained(folder / "base")
    processor.save_pretrained(folder / "base")
    write_json(folder / "train.json", _entries(folder, num_pictures, questions_per_picture))
    return TimedData(folder, folder / "base", folder / "train.json")


def _entries(folder: Path, num_pictures: int, questions_per_picture: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    colours = list(MARK_COLOURS)
    entries = []
    for picture in range(num_pictures):
        name = f"{picture}.png"
        pixels = rng.integers(0, 256, (336, 336, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
        for number in range(questions_per_picture):
            one, other = (colours[index] for index in rng.permutation(len(colours))[:2])
            question = (
                "From the camera's point of view, which is further to the left, the object at the "
                f"{one} mark or the object at the {other} mark?"
            )
            turns = [("human", f"<image>\n{question}"), ("gpt", ANSWER.format(one))]
            entries.append(
                {
                    "id": f"{picture}-{number}",
                    "image": name,
                    "conversations": [{"from": who, "value": text} for who, text in turns],
                }
            )
    return entries
