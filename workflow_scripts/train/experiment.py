"""What is trained on what, and what tells one training from another."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


class TrainingSpec(Protocol):
    """What a launcher needs to know of any training."""

    @property
    def name(self) -> str: ...

    @property
    def out(self) -> Path: ...

    @property
    def checkpoints(self) -> Path: ...

    @property
    def result(self) -> Path: ...


@dataclass(frozen=True)
class VlmExperiment:
    """What is trained on what.

    Attributes:
        name: Name of the experiment.
        base: Local folder or hub id of the base model.
        data: LLaVA JSON of the training split.
        images: Folder that its pictures are relative to.
        out: Folder for the result; checkpoints lie under it.
        validation: LLaVA JSON of the validation split.
        max_validation: At most so many of its entries are used.
        families: Families of questions that are trained on; none given: all.
        adapter: LoRA adapters, or none to tune all weights.
        lora_r: Rank.
        lora_alpha: Scale.
        lora_dropout: Dropout.
        lora_targets: Last words of the names of modules to adapt; empty means the linear layers
            of the language model.
        deepspeed: ZeRO stage, or none.
        steps: Optimizer steps.
        batch_size: Samples in a step over all ranks.
        micro_batch_size: Samples at once on a rank; 0 means as many as the step needs.
        learning_rate: Peak, after a warm-up of 3 %, before a cosine decay.
        save_steps: Steps between checkpoints.
        save_minutes: Minutes between checkpoints.
        gradient_checkpointing: Compute activations twice to save memory.
        seed: Seed of the workflow.
    """

    name: str
    base: str
    data: Path
    images: Path
    out: Path
    validation: Path | None = None
    max_validation: int = 128
    families: tuple[str, ...] = ()
    adapter: Literal["lora", "none"] = "lora"
    lora_r: int = 16
    lora_alpha: float = 32
    lora_dropout: float = 0.0
    lora_targets: tuple[str, ...] = ()
    deepspeed: Literal["zero2", "zero3", "none"] = "zero2"
    steps: int = 200
    batch_size: int = 16
    micro_batch_size: int = 0
    learning_rate: float = 1e-3
    save_steps: int = 50
    save_minutes: float = 15
    gradient_checkpointing: bool = False
    seed: int = 7

    def settings(self) -> dict[str, Any]:
        """Return every setting as plain values."""
        plain = json.loads(json.dumps(dataclasses.asdict(self), default=str))
        return {key: value for key, value in plain.items() if value is not None}

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def result(self) -> Path:
        """Return the folder of the finished result; it appears whole, beside the checkpoints."""
        return self.checkpoints / "result"


def identity(experiment: VlmExperiment, *, num_ranks: int) -> dict[str, Any]:
    """Return what decides the result: a checkpoint of anything else must not be resumed."""
    ignored = {"out", "save_minutes", "save_steps", "images"}
    chosen = {key: val for key, val in experiment.settings().items() if key not in ignored}
    data = hashlib.sha256(experiment.data.read_bytes()).hexdigest()
    weights = hashlib.sha256()
    folder = Path(experiment.base)
    for file in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        weights.update(file.read_bytes())
    return {**chosen, "data_sha256": data, "base_sha256": weights.hexdigest(), "ranks": num_ranks}
