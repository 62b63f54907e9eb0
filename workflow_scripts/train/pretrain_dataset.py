"""Lessons for the tiny base: marked pictures, and questions whose answers are known by drawing.

A batch holds some pictures with several questions each. The questions of one picture stand in
one sequence behind it, and a mask keeps them from seeing each other, so each is learned as if it
stood alone, and the picture is looked at once.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.train.pretrain_images import AnnotatedImages, MarkSprites, ObjectPoint
from workflow_scripts.train.tiny_vlm import ASSISTANT, IMAGE, USER, TinyVlmConfig

# Places closer than this share of the side have no clear order.
MIN_OFFSET_FRACTION = 0.045
SPACING_RADII = 2.5
IGNORE_INDEX = -100


@dataclass(frozen=True)
class Relation:
    """Two opposite words for one direction, and the ways to ask with them.

    `axis` is 0 for columns, 1 for rows; the first pole holds for the smaller coordinate.
    """

    axis: int
    poles: tuple[tuple[str, str], tuple[str, str]]
    yes_no: tuple[str, ...]
    which: tuple[str, ...]


LEFT_RIGHT = Relation(
    0,
    (("to the left of", "further to the left"), ("to the right of", "further to the right")),
    (
        "Is {a} {relation} {b}?",
        "In this picture, is {a} {relation} {b}?",
        "Seen from the camera, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b} in the picture?",
    ),
    (
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "From the camera's point of view, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)
ABOVE_BELOW_IN_IMAGE = Relation(
    1,
    (("above", "higher"), ("below", "lower")),
    (
        "In the picture, is {a} {relation} {b}?",
        "Is {a} {relation} {b} in the picture?",
        "In this image, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b} in the picture?",
    ),
    (
        "Which is {extreme} in the picture, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "In this image, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme} in the picture?",
    ),
)
HIGHER_LOWER_IN_ROOM = Relation(
    1,
    (("higher up than", "higher up"), ("lower down than", "lower down")),
    (
        "Is {a} {relation} {b}?",
        "In the room, is {a} {relation} {b}?",
        "Measured from the floor, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b}?",
    ),
    (
        "Which is {extreme} in the room, {a} or {b}?",
        "Of {a} and {b}, which is {extreme}?",
        "Measured from the floor, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)


@dataclass(frozen=True)
class Mention:
    """What a question speaks of: its words, its place (u, v), and the bare answer.

    `telling` is the word that tells which one is meant: the colour of a mark, else the last.
    """

    words: str
    label: str
    u: float
    v: float
    category: str = ""

    @property
    def chars_after_keyword(self) -> int:
        """Return how many characters after the telling word the words end."""
        return 0 if self.category else len(" mark")


@dataclass(frozen=True)
class PretrainSample:
    """A question, its answer, and how many characters of it end each mention.

    `holds`: the relation that is asked about holds for the first mention against the second.
    """

    question: str
    ends: tuple[int, ...]
    answer: str
    mentions: tuple[Mention, ...]
    holds: bool


def fill_template(template: str, words: dict[str, str]) -> tuple[str, dict[str, int]]:
    """Fill a template's slots; also return where in the text each slot's words end."""
    text, ends = "", {}
    for literal, slot, _, _ in string.Formatter().parse(template):
        text += literal
        if slot:
            text += words[slot]
            ends[slot] = len(text)
    return text, ends


def compare_mentions(
    mention_a: Mention, mention_b: Mention, relation: Relation, rng: np.random.Generator
) -> PretrainSample:
    """Ask which of two mentions, known to differ, lies where; every answer is equally likely."""
    draw = int(rng.integers(2))
    pole = relation.poles[draw]
    first = (mention_a.u, mention_a.v)[relation.axis] < (mention_b.u, mention_b.v)[relation.axis]
    holds = first == (draw == 0)
    yes_no = bool(rng.integers(2))
    templates = relation.yes_no if yes_no else relation.which
    template = templates[int(rng.integers(len(templates)))]
    words = {"a": mention_a.words, "b": mention_b.words, "relation": pole[0], "extreme": pole[1]}
    question, ends = fill_template(template, words)
    answer = ("yes" if holds else "no") if yes_no else (mention_a if holds else mention_b).label
    keyword_ends = (
        ends["a"] - mention_a.chars_after_keyword,
        ends["b"] - mention_b.chars_after_keyword,
    )
    return PretrainSample(question, keyword_ends, answer, (mention_a, mention_b), holds)


class PretrainDataset(torch.utils.data.Dataset):
    """Batch number `step` of a course, always the same for the same seed.

    `named_share` is the share of questions that name objects instead of marks.
    """

    def __init__(
        self,
        pictures: AnnotatedImages,
        tokenizer: Any,
        size: TinyVlmConfig,
        *,
        steps: int,
        pictures_per_step: int,
        questions_per_picture: int,
        named_share: float,
        seed: int,
    ) -> None:
        self._pictures = pictures
        self._size = size
        self._steps = steps
        self._per_step = pictures_per_step
        self._questions = questions_per_picture
        self._named_share = named_share
        self._seed = seed
        self._sprites = MarkSprites(size.image_px)
        self._tokenizer = tokenizer
        self._encode = lru_cache(maxsize=200_000)(self._encode_uncached)
        self._ids = {
            name: tokenizer.convert_tokens_to_ids(name)
            for name in ("<s>", "</s>", USER, ASSISTANT, IMAGE)
        }
        self._class_names = (*pictures.categories, *MARK_COLOURS)
        self.words = patch_words(tokenizer, pictures.categories)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = seeded(self._seed, "lessons", step)
        chosen = rng.integers(len(self._pictures), size=self._per_step)
        rgb, label_map, samples_by_image = [], [], []
        for index in chosen:
            picture, words, samples = self.picture(int(index), rng)
            rgb.append(picture)
            label_map.append(words)
            samples_by_image.append(samples)
        patch_words = self.patches(np.stack(label_map))
        return {
            "pixel_values": pixel_values(np.stack(rgb)),
            "patch_words": patch_words,
            **self.pack_sequences(samples_by_image, patch_words),
        }

    def picture(
        self, index: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, list[PretrainSample]]:
        """Mark a picture and ask about it: u8 [side, side, 3], what pixels show, the lessons.

        In `shows`, marks have the numbers after the categories.
        """
        side = self._size.image_px
        rgb, label_map = self._pictures.rgb[index].copy(), self._pictures.label_map[index].copy()
        object_points = self._pictures.object_points[index]
        if rng.integers(2):
            rgb, label_map = (
                np.ascontiguousarray(rgb[:, ::-1]),
                np.ascontiguousarray(label_map[:, ::-1]),
            )
            object_points = tuple(
                ObjectPoint(
                    object_point.category,
                    side - object_point.u,
                    object_point.v,
                    object_point.z_m,
                    object_point.has_unique_name,
                )
                for object_point in object_points
            )
        is_named = rng.random(self._questions) < self._named_share
        named = [
            Mention(f"the {words}", words, object_point.u, object_point.v, object_point.category)
            for object_point in object_points
            if object_point.has_unique_name
            for words in [phrase(object_point.category)]
        ]
        marks = [] if is_named.all() else self._place_marks(object_points, rng)
        radius = mark_radius_px(side)
        offset = len(self._pictures.categories)
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
        self, object_points: Sequence[ObjectPoint], rng: np.random.Generator
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
            if attempt < len(order) and rng.random() < 0.6:
                u, v = object_points[order[attempt]].u, object_points[order[attempt]].v
            else:
                u, v = rng.uniform(radius, side - radius, size=2)
            inside = radius <= min(u, v) and max(u, v) <= side - radius
            apart = all(
                np.hypot(u - mark.u, v - mark.v) > SPACING_RADII * radius for mark in placed
            )
            if inside and apart:
                colour = str(colours[len(placed)])
                words = f"the object at the {colour} mark" if rng.random() < 0.1 else ""
                placed.append(Mention(words or f"the {colour} mark", colour, float(u), float(v)))
        return placed

    def _draw_question(
        self, mentions: Sequence[Mention], rng: np.random.Generator
    ) -> PretrainSample | None:
        if len(mentions) < 2:
            return None
        for _ in range(8):
            mention_a, mention_b = (mentions[index] for index in rng.permutation(len(mentions))[:2])
            draw = rng.integers(4)
            relation = (
                LEFT_RIGHT
                if draw < 2
                else ABOVE_BELOW_IN_IMAGE
                if draw == 2
                else HIGHER_LOWER_IN_ROOM
            )
            if mention_a.category and relation is HIGHER_LOWER_IN_ROOM:
                relation = ABOVE_BELOW_IN_IMAGE
            difference = (mention_a.u - mention_b.u, mention_a.v - mention_b.v)[relation.axis]
            if abs(difference) >= MIN_OFFSET_FRACTION * self._size.image_px:
                return compare_mentions(mention_a, mention_b, relation, rng)
        return None

    def _encode_uncached(self, question: str, ends: tuple[int, ...]) -> tuple[list[int], list[int]]:
        encoding = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        last = {
            stop: token_index for token_index, (_, stop) in enumerate(encoding["offset_mapping"])
        }
        return encoding["input_ids"], [last[end] for end in ends]

    def pack_sequences(
        self, samples_by_image: Sequence[Sequence[PretrainSample]], patch_words: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Lay out the lessons of each picture as one sequence.

        `segments` is 0 for the picture's tokens, then 1, 2, ... by lesson, -1 for padding;
        `labels` stand at answers alone; `mention_at` [m, 2] is (sequence, token) of the telling
        word of each mention, `mention_uv` [m, 2] its place as a share of the picture and
        `mention_patches` bool [m, patches] the patches that show it. `answer_at` [lessons, 2] is
        the token that an answer follows, `holds` [lessons] whether the relation holds.
        """
        size, ids = self._size, self._ids
        class_ids = {name: number for number, name in enumerate(self._class_names)}
        start = [ids["<s>"], ids[USER], *[ids[IMAGE]] * size.patches_per_side**2]
        rows, mention_at, mention_uv, mention_patches = [], [], [], []
        answer_at, holds = [], []
        for number, samples in enumerate(samples_by_image):
            tokens, labels = list(start), [IGNORE_INDEX] * len(start)
            segments, positions = [0] * len(start), list(range(len(start)))
            for segment, sample in enumerate(samples, start=1):
                question, ends = self._encode(sample.question, sample.ends)
                answer = [*self._encode(sample.answer, ())[0], ids["</s>"]]
                for end, mention in zip(ends, sample.mentions, strict=True):
                    mention_at.append((number, len(tokens) + end))
                    mention_uv.append((mention.u / size.image_px, mention.v / size.image_px))
                    column, row = int(mention.u) // size.patch_px, int(mention.v) // size.patch_px
                    patches = patch_words[number] == class_ids[mention.category or mention.label]
                    patches[row * size.patches_per_side + column] = True
                    mention_patches.append(patches)
                answer_at.append((number, len(tokens) + len(question)))
                holds.append(sample.holds)
                added = [*question, ids[ASSISTANT], *answer]
                tokens += added
                labels += [IGNORE_INDEX] * (len(question) + 1) + answer
                segments += [segment] * len(added)
                positions += range(len(start), len(start) + len(added))
            rows.append((tokens, labels, segments, positions))
        length = max(len(tokens) for tokens, *_ in rows)
        padding = (self._tokenizer.pad_token_id, IGNORE_INDEX, -1, 0)
        padded = [
            torch.tensor([row[column] + [pad] * (length - len(row[column])) for row in rows])
            for column, pad in enumerate(padding)
        ]
        names = ("input_ids", "labels", "segments", "position_ids")
        return {
            **dict(zip(names, padded, strict=True)),
            "mention_at": torch.tensor(mention_at, dtype=torch.long).reshape(-1, 2),
            "mention_uv": torch.tensor(mention_uv, dtype=torch.float32).reshape(-1, 2),
            "mention_patches": torch.stack(mention_patches),
            "answer_at": torch.tensor(answer_at, dtype=torch.long).reshape(-1, 2),
            "holds": torch.tensor(holds, dtype=torch.float32),
        }

    def patches(self, label_map: np.ndarray) -> torch.Tensor:
        """Return for each patch the number of what most of its nameable pixels show.

        A mark counts five times: it is small, and it is what questions are about.
        """
        count, side = len(label_map), self._size.patches_per_side
        px, num_classes = self._size.patch_px, len(self.words)
        patch_pixels = label_map.reshape(count, side, px, side, px).transpose(0, 1, 3, 2, 4)
        patch_pixels = patch_pixels.reshape(count * side * side, px * px).astype(np.int64)
        bins = patch_pixels + num_classes * np.arange(len(patch_pixels))[:, None]
        histogram = np.bincount(bins.ravel(), minlength=num_classes * len(patch_pixels))
        histogram = histogram.reshape(len(patch_pixels), num_classes).astype(np.float32)
        histogram[:, -len(MARK_COLOURS) :] *= 5
        return torch.from_numpy(histogram.argmax(axis=1).reshape(count, side * side))


def patch_words(tokenizer: Any, categories: Sequence[str]) -> torch.Tensor:
    """Return for each thing a patch can show the shares of words [things, words] that name it.

    Things are the categories, then the colours of marks. Nothing to name has no word.
    """
    words = torch.zeros(len(categories) + len(MARK_COLOURS), len(tokenizer))
    names = [phrase(category) if category else "" for category in categories]
    for number, name in enumerate([*names, *MARK_COLOURS]):
        tokens = tokenizer(name, add_special_tokens=False)["input_ids"] if name else []
        for token in tokens:
            words[number, token] += 1 / len(tokens)
    return words


def pixel_values(rgb: np.ndarray) -> torch.Tensor:
    """Normalise u8 [n, side, side, 3] as the tiny base's processor does: f32 [n, 3, side, side]."""
    values = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
    return (values - 0.5) / 0.25


def packed_attention_mask(segments: torch.Tensor) -> torch.Tensor:
    """Return who may look at whom, bool [n, 1, query, key]: back, at the picture or own lesson."""
    length = segments.shape[1]
    causal_mask = torch.ones(length, length, dtype=torch.bool).tril()
    query, key = segments[:, :, None], segments[:, None, :]
    return (causal_mask & ((key == 0) | (key == query)))[:, None]
