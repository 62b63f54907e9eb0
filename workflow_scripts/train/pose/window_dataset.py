"""Windows for training. Sample number i of a training is the same whatever ran before it."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from workflow_scripts.common.seeds import rng
from workflow_scripts.models.keypoints.lifter_inputs import LifterInputs, compute_lifter_inputs
from workflow_scripts.models.keypoints.noise import NoiseModel, add_observation_noise
from workflow_scripts.models.keypoints.track_dataset import TrackDataset
from workflow_scripts.train.pose.losses import hidden_frames


class WindowDataset(Dataset[dict[str, Tensor]]):
    """All windows of a training in the order in which they are used, epoch after epoch.

    The order, what is hidden and (with labels, where the exact projections are known) the noise
    are drawn for each epoch from its number, so a resumed training continues with the samples of
    an uninterrupted one, on any number of ranks.
    """

    def __init__(
        self,
        tracks: TrackDataset,
        shapes: Tensor,
        *,
        objective: str,
        noise: NoiseModel,
        view_dropout: float,
        window: int,
        num_samples: int,
        seed: int,
    ) -> None:
        self._tracks = tracks
        self._shapes = shapes
        self._objective = objective
        self._noise = noise
        self._dropout = view_dropout
        self._window = window
        self._num_samples = num_samples
        self._seed = seed
        self._epoch = -1
        self._order = torch.zeros(0, dtype=torch.long)
        self._evidence: LifterInputs | None = None

    def __len__(self) -> int:
        return self._num_samples

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = self.__getitems__([index])
        return batch

    def __getitems__(self, indices: list[int]) -> Any:
        """Return a batch; the data loader asks for all of its samples at once."""
        size = len(self._tracks)
        parts = []
        for epoch in sorted({index // size for index in indices}):
            self._start_epoch(epoch)
            chosen = torch.tensor([index % size for index in indices if index // size == epoch])
            parts.append(self._batch(self._order[chosen], epoch))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _start_epoch(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        generator = rng(self._seed, "epoch", epoch)
        clip = self._tracks.clip
        if self._objective == "supervised":
            clip = replace(clip, observed=self._resample_noise(epoch))
        if self._dropout:
            clip = replace(clip, weights=clip.weights * self._view_dropout_mask(generator))
        self._order = torch.from_numpy(generator.permutation(len(self._tracks)))
        self._evidence = compute_lifter_inputs(clip, self._tracks.episode, self._shapes)
        self._epoch = epoch

    def _view_dropout_mask(self, generator: np.random.Generator) -> Tensor:
        """Return 0 for hidden views [F, V, 1]: half of them for whole episodes, half at random."""
        frames, views = self._tracks.clip.weights.shape[:2]
        share = self._dropout / 2
        kept_in_episode = generator.random((len(self._tracks.sources), views)) >= share
        kept = kept_in_episode[self._tracks.episode.numpy()] & (
            generator.random((frames, views)) >= share
        )
        return torch.from_numpy(kept.astype(np.float32))[..., None]

    def _resample_noise(self, epoch: int) -> Tensor:
        """Return other noise on the same exact projections [F, V, K, 2]."""
        clip = self._tracks.clip
        exact, seen = clip.exact.numpy(), clip.in_view.numpy() > 0
        parts = []
        for number, track in enumerate(self._tracks.sources):
            frames = self._tracks.episode == number
            height = track.height_px / track.width_px
            # 2D is in picture widths here, and noise is a share of the width.
            parts.append(
                add_observation_noise(
                    exact[frames],
                    seen[frames],
                    width_px=1,
                    height_px=height,
                    model=self._noise,
                    rng=rng(self._seed, "observe", track.scene_id, epoch),
                )[0]
            )
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))

    def _batch(self, frames: Tensor, epoch: int) -> dict[str, Tensor]:
        assert self._evidence is not None
        index = self._tracks.window_index(frames, window=self._window)
        clip = self._tracks.clip
        generator = rng(self._seed, "hidden", epoch, int(frames[0]))
        hidden = hidden_frames(self._objective, len(frames), self._window, generator)
        evidence = self._evidence[index].mask_frames(hidden[..., None])
        return {
            **{f"evidence_{f.name}": getattr(evidence, f.name) for f in fields(LifterInputs)},
            "hidden": hidden,
            "names": clip.names[frames],
            "known": clip.known[frames],
            "bodies": clip.bodies[frames],
            "points_m": clip.points_m[index],
            "observed": clip.observed[index],
            "weights": clip.weights[index],
            "projections": clip.projections[index],
        }


def collate(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the batch unchanged; `WindowDataset` makes whole batches."""
    return batch


def batch_evidence(batch: dict[str, Tensor]) -> LifterInputs:
    """Return the evidence in a batch."""
    return LifterInputs(**{f.name: batch[f"evidence_{f.name}"] for f in fields(LifterInputs)})
