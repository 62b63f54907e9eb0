"""What a pose model is trained on, and how."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workflow_scripts.common.errors import UserError
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.settings import check_pose_model


@dataclass(frozen=True)
class LossTermWeights:
    """Weights of the terms that an unsupervised loss adds to the reprojection error.

    Attributes:
        temporal: Of accelerations within the window.
        rigidity: Of changed distances between keypoints of one body.
        cheirality: Of points behind a camera that saw them.
    """

    temporal: float = 0.01
    rigidity: float = 0.1
    cheirality: float = 1.0


@dataclass(frozen=True)
class PoseExperiment:
    """A pose model.

    Attributes:
        name: Name of the experiment.
        views: Shards of demonstrations.
        out: Folder for the result; checkpoints lie under it.
        tasks: Tasks to learn, one model for all of them; empty means all there are.
        keypoints: Names of the keypoints to learn; empty means all.
        front_end: What 2D comes from: exact projections, the noise model, or a detector on the
            pictures that is trained here.
        noise: The noise model.
        objective: supervised; masked (reprojection onto frames that the input lacks); published
            (reprojection onto the very 2D that is given).
        weights: Of the further terms of the masked objective.
        window: Frames of a window, odd.
        width: Channels of a token.
        layers: Attention layers.
        heads: Their heads.
        view_dropout: Share of observations hidden in training, so that any views will do.
        frames_per_episode: Frames of an episode that a detector learns from.
        steps: Optimizer steps.
        batch_size: Windows in a step over all ranks (a detector: frames, all their views).
        learning_rate: Peak, after a warm-up, before a cosine decay.
        save_steps: Steps between checkpoints.
        save_minutes: Minutes between checkpoints.
        checks: How often the model is compared with the validation episodes on the way.
        seed: Seed of the workflow.
    """

    name: str
    views: tuple[Path, ...]
    out: Path
    tasks: tuple[str, ...] = ()
    keypoints: tuple[str, ...] = ()
    front_end: Literal["oracle", "noise", "images"] = "noise"
    noise: NoiseModel = field(default_factory=NoiseModel)
    objective: Literal["supervised", "masked", "published"] = "supervised"
    weights: LossTermWeights = field(default_factory=LossTermWeights)
    window: int = 7
    width: int = 128
    layers: int = 3
    heads: int = 4
    view_dropout: float = 0.1
    frames_per_episode: int = 12
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    save_steps: int = 200
    save_minutes: float = 15
    checks: int = 8
    seed: int = 7

    def settings(self) -> dict[str, Any]:
        """Return every setting as plain values."""
        return json.loads(json.dumps(dataclasses.asdict(self), default=str))

    def noise_model(self) -> NoiseModel:
        """Return how 2D is observed; exact projections are noise of size 0."""
        if self.front_end == "noise":
            return self.noise
        return NoiseModel(multiplier=0.0, occlusion=self.noise.occlusion)

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def result(self) -> Path:
        """Return the folder of the finished result, beside the checkpoints."""
        return self.checkpoints / "result"

    def check_inputs(self) -> None:
        """Look for mistakes that need no training to be seen."""
        for path in self.views:
            if not path.exists():
                raise UserError(f"--views {path}: not found; run the rules of stage views first")
        check_pose_model(self.name, vars(self))

    def identity(self, *, num_ranks: int) -> dict[str, Any]:
        """Return what decides the result: a checkpoint of anything else must not be resumed."""
        ignored = {"out", "save_minutes", "save_steps", "views"}
        chosen = {key: val for key, val in self.settings().items() if key not in ignored}
        return {**chosen, "data_sha256": data_digest(self.views), "ranks": num_ranks}


def data_digest(views: tuple[Path, ...]) -> str:
    """Hash the tables beside shards and their projected keypoints.

    The tables hold hashes of the episodes' states; the pictures follow from those.
    """
    found = hashlib.sha256()
    for path in views:
        stem = path.name.removesuffix(".zarr")
        for table in sorted(path.parent.glob(f"{stem}.*.parquet")):
            found.update(table.read_bytes())
        for file in sorted((path / "keypoints_px").rglob("*")):
            if file.is_file():
                found.update(file.read_bytes())
    return found.hexdigest()
