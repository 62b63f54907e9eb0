"""Ask which of several objects it is: the nearest to another, the second from the left."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.plausibility import NOT_COMPARED, is_compared
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates
from workflow_scripts.vqa.view_context import ViewContext

_QUESTIONS = (
    "Which is {extreme}: {a}, {b} or {c}?",
    "Of {a}, {b} and {c}, which is {extreme}?",
    "Which of these is {extreme}: {a}, {b} or {c}?",
    "{a}, {b} or {c}: which is {extreme}?",
)
_ANSWERS = (
    "{winner} {is_winner} {extreme}.",
    "{winner}.",
    "It's {winner}.",
    "I'd say {winner}.",
)
_ANCHOR_ROTATIONS = np.array([[0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]])
_SECOND_FIRST = np.array([1, 0, 2])
# By the place at which the winner is mentioned: which of winner, others and anchor stand where.
_MENTION_ORDERS = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 0, 3]])
MENTION_ORDINALS = ("first", "second", "third")
SQRT2 = math.sqrt(2)


@dataclass(frozen=True, kw_only=True)
class Ranking(OneViewFamily):
    """A family that picks one of three objects by their order in a measure.

    `measure` is a value [n], larger for what comes first, or with `anchored` a value [n, n] whose
    first index is the anchor, a fourth object in slot `{d}`. `rank` 0 picks the first of the
    order, 1 the middle one. All three must differ by the margin in `unit` as far as the pick
    depends on it, and in `other_measures` [n], other readings of the order in the same unit.
    `extremes` fit "{winner} is {extreme}"; `questions` and `answers` take the place
    of the common phrasings where a family needs its own.
    """

    measure: Callable[[ViewContext], Measure]
    extremes: tuple[str, ...]
    rank: int = 0
    anchored: bool = False
    other_measures: Callable[[ViewContext], Sequence[FloatArray]] | None = None
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {
            "which": self._with_extremes(self.questions or _QUESTIONS),
            "winners": self._with_extremes(self.answers or _ANSWERS),
        }

    def _with_extremes(self, texts: tuple[str, ...]) -> Templates:
        return Templates(
            [text.replace("{extreme}", word) for word in self.extremes or ("",) for text in texts]
        )

    def _lead(self, ahead: FloatArray, behind: FloatArray) -> FloatArray:
        """Return by how much, in the family's unit, values exceed others."""
        if self.unit == "ratio":
            lead: FloatArray = ahead / np.maximum(behind, 1e-6) - 1
            return lead
        return ahead - behind

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield the picks by the place at which the answer is mentioned."""
        groups = context.groups(4 if self.anchored else 3)
        if not len(groups):
            return
        if self.anchored:
            # Each of the four in turn is the anchor.
            groups = groups[:, _ANCHOR_ROTATIONS].reshape(-1, 4)
        value, sigma = self.measure(context.view_context)
        three = places = groups[:, :3]
        if self.anchored:
            places = groups[:, 3:] * len(value) + three
        scores = value.take(places)
        order = np.argsort(-scores, axis=1, kind="stable")
        order += np.arange(0, scores.size, 3)[:, None]
        scores = scores.take(order)
        # The third counts too: if it is not known well, it might be the one.
        both = SQRT2 * np.maximum.reduce(sigma.take(places), axis=1)
        if self.unit == "ratio":
            both = both / np.maximum(scores[:, 2], 1e-6)
        margin = self._lead(scores[:, 0], scores[:, 1])
        if self.rank:
            margin = np.minimum(margin, self._lead(scores[:, 1], scores[:, 2]))
        if self.other_measures is not None:
            for again in self.other_measures(context.view_context):
                first, second, third = again.take(places).take(order).T
                last = self._lead(second if self.rank else first, third)
                margin = np.minimum.reduce([margin, self._lead(first, second), last])
        clear = margin >= context.margins.needed(self.unit, context.view_context, both)
        context.dropped["too close to call"] += int(np.count_nonzero(~clear))
        if self.unit == "ratio":
            ratio = scores[:, 0] / np.maximum(scores[:, 2], 1e-6)
            compared = is_compared(context.view_context, three, ratio)
            context.dropped[NOT_COMPARED] += int(np.count_nonzero(clear & ~compared))
            clear &= compared
        rows = clear.nonzero()[0]
        if not len(rows):
            return
        fact_ids, sigma, margin = np.arange(len(rows)), both.take(rows), margin.take(rows)
        # The winner, the two others in random order, and the anchor, if there is one.
        placed = groups.take(rows, axis=0)
        in_order = three.take(order.take(rows, axis=0))
        placed[:, :3] = in_order if self.rank == 0 else in_order[:, _SECOND_FIRST]
        turned = context.rng.random(len(rows)) < 0.5
        placed[turned, 1:3] = placed[turned, 2:0:-1]
        for place, (columns, name) in enumerate(
            zip(_MENTION_ORDERS, MENTION_ORDINALS, strict=True)
        ):
            yield Batch(
                kind="which",
                antonym="",
                answer=name,
                fact_ids=fact_ids,
                objects=placed.take(columns[: placed.shape[1]], axis=1),
                questions=self.templates["which"],
                answers=self.templates["winners"],
                measure=margin,
                sigma=sigma,
                winner=place,
                choices=None,
                num_choices=3,
            )
