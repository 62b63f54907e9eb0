"""Ask about two views of one room: a family's sentences, and what it can ask of a pair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common import quantities
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, Kind
from workflow_scripts.vqa.pair import Pair
from workflow_scripts.vqa.shapes.base import Frame, Requirements, Unit
from workflow_scripts.vqa.templates import Templates

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
    ask: Callable[["TwoViews", Pair, np.random.Generator], Iterator[Batch]]
    requires: Requirements = _NONE

    @property
    def forms(self) -> tuple[Form, ...]:
        return (self.form,)

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {name: Templates(texts) for name, texts in self.sentences.items()}


def batch_of(
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
        pole="",
        answer=answer,
        objects=np.array(objects, dtype=int).reshape(number, -1),
        questions=family.templates[kind],
        measure=np.full(number, margin),
        sigma=np.zeros(number),
        **{"fact": np.arange(number), "answers": family.templates.get("answers"), **others},
    )


def number_of(
    family: TwoViews, value: float, written: quantities.Written, *, answer_type: str
) -> Batch:
    text, unit, tolerance = written
    return batch_of(
        family, "open", "", [[]], value, answer_type=answer_type, columns={"value": [text]},
        truth=[round(value, 4)], unit=[unit], tolerance=np.array([tolerance]),
    )  # fmt: skip
