"""Train a detector on images, end to end through triangulation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from workflow_scripts.common.demonstration_shard import DemonstrationShard, KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.seeds import rng
from workflow_scripts.models.keypoints.baselines import dlt
from workflow_scripts.models.keypoints.detector import STRIDE_PX, Detector, DetectorSize
from workflow_scripts.models.keypoints.detector_inference import (
    detect,
    task_condition,
    triangulate_detections,
    triangulate_weighted,
)
from workflow_scripts.models.keypoints.load_tracks import load_tracks
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.pose_model import PoseModel
from workflow_scripts.models.keypoints.track_dataset import (
    TrackDataset,
    build_track_dataset,
    keypoint_vocabulary,
)
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.pose.train_lifter import check_episodes, mean_error_mm
from workflow_scripts.train.pose.trainer import make_pose_trainer
from workflow_scripts.train.trainer import run_trainer

logger = logging.getLogger(__name__)
# Standard deviation of the Gaussian target of a heatmap, in cells.
_SIGMA_CELLS = 1.0
# Squared errors beyond (20 cm)^2 count by their tenth power (Iskakov et al. 2019).
_CLIP_SQUARE_CM = 400.0
_CONFIDENCE_WEIGHT, _TRIANGULATION_WEIGHT = 0.2, 0.02
_BRIGHTNESS = 0.1


class FrameDataset(Dataset[dict[str, Tensor]]):
    """Frames with all their views, in the order of training, epoch after epoch."""

    def __init__(
        self,
        tracks: TrackDataset,
        images: Sequence[np.ndarray],
        steps: Sequence[np.ndarray],
        conditions: Mapping[str, int],
        *,
        view_dropout: float,
        num_samples: int,
        seed: int,
    ) -> None:
        self._tracks = tracks
        self._images = images
        self._dropout = view_dropout
        self._num_samples = num_samples
        self._seed = seed
        # Each training frame: its index, its episode, and its index among the images read.
        self._frames = [
            (int(step) + int(tracks.first[tracks.episode == number][0]), number, place)
            for number, kept in enumerate(steps)
            for place, step in enumerate(kept)
        ]
        self._condition_ids = torch.tensor([conditions[task_condition(t)] for t in tracks.sources])

    def __len__(self) -> int:
        return self._num_samples

    @property
    def num_frames(self) -> int:
        """Return how many different frames there are."""
        return len(self._frames)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = self.__getitems__([index])
        return batch

    def __getitems__(self, indices: list[int]) -> Any:
        """Return a batch; sample number i is the same whatever ran before it."""
        views = self._tracks.clip.weights.shape[1]
        chosen, pictures, kept = [], [], []
        for index in indices:
            epoch, place = divmod(index, len(self._frames))
            order = rng(self._seed, "epoch", epoch).permutation(len(self._frames))
            frame, episode, step = self._frames[order[place]]
            generator = rng(self._seed, "sample", index)
            picture = self._images[episode][step].astype(np.float32)
            picture *= generator.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS)
            missing = views - len(picture)
            picture = np.pad(picture, [(0, missing), (0, 0), (0, 0), (0, 0)])
            pictures.append(picture.clip(0, 255).astype(np.uint8))
            chosen.append(frame)
            kept.append(generator.random(views) >= self._dropout)
        frames = torch.tensor(chosen)
        clip = self._tracks.clip[frames]
        num_cameras = torch.tensor([len(t.cameras) for t in self._tracks.sources])
        exists = torch.arange(views) < num_cameras[self._tracks.episode[frames]][:, None]
        return {
            "rgb": torch.from_numpy(np.stack(pictures)),
            "names": clip.names,
            "conditions": self._condition_ids[self._tracks.episode[frames]],
            "known": clip.known,
            "exact": clip.exact,
            "in_view": clip.in_view,
            "points_m": clip.points_m,
            "projections": clip.projections,
            "kept": torch.from_numpy(np.stack(kept)).float() * exists,
        }


class DetectorWithLoss(nn.Module):
    """A detector with its loss: heatmaps, confidences, and triangulated points."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, **batch: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch of `FrameDataset`."""
        rgb, exact = batch["rgb"], batch["exact"]
        size, views, keypoints = len(rgb), rgb.shape[1], exact.shape[2]
        names = batch["names"][:, None].expand(-1, views, -1).flatten(0, 1)
        condition_ids = batch["conditions"].repeat_interleave(views)
        maps, points, confidence = self.detector(rgb.flatten(0, 1), names, condition_ids)
        shape = (size, views, keypoints)
        points, confidence = points.view(*shape, 2), confidence.view(shape)
        seen = batch["in_view"] * batch["known"][:, None]
        heatmap_term = heatmap_loss(maps.view(*shape, *maps.shape[-2:]), exact, seen)
        exists = (batch["projections"].abs().sum(dim=(-1, -2)) > 0).float()[..., None]
        counted = (batch["known"][:, None] * exists).expand(shape)
        confidence_loss = functional.binary_cross_entropy(
            confidence, seen, weight=counted, reduction="sum"
        )
        triangulation_term = triangulation_loss(
            batch["projections"],
            points,
            confidence * batch["kept"][..., None],
            seen,
            batch["points_m"],
        )
        return {
            "loss": heatmap_term
            + _CONFIDENCE_WEIGHT * confidence_loss / counted.sum()
            + _TRIANGULATION_WEIGHT * triangulation_term
        }


