"""What a proposer of objects must offer, and the table of proposers."""

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
    """An object in a picture: a phrase, a confidence, a box in pixels (x0, y0, x1, y1).

    `mask` [h, w] is there if the proposer made one; `reason` says why it cannot be used, if so.
    """

    label: str
    confidence: float
    box: tuple[float, float, float, float]
    mask: np.ndarray | None = None
    mask_score: float = float("nan")
    reason: str = ""


@dataclass(frozen=True)
class PhotoView:
    """A photo as proposers see it: rgb u8 [h, w, 3] without bars, and where it comes from."""

    rgb: np.ndarray
    row: PhotoReadRow


class Proposer(Protocol):
    """A backend, made from `ProposerOptions`. Boxes and masks are in pixels of `rgb`."""

    def propose(self, photos: Sequence[PhotoView]) -> list[list[Proposal]]:
        """Return the objects of each photo; `UserError` if the model cannot run at all."""
        ...


class Segmenter(Protocol):
    """Makes masks of boxes."""

    def segment(self, rgb: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return masks bool [n, h, w] and scores [n] of boxes [n, 4] in a picture u8 [h, w, 3]."""
        ...


@dataclass(frozen=True)
class ProposerOptions:
    """What proposers are made from; each takes what it needs."""

    model: str
    phrases: tuple[str, ...]
    min_confidence: float
    masks: str
    device: str
