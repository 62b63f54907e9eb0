"""Samples for pre-training: images with drawn marks, questions answered by positions, and lists."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.image_marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.train.base.pretrain_batch import BatchBuilder, SampledImage
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, MarkSprites, ObjectPoint
from workflow_scripts.train.base.pretrain_object_lists import list_objects, list_prompt
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
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig

# Points closer than this fraction of the side have no clear order.
MIN_OFFSET_FRACTION = 0.045
MIN_DEPTH_DIFFERENCE_M = 0.15
SPACING_RADII = 2.5
# How many marks lie where an object's mark would be; the others lie anywhere.
MARKED_OBJECT_FRACTION = 0.6
# What is asked about two mentions, and how often, of objects by name and of marks.
QUESTION_TYPES: tuple[Relation | Length, ...] = (
    LEFT_RIGHT,
    ABOVE_BELOW_IN_IMAGE,
    HIGHER_LOWER_IN_ROOM,
    FRONT_BEHIND,
    CENTER_DISTANCE,
    MINIMUM_DISTANCE,
    CAMERA_DISTANCE,
)
NAMED_QUESTION_SHARES = (0.3, 0.12, 0.05, 0.18, 0.06, 0.25, 0.04)
MARKED_QUESTION_SHARES = (0.1, 0.07, 0.04, 0.2, 0.09, 0.45, 0.05)
# At first only places of marks in the image are compared: what is learned most easily.
FIRST_QUESTION_SHARES = (0.5, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0)


class PretrainDataset(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Item `step` is a whole batch, always the same for the same seed.

    Up to batch `rise[0]` questions compare marks in the image, which are easy to find, and then
    ever more of them are others; from batch `rise[1]` on, `named_fraction` of the questions name
    objects, and what is asked follows from `NAMED_QUESTION_SHARES` and `MARKED_QUESTION_SHARES`.
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
        list_fraction: float = 0.0,
        rise: tuple[int, int] = (0, 0),
    ) -> None:
        self._images = images
        self._size = size
        self._steps = steps
        self._per_step = images_per_step
        self._questions = questions_per_image
        self._named_fraction = named_fraction
        self._list_fraction = list_fraction
        self._rise = rise
        self._seed = seed
        self._sprites = MarkSprites(size.image_px)
        self._builder = BatchBuilder(tokenizer, size, images.categories)
        self.class_word_weights = self._builder.class_word_weights

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = seeded(self._seed, "lessons", step)
        chosen = rng.integers(len(self._images), size=self._per_step)
        start, stop = self._rise
        share = float(np.clip((step - start) / max(1, stop - start), 0, 1)) if stop else 1.0
        # All pictures of a batch have a list or none has: rows of one batch have one length.
        has_lists = bool(rng.random() < self._list_fraction)
        images = []
        for index in chosen:
            is_mirrored = bool(rng.integers(2))
            image = self.ask(
                self._image(int(index), is_mirrored=is_mirrored),
                self._images.depth_m[index][:, :: -1 if is_mirrored else 1],
                named_fraction=share * self._named_fraction,
                later_fraction=share,
                rng=rng,
            )
            if has_lists:
                prompt = list_prompt(self._images.cameras[index], is_mirrored=is_mirrored)
                listed = list_objects(image.object_points, prompt)
                image = replace(image, samples=(*image.samples, listed))
            images.append(image)
        return self._builder.build(images)

    def _image(self, index: int, *, is_mirrored: bool) -> SampledImage:
        """Return an image without samples."""
        images = self._images
        arrays = (images.rgb[index], images.label_map[index], images.object_map[index])
        points = images.object_points[index]
        if is_mirrored:
            arrays = tuple(array[:, ::-1] for array in arrays)
            points = tuple(point.mirrored(self._size.image_px) for point in points)
        rgb, label_map, object_map = (np.array(array) for array in arrays)
        return SampledImage(rgb, label_map, object_map, points, ())

    def ask(
        self,
        image: SampledImage,
        depth_m: np.ndarray,
        *,
        named_fraction: float,
        later_fraction: float,
        rng: np.random.Generator,
    ) -> SampledImage:
        """Draw marks into an image, in place, and ask about it. `depth_m` [side, side].

        `later_fraction` of the questions are drawn as later batches ask, the others as the first.
        """
        named_shares, marked_shares = (
            later_fraction * np.array(shares)
            + (1 - later_fraction) * np.array(FIRST_QUESTION_SHARES)
            for shares in (NAMED_QUESTION_SHARES, MARKED_QUESTION_SHARES)
        )
        side = self._size.image_px
        is_named = rng.random(self._questions) < named_fraction
        named = [Mention.of_object(point) for point in image.object_points if point.has_unique_name]
        marks = [] if is_named.all() else self._place_marks(image.object_points, depth_m, rng)
        radius = mark_radius_px(side)
        first_mark = len(self._images.categories)
        line, column = np.mgrid[:side, :side] + 0.5
        for mark in marks:
            self._sprites.paste(image.rgb, mark.label, mark.u, mark.v)
            disc = (column - mark.u) ** 2 + (line - mark.v) ** 2 <= radius**2
            image.label_map[disc] = first_mark + list(MARK_COLOURS).index(mark.label)
        samples = []
        for use_name in is_named:
            sample = self._draw_question(named, named_shares, rng) if use_name else None
            sample = sample or self._draw_question(marks, marked_shares, rng)
            if sample:
                samples.append(sample)
        return replace(image, samples=tuple(samples))

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
                is_long = rng.random() < 0.5
                text = f"the object at the {colour} mark" if is_long else f"the {colour} mark"
                mark_depth_m = point.camera_depth_m if point else float(depth_m[int(v), int(u)])
                placed.append(
                    Mention(text, colour, float(u), float(v), depth_m=mark_depth_m, point=point)
                )
        return placed

    def _draw_question(
        self,
        mentions: Sequence[Mention],
        question_shares: np.ndarray,
        rng: np.random.Generator,
    ) -> PretrainSample | None:
        if len(mentions) < 2:
            return None
        for _ in range(8):
            question_type = QUESTION_TYPES[int(rng.choice(len(QUESTION_TYPES), p=question_shares))]
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
