"""Ask for a number: a length, an area, an angle or a direction of one or two objects."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np

from workflow_scripts.common import quantity_text
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import LETTERS, Batch
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates, capitalised
from workflow_scripts.vqa.view_context import ViewContext

_QUESTIONS = (
    "What is {quantity}?",
    "Can you estimate {quantity}?",
)
_ANSWERS = (
    "About {value}.",
    "{Quantity} is {value}.",
    "I'd say {value}.",
)
# A number is asked for only if it is known this well.
MAX_RELATIVE_SIGMA = 0.15
MAX_SIGMA_DEG = 10.0
# A direction this near to the middle of two hours belongs to neither.
CLEAR_OF_NEXT_HOUR_DEG = 2.0
IMPERIAL_SHARE = 0.25

NumberOrArray = TypeVar("NumberOrArray", float, FloatArray)
AnswerOfUnit: dict[str, AnswerType] = {"m": "metres", "m2": "square_metres", "deg": "degrees"}


@dataclass(frozen=True, kw_only=True)
class Numeric(OneViewFamily):
    """A family that asks for a number of `num_objects` objects.

    `measure` gives [n] for one object, [n, n] for two. A signed measure is asked for with
    `signed`: then the first-named object is the one it is positive for. `ordered`: the value
    depends on the order of mention. Values under `least` are not asked. Slots: `{a}`, `{b}`, and
    `{value}` in answers. `quantities` fit "What is {quantity}?"; a family without one has only its
    own questions.
    `is_size`: the value is the size of one thing, so that a ratio says what differs clearly.
    """

    num_objects: Literal[0, 1, 2]
    measure: Callable[[ViewContext], Measure]
    min_value: float
    quantities: tuple[str, ...]
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    signed: bool = False
    ordered: bool = False
    is_clock: bool = False
    is_size: bool = False
    max_value: float = np.inf

    @property
    def order_matters(self) -> bool:
        return self.ordered or self.signed

    @property
    def answer_type(self) -> AnswerType:
        return "clock" if self.is_clock else AnswerOfUnit[self.unit]

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        questions = [*self.questions, *self._fill_quantity(_QUESTIONS)]
        answers = [*self.answers, *self._fill_quantity(_ANSWERS)]
        return {
            "open": Templates(questions),
            "answers": Templates(answers),
            "letters": Templates([f"{{letter}}: {text}" for text in answers]),
        }

    def _fill_quantity(self, texts: tuple[str, ...]) -> list[str]:
        return [
            text.replace("{quantity}", quantity).replace("{Quantity}", capitalised(quantity))
            for text in texts
            for quantity in (self.quantities if "quantity" in text.lower() else ("",))
        ]

    def write(self, value: float, *, imperial: bool) -> quantity_text.WrittenQuantity:
        """Write a value with its unit."""
        if self.unit == "m":
            return quantity_text.length_text(value, imperial=imperial)
        if self.is_clock:
            return quantity_text.clock_text(value)
        if self.unit == "deg":
            return quantity_text.angle_text(value)
        return quantity_text.area_text(value, imperial=imperial)

    def value_of(self, view_context: ViewContext, objects: tuple[int, ...]) -> float:
        """Return the value of some rows of objects, in the order of mention."""
        value = self.measure(view_context)[0]
        return float(value[objects] if objects else value[0])

    def error(self, value: NumberOrArray, truth: NumberOrArray) -> NumberOrArray:
        """Return how far a value is from the true one; of angles, the shorter way round."""
        error = value - truth
        if self.unit == "deg":
            full_turn = 360.0 if self.is_clock else 180.0
            error = (error + full_turn / 2) % full_turn - full_turn / 2
        return error

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield the open questions, and multiple choices by the letter of the right option.

        Which wrong options there are follows from all questions of the shard; see
        `answer_options`.
        """
        facts = self._measured_values(context)
        if facts is None:
            return
        objects, value, sigma = facts
        fact_ids = np.arange(len(value))
        share = {"metric": 0.0, "imperial": 1.0, "mixed": IMPERIAL_SHARE}[context.units]
        imperial = (
            (context.rng.random(len(value)) < share).tolist() if share else [False] * len(value)
        )
        values = value.tolist()
        write = self.write
        written = [write(one, imperial=flag) for one, flag in zip(values, imperial, strict=True)]
        texts, units, tolerances = map(list, zip(*written, strict=True))
        if self.is_clock:
            truth: list[str | float] = [float(quantity_text.clock_hour(one)) for one in values]
        else:
            truth = [round(one, 4) for one in values]
        common: dict[str, Any] = {
            "antonym": "",
            "fact_ids": fact_ids,
            "objects": objects,
            "measure": value,
            "sigma": sigma,
            "unit": units,
            "tolerance": np.array(tolerances),
        }
        templates = self.templates
        yield Batch(
            kind="open",
            answer="",
            questions=templates["open"],
            answers=templates["answers"],
            answer_type=self.answer_type,
            row_slots={"value": texts},
            truth=truth,
            **common,
        )
        if not context.multiple_choice:
            return
        letters = context.rng.integers(len(LETTERS), size=len(value))
        for place, letter in enumerate(LETTERS):
            rows = np.flatnonzero(letters == place)
            if not len(rows):
                continue
            picked = {name: _select_rows(column, rows) for name, column in common.items()}
            yield Batch(
                kind="multiple_choice",
                answer=letter,
                questions=templates["open"],
                answers=templates["letters"],
                answer_type="multiple_choice",
                shared_slots={"letter": letter},
                row_slots={"value": _select_rows(texts, rows)},
                truth=letter,
                choices=LETTERS,
                **picked,
            )

    def _measured_values(
        self, context: QuestionContext
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        value, sigma = self.measure(context.view_context)
        if self.num_objects == 0:
            objects = np.zeros((len(value), 0), dtype=int)
        elif self.num_objects == 1:
            objects = context.usable[:, None]
            value, sigma = value.take(context.usable), sigma.take(context.usable)
        else:
            value, sigma = context.pair_values(value, sigma, ordered=self.ordered)
            if self.ordered:
                objects = context.pairs(ordered=True)
            elif self.signed:
                objects = context.pairs()
                objects = np.where(value[:, None] >= 0, objects, objects[:, ::-1])
                value = np.abs(value)
            else:
                objects = context.shuffled_pairs()
        if self.unit == "deg":
            unsure = sigma > MAX_SIGMA_DEG
        else:
            unsure = sigma > MAX_RELATIVE_SIGMA * np.maximum(value, 1e-9)
        if self.is_clock:
            # The hour must hold for every direction within two sigmas.
            off_deg = 15.0 - np.abs((value + 15.0) % 30.0 - 15.0)
            unsure |= off_deg < np.maximum(CLEAR_OF_NEXT_HOUR_DEG, context.margins.sigmas * sigma)
        small = value < self.min_value
        if self.max_value < np.inf:
            small |= value > self.max_value
        good = (~(small | unsure)).nonzero()[0]
        num_small = int(np.count_nonzero(small))
        reason = "length too small to ask" if self.unit == "m" else "value out of range"
        context.dropped[reason] += num_small
        context.dropped["not known well enough"] += len(value) - num_small - len(good)
        if not len(good):
            return None
        return objects.take(good, axis=0), value.take(good), sigma.take(good)


def _select_rows(column: Any, rows: np.ndarray) -> Any:
    if isinstance(column, np.ndarray):
        return column[rows]
    return [column[row] for row in rows.tolist()] if isinstance(column, list) else column
