"""Pre-train the tiny base on views of the training split.

From answers alone a model of this size learns nothing about images. So beside answers it learns
what the simulator provides as labels:

- each image token predicts the words for its patch's class (`patch_label`) and the patch's index
  (`patch_index`);
- the keyword of each mention attends to the patches of its object (`attention`); its hidden state
  predicts the object's position (`position`) and patch (`patch`);
- the keyword of the second mention predicts its offset from the first (`offset`); the token before
  the answer predicts the offset (`answer_offset`) and whether the relation holds (`relation`).

The heads for these losses are discarded; the result is an ordinary model folder.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.storage import atomic_write, write_json
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    attention_input,
)
from workflow_scripts.train.base.experiment import PretrainExperiment
from workflow_scripts.train.base.pretrain_dataset import PretrainDataset
from workflow_scripts.train.base.pretrain_images import (
    STRUCTURE_CATEGORIES,
    AnnotatedImages,
    read_annotated_images,
)
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
QUESTIONS_PER_IMAGE = 4
LEARNING_RATE = 1.5e-3
VALIDATION_BATCHES = 8
# The text layer (from 0) whose attention is supervised, and how many of its heads are.
GROUNDING_LAYER, NUM_GROUNDING_HEADS = 1, 2
LOSS_WEIGHTS = {
    "answer": 1.0,
    "patch_label": 1.0,
    "attention": 0.5,
    "position": 1.0,
    "patch": 0.3,
    "patch_index": 0.1,
    "offset": 0.5,
    "answer_offset": 0.5,
    "relation": 1.0,
}
STRUCTURE_LOSS_WEIGHT = 0.05
EMBEDDING_KEY = "model.model.language_model.embed_tokens.weight"
LM_HEAD_KEY = "model.lm_head.weight"
FIRST_PATCH_TOKEN = 2  # <s> and <user> come before the image's tokens.


class AuxiliaryHeads(nn.Module):
    """Heads that predict positions from hidden states; only for pre-training."""

    def __init__(self, size: TinyVlmConfig) -> None:
        super().__init__()
        self.patch = nn.Linear(size.text_width, size.patches_per_side**2)
        self.position = nn.Linear(size.text_width, 2)
        self.offset = nn.Linear(size.text_width, 2)
        self.answer_offset = nn.Linear(size.text_width, 2)
        self.relation = nn.Linear(size.text_width, 1)


class PretrainModel(nn.Module):
    """The model with its auxiliary heads and losses.

    `class_word_weights` [classes, tokens] are the words that name the classes of patches.
    """

    class_word_weights: torch.Tensor
    class_weights: torch.Tensor

    def __init__(
        self, model: Any, size: TinyVlmConfig, class_word_weights: torch.Tensor, *, seed: int
    ) -> None:
        super().__init__()
        self.model = model
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.heads = AuxiliaryHeads(size)
        self.num_patches = size.patches_per_side**2
        weight = torch.ones(len(class_word_weights))
        weight[1 : 1 + len(STRUCTURE_CATEGORIES)] = STRUCTURE_LOSS_WEIGHT
        weight[0] = 0.0
        self.register_buffer("class_word_weights", class_word_weights, persistent=False)
        self.register_buffer("class_weights", weight, persistent=False)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights without the tied copy of the embeddings, which cannot be saved."""
        weights = super().state_dict(*args, **kwargs)
        weights.pop(LM_HEAD_KEY)
        return weights

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Load weights that `state_dict` gave."""
        embeddings = state_dict[EMBEDDING_KEY]
        return super().load_state_dict({**state_dict, LM_HEAD_KEY: embeddings}, *args, **kwargs)

    def forward(self, **batch: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the losses by name and whether each answer's first token is correct [answers]."""
        outputs = self.model.model(
            input_ids=batch["input_ids"],
            pixel_values=batch["pixel_values"],
            attention_mask=attention_input(self.model, batch["segments"]),
            position_ids=batch["position_ids"],
            output_hidden_states=True,
            output_attentions=True,
        )
        losses, is_correct = self._answer_loss(outputs, batch)
        losses |= self._patch_label_loss(outputs, batch) | self._grounding_losses(outputs, batch)
        return losses, is_correct

    def _answer_loss(
        self, outputs: Any, batch: dict[str, torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        labels = batch["labels"][:, 1:]
        chosen = labels != IGNORE_INDEX
        logits = self.model.lm_head(outputs.last_hidden_state[:, :-1][chosen])
        is_first = batch["labels"][:, :-1][chosen] == IGNORE_INDEX
        is_correct = logits[is_first].argmax(-1) == labels[chosen][is_first]
        return {"answer": functional.cross_entropy(logits, labels[chosen])}, is_correct

    def _patch_label_loss(
        self, outputs: Any, batch: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        words = self.model.get_input_embeddings().weight
        tokens = outputs.image_hidden_states.reshape(-1, words.shape[1])
        log_probs = functional.log_softmax(tokens @ words.T, dim=-1)
        class_ids = batch["patch_classes"].reshape(-1)
        weight = self.class_weights[class_ids]
        nll = -(log_probs * self.class_word_weights[class_ids]).sum(-1)
        return {"patch_label": (nll * weight).sum() / weight.sum().clamp_min(1e-6)}

    def _grounding_losses(
        self, outputs: Any, batch: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        sequence, token = batch["mention_at"].unbind(1)
        patches = slice(FIRST_PATCH_TOKEN, FIRST_PATCH_TOKEN + self.num_patches)
        mention_attention = outputs.attentions[GROUNDING_LAYER][
            sequence, :NUM_GROUNDING_HEADS, token, patches
        ]
        attention_on_object = (mention_attention * batch["mention_patches"][:, None]).sum(-1)
        after = outputs.hidden_states[GROUNDING_LAYER + 1]
        later, last = outputs.hidden_states[GROUNDING_LAYER + 2 : GROUNDING_LAYER + 4]
        image_hidden = after[:, patches].reshape(-1, after.shape[-1])
        patch_ids = torch.arange(self.num_patches, device=after.device).repeat(len(after))
        mention = after[sequence, token]
        position = batch["mention_uv"]
        side = round(self.num_patches**0.5)
        column, row = (position * side).long().clamp(0, side - 1).unbind(1)
        second_mention = later[sequence, token][1::2]
        offset = position[1::2] - position[0::2]
        answer_hidden = last[batch["answer_at"][:, 0], batch["answer_at"][:, 1]]
        return {
            "attention": -attention_on_object.clamp_min(1e-6).log().mean(),
            "patch": functional.cross_entropy(self.heads.patch(mention), row * side + column),
            "patch_index": functional.cross_entropy(self.heads.patch(image_hidden), patch_ids),
            "position": _position_loss(self.heads.position(mention), 4 * position - 2),
            "offset": _position_loss(self.heads.offset(second_mention), 4 * offset),
            "answer_offset": _position_loss(self.heads.answer_offset(answer_hidden), 4 * offset),
            "relation": functional.binary_cross_entropy_with_logits(
                self.heads.relation(answer_hidden)[:, 0], batch["relation_holds"]
            ),
        }


def _position_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return functional.smooth_l1_loss(predicted, target, beta=0.2)


class PretrainTrainer(SequentialTrainer):
    """A Trainer whose items are whole batches and that logs every loss by name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._sums: dict[str, float] = {}
        self._count = 0

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
    """Return the fraction of samples whose answer's first token is correct."""
    pretrain_model.eval()
    correct = [pretrain_model(**dataset[step])[1] for step in range(len(dataset))]
    return float(torch.cat(correct).float().mean())


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
    images = read_annotated_images(experiment.views, side_px=size.image_px)
    dataset = make_dataset(
        experiment, images, processor, num_steps=settings.steps, named=settings.named_fraction
    )
    pretrain_model = PretrainModel(model, size, dataset.class_word_weights, seed=experiment.seed)
    trainer = make_trainer(
        PretrainTrainer,
        pretrain_model,
        make_arguments(experiment, trainer_options(experiment), num_ranks=1),
        dataset,
        collator=lambda items: items[0],
        save_minutes=experiment.save_minutes,
        should_stop=should_stop,
    )
    run_trainer(trainer, experiment, num_ranks=1)
    validation_accuracy = validate(experiment, pretrain_model, processor)
    logger.info("validation accuracy: %s", validation_accuracy)
    model.set_attn_implementation({"text_config": "sdpa"})
    history = logged_history(
        trainer, {*LOSS_WEIGHTS, "accuracy", "loss"}, digits=5, required="loss"
    )
    metrics = {
        **settings.model_dump(mode="json"),
        "questions_per_image": QUESTIONS_PER_IMAGE,
        "learning_rate": LEARNING_RATE,
        "seed": experiment.seed,
        "size": asdict(size),
        "images": len(images),
        "parameters": sum(part.numel() for part in model.parameters()),
        "validation_accuracy": validation_accuracy,
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
    seed_offset: int = 0,
) -> PretrainDataset:
    """Return batches of questions; the fraction `named` of them names objects."""
    return PretrainDataset(
        images,
        processor.tokenizer,
        TinyVlmConfig(),
        steps=num_steps,
        images_per_step=max(1, experiment.settings.batch_size // QUESTIONS_PER_IMAGE),
        questions_per_image=QUESTIONS_PER_IMAGE,
        named_fraction=named,
        seed=experiment.seed + seed_offset,
    )


def trainer_options(experiment: PretrainExperiment) -> TrainerOptions:
    """Return what pre-training asks of the Trainer: every step is one item of the data set."""
    steps = experiment.settings.steps
    return TrainerOptions(
        steps=steps,
        learning_rate=LEARNING_RATE,
        warmup_steps=max(1, min(100, steps // 10)),
        weight_decay=0.01,
        adam_beta2=0.98,
        micro_batch_size=1,
        accumulation=1,
        logging_steps=max(1, min(50, steps // 10)),
        save_steps=None,
        save_minutes=experiment.save_minutes,
    )


def validate(
    experiment: PretrainExperiment, pretrain_model: PretrainModel, processor: Any
) -> dict[str, float | None]:
    """Return the accuracy on validation images with marks and with names; None without images."""
    images = read_annotated_images(
        experiment.views, side_px=TinyVlmConfig().image_px, split="val", allow_empty=True
    )
    if not len(images):
        return {"marked": None, "named": None}
    return {
        mention_style: accuracy(
            pretrain_model,
            make_dataset(
                experiment,
                images,
                processor,
                num_steps=VALIDATION_BATCHES,
                named=named,
                seed_offset=1,
            ),
        )
        for mention_style, named in (("marked", 0.0), ("named", 1.0))
    }


def write_result(
    experiment: PretrainExperiment, model: Any, processor: Any, metrics: dict[str, Any]
) -> None:
    """Write model folder, metrics and curves into a folder that appears whole."""
    names = {
        "answer": "answers",
        "patch_label": "names of patches",
        "attention": "attention to the object",
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
