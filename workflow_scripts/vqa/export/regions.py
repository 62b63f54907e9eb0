"""Write a split with region tags and masks: the form that region-aware models read.

One entry a question, in the form of the SpatialRGPT data: every object that the question speaks
of is "Region [k] <mask>" where it is first mentioned, and `rle` and `bbox` hold the mask (COCO run
lengths) and box (x0, y0, x1, y1 in pixels) of region k in place k. Later mentions and answers
name a region without its mask. The picture is the one without marks.

`qa_info` holds what that form lacks: the type of the answer, its truth in SI units and, for
choices, the possible truths, so that nobody has to read a number back out of a sentence.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.questions import Question, Reasoning, Referent, read_questions, reply
from workflow_scripts.common.records import Dropped
from workflow_scripts.common.storage import whole, write_records
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.export.pictures import IMAGE_TOKEN

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tagged:
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


def tagged(question: Question, reasoning: Reasoning = "none") -> Tagged | None:
    """Put region tags for the objects of a question; None if its text names none of them.

    Regions are numbered in the order of first mention. A longer phrase is taken before a shorter
    one inside it ("the lamp on the desk" before "the desk").
    """
    by_phrase = {one.phrase.lower(): one for one in question.referents if one.phrase}
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

    pattern = _any_of(by_phrase)
    text = pattern.sub(lambda found: region(by_phrase[found[0].lower()]), question.question)
    if not mentions:
        return None
    by_name = {_bare(phrase): referent for phrase, referent in by_phrase.items()}
    by_name |= {one.mark: one for one in question.referents if one.mark}
    names = {**by_name, **by_phrase}
    # An object that the question does not name has no region, and keeps its name.
    names = {name: one for name, one in names.items() if one.instance in numbers}
    anyone = _any_of(names)

    def retold(told: str) -> str:
        return anyone.sub(lambda found: region(names[found[0].lower()]), told)

    def named(value: str) -> str:
        return region(names[value.lower()]) if value.lower() in names else value

    truth = question.truth
    return Tagged(
        text,
        retold(reply(question, reasoning)),
        tuple(mentions),
        short=retold(question.answer),
        truth=named(truth) if isinstance(truth, str) else truth,
        choices=tuple(map(named, question.choices)),
    )


def _bare(phrase: str) -> str:
    return re.sub(r"^(?:the|an?)\s+", "", phrase)


def _any_of(phrases: Sequence[str] | dict[str, Referent]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    words = "|".join(re.escape(phrase) for phrase in longest_first)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """Return a mask [height, width] as COCO run lengths: `size` and compressed `counts`."""
    from pycocotools import mask as coco

    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode()}


class Masks:
    """The masks and sizes of views, from the shards that the questions were asked about."""

    def __init__(self, views: Sequence[Path]) -> None:
        self._paths = {(path.parent.name, path.stem): path for path in views}
        self._open = cache(ViewShard.open)
        self._instance = cache_last(lambda path, view: self._open(path).instance(view))

    def of(self, question: Question) -> np.ndarray:
        """Return the instances [height, width] of a question's view."""
        source, folder = Path(question.image).parts[:2]
        return self._instance(self._paths[source, folder.removesuffix(".images")], question.view)


def cache_last(read: Any) -> Any:
    """Remember the result for the latest arguments only: questions come view by view."""
    kept: list[Any] = [None, None]

    def remembered(*key: Any) -> Any:
        if kept[0] != key:
            kept[:] = [key, read(*key)]
        return kept[1]

    return remembered


def plain_image(question: Question, images: Path) -> str | None:
    """Return the picture without marks, None if it was not saved."""
    plain = str(Path(question.image).with_name(f"{question.view_id}.jpg"))
    return plain if (images / plain).is_file() else None


def why_not(question: Question) -> str:
    """Return why a question cannot be asked with regions, '' if it can."""
    if question.images:
        return "a question about several pictures"
    if question.answer_type in ("point", "box"):
        return "a question for a place, which a mask would tell"
    if any(one.mark and one.phrase == f"the {one.mark} mark" for one in question.referents):
        return "a question about the place of a mark, not about the object under it"
    return ""


def entry(question: Question, found: Tagged, image: str, instance: np.ndarray) -> dict[str, Any]:
    """Return a tagged question with the masks and boxes of its mentions."""
    regions = {one.instance: _region(instance == one.instance) for one in found.mentions}
    masks = [regions[one.instance] for one in found.mentions]
    height, width = instance.shape
    return {
        "id": question.question_id,
        "filename": image,
        "image_info": {"file_path": image, "height": height, "width": width},
        "text_q": found.question.replace(" <mask>", ""),
        "qa_info": {
            "type": "qualitative" if isinstance(question.truth, str) else "quantitative",
            "category": question.family,
            "class": [one.category for one in found.mentions],
            "answer_type": question.answer_type,
            "answer": found.short,
            "truth": found.truth,
            "choices": list(found.choices),
            "options": question.options,
        },
        "bbox": [box for _, box in masks],
        "rle": [rle for rle, _ in masks],
        "conversations": [
            {"from": "human", "value": f"{IMAGE_TOKEN}\n{found.question}"},
            {"from": "gpt", "value": found.answer},
        ],
    }


def _region(mask: np.ndarray) -> tuple[dict[str, Any], list[int]]:
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return run_lengths(mask), [int(edge) for edge in box]


def entries(
    questions: Path,
    masks: Masks,
    images: Path,
    dropped: Counter[tuple[str, str, str, str]],
    reasoning: Reasoning,
) -> Iterator[dict[str, Any]]:
    """Yield the entries of a table; count what has none in `dropped`."""
    for question in progress(read_questions(questions), desc="regions"):
        cell = (question.source, question.family, question.form)
        reason = why_not(question)
        found = None if reason else tagged(question, reasoning)
        if found is None:
            dropped[*cell, reason or "no object that the text names"] += 1
            continue
        image = plain_image(question, images)
        if image is None:
            dropped[*cell, "the picture without marks was not needed and not saved"] += 1
            continue
        instance = masks.of(question)
        if not all((instance == one.instance).any() for one in found.mentions):
            dropped[*cell, "an object without a mask"] += 1
            continue
        yield entry(question, found, image, instance)


def main(
    *,
    questions: Path,
    views: list[Path],
    images: Path,
    out: Path,
    dropped: Path,
    reasoning: Reasoning = "none",
) -> None:
    """Write region-tagged questions.

    Args:
        questions: Parquet table of a split's questions.
        views: shards of views, `results/views/{source}/{shard}.zarr`.
        images: folder that the questions' pictures are relative to.
        out: JSON file; pictures are named relative to `images`.
        dropped: what has no entry and why, counted, one record a line.
        reasoning: written or tagged puts the steps to an answer before it.
    """
    left_out: Counter[tuple[str, str, str, str]] = Counter()
    total = 0
    with whole(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.write("[")
        for one in entries(questions, Masks(views), images, left_out, reasoning):
            file.write(",\n" if total else "\n")
            file.write(json.dumps(one, ensure_ascii=False, sort_keys=True))
            total += 1
        file.write("\n]\n")
    write_records(
        dropped,
        (
            Dropped(source=source, family=family, form=form, reason=reason, count=count)
            for (source, family, form, reason), count in sorted(left_out.items())
        ),
    )
    log.info("%s: %d questions, %d left out", out, total, sum(left_out.values()))


if __name__ == "__main__":
    run(main)
