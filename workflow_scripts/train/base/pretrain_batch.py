"""Batches of pre-training: images with their samples as packed sequences, and what is learned.

The samples of an image follow it in one sequence; an attention mask separates them, so each is
learned as if it were alone, and the image is encoded once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.models.patch_naming import name_word_weights
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    Continuation,
    PackedSequence,
    pad_sequences,
)
from workflow_scripts.train.base.pretrain_images import MAX_OBJECTS, ObjectPoint
from workflow_scripts.train.base.pretrain_object_lists import place_words
from workflow_scripts.train.base.pretrain_patches import MIN_DEPTH_M, patch_class_ids
from workflow_scripts.train.base.pretrain_questions import Mention, PretrainSample
from workflow_scripts.train.base.tiny_vlm import ASSISTANT, IMAGE, USER, TinyVlmConfig

# Paintings and rugs are thinner.
MIN_SIZE_M = 0.02


@dataclass(frozen=True)
class SampledImage:
    """An image as it is shown, and what is learned about it.

    Attributes:
        rgb: u8 [side, side, 3].
        label_map: u8 [side, side], class of each pixel; marks have the numbers after the
            categories.
        object_map: u8 [side, side], 1 + index into `object_points`, 0 elsewhere.
        object_points: Its objects.
        samples: Questions and lists.
    """

    rgb: np.ndarray
    label_map: np.ndarray
    object_map: np.ndarray
    object_points: tuple[ObjectPoint, ...]
    samples: tuple[PretrainSample, ...]


class BatchBuilder:
    """Makes tensors of images with samples."""

    def __init__(self, tokenizer: Any, size: TinyVlmConfig, categories: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._size = size
        self._class_ids = {name: number for number, name in enumerate((*categories, *MARK_COLOURS))}
        self._encode = lru_cache(maxsize=200_000)(self._encode_uncached)
        ids = {
            name: tokenizer.convert_tokens_to_ids(name)
            for name in ("<s>", "</s>", USER, ASSISTANT, IMAGE)
        }
        self._assistant, self._end = ids[ASSISTANT], ids["</s>"]
        self._prefix = [ids["<s>"], ids[USER], *[ids[IMAGE]] * size.patches_per_side**2]
        self.class_word_weights = name_word_weights(tokenizer, [*categories, *MARK_COLOURS])

    def build(self, images: Sequence[SampledImage]) -> dict[str, torch.Tensor]:
        """Return the batch of some images.

        `pixel_values` f32 [n, 3, side, side], `patch_classes` [n, patches] the class that a
        patch is named by, `patch_places` [n, patches, 3] the words for the place of the object
        that a patch shows, and what `pack_sequences` returns.
        """
        patch_px = self._size.patch_px
        patch_classes = patch_class_ids(
            _stack([image.label_map for image in images]),
            patch_px=patch_px,
            num_classes=len(self._class_ids),
        )
        patch_objects = patch_class_ids(
            _stack([image.object_map for image in images]),
            patch_px=patch_px,
            num_classes=MAX_OBJECTS + 1,
            num_background=1,
            num_marks=0,
        )
        return {
            "pixel_values": pixel_values(np.stack([image.rgb for image in images])),
            "patch_classes": patch_classes,
            "patch_places": self._patch_places(images, patch_objects),
            **self.pack_sequences(
                [image.samples for image in images], patch_classes, patch_objects
            ),
        }

    def _patch_places(
        self, images: Sequence[SampledImage], patch_objects: torch.Tensor
    ) -> torch.Tensor:
        """Return ids of tokens [n, patches, 3], -100 where there is no object or no word."""
        most = max(len(image.object_points) for image in images)
        table = torch.full((len(images), most + 1, 3), IGNORE_INDEX)
        for number, image in enumerate(images):
            for row, point in enumerate(image.object_points, start=1):
                for axis, word in enumerate(place_words(point)):
                    token_ids = self._encode(word, ())[0]
                    if len(token_ids) == 1 and token_ids[0] != self._tokenizer.unk_token_id:
                        table[number, row, axis] = token_ids[0]
        return table[torch.arange(len(images))[:, None], patch_objects]

    def pack_sequences(
        self,
        samples_by_image: Sequence[Sequence[PretrainSample]],
        patch_classes: torch.Tensor,
        patch_objects: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Lay out the samples of each image as one sequence.

        `segments` is 0 for the image's tokens, then 1, 2, ... by sample, -1 for padding; `labels`
        are set at answers only, `is_list` [n, tokens] at the tokens of lists. `mention_at` [m, 2]
        is (sequence, token) of the keyword of each mention, `mention_position` [m, 3] its column
        and row as fractions of the image and the logarithm of its depth in metres,
        `mention_log_size` [m, 3] the logarithms of its object's size, NaN where it has none, and
        `mention_patches` bool [m, patches] the patches that show it. `attend_at` [k, 3] are
        (sequence, token, mention) of the words that should look at a mention's patches. `pairs`
        [p, 3] are (first mention, second mention, sample) of the questions with two mentions.
        `answer_at` [samples, 2] is the token before each answer. `choose_at` [r, 3] are (sequence,
        token before the answer, keyword of the mention for which a relation holds against the
        other, or of the last mention of a length, which knows its offset from the first);
        `copy_at` [w, 3] are (sequence, token before a word of the answer, the word of the question
        that it repeats). `relation_holds` [samples] says whether the relation holds, `directions`
        [samples] which one is asked about and `log_length` [samples] the logarithm of the length
        in metres that is asked for; NaN or -100 where a sample has none.
        """
        sequences, mention_position, mention_log_size, mention_patches = [], [], [], []
        mention_at: list[tuple[int, int]] = []
        answer_at: list[tuple[int, int]] = []
        attend_at: list[tuple[int, int, int]] = []
        lists: list[tuple[int, int]] = []
        copy_at: list[tuple[int, int, int]] = []
        choose_at: list[tuple[int, int, int]] = []
        pairs, relation_holds, directions, log_length = [], [], [], []
        for number, samples in enumerate(samples_by_image):
            continuations: list[Continuation] = []
            for sample in samples:
                first = len(self._prefix) + sum(len(part.tokens) for part in continuations)
                continuation, words_of_mentions, answer_start = self._continuation(sample)
                if sample.is_list:
                    lists.append((number, len(continuations) + 1))
                elif len(sample.mentions) == 2:
                    pairs.append((len(mention_at), len(mention_at) + 1, len(answer_at)))
                for words, mention in zip(words_of_mentions, sample.mentions, strict=True):
                    attend_at.extend((number, first + word, len(mention_at)) for word in words)
                    mention_at.append((number, first + words[0]))
                    mention_position.append(self._position(mention))
                    mention_log_size.append(_log_size(mention))
                    shows = patch_classes[number] == self._class_id(mention)
                    if mention.object_number:
                        shows = patch_objects[number] == mention.object_number
                    shows[self._patch(mention)] = True
                    mention_patches.append(shows)
                if not sample.is_list:
                    chosen = words_of_mentions[0 if sample.relation_holds else -1][0]
                    choose_at.append((number, first + answer_start - 1, first + chosen))
                answer_at.append((number, first + answer_start - 1))
                copy_at.extend(
                    (number, first + answer_start - 1 + word, first + source)
                    for word, source in enumerate(self._copied_words(sample, words_of_mentions))
                )
                relation_holds.append(_or_nan(sample.relation_holds))
                directions.append(IGNORE_INDEX if sample.direction is None else sample.direction)
                log_length.append(np.log(_or_nan(sample.length_m)))
                continuations.append(continuation)
            sequences.append(PackedSequence(self._prefix, continuations))
        tokens = pad_sequences(sequences, pad_token_id=self._tokenizer.pad_token_id)
        is_list = torch.zeros_like(tokens["segments"], dtype=torch.bool)
        for number, segment in lists:
            is_list[number] |= tokens["segments"][number] == segment
        patches = self._size.patches_per_side**2
        return {
            **tokens,
            "is_list": is_list,
            "mention_at": torch.tensor(mention_at, dtype=torch.long).reshape(-1, 2),
            "mention_position": torch.tensor(mention_position, dtype=torch.float32).reshape(-1, 3),
            "mention_log_size": torch.tensor(mention_log_size).float().reshape(-1, 3),
            "mention_patches": torch.cat(
                [torch.zeros(0, dtype=torch.bool), *mention_patches]
            ).reshape(-1, patches),
            "attend_at": torch.tensor(attend_at, dtype=torch.long).reshape(-1, 3),
            "pairs": torch.tensor(pairs, dtype=torch.long).reshape(-1, 3),
            "answer_at": torch.tensor(answer_at, dtype=torch.long).reshape(-1, 2),
            "choose_at": torch.tensor(choose_at, dtype=torch.long).reshape(-1, 3),
            "copy_at": torch.tensor(copy_at, dtype=torch.long).reshape(-1, 3),
            "relation_holds": torch.tensor(relation_holds, dtype=torch.float32),
            "directions": torch.tensor(directions, dtype=torch.long),
            "log_length": torch.tensor(log_length, dtype=torch.float32),
        }

    def _continuation(self, sample: PretrainSample) -> tuple[Continuation, list[list[int]], int]:
        """Return a sample's tokens, the tokens that say each mention, and where the answer begins.

        The first token of a mention is its keyword; the others are words about its place.
        """
        question, question_words = self._encode(sample.question, sample.keyword_ends)
        prompt = [*question, self._assistant]
        word_ends = sample.answer_word_ends
        ends = tuple(end for ends_of_one in word_ends for end in ends_of_one)
        answer, answer_words = self._encode(sample.answer, ends)
        words_of_mentions = [[word] for word in question_words]
        following = iter(answer_words)
        words_of_mentions += [
            [len(prompt) + next(following) for _ in ends_of_one] for ends_of_one in word_ends
        ]
        tokens = [*prompt, *answer, self._end]
        labels = [IGNORE_INDEX] * len(prompt) + tokens[len(prompt) :]
        if not sample.is_complete:
            labels[-1] = IGNORE_INDEX
        return Continuation(tokens, labels), words_of_mentions, len(prompt)

    def _copied_words(
        self, sample: PretrainSample, words_of_mentions: Sequence[Sequence[int]]
    ) -> range:
        """Return the tokens of the question that an answer repeats: the label of a mention."""
        for mention, words in zip(sample.mentions, words_of_mentions, strict=True):
            if not sample.is_list and sample.answer == mention.label:
                length = len(self._encode(mention.label, ())[0])
                return range(words[0] + 1 - length, words[0] + 1)
        return range(0)

    def _position(self, mention: Mention) -> tuple[float, float, float]:
        side = self._size.image_px
        return mention.u / side, mention.v / side, float(np.log(max(mention.depth_m, MIN_DEPTH_M)))

    def _patch(self, mention: Mention) -> int:
        column, row = (int(place) // self._size.patch_px for place in (mention.u, mention.v))
        return row * self._size.patches_per_side + column

    def _class_id(self, mention: Mention) -> int:
        return self._class_ids[mention.category or mention.label]

    def _encode_uncached(self, text: str, ends: tuple[int, ...]) -> tuple[list[int], list[int]]:
        """Return the tokens of a text, and those that end at some of its characters."""
        encoding = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        last = {
            stop: token_index for token_index, (_, stop) in enumerate(encoding["offset_mapping"])
        }
        last.setdefault(0, -1)
        return encoding["input_ids"], [last[end] for end in ends]


def _stack(maps: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(maps).astype(np.int64))


def _log_size(mention: Mention) -> tuple[float, ...]:
    if mention.point is None:
        return (np.nan,) * 3
    return tuple(np.log(np.maximum(mention.point.size_m, MIN_SIZE_M)).tolist())


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def pixel_values(rgb: np.ndarray) -> torch.Tensor:
    """Normalise u8 [n, side, side, 3] as the tiny base's processor does: f32 [n, 3, side, side]."""
    values = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
    return (values - 0.5) / 0.25
