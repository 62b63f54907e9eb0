"""Loss and gradients of one sequence per question, and how they are compared with others."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from workflow_scripts.models.length_loss import token_losses
from workflow_scripts.train.vlm.conversation_dataset import IGNORE_INDEX, Collator, Conversation

Gradients = dict[str, torch.Tensor]


def loss_and_gradients(model: Any, loss: Callable[[], torch.Tensor]) -> tuple[float, Gradients]:
    model.zero_grad()
    value = loss()
    value.backward()
    return value.item(), {
        name: part.grad.clone() for name, part in model.named_parameters() if part.grad is not None
    }


def separate_loss(
    model: Any, processor: Any, conversations: Sequence[Conversation]
) -> torch.Tensor:
    """Return the loss per answer token with one sequence per question, by the model's own rules."""
    collator = Collator(processor)
    losses, count = [], 0
    for conversation in conversations:
        batch = collator([conversation])
        labels = batch.pop("labels")[0, 1:]
        logits = model(**batch).logits[0, :-1]
        chosen = labels != IGNORE_INDEX
        losses.append(token_losses(logits[chosen], labels[chosen], model.config).sum())
        count += int(chosen.sum())
    return torch.stack(losses).sum() / count


def assert_equal(one: tuple[float, Gradients], other: tuple[float, Gradients]) -> None:
    """Compare losses, and gradients by the norm of their difference: 1e-5 of each is allowed."""
    assert one[0] == pytest.approx(other[0], rel=1e-5)
    assert one[1].keys() == other[1].keys()
    difference = sum(((one[1][name] - other[1][name]) ** 2).sum() for name in one[1])
    norm = sum((value**2).sum() for value in other[1].values())
    assert norm > 0
    assert (difference / norm) ** 0.5 < 1e-5
