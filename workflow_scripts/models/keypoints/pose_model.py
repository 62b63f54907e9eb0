"""Trained pose models on disk, and their estimates for episodes."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from workflow_scripts.common.checksums import check_if_recorded
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Record
from workflow_scripts.common.storage import atomic_write, write_text
from workflow_scripts.models.keypoints.lifter import Lifter, LifterSize
from workflow_scripts.models.keypoints.lifter_inputs import compute_lifter_inputs
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import TrackDataset

WEIGHTS = "model.safetensors"
SETTINGS = "model.json"
_BATCH = 512


class PoseModel(Record):
    """`model.json`: what a trained pose model is and needs."""

    schema_version: int = 1
    experiment: str
    kind: str
    objective: str
    front_end: str
    names: list[str]
    tasks: list[str]
    conditions: tuple[str, ...] = ()
    noise: dict[str, float | bool]
    size: dict[str, int]

    def noise_model(self) -> NoiseModel:
        """Return the noise model that it was trained for."""
        return NoiseModel.parse(self.noise)


def save_model(folder: Path, model: torch.nn.Module, settings: PoseModel) -> None:
    """Write weights and settings into a folder."""
    tensors = {name: value.contiguous().cpu() for name, value in model.state_dict().items()}
    with atomic_write(folder / WEIGHTS) as partial:
        save_file(tensors, partial)
    write_text(folder / SETTINGS, settings.model_dump_json(indent=2) + "\n")


def read_settings(folder: Path) -> PoseModel:
    """Read what a model is; `UserError` if there is none."""
    path = folder / SETTINGS
    check_if_recorded(path)
    try:
        return PoseModel.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no settings of a pose model: {error}") from error


def load_lifter(folder: Path) -> tuple[Lifter, PoseModel]:
    """Load a lifter for use."""
    settings = read_settings(folder)
    lifter = Lifter(LifterSize(**settings.size))
    load_weights(lifter, folder)
    return lifter, settings


def load_weights(model: torch.nn.Module, folder: Path) -> None:
    """Fill a model with the weights in a folder and set it to use."""
    check_if_recorded(folder / WEIGHTS)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except Exception as error:  # safetensors and torch raise many types for damaged files
        raise UserError(
            f"{folder / WEIGHTS}: cannot be loaded: {error}. Remove it and train again."
        ) from error
    model.eval()


@torch.no_grad()
def lift_tracks(
    lifter: Lifter,
    tracks: TrackDataset,
    *,
    mask_centre_frame: bool,
    frames: Sequence[int] | None = None,
) -> Tensor:
    """Return points [F, K, 3] of all frames, or of some; NaN where nothing ever fixed a point.

    `mask_centre_frame` hides the frame itself in its window, as in training with objective masked.
    """
    window = lifter.size.window
    device = lifter.shapes.device
    evidence = compute_lifter_inputs(tracks.clip, tracks.episode, lifter.shapes.cpu())
    hidden = torch.zeros(window, 1)
    if mask_centre_frame:
        hidden[window // 2] = 1
    chosen = torch.arange(len(tracks)) if frames is None else torch.tensor(list(frames))
    parts = []
    for part in chosen.split(_BATCH):
        index = tracks.window_index(part, window=window)
        seen = evidence[index].mask_frames(hidden)
        points = lifter(
            seen.to(device), tracks.clip.names[part].to(device), tracks.clip.known[part].to(device)
        )[:, window // 2].cpu()
        # A point that no frame of the window fixes would be a guess.
        has_estimate = (seen.has_rigid_fit.sum(dim=1) > 0) & (tracks.clip.known[part] > 0)
        parts.append(torch.where(has_estimate[..., None], points, torch.nan))
    return torch.cat(parts)
