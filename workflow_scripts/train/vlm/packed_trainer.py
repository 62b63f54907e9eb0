"""A Trainer whose items are the micro-batches of a whole step, as many as their tokens need."""

import contextlib
from typing import Any

import torch
from accelerate.utils import DistributedType
from torch.nn import functional
from transformers import Trainer

from workflow_scripts.models.length_loss import token_losses
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    attention_input,
    rope_position_ids,
)
from workflow_scripts.train.trainer import SequentialTrainer

# What the forward pass of a model does not take.
_OWN_INPUTS = ("labels", "segments", "num_answer_tokens")


class MicroBatchTrainer(Trainer):
    """Runs the micro-batches of an item one after the other; the last one ends the step.

    How many there are differs from step to step, but not between ranks.
    """

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        *others, last = inputs["micro_batches"]
        state = self.accelerator.gradient_state
        is_deepspeed = self.accelerator.distributed_type == DistributedType.DEEPSPEED
        losses = []
        state._set_sync_gradients(False)
        for micro_batch in others:
            # DeepSpeed decides by `sync_gradients` itself.
            without_sync = (
                contextlib.nullcontext() if is_deepspeed else self.accelerator.no_sync(model)
            )
            with without_sync:
                losses.append(super().training_step(model, micro_batch))
        state._set_sync_gradients(True)
        losses.append(super().training_step(model, last))
        return torch.stack(losses).sum()

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return 0: nothing is read from the Trainer's estimate."""
        return 0


class PackedTrainer(SequentialTrainer, MicroBatchTrainer):
    """A Trainer of packed sequences: every answer token of a step weighs the same."""

    # `answer_loss` divides by the answer tokens of the step.
    loss_is_scaled_for_ga = True

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        loss = answer_loss(model, inputs, base=self.accelerator.unwrap_model(model))
        if model.training:
            # Gradients are averaged over ranks, and this is a rank's part of a sum.
            loss = loss * self.accelerator.num_processes
        return (loss, {}) if return_outputs else loss


def answer_loss(model: Any, batch: dict[str, Any], *, base: Any = None) -> torch.Tensor:
    """Return the summed loss of a micro-batch's answer tokens over `num_answer_tokens`.

    Args:
        model: What is called; a wrapper of DeepSpeed or of several ranks may be around it.
        batch: What `PackedCollator.collate` returns, and `num_answer_tokens`.
        base: The model without a wrapper, which knows its configuration and positions.
    """
    base = model if base is None else base
    inputs = {name: value for name, value in batch.items() if name not in _OWN_INPUTS}
    labels = batch["labels"]
    is_predicted = functional.pad(labels[:, 1:] != IGNORE_INDEX, (0, 1))
    if "segments" in batch:
        inputs["position_ids"] = rope_position_ids(
            base,
            input_ids=batch["input_ids"],
            segments=batch["segments"],
            position_ids=batch["position_ids"],
            mm_token_type_ids=batch.get("mm_token_type_ids"),
            image_grid_thw=batch.get("image_grid_thw"),
        )
        inputs["attention_mask"] = attention_input(base, batch["segments"])
        inputs["logits_to_keep"] = is_predicted
    logits = model(**inputs, use_cache=False).logits
    if logits.ndim == 3:
        logits = logits[is_predicted]
    targets = labels[:, 1:][is_predicted[:, :-1]]
    loss = token_losses(logits, targets, base.config).sum()
    num_answer_tokens: torch.Tensor = batch["num_answer_tokens"]
    return loss / num_answer_tokens
