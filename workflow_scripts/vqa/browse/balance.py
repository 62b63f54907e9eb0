"""Count the questions, the balance of their answers, and what was dropped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.units import ANSWER_SYMBOLS

BINS = 16
COLOURS = ("#12805c", "#b4470d", "#2456c4", "#6d7fb3", "#8a5a00", "#8e3a8e", "#566072")
_ORDER = {
    name: place
    for place, name in enumerate(("yes", "no", "first named", "second named", "third named"))
}


@dataclass
class AnswerDistribution:
    """The answers of one family in one form: shares of choices, or numbers."""

    family: str
    form: str
    num: int = 0
    truths: Counter[str] = field(default_factory=Counter)
    numbers: list[float] = field(default_factory=list)
    unit: str = ""

    @property
    def bars(self) -> list[tuple[str, float, str]]:
        """Return (answer, share, colour) of the choices; an answer has one colour everywhere."""
        total = sum(self.truths.values())
        ordered = sorted(self.truths, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
        return [
            (name, self.truths[name] / total, COLOURS[_ORDER.get(name, place) % len(COLOURS)])
            for place, name in enumerate(ordered)
        ]

    @property
    def histogram(self) -> tuple[list[float], float, float]:
        """Return (heights of the bins, the highest being 1; least and greatest number)."""
        if not self.numbers:
            return [], 0.0, 0.0
        least, greatest = min(self.numbers), max(self.numbers)
        # One value is one bin: NumPy would widen its range by half a unit on either side.
        counts, _ = np.histogram(self.numbers, bins=BINS if greatest > least else 1)
        return (counts / counts.max()).tolist(), least, greatest


class Balance:
    """Counts questions as they pass by."""

    def __init__(self) -> None:
        self._distributions: dict[tuple[str, str], AnswerDistribution] = {}
        self.by_split: Counter[str] = Counter()

    def add(self, question: Question) -> None:
        """Count one question.

        Of "which" it is the place of mention that is counted: the names themselves differ from
        picture to picture, but the first should not be right more often than the second.
        """
        key = (question.family, question.form)
        distribution = self._distributions.setdefault(key, AnswerDistribution(*key))
        distribution.num += 1
        self.by_split[question.split] += 1
        if isinstance(question.truth, float | int):
            distribution.numbers.append(float(question.truth))
            distribution.unit = ANSWER_SYMBOLS.get(question.answer_type, "")
        elif question.kind == "which" and question.truth in question.choices:
            distribution.truths[f"{_ordinal(question.choices.index(question.truth))} named"] += 1
        elif question.answer_type in ("choice", "multiple_choice"):
            distribution.truths[question.truth] += 1
        else:
            distribution.truths["a place"] += 1

    @property
    def distributions(self) -> list[AnswerDistribution]:
        """Return the distributions by family and form."""
        return [self._distributions[key] for key in sorted(self._distributions)]


def _ordinal(place: int) -> str:
    ordinals = ("first", "second", "third", "fourth")
    return ordinals[place] if place < len(ordinals) else f"{place + 1}th"


@dataclass(frozen=True)
class DropReason:
    """Why questions were dropped, and how many in each form ('' is any)."""

    reason: str
    total: int
    by_form: dict[str, int]


def reasons(records: Iterable[DroppedQuestions], forms: Sequence[str]) -> list[DropReason]:
    """Return the reasons, commonest first."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record.reason, Counter())[record.form] += record.count
    rows = [
        DropReason(reason, sum(found.values()), {form: found[form] for form in ("", *forms)})
        for reason, found in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.total, row.reason))
