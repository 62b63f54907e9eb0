"""Write a split with region tags and masks: the form that region-aware models read.

One entry a question, in the form of the SpatialRGPT data: every object that the question
mentions is "Region [k] <mask>" where it is first mentioned, and item k of `rle` and `bbox` is the
mask (COCO run lengths) and box (x0, y0, x1, y1 in pixels) of region k. Later mentions and answers
name a region without its mask. The picture is the one without marks.

`qa_info` holds what that form lacks: the type of the answer, its truth in SI units and, for
choices, the possible truths, so that no number has to be parsed from a sentence.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.questions import (
    Question,
    Reasoning,
    Referent,
    read_questions,
    training_answer,
)
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.export.images import IMAGE_TOKEN
from workflow_scripts.vqa.run_lengths import encode_mask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaggedQuestion:
    """A question whose objects are tags; region k is the k-th of `mentions`.

    `short` is the bare answer, `choices` are the possible truths; a truth that names an object is
    a tag too.
    """

    question: str
    answer: str
    mentions: tuple[Referent, ...]
    short: str = ""
    truth: str | float = ""
    choices: tuple[str, ...] = ()


def tag_regions(question: Question, reasoning: Reasoning) -> TaggedQuestion | None:
    """Put region tags for the objects of a question; None if its text names none of them.

    Regions are numbered in the order of first mention. A longer phrase is taken before a shorter
    one inside it ("the lamp on the desk" before "the desk").
    """
    by_phrase = {
        referent.phrase.lower(): referent for referent in question.referents if referent.phrase
    }
    if not by_phrase:
        return None
    numbers: dict[int, int] = {}
    mentions: list[Referent] = []

    def region(referent: Referent) -> str:
        if referent.instance in numbers:
            return f"Region [{numbers[referent.instance]}]"
        numbers[referent.instance] = len(numbers)
        mentions.append(referent)
        return f"Region [{numbers[referent.instance]}] <mask>"

    pattern = _match_any(by_phrase)
    text = pattern.sub(lambda tagged: region(by_phrase[tagged[0].lower()]), question.question)
    if not mentions:
        return None
    by_name = {_strip_article(phrase): referent for phrase, referent in by_phrase.items()}
    by_name |= {referent.mark: referent for referent in question.referents if referent.mark}
    names = {**by_name, **by_phrase}
    # An object that the question does not name has no region, and keeps its name.
    names = {name: referent for name, referent in names.items() if referent.instance in numbers}
    name_pattern = _match_any(names)

    def replace_names(text_with_names: str) -> str:
        return name_pattern.sub(lambda tagged: region(names[tagged[0].lower()]), text_with_names)

    def tag_or_text(value: str) -> str:
        return region(names[value.lower()]) if value.lower() in names else value

    truth = question.truth
    return TaggedQuestion(
        text,
        replace_names(training_answer(question, reasoning)),
        tuple(mentions),
        short=replace_names(question.answer),
        truth=tag_or_text(truth) if isinstance(truth, str) else truth,
        choices=tuple(map(tag_or_text, question.choices)),
    )


def _strip_article(phrase: str) -> str:
    return re.sub(r"^(?:the|an?)\s+", "", phrase)


def _match_any(phrases: Sequence[str] | dict[str, Referent]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    pattern = "|".join(re.escape(phrase) for phrase in longest_first)
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


class InstanceMasks:
    """The masks and sizes of views, from the shards that the questions were asked about."""

    def __init__(self, views: Sequence[Path]) -> None:
        self._paths = {(path.parent.name, path.stem): path for path in views}
        self._open = cache(ViewShard.open)
        self._instance: Callable[[Path, int], np.ndarray] = cache_latest(
            lambda path, view: self._open(path).instance(view)
        )

    def of(self, question: Question) -> np.ndarray:
        """Return the instances [height, width] of a question's view."""
        source, folder = Path(question.image).parts[:2]
        return self._instance(self._paths[source, folder.removesuffix(".images")], question.view)


def cache_latest(read: Any) -> Any:
    """Remember the result for the latest arguments only: questions come view by view."""
    latest: list[Any] = [None, None]

    def cached(*key: Any) -> Any:
        if latest[0] != key:
            latest[:] = [key, read(*key)]
        return latest[1]

    return cached


