"""Ask about one view: what every family can ask of it, which of that is asked, and its truth."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workflow_scripts.common.marks import mark_area_px
from workflow_scripts.common.quantity_text import Units
from workflow_scripts.common.questions import Referent
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.evidence import evidence_of
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.pointing import MIN_OBJECT_TO_MARK_AREA
from workflow_scripts.vqa.question_types.base import Family, Margins, QuestionContext, Requirements
from workflow_scripts.vqa.reasoning import STEP_WRITERS, reasoning_steps
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance
from workflow_scripts.vqa.referring_expressions import (
    NamedObjects,
    mark_expressions,
    name_expressions,
    name_objects,
)
from workflow_scripts.vqa.sampling import Difficulty, Sampler, Stratum, difficulties
from workflow_scripts.vqa.view_context import ViewContext

AnswerStyle = Literal["short", "sentence"]
NO_REASONING = "asked without steps: printed numbers do not bear out the answer"


@dataclass(frozen=True)
class QuestionConfig:
    """What a person wants asked: families, forms, how often, in which words, with which steps."""

    families: frozenset[str] | None = None
    weights: Mapping[str, float] | None = None
    questions_per_view: int = 24
    answer_style: AnswerStyle = "short"
    units: Units = "metric"
    num_phrasings: int | None = None
    multiple_choice: bool = True
    reasoning: bool = False


@dataclass(frozen=True, eq=False)
class GeneratedQuestion:
    """A question and its truth; the referents are in the order of mention."""

    family: Family
    form: Form
    batch: Batch
    row: int
    question: str
    answer: str
    sentence: str
    truth: str | float
    choices: tuple[str, ...]
    difficulty: Difficulty
    evidence: dict[str, float]
    referents: tuple[Referent, ...]
    reasoning: str = ""


class QuestionGenerator:
    """Asks about views, one after the other, and keeps the answers balanced over them."""

    def __init__(self, *, margins: Margins, config: QuestionConfig) -> None:
        self._margins = margins
        self._config = config
        self._sampler = Sampler()
        self._families = tuple(
            family
            for family in FAMILIES
            if config.families is None or family.name in config.families
        )
        self.dropped: Counter[tuple[str, str, str]] = Counter()

    def generate(
        self,
        view_context: ViewContext,
        marks: Mapping[Form, Mapping[str, int]],
        forms: Sequence[Form],
        *,
        split: str,
        rng: np.random.Generator,
    ) -> list[GeneratedQuestion]:
        """Return at most so many different questions as wished for, families in turn.

        `marks` are, for the forms that point, rows of the sight by colour or tag. Answers are
        balanced within a split. What was not asked is counted in `dropped` by (family, form,
        reason).
        """
        if not len(view_context):
            return []
        expressions_by_form = ReferringExpressionsByForm(view_context, marks, self._margins)
        self.dropped.update(expressions_by_form.dropped)
        strata = list(self._strata(view_context, expressions_by_form, forms, rng))
        drawn = self._sampler.draw(
            strata, budget=self._config.questions_per_view, split=split, rng=rng
        )
        for stratum in strata:
            num_remaining = stratum.num_remaining()
            if num_remaining:
                self.dropped[stratum.family.name, stratum.form, "not drawn"] += num_remaining
        generated = [
            self._build_question(view_context, expressions_by_form, draw, rng) for draw in drawn
        ]
        unique = {(question.form, question.question): question for question in reversed(generated)}
        return [
            question
            for question in generated
            if unique[question.form, question.question] is question
        ]

    def _strata(
        self,
        view_context: ViewContext,
        expressions_by_form: "ReferringExpressionsByForm",
        forms: Iterable[Form],
        rng: np.random.Generator,
    ) -> Iterable[Stratum]:
        weights = self._config.weights or {}
        for family, form in itertools.product(self._families, forms):
            weight = weights.get(family.name, 1.0)
            if form not in family.forms or weight <= 0:
                continue
            usable = expressions_by_form.usable(family, form, self.dropped)
            context = QuestionContext(
                view_context=view_context,
                usable=usable,
                expressions=expressions_by_form.expressions(family, form),
                form=form,
                margins=self._margins,
                rng=rng,
                units=self._config.units,
                multiple_choice=self._config.multiple_choice,
            )
            batches = [batch for batch in family.batches(context) if len(batch)]
            for reason, count in context.dropped.items():
                if count:
                    self.dropped[family.name, form, reason] += count
            if batches:
                levels = [difficulties(one, family, self._margins, view_context) for one in batches]
                yield Stratum(family, form, weight, batches, levels)

    def _build_question(
        self,
        view_context: ViewContext,
        expressions_by_form: "ReferringExpressionsByForm",
        drawn: tuple[Stratum, Batch, int, Difficulty],
        rng: np.random.Generator,
    ) -> GeneratedQuestion:
        stratum, batch, row, difficulty = drawn
        family, form = stratum.family, stratum.form
        expressions = expressions_by_form.expressions(family, form)
        questions, sentences = batch.write(
            np.array([row]), expressions, rng, limit=self._config.num_phrasings
        )
        truth = batch.truth_of(row, expressions)
        short = batch.short_answer(row, truth)
        return GeneratedQuestion(
            family=family,
            form=form,
            batch=batch,
            row=row,
            question=questions[0],
            answer=sentences[0] if self._config.answer_style == "sentence" else short,
            sentence=sentences[0],
            truth=truth,
            choices=batch.choices_of(row, expressions),
            difficulty=difficulty,
            evidence=evidence_of(family, batch, row, view_context),
            referents=tuple(
                expressions_by_form.referent(place, family, form, phrase_override=batch.target(row))
                for place in batch.objects[row].tolist()
            ),
            reasoning=self._reasoning(
                stratum, QuestionInstance(view_context, batch, row, expressions)
            ),
        )

    def _reasoning(self, stratum: Stratum, question_instance: QuestionInstance) -> str:
        return (
            write_reasoning(stratum, question_instance, self.dropped)
            if self._config.reasoning
            else ""
        )


def write_reasoning(
    stratum: Stratum, question_instance: QuestionInstance, dropped: Counter[tuple[str, str, str]]
) -> str:
    """Return the steps of a question; count it if it should have some and has none."""
    name = stratum.family.name
    steps = reasoning_steps(name, question_instance)
    if not steps and name in STEP_WRITERS:
        dropped[name, stratum.form, NO_REASONING] += 1
    return steps


class ReferringExpressionsByForm:
    """How each form calls the objects of a sight, and which of them it can speak of."""

    def __init__(
        self, view_context: ViewContext, marks: Mapping[Form, Mapping[str, int]], margins: Margins
    ) -> None:
        self._view_context = view_context
        self._colours = {
            form: {row: colour for colour, row in rows.items()} for form, rows in marks.items()
        }
        self._named_objects: NamedObjects = name_objects(
            view_context, margin_px=margins.of("px", view_context)
        )
        self._expressions: dict[tuple[Form, bool], ReferringExpressions] = {}
        self._usable: dict[tuple[Requirements, Form], tuple[np.ndarray, Counter[str]]] = {}
        self.dropped: Counter[tuple[str, str, str]] = Counter(
            ("", "named", reason) for reason in self._named_objects.reasons.values()
        )

    def expressions(self, family: Family, form: Form) -> ReferringExpressions:
        """Return the book of a family's form."""
        of_object = family.requires.shape
        if (form, of_object) not in self._expressions:
            self._expressions[form, of_object] = (
                name_expressions(self._view_context, self._named_objects)
                if form == "named"
                else mark_expressions(
                    len(self._view_context), self._colours.get(form, {}), form, of_object=of_object
                )
            )
        return self._expressions[form, of_object]

    def usable(
        self, family: Family, form: Form, dropped: Counter[tuple[str, str, str]]
    ) -> np.ndarray:
        """Return the rows of the sight that a family may speak of; count the others."""
        key = (family.requires, form)
        found = self._usable.get(key)
        if found is None:
            found = self._usable[key] = self._select_rows(*key)
        good, reasons = found
        for reason, count in reasons.items():
            dropped[family.name, form, reason] += count
        return good

    def _select_rows(
        self, requirements: Requirements, form: Form
    ) -> tuple[np.ndarray, Counter[str]]:
        """Return the rows that meet the requirements, and why how many others do not."""
        if form == "named" and requirements.kinds:
            rows = list(range(len(self._view_context)))
        elif form == "named":
            rows = sorted(self._named_objects.nouns)
        else:
            rows = sorted(self._colours.get(form, {}))
        reasons = {row: self._exclusion_reason(requirements, form, row) for row in rows}
        good = [row for row, reason in reasons.items() if not reason]
        return np.array(good, dtype=int), Counter(filter(None, reasons.values()))

    def _exclusion_reason(self, requirements: Requirements, form: Form, row: int) -> str:
        view_context, measured = self._view_context, self._view_context.measured
        if requirements.level and not view_context.is_level:
            return (
                "camera looks steeply up or down" if view_context.has_gravity else "up is not known"
            )
        if requirements.gravity and not view_context.has_gravity:
            return "up is not known"
        if requirements.untruncated and measured.truncated[row]:
            return "object cut off by the picture's border"
        if requirements.untruncated and measured.occluded[row] and not view_context.from_truth:
            return "object partly hidden"
        if requirements.front and not measured.has_front[row]:
            return "object whose front is not known"
        if (
            requirements.position_independent
            and form == "named"
            and row in self._named_objects.by_position
        ):
            return "object named by its place"
        if requirements.shape and form == "marked":
            disc = mark_area_px(view_context.shorter_side_px)
            if measured.pixels[row] < MIN_OBJECT_TO_MARK_AREA * disc:
                return "object hidden under its mark"
        return ""

    def referent(
        self, row: int, family: Family, form: Form, *, phrase_override: str | None = None
    ) -> Referent:
        """Return the record of an object as a question calls it, which `called` overrides."""
        measured = self._view_context.measured
        colour = self._colours.get(form, {}).get(row, "") if form != "named" else ""
        u, v = self._view_context.mark_px[row].tolist()
        phrase = phrase_override or ""
        if phrase_override is None and not family.requires.kinds:
            phrase = self.expressions(family, form).phrases[row]
        return Referent(
            instance=int(measured.instance[row]),
            object_id=measured.object_id[row],
            category=measured.label[row],
            phrase=phrase,
            mark=colour,
            pixel=(u, v) if colour or family.frame == "picture" else None,
            box=tuple(measured.box_px[row].tolist()),
        )
