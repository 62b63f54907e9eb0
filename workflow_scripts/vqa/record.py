"""The record of a question, from what was asked and the sight it was asked about."""

from typing import Any

import numpy as np

from workflow_scripts.common.questions import Question
from workflow_scripts.vqa.ask import Asked
from workflow_scripts.vqa.sight import Sight


def record(asked: Asked, sight: Sight, row: Any, number: int, *, image: str, seed: int) -> Question:
    """Return the record of a question."""
    family, batch, place = asked.family, asked.batch, asked.row
    width_px, height_px = sight.size_px
    referents = list(asked.referents)
    if asked.form == "region" or batch.answer_type in ("point", "box"):
        referents = [
            one.model_copy(update={"rle": run_lengths(sight.mask, one.instance)})
            for one in referents
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
        form=asked.form,
        kind=batch.kind,
        question=asked.question,
        answer=asked.answer,
        answer_type=batch.answer_type,
        choices=list(asked.choices),
        options=list(batch.options[place]) if batch.options is not None else [],
        truth=asked.truth,
        unit=batch.unit[place] if batch.unit is not None else "",
        tolerance=float(batch.tolerance[place]) if batch.tolerance is not None else 0.0,
        margin=round(float(batch.measure[place]), 4) if batch.answer_type == "choice" else 0.0,
        margin_unit=family.unit,
        sigma=round(float(batch.sigma[place]), 5),
        frame=family.frame,
        evidence=asked.evidence,
        evidence_source="truth" if sight.from_truth else "measured",
        difficulty=asked.difficulty,
        reasoning=asked.reasoning,
        seed=seed,
        referents=referents,
    )


def run_lengths(mask: np.ndarray | None, instance: int) -> str:
    """Return the COCO run lengths of an instance's mask, as text."""
    from pycocotools import mask as coco

    assert mask is not None
    return coco.encode(np.asfortranarray(mask == instance, dtype=np.uint8))["counts"].decode()
