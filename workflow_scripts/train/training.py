"""What a launcher and a rank need of any training, and the identity of a training."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workflow_scripts.common.code_fingerprint import fingerprint


@dataclass(frozen=True, kw_only=True)
class TrainingSpec(ABC):
    """What is trained on what.

    Attributes:
        name: Name of the experiment.
        out: Folder for the result; checkpoints and logs lie under it.
        seed: Seed of the workflow.
    """

    name: str
    out: Path
    seed: int

    #: Module of the code that decides the result.
    code_module: ClassVar[str]

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def result(self) -> Path:
        """Return the folder of the finished result; it appears whole, beside the checkpoints."""
        return self.checkpoints / "result"

    @property
    @abstractmethod
    def num_processes(self) -> int:
        """Return the ranks of a node without GPUs."""

    @abstractmethod
    def check_inputs(self) -> None:
        """Raise `UserError` for mistakes that need no training to be seen."""

    @abstractmethod
    def identity_fields(self) -> dict[str, Any]:
        """Return settings and digests of data that decide the result, as plain values."""

    @abstractmethod
    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Train on this rank; rank 0 writes the result.

        `should_stop` says that the time of this run is over: `TrainingInterrupted` is raised
        after a save.
        """

    def identity(self, *, num_ranks: int) -> dict[str, Any]:
        """Return what decides the result: a checkpoint of anything else must not be resumed.

        The fingerprint of the code is part of it, so checkpoints of other code are not misread.
        """
        return {
            "code": fingerprint(self.code_module),
            "name": self.name,
            "seed": self.seed,
            "ranks": num_ranks,
            **json.loads(json.dumps(self.identity_fields(), default=str)),
        }


def digest_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the bytes of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
