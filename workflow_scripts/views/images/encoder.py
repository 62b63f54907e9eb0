"""Zero-shot classification of images with CLIP or SigLIP through transformers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from workflow_scripts.views.images.model_loading import model_loading, to_device, to_pil_images

TYPES = ("clip", "siglip")
ADVICE = (
    "Give the hub id or the local folder of a CLIP or SigLIP model, or empty the include and "
    "exclude lists to filter nothing."
)
NEUTRAL_LABEL = "a photo"
"""Stands for everything else in CLIP's softmax, so that a single label has no probability of 1."""


class DualEncoder:
    """An image and a text encoder with a shared space; the labels' features are computed once.

    CLIP's probabilities are a softmax over the labels and a neutral text, so they sum to at most
    1; SigLIP's are independent sigmoids.
    """

    def __init__(
        self, model: str, labels: Sequence[str], *, template: str, device: str = "auto"
    ) -> None:
        key = "sources.images.filter.model"
        with model_loading(key, model, types=TYPES, advice=ADVICE) as config:
            processor: Any = AutoImageProcessor
            self._processor = processor.from_pretrained(model)
            tokenizer = AutoTokenizer.from_pretrained(model)
            network = AutoModel.from_pretrained(model)
        self._model, self._device, self._dtype = to_device(network, device)
        self._is_clip = config.model_type == "clip"
        self.labels = list(labels)
        texts = [template.format(label) for label in labels] + [NEUTRAL_LABEL] * self._is_clip
        # SigLIP was trained with texts padded to their full length.
        length = config.text_config.max_position_embeddings
        padding = True if self._is_clip else "max_length"
        tokens = tokenizer(
            texts, padding=padding, truncation=True, max_length=length, return_tensors="pt"
        )
        self._text_features = self._features(
            self._model.get_text_features(**tokens.to(self._device))
        )

    @torch.inference_mode()
    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return f32 [n, labels] for images u8 [h, w, 3], which may differ in size."""
        inputs = self._processor(images=to_pil_images(images), return_tensors="pt")
        inputs = {name: value.to(self._device) for name, value in inputs.items()}
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        image = self._features(self._model.get_image_features(**inputs))
        logits = image @ self._text_features.T * self._model.logit_scale.exp().float()
        if self._is_clip:
            label_probabilities = logits.softmax(dim=1)[:, :-1]
        else:
            label_probabilities = (logits + self._model.logit_bias.float()).sigmoid()
        probabilities: np.ndarray = label_probabilities.cpu().numpy().astype(np.float32)
        return probabilities

    @staticmethod
    def _features(output: Any) -> torch.Tensor:
        """Return unit vectors, f32 [n, d], of an encoder's output."""
        pooled = getattr(output, "pooler_output", output)
        return torch.nn.functional.normalize(pooled.detach().float(), dim=-1)
