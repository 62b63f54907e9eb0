"""The one builder of `TrainingArguments` and of the Trainer, and how its history is written."""

import logging
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import TrainerCallback, TrainingArguments
from transformers.utils import logging as transformers_logging

from workflow_scripts.common.errors import UserError
from workflow_scripts.train.checkpoints import CheckpointCallback, FiniteLossTrainer
from workflow_scripts.train.precision import fast_cpu_products
from workflow_scripts.train.resume import broadcast_resume_checkpoint
from workflow_scripts.train.training import TrainingSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainerOptions:
    """What a kind of training decides; everything else is the same for all.

    Attributes:
        steps: Optimizer steps.
        learning_rate: Peak, after a linear warm-up, before a cosine decay.
        warmup_steps: Steps of the warm-up.
        weight_decay: AdamW's weight decay.
        adam_beta2: AdamW's second decay rate.
        micro_batch_size: Samples at once on a rank.
        accumulation: Micro-batches that make a step on a rank.
        logging_steps: Steps between rows of the history.
        save_steps: Steps between checkpoints; None saves by time only.
        save_minutes: Minutes between checkpoints.
        more: Further arguments of `TrainingArguments`.
    """

    steps: int
    learning_rate: float
    warmup_steps: int
    weight_decay: float
    adam_beta2: float
    micro_batch_size: int
    accumulation: int
    logging_steps: int
    save_steps: int | None
    save_minutes: float
    more: dict[str, Any] = field(default_factory=dict)


class SequentialTrainer(FiniteLossTrainer):
    """A Trainer whose data set decides the order of its samples."""

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> Sampler[Any]:
        return SequentialSampler(train_dataset or self.train_dataset)  # type: ignore[arg-type]


def num_ranks_here() -> int:
    """Return the number of ranks of this run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def micro_batches(batch_size: int, *, num_ranks: int, micro_batch_size: int = 0) -> tuple[int, int]:
    """Return (samples at once on a rank, times they are added up) for a step of `batch_size`."""
    per_rank, rest = divmod(batch_size, num_ranks)
    if rest or not per_rank:
        raise UserError(f"batch_size {batch_size} must be a multiple of the {num_ranks} ranks")
    micro = min(micro_batch_size or per_rank, per_rank)
    if per_rank % micro:
        raise UserError(
            f"micro_batch_size {micro} must divide the {per_rank} samples that a rank has in a "
            f"step (batch_size {batch_size} on {num_ranks} ranks)"
        )
    return micro, per_rank // micro


def make_arguments(
    spec: TrainingSpec, options: TrainerOptions, *, num_ranks: int
) -> TrainingArguments:
    """Return the settings of a Trainer; with DeepSpeed, make them before the model."""
    transformers_logging.disable_progress_bar()
    on_gpu = torch.cuda.is_available()
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(spec.out / "tensorboard")
    saving: dict[str, Any] = {"save_strategy": "no"}
    if options.save_steps is not None:
        saving = {"save_strategy": "steps", "save_steps": options.save_steps}
    return TrainingArguments(
        output_dir=str(spec.checkpoints),
        max_steps=options.steps,
        per_device_train_batch_size=options.micro_batch_size,
        gradient_accumulation_steps=options.accumulation,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup_steps,
        weight_decay=options.weight_decay,
        adam_beta2=options.adam_beta2,
        max_grad_norm=1.0,
        seed=spec.seed,
        use_cpu=not on_gpu,
        ddp_backend="gloo" if num_ranks > 1 and not on_gpu else None,
        logging_steps=options.logging_steps,
        logging_nan_inf_filter=False,
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        report_to=["tensorboard"],
        disable_tqdm=True,
        **saving,
        **options.more,
    )


def make_trainer(
    trainer_class: type[FiniteLossTrainer],
    model: nn.Module,
    arguments: TrainingArguments,
    train_dataset: Dataset[Any],
    *,
    collator: Callable[[Any], Any],
    save_minutes: float,
    should_stop: Callable[[], bool],
    eval_dataset: Dataset[Any] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> FiniteLossTrainer:
    """Return a Trainer that has not begun; it saves by time and when the run should stop, too."""
    return trainer_class(
        model=model,
        args=arguments,
        train_dataset=train_dataset,
        eval_dataset=eval_dataset,
        data_collator=collator,
        callbacks=[CheckpointCallback(save_minutes, should_stop), *callbacks],
    )


def run_trainer(trainer: FiniteLossTrainer, spec: TrainingSpec, *, num_ranks: int) -> None:
    """Train from the newest complete checkpoint of this training, if there is one."""
    resume = broadcast_resume_checkpoint(spec, num_ranks=num_ranks)
    logger.info("%s: starts from %s", spec.name, resume.name if resume else "step 0")
    with fast_cpu_products():
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))


def logged_history(
    trainer: Any, keys: Collection[str], *, digits: int, required: str | None = None
) -> list[dict[str, float]]:
    """Return the rows that the Trainer logged, rounded: these keys and the step.

    Rows without any of the keys, or without `required`, are left out.
    """
    return [
        {key: round(float(value), digits) for key, value in row.items() if key in keys}
        | {"step": row["step"]}
        for row in trainer.state.log_history
        if (required in row if required else set(keys) & set(row))
    ]


def last_logged(history: Sequence[dict[str, float]], key: str) -> float | None:
    """Return the last logged value of a key, None if it never was."""
    return next((row[key] for row in reversed(history) if key in row), None)
