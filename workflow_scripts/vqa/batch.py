"""A batch: questions of one family, kind and answer that wait to be put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.vqa.templates import Templates, capitalised

Kind = Literal["yes_no", "which", "multiple_choice", "open"]
SLOTS = ("a", "b", "c", "d", "e")
LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Book:
    """How a form calls the objects of a sight: by row, with the article, and barely ("red")."""

    phrases: Sequence[str]
    bare: Sequence[str]
    plural: Sequence[bool]

    @property
    def capitalised(self) -> list[str]:
        return [capitalised(text) for text in self.phrases]


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one (family, kind, pole, answer); m rows.

    `fact` [m] numbers what a row asks: rows of other batches with the same number ask the same
    thing in another way. `objects` [m, k] are rows of the sight in the order of mention; `winner`
    [m] is the object that is the answer, if one is. `words` and `columns` fill other slots, the
    same for all rows or row by row. `truth`, `unit`, `tolerance` are those of `Question`; a
    truth of None is the bare name of the winner. `choices` None: the bare names of the first
    `num_choices` objects.
    """

    kind: Kind
    pole: str
    answer: str
    fact: np.ndarray
    objects: np.ndarray
    questions: Templates
    answers: Templates
    measure: FloatArray
    sigma: FloatArray
    answer_type: AnswerType = "choice"
    winner: np.ndarray | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    truth: str | Sequence[str | float] | None = None
    choices: tuple[str, ...] | None = ()
    num_choices: int = 2
    options: Sequence[tuple[str, ...]] | None = None
    unit: Sequence[str] | None = None
    tolerance: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.fact)

    def truth_of(self, row: int, book: Book) -> str | float:
        """Return the truth of a row."""
        if self.truth is None:
            assert self.winner is not None
            return book.bare[self.winner[row]]
        return self.truth if isinstance(self.truth, str) else self.truth[row]

    def short_answer(self, row: int, truth: str | float) -> str:
        """Return the bare answer of a row: its written value, else its truth."""
        if self.kind == "open" and "value" in self.columns:
            return self.columns["value"][row]
        if self.kind == "open" and "value" in self.words:
            return self.words["value"]
        return str(truth)

    def target(self, row: int) -> str | None:
        """Return what a row calls its object, where that is not by the book."""
        return self.columns["target"][row] if "target" in self.columns else None

    def choices_of(self, row: int, book: Book) -> tuple[str, ...]:
        """Return the possible truths of a row, in the order of mention."""
        if self.choices is None:
            return tuple(book.bare[place] for place in self.objects[row, : self.num_choices])
        return self.choices

    def write(
        self, rows: np.ndarray, book: Book, rng: np.random.Generator, *, limit: int | None
    ) -> tuple[list[str], list[str]]:
        """Put rows into words: the questions, and the answers as sentences.

        `limit` is how many of the phrasings are drawn from; None draws from all.
        """
        number = len(rows)
        chosen = self.objects[rows]
        places = [column.tolist() for column in chosen.T]
        columns: dict[str, Sequence[str]] = {}
        plural: dict[str, list[bool]] = {}
        phrases, flags = book.phrases, book.plural
        any_plural = any(flags)
        for slot, column in zip(SLOTS, places, strict=False):
            columns[slot] = [phrases[place] for place in column]
            if any_plural:
                plural[slot] = [flags[place] for place in column]
        if self.winner is not None:
            column = self.winner[rows].tolist()
            columns["winner"] = [phrases[place] for place in column]
            if any_plural:
                plural["winner"] = [flags[place] for place in column]
        for name, text in self.words.items():
            columns[name] = [text] * number
        listed = rows.tolist()
        for name, texts in self.columns.items():
            columns[name] = [texts[row] for row in listed]
        questions = self.questions.write(
            self.questions.draw(number, rng, limit=limit), columns, plural
        )
        answers = self.answers.write(self.answers.draw(number, rng, limit=limit), columns, plural)
        return questions, answers
