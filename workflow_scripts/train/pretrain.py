"""Pre-train the tiny base from views of the training split alone.

From answers alone a model of this size learns nothing about pictures. So besides answering, it is
taught what a simulator knows for free:

- each picture token names what its patch shows (`name`);
- the word that tells which object a question means looks at that object's patches (`look`), and
  after that knows its place (`place`);
- the second of two such words knows how far it lies from the first (`apart`), the token that the
  answer follows knows it too, and whether the relation holds (`holds`).

The heads that read this off are thrown away; what is saved is an ordinary model folder.
"""

import hashlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import Trainer, TrainingArguments
from transformers.utils import logging as transformers_logging

from workflow_scripts.common.cli import run
from workflow_scripts.common.marks import MARK_COLOURS
from workflow_scripts.common.storage import atomic_write, write_json
from workflow_scripts.train.checkpoints import CheckpointCallback, FiniteLossTrainer, prepare_resume
from workflow_scripts.train.curves import draw_curves
from workflow_scripts.train.pretrain_dataset import (
    IGNORE_INDEX,
    PretrainDataset,
    packed_attention_mask,
)
from workflow_scripts.train.pretrain_images import (
    STRUCTURE_CATEGORIES,
    AnnotatedImages,
    read_annotated_images,
)
from workflow_scripts.train.tiny_vlm import TinyVlmConfig, make_model, make_processor, parameters

logger = logging.getLogger(__name__)

# The text layer (from 0) whose attention points, and how many of its heads do.
GROUNDING_LAYER, NUM_GROUNDING_HEADS = 1, 2
LOSS_WEIGHTS = {
    "answer": 1.0,
    "name": 1.0,
    "look": 0.5,
    "place": 1.0,
    "cell": 0.3,
    "own_cell": 0.1,
    "apart": 0.5,
    "answer_apart": 0.5,
    "holds": 1.0,
}
STRUCTURE_LOSS_WEIGHT = 0.05
EMBEDDING_KEY = "model.model.language_model.embed_tokens.weight"
LM_HEAD_KEY = "model.lm_head.weight"
FIRST_PATCH_TOKEN = 2  # <s> and <user> come before the picture's tokens.


class AuxiliaryHeads(nn.Module):
    """Heads that read places from hidden states; only for pre-training."""

    def __init__(self, size: TinyVlmConfig) -> None:
        super().__init__()
        self.patch = nn.Linear(size.text_width, size.patches_per_side**2)
        self.position = nn.Linear(size.text_width, 2)
        self.offset = nn.Linear(size.text_width, 2)
        self.answer_offset = nn.Linear(size.text_width, 2)
        self.holds = nn.Linear(size.text_width, 1)


