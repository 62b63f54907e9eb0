"""Places in the picture: a point on what is named, the box around it, the n-th of its kind."""

import itertools
from collections.abc import Callable
from typing import Literal

import numpy as np

from workflow_scripts.common.label_text import is_plural
from workflow_scripts.vqa.measures import metres_in_front, px_to_the_left
from workflow_scripts.vqa.question_types.base import QuestionContext, Reasoning, Requirements
from workflow_scripts.vqa.question_types.grounding import Grounding, GroundingTargets
from workflow_scripts.vqa.reasoning import grounding
from workflow_scripts.vqa.referring_expressions import MAX_IN_ROW, ordinal_name


def all_objects(context: QuestionContext) -> GroundingTargets:
    """Return every usable object under its own name."""
    rows = context.usable
    phrases = [context.expressions.phrases[row] for row in rows.tolist()]
    return GroundingTargets(
        rows, phrases, np.full(len(rows), float(context.view_context.shorter_side_px))
    )


def nth_of_category(context: QuestionContext) -> GroundingTargets:
    """Return the objects of a kind by their order from the left, the right and the camera."""
    view_context = context.view_context
    rows_of: dict[str, list[int]] = {}
    for row in context.usable.tolist():
        rows_of.setdefault(view_context.categories[row], []).append(row)
    margin_px = context.margins.of("px", view_context)
    targets: list[tuple[int, str, float]] = []
    for category, rows in sorted(rows_of.items()):
        noun = view_context.nouns[rows[0]]
        complete = view_context.in_view[category] == len(rows)
        if not complete or not 2 <= len(rows) <= MAX_IN_ROW or is_plural(noun):
            continue
        left, front = px_to_the_left(view_context)[0], metres_in_front(view_context)
        needed_m = context.margins.needed("m", view_context, front[1])
        orders = (
            ("left", left, np.full_like(left, margin_px)),
            ("right", -left, np.full_like(left, margin_px)),
            ("camera", front[0], needed_m),
        )
        for side, ahead, needed in orders:
            if side == "camera" and not view_context.is_level:
                continue
            order = sorted(rows, key=lambda row: -(ahead[row, rows] > 0).sum())
            steps = list(itertools.pairwise(order))
            if any(ahead[step] < max(needed[step], 1e-9) for step in steps):
                context.dropped["too close to call"] += 1
                continue
            clear = min(float(ahead[step]) for step in steps)
            for place, row in enumerate(order):
                targets.append((row, f"the {ordinal_name(noun, place, side)}", clear))
    return GroundingTargets(
        np.array([row for row, _, _ in targets], dtype=int),
        [phrase for _, phrase, _ in targets],
        np.array([clear for _, _, clear in targets]),
    )


def _grounding(
    name: str,
    target_type: Literal["point", "box"],
    targets: Callable[[QuestionContext], GroundingTargets],
    reasoning: Reasoning,
    *,
    kinds: bool = False,
) -> Grounding:
    return Grounding(
        name=name,
        target_type=target_type,
        targets=targets,
        unit="px",
        reasoning=reasoning,
        requires=Requirements(kinds=kinds),
        frame="picture",
    )


POINT_GROUNDING = _grounding("point_grounding", "point", all_objects, grounding.point)
BOX_GROUNDING = _grounding("box_grounding", "box", all_objects, grounding.box)
NTH_POINT_GROUNDING = _grounding(
    "nth_point_grounding", "point", nth_of_category, grounding.nth_point, kinds=True
)
NTH_BOX_GROUNDING = _grounding(
    "nth_box_grounding", "box", nth_of_category, grounding.nth_box, kinds=True
)
