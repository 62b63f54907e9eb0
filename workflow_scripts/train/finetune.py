"""Tune a vision-language model on conversations: Hugging Face Trainer, PEFT, DeepSpeed.

`launch` starts this on every rank. Nothing here knows how ranks came to be.
"""

import logging
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json, remove, write_json, write_text
from workflow_scripts.models import vlm
from workflow_scripts.train.experiment import VlmExperiment, identity
from workflow_scripts.train.model_card import model_card

logger = logging.getLogger(__name__)

LANGUAGE_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def train(experiment: VlmExperiment, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Train on this rank; rank 0 writes the result.

    Args:
        experiment: What is trained on what.
        should_stop: Says that the time of this run is over: `Interrupted` is raised after a save.
    """
    from transformers import TrainingArguments, set_seed
    from transformers.utils import logging as transformers_logging

    from workflow_scripts.train.checkpoints import (
        CheckpointCallback,
        FiniteLossTrainer,
        prepare_resume,
    )
    from workflow_scripts.train.conversation_dataset import Collator, read_conversations

    transformers_logging.disable_progress_bar()
    on_gpu = torch.cuda.is_available()
    num_ranks = int(os.environ.get("WORLD_SIZE", "1"))
    micro, accumulation = micro_batches(
        experiment.batch_size, num_ranks=num_ranks, micro_batch_size=experiment.micro_batch_size
    )
    conversations = read_conversations(
        experiment.data, images=experiment.images, families=experiment.families
    )
    validation = _load_validation(experiment)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(experiment.out / "tensorboard")
    set_seed(experiment.seed)
    if experiment.deepspeed != "none":
        init_distributed(on_gpu=on_gpu)
    arguments = TrainingArguments(
        output_dir=str(experiment.checkpoints),
        max_steps=experiment.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulation,
        per_device_eval_batch_size=micro,
        learning_rate=experiment.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(0.03 * experiment.steps)),
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=experiment.seed,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        ddp_backend="gloo" if num_ranks > 1 and not on_gpu else None,
        deepspeed=deepspeed_settings(experiment.deepspeed, on_gpu=on_gpu),
        gradient_checkpointing=experiment.gradient_checkpointing,
        logging_steps=max(1, min(10, experiment.steps // 4)),
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=experiment.save_steps,
        save_total_limit=2,
        eval_strategy="steps" if validation else "no",
        eval_steps=max(1, experiment.steps // 4),
        prediction_loss_only=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_num_workers=4 if on_gpu else 0,
        report_to=["tensorboard"],
        disable_tqdm=True,
    )
    model = vlm.load_model(experiment.base)
    processor = vlm.load_processor(experiment.base)
    model.config.use_cache = False
    if experiment.adapter == "lora":
        model = add_lora(model, experiment)
    trainer = FiniteLossTrainer(
        model=model,
        args=arguments,
        train_dataset=conversations,
        eval_dataset=validation,
        data_collator=Collator(processor),
        callbacks=[CheckpointCallback(experiment.save_minutes, should_stop)],
    )
    resume = broadcast_resume_checkpoint(prepare_resume, experiment, num_ranks)
    logger.info("%s: %s", experiment.name, f"from {resume.name}" if resume else "from the start")
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    write_result(trainer, processor, experiment, num_conversations=len(conversations))


def init_distributed(*, on_gpu: bool) -> None:
    """Let ranks meet through DeepSpeed: with ZeRO-3 the model is loaded in pieces, rank by rank."""
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


def broadcast_resume_checkpoint(
    prepare_resume: Any, experiment: VlmExperiment, num_ranks: int
) -> Path | None:
    """Let rank 0 choose the checkpoint to go on from, and tell the others."""
    checkpoint: list[Path | None] = [None]
    if int(os.environ.get("RANK", "0")) == 0:
        checkpoint[0] = prepare_resume(
            experiment.checkpoints, identity(experiment, num_ranks=num_ranks)
        )
    if torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(checkpoint, src=0)
    return checkpoint[0]


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


def deepspeed_settings(stage: str, *, on_gpu: bool) -> dict[str, Any] | None:
    """Return the DeepSpeed settings of a stage; "auto" values follow the Trainer's."""
    if stage == "none":
        return None
    settings = read_json(Path(__file__).parent / "deepspeed" / f"{stage}.json")
    if not on_gpu:
        settings["zero_optimization"]["overlap_comm"] = False
    return settings


def add_lora(model: Any, experiment: VlmExperiment) -> Any:
    """Add LoRA adapters; `UserError` lists the modules that can be adapted if none fits."""
    from peft import LoraConfig, get_peft_model

    linear = [name for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)]
    targets = experiment.lora_targets
    if targets:
        chosen = [name for name in linear if name.rsplit(".", 1)[-1] in targets]
        missing = set(targets) - {name.rsplit(".", 1)[-1] for name in chosen}
    else:
        chosen = [
            name
            for name in linear
            if "language_model" in name and name.rsplit(".", 1)[-1] in LANGUAGE_LINEAR
        ]
        missing = set() if chosen else {"the linear layers of the language model"}
    if missing:
        known = sorted({name.rsplit(".", 1)[-1] for name in linear})
        raise UserError(
            f"lora.targets: {', '.join(sorted(missing))} not found in base {experiment.base!r}; "
            f"linear modules there: {', '.join(known)}"
        )
    config = LoraConfig(
        r=experiment.lora_r,
        lora_alpha=experiment.lora_alpha,
        lora_dropout=experiment.lora_dropout,
        target_modules="|".join(re.escape(name) for name in chosen),
        bias="none",
    )
    if experiment.gradient_checkpointing:
        model.enable_input_require_grads()
    model = get_peft_model(model, config)
    model.peft_config["default"].base_model_name_or_path = experiment.base
    trained, total = model.get_nb_trainable_parameters()
    logger.info("%d of %d parameters are trained", trained, total)
    return model


