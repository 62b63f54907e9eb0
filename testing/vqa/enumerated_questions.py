"""Everything that can be asked about a view, with its truth, in the form that the oracle reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from testing.vqa.scenes import DEFAULT_MARGINS
from workflow_scripts.common.seeds import rng
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.view_context import ViewContext


class ReferentLike(Protocol):
    """What a question says of an object: which it is, and the pixel of its mark, if it has one."""

    @property
    def instance(self) -> int: ...
    @property
    def pixel(self) -> tuple[float, float] | None: ...
    @property
    def phrase(self) -> str: ...


class QuestionLike(Protocol):
    """What the oracle reads: a record of `common.questions`, or an `EnumeratedQuestion`."""

    @property
    def scene_id(self) -> str: ...
    @property
    def view(self) -> int: ...
    @property
    def family(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def answer_type(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def truth(self) -> str | float: ...
    @property
    def choices(self) -> Sequence[str]: ...
    @property
    def referents(self) -> Sequence[ReferentLike]: ...


@dataclass(frozen=True)
class EnumeratedReferent:
    """An object of an `EnumeratedQuestion`."""

    instance: int
    pixel: tuple[float, float] | None
    phrase: str


@dataclass(frozen=True)
class EnumeratedQuestion:
    """A question, its answer and its truth, without the rest of a record."""

    scene_id: str
    view: int
    family: str
    kind: str
    answer_type: str
    question: str
    answer: str
    truth: str | float
    choices: tuple[str, ...]
    referents: tuple[EnumeratedReferent, ...]


def enumerate_view_questions(
    view_context: ViewContext, view: int, *, form: str = "named", margins: Margins | None = None
) -> Iterator[EnumeratedQuestion]:
    """Yield every question that can be asked about a view; with marks, all objects have one."""
    marks = {form: {f"colour {row}": row for row in range(len(view_context))}}
    instances = view_context.measured.instance.tolist()
    pixels = [tuple(pixel) for pixel in view_context.mark_px.tolist()]
    text_rng = rng(7, "enumerate", str(view))
    for found_batch in enumerate_batches(
        view_context,
        margins or DEFAULT_MARGINS,
        seed=view,
        form=form,
        marks=marks,
        multiple_choice=True,
    ):
        batch = found_batch.batch
        questions, answers = batch.write(
            np.arange(len(batch)), found_batch.expressions, text_rng, limit=None
        )
        for row, (question, answer) in enumerate(zip(questions, answers, strict=True)):
            yield EnumeratedQuestion(
                scene_id=view_context.measured.scene_id,
                view=view,
                family=found_batch.family.name,
                kind=batch.kind,
                answer_type=batch.answer_type,
                question=question,
                answer=answer,
                truth=batch.truth_of(row, found_batch.expressions),
                choices=batch.choices_of(row, found_batch.expressions),
                referents=tuple(
                    EnumeratedReferent(
                        instances[place], pixels[place], found_batch.expressions.phrases[place]
                    )
                    for place in batch.objects[row].tolist()
                ),
            )
