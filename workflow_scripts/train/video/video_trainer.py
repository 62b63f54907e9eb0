"""The Trainer of video models, whose losses are already those of a whole step."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from workflow_scripts.common.errors import UserError
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
        state = self._weights() if state_dict is None else state_dict
        save_file(without_shared(state), str(folder / "model.safetensors"))

    def _weights(self) -> dict[str, torch.Tensor]:
        assert self.model is not None
        return dict(self.model.state_dict())

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Refuse a checkpoint that lacks weights; those that share memory are saved once."""
        saved = without_shared(self._weights())
        lacking = sorted(set(load_result.missing_keys) & set(saved))
        unknown = sorted(load_result.unexpected_keys)
        if lacking or unknown:
            raise UserError(
                f"{self.args.output_dir}: the checkpoint is not of this model: "
                f"{', '.join([*lacking, *unknown][:3])}; remove the folder to train again"
            )


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
