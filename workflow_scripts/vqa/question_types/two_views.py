"""Ask about two views of one room: a family's sentences, and what it can ask of a pair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common import quantity_text
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, Kind
from workflow_scripts.vqa.question_types.base import Frame, Requirements, Unit
from workflow_scripts.vqa.templates import Templates
from workflow_scripts.vqa.view_pair import ViewPair

_NONE = Requirements()


@dataclass(frozen=True)
class TwoViews:
    """A family about two views; `ask` yields its batches for a pair.

    `questions` and `answers` are by kind of sentence: "which", "yes_no" or "open" and "answers",
    "yes" and "no".
    """

    name: str
    form: Form
    unit: Unit
    frame: Frame
    sentences: dict[str, tuple[str, ...]]
    generate_batches: Callable[["TwoViews", ViewPair, np.random.Generator], Iterator[Batch]]
    requires: Requirements = _NONE

    @property
    def forms(self) -> tuple[Form, ...]:
        return (self.form,)

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
    **others: object,
) -> Batch:
    number = len(objects)
    return Batch(
        kind=kind,
        antonym="",
        answer=answer,
        objects=np.array(objects, dtype=int).reshape(number, -1),
        questions=family.templates[kind],
        measure=np.full(number, margin),
        sigma=np.zeros(number),
        **{"fact_ids": np.arange(number), "answers": family.templates.get("answers"), **others},
    )


def make_numeric_batch(
    family: TwoViews, value: float, written: quantity_text.WrittenQuantity, *, answer_type: str
) -> Batch:
    text, unit, tolerance = written
    return make_batch(
        family, "open", "", [[]], value, answer_type=answer_type, row_slots={"value": [text]},
        truth=[round(value, 4)], unit=[unit], tolerance=np.array([tolerance]),
    )  # fmt: skip
