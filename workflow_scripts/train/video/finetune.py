"""Tune a video model on samples of scans: Hugging Face Trainer, PEFT, DeepSpeed.

The launcher starts this on every rank; nothing here knows how ranks were started.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch

from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.models import vlm
from workflow_scripts.models.shared_prefix import BLOCK_TOKENS, choose_attention, sharing_obstacle
from workflow_scripts.models.video.scan_cache import ScanCache
from workflow_scripts.models.video.scan_inputs import ScanReader
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import VideoModel
from workflow_scripts.train.trainer import (
    make_arguments,
    make_trainer,
    num_ranks_here,
    run_trainer,
)
from workflow_scripts.train.video.dataset import VideoStepDataset, VideoValidationDataset
from workflow_scripts.train.video.experiment import VideoExperiment
from workflow_scripts.train.video.result import write_result
from workflow_scripts.train.video.samples import count_reasons, read_samples
from workflow_scripts.train.video.video_trainer import VideoTrainer
from workflow_scripts.train.vlm.finetune import add_lora, init_distributed, trainer_options

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedTraining:
    """A Trainer that has not begun, and what its result is written with."""

    trainer: VideoTrainer
    processor: VideoProcessor
    num_samples: int
    skipped: list[SkippedItem]


def train(experiment: VideoExperiment, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Train on this rank; rank 0 writes the result.

    Args:
        experiment: What is trained on what.
        should_stop: Says that the time of this run is over: `TrainingInterrupted` is raised after
            a save.
    """
    prepared = make_video_trainer(experiment, should_stop)
    run_trainer(prepared.trainer, experiment, num_ranks=num_ranks_here())
    write_result(
        prepared.trainer,
        prepared.processor,
        experiment,
        num_samples=prepared.num_samples,
        skipped=prepared.skipped,
    )


def make_video_trainer(
    experiment: VideoExperiment, should_stop: Callable[[], bool] = lambda: False
) -> PreparedTraining:
    """Read samples and model, and return a Trainer that has not begun."""
    from transformers import set_seed

    settings = experiment.settings
    num_ranks = num_ranks_here()
    options = trainer_options(experiment, num_ranks=num_ranks)
    reader = ScanReader(experiment.views, experiment.proposals, settings.frames)
    samples, skipped = read_samples(
        experiment.data, reader, tasks=settings.tasks, question_types=settings.question_types
    )
    if skipped:
        logger.warning("%d samples are left out: %s", len(skipped), count_reasons(skipped))
    validation = _validation_samples(experiment, reader)
    set_seed(experiment.seed)
    if settings.deepspeed != "none":
        init_distributed(on_gpu=torch.cuda.is_available())
    if validation:
        options.more["eval_strategy"] = "steps"
    arguments = make_arguments(experiment, options, num_ranks=num_ranks)
    base = vlm.load_model(experiment.base)
    base.config.use_cache = False
    obstacle, multiple_of = sharing_obstacle(base), 1
    if obstacle:
        logger.info("every sample encodes its scan again: %s", obstacle)
    else:
        # A bias between text and frames is a mask of numbers, which FlexAttention does not take.
        wanted = "sdpa" if settings.frame_attention_bias else settings.attention
        attention = choose_attention(base, wanted)
        logger.info("samples share their scan; attention: %s", attention)
        multiple_of = BLOCK_TOKENS if attention == "flex_attention" else 1
    processor = VideoProcessor(
        vlm.load_processor(experiment.base),
        base.config,
        settings,
        share_prefix=not obstacle,
        pad_to_multiple_of=multiple_of,
    )
    if settings.adapter == "lora":
        base = add_lora(base, experiment)
    elif not settings.train_vision:
        freeze_vision(base)
    model = VideoModel(base, processor.special_tokens, settings)
    scans = ScanCache(reader, processor)
    per_sequence = 1 if obstacle else settings.questions_per_sequence
    dataset = VideoStepDataset(
        samples,
        scans,
        processor,
        settings,
        num_ranks=num_ranks,
        questions_per_sequence=per_sequence,
        seed=experiment.seed,
    )
    eval_dataset = None
    if validation:
        eval_dataset = VideoValidationDataset(
            validation, scans, processor, settings, questions_per_sequence=per_sequence
        )
    trainer = make_trainer(
        VideoTrainer,
        model,
        arguments,
        dataset,
        eval_dataset=eval_dataset,
        collator=lambda items: items[0],
        save_minutes=settings.save_minutes,
        should_stop=should_stop,
    )
    return PreparedTraining(cast(VideoTrainer, trainer), processor, len(samples), skipped)


def freeze_vision(base: Any) -> None:
    """Train no weights of a base but those of its language model."""
    language = {id(part) for part in base.model.language_model.parameters()}
    for part in base.model.parameters():
        part.requires_grad_(id(part) in language)


def _validation_samples(experiment: VideoExperiment, reader: ScanReader) -> list[ScanSample]:
    """Return at most `max_validation` samples, evenly spaced; none without a file of them."""
    path = experiment.validation
    if path is None or not path.stat().st_size:
        return []
    samples, _ = read_samples(path, reader, tasks=experiment.settings.tasks)
    samples = [one for one in samples if experiment.settings.takes(one)]
    count = min(len(samples), experiment.max_validation)
    indices = torch.linspace(0, len(samples) - 1, count).long()
    return [samples[int(index)] for index in indices]
