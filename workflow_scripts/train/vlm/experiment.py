"""What a vision-language model is tuned on, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.question_table import content_digest
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.train.training import TrainingSpec, digest_files


@dataclass(frozen=True, kw_only=True)
class VlmExperiment(TrainingSpec):
    """Tuning of a vision-language model.

    Attributes:
        base: Local folder or hub id of the base model.
        data: Table of the questions of the training split, or a LLaVA JSON file.
        images: Folder that its pictures are relative to.
        validation: The same of the validation split.
        max_validation: At most so many of its entries are used.
        settings: The experiment's settings.
    """

    base: str
    data: Path
    images: Path
    settings: VlmTrainingSettings
    validation: Path | None = None
    max_validation: int = 128

    code_module: ClassVar[str] = "workflow_scripts.train.vlm.finetune"

    @property
    def num_processes(self) -> int:
        return self.settings.num_processes

    def check_inputs(self) -> None:
        for flag, path in (("data", self.data), ("images", self.images)):
            if not path.exists():
                raise UserError(f"--{flag} {path}: not found; run the rules of stage vqa first")

    def identity_fields(self) -> dict[str, Any]:
        ignored = {"save_steps", "save_minutes", "num_processes"}
        files = [self.data, *([self.validation] if self.validation else [])]
        base = Path(self.base)
        weights = sorted(base.glob("*.safetensors")) if base.is_dir() else []
        return {
            "settings": self.settings.model_dump(mode="json", exclude=ignored),
            "base": self.base,
            "max_validation": self.max_validation,
            "data_sha256": [_data_digest(path) for path in files if path.exists()],
            "base_sha256": digest_files(weights),
        }

    def description(self) -> dict[str, Any]:
        """Return settings and inputs as plain values, for config.yaml and the model card."""
        inputs = {"name": self.name, "base": self.base, "data": str(self.data), "seed": self.seed}
        return {**self.settings.model_dump(mode="json"), **inputs}

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        from workflow_scripts.train.vlm.finetune import train

        train(self, should_stop)


def _data_digest(path: Path) -> str:
    """Return what identifies a file of questions: of a table the digest that it stores."""
    return content_digest(path) if path.suffix == ".parquet" else digest_files([path])
