"""Tune a vision-language model on conversations: Hugging Face Trainer, PEFT, DeepSpeed.

The launcher starts this on every rank; nothing here knows how ranks were started.
"""

import logging
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import torch

from workflow_scripts.common.question_table import open_table
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import (
    read_json,
)
from workflow_scripts.experiments.vlm import TuningSettings
from workflow_scripts.models import vlm
from workflow_scripts.models.shared_prefix import (
    BLOCK_TOKENS,
    choose_attention,
    sharing_obstacle,
)
from workflow_scripts.train.trainer import (
    TrainerOptions,
    make_arguments,
    make_trainer,
    micro_batches,
    num_ranks_here,
    run_trainer,
)
from workflow_scripts.train.vlm.conversation_dataset import (
    ConversationDataset,
    read_conversations,
)
from workflow_scripts.train.vlm.experiment import VlmExperiment
from workflow_scripts.train.vlm.lora_targets import describe, lora_targets
from workflow_scripts.train.vlm.model_card import model_card
from workflow_scripts.train.vlm.packed_collator import PackedCollator
from workflow_scripts.train.vlm.packed_dataset import PackedStepDataset, PackedValidationDataset
from workflow_scripts.train.vlm.packed_trainer import PackedTrainer
from workflow_scripts.train.vlm.result import write_tuning_result

logger = logging.getLogger(__name__)


class TunedExperiment(Protocol):
    """A base and how it is tuned, whatever it is tuned on."""

    @property
    def base(self) -> str: ...

    @property
    def settings(self) -> TuningSettings: ...


