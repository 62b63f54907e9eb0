"""Objects named by given phrases: Grounding DINO through transformers."""

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    GroundingDinoForObjectDetection,
)

from workflow_scripts.common.errors import UserError
from workflow_scripts.views.images.networks import loading, pictures, placed
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions

log = logging.getLogger(__name__)

ADVICE = (
    "Set sources.images.localise.model to a Grounding DINO model, such as "
    "IDEA-Research/grounding-dino-tiny, or to a local folder with one."
)
FLOOR = 0.05
"""Queries less sure than this are no proposals; what lies between is left out with a reason."""


class GroundingDino:
    """A Grounding DINO model on one device, asked for the same phrases of every photo.

    A box is called the phrase whose surest word it matches, so labels are always the user's
    phrases, never pieces of two. Phrases that do not fit one text are asked in several.
    """

    def __init__(self, options: ProposerOptions) -> None:
        if not options.phrases:
            raise UserError(
                "sources.images.localise.phrases is empty, but grounding_dino must be told what "
                "to look for, such as [box, chair]; or choose florence2"
            )
        key = "sources.images.localise.model"
        with loading(key, options.model, types=("grounding-dino",), advice=ADVICE) as config:
            self._processor = AutoImageProcessor.from_pretrained(options.model)
            self._tokenizer = AutoTokenizer.from_pretrained(options.model)
            network = GroundingDinoForObjectDetection.from_pretrained(options.model)
            longest = min(config.max_text_len, config.text_config.max_position_embeddings)
        self._model, self._device, _ = placed(network, options.device)
        # Its attention over scales is not made for half precision.
        self._model.float()
        self._floor = min(FLOOR, options.min_confidence)
        self._texts = list(texts_of(options.phrases, self._tokenizer, longest=longest))

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo; photos of one size go through the network together."""
        found: list[list[Proposal]] = [[] for _ in photos]
        shapes = {photo.rgb.shape for photo in photos}
        for shape in sorted(shapes):
            places = [place for place, photo in enumerate(photos) if photo.rgb.shape == shape]
            images = [photos[place].rgb for place in places]
            for text in self._texts:
                for place, proposals in zip(places, self._ask(images, text), strict=True):
                    found[place] += proposals
        return found

    @torch.inference_mode()
    def _ask(self, images: list[np.ndarray], text: "Text") -> Iterator[list[Proposal]]:
        inputs = self._processor(images=pictures(images), return_tensors="pt").to(self._device)
        tokens = self._tokenizer([text.words] * len(images), return_tensors="pt").to(self._device)
        output = self._model(**inputs, **tokens)
        height, width = images[0].shape[:2]
        scale = torch.tensor([width, height] * 2, device=self._device)
        for logits, boxes in zip(output.logits, output.pred_boxes, strict=True):
            scores = logits.sigmoid()[:, : text.phrase_of_token.shape[1]]
            of_phrase = torch.stack(
                [
                    scores[:, torch.as_tensor(mask, device=self._device)].max(dim=1).values
                    for mask in text.phrase_of_token
                ],
                dim=1,
            )
            best, phrase = of_phrase.max(dim=1)
            middle, half = boxes[:, :2], boxes[:, 2:] / 2
            corners = torch.cat([middle - half, middle + half], dim=1) * scale
            sure = torch.nonzero(best >= self._floor)[:, 0].tolist()
            yield [
                Proposal(
                    text.phrases[int(phrase[query])],
                    float(best[query]),
                    tuple(corners[query].tolist()),
                )
                for query in sure
            ]


class Text:
    """Phrases in one text, and which tokens are whose: bool [phrases, tokens]."""

    def __init__(self, phrases: Sequence[str], tokenizer: object) -> None:
        self.phrases = list(phrases)
        self.words = "".join(f"{phrase}. " for phrase in phrases).strip()
        tokens = tokenizer(self.words, return_offsets_mapping=True)  # type: ignore[operator]
        offsets = tokens["offset_mapping"]
        self.phrase_of_token = np.zeros((len(phrases), len(offsets)), dtype=bool)
        start = 0
        for number, phrase in enumerate(phrases):
            stop = start + len(phrase)
            for token, (first, last) in enumerate(offsets):
                self.phrase_of_token[number, token] = first < last and start <= first < stop
            start = stop + 2


def texts_of(phrases: Sequence[str], tokenizer: object, *, longest: int) -> Iterator[Text]:
    """Yield texts of as many phrases as fit into `longest` tokens, in order."""
    waiting: list[str] = []
    for phrase in phrases:
        # The dot ends a phrase, so a phrase has none; the network knows lower case only.
        phrase = " ".join(phrase.lower().replace(".", " ").split())
        text = Text([*waiting, phrase], tokenizer)
        if not text.phrase_of_token[-1].any():
            raise UserError(f"sources.images.localise.phrases: {phrase!r} has no word; remove it")
        if text.phrase_of_token.shape[1] > longest:
            if not waiting:
                raise UserError(f"sources.images.localise.phrases: {phrase!r} is too long")
            yield Text(waiting, tokenizer)
            waiting = []
        waiting.append(phrase)
    if waiting:
        yield Text(waiting, tokenizer)
