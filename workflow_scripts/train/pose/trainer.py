"""The Trainer of pose models: samples in their own order, checks on the way, pictures."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.utils import logging as transformers_logging

from workflow_scripts.train.checkpoints import (
    CheckpointCallback,
    FiniteLossTrainer,
    prepare_resume,
)
from workflow_scripts.train.finetune import micro_batches
from workflow_scripts.train.pose.experiment import PoseExperiment

logger = logging.getLogger(__name__)


class SequentialTrainer(FiniteLossTrainer):
    """A Trainer whose data set decides the order of its samples; what was checked is logged."""

    found: ClassVar[dict[str, float]] = {}

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        logs.update(self.found)
        self.found = {}
        super().log(logs, *args, **kwargs)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler:
        return SequentialSampler(train_dataset or self.train_dataset)


class ValidationCallback(TrainerCallback):
    """Compare the model with validation episodes on the way; the history keeps what was found."""

    def __init__(
        self,
        checks: Callable[[], dict[str, float]],
        pictures: Callable[[Any, int], None],
        *,
        every: int,
        folder: str,
    ) -> None:
        self._checks = checks
        self._pictures = pictures
        self._every = every
        self._folder = folder
        self.trainer: SequentialTrainer | None = None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        # Every rank logs at the same steps, because all take part in the mean of the loss.
        control.should_log = True
        if not state.is_world_process_zero or self.trainer is None:
            return
        self.trainer.found = self._checks()
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(self._folder) as writer:
            self._pictures(writer, state.global_step)


def make_trainer(
    model: nn.Module,
    samples: Dataset,
    experiment: PoseExperiment,
    *,
    num_ranks: int,
    collator: Callable[[Any], Any],
    checks: Callable[[], dict[str, float]],
    pictures: Callable[[Any, int], None],
    should_stop: Callable[[], bool],
) -> FiniteLossTrainer:
    """Return a Trainer that has not begun."""
    transformers_logging.disable_progress_bar()
    on_gpu = torch.cuda.is_available()
    micro, accumulation = micro_batches(experiment.batch_size, num_ranks=num_ranks)
    tensorboard = str(experiment.out / "tensorboard")
    os.environ["TENSORBOARD_LOGGING_DIR"] = tensorboard
    arguments = TrainingArguments(
        output_dir=str(experiment.checkpoints),
        max_steps=experiment.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulation,
        learning_rate=experiment.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, min(100, experiment.steps // 10)),
        weight_decay=1e-4,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        seed=experiment.seed,
        use_cpu=not on_gpu,
        ddp_backend="gloo" if num_ranks > 1 and not on_gpu else None,
        logging_steps=max(1, experiment.steps // 50),
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=experiment.save_steps,
        save_total_limit=2,
        eval_strategy="no",
        remove_unused_columns=False,
        label_names=["points_m"],
        report_to=["tensorboard"],
        disable_tqdm=True,
    )
    validation_callback = ValidationCallback(
        checks,
        pictures,
        every=max(1, experiment.steps // experiment.checks),
        folder=tensorboard,
    )
    trainer = SequentialTrainer(
        model=model,
        args=arguments,
        train_dataset=samples,
        data_collator=collator,
        callbacks=[CheckpointCallback(experiment.save_minutes, should_stop), validation_callback],
    )
    validation_callback.trainer = trainer
    return trainer


def run_trainer(trainer: FiniteLossTrainer, experiment: PoseExperiment, *, num_ranks: int) -> None:
    """Train from the newest complete checkpoint, which rank 0 chooses for all."""
    found: list[Path | None] = [None]
    if int(os.environ.get("RANK", "0")) == 0:
        identity_fields = experiment.identity(num_ranks=num_ranks)
        found[0] = prepare_resume(experiment.checkpoints, identity_fields)
    if torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(found, src=0)
    resume = found[0]
    logger.info("%s: %s", experiment.name, f"from {resume.name}" if resume else "from the start")
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
