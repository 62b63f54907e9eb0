"""What a video model is tuned on, and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workflow_scripts.common.checksums import checksum_path
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.view_shard import sibling_path
from workflow_scripts.experiments.video import VideoTrainingSettings
from workflow_scripts.train.training import TrainingSpec, digest_files


@dataclass(frozen=True, kw_only=True)
class VideoExperiment(TrainingSpec):
    """Tuning of a video model.

    Attributes:
        base: Local folder or hub id of the base model.
        data: Samples of the training split (JSON lines of `ScanSample`).
        views: View shards of the scans; their chosen frames lie beside them.
        proposals: Tables of `ProposalRow`.
        settings: The experiment's settings.
        validation: Samples of the validation split.
        max_validation: At most so many of them are used.
    """

    base: str
    data: Path
    views: Sequence[Path]
    proposals: Sequence[Path]
    settings: VideoTrainingSettings
    validation: Path | None = None
    max_validation: int = 128

    code_module: ClassVar[str] = "workflow_scripts.train.video.finetune"
    #: Settings that change no result.
    ignored: ClassVar[frozenset[str]] = frozenset({"save_steps", "save_minutes", "num_processes"})

    @property
    def num_processes(self) -> int:
        return self.settings.num_processes

    def check_inputs(self) -> None:
        files = [("data", self.data)]
        files += [("views", path) for path in self.views]
        files += [("proposals", path) for path in self.proposals]
        for flag, path in files:
            if not path.exists():
                raise UserError(
                    f"--{flag} {path}: not found; run the rules of stages views and vqa first"
                )

    def identity_fields(self) -> dict[str, Any]:
        base = Path(self.base)
        weights = sorted(base.glob("*.safetensors")) if base.is_dir() else []
        files = [self.data, *([self.validation] if self.validation else []), *self.proposals]
        # A shard's checksums say what all of its bytes are.
        shown = [checksum_path(path) for path in self.views]
        if self.settings.frames.strategy == "chosen":
            shown += [sibling_path(path, "frames.parquet") for path in self.views]
        return {
            "settings": self.settings.model_dump(mode="json", exclude=set(self.ignored)),
            "base": self.base,
            "max_validation": self.max_validation,
            "data_sha256": digest_files(path for path in files if path.exists()),
            "scans_sha256": digest_files(path for path in shown if path.exists()),
            "base_sha256": digest_files(weights),
        }

    def description(self) -> dict[str, Any]:
        """Return settings and inputs as plain values, for config.yaml and the model card."""
        inputs = {"name": self.name, "base": self.base, "data": str(self.data), "seed": self.seed}
        return {**self.settings.model_dump(mode="json"), **inputs}

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        from workflow_scripts.train.video.finetune import train

        train(self, should_stop)