def train(experiment: VlmExperiment, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Train on this rank; rank 0 writes the result.

    Args:
        experiment: What is trained on what.
        should_stop: Says that the time of this run is over: `TrainingInterrupted` is raised after
            a save.
    """
    trainer, processor, conversations = make_packed_trainer(experiment, should_stop)
    run_trainer(trainer, experiment, num_ranks=num_ranks_here())
    write_result(trainer, processor, experiment, conversations)


def make_packed_trainer(
    experiment: VlmExperiment, should_stop: Callable[[], bool] = lambda: False
) -> tuple[PackedTrainer, Any, ConversationDataset]:
    """Return a Trainer that has not begun, the base's processor, the conversations."""
    from transformers import set_seed

    settings = experiment.settings
    num_ranks = num_ranks_here()
    options = trainer_options(experiment, num_ranks=num_ranks)
    families = settings.families or ()
    conversations = read_conversations(experiment.data, images=experiment.images, families=families)
    validation = _load_validation(experiment)
    set_seed(experiment.seed)
    if settings.deepspeed != "none":
        init_distributed(on_gpu=torch.cuda.is_available())
    if validation is not None:
        options.more["eval_strategy"] = "steps"
    arguments = make_arguments(experiment, options, num_ranks=num_ranks)
    model = vlm.load_model(experiment.base)
    processor = vlm.load_processor(experiment.base)
    model.config.use_cache = False
    obstacle, multiple_of = sharing_obstacle(model), 1
    if obstacle:
        logger.info("every question encodes its picture again: %s", obstacle)
    else:
        attention = choose_attention(model, settings.attention)
        logger.info("questions share their picture; attention: %s", attention)
        multiple_of = BLOCK_TOKENS if attention == "flex_attention" else 1
    collator = PackedCollator(processor, share_prefix=not obstacle, pad_to_multiple_of=multiple_of)
    packing = {
        "questions_per_sequence": 1 if obstacle else settings.questions_per_sequence,
        "tokens_per_micro_batch": settings.tokens_per_micro_batch,
    }
    dataset = PackedStepDataset(
        conversations,
        collator,
        steps=settings.steps,
        batch_size=settings.batch_size,
        num_ranks=num_ranks,
        seed=experiment.seed,
        **packing,
    )
    if settings.adapter == "lora":
        model = add_lora(model, experiment)
    trainer = make_trainer(
        PackedTrainer,
        model,
        arguments,
        dataset,
        eval_dataset=validation and PackedValidationDataset(validation, collator, **packing),
        collator=lambda items: items[0],
        save_minutes=settings.save_minutes,
        should_stop=should_stop,
    )
    return cast(PackedTrainer, trainer), processor, conversations


def trainer_options(experiment: TunedExperiment, *, num_ranks: int) -> TrainerOptions:
    """Return what tuning asks of the Trainer; validation is off."""
    settings = experiment.settings
    on_gpu = torch.cuda.is_available()
    # A step is split by answers; how many micro-batches it is on a rank follows from its tokens.
    micro_batches(settings.batch_size, num_ranks=num_ranks)
    return TrainerOptions(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup_steps=max(1, round(0.03 * settings.steps)),
        weight_decay=0.0,
        adam_beta2=0.999,
        # An item of the data set is a rank's part of a step.
        micro_batch_size=1,
        accumulation=1,
        logging_steps=max(1, min(10, settings.steps // 4)),
        save_steps=settings.save_steps,
        save_minutes=settings.save_minutes,
        more={
            "bf16": on_gpu,
            "deepspeed": deepspeed_settings(settings.deepspeed, on_gpu=on_gpu),
            "gradient_checkpointing": settings.gradient_checkpointing,
            "eval_strategy": "no",
            "eval_steps": max(1, settings.steps // 4),
            "per_device_eval_batch_size": 1,
            "prediction_loss_only": True,
            "label_names": ["labels"],
            "dataloader_num_workers": 4 if on_gpu else 0,
        },
    )


def init_distributed(*, on_gpu: bool) -> None:
    """Connect the ranks through DeepSpeed: with ZeRO-3 each rank loads its part of the model."""
    import deepspeed

    if "RANK" not in os.environ:
        single_rank_env = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
        os.environ.update(single_rank_env, MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    if not on_gpu:
        # DeepSpeed would compile its own shared-memory sums for ranks on processors. That takes a
        # minute, and a run killed meanwhile leaves a lock that later runs wait for.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "nccl" if on_gpu else "gloo"
    deepspeed.init_distributed(dist_backend=backend, auto_mpi_discovery=False, verbose=False)


def deepspeed_settings(stage: str, *, on_gpu: bool) -> dict[str, Any] | None:
    """Return the DeepSpeed settings of a stage; "auto" values follow the Trainer's."""
    if stage == "none":
        return None
    settings: dict[str, Any] = read_json(Path(__file__).parent / "deepspeed" / f"{stage}.json")
    if not on_gpu:
        settings["zero_optimization"]["overlap_comm"] = False
    return settings


def add_lora(model: Any, experiment: TunedExperiment) -> Any:
    """Add LoRA adapters; `UserError` lists the modules that can be adapted if none fits."""
    from peft import LoraConfig, get_peft_model

    settings = experiment.settings
    chosen = lora_targets(model, settings.lora.targets, experiment.base)
    logger.info("LoRA adapts %d linear layers: %s", len(chosen), describe(chosen))
    config = LoraConfig(
        r=settings.lora.r,
        lora_alpha=settings.lora.alpha,  # type: ignore[arg-type]
        lora_dropout=settings.lora.dropout,
        target_modules="|".join(re.escape(name) for name in chosen),
        bias="none",
    )
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()
    model = get_peft_model(model, config)
    model.peft_config["default"].base_model_name_or_path = experiment.base
    trained, total = model.get_nb_trainable_parameters()
    logger.info("%d of %d parameters are trained", trained, total)
    return model


def write_result(
    trainer: Any, processor: Any, experiment: VlmExperiment, conversations: ConversationDataset
) -> None:
    """Write weights, card, metrics, settings and curves; every rank takes part in saving."""
    folder = experiment.checkpoints
    temporary = [
        tempfile.mkdtemp(prefix=".saving-", dir=folder) if trainer.args.should_save else ""
    ]
    if torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(temporary, src=0)
    out = Path(temporary[0])
    trainer.save_model(str(out))
    if not trainer.args.should_save:
        return
    out.chmod(0o755)
    if experiment.settings.adapter == "none":
        processor.save_pretrained(out)
    (out / "training_args.bin").unlink(missing_ok=True)
    write_tuning_result(
        out,
        trainer,
        experiment,
        counts={
            "conversations": len(conversations),
            "conversations_left_out": len(conversations.skipped),
        },
        title=f"{experiment.name}: loss on answers",
        make_card=model_card,
        skipped=(
            SkippedItem(source=experiment.name, scene_id="", item=name, reason=reason)
            for name, reason in conversations.skipped
        ),
    )


def _load_validation(experiment: VlmExperiment) -> ConversationDataset | None:
    """Return at most `max_validation` conversations, evenly spaced; None without any."""
    if experiment.validation is None or _is_empty(experiment.validation):
        return None
    conversations = read_conversations(
        experiment.validation,
        images=experiment.images,
        families=experiment.settings.families or (),
    )
    count = min(len(conversations), experiment.max_validation)
    indices = torch.linspace(0, len(conversations) - 1, count).long()
    return ConversationDataset([conversations[int(index)] for index in indices])


def _is_empty(path: Path) -> bool:
    """Say whether a table of questions, or a LLaVA JSON file, holds nothing."""
    if path.suffix == ".parquet":
        return not open_table(path).metadata.num_rows
    entries = read_json(path)
    return isinstance(entries, list) and not entries
