"""Ask which of several objects it is: the nearest to another, the second from the left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.shapes.base import ALL_FORMS, Asking, Frame, Requirements, Unit
from workflow_scripts.vqa.sight import Sight
from workflow_scripts.vqa.templates import Templates

_QUESTIONS = (
    "Which is {extreme}: {a}, {b} or {c}?",
    "Which one is {extreme}, {a}, {b} or {c}?",
    "Of {a}, {b} and {c}, which one is {extreme}?",
    "Compare {a}, {b} and {c}: which one is {extreme}?",
    "Tell me which is {extreme}: {a}, {b} or {c}.",
    "Which of the three is {extreme}: {a}, {b} or {c}?",
    "Look at {a}, {b} and {c}. Which one is {extreme}?",
    "Out of {a}, {b} and {c}, which one is {extreme}?",
    "Here are three things: {a}, {b} and {c}. Which one is {extreme}?",
    "Can you tell which is {extreme}, {a}, {b} or {c}?",
    "Say which one is {extreme}: {a}, {b} or {c}.",
    "Choose the one that is {extreme}: {a}, {b} or {c}.",
)
_ANSWERS = (
    "{winner} {is_winner} {extreme}.",
    "Of the three, {winner} {is_winner} {extreme}.",
    "It is {winner} that {is_winner} {extreme}.",
    "{winner}.",
    "I would say that {winner} {is_winner} {extreme}.",
    "Of the three, it is {winner}.",
    "Comparing the three, {winner} {is_winner} {extreme}.",
    "I would choose {winner}.",
)
_TURNS = np.array([[0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]])
_OTHERS = ([1, 2], [0, 2], [0, 1])
PLACES = ("first", "second", "third")


@dataclass(frozen=True)
class Pick:
    """A family that picks one of three objects by their order in a measure.

    `measure` is a value [n], larger for what comes first, or with `anchored` a value [n, n] whose
    first index is the anchor, a fourth object in slot `{d}`. `rank` 0 picks the first of the
    order, 1 the middle one. All three must differ by the margin in `unit` as far as the pick
    depends on it. `extremes` fit "{winner} is {extreme}".
    """

    name: str
    measure: Callable[[Sight], Measure]
    unit: Unit
    requires: Requirements
    frame: Frame
    extremes: tuple[str, ...]
    rank: int = 0
    anchored: bool = False
    forms: tuple[Form, ...] = ALL_FORMS

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {
            "which": Templates(
                [text.replace("{extreme}", word) for text in _QUESTIONS for word in self.extremes]
            ),
            "winners": Templates(
                [text.replace("{extreme}", word) for text in _ANSWERS for word in self.extremes]
            ),
        }

    def batches(self, asking: Asking) -> Iterator[Batch]:
        """Yield the picks by the place at which the answer is mentioned."""
        groups = asking.groups(4 if self.anchored else 3)
        if self.anchored and len(groups):
            # Each of the four in turn is the anchor.
            groups = groups[:, _TURNS].reshape(-1, 4)
        if not len(groups):
            return
        value, sigma = self.measure(asking.sight)
        three = groups[:, :3]
        where = (groups[:, 3:], three) if self.anchored else (three,)
        scores, errors = value[where], sigma[where]
        order = np.argsort(-scores, axis=1, kind="stable")
        scores = np.take_along_axis(scores, order, axis=1)
        errors = np.take_along_axis(errors, order, axis=1)
        lead = scores[:, :2] - scores[:, 1:]
        if self.unit == "ratio":
            lead = scores[:, :2] / np.maximum(scores[:, 1:], 1e-6) - 1
        # The third counts too: if it is not known well, it might be the one.
        both = np.sqrt(2) * errors.max(axis=1, keepdims=True)
        if self.unit == "ratio":
            both = both / np.maximum(scores[:, -1:], 1e-6)
        needed = asking.margins.needed(self.unit, asking.sight, both)
        if self.rank == 0:
            clear, margin = lead[:, 0] >= needed[:, 0], lead[:, 0]
        else:
            clear, margin = (lead >= needed).all(axis=1), lead.min(axis=1)
        asking.dropped["too close to call"] += int((~clear).sum())
        rows = np.flatnonzero(clear)
        if not len(rows):
            return
        three = np.take_along_axis(three, order, axis=1)[rows]
        winner = three[:, self.rank]
        others = three[:, _OTHERS[self.rank]]
        turned = asking.rng.random(len(rows)) < 0.5
        others = np.where(turned[:, None], others[:, ::-1], others)
        for place, name in enumerate(PLACES):
            objects = groups[rows]
            objects[:, place] = winner
            objects[:, _OTHERS[place]] = others
            yield Batch(
                kind="which",
                pole="",
                answer=name,
                fact=np.arange(len(rows)),
                objects=objects,
                questions=self.templates["which"],
                answers=self.templates["winners"],
                measure=margin[rows],
                sigma=both[rows, 0],
                winner=winner,
                choices=None,
                num_choices=3,
            )
