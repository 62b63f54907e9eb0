"""Samples for pre-training: images with drawn marks, and questions answered by their positions.

A batch holds several images with several questions each. The questions about an image follow it
in one packed sequence; an attention mask separates them, so each is learned as if it were alone,
and the image is encoded once.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.image_marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.models.patch_naming import name_word_weights
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    Continuation,
    PackedSequence,
    pad_sequences,
)
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, MarkSprites, ObjectPoint
from workflow_scripts.train.base.pretrain_patches import MIN_DEPTH_M, patch_class_ids
from workflow_scripts.train.base.pretrain_questions import (
    ABOVE_BELOW_IN_IMAGE,
    CAMERA_DISTANCE,
    CENTER_DISTANCE,
    FRONT_BEHIND,
    HIGHER_LOWER_IN_ROOM,
    LEFT_RIGHT,
    MINIMUM_DISTANCE,
    Length,
    Mention,
    PretrainSample,
    Relation,
    ask_length,
    compare_mentions,
    coordinate_difference,
)
from workflow_scripts.train.base.tiny_vlm import ASSISTANT, IMAGE, USER, TinyVlmConfig

# Points closer than this fraction of the side have no clear order.
MIN_OFFSET_FRACTION = 0.045
MIN_DEPTH_DIFFERENCE_M = 0.15
SPACING_RADII = 2.5
# How many marks lie where an object's mark would be; the others lie anywhere.
MARKED_OBJECT_FRACTION = 0.6
# What is asked about two mentions, and how often.
QUESTION_TYPES: tuple[Relation | Length, ...] = (
    LEFT_RIGHT,
    ABOVE_BELOW_IN_IMAGE,
    HIGHER_LOWER_IN_ROOM,
    FRONT_BEHIND,
    CENTER_DISTANCE,
    MINIMUM_DISTANCE,
    CAMERA_DISTANCE,
)
QUESTION_SHARES = (0.3, 0.1, 0.1, 0.15, 0.13, 0.12, 0.1)


class PretrainDataset(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Item `step` is a whole batch, always the same for the same seed.

    `named_fraction` of the questions name objects instead of marks; over the first
    `named_rise_steps` batches the fraction rises to that. Marks are easy to find, so the model
    learns to compare places with them and then needs to learn names alone.
    """

    def __init__(
        self,
        images: AnnotatedImages,
        tokenizer: Any,
        size: TinyVlmConfig,
        *,
        steps: int,
        images_per_step: int,
        questions_per_image: int,
        named_fraction: float,
        seed: int,
        named_rise_steps: int = 0,
    ) -> None:
        self._images = images
        self._size = size
        self._steps = steps
        self._per_step = images_per_step
        self._questions = questions_per_image
        self._named_fraction = named_fraction
        self._named_rise_steps = named_rise_steps
        self._seed = seed
        self._sprites = MarkSprites(size.image_px)
        self._tokenizer = tokenizer
        self._encode = lru_cache(maxsize=200_000)(self._encode_uncached)
        self._ids = {
            name: tokenizer.convert_tokens_to_ids(name)
            for name in ("<s>", "</s>", USER, ASSISTANT, IMAGE)
        }
        self._class_names = (*images.categories, *MARK_COLOURS)
        self.class_word_weights = class_word_weights(tokenizer, images.categories)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = seeded(self._seed, "lessons", step)
        chosen = rng.integers(len(self._images), size=self._per_step)
        rgb, label_map, samples_by_image = [], [], []
        rise = min(1.0, step / self._named_rise_steps) if self._named_rise_steps else 1.0
        for index in chosen:
            image, labels, samples = self.make_samples(
                int(index), rng, named_fraction=rise * self._named_fraction
            )
            rgb.append(image)
            label_map.append(labels)
            samples_by_image.append(samples)
        patch_classes = patch_class_ids(
            torch.from_numpy(np.stack(label_map).astype(np.int64)),
            patch_px=self._size.patch_px,
            num_classes=len(self.class_word_weights),
        )
        return {
            "pixel_values": pixel_values(np.stack(rgb)),
            "patch_classes": patch_classes,
            **self.pack_sequences(samples_by_image, patch_classes),
        }

    def make_samples(
        self, index: int, rng: np.random.Generator, *, named_fraction: float
    ) -> tuple[np.ndarray, np.ndarray, list[PretrainSample]]:
        """Draw marks into an image and ask about it.

        Returns the image u8 [side, side, 3], the class of each pixel u8 [side, side] (marks have
        the numbers after the categories), and the samples.
        """
        side = self._size.image_px
        rgb, label_map = self._images.rgb[index].copy(), self._images.label_map[index].copy()
        depth_m = self._images.depth_m[index]
        object_points = self._images.object_points[index]
        if rng.integers(2):
            rgb, label_map = (
                np.ascontiguousarray(rgb[:, ::-1]),
                np.ascontiguousarray(label_map[:, ::-1]),
            )
            depth_m = depth_m[:, ::-1]
            object_points = tuple(
                replace(object_point, u=side - object_point.u) for object_point in object_points
            )
        is_named = rng.random(self._questions) < named_fraction
        named = [
            Mention(
                f"the {noun}",
                noun,
                point.u,
                point.v,
                point.category,
                point.camera_depth_m,
                point,
            )
            for point in object_points
            if point.has_unique_name
            for noun in [phrase(point.category)]
        ]
        marks = [] if is_named.all() else self._place_marks(object_points, depth_m, rng)
        radius = mark_radius_px(side)
        offset = len(self._images.categories)
        line, column = np.mgrid[:side, :side] + 0.5
        for mark in marks:
            self._sprites.paste(rgb, mark.label, mark.u, mark.v)
            disc = (column - mark.u) ** 2 + (line - mark.v) ** 2 <= radius**2
            label_map[disc] = offset + list(MARK_COLOURS).index(mark.label)
        samples = []
        for use_name in is_named:
            sample = self._draw_question(named if use_name else marks, rng)
            sample = sample or self._draw_question(marks, rng)
            if sample:
                samples.append(sample)
        return rgb, label_map, samples

    def _place_marks(
        self, object_points: Sequence[ObjectPoint], depth_m: np.ndarray, rng: np.random.Generator
    ) -> list[Mention]:
        side = self._size.image_px
        radius = mark_radius_px(side)
        num_marks = int(rng.integers(2, len(MARK_COLOURS) + 1))
        colours = list(rng.permutation(list(MARK_COLOURS)))
        order = rng.permutation(len(object_points))
        placed: list[Mention] = []
        for attempt in range(20):
            if len(placed) == num_marks:
                break
            point = None
            if attempt < len(order) and rng.random() < MARKED_OBJECT_FRACTION:
                point = object_points[order[attempt]]
                u, v = point.u, point.v
            else:
                u, v = rng.uniform(radius, side - radius, size=2)
            inside = radius <= min(u, v) and max(u, v) <= side - radius
            is_spaced = all(
                np.hypot(u - mark.u, v - mark.v) > SPACING_RADII * radius for mark in placed
            )
            if inside and is_spaced:
                colour = str(colours[len(placed)])
                is_long = rng.random() < 0.1
                text = f"the object at the {colour} mark" if is_long else f"the {colour} mark"
                mark_depth_m = point.camera_depth_m if point else float(depth_m[int(v), int(u)])
                placed.append(
                    Mention(text, colour, float(u), float(v), depth_m=mark_depth_m, point=point)
                )
        return placed

    def _draw_question(
        self, mentions: Sequence[Mention], rng: np.random.Generator
    ) -> PretrainSample | None:
        if len(mentions) < 2:
            return None
        for _ in range(8):
            question_type = QUESTION_TYPES[int(rng.choice(len(QUESTION_TYPES), p=QUESTION_SHARES))]
            mention_a, mention_b = (mentions[index] for index in rng.permutation(len(mentions))[:2])
            if isinstance(question_type, Length):
                sample = ask_length(
                    (mention_a, mention_b)[: question_type.num_objects], question_type, rng
                )
                if sample:
                    return sample
                continue
            relation = question_type
            if mention_a.category and relation is HIGHER_LOWER_IN_ROOM:
                relation = ABOVE_BELOW_IN_IMAGE
            difference = abs(coordinate_difference(mention_a, mention_b, relation))
            smallest = (
                MIN_DEPTH_DIFFERENCE_M
                if relation is FRONT_BEHIND
                else MIN_OFFSET_FRACTION * self._size.image_px
            )
            if difference >= smallest:
                return compare_mentions(mention_a, mention_b, relation, rng)
        return None

    def _encode_uncached(self, question: str, ends: tuple[int, ...]) -> tuple[list[int], list[int]]:
        encoding = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        last = {
            stop: token_index for token_index, (_, stop) in enumerate(encoding["offset_mapping"])
        }
        return encoding["input_ids"], [last[end] for end in ends]

    def pack_sequences(
        self, samples_by_image: Sequence[Sequence[PretrainSample]], patch_classes: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Lay out the samples of each image as one sequence.

        `segments` is 0 for the image's tokens, then 1, 2, ... by sample, -1 for padding; `labels`
        are set at answers only; `mention_at` [m, 2] is (sequence, token) of the keyword of each
        mention, `mention_position` [m, 3] its column and row as fractions of the image and the
        logarithm of its depth in metres, and `mention_patches` bool [m, patches] the patches that
        show it. `pairs` [p, 3] are (first mention, second mention, sample) of the samples with two
        mentions. `answer_at` [samples, 2] is the token before each answer, `relation_holds`
        [samples] whether the relation holds and `log_length` [samples] the logarithm of the length
        in metres that is asked for; both are NaN where a sample has none.
        """
        size, ids = self._size, self._ids
        class_ids = {name: number for number, name in enumerate(self._class_names)}
        start = [ids["<s>"], ids[USER], *[ids[IMAGE]] * size.patches_per_side**2]
        sequences, mention_position, mention_patches = [], [], []
        mention_at: list[tuple[int, int]] = []
        answer_at: list[tuple[int, int]] = []
        pairs, relation_holds, log_length = [], [], []
        for number, samples in enumerate(samples_by_image):
            continuations: list[Continuation] = []
            for sample in samples:
                first = len(start) + sum(len(part.tokens) for part in continuations)
                question, ends = self._encode(sample.question, sample.keyword_ends)
                answer = [*self._encode(sample.answer, ())[0], ids["</s>"]]
                if len(sample.mentions) == 2:
                    pairs.append((len(mention_at), len(mention_at) + 1, len(answer_at)))
                for end, mention in zip(ends, sample.mentions, strict=True):
                    mention_at.append((number, first + end))
                    mention_position.append(
                        (
                            mention.u / size.image_px,
                            mention.v / size.image_px,
                            np.log(max(mention.depth_m, MIN_DEPTH_M)),
                        )
                    )
                    column, row = int(mention.u) // size.patch_px, int(mention.v) // size.patch_px
                    class_id = class_ids[mention.category or mention.label]
                    patch_mask = patch_classes[number] == class_id
                    patch_mask[row * size.patches_per_side + column] = True
                    mention_patches.append(patch_mask)
                answer_at.append((number, first + len(question)))
                relation_holds.append(_or_nan(sample.relation_holds))
                log_length.append(np.log(_or_nan(sample.length_m)))
                prompt = [*question, ids[ASSISTANT]]
                labels = [IGNORE_INDEX] * len(prompt) + answer
                continuations.append(Continuation([*prompt, *answer], labels))
            sequences.append(PackedSequence(start, continuations))
        return {
            **pad_sequences(sequences, pad_token_id=self._tokenizer.pad_token_id),
            "mention_at": torch.tensor(mention_at, dtype=torch.long).reshape(-1, 2),
            "mention_position": torch.tensor(mention_position, dtype=torch.float32).reshape(-1, 3),
            "mention_patches": torch.stack(mention_patches),
            "pairs": torch.tensor(pairs, dtype=torch.long).reshape(-1, 3),
            "answer_at": torch.tensor(answer_at, dtype=torch.long).reshape(-1, 2),
            "relation_holds": torch.tensor(relation_holds, dtype=torch.float32),
            "log_length": torch.tensor(log_length, dtype=torch.float32),
        }


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def class_word_weights(tokenizer: Any, categories: Sequence[str]) -> torch.Tensor:
    """Return the weights [classes, tokens] of the words that name each class of a patch.

    Classes are the categories, then the colours of marks. The class without a name has weight 0.
    """
    return name_word_weights(tokenizer, [*categories, *MARK_COLOURS])


def pixel_values(rgb: np.ndarray) -> torch.Tensor:
    """Normalise u8 [n, side, side, 3] as the tiny base's processor does: f32 [n, 3, side, side]."""
    values = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
    return (values - 0.5) / 0.25
