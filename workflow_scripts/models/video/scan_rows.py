"""Scans and questions about them on their way to a video model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.models.shared_prefix import IGNORE_INDEX
from workflow_scripts.models.video.frame_encoder import FramePixels
from workflow_scripts.models.video.object_patches import ObjectPatches
from workflow_scripts.models.video.token_coordinates import TokenCoordinates, TokenGrid


@dataclass(frozen=True)
class ScanFrames:
    """The frames of a scan that a model sees, in time order.

    Attributes:
        rgb: u8 [frames, height, width, 3].
        depth_m: f32 [frames, depth height, depth width], planar, of the same field of view.
        intrinsics: f64 [frames, 3, 3], of the depth maps.
        world_from_camera: f64 [frames, 4, 4].
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray


@dataclass(frozen=True)
class EncodedFrames:
    """Frames as the vision tower takes them, with the coordinates of their tokens."""

    frames: ScanFrames
    pixels: FramePixels
    patch_grid: TokenGrid
    patches: TokenCoordinates
    tokens: TokenCoordinates


@dataclass(frozen=True)
class EncodedScan:
    """A scan with its proposals.

    Attributes:
        frames: None if the model sees none.
        boxes: f64 [proposals, 6], axis-aligned: centre x, y, z, size x, y, z in metres.
        object_patches: The patches that show each proposal.
    """

    frames: EncodedFrames | None
    boxes: np.ndarray
    object_patches: ObjectPatches

    @property
    def num_frames(self) -> int:
        return 0 if self.frames is None else len(self.frames.frames.rgb)


@dataclass(frozen=True)
class ScanQuestion:
    """What is asked about a scan, and what is to be said.

    Attributes:
        prompt: The user's words, with a `<coord>` for each of `points_m`.
        answer: What is taught; with `<ground>` the hidden state there chooses among the
            proposals. None: the model is to go on in its own words.
        points_m: [points, 3].
        targets: Proposals that are meant (rows of the boxes); none: no object. Of a question with
            a `<ground>` in its prompt: those that it is about, all of them alike; None: not known.
        anchors: Other proposals that the prompt speaks of; none where that is not known.
    """

    prompt: str
    answer: str | None = None
    points_m: Sequence[Sequence[float]] = ()
    targets: Sequence[int] | None = ()
    anchors: Sequence[int] = ()


@dataclass(frozen=True)
class EncodedQuestion:
    """A question's tokens, one for each frame, and the labels of its answer (else -100)."""

    question: ScanQuestion
    tokens: list[int]
    labels: list[int]
    num_queries: int

    @property
    def num_answer_tokens(self) -> int:
        return sum(label != IGNORE_INDEX for label in self.labels)


@dataclass(frozen=True)
class ScanRow:
    """A scan and questions that share their first `prefix_length` tokens."""

    scan: EncodedScan
    questions: tuple[EncodedQuestion, ...]
    prefix_length: int
    frame_tokens: int

    @property
    def num_tokens(self) -> int:
        """Return the length of the sequence."""
        own = sum(len(entry.tokens) - self.prefix_length for entry in self.questions)
        more = self.scan.num_frames * (self.frame_tokens - 1) if self.frame_tokens else 0
        return self.prefix_length + own + more

    @property
    def num_answer_tokens(self) -> int:
        return sum(entry.num_answer_tokens for entry in self.questions)

    @property
    def num_queries(self) -> int:
        return sum(entry.num_queries for entry in self.questions)
