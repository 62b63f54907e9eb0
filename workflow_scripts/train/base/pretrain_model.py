"""The tiny base with the heads and losses of its pre-training.

Of patches, in the first phase:

- each image token names its patch's class (`patch_label`), and predicts its depth (`patch_depth`)
  and where in the image the middle of its object is (`patch_center`).

Of questions and lists, in the second phase, beside the text that answers (`answer`, `object_list`):

- `patch_label`, the index of each patch (`patch_index`) and the words for the place of its object
  (`patch_place`);
- the keyword of each mention attends to the patches of its object (`attention`), in a list all
  words about an object do (`list_attention`); the keyword's hidden state predicts the object's
  position (`position`), size (`size`) and patch (`patch`);
- the token before the answer to a comparison attends to the keyword of the mention for which the
  relation holds (`choosing`), and the token before each word of an answer that repeats a name or
  colour attends to that word of the question (`copying`);
- the keyword of the second mention predicts its offset from the first (`offset`); the token before
  the answer predicts the offset (`answer_offset`), which relation is meant (`direction`), whether
  it holds (`relation`) and the logarithm of the length that is asked for (`length`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workflow_scripts.models.length_loss import token_losses
from workflow_scripts.models.patch_naming import image_tokens_of, patch_name_logits
from workflow_scripts.models.shared_prefix import IGNORE_INDEX, attention_input
from workflow_scripts.sources.readers.procthor_assets import STRUCTURE_CATEGORIES
from workflow_scripts.train.base.pretrain_questions import NUM_AXES
from workflow_scripts.train.base.tiny_vlm import (
    CHOOSING_LAYER,
    COPYING_LAYER,
    GROUNDING_LAYER,
    NUM_CHOOSING_HEADS,
    NUM_GROUNDING_HEADS,
    TinyVlmConfig,
)
from workflow_scripts.train.precision import has_fast_bfloat16

LOSS_WEIGHTS = {
    "answer": 1.0,
    "patch_label": 1.0,
    "patch_depth": 0.5,
    "patch_center": 1.5,
    "attention": 0.5,
    "list_attention": 1.0,
    "copying": 0.5,
    "choosing": 0.5,
    "position": 1.0,
    "size": 0.5,
    "patch": 0.3,
    "patch_index": 0.1,
    "offset": 0.5,
    "answer_offset": 0.5,
    "direction": 0.3,
    "relation": 1.0,
    "length": 1.0,
    "object_list": 1.0,
    "patch_place": 0.2,
}
STRUCTURE_LOSS_WEIGHT = 0.05
# Of names of patches: there are few houses, and what the tower is sure of it remembers.
LABEL_SMOOTHING = 0.1
EMBEDDING_KEY = "model.model.language_model.embed_tokens.weight"
LM_HEAD_KEY = "model.lm_head.weight"
# Of a place: column, row, depth, and three in metres.
NUM_COORDINATES = 6
FIRST_PATCH_TOKEN = 2  # <s> and <user> come before the image's tokens.


class AuxiliaryHeads(nn.Module):
    """Heads that predict positions from hidden states; only for pre-training."""

    def __init__(self, size: TinyVlmConfig) -> None:
        super().__init__()
        self.patch = nn.Linear(size.text_width, size.patches_per_side**2)
        self.patch_geometry = nn.Linear(size.text_width, 3)
        self.position = nn.Linear(size.text_width, NUM_COORDINATES)
        self.size = nn.Linear(size.text_width, 3)
        self.offset = nn.Linear(size.text_width, NUM_COORDINATES)
        self.answer_offset = nn.Linear(size.text_width, NUM_COORDINATES)
        self.relation = nn.Linear(size.text_width, 1)
        self.direction = nn.Linear(size.text_width, 2 * NUM_AXES)
        self.length = nn.Linear(size.text_width, 1)
        self.patch_place = nn.Linear(size.text_width, 3 * size.text_width)


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
        self._patch_tokens = slice(FIRST_PATCH_TOKEN, FIRST_PATCH_TOKEN + self.num_patches)
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
        """Return the losses by name and whether each answer's first token is correct [answers].

        A batch without questions has labels of patches; only then the vision tower learns.
        """
        is_patch_batch = "input_ids" not in batch
        tower = self.model.model.vision_tower
        tower.train(self.training and is_patch_batch)
        tower.requires_grad_(is_patch_batch)
        with torch.autocast(
            batch["pixel_values"].device.type, torch.bfloat16, enabled=has_fast_bfloat16()
        ):
            return self._patch_losses(batch) if is_patch_batch else self._question_losses(batch)

    def _question_losses(
        self, batch: dict[str, torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        outputs = self.model.model(
            input_ids=batch["input_ids"],
            pixel_values=batch["pixel_values"],
            attention_mask=attention_input(self.model, batch["segments"]),
            position_ids=batch["position_ids"],
            output_hidden_states=True,
            output_attentions=True,
        )
        losses, is_correct = self._answer_loss(outputs, batch)
        losses |= self._patch_label_loss(outputs.image_hidden_states, batch["patch_classes"])
        losses |= self._grounding_losses(outputs, batch)
        return losses, is_correct

    def _patch_losses(
        self, batch: dict[str, torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        tokens = image_tokens_of(self.model, batch["pixel_values"]).float()
        class_ids = batch["patch_classes"]
        geometry = self.heads.patch_geometry(tokens)
        is_object = self.class_weights[class_ids][..., None] == 1
        center_error = functional.smooth_l1_loss(
            geometry[..., 1:], batch["patch_object_center"], beta=0.1, reduction="none"
        )
        losses = {
            **self._patch_label_loss(tokens, class_ids),
            "patch_depth": _position_loss(geometry[..., 0], batch["patch_log_depth"]),
            "patch_center": (center_error * is_object).sum() / is_object.sum().clamp_min(1),
        }
        return losses, torch.zeros(0, device=tokens.device)

    def _answer_loss(
        self, outputs: Any, batch: dict[str, torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        labels = batch["labels"][:, 1:]
        chosen = labels != IGNORE_INDEX
        logits = self.model.lm_head(outputs.last_hidden_state[:, :-1][chosen])
        is_list = batch["is_list"][:, 1:][chosen]
        is_first = (batch["labels"][:, :-1][chosen] == IGNORE_INDEX) & ~is_list
        is_correct = logits[is_first].argmax(-1) == labels[chosen][is_first]
        losses = token_losses(logits, labels[chosen], self.model.config)
        return {
            "answer": _mean_or_0(losses[~is_list]),
            "object_list": _mean_or_0(losses[is_list]),
        }, is_correct

    def _patch_label_loss(
        self, tokens: torch.Tensor, class_ids: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        logits = patch_name_logits(
            tokens, self.model.get_input_embeddings().weight, self.class_word_weights
        )
        class_ids = class_ids.reshape(-1)
        nll = functional.cross_entropy(
            logits.reshape(len(class_ids), -1),
            class_ids,
            reduction="none",
            label_smoothing=LABEL_SMOOTHING,
        )
        weight = self.class_weights[class_ids]
        return {"patch_label": (nll * weight).sum() / weight.sum().clamp_min(1e-6)}

    def _grounding_losses(
        self, outputs: Any, batch: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        sequence, token = batch["mention_at"].unbind(1)
        patches = self._patch_tokens
        after = outputs.hidden_states[GROUNDING_LAYER + 1]
        later, last = outputs.hidden_states[GROUNDING_LAYER + 2 : GROUNDING_LAYER + 4]
        image_hidden = after[:, patches].reshape(-1, after.shape[-1])
        patch_ids = torch.arange(self.num_patches, device=after.device).repeat(len(after))
        mention = after[sequence, token]
        position = batch["mention_position"]
        side = round(self.num_patches**0.5)
        column, row = (position[:, :2] * side).long().clamp(0, side - 1).unbind(1)
        first_of_pair, second_of_pair, sample_of_pair = batch["pairs"].unbind(1)
        coordinates = _coordinates(position)
        has_size = ~batch["mention_log_size"].isnan().any(-1)
        offset = coordinates[second_of_pair] - coordinates[first_of_pair]
        second_mention = later[sequence, token][second_of_pair]
        answer_sequence, answer_token = batch["answer_at"].unbind(1)
        answer_hidden = last[answer_sequence, answer_token]
        has_direction = batch["directions"] != IGNORE_INDEX
        directions = self.heads.direction(later[answer_sequence, answer_token][has_direction])
        is_relation = ~batch["relation_holds"].isnan()
        is_length = ~batch["log_length"].isnan()
        return {
            **self._attention_losses(outputs.attentions, batch),
            "patch": _mean_or_0(
                functional.cross_entropy(
                    self.heads.patch(mention), row * side + column, reduction="none"
                )
            ),
            "patch_place": self._patch_place_loss(after[:, patches], batch["patch_places"]),
            "patch_index": functional.cross_entropy(self.heads.patch(image_hidden), patch_ids),
            "position": _position_loss(self.heads.position(mention), coordinates),
            "size": _position_loss(
                self.heads.size(mention)[has_size], batch["mention_log_size"][has_size]
            ),
            "offset": _position_loss(self.heads.offset(second_mention), offset),
            "answer_offset": _position_loss(
                self.heads.answer_offset(answer_hidden)[sample_of_pair], offset
            ),
            "direction": _mean_or_0(
                functional.cross_entropy(
                    directions, batch["directions"][has_direction], reduction="none"
                )
            ),
            "relation": _mean_or_0(
                functional.binary_cross_entropy_with_logits(
                    self.heads.relation(answer_hidden)[is_relation, 0],
                    batch["relation_holds"][is_relation],
                    reduction="none",
                )
            ),
            "length": _mean_or_0(
                functional.smooth_l1_loss(
                    self.heads.length(answer_hidden)[is_length, 0],
                    batch["log_length"][is_length],
                    beta=0.2,
                    reduction="none",
                )
            ),
        }

    def _attention_losses(
        self, attentions: Sequence[torch.Tensor], batch: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Return minus the mean logarithms of the attention that is right, by name."""
        sequence, token, mention = batch["attend_at"].unbind(1)
        on_patches = attentions[GROUNDING_LAYER][
            sequence, :NUM_GROUNDING_HEADS, token, self._patch_tokens
        ]
        on_object = (on_patches * batch["mention_patches"][mention, None]).sum(-1)
        of_list = batch["is_list"][sequence, token]
        sequence, token, chosen = batch["choose_at"].unbind(1)
        on_chosen = attentions[CHOOSING_LAYER][sequence, :NUM_CHOOSING_HEADS, token, chosen]
        sequence, token, repeated = batch["copy_at"].unbind(1)
        on_repeated = attentions[COPYING_LAYER][sequence, :, token, repeated]
        shares = {
            "attention": on_object[~of_list],
            "list_attention": on_object[of_list],
            "choosing": on_chosen,
            "copying": on_repeated,
        }
        return {name: -_mean_or_0(one.clamp_min(1e-6).log()) for name, one in shares.items()}

    def _patch_place_loss(self, image_hidden: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Return the loss of the words for the place of each patch's object [n, patches, 3]."""
        chosen = words.ge(0).all(-1)
        predicted = self.heads.patch_place(image_hidden[chosen]).unflatten(-1, (3, -1))
        logits = predicted @ self.model.get_input_embeddings().weight.T
        losses = functional.cross_entropy(
            logits.flatten(0, 1), words[chosen].flatten(), reduction="none"
        )
        return _mean_or_0(losses)


def _coordinates(position: torch.Tensor) -> torch.Tensor:
    """Return what is learned of places (column, row, logarithm of depth) [n, 3]: [n, 6].

    Beside these, which relations compare, the place in metres of the camera frame, from which
    distances follow; an opening angle of 90 degrees is assumed. The others are scaled to about 1.
    """
    column, row, log_depth = position.unbind(1)
    depth = log_depth.exp()
    image = torch.stack([4 * column - 2, 4 * row - 2, 2 * log_depth - 2], dim=1)
    metres = torch.stack([(2 * column - 1) * depth, (2 * row - 1) * depth, depth], dim=1)
    return torch.cat([image, metres], dim=1)


def _mean_or_0(losses: torch.Tensor) -> torch.Tensor:
    """Return the mean, 0 of no losses."""
    return losses.sum() / max(1, losses.numel())


def _position_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return _mean_or_0(functional.smooth_l1_loss(predicted, target, beta=0.2, reduction="none"))