def write_result(
    trainer: Any, processor: Any, experiment: VlmExperiment, *, num_conversations: int
) -> None:
    """Write weights, card, metrics, settings and curves; every rank takes part in saving."""
    from workflow_scripts.train.curves import draw_curves

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
    if experiment.adapter == "none":
        processor.save_pretrained(out)
    (out / "training_args.bin").unlink(missing_ok=True)
    history = [
        {key: round(float(value), 6) for key, value in row.items() if key in _LOGGED_KEYS}
        | {"step": row["step"]}
        for row in trainer.state.log_history
        if _LOGGED_KEYS & set(row)
    ]
    losses = [row["loss"] for row in history if "loss" in row]
    validation_losses = [row["eval_loss"] for row in history if "eval_loss" in row]
    metrics = {
        "experiment": experiment.name,
        "base": experiment.base,
        "steps": trainer.state.global_step,
        "batch_size": experiment.batch_size,
        "conversations": num_conversations,
        "epochs": round(trainer.state.global_step * experiment.batch_size / num_conversations, 3),
        "train_loss": losses[-1] if losses else None,
        "validation_loss": validation_losses[-1] if validation_losses else None,
        "trained_parameters": trained_parameters(trainer.model),
        "history": history,
    }
    draw_curves(
        out / "curves.png",
        history,
        names={"loss": "training", "eval_loss": "validation"},
        title=f"{experiment.name}: loss on answers",
    )
    write_text(out / "config.yaml", yaml.safe_dump(experiment.settings(), sort_keys=True))
    write_text(out / "README.md", model_card(experiment.settings(), metrics))
    write_json(out / "metrics.json", metrics)
    remove(experiment.result)
    out.rename(experiment.result)


_LOGGED_KEYS = {"loss", "eval_loss", "learning_rate"}


def trained_parameters(model: Any) -> int:
    """Count trained parameters; with ZeRO-3 a rank holds pieces that know the whole's size."""
    sizes = (
        getattr(part, "ds_numel", part.numel()) for part in model.parameters() if part.requires_grad
    )
    return int(sum(sizes))


def _load_validation(experiment: VlmExperiment) -> Any:
    from workflow_scripts.train.conversation_dataset import ConversationDataset, read_conversations

    if experiment.validation is None or read_json(experiment.validation) == []:
        return None
    all_conversations = read_conversations(
        experiment.validation, images=experiment.images, families=experiment.families
    )
    chosen = torch.linspace(
        0, len(all_conversations) - 1, min(len(all_conversations), experiment.max_validation)
    ).long()
    return ConversationDataset([all_conversations[int(index)] for index in chosen])
