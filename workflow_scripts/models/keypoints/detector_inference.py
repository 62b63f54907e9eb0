"""What a trained detector sees in episodes, and triangulation weighted by its confidences."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.common.cli import progress
from workflow_scripts.common.demonstration_shard import DemonstrationShard, KeypointTrack
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.triangulation import (
    mask_undetermined,
    refine,
    triangulate_linear,
)
from workflow_scripts.models.keypoints.detector import Detector, DetectorSize
from workflow_scripts.models.keypoints.lifter_inputs import WORKSPACE_CENTRE_M
from workflow_scripts.models.keypoints.pose_model import PoseModel, load_weights, read_settings
from workflow_scripts.models.keypoints.track_dataset import TrackDataset

_BATCH = 64
# Less sure than this, a view has not seen the keypoint.
MIN_CONFIDENCE = 0.1


def task_condition(track: KeypointTrack) -> str:
    """Return what an episode asks for: its task and variation."""
    return f"{track.task}/{track.variation}"


def load_detector(folder: Path) -> tuple[Detector, PoseModel]:
    """Load a detector for use."""
    settings = read_settings(folder)
    detector = Detector(DetectorSize(**settings.size))
    load_weights(detector, folder)
    return detector, settings


@torch.no_grad()
def detect(
    detector: Detector,
    images: np.ndarray,
    *,
    names: Sequence[int],
    condition: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Find keypoints in pictures u8 [T, V, y, x, 3].

    Returns:
        Pixels [T, V, K, 2], and confidences [T, V, K], 0 where a view has not seen it.
    """
    steps, views, _, width = images.shape[:4]
    device = detector.name.weight.device
    flat = torch.from_numpy(np.ascontiguousarray(images)).flatten(0, 1)
    points, confidences = [], []
    for part in flat.split(_BATCH):
        name_ids = torch.tensor([list(names)] * len(part), device=device)
        condition_ids = torch.full((len(part),), condition, device=device)
        _, batch_points, batch_confidences = detector(part.to(device), name_ids, condition_ids)
        points.append(width * batch_points.cpu())
        confidences.append(batch_confidences.cpu())
    shape = (steps, views, len(names))
    confidence = torch.cat(confidences).reshape(shape).numpy().astype(np.float32)
    confidence[confidence < MIN_CONFIDENCE] = 0
    return torch.cat(points).reshape(*shape, 2).numpy().astype(np.float64), confidence


def detect_episodes(
    folder: Path, tracks: Sequence[KeypointTrack], shards: Mapping[str, DemonstrationShard]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find the keypoints of every frame of episodes; see `detect`."""
    detector, settings = load_detector(folder)
    size = (detector.size.width_px, detector.size.height_px)
    numbers = {name: number for number, name in enumerate(settings.names, start=1)}
    condition_ids = {name: number for number, name in enumerate(settings.conditions, start=1)}
    detections = []
    for track in progress(list(tracks), desc="detect"):
        if (track.width_px, track.height_px) != size:
            raise UserError(
                f"{track.scene_id}: pictures of {track.width_px} x {track.height_px} px, and the "
                f"detector learned from {size[0]} x {size[1]} px; give sources.rlbench.size_px "
                "that size or train again"
            )
        detections.append(
            detect(
                detector,
                shards[track.scene_id].images(track.scene_id),
                names=[numbers.get(f"{track.task}/{name}", 0) for name in track.names],
                condition=condition_ids.get(task_condition(track), 0),
            )
        )
    return detections


def triangulate_weighted(projections: Tensor, pixels: Tensor, weights: Tensor) -> Tensor:
    """Triangulate points [..., 3] weighted by confidence, differentiable in pixels and weights.

    A linear solution about the workspace's middle, then a Gauss-Newton step. Shapes as in
    `triangulation`; points that nothing fixes come out as anything.
    """
    workspace_centre = torch.tensor(WORKSPACE_CENTRE_M, dtype=pixels.dtype, device=pixels.device)
    shifted_column = projections[..., 3:] + projections[..., :3] @ workspace_centre[:, None]
    centred_projections = torch.cat([projections[..., :3], shifted_column], dim=-1)
    points = triangulate_linear(centred_projections, pixels, weights)
    # Points beyond reach, from almost parallel rays, would make the step's gradient explode.
    points = points * (2.0 / points.norm(dim=-1, keepdim=True).clamp_min(1e-6)).clamp(max=1.0)
    return refine(centred_projections, pixels, weights.square(), points, steps=1) + workspace_centre


def triangulate_detections(tracks: TrackDataset) -> Tensor:
    """Triangulate detected keypoints [F, K, 3] by their confidences; NaN where nothing fixes."""
    clip = tracks.clip
    pixels, weights = clip.observed.transpose(1, 2), clip.weights.transpose(1, 2)
    projections = clip.projections[:, None]
    points = triangulate_weighted(projections, pixels, weights)
    return mask_undetermined(projections, weights, points)
