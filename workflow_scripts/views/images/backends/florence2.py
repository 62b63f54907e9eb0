"""Object detection or phrase grounding with Florence-2 through transformers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import AutoProcessor, Florence2ForConditionalGeneration, LogitsProcessor
from transformers.generation.logits_process import LogitsProcessorList

from workflow_scripts.views.images.model_loading import model_loading, to_device, to_pil_images
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions

ADVICE = (
    "Set sources.images.localise.model to a Florence-2 model in transformers' own format, such as "
    "florence-community/Florence-2-base, or to a local folder with one."
)
BINS = 1000
"""Locations are quantised into this many bins per side of the image; decoded as bin centres."""
MAX_NEW_TOKENS = 1024
_LOCATION_TOKEN = re.compile(r"<loc_(\d+)>")


class Florence2:
    """A Florence-2 model on one device, one generation per photo.

    The model gives no confidence; that of a box is the geometric mean of the probabilities of its
    label and location tokens.
    """

    def __init__(self, options: ProposerOptions) -> None:
        key = "sources.images.localise.model"
        with model_loading(key, options.model, types=("florence2",), advice=ADVICE):
            processor: Any = AutoProcessor
            self._processor = processor.from_pretrained(options.model)
            network = Florence2ForConditionalGeneration.from_pretrained(options.model)
        self._model, self._device, self._dtype = to_device(network, options.device)
        phrases = ". ".join(phrase.strip(" .") for phrase in options.phrases)
        self._task = f"<CAPTION_TO_PHRASE_GROUNDING>{phrases}" if phrases else "<OD>"

    @torch.inference_mode()
    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo."""
        images = [photo.rgb for photo in photos]
        inputs = self._processor(
            text=[self._task] * len(images),
            images=to_pil_images(images),
            return_tensors="pt",
            padding=True,
        ).to(self._device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        token_probabilities = _TokenProbabilities()
        ids = self._model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            num_beams=1,
            do_sample=False,
            logits_processor=LogitsProcessorList([token_probabilities]),
        )
        probabilities = np.stack(token_probabilities.steps, axis=1)
        # The decoder's start token is an input, not generated.
        generated = ids[:, ids.shape[1] - probabilities.shape[1] :].tolist()
        tokenizer = self._processor.tokenizer
        return [
            list(parse(tokens, probability, tokenizer, image.shape[:2]))
            for tokens, probability, image in zip(generated, probabilities, images, strict=True)
        ]


class _TokenProbabilities(LogitsProcessor):
    """Records the probability of the next token; greedy decoding takes the most probable one."""

    def __init__(self) -> None:
        self.steps: list[np.ndarray] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.steps.append(scores.float().softmax(dim=-1).max(dim=-1).values.cpu().numpy())
        return scores


@dataclass
class _LabelledLocations:
    """A label and the locations that follow it, with the probability of each token."""

    label: list[int] = field(default_factory=list)
    label_probabilities: list[float] = field(default_factory=list)
    locations: list[float] = field(default_factory=list)
    location_probabilities: list[float] = field(default_factory=list)


def parse(
    tokens: Sequence[int], probabilities: Sequence[float], tokenizer: Any, shape: tuple[int, int]
) -> Iterator[Proposal]:
    """Yield a proposal for every four locations after a label: "label<x0><y0><x1><y1>...".

    `shape` is the image's (height, width). A label without a box and incomplete locations are
    proposals with a reason.
    """
    height, width = shape
    for labelled in _split(tokens, probabilities, tokenizer):
        label = tokenizer.decode(labelled.label, skip_special_tokens=True).strip()
        for start in range(0, len(labelled.locations) - 3, 4):
            x0, y0, x1, y1 = labelled.locations[start : start + 4]
            used_probabilities = [
                *labelled.label_probabilities,
                *labelled.location_probabilities[start : start + 4],
            ]
            yield Proposal(
                label,
                float(np.exp(np.mean(np.log(np.maximum(used_probabilities, 1e-9))))),
                (x0 * width, y0 * height, x1 * width, y1 * height),
            )
        if len(labelled.locations) % 4 or not labelled.locations:
            reason = "cut off: a label without a whole box"
            yield Proposal(label, 0.0, (0.0, 0.0, 0.0, 0.0), reason=reason)


def _split(
    tokens: Sequence[int], probabilities: Sequence[float], tokenizer: Any
) -> list[_LabelledLocations]:
    """Split generated tokens where a word follows a location; special tokens are ignored."""
    special = set(tokenizer.all_special_ids)
    names = tokenizer.convert_ids_to_tokens(list(tokens))
    groups: list[_LabelledLocations] = []
    for token, name, probability in zip(tokens, names, probabilities, strict=True):
        location = _LOCATION_TOKEN.fullmatch(name)
        if token in special and not location:
            continue
        if not groups or (not location and groups[-1].locations):
            groups.append(_LabelledLocations())
        if location:
            groups[-1].locations.append((int(location[1]) + 0.5) / BINS)
            groups[-1].location_probabilities.append(float(probability))
        else:
            groups[-1].label.append(token)
            groups[-1].label_probabilities.append(float(probability))
    return groups
