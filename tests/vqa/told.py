"""Everything that can be asked of a sight, with its truth, in the form that the oracle reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workflow_scripts.common.seeds import rng
from workflow_scripts.vqa.every import every_batch
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.sight import Sight


class Named(Protocol):
    """What a question says of an object: which it is, and the pixel of its mark, if it has one."""

    @property
    def instance(self) -> int: ...
    @property
    def pixel(self) -> tuple[float, float] | None: ...
    @property
    def phrase(self) -> str: ...


class Question(Protocol):
    """What the oracle looks at: a record of `workflow_scripts.common.questions`, or a `Told`."""

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
    def referents(self) -> Sequence[Named]: ...


@dataclass(frozen=True)
class Pointed:
    """An object of a `Told`."""

    instance: int
    pixel: tuple[float, float] | None
    phrase: str


@dataclass(frozen=True)
class Told:
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
    referents: tuple[Pointed, ...]


def told_of_view(
    sight: Sight, view: int, *, form: str = "named", margins: Margins | None = None
) -> Iterator[Told]:
    """Yield every question that the engine can ask of a sight; all objects marked, if marks are."""
    marks = {form: {f"colour {row}": row for row in range(len(sight))}}
    instances = sight.measured.instance.tolist()
    pixels = [tuple(pixel) for pixel in sight.mark_px.tolist()]
    lots = rng(7, "told", str(view))
    for one in every_batch(
        sight, margins or Margins(), seed=view, form=form, marks=marks, multiple_choice=True
    ):
        batch = one.batch
        questions, answers = batch.write(np.arange(len(batch)), one.book, lots, limit=None)
        for row, (question, answer) in enumerate(zip(questions, answers, strict=True)):
            yield Told(
                scene_id=sight.measured.scene_id,
                view=view,
                family=one.family.name,
                kind=batch.kind,
                answer_type=batch.answer_type,
                question=question,
                answer=answer,
                truth=batch.truth_of(row, one.book),
                choices=batch.choices_of(row, one.book),
                referents=tuple(
                    Pointed(instances[place], pixels[place], one.book.phrases[place])
                    for place in batch.objects[row].tolist()
                ),
            )
