"""A question as its steps are written from: what was measured, and how its objects are called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch, Book
from workflow_scripts.vqa.pair import Pair
from workflow_scripts.vqa.reasoning.numbers import Number, number
from workflow_scripts.vqa.sight import Sight
from workflow_scripts.vqa.templates import capitalised


@dataclass(frozen=True, eq=False)
class Fact:
    """A row of a batch about a sight; about two, `pair` holds both and `sight` is the first."""

    sight: Sight
    batch: Batch
    row: int
    book: Book
    pair: Pair | None = None

    @cached_property
    def places(self) -> list[int]:
        """Return the rows of the sight in the order of mention."""
        return [int(place) for place in self.batch.objects[self.row]]

    @cached_property
    def winner(self) -> int:
        """Return the row that the answer names, or of which a yes or no says that it is ahead."""
        if self.batch.winner is not None:
            return self.places[self.batch.winner]
        return self.places[0 if self.batch.answer == "yes" else 1]

    @property
    def says_yes(self) -> bool:
        return self.batch.answer == "yes"

    @cached_property
    def value(self) -> str:
        """Return the written value that is the answer, or stands behind its letter."""
        return self.batch.columns["value"][self.row]

    @cached_property
    def unit(self) -> str:
        """Return the unit of `value`."""
        return self.batch.unit[self.row] if self.batch.unit is not None else ""

    def name(self, place: int) -> str:
        """Return what an object is called."""
        return self.book.phrases[place]

    def be(self, place: int) -> str:
        return "are" if self.book.plural[place] else "is"


# Returns the sentences of a fact, with lengths to so many digits after the point.
Writer = Callable[[Fact, int], list[str]]


def sentence(*clauses: str) -> str:
    """Join clauses with commas to a sentence with a capital and a full stop."""
    return f"{capitalised(', '.join(clause for clause in clauses if clause))}."


def listed(words: Sequence[str]) -> str:
    """Return "one, two and three"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def pixels(values: FloatArray) -> list[Number]:
    """Return the numbers of the pixels whose middles are given: 135.5 is in column 135."""
    return numbers(np.floor(values), 0)


def numbers(values: FloatArray | Sequence[float], digits: int) -> list[Number]:
    """Round several values."""
    return [number(value, digits) for value in np.asarray(values, dtype=float).tolist()]
