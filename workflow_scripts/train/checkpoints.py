"""Checkpoints saved by step, by time and before the run stops, marked when every rank has saved."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, write_json
from workflow_scripts.train.preemption import TrainingInterrupted
from workflow_scripts.train.resume import COMPLETE_MARKER, write_checkpoint_checksums


class LossAccumulator:
    """The losses since the last row of the history.

    A checkpoint stores them: the row after a resume is then the mean that an uninterrupted run
    logs, not the mean over the few steps since the resume.
    """

    def __init__(self) -> None:
        self._sum = 0.0
        self._num_steps = 0

    def add(self, loss: float, *, ends_step: bool) -> None:
        """Add a rank's loss of a micro-batch; the last one of a step ends the step."""
        self._sum += loss
        self._num_steps += ends_step

    def reduce_over_ranks(self) -> None:
        """Let every rank have the mean over ranks."""
        self._sum = _sum_over_ranks([self._sum])[0] / _num_ranks()

    def pop_mean(self) -> float:
        """Return the mean loss over ranks and steps, and reset both."""
        self.reduce_over_ranks()
        mean = self._sum / max(1, self._num_steps)
        self._sum, self._num_steps = 0.0, 0
        return mean

    def write(self, path: Path) -> None:
        write_json(path, {"loss_sum": self._sum, "num_steps": self._num_steps})

    def read(self, path: Path) -> None:
        saved = read_json(path)
        self._sum, self._num_steps = saved["loss_sum"], saved["num_steps"]


class CheckpointCallback(TrainerCallback):
    """Save when `minutes` have passed and when the run should stop; mark complete checkpoints."""

    def __init__(self, minutes: float, should_stop: Callable[[], bool] = lambda: False) -> None:
        self._save_interval_s = 60 * minutes
        self.loss_accumulator = LossAccumulator()
        self._should_stop = should_stop
        self._is_stopping = False
        self._last_save_s = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step:
            self.loss_accumulator.read(_checkpoint(args, state) / COMPLETE_MARKER)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        # Ranks must save together, and their clocks differ: all save when any of them is due.
        is_due = time.monotonic() - self._last_save_s >= self._save_interval_s
        due, stop = _sum_over_ranks([float(is_due), float(self._should_stop())])
        self._is_stopping = bool(stop) and state.global_step < state.max_steps
        if due or self._is_stopping:
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.loss_accumulator.reduce_over_ranks()
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
        if state.is_world_process_zero:
            checkpoint = _checkpoint(args, state)
            self.loss_accumulator.write(checkpoint / COMPLETE_MARKER)
            # Last: without its checksums a checkpoint does not count.
            write_checkpoint_checksums(checkpoint)
        self._last_save_s = time.monotonic()
        if self._is_stopping:
            raise TrainingInterrupted(f"step {state.global_step} is saved")


def _checkpoint(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"


def _num_ranks() -> int:
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def _sum_over_ranks(values: list[float]) -> list[float]:
    """Return the sums of numbers over ranks."""
    if not torch.distributed.is_initialized():
        return values
    on_gpu = torch.distributed.get_backend() == "nccl"
    sums = torch.tensor(values, dtype=torch.float64, device="cuda" if on_gpu else "cpu")
    torch.distributed.all_reduce(sums)
    return [float(value) for value in sums.tolist()]


class FiniteLossTrainer(Trainer):
    """A Trainer that stops at the first loss that is not finite, before anything is saved."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        accumulators = (
            callback.loss_accumulator
            for callback in self.callback_handler.callbacks
            if isinstance(callback, CheckpointCallback)
        )
        self.loss_accumulator = next(accumulators, LossAccumulator())

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(
                f"the loss became {value} at step {self.state.global_step + 1}; "
                "lower the learning rate, or look for damaged data. Earlier checkpoints are kept."
            )
        self.loss_accumulator.add(value, ends_step=self.accelerator.sync_gradients)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            logs["loss"] = self.loss_accumulator.pop_mean()
        super().log(logs, *args, **kwargs)
