"""Choose the frames of a scan: equal steps in time, or those that cover the most of the scene.

Maximum coverage is greedy: the frame that shows most voxels that no chosen frame shows, again and
again. Of equal frames the first in time is chosen, so equal input gives equal frames. The
shortest prefix of that order that covers some share of what all frames show is the same method
with a ratio.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workflow_scripts.common.errors import UserError, allowed_values

UNIFORM = "uniform"
#: Strategies by name; a number is the share of the voxels of all frames at which greedy maximum
#: coverage ends, None is none.
STRATEGIES: Mapping[str, float | None] = {
    UNIFORM: None,
    "mc": None,
    "mc-ratio90": 0.90,
    "mc-ratio95": 0.95,
}


class CoveredVoxels(Protocol):
    """What is known of the voxels that frames show; see `voxel_coverage.FrameVoxels`."""

    @property
    def is_candidate(self) -> np.ndarray:
        """Whether a frame shows anything, bool [num_frames]."""
        ...

    @property
    def num_voxels(self) -> int:
        """Number of voxels that all frames show together."""
        ...

    def greedy_cover(self, max_frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Return frames i64 [k] and their gains i64 [k] of greedy maximum coverage."""
        ...

    def marginal_gains(self, frames: np.ndarray) -> np.ndarray:
        """Return i64 [k]: the voxels that each of some frames shows and none before it."""
        ...


@dataclass(frozen=True)
class FrameSelection:
    """Chosen frames, and what each adds.

    Attributes:
        frames: i64 [k], indices of frames in the order in which they were chosen.
        gains: i64 [k], voxels that each shows and none before it.
        num_voxels: voxels that all candidates show together.
    """

    frames: np.ndarray
    gains: np.ndarray
    num_voxels: int

    @property
    def coverage(self) -> np.ndarray:
        """Share of the candidates' voxels that the first frames show, f64 [k]."""
        coverage: np.ndarray = np.cumsum(self.gains) / max(self.num_voxels, 1)
        return coverage


def frame_budget(
    *, max_frames: int | None, max_tokens: int | None = None, tokens_per_frame: int = 1
) -> int | None:
    """Return how many frames may be chosen; None where nothing limits them.

    Raises `UserError` for a budget that no frame fits in.
    """
    limits = [] if max_frames is None else [max_frames]
    if max_tokens is not None:
        if tokens_per_frame < 1:
            raise UserError(f"tokens_per_frame: {tokens_per_frame} must be at least 1")
        limits.append(max_tokens // tokens_per_frame)
    budget = min(limits, default=None)
    if budget is not None and budget < 1:
        raise UserError(
            f"max_frames: {max_frames}, max_tokens: {max_tokens}: no frame of {tokens_per_frame} "
            "tokens fits; allow at least one"
        )
    return budget


def choose_frames(
    voxels: CoveredVoxels, *, strategy: str, max_frames: int | None = None
) -> FrameSelection:
    """Choose frames of a scan by the voxels that each shows.

    Candidates are the frames with depth (`voxels.is_candidate`). With `mc` there are `max_frames`
    frames if there are as many candidates, the last of which may add nothing.

    Raises `UserError` for an unknown strategy or a scan without candidates.
    """
    if strategy not in STRATEGIES:
        raise UserError(
            f"unknown frame selection {strategy!r}; {allowed_values(strategy, STRATEGIES)}"
        )
    candidates = np.flatnonzero(voxels.is_candidate)
    if not len(candidates):
        raise UserError("no frame of the scan has depth and a pose")
    count = len(candidates) if max_frames is None else min(max_frames, len(candidates))
    if count < 1:
        raise UserError(f"max_frames: {max_frames} must be at least 1")
    if strategy == UNIFORM:
        frames = candidates[np.linspace(0, len(candidates) - 1, count).astype(np.int64)]
        return FrameSelection(frames, voxels.marginal_gains(frames), voxels.num_voxels)
    frames, gains = voxels.greedy_cover(count)
    ratio = STRATEGIES[strategy]
    if ratio is not None:
        # Whole numbers: 0.9 times 10 voxels must not ask for more than 9.
        is_enough = np.cumsum(gains) * 100 >= round(100 * ratio) * voxels.num_voxels
        if is_enough.any():
            count = int(np.argmax(is_enough)) + 1
            frames, gains = frames[:count], gains[:count]
    return FrameSelection(frames, gains, voxels.num_voxels)
