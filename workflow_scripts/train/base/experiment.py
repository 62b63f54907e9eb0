"""What the tiny base is pre-trained on, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.train import TinyBaseSettings
from workflow_scripts.train.training import TrainingSpec, digest_files


@dataclass(frozen=True, kw_only=True)
class PretrainExperiment(TrainingSpec):
    """Pre-training of the tiny base on one rank.

    Attributes:
        views: View shards; only their training split is learned.
        settings: Settings of the pre-training.
        save_minutes: Minutes between checkpoints.
    """

    views: tuple[Path, ...]
    settings: TinyBaseSettings
    save_minutes: float = 1.0

    code_module: ClassVar[str] = "workflow_scripts.train.base.pretrain"

    @property
    def num_processes(self) -> int:
        return 1

    def check_inputs(self) -> None:
        for path in self.views:
            if not path.exists():
                raise UserError(f"--views {path}: not found; run the rules of stage views first")

    def identity_fields(self) -> dict[str, Any]:
        files = [file for path in self.views for file in _files_of_shard(path)]
        return {
            "settings": self.settings.model_dump(mode="json"),
            "data_sha256": digest_files(files),
        }

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        from workflow_scripts.train.base.pretrain import train

        train(self, should_stop)


def _files_of_shard(path: Path) -> list[Path]:
    """Return the files that are learned from: images, instances, depth, tables beside a shard."""
    tables = path.parent.glob(f"{path.name.removesuffix('.zarr')}.*.parquet")
    arrays = (file for name in ("rgb", "instance", "depth_m") for file in (path / name).rglob("*"))
    return [*sorted(tables), *sorted(file for file in arrays if file.is_file())]