def unmarked_image(question: Question, images: Path) -> str | None:
    """Return the picture without marks, None if it was not saved."""
    plain = str(Path(question.image).with_name(f"{question.view_id}.jpg"))
    return plain if (images / plain).is_file() else None


def unsupported_reason(question: Question) -> str:
    """Return why a question has no form with regions, '' if it has one."""
    if question.images:
        return "a question about several pictures"
    if question.answer_type in ("point", "box"):
        return "a question for a position, which a mask would give away"
    if any(
        referent.mark and referent.phrase == f"the {referent.mark} mark"
        for referent in question.referents
    ):
        return "a question about the position of a mark, not about the object under it"
    return ""


def entry(
    question: Question, tagged: TaggedQuestion, image: str, instance: np.ndarray
) -> dict[str, Any]:
    """Return a tagged question with the masks and boxes of its mentions."""
    regions = {
        mention.instance: _region(instance == mention.instance) for mention in tagged.mentions
    }
    masks = [regions[mention.instance] for mention in tagged.mentions]
    height, width = instance.shape
    return {
        "id": question.question_id,
        "filename": image,
        "image_info": {"file_path": image, "height": height, "width": width},
        "text_q": tagged.question.replace(" <mask>", ""),
        "qa_info": {
            "type": "qualitative" if isinstance(question.truth, str) else "quantitative",
            "category": question.family,
            "class": [mention.category for mention in tagged.mentions],
            "answer_type": question.answer_type,
            "answer": tagged.short,
            "truth": tagged.truth,
            "choices": list(tagged.choices),
            "options": question.options,
        },
        "bbox": [box for _, box in masks],
        "rle": [rle for rle, _ in masks],
        "conversations": [
            {"from": "human", "value": f"{IMAGE_TOKEN}\n{tagged.question}"},
            {"from": "gpt", "value": tagged.answer},
        ],
    }


def _region(mask: np.ndarray) -> tuple[dict[str, Any], list[int]]:
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return encode_mask(mask), [int(edge) for edge in box]


def entries(
    questions: Path,
    masks: InstanceMasks,
    images: Path,
    dropped: Counter[tuple[str, str, str, str]],
    reasoning: Reasoning,
) -> Iterator[dict[str, Any]]:
    """Yield the entries of a table; count what has none in `dropped`."""
    for question in progress(read_questions(questions), desc="regions"):
        group = (question.source, question.family, question.form)
        reason = unsupported_reason(question)
        tagged = None if reason else tag_regions(question, reasoning)
        if tagged is None:
            dropped[*group, reason or "no object that the text names"] += 1
            continue
        image = unmarked_image(question, images)
        if image is None:
            dropped[*group, "the picture without marks was not needed and not saved"] += 1
            continue
        instance = masks.of(question)
        if not all((instance == mention.instance).any() for mention in tagged.mentions):
            dropped[*group, "an object without a mask"] += 1
            continue
        yield entry(question, tagged, image, instance)


def main(
    *,
    questions: Path,
    views: list[Path],
    images: Path,
    out: Path,
    dropped: Path,
    settings: ReasoningSettings,
) -> None:
    """Write region-tagged questions.

    Args:
        questions: Parquet table of a split's questions.
        views: shards of views, `results/views/{source}/{shard}.zarr`.
        images: folder that the questions' pictures are relative to.
        out: JSON file; pictures are named relative to `images`.
        dropped: what has no entry and why, counted, one record a line.
        settings: whether the steps to an answer are put before it.
    """
    drop_counts: Counter[tuple[str, str, str, str]] = Counter()
    total = 0
    with atomic_write(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.write("[")
        for region_entry in entries(
            questions, InstanceMasks(views), images, drop_counts, settings.reasoning
        ):
            file.write(",\n" if total else "\n")
            file.write(json.dumps(region_entry, ensure_ascii=False, sort_keys=True))
            total += 1
        file.write("\n]\n")
    write_records(dropped, drop_records(drop_counts))
    log.info("%s: %d questions, %d dropped", out, total, sum(drop_counts.values()))


if __name__ == "__main__":
    run(main)
