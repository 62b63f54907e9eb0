"""A vision-language model that knows where its visual tokens lie, and chooses among proposals.

The base stays as it is: encodings of coordinates are added to what its projector makes of frames,
and a hook on its input embeddings puts vectors in the place of `<ground>`, `<coord>` and
`<object>`. Batches come from `VideoProcessor`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    PADDING,
    additive_mask,
    attention_input,
    packed_attention_mask,
    rope_position_ids,
    sharing_obstacle,
)
from workflow_scripts.models.video.candidate_scores import (
    Candidates,
    CandidateScores,
    grounding_losses,
    score_candidates,
)
from workflow_scripts.models.video.depth_head import DepthHead, depth_loss
from workflow_scripts.models.video.frame_features import (
    FrameFeatures,
    frame_features,
    pool_patches,
    pooled_grid,
    replace_features,
)
from workflow_scripts.models.video.grounding_head import GroundingHead
from workflow_scripts.models.video.object_patches import mean_patch_features
from workflow_scripts.models.video.object_reader import ObjectReader
from workflow_scripts.models.video.position_encoding import PositionEncoding
from workflow_scripts.models.video.relation_head import RelationHead
from workflow_scripts.models.video.special_tokens import SpecialTokens
from workflow_scripts.models.video.video_batch import from_bits

Batch = dict[str, Any]


@dataclass
class EncodedScene:
    """What a batch's scans are for the language model.

    Attributes:
        encoder_outputs: `mm_encoder_outputs` of the base; None without frame tokens.
        objects: [proposals, width], features and encoded centre of all proposals.
        features: [proposals, width], features alone; zeros without frames.
        depth: The depth loss, or None.
        unused: 0 in training, from features that no loss may read, so that they have gradients
            on every rank; None otherwise.
    """

    encoder_outputs: dict[str, Any] | None
    objects: torch.Tensor
    features: torch.Tensor
    depth: torch.Tensor | None
    unused: torch.Tensor | None


class VideoModel(nn.Module):
    """Wraps a base for pictures and text, with or without LoRA adapters.

    Args:
        model: Any `AutoModelForImageTextToText` that `FrameEncoder` knows, or a `PeftModel` of it.
        special_tokens: Of the `VideoProcessor`.
        settings: What is added to the base.
    """

    def __init__(
        self, model: Any, special_tokens: SpecialTokens, settings: VideoModelSettings
    ) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        self.special_tokens = special_tokens
        self.config = self.base.config
        width = self.config.get_text_config().hidden_size
        self.position_encoding = PositionEncoding(settings.position_encoding, width)
        self.grounding_head = GroundingHead(width, settings.grounding_head)
        self.relation_head = RelationHead(width) if settings.relation_head else None
        self.object_reader = ObjectReader(width) if settings.grounded_answers else None
        self.token_embeddings = nn.Embedding(len(special_tokens.ids), width)
        self.depth_head = DepthHead(width) if settings.depth_head else None
        embeddings = self.base.get_input_embeddings()
        with _gathered(embeddings.weight):
            mean = embeddings.weight.detach().float().mean(dim=0)
        with torch.no_grad():
            self.token_embeddings.weight.copy_(mean.expand_as(self.token_embeddings.weight))
        embeddings.register_forward_hook(self._replace_embeddings)
        self._replacement: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def base(self) -> Any:
        """Return the base without the wrapper of PEFT, which has put adapters into its layers."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    def own_parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters that are not the base's by name: heads, encoding, embeddings."""
        return {
            name: part for name, part in self.named_parameters() if not name.startswith("model.")
        }

    def gradient_checkpointing_enable(self, **settings: Any) -> None:
        """Let the base compute activations twice; a Trainer calls this."""
        self.base.gradient_checkpointing_enable(**settings)

    def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
        """Return the losses of a batch of `VideoProcessor.collate`.

        `grounding`, `anchor` and `answer` are sums over queries and answer tokens, divided by
        `num_queries` and `num_answer_tokens` of the batch, which a caller may replace by those
        of a whole step; `depth` is a mean over tokens times this batch's share of `num_frames`.
        `loss` is their weighted sum. A batch without one of them has 0 there, but runs the same
        layers, because ranks that share weights (ZeRO-3) have to run them together.
        """
        scene = self.encode_scene(batch)
        first = self._first_scores(batch, scene)
        hidden = self._read(batch, scene, first)
        scored = first or self._scores(hidden, batch, scene)
        losses = {
            **grounding_losses(
                scored,
                targets=batch["ground_targets"],
                anchors=batch["anchor_targets"],
                is_about=batch["is_about"],
                num_queries=batch["num_queries"],
            ),
            "answer": self._answer_loss(hidden, batch),
        }
        weights = {
            "grounding": self.settings.grounding_weight,
            "anchor": self.settings.anchor_weight,
            "answer": 1.0,
        }
        if scene.depth is not None:
            losses["depth"] = scene.depth
            weights["depth"] = self.settings.depth_weight
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        if scene.unused is not None:
            total = total + scene.unused
        return {"loss": total, **losses}

    @torch.inference_mode()
    def score_candidates(self, **batch: Any) -> list[torch.Tensor]:
        """Return the scores of every query, f32 [proposals of its scan + 1]; no object last."""
        scene = self.encode_scene(batch)
        scored = self._first_scores(batch, scene)
        if scored is None:
            scored = self._scores(self._read(batch, scene, None), batch, scene)
        return scored.by_query()

    def encode_scene(self, batch: Batch) -> EncodedScene:
        """Run the vision tower, and join features and coordinates."""
        features: FrameFeatures | None = None
        if "pixel_values" in batch:
            features = frame_features(self.base.model, batch)
        encoder_outputs, depth, unused = None, None, None
        if features is not None and self.settings.tokens == "frames":
            pooling = self.settings.pooling
            tokens = pool_patches(features.patches, features.grids, pooling)
            encoding = self.position_encoding(from_bits(batch["token_points"]))
            tokens = tokens + encoding.to(tokens.dtype)
            encoder_outputs = replace_features(features, tokens, pooling)
        if self.training:
            seen = features or self._blank_features(batch)
            unused = 0.0 * seen.mean()
            if self.depth_head is not None:
                predicted = self.depth_head(seen.patches)
                if features is None:
                    unused = unused + 0.0 * predicted.mean()
                else:
                    depth = depth_loss(
                        predicted, from_bits(batch["patch_depth"]), from_bits(batch["patch_height"])
                    )
                    depth = depth * len(seen.grids) / batch["num_frames"].clamp(min=1)
        objects = self._object_features(batch, features)
        centers = self.position_encoding(from_bits(batch["object_points"])).to(objects.dtype)
        return EncodedScene(encoder_outputs, objects + centers, objects, depth, unused)

    def _blank_features(self, batch: Batch) -> FrameFeatures:
        """Run the tower over a blank frame: other ranks have frames, and share its weights."""
        names = ("pixel_values", "frame_grids", "image_grid_thw")
        blank = {name: batch[f"blank_{name}"] for name in names if f"blank_{name}" in batch}
        features = frame_features(self.base.model, blank)
        if self.settings.tokens == "frames":
            # In the order of `encode_scene`, for ranks wait for each other layer by layer.
            self.position_encoding(from_bits(batch["coord_points"])[:0])
        return features

    def _object_features(self, batch: Batch, features: FrameFeatures | None) -> torch.Tensor:
        """Return the mean patch of every proposal, zeros without one."""
        kind = self.token_embeddings.weight.dtype
        num_objects = len(batch["object_points"])
        if features is None:
            return self.token_embeddings.weight.new_zeros(num_objects, self.position_encoding.width)
        means = mean_patch_features(
            features.patches,
            batch["object_patch"],
            batch["object_of_patch"],
            num_objects=num_objects,
        )
        return means.to(kind)

    def read(self, batch: Batch, scene: EncodedScene, *, cache: Any = None) -> torch.Tensor:
        """Return the last hidden states [rows, tokens, width] of packed sequences.

        With a `cache` all keys and values are kept in it.
        """
        return self._read(batch, scene, self._first_scores(batch, scene), cache=cache)

    def _first_scores(self, batch: Batch, scene: EncodedScene) -> CandidateScores | None:
        """Return the scores at `<ground>` that texts are read with; None without object reader."""
        if self.object_reader is None:
            return None
        return self._scores(self._read(batch, scene, None), batch, scene)

    def _read(
        self,
        batch: Batch,
        scene: EncodedScene,
        scored: CandidateScores | None,
        *,
        cache: Any = None,
    ) -> torch.Tensor:
        """Read texts; with scores, `<ground>` stands for what is chosen there."""
        chosen = None
        if self.object_reader is not None and scored is not None:
            chosen = self.object_reader(scored.scores, scored.candidates)
        with self.replaced_embeddings(batch, scene, chosen) as input_ids:
            output = self.base.model(
                input_ids=input_ids,
                position_ids=self.positions(batch),
                attention_mask=self._attention(batch),
                mm_encoder_outputs=scene.encoder_outputs,
                past_key_values=cache,
                use_cache=cache is not None,
            )
        hidden: torch.Tensor = output.last_hidden_state
        return hidden

    def positions(self, batch: Batch) -> torch.Tensor:
        """Return the positions that the base's rotary embedding takes."""
        grid = None
        if "image_grid_thw" in batch and self.settings.tokens == "frames":
            merge = self.config.vision_config.spatial_merge_size
            sizes = [
                pooled_grid(rows, columns, self.settings.pooling)
                for rows, columns in batch["frame_grids"].tolist()
            ]
            grid = torch.tensor(
                [(1, rows * merge, columns * merge) for rows, columns in sizes],
                device=batch["input_ids"].device,
            )
        return rope_position_ids(
            self.base,
            input_ids=batch["input_ids"],
            segments=batch["segments"],
            position_ids=batch["position_ids"],
            mm_token_type_ids=batch.get("mm_token_type_ids"),
            image_grid_thw=grid,
        )

    def _attention(self, batch: Batch) -> Any:
        if sharing_obstacle(self.base) is not None:
            # Its layers hide more than order; every question has a row of its own.
            return (batch["segments"] != PADDING).long()
        if not self.settings.frame_attention_bias:
            return attention_input(self.base, batch["segments"])
        if self.config.get_text_config()._attn_implementation not in ("sdpa", "eager"):
            raise UserError("frame_attention_bias needs attention: sdpa")
        mask = additive_mask(packed_attention_mask(batch["segments"]), self.base.dtype)
        return mask + self.frame_bias(batch["input_ids"], batch["input_ids"])

    def frame_bias(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Return what is added to the attention of texts to frames, [rows, 1, query, key]."""
        image = self.config.image_token_id
        is_meant = (queries != image)[:, None, :, None] & (keys == image)[:, None, None, :]
        bias: torch.Tensor = is_meant.to(self.base.dtype) * self.settings.frame_attention_bias
        return bias

    @contextlib.contextmanager
    def replaced_embeddings(
        self, batch: Batch, scene: EncodedScene, chosen: torch.Tensor | None = None
    ) -> Iterator[torch.Tensor]:
        """Yield token numbers that the base has rows for; the next embedding of them is replaced.

        In the place of the special tokens stand their own vectors: `<coord>` with the encoding
        of its point, `<object>` the proposal's, `<ground>` with what was chosen there.

        Args:
            batch: Of `VideoProcessor.collate`.
            scene: Its scans.
            chosen: [queries, width], of the object reader; None before something is chosen.
        """
        special = self.special_tokens
        input_ids = batch["input_ids"]
        is_special = torch.stack([input_ids == token for token in special.ids])
        vectors = self.token_embeddings(is_special.long().argmax(dim=0)[is_special.any(dim=0)])
        which = input_ids[is_special.any(dim=0)]
        # Also without a coordinate in the batch the same layers run.
        points = self.position_encoding(from_bits(batch["coord_points"]))
        if self.settings.point_features:
            points = points + self._features_at_points(batch, scene)
        vectors = vectors.masked_scatter(
            (which == special.coord)[:, None],
            vectors[which == special.coord] + points.to(vectors.dtype),
        )
        vectors = vectors.masked_scatter(
            (which == special.object)[:, None],
            scene.objects[: int((which == special.object).sum())].to(vectors.dtype),
        )
        if chosen is not None:
            is_ground = (which == special.ground)[:, None]
            chosen = chosen.to(vectors.dtype)
            vectors = vectors + torch.zeros_like(vectors).masked_scatter(is_ground, chosen)
            # A batch without queries has a choice all the same, which is added to nothing.
            vectors = vectors + 0.0 * chosen.sum()
        self._replacement = (is_special.any(dim=0), vectors)
        try:
            yield input_ids.masked_fill(is_special.any(dim=0), special.padding)
        finally:
            self._replacement = None

    def _features_at_points(self, batch: Batch, scene: EncodedScene) -> torch.Tensor:
        """Return the features of the proposals at points [points, width]; zeros without one."""
        index = batch["coord_object"]
        padded = functional.pad(scene.features, (0, 0, 0, 1))
        return padded[torch.where(index < 0, len(scene.features), index)]

    def _replace_embeddings(self, module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        if self._replacement is None:
            return output
        mask, vectors = self._replacement
        return output.masked_scatter(mask[..., None], vectors.to(output.dtype))

    def _scores(self, hidden: torch.Tensor, batch: Batch, scene: EncodedScene) -> CandidateScores:
        has_positions = self.settings.position_encoding.kind != "none"
        candidates = Candidates.of(
            hidden,
            batch["input_ids"] == self.special_tokens.ground,
            scene.objects,
            batch["object_row"],
            from_bits(batch["object_points"]) if has_positions else None,
        )
        return score_candidates(candidates, self.grounding_head, self.relation_head)

    def _answer_loss(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        labels = batch["labels"]
        is_predicted = functional.pad(labels[:, 1:] != IGNORE_INDEX, (0, 1))
        head = self.base.get_output_embeddings()
        if not is_predicted.any():
            nothing: torch.Tensor = 0.0 * head(hidden[:1, :1]).float().sum()
            return nothing
        logits = head(hidden[is_predicted]).float()
        targets = labels[:, 1:][is_predicted[:, :-1]]
        total = functional.cross_entropy(logits, targets, reduction="sum")
        loss: torch.Tensor = total / batch["num_answer_tokens"]
        return loss


def _gathered(weight: torch.Tensor) -> Any:
    """Return a context in which a weight that ZeRO-3 has divided is whole."""
    if not hasattr(weight, "ds_id"):
        return contextlib.nullcontext()
    import deepspeed

    return deepspeed.zero.GatheredParameters([weight])