def heatmap_loss(maps: Tensor, exact: Tensor, seen: Tensor) -> Tensor:
    """Return the mean cross-entropy of heatmaps [B, V, K, y, x] with Gaussians at seen keypoints.

    `exact` [B, V, K, 2] is in picture widths.
    """
    rows, columns = maps.shape[-2:]
    cells = exact * columns - 0.5
    x = torch.arange(columns, device=maps.device) - cells[..., :1]
    y = torch.arange(rows, device=maps.device) - cells[..., 1:]
    gaussian_x = (-0.5 * (x / _SIGMA_CELLS).square()).exp()
    gaussian_y = (-0.5 * (y / _SIGMA_CELLS).square()).exp()
    gaussian = gaussian_y[..., :, None] * gaussian_x[..., None, :]
    gaussian = gaussian / gaussian.sum(dim=(-1, -2), keepdim=True).clamp_min(1e-6)
    log_share = maps.flatten(-2).log_softmax(dim=-1)
    heatmap_cross_entropy = -(gaussian.flatten(-2) * log_share).sum(dim=-1)
    return (seen * heatmap_cross_entropy).sum() / seen.sum().clamp_min(1)


def triangulation_loss(
    projections: Tensor, points: Tensor, weights: Tensor, seen: Tensor, truth_m: Tensor
) -> Tensor:
    """Return the softly clipped squared error of triangulated points, in square centimetres.

    Only of keypoints that two views see; `projections` [B, V, 3, 4], `points` [B, V, K, 2] in
    picture widths, `weights` and `seen` [B, V, K], `truth_m` [B, K, 3].
    """
    used = ((seen > 0) & (weights > 0)).sum(dim=1) >= 2
    # Unused points need weights that keep gradients finite, because 0 x NaN is NaN.
    weights = torch.where(used[:, None], weights + 1e-4, torch.ones_like(weights))
    points_m = triangulate_weighted(
        projections[:, None], points.transpose(1, 2), weights.transpose(1, 2)
    )
    square = (100 * (points_m - truth_m)).square().sum(dim=-1)
    beyond = square.clamp_min(_CLIP_SQUARE_CM)
    clipped = torch.where(square < _CLIP_SQUARE_CM, square, beyond**0.1 * _CLIP_SQUARE_CM**0.9)
    return (used * clipped).sum() / used.sum().clamp_min(1)


def evenly_spaced_steps(track: KeypointTrack, count: int) -> np.ndarray:
    """Return the numbers of `count` frames spread over an episode."""
    steps = len(track.keypoints_m)
    return np.unique(np.linspace(0, steps - 1, min(count, steps)).round().astype(int))


