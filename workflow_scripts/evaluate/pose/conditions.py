"""How test episodes are observed: every noise with all views, and every camera missing once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import TrackDataset

# Errors as a detector makes them: some outliers, some bias, correlated from frame to frame.
DETECTOR = NoiseModel(multiplier=1, outliers=0.03, bias=0.5, correlation=0.8)
ALL_VIEWS = "all"


@dataclass(frozen=True)
class ObservationCondition:
    """One way to observe episodes.

    Attributes:
        noise: Its name in the table: exact, 1x, 2x, 3x, detector, or images.
        model: The noise model.
        missing_camera: Name of the camera that is missing, '' for none.
        num_views_kept: How many views are kept, the first of the list; 0 keeps all.
    """

    noise: str
    model: NoiseModel
    missing_camera: str = ""
    num_views_kept: int = 0

    @property
    def views(self) -> str:
        """Return the name of the set of views in the table."""
        if self.missing_camera:
            return f"without {self.missing_camera}"
        return f"first {self.num_views_kept}" if self.num_views_kept else ALL_VIEWS


def noise_name(model: NoiseModel) -> str:
    """Return the name of a noise model in the table."""
    if model == DETECTOR.model_copy(update={"occlusion": model.occlusion}):
        return "detector"
    is_standard = model == NoiseModel(multiplier=model.multiplier, occlusion=model.occlusion)
    if not is_standard:
        return "custom"
    return f"{model.multiplier:g}x" if model.multiplier else "exact"


def conditions(
    trained: NoiseModel, cameras: Sequence[str], *, multipliers: Sequence[float]
) -> list[ObservationCondition]:
    """Return the conditions of the table, the trained one first.

    Args:
        trained: The noise that the model was trained for.
        cameras: Names of the views.
        multipliers: Further multiples of the published noise.
    """
    result = [ObservationCondition(noise_name(trained), trained)]
    noise_models = [
        NoiseModel(multiplier=size, occlusion=trained.occlusion) for size in multipliers
    ]
    detector = DETECTOR.model_copy(update={"occlusion": trained.occlusion})
    for model in [*noise_models, detector]:
        if noise_name(model) not in [condition.noise for condition in result]:
            result.append(ObservationCondition(noise_name(model), model))
    return result + view_subset_conditions(result[0], cameras)


def view_subset_conditions(
    base: ObservationCondition, cameras: Sequence[str]
) -> list[ObservationCondition]:
    """Return a condition for each missing camera, and with fewer and fewer down to two."""
    if len(cameras) < 3:
        return []
    result = [replace(base, missing_camera=camera) for camera in cameras]
    return result + [replace(base, num_views_kept=count) for count in range(2, len(cameras) - 1)]


def drop_views(tracks: TrackDataset, condition: ObservationCondition) -> TrackDataset:
    """Hide the views that a condition lacks."""
    if not (condition.missing_camera or condition.num_views_kept):
        return tracks
    views = tracks.clip.weights.shape[1]
    kept = torch.ones(len(tracks.sources), views)
    for episode_index, track in enumerate(tracks.sources):
        for view, camera in enumerate(track.cameras):
            too_many = condition.num_views_kept and view >= condition.num_views_kept
            if camera == condition.missing_camera or too_many:
                kept[episode_index, view] = 0
    weights = tracks.clip.weights * kept[tracks.episode][..., None]
    return replace(tracks, clip=replace(tracks.clip, weights=weights))
