"""How test episodes are observed: every noise with all views, and every view missing once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from workflow_scripts.common.keypoints.noise import NoiseModel
from workflow_scripts.common.keypoints.tracks import Tracks

# Errors as a detector makes them: some gross, some that stay, and slow to change.
DETECTOR = NoiseModel(multiplier=1, outliers=0.03, bias=0.5, correlation=0.8)
ALL_VIEWS = "all"


@dataclass(frozen=True)
class Condition:
    """One way to observe episodes.

    Attributes:
        noise: Its name in the table: exact, 1x, 2x, 3x, detector, or images.
        model: The noise model.
        missing: Name of the camera that is missing, '' for none.
        only: How many views are left, the first ones of the list; 0 leaves all.
    """

    noise: str
    model: NoiseModel
    missing: str = ""
    only: int = 0

    @property
    def views(self) -> str:
        """Return the name of the set of views in the table."""
        if self.missing:
            return f"without {self.missing}"
        return f"first {self.only}" if self.only else ALL_VIEWS


def noise_name(model: NoiseModel) -> str:
    """Return the name of a noise model in the table."""
    if model == replace(DETECTOR, occlusion=model.occlusion):
        return "detector"
    plain = model == NoiseModel(multiplier=model.multiplier, occlusion=model.occlusion)
    if not plain:
        return "own"
    return f"{model.multiplier:g}x" if model.multiplier else "exact"


def conditions(
    trained: NoiseModel, cameras: Sequence[str], *, multipliers: Sequence[float]
) -> list[Condition]:
    """Return the conditions of the table, the trained one first.

    Args:
        trained: The noise that the model was trained for.
        cameras: Names of the views.
        multipliers: Further sizes of the published noise.
    """
    found = [Condition(noise_name(trained), trained)]
    wanted = [NoiseModel(multiplier=size, occlusion=trained.occlusion) for size in multipliers]
    for model in [*wanted, replace(DETECTOR, occlusion=trained.occlusion)]:
        if noise_name(model) not in [condition.noise for condition in found]:
            found.append(Condition(noise_name(model), model))
    return found + fewer_views(found[0], cameras)


def fewer_views(base: Condition, cameras: Sequence[str]) -> list[Condition]:
    """Return a condition for each missing view, and those with ever fewer views down to two."""
    if len(cameras) < 3:
        return []
    found = [replace(base, missing=camera) for camera in cameras]
    return found + [replace(base, only=count) for count in range(2, len(cameras) - 1)]


def without_views(tracks: Tracks, condition: Condition) -> Tracks:
    """Hide the views that a condition lacks."""
    if not (condition.missing or condition.only):
        return tracks
    views = tracks.clip.weights.shape[1]
    kept = torch.ones(len(tracks.sources), views)
    for number, track in enumerate(tracks.sources):
        for view, camera in enumerate(track.cameras):
            too_many = condition.only and view >= condition.only
            if camera == condition.missing or too_many:
                kept[number, view] = 0
    weights = tracks.clip.weights * kept[tracks.episode][..., None]
    return replace(tracks, clip=replace(tracks.clip, weights=weights))
