"""Compare two objects: asked with yes or no, and as a choice between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.vqa.batch import YES_NO, Batch
from workflow_scripts.vqa.margins import Unit
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.plausibility import NOT_COMPARED, is_compared
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates, capitalised
from workflow_scripts.vqa.view_context import ViewContext

_YES_NO = (
    "{Is_a} {a} {relation} {b}?",
    "Would you say that {a} {is_a} {relation} {b}?",
    "{Scope}, {is_a} {a} {relation} {b}?",
    "Can you tell me whether {a} {is_a} {relation} {b}?",
)
_WHICH = (
    "Which is {extreme}, {a} or {b}?",
    "Of {a} and {b}, which is {extreme}?",
    "{Scope}, which is {extreme}, {a} or {b}?",
    "{a} or {b}: which is {extreme}?",
)
_YES = (
    "Yes, {a} {is_a} {relation} {b}.",
    "Yes, {it_a} {is_a}.",
    "Yes, {a} {is_a} {extreme}.",
    "Yes, I'd say {a} {is_a} {relation} {b}.",
)
_NO = (
    "No, {a} {is_a} not {relation} {b}.",
    "No, {a} {is_a} {opposite} {b}.",
    "No, {it_a} {isn't_a}.",
    "No, {b} {is_b} {relation} {a}.",
)
_WINNERS = (
    "{winner} {is_winner} {extreme}.",
    "{winner}.",
    "It's {winner}.",
    "I'd say {winner}.",
)


@dataclass(frozen=True)
class Antonym:
    """One of the two opposite words of a comparison.

    `relation` fits "{a} is {relation} {b}", `extreme` fits "{a} is {extreme}".
    """

    relation: str
    extreme: str


@dataclass(frozen=True, kw_only=True)
class Comparison(OneViewFamily):
    """A family that compares two objects.

    `difference` is antisymmetric, in `unit`: positive where the first antonym holds for a against
    b, negative where the second does, 0 where sensible readings disagree. Below the margin of its
    unit no question is asked. Phrasings that a family gives (`yes_no`, `which`, `yes`, `no`,
    `winners`) take the place of the common ones; `scopes` are adverbials that say what is meant
    ("in this picture") and fill the slot {Scope} of questions.
    """

    antonyms: tuple[Antonym, Antonym]
    difference: Callable[[ViewContext], Measure]
    scopes: tuple[str, ...]
    yes_no: tuple[str, ...] = ()
    which: tuple[str, ...] = ()
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    winners: tuple[str, ...] = ()

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {
            "yes_no": Templates(self._scoped(self.yes_no or _YES_NO)),
            "which": Templates(self._scoped(self.which or _WHICH)),
            "yes": Templates(self.yes or _YES),
            "no": Templates(self.no or _NO),
            "winners": Templates(self.winners or _WINNERS),
        }

    def _scoped(self, texts: tuple[str, ...]) -> list[str]:
        return [
            text.replace("{Scope}", capitalised(scope)) for text in texts for scope in self.scopes
        ]

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield both poles with both answers, and both orders of mention of a choice."""
        facts = clear_pairs(context, self.difference(context.view_context), self.unit)
        if facts is None:
            return
        winner_first, size, sigma = facts
        fact_ids = np.arange(len(size))
        templates = self.templates
        for antonym_index, antonym in enumerate(self.antonyms):
            ordered = winner_first if antonym_index == 0 else winner_first[:, ::-1]
            slots = {
                "relation": antonym.relation,
                "opposite": self.antonyms[1 - antonym_index].relation,
                "extreme": antonym.extreme,
            }
            for answer in YES_NO:
                yield Batch(
                    kind="yes_no",
                    antonym=str(antonym_index),
                    answer=answer,
                    fact_ids=fact_ids,
                    objects=ordered if answer == "yes" else ordered[:, ::-1],
                    questions=templates["yes_no"],
                    answers=templates[answer],
                    measure=size,
                    sigma=sigma,
                    shared_slots=slots,
                    truth=answer,
                    choices=YES_NO,
                )
            for place, answer in enumerate(("first", "second")):
                yield Batch(
                    kind="which",
                    antonym=str(antonym_index),
                    answer=answer,
                    fact_ids=fact_ids,
                    objects=ordered if place == 0 else ordered[:, ::-1],
                    questions=templates["which"],
                    answers=templates["winners"],
                    measure=size,
                    sigma=sigma,
                    winner=place,
                    shared_slots=slots,
                    choices=None,
                )


def clear_pairs(
    context: QuestionContext, difference: Measure, unit: Unit
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return pairs [m, 2] whose order is clear, winner first, their difference and sigma.

    Sizes are compared only where a person would compare them.
    """
    pairs = context.pairs()
    value, sigma = context.pair_values(*difference)
    size = np.abs(value)
    clear = size >= context.margins.needed(unit, context.view_context, sigma)
    context.dropped["too close to call"] += int(np.count_nonzero(~clear))
    if unit == "ratio":
        compared = is_compared(context.view_context, pairs, 1 + size)
        context.dropped[NOT_COMPARED] += int(np.count_nonzero(clear & ~compared))
        clear &= compared
    rows = clear.nonzero()[0]
    if not len(rows):
        return None
    pairs = pairs.take(rows, axis=0)
    winner_first = np.where((value.take(rows) > 0)[:, None], pairs, pairs[:, ::-1])
    return winner_first, size.take(rows), sigma.take(rows)
