"""Ask about two views of one room: a family's sentences, and what it can ask of a pair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workflow_scripts.common import quantity_text
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, Kind
from workflow_scripts.vqa.question_types.base import Family
from workflow_scripts.vqa.templates import Templates
from workflow_scripts.vqa.view_pair import ViewPair


@dataclass(frozen=True, kw_only=True)
class TwoViews(Family):
    """A family about two views, in one form.

    `generate_batches` yields its batches for a pair, `evidence` the measured quantities behind
    the answer to a row of one. `sentences` are the phrasings by kind: "which", "yes_no" or "open"
    of questions; "answers", "yes" and "no" of answers.
    """

    sentences: dict[str, tuple[str, ...]]
    generate_batches: Callable[["TwoViews", ViewPair, np.random.Generator], Iterator[Batch]]
    evidence: Callable[[ViewPair, Batch, int], dict[str, float]]

    @property
    def form(self) -> Form:
        return self.forms[0]

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {name: Templates(texts) for name, texts in self.sentences.items()}


def make_batch(
    family: TwoViews,
    kind: Kind,
    answer: str,
    objects: list[list[int]],
    margin: float,
    **fields: Any,
) -> Batch:
    """Return a batch of some rows of objects; `fields` are other fields of the batch."""
    number = len(objects)
    return Batch(
        kind=kind,
        antonym="",
        answer=answer,
        objects=np.array(objects, dtype=int).reshape(number, -1),
        questions=family.templates[kind],
        measure=np.full(number, margin),
        sigma=np.zeros(number),
        **{"fact_ids": np.arange(number), "answers": family.templates.get("answers"), **fields},
    )


def make_numeric_batch(
    family: TwoViews, value: float, written: quantity_text.WrittenQuantity, *, answer_type: str
) -> Batch:
    text, unit, tolerance = written
    return make_batch(
        family, "open", "", [[]], value, answer_type=answer_type, row_slots={"value": [text]},
        truth=[round(value, 4)], unit=[unit], tolerance=np.array([tolerance]),
    )  # fmt: skip
