"""Objects that Florence-2 knows, or those of given phrases, through transformers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import AutoProcessor, Florence2ForConditionalGeneration, LogitsProcessor
from transformers.generation.logits_process import LogitsProcessorList

from workflow_scripts.views.images.networks import loading, pictures, placed
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions

ADVICE = (
    "Set sources.images.localise.model to a Florence-2 model in transformers' own format, such as "
    "florence-community/Florence-2-base, or to a local folder with one."
)
BINS = 1000
"""A place is one of so many bins along a side of the picture; its value is the bin's middle."""
MAX_NEW_TOKENS = 1024
_PLACE = re.compile(r"<loc_(\d+)>")


class Florence2:
    """A Florence-2 model on one device, one generation a photo.

    The network states no confidence; that of a box is the geometric mean of the probabilities
    of the tokens that name and place it.
    """

    def __init__(self, options: ProposerOptions) -> None:
        key = "sources.images.localise.model"
        with loading(key, options.model, types=("florence2",), advice=ADVICE):
            self._processor = AutoProcessor.from_pretrained(options.model)
            network = Florence2ForConditionalGeneration.from_pretrained(options.model)
        self._model, self._device, self._dtype = placed(network, options.device)
        phrases = ". ".join(phrase.strip(" .") for phrase in options.phrases)
        self._task = f"<CAPTION_TO_PHRASE_GROUNDING>{phrases}" if phrases else "<OD>"

    @torch.inference_mode()
    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo."""
        images = [photo.rgb for photo in photos]
        inputs = self._processor(
            text=[self._task] * len(images),
            images=pictures(images),
            return_tensors="pt",
            padding=True,
        ).to(self._device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        sureness = _Sureness()
        ids = self._model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            num_beams=1,
            do_sample=False,
            logits_processor=LogitsProcessorList([sureness]),
        )
        probabilities = np.stack(sureness.steps, axis=1)
        # The decoder's start token was given, not generated.
        generated = ids[:, ids.shape[1] - probabilities.shape[1] :].tolist()
        tokenizer = self._processor.tokenizer
        return [
            list(parse(tokens, sure, tokenizer, image.shape[:2]))
            for tokens, sure, image in zip(generated, probabilities, images, strict=True)
        ]


class _Sureness(LogitsProcessor):
    """Notes how probable the next token is; greedy decoding takes the most probable one."""

    def __init__(self) -> None:
        self.steps: list[np.ndarray] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.steps.append(scores.float().softmax(dim=-1).max(dim=-1).values.cpu().numpy())
        return scores


@dataclass
class _Named:
    """A label and the places that follow it, with the probability of each token."""

    label: list[int] = field(default_factory=list)
    label_sure: list[float] = field(default_factory=list)
    places: list[float] = field(default_factory=list)
    place_sure: list[float] = field(default_factory=list)


def parse(
    tokens: Sequence[int], probabilities: Sequence[float], tokenizer: Any, shape: tuple[int, int]
) -> Iterator[Proposal]:
    """Yield a proposal for every four places: "label<x0><y0><x1><y1>", more places the same label.

    `shape` is the picture's (height, width). A label without a box, and places that are cut off,
    are proposals with a reason.
    """
    height, width = shape
    for named in _split(tokens, probabilities, tokenizer):
        label = tokenizer.decode(named.label, skip_special_tokens=True).strip()
        for start in range(0, len(named.places) - 3, 4):
            x0, y0, x1, y1 = named.places[start : start + 4]
            sures = [*named.label_sure, *named.place_sure[start : start + 4]]
            yield Proposal(
                label,
                float(np.exp(np.mean(np.log(np.maximum(sures, 1e-9))))),
                (x0 * width, y0 * height, x1 * width, y1 * height),
            )
        if len(named.places) % 4 or not named.places:
            reason = "cut off: a label without a whole box"
            yield Proposal(label, 0.0, (0.0, 0.0, 0.0, 0.0), reason=reason)


def _split(tokens: Sequence[int], probabilities: Sequence[float], tokenizer: Any) -> list[_Named]:
    """Split generated tokens where a word follows a place; special tokens say nothing."""
    special = set(tokenizer.all_special_ids)
    names = tokenizer.convert_ids_to_tokens(list(tokens))
    found: list[_Named] = []
    for token, name, sure in zip(tokens, names, probabilities, strict=True):
        place = _PLACE.fullmatch(name)
        if token in special and not place:
            continue
        if not found or (not place and found[-1].places):
            found.append(_Named())
        if place:
            found[-1].places.append((int(place[1]) + 0.5) / BINS)
            found[-1].place_sure.append(float(sure))
        else:
            found[-1].label.append(token)
            found[-1].label_sure.append(float(sure))
    return found
