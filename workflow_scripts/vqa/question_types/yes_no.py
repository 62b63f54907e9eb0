"""Ask whether something holds: yes or no, where both are clear."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import YES_NO, Batch
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates

_QUESTIONS = (
    "Would you say that {statement}?",
    "Can you tell me whether {statement}?",
)


@dataclass(frozen=True, eq=False)
class PredicateValues:
    """What may hold: objects [m, k], how clearly it does [m] (negative: does not), sigma [m].

    Where neither is clear the value is 0.
    """

    objects: np.ndarray
    value: FloatArray
    sigma: FloatArray
    row_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class YesNo(OneViewFamily):
    """A family that asks whether something holds.

    `claims` returns how clearly it holds in `unit`; what is within two sigmas of turning over is
    not asked. `statements` and `negations` fit "Yes, {statement}." and "No, {negation}."; the first
    of each also fits "Would you say that {statement}?" and "No, I'd say {negation}.".
    """

    predicate: Callable[[QuestionContext], PredicateValues]
    questions: tuple[str, ...]
    statements: tuple[str, ...]
    negations: tuple[str, ...]

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        first, negated = self.statements[0], self.negations[0]
        return {
            "yes_no": Templates(
                [*self.questions, *(text.replace("{statement}", first) for text in _QUESTIONS)]
            ),
            "yes": Templates(
                [*(f"Yes, {one}." for one in self.statements), f"Yes, I'd say {first}."]
            ),
            "no": Templates(
                [*(f"No, {one}." for one in self.negations), f"No, I'd say {negated}."]
            ),
        }

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield what holds, and what does not."""
        predicate = self.predicate(context)
        value, sigma = predicate.value, predicate.sigma
        size = np.abs(value)
        clear = (size > 0) & (size >= context.margins.sigmas * sigma)
        context.dropped["too close to call"] += int(np.count_nonzero(~clear))
        holds = value > 0
        for answer, those in (("yes", clear & holds), ("no", clear & ~holds)):
            rows = those.nonzero()[0]
            if not len(rows):
                continue
            yield Batch(
                kind="yes_no",
                antonym="",
                answer=answer,
                fact_ids=rows,
                objects=predicate.objects.take(rows, axis=0),
                questions=self.templates["yes_no"],
                answers=self.templates[answer],
                measure=size.take(rows),
                sigma=sigma.take(rows),
                row_slots={
                    name: [column[row] for row in rows.tolist()]
                    for name, column in predicate.row_slots.items()
                },
                truth=answer,
                choices=YES_NO,
            )


def between_limits(value: FloatArray, yes_below: float, no_above: float) -> FloatArray:
    """Return how far a value is under the first limit, minus how far it is over the second.

    Between the limits it is 0: nobody can say. A claim on a limit holds by next to nothing.
    """
    under, over = np.maximum(yes_below - value, 1e-6), np.maximum(value - no_above, 1e-6)
    return np.where(value <= yes_below, under, np.where(value >= no_above, -over, 0.0))