def read_frames(
    tracks: Sequence[KeypointTrack], shards: Mapping[str, DemonstrationShard], *, count: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return images [t, V, y, x, 3] of some frames of every episode, and their steps."""
    steps = [evenly_spaced_steps(track, count) for track in tracks]
    images = [
        shards[track.scene_id].images(track.scene_id)[kept]
        for track, kept in zip(tracks, steps, strict=True)
    ]
    return images, steps


def check_image_size(tracks: Sequence[KeypointTrack]) -> tuple[int, int]:
    """Return the common size of all images; `UserError` if sizes differ or are too small."""
    sizes = {(track.width_px, track.height_px) for track in tracks}
    if len(sizes) > 1:
        raise UserError(f"images of several sizes, {sorted(sizes)} px; a detector needs one size")
    width, height = sizes.pop()
    if min(width, height) < 8 * STRIDE_PX:
        raise UserError(
            f"images of {width} x {height} px are too small for a detector; "
            f"give sources.rlbench.size_px {8 * STRIDE_PX} or more"
        )
    return width, height


def train_detector(
    experiment: PoseExperiment, *, num_ranks: int, should_stop: Callable[[], bool]
) -> tuple[Any, Detector, PoseModel, dict[str, Any]]:
    """Train on this rank; return the Trainer, the detector, its settings and statistics."""
    settings = experiment.settings
    chosen = {"tasks": settings.tasks, "keypoints": settings.keypoints}
    train_tracks, shards = load_tracks(experiment.views, split="train", **chosen)
    val_tracks, val_shards = load_tracks(experiment.views, split="val", **chosen)
    check_episodes(experiment, train_tracks)
    width, height = check_image_size([*train_tracks, *val_tracks])
    names = keypoint_vocabulary(train_tracks)
    conditions = {
        name: number
        for number, name in enumerate(sorted(set(map(task_condition, train_tracks))), 1)
    }
    noise = settings.noise_model()
    tracks = build_track_dataset(train_tracks, noise=noise, names=names, seed=experiment.seed)
    images, steps = read_frames(train_tracks, shards, count=experiment.settings.frames_per_episode)
    samples = FrameDataset(
        tracks,
        images,
        steps,
        conditions,
        view_dropout=settings.view_dropout,
        num_samples=settings.steps * settings.batch_size,
        seed=experiment.seed,
    )
    torch.manual_seed(experiment.seed)
    size = DetectorSize(
        num_names=len(names), num_conditions=len(conditions), width_px=width, height_px=height
    )
    detector = Detector(size)
    validation = _DetectorValidation(experiment, val_tracks, val_shards, names, conditions)
    trainer = make_pose_trainer(
        DetectorWithLoss(detector),
        samples,
        experiment,
        num_ranks=num_ranks,
        collator=lambda batch: batch,
        validate=lambda: validation.validate(detector)[0],
        log_figure=lambda writer, step: validation.log_figure(detector, writer, step),
        should_stop=should_stop,
    )
    run_trainer(trainer, experiment, num_ranks=num_ranks)
    training_stats = {
        "episodes": len(train_tracks),
        "frames": samples.num_frames,
        "validation_episodes": len(val_tracks),
        "validation_baselines_mm": validation.validate(detector)[1],
        "parameters": sum(value.numel() for value in detector.parameters()),
    }
    model_settings = PoseModel(
        experiment=experiment.name,
        kind="detector",
        objective=settings.objective,
        front_end=settings.front_end,
        names=names,
        tasks=sorted({name.split("/")[0] for name in names}),
        conditions=tuple(conditions),
        noise=noise.model_dump(),
        size=size.as_dict(),
    )
    return trainer, detector, model_settings, training_stats


class _DetectorValidation:
    """Frames of validation episodes for validation during training."""

    def __init__(
        self,
        experiment: PoseExperiment,
        tracks: Sequence[KeypointTrack],
        shards: Mapping[str, DemonstrationShard],
        names: list[str],
        conditions: Mapping[str, int],
    ) -> None:
        self._seed = experiment.seed
        self._names = names
        self._conditions = conditions
        self._images, steps = read_frames(
            tracks, shards, count=experiment.settings.frames_per_episode
        )
        self._tracks = [track.select_steps(kept) for track, kept in zip(tracks, steps, strict=True)]

    def detected(self, detector: Detector) -> TrackDataset:
        """Return the episodes with the detector's observations."""
        numbers = {name: number for number, name in enumerate(self._names, start=1)}
        detector.eval()
        detections = [
            detect(
                detector,
                images,
                names=[numbers.get(f"{track.task}/{name}", 0) for name in track.names],
                condition=self._conditions.get(task_condition(track), 0),
            )
            for track, images in zip(self._tracks, self._images, strict=True)
        ]
        detector.train()
        return build_track_dataset(
            self._tracks,
            noise=NoiseModel(multiplier=0),
            names=self._names,
            seed=self._seed,
            detections=detections,
        )

    def validate(self, detector: Detector) -> tuple[dict[str, float], dict[str, float]]:
        """Return the detector's errors, and that of triangulating without its confidences."""
        if not self._tracks:
            return {}, {}
        tracks = self.detected(detector)
        clip = tracks.clip
        seen = (clip.in_view > 0) & (clip.weights > 0)
        width = self._tracks[0].width_px
        distance = width * (clip.observed - clip.exact).norm(dim=-1)[seen]
        errors = {
            "validation_mpjpe_mm": mean_error_mm(triangulate_detections(tracks), tracks),
            "validation_px": round(float(distance.mean()), 4) if seen.any() else float("nan"),
        }
        return errors, {"dlt": mean_error_mm(dlt(tracks), tracks)}

    def log_figure(self, detector: Detector, writer: Any, step: int) -> None:
        """Log a figure of the detections in a validation frame to TensorBoard."""
        from workflow_scripts.models.keypoints.plot_keypoints import plot_keypoint_views

        if not self._tracks:
            return
        tracks = self.detected(detector)
        track, images = self._tracks[0], self._images[0]
        frame = len(images) // 2
        views, keypoints = len(track.cameras), len(track.names)
        figure = plot_keypoint_views(
            true_px=track.keypoints_px[frame],
            estimated_px=track.width_px
            * tracks.clip.observed[frame, :views, :keypoints].double().numpy(),
            seen=track.visible[frame],
            cameras=track.cameras,
            size_px=(track.width_px, track.height_px),
            rgb=images[frame],
            title=f"{track.scene_id}, detected in single pictures",
        )
        writer.add_figure("validation/keypoints", figure, step)
