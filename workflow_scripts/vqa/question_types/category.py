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
from workflow_scripts.vqa.batch import LETTERS, OPTIONS_SUFFIX, Batch
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

    The wrong options are of the same scene, or of the same view, and no two are alike. Slots:
    `{a}`, and `{thing}` ("a sofa") in answers.
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
            "multiple_choice": Templates([text + OPTIONS_SUFFIX for text in self.questions]),
            "letters": Templates([f"{{letter}}: {text}" for text in self.answers]),
        }

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield a batch for each letter that is an answer."""
        view_context = context.view_context
        pool = sorted(set(view_context.in_scene) | set(view_context.in_view))
        found: dict[int, list[tuple[int, list[str]]]] = {}
        for row in context.usable.tolist():
            options = [view_context.categories[row]]
            for place in context.rng.permutation(len(pool)).tolist():
                if len(options) == len(LETTERS):
                    break
                if not any(is_confusable(pool[place], other) for other in options):
                    options.append(pool[place])
            if len(options) < len(LETTERS):
                context.dropped["too few other kinds of things"] += 1
                continue
            place = int(context.rng.integers(len(LETTERS)))
            options.insert(place, options.pop(0))
            found.setdefault(place, []).append((row, options))
        for place, rows in sorted(found.items()):
            nouns = [[phrase(category) for category in options] for _, options in rows]
            names = ("option1", "option2", "option3", "option4")
            yield Batch(
                kind="multiple_choice",
                antonym="",
                answer=LETTERS[place],
                fact_ids=np.array([row for row, _ in rows]),
                objects=np.array([[row] for row, _ in rows]),
                questions=self.templates["multiple_choice"],
                answers=self.templates["letters"],
                measure=np.ones(len(rows)),
                sigma=np.zeros(len(rows)),
                answer_type="multiple_choice",
                shared_slots={"letter": LETTERS[place]},
                row_slots={
                    "thing": [with_article(options[place]) for options in nouns],
                    **dict(zip(names, zip(*nouns, strict=True), strict=True)),
                },
                truth=LETTERS[place],
                choices=LETTERS,
                options=[tuple(options) for options in nouns],
            )
