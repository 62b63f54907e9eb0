"""Name what image tokens show: each token is compared with the words of every name.

Pre-training of the tiny base learns to name patches this way, and stage evaluate measures it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.label_text import phrase

# A patch counts for the object that fills this much of it.
MIN_OBJECT_SHARE = 0.5


def name_word_weights(tokenizer: Any, categories: Sequence[str]) -> torch.Tensor:
    """Return the weights [names, tokens] of the words that name each category; they sum to 1.

    A category without a name ("") has weight 0 everywhere.
    """
    weights = torch.zeros(len(categories), len(tokenizer))
    for number, category in enumerate(categories):
        name = phrase(category) if category else ""
        tokens = tokenizer(name, add_special_tokens=False)["input_ids"] if name else []
        for token in tokens:
            weights[number, token] += 1 / len(tokens)
    return weights


def patch_name_logits(
    image_tokens: torch.Tensor, word_embeddings: torch.Tensor, word_weights: torch.Tensor
) -> torch.Tensor:
    """Return how well each name fits each image token [..., names].

    Args:
        image_tokens: Projected image tokens [..., width].
        word_embeddings: The language model's input embeddings [tokens, width].
        word_weights: `name_word_weights` [names, tokens].
    """
    return image_tokens @ (word_weights @ word_embeddings).T


def image_tokens_of(model: Any, pixel_values: torch.Tensor) -> torch.Tensor:
    """Return the projected image tokens [images, patches, width] of a LLaVA model."""
    features = model.get_image_features(pixel_values=pixel_values)
    return torch.stack(list(getattr(features, "pooler_output", features)))


def patch_objects(instance: np.ndarray, patches_per_side: int) -> np.ndarray:
    """Return the instance that fills at least half of each patch [patches], 0 where none does.

    `instance` [height, width] has 0 where nothing with an id is.
    """
    rows, columns = (
        np.arange(length) * patches_per_side // length for length in np.shape(instance)
    )
    patch = rows[:, None] * patches_per_side + columns
    num_ids = int(instance.max()) + 1
    counts = np.bincount(
        (patch * num_ids + instance).ravel(), minlength=patches_per_side**2 * num_ids
    ).reshape(patches_per_side**2, num_ids)
    sizes = counts.sum(axis=1)
    counts[:, 0] = 0
    largest = counts.argmax(axis=1)
    fills = counts.max(axis=1) >= MIN_OBJECT_SHARE * sizes
    return np.where(fills, largest, 0)


@torch.inference_mode()
def best_names(model: Any, pixel_values: torch.Tensor, word_weights: torch.Tensor) -> np.ndarray:
    """Return the index of the name that fits each patch best [images, patches]."""
    words = model.get_input_embeddings().weight
    tokens = image_tokens_of(model, pixel_values.to(words))
    logits = patch_name_logits(tokens, words, word_weights.to(words))
    best: np.ndarray = logits.argmax(dim=-1).cpu().numpy()
    return best
