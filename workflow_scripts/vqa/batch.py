"""A batch: questions of one family, kind and answer that wait to be put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.vqa.templates import Templates, capitalised

Kind = Literal["yes_no", "which", "multiple_choice", "open"]
SLOTS = ("a", "b", "c", "d", "e")
CAPITALS = tuple(slot.upper() for slot in SLOTS)
LOTS = 1 << 30
LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Book:
    """How a form calls the objects of a sight: by row, with the article, and barely ("red")."""

    phrases: Sequence[str]
    bare: Sequence[str]
    plural: Sequence[bool]

    @cached_property
    def capitalised(self) -> list[str]:
        """Return the names with a capital."""
        return [capitalised(text) for text in self.phrases]

    @cached_property
    def any_plural(self) -> bool:
        return any(self.plural)


@dataclass(eq=False, slots=True)
class Batch:
    """Rows of one (family, kind, pole, answer); m rows. Not to be changed (freezing costs time).

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
        listed = rows.tolist()
        words = self._words_of(listed, book)
        plural = self._plural(listed, book) if book.any_plural else None
        # Where to begin is drawn; row after row takes the next sentence.
        asked, answered = int(rng.random() * LOTS), int(rng.random() * LOTS)
        return (
            self.questions.write(asked, words, plural, limit=limit),
            self.answers.write(answered, words, plural, limit=limit),
        )

    def _words_of(self, rows: Sequence[int], book: Book) -> list[dict[str, str]]:
        """Return the words of slots by row; a name in upper case begins with a capital."""
        plain, capital = book.phrases, book.capitalised
        constant = dict(self.words)
        constant.update({name.upper(): capitalised(text) for name, text in self.words.items()})
        chosen = self.objects[rows].tolist()
        # One or two objects are by far the commonest, and dict displays the fastest way.
        if self.objects.shape[1] == 2:
            found = [
                {"a": plain[a], "A": capital[a], "b": plain[b], "B": capital[b], **constant}
                for a, b in chosen
            ]
        elif self.objects.shape[1] == 1:
            found = [{"a": plain[a], "A": capital[a], **constant} for (a,) in chosen]
        else:
            found = [
                {
                    **{slot: plain[place] for slot, place in zip(SLOTS, places, strict=False)},
                    **{slot: capital[place] for slot, place in zip(CAPITALS, places, strict=False)},
                    **constant,
                }
                for places in chosen
            ]
        if self.winner is not None:
            for words, place in zip(found, self.winner[rows].tolist(), strict=True):
                words["winner"], words["WINNER"] = plain[place], capital[place]
        for name, texts in self.columns.items():
            upper = name.upper()
            for words, row in zip(found, rows, strict=True):
                text = texts[row]
                words[name], words[upper] = text, capitalised(text)
        return found

    def _plural(self, rows: Sequence[int], book: Book) -> list[list[str]]:
        """Return by row the slots of objects whose names are plural."""
        flags = book.plural
        named = [
            [slot for slot, place in zip(SLOTS, places, strict=False) if flags[place]]
            for places in self.objects[rows].tolist()
        ]
        if self.winner is not None:
            for slots, place in zip(named, self.winner[rows].tolist(), strict=True):
                if flags[place]:
                    slots.append("winner")
        return named
