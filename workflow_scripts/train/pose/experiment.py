"""What a pose model is trained on, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.pose import PoseTrainingSettings
from workflow_scripts.train.training import TrainingSpec, digest_files


@dataclass(frozen=True, kw_only=True)
class PoseExperiment(TrainingSpec):
    """Training of a model of 3D keypoints.

    Attributes:
        views: Shards of demonstrations.
        settings: The experiment's settings.
    """

    views: tuple[Path, ...]
    settings: PoseTrainingSettings

    code_module: ClassVar[str] = "workflow_scripts.train.pose.train_lifter"

    @property
    def num_processes(self) -> int:
        return self.settings.num_processes

    def check_inputs(self) -> None:
        for path in self.views:
            if not path.exists():
                raise UserError(f"--views {path}: not found; run the rules of stage views first")

    def identity_fields(self) -> dict[str, Any]:
        ignored = {"save_steps", "save_minutes", "num_processes"}
        return {
            "settings": self.settings.model_dump(mode="json", exclude=ignored),
            "data_sha256": data_digest(self.views),
        }

    def description(self) -> dict[str, Any]:
        """Return settings and inputs as plain values, for config.yaml and the model card."""
        views = [str(path) for path in self.views]
        inputs = {"name": self.name, "views": views, "seed": self.seed}
        return {**self.settings.model_dump(mode="json"), **inputs}

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        from workflow_scripts.train.pose.train_lifter import train

        train(self, should_stop)


def data_digest(views: tuple[Path, ...]) -> str:
    """Hash the tables beside shards and their projected keypoints.

    The tables hold hashes of the episodes' states, from which the images follow.
    """
    files: list[Path] = []
    for path in views:
        stem = path.name.removesuffix(".zarr")
        files += sorted(path.parent.glob(f"{stem}.*.parquet"))
        files += sorted(file for file in (path / "keypoints_px").rglob("*") if file.is_file())
    return digest_files(files)
