"""Ask where an object is in the picture: the answer is a point on it, or the box around it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from workflow_scripts.common.records import Form
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates

_QUESTIONS = {
    "point": (
        "Point to {target}.",
        "Where {is_a} {target}? Answer with a point (u, v).",
        "Give a point (u, v) on {target}.",
        "Locate {target} with a point.",
    ),
    "box": (
        "Draw a box around {target}.",
        "Where {is_a} {target}? Answer with a box (u0, v0, u1, v1).",
        "Give the bounding box of {target}.",
        "Locate {target} with a box.",
    ),
}
_ANSWERS = {
    "point": (
        "{Value}",
        "{It_a} {is_a} at {value}.",
        "At {value}.",
    ),
    "box": (
        "{Value}",
        "{Its_a} bounding box is {value}.",
        "The box is {value}.",
    ),
}


@dataclass(frozen=True, eq=False)
class GroundingTargets:
    """Rows of the view context [m], their phrases, and how clear it is which object is meant."""

    rows: np.ndarray
    phrases: list[str]
    value: FloatArray


@dataclass(frozen=True, kw_only=True)
class Grounding(OneViewFamily):
    """A family that asks for a position in the picture.

    The answer is written as shares of the picture's width and height, "(0.42, 0.57)".
    """

    target_type: Literal["point", "box"]
    targets: Callable[[QuestionContext], GroundingTargets]
    forms: tuple[Form, ...] = ("named",)

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {
            "open": Templates(_QUESTIONS[self.target_type]),
            "answers": Templates(_ANSWERS[self.target_type]),
        }

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield a question for each target."""
        targets = self.targets(context)
        if not len(targets.rows):
            return
        if self.target_type == "point":
            corners = context.view_context.mark_px[targets.rows]
        else:
            corners = context.view_context.measured.box_px[targets.rows]
        shares = corners.reshape(len(corners), -1, 2) / context.view_context.size_px
        texts = [position_text(row) for row in shares.reshape(len(shares), -1).tolist()]
        yield Batch(
            kind="open",
            antonym="",
            answer="",
            fact_ids=np.arange(len(texts)),
            objects=targets.rows[:, None],
            questions=self.templates["open"],
            answers=self.templates["answers"],
            measure=targets.value,
            sigma=np.zeros(len(texts)),
            answer_type=self.target_type,
            row_slots={"value": texts, "target": targets.phrases},
            truth=list(texts),
            unit=["share of the picture"] * len(texts),
            tolerance=np.full(len(texts), 0.005),
        )


def position_text(shares: list[float]) -> str:
    """Write shares of the picture's sides: "(0.42, 0.57)"."""
    return f"({', '.join(f'{share:.2f}' for share in shares)})"
