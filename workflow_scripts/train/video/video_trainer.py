"""The Trainer of video models, whose losses are already those of a whole step."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from workflow_scripts.train.trainer import SequentialTrainer
from workflow_scripts.train.vlm.packed_trainer import MicroBatchTrainer


class VideoTrainer(SequentialTrainer, MicroBatchTrainer):
    """A Trainer whose micro-batches are divided by the counts of their step."""

    loss_is_scaled_for_ga = True

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        loss = model(**inputs)["loss"]
        if model.training:
            # Gradients are averaged over ranks, and this is a rank's part of a sum.
            loss = loss * self.accelerator.num_processes
        return (loss, {}) if return_outputs else loss

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Save all weights of a checkpoint; those that share memory once."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        state = self.model.state_dict() if state_dict is None else state_dict
        save_file(without_shared(state), str(folder / "model.safetensors"))


def without_shared(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights without those that are others under a second name."""
    seen: set[tuple[int, torch.Size]] = set()
    kept = {}
    for name, weight in state.items():
        place = (weight.data_ptr(), weight.shape)
        if weight.numel() and place in seen:
            continue
        seen.add(place)
        kept[name] = weight.contiguous()
    return kept
