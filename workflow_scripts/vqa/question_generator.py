"""Questions about one view: all that families can ask of it, and a balanced draw from that."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.image_marks import mark_area_px
from workflow_scripts.common.questions import Referent
from workflow_scripts.common.records import Form
from workflow_scripts.config.vqa import QuestionSettings
from workflow_scripts.vqa.answer_options import NumericTruth, PlausibleValues
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.category_options import PlausibleCategories
from workflow_scripts.vqa.evidence import view_evidence
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.measures import is_taller_than_long
from workflow_scripts.vqa.pointing import MIN_OBJECT_TO_MARK_AREA
from workflow_scripts.vqa.question_types.base import Family, QuestionContext, Requirements
from workflow_scripts.vqa.question_types.category import Identify
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.reasoning import reasoning_steps
from workflow_scripts.vqa.reasoning.question_instance import NoReasoning, QuestionInstance
from workflow_scripts.vqa.referring_expressions import (
    NamedObjects,
    mark_expressions,
    name_expressions,
    name_objects,
)
from workflow_scripts.vqa.sampling import (
    Difficulty,
    DrawnRow,
    DropCounts,
    Sampler,
    Stratum,
    difficulties,
)
from workflow_scripts.vqa.view_context import ViewContext

NO_REASONING = "no reasoning: the printed numbers do not support the answer"
ASKED_ALREADY = "the family is asked about the same objects of the view already"
OVER_BUDGET = "over the question budget"
IMPERIAL_UNITS = ("in", "ft", "square feet")


@dataclass(frozen=True, eq=False)
class GeneratedQuestion:
    """A question and its truth; the referents are in the order of mention."""

    family: Family
    form: Form
    batch: Batch
    row: int
    question: str
    answer: str
    truth: str | float
    choices: tuple[str, ...]
    difficulty: Difficulty
    evidence: dict[str, float]
    referents: tuple[Referent, ...]
    reasoning: str = ""

    @property
    def numeric_truth(self) -> NumericTruth | None:
        """Return the value behind the right option of a number, where there are to be options."""
        if self.batch.kind != "multiple_choice" or not isinstance(self.family, Numeric):
            return None
        assert self.batch.unit is not None
        return NumericTruth(
            family=self.family,
            value_and_sigma=(
                float(self.batch.measure[self.row]),
                float(self.batch.sigma[self.row]),
            ),
            imperial=self.batch.unit[self.row] in IMPERIAL_UNITS,
        )


class QuestionGenerator:
    """Generates questions about views, one after the other, and balances the answers over them.

    `plausible` are the values that the views measure, for the wrong options of numbers;
    `plausible_categories` what the views show, for those of what a thing is.
    """

    def __init__(self, settings: QuestionSettings, *, reasoning: bool = False) -> None:
        """Make a generator; with `reasoning`, questions come with the steps to their answers."""
        self._settings = settings
        self._margins = Margins.of_settings(settings)
        self._reasoning = reasoning
        self._sampler = Sampler()
        self._families = tuple(family for family in FAMILIES if family_weight(family, settings) > 0)
        self.dropped: DropCounts = Counter()
        self.plausible = PlausibleValues()
        self.plausible_categories = PlausibleCategories()

    def generate(
        self,
        view_context: ViewContext,
        marks: Mapping[Form, Mapping[str, int]],
        forms: Sequence[Form],
        *,
        split: str,
        rng: np.random.Generator,
    ) -> list[GeneratedQuestion]:
        """Return different questions about a view, within the budget, families in turn.

        `marks` are rows of the view context by colour or tag, for the forms that point. Answers
        are balanced within a split. What was not asked is counted in `dropped` by (family, form,
        reason).
        """
        if not len(view_context):
            return []
        expressions_by_form = ReferringExpressionsByForm(view_context, marks, self._margins)
        self.dropped.update(expressions_by_form.dropped)
        strata = list(self._strata(view_context, expressions_by_form, forms, rng))
        drawn = self._sampler.draw(
            strata, budget=self._settings.questions_per_view, split=split, rng=rng
        )
        for stratum in strata:
            for reason, number in (
                (OVER_BUDGET, stratum.num_remaining()),
                (ASKED_ALREADY, stratum.num_repeats()),
            ):
                if number:
                    self.dropped[stratum.family.name, stratum.form, reason] += number
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
        for family, form in itertools.product(self._families, forms):
            if form not in family.forms:
                continue
            usable = expressions_by_form.usable(family, form, self.dropped)
            context = QuestionContext(
                view_context=view_context,
                usable=usable,
                expressions=expressions_by_form.expressions(family, form),
                form=form,
                margins=self._margins,
                rng=rng,
                units=self._settings.units,
                multiple_choice=self._settings.multiple_choice,
            )
            worded = family.worded_for(view_context)
            batches = [batch for batch in worded.batches(context) if len(batch)]
            for reason, count in context.dropped.items():
                if count:
                    self.dropped[family.name, form, reason] += count
            if batches:
                levels = [
                    difficulties(batch, family, self._margins, view_context) for batch in batches
                ]
                if self._settings.multiple_choice and isinstance(family, Numeric):
                    first = batches[0]
                    scene_id = view_context.measured.scene_id
                    self.plausible.add(family, scene_id, first.measure, first.sigma)
                if isinstance(family, Identify):
                    self.plausible_categories.add(
                        view_context.measured.scene_id,
                        [view_context.categories[row] for row in usable.tolist()],
                    )
                weight = family_weight(family, self._settings)
                yield Stratum(family, form, weight, batches, levels)

    def _build_question(
        self,
        view_context: ViewContext,
        expressions_by_form: "ReferringExpressionsByForm",
        drawn: DrawnRow,
        rng: np.random.Generator,
    ) -> GeneratedQuestion:
        stratum, batch, row, _ = drawn
        family, form = stratum.family, stratum.form
        expressions = expressions_by_form.expressions(family, form)
        return build_question(
            drawn,
            QuestionInstance(view_context, batch, row, expressions),
            self._settings,
            rng,
            evidence=view_evidence(family.frame, family.unit, batch, row, view_context),
            referents=[
                expressions_by_form.referent(
                    object_row, family, form, phrase_override=batch.target(row)
                )
                for object_row in batch.objects[row].tolist()
            ],
            reasoning=self._reasoning,
            dropped=self.dropped,
        )


def family_weight(family: Family, settings: QuestionSettings) -> float:
    """Return how many times as often as others a family is asked; 0: never."""
    if settings.families is not None and family.name not in settings.families:
        return 0.0
    return settings.weights.get(family.name, 1.0)


def build_question(
    drawn: DrawnRow,
    instance: QuestionInstance,
    settings: QuestionSettings,
    rng: np.random.Generator,
    *,
    evidence: dict[str, float],
    referents: Sequence[Referent],
    reasoning: bool,
    dropped: DropCounts,
) -> GeneratedQuestion:
    """Return a drawn row as a question with its answer; referents in the order of mention.

    A question that should have steps to its answer and has none is counted in `dropped`.
    """
    stratum, batch, row, difficulty = drawn
    expressions = instance.expressions
    questions, sentences = batch.write(
        np.array([row]), expressions, rng, limit=settings.num_phrasings
    )
    truth = batch.truth_of(row, expressions)
    is_sentence = settings.answer_style == "sentence"
    steps = ""
    if reasoning:
        writer = stratum.family.reasoning
        steps = reasoning_steps(writer, instance)
        if not steps and not isinstance(writer, NoReasoning):
            dropped[stratum.family.name, stratum.form, NO_REASONING] += 1
    return GeneratedQuestion(
        family=stratum.family,
        form=stratum.form,
        batch=batch,
        row=row,
        question=questions[0],
        answer=sentences[0] if is_sentence else batch.short_answer(row, truth),
        truth=truth,
        choices=batch.choices_of(row, expressions),
        difficulty=difficulty,
        evidence=evidence,
        referents=tuple(referents),
        reasoning=steps,
    )


class ReferringExpressionsByForm:
    """How each form refers to the objects of a view, and to which of them it can refer."""

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
        self.dropped: DropCounts = Counter(
            ("", "named", reason) for reason in self._named_objects.reasons.values()
        )

    def expressions(self, family: Family, form: Form) -> ReferringExpressions:
        """Return the referring expressions of a family in a form."""
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

    def usable(self, family: Family, form: Form, dropped: DropCounts) -> np.ndarray:
        """Return the rows of the view context that a family may refer to; count the others."""
        key = (family.requires, form)
        if key not in self._usable:
            self._usable[key] = self._select_rows(*key)
        rows, reasons = self._usable[key]
        for reason, count in reasons.items():
            dropped[family.name, form, reason] += count
        return rows

    def _select_rows(
        self, requirements: Requirements, form: Form
    ) -> tuple[np.ndarray, Counter[str]]:
        """Return the rows that meet the requirements; the others by reason, counted."""
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
        if requirements.range_clear and view_context.has_gravity and not view_context.is_level:
            return "camera looks steeply up or down"
        if requirements.same_room and row in view_context.elsewhere:
            return "object in another room than the camera"
        if requirements.untruncated and measured.truncated[row]:
            return "object cut off by the picture's border"
        if requirements.untruncated and measured.occluded[row] and not view_context.from_truth:
            return "object partly hidden"
        if requirements.untruncated and row in view_context.partly_hidden:
            return "object partly hidden"
        if requirements.front and not measured.has_front[row]:
            return "object whose front is not known"
        if requirements.agreed_front and not view_context.has_agreed_front[row]:
            return "object whose front is not known"
        if requirements.long and is_taller_than_long(view_context)[row]:
            return "object taller than long"
        if (
            requirements.position_independent
            and form == "named"
            and row in self._named_objects.by_position
        ):
            return "object named by its position"
        if requirements.shape and form == "marked":
            disc = mark_area_px(view_context.shorter_side_px)
            if measured.pixels[row] < MIN_OBJECT_TO_MARK_AREA * disc:
                return "object hidden under its mark"
        return ""

    def referent(
        self, row: int, family: Family, form: Form, *, phrase_override: str | None = None
    ) -> Referent:
        """Return the record of an object; `phrase_override` replaces its usual phrase."""
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
