"""Checkpoints that can be trusted: saved by step and by time, marked when complete."""

import math
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, write_json

MARK = "complete"
SETTINGS = "settings.json"


def newest_complete(folder: Path) -> Path | None:
    """Return the newest checkpoint that was saved to its end, None if there is none."""
    found = {
        int(path.parent.name.removeprefix("checkpoint-")): path.parent
        for path in folder.glob(f"checkpoint-*/{MARK}")
    }
    return found[max(found)] if found else None


def begin(folder: Path, settings: dict[str, Any]) -> Path | None:
    """Return the checkpoint to go on from; those of another training are removed first."""
    note = folder / SETTINGS
    if folder.exists() and (not note.exists() or read_json(note) != settings):
        shutil.rmtree(folder)
    if not note.exists():
        write_json(note, settings)
    return newest_complete(folder)


class Checkpointing(TrainerCallback):
    """Save also when `minutes` have passed, and mark a checkpoint when every rank has saved."""

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._last = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        due = time.monotonic() - self._last >= self._seconds
        if _any_rank(due):
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            (folder / MARK).touch()
        self._last = time.monotonic()


def _any_rank(claim: bool) -> bool:
    """Say whether any rank makes a claim: ranks must save together, and their clocks differ."""
    if not torch.distributed.is_initialized():
        return claim
    on_gpu = torch.distributed.get_backend() == "nccl"
    flag = torch.tensor([int(claim)], device="cuda" if on_gpu else "cpu")
    torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
    return bool(flag.item())


class FiniteTrainer(Trainer):
    """A Trainer that stops at the first loss that is no number, before anything is saved."""

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        if not math.isfinite(loss.item()):
            raise UserError(
                f"the loss became {loss.item()} at step {self.state.global_step + 1}; "
                "lower the learning rate, or look for damaged data. Checkpoints before are kept."
            )
        return loss
