"""Phrase grounding with Grounding DINO through transformers."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    GroundingDinoForObjectDetection,
)

from workflow_scripts.common.errors import UserError
from workflow_scripts.views.images.model_loading import model_loading, to_device, to_pil_images
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions

log = logging.getLogger(__name__)

ADVICE = (
    "Set sources.images.localise.model to a Grounding DINO model, such as "
    "IDEA-Research/grounding-dino-tiny, or to a local folder with one."
)
MIN_SCORE = 0.05
"""Queries below this are dropped; those below `min_confidence` are rejected with a reason."""


class GroundingDino:
    """A Grounding DINO model on one device, prompted with the same phrases for every photo.

    A box is labelled with the phrase of its best-matching token, so labels are always the user's
    phrases, never parts of two. Phrases that do not fit into one prompt are split over several.
    """

    def __init__(self, options: ProposerOptions) -> None:
        if not options.phrases:
            raise UserError(
                "sources.images.localise.phrases is empty, but grounding_dino needs phrases to "
                "detect, such as [box, chair]; or choose florence2"
            )
        key = "sources.images.localise.model"
        with model_loading(key, options.model, types=("grounding-dino",), advice=ADVICE) as config:
            processor: Any = AutoImageProcessor
            self._processor = processor.from_pretrained(options.model)
            self._tokenizer = AutoTokenizer.from_pretrained(options.model)
            network = GroundingDinoForObjectDetection.from_pretrained(options.model)
            max_tokens = min(config.max_text_len, config.text_config.max_position_embeddings)
        self._model, self._device, _ = to_device(network, options.device)
        # Its deformable attention does not support half precision.
        self._model.float()
        self._min_score = min(MIN_SCORE, options.min_confidence)
        self._prompts = list(batch_phrases(options.phrases, self._tokenizer, max_tokens=max_tokens))

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo; photos of one size go through the network together."""
        proposals_of_photo: list[list[Proposal]] = [[] for _ in photos]
        shapes = {photo.rgb.shape for photo in photos}
        for shape in sorted(shapes):
            indices = [index for index, photo in enumerate(photos) if photo.rgb.shape == shape]
            images = [photos[index].rgb for index in indices]
            for prompt in self._prompts:
                for index, proposals in zip(indices, self._detect(images, prompt), strict=True):
                    proposals_of_photo[index] += proposals
        return proposals_of_photo

    @torch.inference_mode()
    def _detect(self, images: list[np.ndarray], prompt: "PhrasePrompt") -> Iterator[list[Proposal]]:
        inputs = self._processor(images=to_pil_images(images), return_tensors="pt").to(self._device)
        tokens = self._tokenizer([prompt.prompt_text] * len(images), return_tensors="pt").to(
            self._device
        )
        output = self._model(**inputs, **tokens)
        height, width = images[0].shape[:2]
        scale = torch.tensor([width, height] * 2, device=self._device)
        for logits, boxes in zip(output.logits, output.pred_boxes, strict=True):
            scores = logits.sigmoid()[:, : prompt.phrase_of_token.shape[1]]
            phrase_scores = torch.stack(
                [
                    scores[:, torch.as_tensor(mask, device=self._device)].max(dim=1).values
                    for mask in prompt.phrase_of_token
                ],
                dim=1,
            )
            best, phrase = phrase_scores.max(dim=1)
            middle, half = boxes[:, :2], boxes[:, 2:] / 2
            corners = torch.cat([middle - half, middle + half], dim=1) * scale
            detected = torch.nonzero(best >= self._min_score)[:, 0].tolist()
            yield [
                Proposal(
                    prompt.phrases[int(phrase[query])],
                    float(best[query]),
                    tuple(corners[query].tolist()),
                )
                for query in detected
            ]


class PhrasePrompt:
    """A prompt of several phrases, and the tokens of each: bool [phrases, tokens]."""

    def __init__(self, phrases: Sequence[str], tokenizer: Any) -> None:
        self.phrases = list(phrases)
        self.prompt_text = "".join(f"{phrase}. " for phrase in phrases).strip()
        tokens = tokenizer(self.prompt_text, return_offsets_mapping=True)
        offsets = tokens["offset_mapping"]
        self.phrase_of_token = np.zeros((len(phrases), len(offsets)), dtype=bool)
        start = 0
        for number, phrase in enumerate(phrases):
            stop = start + len(phrase)
            for token, (first, last) in enumerate(offsets):
                self.phrase_of_token[number, token] = first < last and start <= first < stop
            start = stop + 2


def batch_phrases(
    phrases: Sequence[str], tokenizer: Any, *, max_tokens: int
) -> Iterator[PhrasePrompt]:
    """Yield prompts of as many phrases as fit into `max_tokens` tokens, in order."""
    pending: list[str] = []
    for phrase in phrases:
        # A dot ends a phrase, so phrases must have none; the model is uncased.
        phrase = " ".join(phrase.lower().replace(".", " ").split())
        prompt = PhrasePrompt([*pending, phrase], tokenizer)
        if not prompt.phrase_of_token[-1].any():
            raise UserError(f"sources.images.localise.phrases: {phrase!r} has no word; remove it")
        if prompt.phrase_of_token.shape[1] > max_tokens:
            if not pending:
                raise UserError(f"sources.images.localise.phrases: {phrase!r} is too long")
            yield PhrasePrompt(pending, tokenizer)
            pending = []
        pending.append(phrase)
    if pending:
        yield PhrasePrompt(pending, tokenizer)
