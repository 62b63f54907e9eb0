"""Name what image tokens show: each token is compared with the words of every name.

Pre-training of the tiny base learns to name patches this way, and stage evaluate measures it.
"""

from collections.abc import Sequence
from typing import Any

import torch

from workflow_scripts.common.label_text import phrase


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
