"""Ask about categories: how many objects of one there are, and which one a marked object has."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.label_text import (
    counted,
    is_confusable,
    phrase,
    plural,
    with_article,
)
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import LETTERS, Batch
from workflow_scripts.vqa.margins import Unit
from workflow_scripts.vqa.question_types.base import (
    POINTING_FORMS,
    Frame,
    OneViewFamily,
    QuestionContext,
    Requirements,
)
from workflow_scripts.vqa.templates import Templates

_OF_CATEGORIES = Requirements(kinds=True)


@dataclass(frozen=True, kw_only=True)
class Count(OneViewFamily):
    """A family that asks how many things of a kind the picture shows.

    A kind is counted only if each of its things in view is seen well enough. Slots: `{things}`
    is the plural noun; in answers `{counted}` is "one chair" or "3 chairs", `{are}` agrees.
    """

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    unit: Unit = "count"
    requires: Requirements = _OF_CATEGORIES
    frame: Frame = "picture"
    forms: tuple[Form, ...] = ("named",)

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {"open": Templates(self.questions), "answers": Templates(self.answers)}

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield a batch for each number that is an answer."""
        view_context = context.view_context
        seen: dict[str, list[int]] = {}
        for row in context.usable.tolist():
            seen.setdefault(view_context.categories[row], []).append(row)
        by_number: dict[int, list[str]] = {}
        for category in sorted(seen):
            number = len(seen[category])
            if number != view_context.in_view[category]:
                context.dropped["one of its kind is not seen well"] += 1
            elif any(
                is_confusable(category, other)
                for other in view_context.in_view
                if other != category
            ):
                context.dropped["an object of a similar name in view"] += 1
            else:
                by_number.setdefault(number, []).append(category)
        for number, categories in sorted(by_number.items()):
            names = [phrase(category) for category in categories]
            rows = [seen[category] for category in categories]
            yield Batch(
                kind="open",
                antonym="",
                answer=str(number),
                fact_ids=np.array([row[0] for row in rows]),
                objects=np.array(rows),
                questions=self.templates["open"],
                answers=self.templates["answers"],
                measure=np.ones(len(names)),
                sigma=np.zeros(len(names)),
                answer_type="count",
                shared_slots={"are": "is" if number == 1 else "are", "value": str(number)},
                row_slots={
                    "things": [plural(name) for name in names],
                    "counted": [counted(number, name) for name in names],
                },
                truth=[float(number)] * len(names),
                unit=[""] * len(names),
                tolerance=np.zeros(len(names)),
            )


@dataclass(frozen=True, kw_only=True)
class Identify(OneViewFamily):
    """A family that asks what a marked thing is, as a multiple choice of nouns.

    Which wrong options there are follows from all questions of the shard; see `category_options`.
    Slots: `{a}`, and `{thing}` ("a sofa") in answers.
    """

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    unit: Unit = ""
    frame: Frame = "picture"
    forms: tuple[Form, ...] = POINTING_FORMS

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {
            "multiple_choice": Templates(self.questions),
            "letters": Templates([f"{{letter}}: {text}" for text in self.answers]),
        }

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield a batch for each letter that is an answer."""
        view_context = context.view_context
        letters = context.rng.integers(len(LETTERS), size=len(context.usable))
        for place, letter in enumerate(LETTERS):
            rows = context.usable[letters == place]
            if not len(rows):
                continue
            nouns = [phrase(view_context.categories[row]) for row in rows.tolist()]
            yield Batch(
                kind="multiple_choice",
                antonym="",
                answer=letter,
                fact_ids=rows,
                objects=rows[:, None],
                questions=self.templates["multiple_choice"],
                answers=self.templates["letters"],
                measure=np.ones(len(rows)),
                sigma=np.zeros(len(rows)),
                answer_type="multiple_choice",
                shared_slots={"letter": letter},
                row_slots={"thing": [with_article(noun) for noun in nouns]},
                truth=letter,
                choices=LETTERS,
            )
