"""Episodes of keypoints as flat tensors, and windows of frames cut from them.

Letters of shapes: F frames of all episodes after each other, V views, K keypoints, T frames of a
window, B windows of a batch. Episodes with fewer views or keypoints than the largest are padded
with weight 0. 2D is in picture widths (u / width, v / width), and so are the first two rows of
the projection matrices: one normalisation on both sides of every loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.triangulation import projection_matrices
from workflow_scripts.models.keypoints.noise import NoiseModel, add_observation_noise


@dataclass(frozen=True)
class Clip:
    """Frames of episodes, or windows of them, as tensors with the same leading dimensions `...`.

    Attributes:
        observed: [..., V, K, 2], what the front end saw, picture widths.
        weights: [..., V, K], its confidence, 0 = not seen.
        exact: [..., V, K, 2], exact projections, 0 where there are none.
        in_view: [..., V, K], 1 where the exact projection exists and may be seen.
        projections: [..., V, 3, 4], to picture widths.
        points_m: [..., K, 3], truth.
        known: [..., K], 1 for keypoints, 0 for padding.
        names: [..., K], number of the keypoint's name (task and name), 0 = unknown.
        bodies: [..., K], number of what the keypoint is fixed to, unique in its episode, -1 none.
    """

    observed: Tensor
    weights: Tensor
    exact: Tensor
    in_view: Tensor
    projections: Tensor
    points_m: Tensor
    known: Tensor
    names: Tensor
    bodies: Tensor

    def __getitem__(self, index: Tensor) -> "Clip":
        """Take frames: an index [...] into F gives a clip with those leading dimensions."""
        return replace(self, **{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to(self, device: torch.device) -> "Clip":
        """Move every tensor."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class TrackDataset:
    """Episodes after each other.

    Attributes:
        clip: All frames.
        first: [F], index of the first frame of the frame's episode.
        last: [F], index of its last frame.
        episode: [F], number of its episode.
        sources: The episodes.
    """

    clip: Clip
    first: Tensor
    last: Tensor
    episode: Tensor
    sources: tuple[KeypointTrack, ...]

    def __len__(self) -> int:
        return len(self.first)

    def window(self, frames: Tensor, *, window: int) -> Clip:
        """Return the centred windows [B, T] of frames [B]; the ends of an episode are repeated."""
        return self.clip[self.window_index(frames, window=window)]

    def window_index(self, frames: Tensor, *, window: int) -> Tensor:
        """Return the frames [B, T] of centred windows."""
        offsets = torch.arange(window) - window // 2
        index = frames[:, None] + offsets
        return torch.minimum(
            torch.maximum(index, self.first[frames][:, None]), self.last[frames][:, None]
        )


def keypoint_vocabulary(tracks: Sequence[KeypointTrack]) -> list[str]:
    """Return the names "task/keypoint" of all keypoints, sorted."""
    return sorted({f"{track.task}/{name}" for track in tracks for name in track.names})


def check_track_cameras(track: KeypointTrack) -> None:
    """Raise `UserError` for an episode that no method can use: no views, broken cameras."""
    where = f"episode {track.scene_id}"
    if not track.cameras:
        raise UserError(f"{where}: zero cameras; keypoints need at least two views")
    matrices = projection_matrices(
        torch.from_numpy(np.asarray(track.intrinsics, dtype=np.float64)),
        torch.from_numpy(np.asarray(track.world_from_camera, dtype=np.float64)),
    )
    for number, name in enumerate(track.cameras):
        camera = matrices[:, number]
        if not torch.isfinite(camera).all():
            raise UserError(f"{where}: camera {name!r} has a number that is not finite")
        if (torch.linalg.det(camera[..., :3]).abs() < 1e-6).any():
            raise UserError(
                f"{where}: camera {name!r} is degenerate (its focal length or rotation has no "
                "inverse); check intrinsics and world_from_camera of the shard"
            )


