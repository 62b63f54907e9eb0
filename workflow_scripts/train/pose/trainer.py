"""The Trainer of pose models: validation during training, figures in TensorBoard."""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.data import Dataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workflow_scripts.train.checkpoints import FiniteLossTrainer
from workflow_scripts.train.pose.experiment import PoseExperiment
from workflow_scripts.train.trainer import (
    SequentialTrainer,
    TrainerOptions,
    make_arguments,
    make_trainer,
    micro_batches,
)


class PoseTrainer(SequentialTrainer):
    """A Trainer that adds the newest validation metrics to the next row of its history."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.validation_metrics: dict[str, float] = {}

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        logs.update(self.validation_metrics)
        self.validation_metrics = {}
        super().log(logs, *args, **kwargs)


class ValidationCallback(TrainerCallback):
    """Validate the model every `every` steps and draw a figure; the history keeps the metrics."""

    def __init__(
        self,
        validate: Callable[[], dict[str, float]],
        log_figure: Callable[[Any, int], None],
        *,
        every: int,
        folder: str,
    ) -> None:
        self._validate = validate
        self._log_figure = log_figure
        self._every = every
        self._folder = folder
        self.trainer: PoseTrainer | None = None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        # Every rank logs at the same steps, because all take part in the mean of the loss.
        control.should_log = True
        if not state.is_world_process_zero or self.trainer is None:
            return
        self.trainer.validation_metrics = self._validate()
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(self._folder) as writer:
            self._log_figure(writer, state.global_step)


def make_pose_trainer(
    model: nn.Module,
    samples: Dataset[Any],
    experiment: PoseExperiment,
    *,
    num_ranks: int,
    collator: Callable[[Any], Any],
    validate: Callable[[], dict[str, float]],
    log_figure: Callable[[Any, int], None],
    should_stop: Callable[[], bool],
) -> FiniteLossTrainer:
    """Return a Trainer that has not begun."""
    settings = experiment.settings
    callback = ValidationCallback(
        validate,
        log_figure,
        every=max(1, settings.steps // settings.num_validations),
        folder=str(experiment.out / "tensorboard"),
    )
    trainer = make_trainer(
        PoseTrainer,
        model,
        make_arguments(
            experiment, trainer_options(experiment, num_ranks=num_ranks), num_ranks=num_ranks
        ),
        samples,
        collator=collator,
        save_minutes=settings.save_minutes,
        should_stop=should_stop,
        callbacks=[callback],
    )
    assert isinstance(trainer, PoseTrainer)
    callback.trainer = trainer
    return trainer


def trainer_options(experiment: PoseExperiment, *, num_ranks: int) -> TrainerOptions:
    """Return what pose models ask of the Trainer."""
    settings = experiment.settings
    micro, accumulation = micro_batches(settings.batch_size, num_ranks=num_ranks)
    return TrainerOptions(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup_steps=max(1, min(100, settings.steps // 10)),
        weight_decay=1e-4,
        adam_beta2=0.98,
        micro_batch_size=micro,
        accumulation=accumulation,
        logging_steps=max(1, settings.steps // 50),
        save_steps=settings.save_steps,
        save_minutes=settings.save_minutes,
        more={"eval_strategy": "no", "label_names": ["points_m"]},
    )