class PretrainModel(nn.Module):
    """The model with its heads and the names of things."""

    def __init__(self, model: Any, size: TinyVlmConfig, words: torch.Tensor, *, seed: int) -> None:
        super().__init__()
        self.model = model
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.heads = AuxiliaryHeads(size)
        self.num_patches = size.patches_per_side**2
        weight = torch.ones(len(words))
        weight[1 : 1 + len(STRUCTURE_CATEGORIES)] = STRUCTURE_LOSS_WEIGHT
        weight[0] = 0.0
        self.register_buffer("words", words, persistent=False)
        self.register_buffer("word_weight", weight, persistent=False)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the weights without the tied copy of the word table, which cannot be saved."""
        weights = super().state_dict(*args, **kwargs)
        weights.pop(LM_HEAD_KEY)
        return weights

    def load_state_dict(self, state_dict: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Load weights that `state_dict` gave."""
        table = state_dict[EMBEDDING_KEY]
        return super().load_state_dict({**state_dict, LM_HEAD_KEY: table}, *args, **kwargs)

    def forward(self, **batch: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the losses by name and whether each first word of an answer is right [answers]."""
        blocked = ~packed_attention_mask(batch["segments"])
        mask = torch.zeros(blocked.shape, device=blocked.device).masked_fill(blocked, -1e9)
        outputs = self.model.model(
            input_ids=batch["input_ids"],
            pixel_values=batch["pixel_values"],
            attention_mask=mask,
            position_ids=batch["position_ids"],
            output_hidden_states=True,
            output_attentions=True,
        )
        losses, is_correct = self._answer_loss(outputs, batch)
        losses |= self._patch_label_loss(outputs, batch) | self._grounding_losses(outputs, batch)
        return losses, is_correct

    def _answer_loss(
        self, outputs: Any, batch: dict
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        labels = batch["labels"][:, 1:]
        chosen = labels != IGNORE_INDEX
        logits = self.model.lm_head(outputs.last_hidden_state[:, :-1][chosen])
        is_first = batch["labels"][:, :-1][chosen] == IGNORE_INDEX
        is_correct = logits[is_first].argmax(-1) == labels[chosen][is_first]
        return {"answer": functional.cross_entropy(logits, labels[chosen])}, is_correct

    def _patch_label_loss(self, outputs: Any, batch: dict) -> dict[str, torch.Tensor]:
        words = self.model.get_input_embeddings().weight
        tokens = outputs.image_hidden_states.reshape(-1, words.shape[1])
        log_probs = functional.log_softmax(tokens @ words.T, dim=-1)
        class_ids = batch["patch_words"].reshape(-1)
        weight = self.word_weight[class_ids]
        nll = -(log_probs * self.words[class_ids]).sum(-1)
        return {"name": (nll * weight).sum() / weight.sum().clamp_min(1e-6)}

    def _grounding_losses(self, outputs: Any, batch: dict) -> dict[str, torch.Tensor]:
        sequence, token = batch["mention_at"].unbind(1)
        patches = slice(FIRST_PATCH_TOKEN, FIRST_PATCH_TOKEN + self.num_patches)
        mention_attention = outputs.attentions[GROUNDING_LAYER][
            sequence, :NUM_GROUNDING_HEADS, token, patches
        ]
        attention_on_object = (mention_attention * batch["mention_patches"][:, None]).sum(-1)
        after = outputs.hidden_states[GROUNDING_LAYER + 1]
        later, last = outputs.hidden_states[GROUNDING_LAYER + 2 : GROUNDING_LAYER + 4]
        pictures = after[:, patches].reshape(-1, after.shape[-1])
        patch_ids = torch.arange(self.num_patches, device=after.device).repeat(len(after))
        mention = after[sequence, token]
        position = batch["mention_uv"]
        side = round(self.num_patches**0.5)
        column, row = (position * side).long().clamp(0, side - 1).unbind(1)
        second_mention = later[sequence, token][1::2]
        offset = position[1::2] - position[0::2]
        answer_hidden = last[batch["answer_at"][:, 0], batch["answer_at"][:, 1]]
        return {
            "look": -attention_on_object.clamp_min(1e-6).log().mean(),
            "cell": functional.cross_entropy(self.heads.patch(mention), row * side + column),
            "own_cell": functional.cross_entropy(self.heads.patch(pictures), patch_ids),
            "place": _position_loss(self.heads.position(mention), 4 * position - 2),
            "apart": _position_loss(self.heads.offset(second_mention), 4 * offset),
            "answer_apart": _position_loss(self.heads.answer_offset(answer_hidden), 4 * offset),
            "holds": functional.binary_cross_entropy_with_logits(
                self.heads.holds(answer_hidden)[:, 0], batch["holds"]
            ),
        }


def _position_loss(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    return functional.smooth_l1_loss(found, true, beta=0.2)


class PretrainTrainer(FiniteLossTrainer):
    """A Trainer whose items are whole batches, in order, and that logs every loss by name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._sums: dict[str, float] = {}
        self._count = 0

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return torch.utils.data.SequentialSampler(train_dataset or self.train_dataset)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        losses, is_correct = model(**inputs)
        loss = sum(LOSS_WEIGHTS[name] * value for name, value in losses.items())
        parts = {**losses, "accuracy": is_correct.float().mean()}
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._count += 1
        return (loss, parts) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs and self._count:
            logs |= {name: value / self._count for name, value in self._sums.items()}
            self._sums, self._count = {}, 0
        super().log(logs, *args, **kwargs)


@torch.inference_mode()
def accuracy(pretrain_model: PretrainModel, dataset: PretrainDataset) -> float:
    """Return the share of lessons whose answer's first word is right."""
    pretrain_model.eval()
    correct = [pretrain_model(**dataset[step])[1] for step in range(len(dataset))]
    return float(torch.cat(correct).float().mean())


def main(
    *,
    views: list[Path],
    out: Path,
    checkpoints: Path,
    metrics: Path,
    curves: Path,
    steps: int = 1500,
    batch_size: int = 32,
    questions_per_picture: int = 4,
    named_share: float = 0.1,
    learning_rate: float = 1.5e-3,
    save_minutes: float = 1.0,
    seed: int = 7,
) -> None:
    """Pre-train the tiny base.

    Args:
        views: Shards, `results/views/{source}/{shard}.zarr`; only their training split is learned.
        out: Model folder to write.
        checkpoints: Folder for checkpoints to resume from.
        metrics: JSON to write.
        curves: Picture of the losses to write.
        steps: Optimizer steps.
        batch_size: Questions in a step.
        questions_per_picture: Questions about one marked picture.
        named_share: Share of questions that name objects instead of marks.
        learning_rate: Peak.
        save_minutes: Minutes between checkpoints.
        seed: Seed of the workflow.
    """
    size = TinyVlmConfig()
    processor = make_processor(size)
    model = make_model(size, processor, seed=seed)
    # Only this attention returns where it looked.
    model.set_attn_implementation({"text_config": "eager"})
    settings = {
        "steps": steps,
        "batch_size": batch_size,
        "questions_per_picture": questions_per_picture,
        "named_share": named_share,
        "learning_rate": learning_rate,
        "seed": seed,
        "size": parameters(size),
    }

    def make_dataset(
        pictures: AnnotatedImages, number: int, named: float, seed_offset: int
    ) -> PretrainDataset:
        return PretrainDataset(
            pictures,
            processor.tokenizer,
            size,
            steps=number,
            pictures_per_step=max(1, batch_size // questions_per_picture),
            questions_per_picture=questions_per_picture,
            named_share=named,
            seed=seed + seed_offset,
        )

    pictures = read_annotated_images(views, side_px=size.image_px)
    dataset = make_dataset(pictures, steps, named_share, 0)
    pretrain_model = PretrainModel(model, size, dataset.words, seed=seed)
    transformers_logging.disable_progress_bar()
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(checkpoints / "tensorboard")
    resume = prepare_resume(checkpoints, {**settings, "pictures": image_digest(pictures)})
    trainer = PretrainTrainer(
        model=pretrain_model,
        args=training_arguments(checkpoints, steps, learning_rate, seed),
        train_dataset=dataset,
        data_collator=lambda items: items[0],
        callbacks=[CheckpointCallback(save_minutes)],
    )
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    held_out = read_annotated_images(views, side_px=size.image_px, split="val", allow_empty=True)
    validation_accuracy = {
        form: accuracy(pretrain_model, make_dataset(held_out, 8, share, 1))
        if len(held_out)
        else None
        for form, share in (("marked", 0.0), ("named", 1.0))
    }
    model.set_attn_implementation({"text_config": "sdpa"})
    with atomic_write(out) as partial:
        model.save_pretrained(partial)
        processor.save_pretrained(partial)
    history = history_of(trainer)
    names = {
        "answer": "answers",
        "name": "patches named",
        "look": "looking at what is meant",
        "apart": "distance apart",
    }
    draw_curves(curves, history, names=names, title="tiny base: pre-training losses")
    write_json(
        metrics,
        {
            **settings,
            "pictures": len(pictures),
            "parameters": sum(part.numel() for part in model.parameters()),
            "validation_accuracy": validation_accuracy,
            "colours": list(MARK_COLOURS),
            "history": history,
        },
    )
    logger.info("validation accuracy: %s", validation_accuracy)


def training_arguments(
    folder: Path, steps: int, learning_rate: float, seed: int
) -> TrainingArguments:
    """Return the Trainer's settings: every step is one item of the data set."""
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        learning_rate=learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, min(100, steps // 10)),
        weight_decay=0.01,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        seed=seed,
        use_cpu=not on_gpu,
        logging_steps=max(1, min(50, steps // 10)),
        logging_nan_inf_filter=False,
        save_strategy="no",
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
        report_to=["tensorboard"],
        disable_tqdm=not sys.stderr.isatty(),
    )


def history_of(trainer: Trainer) -> list[dict[str, float]]:
    """Return the logged losses, rounded, without times."""
    kept = {*LOSS_WEIGHTS, "accuracy", "loss"}
    return [
        {key: round(float(value), 5) for key, value in row.items() if key in kept}
        | {"step": row["step"]}
        for row in trainer.state.log_history
        if "loss" in row
    ]


def image_digest(pictures: AnnotatedImages) -> str:
    """Identify pictures: a checkpoint made from others is not resumed."""
    found = hashlib.sha256(pictures.rgb.tobytes())
    found.update(pictures.label_map.tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    run(main)
