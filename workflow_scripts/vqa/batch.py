"""A batch: questions of one family, kind and answer that are not yet written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.templates import SLOTS, Templates, capitalised

Kind = Literal["yes_no", "which", "multiple_choice", "open"]
MAX_START_INDEX = 1 << 30
LETTERS = ("A", "B", "C", "D")
YES_NO = ("yes", "no")
OPTIONS_SUFFIX = " A: {option1}. B: {option2}. C: {option3}. D: {option4}."


@dataclass(frozen=True)
class ReferringExpressions:
    """How a form refers to the objects of a view, by row: with the article, and bare ("red")."""

    phrases: Sequence[str]
    bare: Sequence[str]
    plural: Sequence[bool]

    @cached_property
    def names(self) -> np.ndarray:
        """Return the phrases, as they are and with a capital: texts [n, 2]."""
        both = [(text, capitalised(text)) for text in self.phrases]
        return np.array(both, dtype=object).reshape(-1, 2)

    @cached_property
    def any_plural(self) -> bool:
        return any(self.plural)


@dataclass(eq=False, slots=True)
class Batch:
    """Rows of one (family, kind, antonym, answer); m rows. Not changed (freezing costs time).

    `fact_ids` [m] number the facts that rows ask about: a row of another batch with the same
    number asks about the same fact in another way. `objects` [m, k] are rows of the view context
    in the order of mention; `winner` is the index in that order of the object that is the answer,
    if an object is. `shared_slots` and `row_slots` fill other slots, the same for all rows or row
    by row. `truth`, `unit`, `tolerance` are those of `Question`; a truth of None is the bare name
    of the winner. `choices` None: the bare names of the first `num_choices` objects.
    """

    kind: Kind
    antonym: str
    answer: str
    fact_ids: np.ndarray
    objects: np.ndarray
    questions: Templates
    answers: Templates
    measure: FloatArray
    sigma: FloatArray
    answer_type: AnswerType = "choice"
    winner: int | None = None
    shared_slots: Mapping[str, str] = field(default_factory=dict)
    row_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    truth: str | Sequence[str | float] | None = None
    choices: tuple[str, ...] | None = ()
    num_choices: int = 2
    unit: Sequence[str] | None = None
    tolerance: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.fact_ids)

    def truth_of(self, row: int, expressions: ReferringExpressions) -> str | float:
        """Return the truth of a row."""
        if self.truth is None:
            assert self.winner is not None
            return expressions.bare[int(self.objects[row, self.winner])]
        return self.truth if isinstance(self.truth, str) else self.truth[row]

    def short_answer(self, row: int, truth: str | float) -> str:
        """Return the bare answer of a row: its written value, else its truth."""
        if self.kind == "open" and "value" in self.row_slots:
            return self.row_slots["value"][row]
        if self.kind == "open" and "value" in self.shared_slots:
            return self.shared_slots["value"]
        return str(truth)

    def target(self, row: int) -> str | None:
        """Return the phrase of a row's object, if it is not its usual referring expression."""
        return self.row_slots["target"][row] if "target" in self.row_slots else None

    def choices_of(self, row: int, expressions: ReferringExpressions) -> tuple[str, ...]:
        """Return the possible truths of a row, in the order of mention."""
        if self.choices is None:
            named = self.objects[row, : self.num_choices].tolist()
            return tuple(expressions.bare[object_row] for object_row in named)
        return self.choices

    def write(
        self,
        rows: np.ndarray | slice,
        expressions: ReferringExpressions,
        rng: np.random.Generator,
        *,
        limit: int | None,
    ) -> tuple[list[str], list[str]]:
        """Write the questions of rows, and the answers as sentences.

        `limit` is how many of the phrasings are drawn from; None draws from all.
        """
        places = self.objects[rows, : len(SLOTS)]
        filled = expressions.names.take(places, axis=0).reshape(len(places), -1).tolist()
        for texts in self.row_slots.values():
            for row, text in zip(filled, _select_rows(texts, rows), strict=True):
                row += (text, capitalised(text))
        layout = (places.shape[1], self.winner, tuple(self.row_slots))
        plural = None
        if expressions.any_plural:
            plural = [tuple(flags) for flags in np.asarray(expressions.plural)[places].tolist()]
        # The first phrasing is drawn; each next row takes the next one.
        question_start = int(rng.random() * MAX_START_INDEX)
        answer_start = int(rng.random() * MAX_START_INDEX)
        slots = self.shared_slots
        return (
            self.questions.write(question_start, layout, filled, slots, plural, limit),
            self.answers.write(answer_start, layout, filled, slots, plural, limit),
        )


def _select_rows(texts: Sequence[str], rows: np.ndarray | slice) -> Sequence[str]:
    return texts[rows] if isinstance(rows, slice) else [texts[row] for row in rows.tolist()]
