"""The record of a generated question."""

from typing import Any

from workflow_scripts.common.questions import Question
from workflow_scripts.vqa.question_generator import GeneratedQuestion
from workflow_scripts.vqa.run_lengths import encode_mask
from workflow_scripts.vqa.view_context import ViewContext


def build_question_record(
    generated: GeneratedQuestion,
    view_context: ViewContext,
    row: Any,
    number: int,
    *,
    image: str,
    seed: int,
) -> Question:
    """Return the record of a question."""
    family, batch, place = generated.family, generated.batch, generated.row
    width_px, height_px = view_context.size_px
    referents = list(generated.referents)
    if generated.form == "region" or batch.answer_type in ("point", "box"):
        referents = [
            referent.model_copy(update={"rle": _mask_of(view_context, referent.instance)})
            for referent in referents
        ]
    return Question(
        question_id=f"{row.source}-{row.view_id}-{number:03d}",
        source=row.source,
        scene_id=row.scene_id,
        split=row.split,
        view=row.view,
        view_id=row.view_id,
        image=image,
        width_px=width_px,
        height_px=height_px,
        family=family.name,
        form=generated.form,
        kind=batch.kind,
        question=generated.question,
        answer=generated.answer,
        answer_type=batch.answer_type,
        choices=list(generated.choices),
        truth=generated.truth,
        unit=batch.unit[place] if batch.unit is not None else "",
        tolerance=float(batch.tolerance[place]) if batch.tolerance is not None else 0.0,
        margin=round(float(batch.measure[place]), 4) if batch.answer_type == "choice" else 0.0,
        margin_unit=family.unit,
        sigma=round(float(batch.sigma[place]), 5),
        frame=family.frame,
        evidence=generated.evidence,
        evidence_source="truth" if view_context.from_truth else "measured",
        difficulty=generated.difficulty,
        reasoning=generated.reasoning,
        seed=seed,
        referents=referents,
    )


def _mask_of(view_context: ViewContext, instance: int) -> str:
    """Return the compressed COCO run lengths of an instance's mask."""
    assert view_context.mask is not None
    return str(encode_mask(view_context.mask == instance)["counts"])
