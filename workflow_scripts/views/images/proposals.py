"""The interface of object proposers, and the table of proposers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workflow_scripts.sources.readers.photo_records import PhotoReadRow

BACKENDS = {
    "masks": "workflow_scripts.views.images.backends.masks:UserMasks",
    "florence2": "workflow_scripts.views.images.backends.florence2:Florence2",
    "grounding_dino": "workflow_scripts.views.images.backends.grounding_dino:GroundingDino",
}
DEFAULT_MODELS = {
    "florence2": "florence-community/Florence-2-base",
    "grounding_dino": "IDEA-Research/grounding-dino-tiny",
}


@dataclass(frozen=True)
class Proposal:
    """An object in an image: a phrase, a confidence, a box in pixels (x0, y0, x1, y1).

    `mask` [h, w] is None if the proposer made none; `reason` says why it cannot be used, else ''.
    """

    label: str
    confidence: float
    box: tuple[float, float, float, float]
    mask: np.ndarray | None = None
    mask_score: float = float("nan")
    reason: str = ""


@dataclass(frozen=True)
class PhotoView:
    """The input of proposers: rgb u8 [h, w, 3] of a photo without bars, and the photo's row."""

    rgb: np.ndarray
    row: PhotoReadRow


class Proposer(Protocol):
    """A backend, constructed from `ProposerOptions`. Boxes and masks are in pixels of `rgb`."""

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo; `UserError` if the model cannot run at all."""
        ...


class Segmenter(Protocol):
    """Predicts masks for boxes."""

    def segment(self, rgb: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return masks bool [n, h, w] and scores [n] of boxes [n, 4] in an image u8 [h, w, 3]."""
        ...


@dataclass(frozen=True)
class ProposerOptions:
    """The options of proposers; each uses those that apply to it."""

    model: str
    phrases: tuple[str, ...]
    min_confidence: float
    masks: str
    device: str
