"""Pre-train the tiny base on views of the training split, in two phases.

From answers alone a model of this size learns nothing about images. First the vision tower and the
words learn from what the simulator knows of every patch (`pretrain_patches`). Then the language
model learns questions and lists of objects (`pretrain_dataset`), beside the answers what
`pretrain_model` lists. The heads for that are discarded; the result is a model folder.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.storage import atomic_write, write_json
from workflow_scripts.train.base.experiment import PretrainExperiment
from workflow_scripts.train.base.pretrain_dataset import PretrainDataset
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, read_annotated_images
from workflow_scripts.train.base.pretrain_model import (
    LOSS_WEIGHTS,
    PretrainModel,
)
from workflow_scripts.train.base.pretrain_patches import PatchDataset
from workflow_scripts.train.base.pretrain_validation import answer_accuracy, patch_naming
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor
from workflow_scripts.train.curves import draw_curves
from workflow_scripts.train.trainer import (
    SequentialTrainer,
    TrainerOptions,
    logged_history,
    make_arguments,
    make_trainer,
    num_ranks_here,
    run_trainer,
)

logger = logging.getLogger(__name__)

# Questions about one image; the images of a step follow from it and the batch size.
QUESTIONS_PER_IMAGE = 8
# Peaks of the two phases.
PATCH_LEARNING_RATE = 2e-3
LEARNING_RATE = 1.5e-3
# Shares of the steps of the second phase between which questions become harder.
RISE = (0.03, 0.15)
VALIDATION_BATCHES = 8


class PretrainTrainer(SequentialTrainer):
    """A Trainer whose items are whole batches and that logs every loss by name.

    Its data set is that of the patches, then that of the questions; the learning rate rises and
    falls once in each.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Return the schedule of both phases, as factors of `LEARNING_RATE`."""
        patch_steps = len(self.train_dataset.datasets[0])  # type: ignore[union-attr]

        def factor(step: int) -> float:
            if step < patch_steps:
                return PATCH_LEARNING_RATE / LEARNING_RATE * warmup_cosine(step, patch_steps)
            return warmup_cosine(step - patch_steps, num_training_steps - patch_steps)

        optimizer = optimizer or self.optimizer
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        losses, is_correct = model(**inputs)
        loss = sum(LOSS_WEIGHTS[name] * value for name, value in losses.items())
        parts = {**losses}
        if len(is_correct):
            parts["accuracy"] = is_correct.float().mean()
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
            self._counts[name] = self._counts.get(name, 0) + 1
        return (loss, parts) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs and self._counts:
            logs |= {name: value / self._counts[name] for name, value in self._sums.items()}
            self._sums, self._counts = {}, {}
        super().log(logs, *args, **kwargs)


def warmup_cosine(step: int, num_steps: int) -> float:
    """Return a factor that rises to 1 in the first steps and then falls to 0 as a cosine does."""
    warmup = warmup_steps(num_steps)
    if step < warmup:
        return step / warmup
    progress = (step - warmup) / max(1, num_steps - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def warmup_steps(num_steps: int) -> int:
    """Return the steps over which the learning rate of a phase rises."""
    return max(1, min(100, num_steps // 10))


def train(experiment: PretrainExperiment, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Train on this rank and write the result.

    Args:
        experiment: What is trained on what.
        should_stop: Says that the time of this run is over: `TrainingInterrupted` is raised after
            a save.
    """
    if num_ranks_here() > 1:
        raise UserError(
            f"the base {experiment.name!r} trains on one rank; give its rule one GPU on one node"
        )
    settings, size = experiment.settings, TinyVlmConfig()
    processor = make_processor(size)
    model = make_model(size, processor, seed=experiment.seed)
    # Other implementations do not return their attention.
    model.set_attn_implementation({"text_config": "eager"})
    images = read_annotated_images(
        experiment.views, side_px=size.image_px, max_images=settings.max_images
    )
    questions = make_dataset(
        experiment,
        images,
        processor,
        num_steps=settings.steps,
        named=settings.named_fraction,
        lists=settings.list_fraction,
        rise=(round(RISE[0] * settings.steps), round(RISE[1] * settings.steps)),
    )
    patches = PatchDataset(
        images,
        size,
        steps=settings.patch_steps,
        images_per_step=settings.patch_batch_size,
        num_classes=len(questions.class_word_weights),
        seed=experiment.seed,
    )
    pretrain_model = PretrainModel(model, size, questions.class_word_weights, seed=experiment.seed)
    trainer = make_trainer(
        PretrainTrainer,
        pretrain_model,
        make_arguments(experiment, trainer_options(experiment), num_ranks=1),
        torch.utils.data.ConcatDataset([patches, questions]),
        collator=lambda items: items[0],
        save_minutes=experiment.save_minutes,
        should_stop=should_stop,
    )
    run_trainer(trainer, experiment, num_ranks=1)
    model.model.vision_tower.fold_batch_norm()
    validation = validate(experiment, pretrain_model, processor)
    logger.info("unseen houses: %s", validation)
    model.set_attn_implementation({"text_config": "sdpa"})
    history = logged_history(
        trainer, {*LOSS_WEIGHTS, "accuracy", "loss"}, digits=5, required="loss"
    )
    metrics = {
        **settings.model_dump(mode="json"),
        "questions_per_image": QUESTIONS_PER_IMAGE,
        "patch_learning_rate": PATCH_LEARNING_RATE,
        "learning_rate": LEARNING_RATE,
        "seed": experiment.seed,
        "size": asdict(size),
        "images": len(images),
        "parameters": sum(part.numel() for part in model.parameters()),
        **validation,
        "colours": list(MARK_COLOURS),
        "history": history,
    }
    write_result(experiment, model, processor, metrics)


