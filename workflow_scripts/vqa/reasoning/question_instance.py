"""What the steps to an answer are written from: the measurements and the phrases of a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.reasoning.numbers import PrintedNumber, number
from workflow_scripts.vqa.templates import capitalised
from workflow_scripts.vqa.view_context import ViewContext
from workflow_scripts.vqa.view_pair import ViewPair


@dataclass(frozen=True, eq=False)
class QuestionInstance:
    """A row of a batch about a view; of a pair, `pair` holds both and `view_context` the first."""

    view_context: ViewContext
    batch: Batch
    row: int
    expressions: ReferringExpressions
    pair: ViewPair | None = None

    @cached_property
    def object_rows(self) -> list[int]:
        """Return the rows of the objects in the order of mention."""
        return [int(object_row) for object_row in self.batch.objects[self.row]]

    @cached_property
    def winner(self) -> int:
        """Return the row that the answer names, or the one that a yes or no puts first."""
        if self.batch.winner is not None:
            return self.object_rows[self.batch.winner]
        return self.object_rows[0 if self.batch.answer == "yes" else 1]

    @property
    def says_yes(self) -> bool:
        return self.batch.answer == "yes"

    @cached_property
    def value(self) -> str:
        """Return the written value that is the answer, or that its letter stands for."""
        return self.batch.row_slots["value"][self.row]

    @cached_property
    def unit(self) -> str:
        """Return the unit of `value`."""
        return self.batch.unit[self.row] if self.batch.unit is not None else ""

    def name(self, object_row: int) -> str:
        """Return the phrase of an object."""
        return self.expressions.phrases[object_row]

    def verb_be(self, object_row: int) -> str:
        return "are" if self.expressions.plural[object_row] else "is"


# Returns the sentences of the steps, with lengths to so many digits after the point.
StepWriter = Callable[[QuestionInstance, int], list[str]]


@dataclass(frozen=True)
class NoReasoning:
    """Why a family has no steps to its answers."""

    reason: str


RECOGNITION_ONLY = NoReasoning("what is there must be recognised; no measured number decides")


def sentence(*clauses: str) -> str:
    """Join clauses with commas to a sentence with a capital and a full stop."""
    return f"{capitalised(', '.join(clause for clause in clauses if clause))}."


def join_list(texts: Sequence[str]) -> str:
    """Return "one, two and three"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def pixels(values: FloatArray) -> list[PrintedNumber]:
    """Return the indices of the pixels whose centres are given: 135.5 is in column 135."""
    return numbers(np.floor(values), 0)


def numbers(values: FloatArray | Sequence[float], digits: int) -> list[PrintedNumber]:
    """Round several values."""
    return [number(value, digits) for value in np.asarray(values, dtype=float).tolist()]
