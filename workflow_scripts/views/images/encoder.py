"""How likely each label is what a picture shows: CLIP or SigLIP through transformers."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

from workflow_scripts.common.errors import UserError, nearest

log = logging.getLogger(__name__)

TYPES = ("clip", "siglip", "siglip2")
NEUTRAL = "a photo"
"""Stands for everything else among CLIP's labels, so that one label alone is not certain."""


class DualEncoder:
    """An image and a text encoder with one space; the labels' features are computed once.

    CLIP's probabilities are a softmax over the labels and a neutral text, so they sum to at most
    1; SigLIP's are sigmoids, each label for itself.
    """

    def __init__(
        self, model: str, labels: Sequence[str], *, template: str, device: str = "auto"
    ) -> None:
        try:
            config = AutoConfig.from_pretrained(model)
            if config.model_type not in TYPES:
                raise UserError(
                    f"sources.images.filter.model {model!r} is of type {config.model_type!r}, "
                    f"not a dual encoder; {nearest(config.model_type, TYPES)}"
                )
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            self._device = torch.device(device)
            self._dtype = torch.float16 if device.startswith("cuda") else torch.float32
            self._processor = AutoImageProcessor.from_pretrained(model)
            tokenizer = AutoTokenizer.from_pretrained(model)
            self._model = AutoModel.from_pretrained(model, dtype=self._dtype)
        except UserError:
            raise
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"sources.images.filter.model {model!r} cannot be loaded: {reason} Give the hub id "
                "or the local folder of a CLIP or SigLIP model, or empty the include and exclude "
                "lists to filter nothing."
            ) from error
        self._model.to(self._device).eval()
        self._is_clip = config.model_type == "clip"
        self.labels = list(labels)
        texts = [template.format(label) for label in labels] + [NEUTRAL] * self._is_clip
        # SigLIP was trained with texts padded to their full length.
        length = config.text_config.max_position_embeddings
        padding = True if self._is_clip else "max_length"
        tokens = tokenizer(
            texts, padding=padding, truncation=True, max_length=length, return_tensors="pt"
        )
        self._text = self._features(self._model.get_text_features(**tokens.to(self._device)))
        log.info("%s (%s) on %s, %s", model, config.model_type, device, self._dtype)

    @torch.inference_mode()
    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return f32 [n, labels] for images u8 [h, w, 3], which may differ in size."""
        inputs = self._processor(images=list(images), return_tensors="pt")
        inputs = {name: value.to(self._device) for name, value in inputs.items()}
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        image = self._features(self._model.get_image_features(**inputs))
        logits = image @ self._text.T * self._model.logit_scale.exp().float()
        if self._is_clip:
            found = logits.softmax(dim=1)[:, :-1]
        else:
            found = (logits + self._model.logit_bias.float()).sigmoid()
        return found.cpu().numpy().astype(np.float32)

    @staticmethod
    def _features(output: object) -> torch.Tensor:
        """Return unit vectors, f32 [n, d], of an encoder's output."""
        pooled = getattr(output, "pooler_output", output)
        return torch.nn.functional.normalize(pooled.detach().float(), dim=-1)