def build_track_dataset(
    tracks: Sequence[KeypointTrack],
    *,
    noise: NoiseModel,
    names: Sequence[str],
    seed: int,
    detections: Sequence[tuple[np.ndarray, np.ndarray]] | None = None,
) -> TrackDataset:
    """Lay episodes after each other, observed through a noise model or by a detector.

    Args:
        tracks: Episodes.
        noise: How 2D is observed; each episode has its own generator, whatever the order.
        names: Names of keypoints that the model knows (see `vocabulary`).
        seed: The workflow's seed.
        detections: What a detector saw of each episode instead of the noise model: pixels
            [T, V, K, 2] and confidences [T, V, K].
    """
    if not tracks:
        raise UserError("no episodes: more of them, or other splits (config: sources, splits)")
    num_views = max(len(track.cameras) for track in tracks)
    num_keypoints = max(len(track.names) for track in tracks)
    numbers = {name: number for number, name in enumerate(names, start=1)}
    parts: list[Clip] = []
    for index, track in enumerate(tracks):
        check_track_cameras(track)
        detected = None if detections is None else detections[index]
        parts.append(
            _episode_clip(track, noise, numbers, seed, num_views, num_keypoints, detected=detected)
        )
    clip = Clip(
        **{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Clip)}
    )
    lengths = torch.tensor([len(track.keypoints_m) for track in tracks])
    ends = lengths.cumsum(0)
    return TrackDataset(
        clip=clip,
        first=(ends - lengths).repeat_interleave(lengths),
        last=(ends - 1).repeat_interleave(lengths),
        episode=torch.arange(len(tracks)).repeat_interleave(lengths),
        sources=tuple(tracks),
    )


def _episode_clip(
    track: KeypointTrack,
    noise: NoiseModel,
    numbers: dict[str, int],
    seed: int,
    num_views: int,
    num_keypoints: int,
    *,
    detected: tuple[np.ndarray, np.ndarray] | None,
) -> Clip:
    frames, views, keypoints = track.in_frame.shape
    finite = np.isfinite(track.keypoints_px).all(axis=-1)
    exact = np.where(finite[..., None], track.keypoints_px, 0.0)
    seen = (track.visible if noise.occlusion else track.in_frame) & finite
    if detected is None:
        generator = rng(seed, "observe", track.scene_id)
        observed, weights = add_observation_noise(
            track.keypoints_px,
            seen,
            width_px=track.width_px,
            height_px=track.height_px,
            model=noise,
            rng=generator,
        )
    else:
        observed, weights = detected
    widths = np.diag([1 / track.width_px, 1 / track.width_px, 1.0])
    matrices = projection_matrices(
        torch.from_numpy(widths @ track.intrinsics),
        torch.from_numpy(np.asarray(track.world_from_camera, dtype=np.float64)),
    )
    bodies = sorted(set(track.parents) - {""})
    body_of = {name: number for number, name in enumerate(bodies)}
    per_keypoint: dict[str, list[Any]] = {
        "known": [1.0] * keypoints,
        "names": [numbers.get(f"{track.task}/{name}", 0) for name in track.names],
        "bodies": [body_of.get(name, -1) for name in track.parents],
    }
    more_views, more_keypoints = num_views - views, num_keypoints - keypoints

    def padded(values: np.ndarray) -> Tensor:
        other_axes = [(0, 0)] * (values.ndim - 3)
        filled = np.pad(values, [(0, 0), (0, more_views), (0, more_keypoints), *other_axes])
        return torch.from_numpy(filled.astype(np.float32))

    def repeated(values: list[Any], filler: float, dtype: torch.dtype) -> Tensor:
        row = torch.tensor([*values, *[filler] * more_keypoints], dtype=dtype)
        return row.expand(frames, -1)

    points = np.pad(track.keypoints_m, [(0, 0), (0, more_keypoints), (0, 0)])
    return Clip(
        observed=padded(observed / track.width_px),
        weights=padded(weights),
        exact=padded(exact / track.width_px),
        in_view=padded(seen),
        projections=torch.cat(
            [matrices, matrices[:, :1].expand(-1, more_views, -1, -1)], dim=1
        ).float(),
        points_m=torch.from_numpy(points.astype(np.float32)),
        known=repeated(per_keypoint["known"], 0.0, torch.float32),
        names=repeated(per_keypoint["names"], 0, torch.long),
        bodies=repeated(per_keypoint["bodies"], -1, torch.long),
    )