def make_dataset(
    experiment: PretrainExperiment,
    images: AnnotatedImages,
    processor: Any,
    *,
    num_steps: int,
    named: float,
    lists: float = 0.0,
    rise: tuple[int, int] = (0, 0),
    seed_offset: int = 0,
) -> PretrainDataset:
    """Return batches of questions; the fraction `named` of them names objects in the end.

    The fraction `lists` of images also has a list of its objects.
    """
    return PretrainDataset(
        images,
        processor.tokenizer,
        TinyVlmConfig(),
        steps=num_steps,
        images_per_step=max(1, experiment.settings.batch_size // QUESTIONS_PER_IMAGE),
        questions_per_image=QUESTIONS_PER_IMAGE,
        named_fraction=named,
        list_fraction=lists,
        rise=rise,
        seed=experiment.seed + seed_offset,
    )


def validate(
    experiment: PretrainExperiment, pretrain_model: PretrainModel, processor: Any
) -> dict[str, Any]:
    """Return accuracies on images of houses that are not learned from; None without images."""
    images = read_annotated_images(
        experiment.views,
        side_px=TinyVlmConfig().image_px,
        split="val",
        max_images=experiment.settings.max_images,
        allow_empty=True,
    )
    accuracy: dict[str, float | None] = {}
    for mention_style, named in (("marked", 0.0), ("named", 1.0)):
        dataset = make_dataset(
            experiment,
            images,
            processor,
            num_steps=VALIDATION_BATCHES if len(images) else 0,
            named=named,
            seed_offset=1,
        )
        accuracy[mention_style] = answer_accuracy(pretrain_model, dataset)
    return {
        "validation_images": len(images),
        "validation_accuracy": accuracy,
        "patch_naming": patch_naming(pretrain_model, images),
    }


def trainer_options(experiment: PretrainExperiment) -> TrainerOptions:
    """Return what pre-training asks of the Trainer: every step is one item of the data set."""
    settings = experiment.settings
    steps = settings.patch_steps + settings.steps
    return TrainerOptions(
        steps=steps,
        learning_rate=LEARNING_RATE,
        warmup_steps=warmup_steps(settings.patch_steps),
        weight_decay=0.01,
        adam_beta2=0.98,
        micro_batch_size=1,
        accumulation=1,
        logging_steps=max(1, min(50, steps // 10)),
        save_steps=None,
        save_minutes=experiment.save_minutes,
        # A process beside that of the model makes the batches.
        more={"dataloader_num_workers": 1},
    )


def write_result(
    experiment: PretrainExperiment, model: Any, processor: Any, metrics: dict[str, Any]
) -> None:
    """Write model folder, metrics and curves into a folder that appears whole."""
    names = {
        "answer": "answers",
        "patch_label": "names of patches",
        "patch_depth": "depth of patches",
        "attention": "attention to the object",
        "choosing": "attention to the answer's object",
        "offset": "offset of two objects",
    }
    with atomic_write(experiment.result, checksum=True) as partial:
        folder = partial / experiment.name
        folder.mkdir(parents=True)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        draw_curves(
            partial / f"{experiment.name}.curves.png",
            metrics["history"],
            names=names,
            title=f"{experiment.name} base: pre-training losses",
        )
        write_json(partial / f"{experiment.name}.metrics.json", metrics)
