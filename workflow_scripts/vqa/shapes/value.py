"""Ask for a number: a length, an area, an angle or a direction of one or two objects."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from workflow_scripts.common import quantities
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import LETTERS, Batch
from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.shapes.base import ALL_FORMS, Asking, Frame, Requirements, Unit
from workflow_scripts.vqa.sight import Sight
from workflow_scripts.vqa.templates import Templates, capitalised

_QUESTIONS = (
    "What is {quantity}?",
    "Please estimate {quantity}.",
    "Can you estimate {quantity}?",
    "Tell me {quantity}.",
    "Give {quantity}.",
    "What would you say is {quantity}?",
    "What do you take {quantity} to be?",
    "What value does {quantity} have?",
)
_ANSWERS = (
    "{Quantity} is {value}.",
    "I estimate {quantity} at {value}.",
    "It is {value}.",
    "{Quantity} comes to {value}.",
    "My estimate of {quantity} is {value}.",
    "I would say that {quantity} is {value}.",
    "It comes to {value}.",
    "I make it {value}.",
)
_OPTIONS = " A: {option1}. B: {option2}. C: {option3}. D: {option4}."
# Wrong options differ from the truth and from one another by these, so none is nearly right.
_FACTORS = np.array([0.35, 0.6, 1.6, 2.5])
_ANGLE_STEPS_DEG = np.array([40.0, 80.0, 120.0, 140.0])
_CLOCK_STEPS_DEG = np.array([60.0, 120.0, 180.0, 270.0])
# A number is asked for only if it is known this well.
MAX_RELATIVE_SIGMA = 0.15
MAX_SIGMA_DEG = 10.0
# A direction this near to the middle of two hours belongs to neither.
CLEAR_OF_NEXT_HOUR_DEG = 2.0
IMPERIAL_SHARE = 0.25

AnswerOfUnit: dict[str, AnswerType] = {"m": "metres", "m2": "square_metres", "deg": "degrees"}


@dataclass(frozen=True)
class Value:
    """A family that asks for a number of `num_objects` objects.

    `measure` gives [n] for one object, [n, n] for two. A signed measure is asked for with
    `signed`: then the first-named object is the one it is positive for. `ordered`: the value
    depends on the order of mention. Values under `least` are not asked. Slots: `{a}`, `{b}`, and
    `{value}` in answers. `quantities` fit "What is {quantity}?".
    """

    name: str
    num_objects: Literal[0, 1, 2]
    measure: Callable[[Sight], Measure]
    unit: Unit
    least: float
    requires: Requirements
    frame: Frame
    quantities: tuple[str, ...]
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    signed: bool = False
    ordered: bool = False
    is_clock: bool = False
    most: float = np.inf
    forms: tuple[Form, ...] = ALL_FORMS

    @property
    def answer_type(self) -> AnswerType:
        return "clock" if self.is_clock else AnswerOfUnit[self.unit]

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        questions = [*self.questions, *self._about(_QUESTIONS)]
        answers = [*self.answers, *self._about(_ANSWERS)]
        return {
            "open": Templates(questions),
            "multiple_choice": Templates([text + _OPTIONS for text in questions]),
            "answers": Templates(answers),
            "letters": Templates([f"{{letter}}: {text}" for text in answers]),
        }

    def _about(self, texts: tuple[str, ...]) -> list[str]:
        return [
            text.replace("{quantity}", quantity).replace("{Quantity}", capitalised(quantity))
            for text in texts
            for quantity in self.quantities
        ]

    def write(self, value: float, *, imperial: bool) -> quantities.Written:
        """Write a value with its unit."""
        if self.unit == "m":
            return quantities.length(value, imperial=imperial)
        if self.is_clock:
            return quantities.clock(value)
        if self.unit == "deg":
            return quantities.angle(value)
        return quantities.area(value, imperial=imperial)

    def batches(self, asking: Asking) -> Iterator[Batch]:
        """Yield the open questions, and multiple choices by the letter of the right option."""
        facts = self._facts(asking)
        if facts is None:
            return
        objects, value, sigma = facts
        fact = np.arange(len(value))
        share = {"metric": 0.0, "imperial": 1.0, "mixed": IMPERIAL_SHARE}[asking.units]
        imperial = (
            (asking.rng.random(len(value)) < share).tolist() if share else [False] * len(value)
        )
        values = value.tolist()
        write = self.write
        written = [write(one, imperial=flag) for one, flag in zip(values, imperial, strict=True)]
        texts, units, tolerances = map(list, zip(*written, strict=True))
        if self.is_clock:
            truth: list[str | float] = [float(quantities.clock_hour(one)) for one in values]
        else:
            truth = [round(one, 4) for one in values]
        common = {
            "pole": "",
            "fact": fact,
            "objects": objects,
            "measure": value,
            "sigma": sigma,
            "unit": units,
            "tolerance": np.array(tolerances),
        }
        words = self.templates
        yield Batch(
            kind="open",
            answer="",
            questions=words["open"],
            answers=words["answers"],
            answer_type=self.answer_type,
            columns={"value": texts},
            truth=truth,
            **common,
        )
        if not asking.multiple_choice:
            return
        letters = asking.rng.integers(len(LETTERS), size=len(value))
        for place, letter in enumerate(LETTERS):
            rows = np.flatnonzero(letters == place)
            if not len(rows):
                continue
            picked = {name: _picked(column, rows) for name, column in common.items()}
            right = _picked(texts, rows)
            wrong = self._wrong(value[rows], _picked(imperial, rows), asking.rng)
            options = [
                (*others[:place], text, *others[place:])
                for text, others in zip(right, wrong, strict=True)
            ]
            names = ("option1", "option2", "option3", "option4")
            yield Batch(
                kind="multiple_choice",
                answer=letter,
                questions=words["multiple_choice"],
                answers=words["letters"],
                answer_type="multiple_choice",
                words={"letter": letter},
                columns={
                    "value": right,
                    **dict(zip(names, zip(*options, strict=True), strict=True)),
                },
                truth=letter,
                choices=LETTERS,
                options=options,
                **picked,
            )

    def _facts(self, asking: Asking) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        value, sigma = self.measure(asking.sight)
        if self.num_objects == 0:
            objects = np.zeros((len(value), 0), dtype=int)
        elif self.num_objects == 1:
            objects = asking.usable[:, None]
            value, sigma = value.take(asking.usable), sigma.take(asking.usable)
        else:
            value, sigma = asking.of_pairs(value, sigma, ordered=self.ordered)
            if self.ordered:
                objects = asking.pairs(ordered=True)
            elif self.signed:
                objects = asking.pairs()
                objects = np.where(value[:, None] >= 0, objects, objects[:, ::-1])
                value = np.abs(value)
            else:
                objects = asking.turned_pairs()
        if self.unit == "deg":
            unsure = sigma > MAX_SIGMA_DEG
        else:
            unsure = sigma > MAX_RELATIVE_SIGMA * np.maximum(value, 1e-9)
        if self.is_clock:
            # The hour must hold for every direction within two sigmas.
            off_deg = 15.0 - np.abs((value + 15.0) % 30.0 - 15.0)
            unsure |= off_deg < np.maximum(CLEAR_OF_NEXT_HOUR_DEG, asking.margins.sigmas * sigma)
        small = value < self.least
        if self.most < np.inf:
            small |= value > self.most
        good = (~(small | unsure)).nonzero()[0]
        num_small = np.count_nonzero(small)
        reason = "length too small to ask" if self.unit == "m" else "value out of range"
        asking.dropped[reason] += num_small
        asking.dropped["not known well enough"] += len(value) - num_small - len(good)
        if not len(good):
            return None
        return objects.take(good, axis=0), value.take(good), sigma.take(good)

    def _wrong(
        self, value: np.ndarray, imperial: list[bool], rng: np.random.Generator
    ) -> list[tuple[str, ...]]:
        """Return three wrong options a row, as texts, none near the truth or another."""
        lots = rng.integers(4, size=len(value)).tolist()
        shuffles = [_SHUFFLES[index] for index in rng.integers(len(_SHUFFLES), size=len(value))]
        if self.is_clock:
            candidates = ((value[:, None] + _CLOCK_STEPS_DEG) % 360.0).tolist()
        elif self.unit == "deg":
            candidates = ((value[:, None] + _ANGLE_STEPS_DEG) % 180.0).tolist()
        else:
            candidates = (value[:, None] * _FACTORS).tolist()
        rows = []
        for four, flag, lot, shuffle in zip(candidates, imperial, lots, shuffles, strict=True):
            texts = [self.write(one, imperial=flag)[0] for one in four]
            del texts[lot]
            rows.append(tuple(texts[place] for place in shuffle))
        return rows


_SHUFFLES = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def _picked(column: Any, rows: np.ndarray) -> Any:
    if isinstance(column, np.ndarray):
        return column[rows]
    return [column[row] for row in rows.tolist()] if isinstance(column, list) else column
