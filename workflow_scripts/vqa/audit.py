"""Compare labels with ground truth, fact by fact: what a question from measurements gets wrong.

A family is asked twice about the same objects of a view: through the labels under audit, with the
margins that questions have, and through ground truth, with none. Facts of both are matched by the
objects they are about. A fact that ground truth cannot decide either is counted as unclear.

Where the views know what is drawn, labels "boxes" are what the families would say if the bounding
boxes stood for the drawn shapes.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.measurements import GroundTruthShard, MeasuredShard
from workflow_scripts.common.records import Record, records_to_frame
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.margins import NO_MARGINS, Margins
from workflow_scripts.vqa.question_generator import ReferringExpressionsByForm
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.view_context import (
    MeasurementSource,
    ViewContext,
    ViewContexts,
    select_objects,
    select_rows,
)

log = logging.getLogger(__name__)

NAN = float("nan")
Key = tuple[object, ...]


class AuditFact(Record):
    """One row of `{shard}.audit.parquet`: a fact as the labels have it, against ground truth.

    A view that cannot be audited has one row, without labels and family, that says why.
    """

    labels: str
    source: str
    scene_id: str
    view: int
    family: str
    is_number: bool
    unit: str
    is_unclear: bool
    is_wrong: bool
    value: float
    truth: float
    sigma: float
    reason: str = ""

    @classmethod
    def of_failure(cls, view: Any, reason: str) -> "AuditFact":
        """Return the row of a view (a row of the shard's table) that cannot be audited."""
        return cls(
            labels="", source=view.source, scene_id=view.scene_id, view=view.view, family="",
            is_number=False, unit="", is_unclear=True, is_wrong=False, value=NAN, truth=NAN,
            sigma=NAN, reason=reason,
        )  # fmt: skip


@dataclass(frozen=True)
class MeasuredAnswer:
    """What a family says of some objects: an answer, or a value with its sigma."""

    number: int
    answer: object
    value: float
    sigma: float


def measured_answers(family: OneViewFamily, context: QuestionContext) -> dict[Key, MeasuredAnswer]:
    """Return what a family says, by what it is about.

    A choice between objects has the winner for an answer, whatever the order of mention.
    """
    found: dict[Key, MeasuredAnswer] = {}
    for batch in family.worded_for(context.view_context).batches(context):
        if isinstance(family, Numeric) and batch.kind != "open":
            continue
        for row in range(len(batch)):
            key, answer = _key(batch, row)
            value, sigma = float(batch.measure[row]), float(batch.sigma[row])
            found[key] = MeasuredAnswer(int(batch.fact_ids[row]), answer, value, sigma)
    return found


def _key(batch: Batch, row: int) -> tuple[Key, object]:
    objects = batch.objects[row].tolist()
    if batch.winner is not None and batch.choices is None:
        chosen = tuple(sorted(objects[: batch.num_choices]))
        rest = tuple(objects[batch.num_choices :])
        return (batch.kind, batch.antonym, chosen, rest), objects[batch.winner]
    target = batch.target(row)
    return (batch.kind, batch.antonym, tuple(objects), target), batch.answer


def compare_with_truth(
    family: OneViewFamily, labelled: Mapping[Key, MeasuredAnswer], truth: QuestionContext
) -> Iterator[tuple[MeasuredAnswer, object, float]]:
    """Yield each fact asked, the true answer (None: unclear), and the true number.

    The same fact asked in other ways (yes or no, which, both orders of mention) counts once.
    """
    true: Mapping[Key, MeasuredAnswer] = (
        {} if isinstance(family, Numeric) else measured_answers(family, truth)
    )
    seen = set()
    for key, measured_answer in labelled.items():
        fact_key = (frozenset(_objects(key)), measured_answer.number)
        if fact_key in seen:
            continue
        seen.add(fact_key)
        if isinstance(family, Numeric):
            number = family.value_of(truth.view_context, _objects(key))
            error = family.error(measured_answer.value, number)
            yield measured_answer, number, measured_answer.value - error
        else:
            yield measured_answer, true[key].answer if key in true else None, NAN


def _objects(key: Key) -> tuple[int, ...]:
    return tuple(key[2])  # type: ignore[arg-type]


def match_labels(
    view_context: ViewContext, labels: MeasurementSource, view: int
) -> tuple[ViewContext, ViewContext]:
    """Return the true view context and the labelled one, of the objects that both contain."""
    measured = labels.of(view)
    place = {instance: row for row, instance in enumerate(measured.instance.tolist())}
    rows = [
        row
        for row, instance in enumerate(view_context.measured.instance.tolist())
        if instance in place
    ]
    known = select_rows(view_context, rows)
    order = [place[instance] for instance in known.measured.instance.tolist()]
    return known, dataclasses.replace(
        known, measured=select_objects(measured, order), from_truth=False, visible=None
    )


def boxes_for_shapes(view_context: ViewContext, boxes: GroundTruthShard) -> ViewContext:
    """Return the view context with the boxes in place of what is drawn of the objects."""
    _, labelled = match_labels(view_context, boxes, view_context.measured.view)
    return dataclasses.replace(labelled, from_truth=True, drawn_contacts={})


def audit_view(
    true: ViewContext,
    labelled: ViewContext,
    *,
    margins: Margins,
    rng: Callable[[], np.random.Generator],
) -> Iterator[tuple[OneViewFamily, MeasuredAnswer, object, float]]:
    """Yield every fact of a view: its family, as labelled, the true answer, the true number.

    `rng` makes the same generator anew, so that both sides ask about the same groups.
    """
    if not len(labelled):
        return
    tags = {f"<region{row}>": row for row in range(len(labelled))}
    expressions_by_form = ReferringExpressionsByForm(labelled, {"region": tags}, margins)
    for family in FAMILIES:
        form = "region" if "region" in family.forms else family.forms[0]
        if form not in ("region", "named"):
            continue
        usable = expressions_by_form.usable(family, form, expressions_by_form.dropped)
        context = QuestionContext(
            view_context=labelled,
            usable=usable,
            expressions=expressions_by_form.expressions(family, form),
            form=form,
            margins=margins,
            rng=rng(),
            units="metric",
            multiple_choice=False,
        )
        found = measured_answers(family, context)
        if not found:
            continue
        truth = dataclasses.replace(context, view_context=true, margins=NO_MARGINS, rng=rng())
        for measured_answer, answer, number in compare_with_truth(family, found, truth):
            yield family, measured_answer, answer, number


def view_facts(
    view: Any,
    pairs: Mapping[str, tuple[ViewContext, ViewContext]],
    *,
    margins: Margins,
    rng: Callable[[], np.random.Generator],
) -> Iterator[AuditFact]:
    """Yield the facts of a view (a row of the shard's table) by each kind of labels."""
    for name, (true, labelled) in pairs.items():
        for family, measured_answer, answer, number in audit_view(
            true, labelled, margins=margins, rng=rng
        ):
            yield AuditFact(
                labels=name,
                source=view.source,
                scene_id=view.scene_id,
                view=view.view,
                family=family.name,
                is_number=isinstance(family, Numeric),
                unit=family.unit,
                is_unclear=answer is None,
                is_wrong=not (
                    isinstance(family, Numeric) or answer in (None, measured_answer.answer)
                ),
                value=measured_answer.value,
                truth=number,
                sigma=measured_answer.sigma,
            )


def main(
    *,
    views: Path,
    out: Path,
    labels: tuple[str, ...],
    clouds: tuple[Path, ...],
    settings: ClaritySettings,
    seed: int,
) -> None:
    """Write every fact of a shard as each kind of labels has it, beside the truth.

    Args:
        views: the view shard; its objects are ground truth.
        out: the facts, one row each.
        labels: names of the kinds of labels, in the order of `clouds`.
        clouds: where each kind's tables lie: `x.zarr` beside `x.measured.parquet`.
        settings: which facts are clear enough to be asked.
        seed: seed of the workflow.
    """
    if len(labels) != len(clouds):
        raise UserError(f"--labels has {len(labels)} names for {len(clouds)} --clouds; give pairs")
    shard = ViewShard.open(views)
    margins = Margins.of_settings(settings)
    view_contexts = ViewContexts(
        shard,
        GroundTruthShard(shard),
        min_pixels=settings.min_pixels,
        min_fraction_visible=settings.min_fraction_visible,
    )
    boxes = GroundTruthShard(shard, boxes_only=True)
    measured = {name: MeasuredShard(shard, path) for name, path in zip(labels, clouds, strict=True)}
    rows: list[AuditFact] = []
    errors = ItemErrors()
    failed = 0
    for row in progress(shard.views.itertuples(index=False), desc="views", total=len(shard)):
        try:
            view_context = view_contexts.of(row.view)
            pairs = {
                name: match_labels(view_context, labelled_shard, row.view)
                for name, labelled_shard in measured.items()
            }
            if view_context.measured.shape_source == "surface":
                pairs["boxes"] = view_context, boxes_for_shapes(view_context, boxes)
            pairs = {"truth": (view_context, view_context), **pairs}
            rng = partial(seeded, seed, "audit", row.view_id)
            rows += list(view_facts(row, pairs, margins=margins, rng=rng))
        except Exception as error:
            failed += 1
            reason = errors.reason(error, row.view_id)
            log.warning("view %s is not audited: %s", row.view_id, reason)
            rows.append(AuditFact.of_failure(row, reason))
    errors.require_some(len(shard) - failed)
    write_table(out, records_to_frame(rows, AuditFact))
    log.info("%d facts of %d views, %d views failed", len(rows) - failed, len(shard), failed)


if __name__ == "__main__":
    run(main)
