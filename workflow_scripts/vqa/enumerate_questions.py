"""Write every question that can be asked about a view, for benchmarks and property tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflow_scripts.common.quantity_text import Units
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.question_generator import ReferringExpressionsByForm
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.view_context import ViewContext


@dataclass(frozen=True, eq=False)
class EnumeratedBatch:
    """A batch of a family, and the phrases of its objects."""

    family: OneViewFamily
    batch: Batch
    expressions: ReferringExpressions


def enumerate_batches(
    view_context: ViewContext,
    margins: Margins,
    *,
    seed: int,
    form: Form = "named",
    marks: Mapping[Form, Mapping[str, int]] | None = None,
    units: Units = "metric",
    multiple_choice: bool = False,
    families: Sequence[OneViewFamily] = FAMILIES,
) -> Iterator[EnumeratedBatch]:
    """Yield all that families can ask about a view in a form; see `QuestionGenerator.generate`."""
    rng = seeded(seed, "every")
    expressions_by_form = ReferringExpressionsByForm(view_context, marks or {}, margins)
    for family in families:
        if form not in family.forms:
            continue
        context = QuestionContext(
            view_context=view_context,
            usable=expressions_by_form.usable(family, form, expressions_by_form.dropped),
            expressions=expressions_by_form.expressions(family, form),
            form=form,
            margins=margins,
            rng=rng,
            units=units,
            multiple_choice=multiple_choice,
        )
        for batch in family.worded_for(view_context).batches(context):
            if len(batch):
                yield EnumeratedBatch(family, batch, context.expressions)


def enumerate_questions(
    view_context: ViewContext, margins: Margins, *, seed: int, limit: int | None = None
) -> list[tuple[str, str]]:
    """Return (question, answer as a sentence) of all that can be asked."""
    rng = seeded(seed, "words")
    written: list[tuple[str, str]] = []
    for found_batch in enumerate_batches(view_context, margins, seed=seed):
        written += zip(
            *found_batch.batch.write(slice(None), found_batch.expressions, rng, limit=limit),
            strict=True,
        )
    return written
