"""Ask for one of a few fixed answers: which way something faces."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.question_types.base import OneViewFamily, QuestionContext
from workflow_scripts.vqa.templates import Templates


@dataclass(frozen=True, eq=False)
class Classification:
    """Objects [m, k], which of the fixed answers is true [m] (-1: unclear), and how clearly."""

    objects: np.ndarray
    option: np.ndarray
    value: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, kw_only=True)
class FixedChoice(OneViewFamily):
    """A family whose answer is one of `options`; `{option}` stands for it in answers."""

    options: tuple[str, ...]
    classify: Callable[[QuestionContext], Classification]
    questions: tuple[str, ...]
    answers: tuple[str, ...]

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and answers."""
        return {"which": Templates(self.questions), "answers": Templates(self.answers)}

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield what each option is the answer to."""
        found = self.classify(context)
        unclear = (found.option < 0) | (found.value < context.margins.sigmas * found.sigma)
        context.dropped["too close to call"] += int(np.count_nonzero(unclear))
        for number, option in enumerate(self.options):
            rows = np.flatnonzero((found.option == number) & ~unclear)
            if len(rows):
                yield Batch(
                    kind="which",
                    antonym="",
                    answer=option,
                    fact_ids=rows,
                    objects=found.objects[rows],
                    questions=self.templates["which"],
                    answers=self.templates["answers"],
                    measure=found.value[rows],
                    sigma=found.sigma[rows],
                    shared_slots={"option": option},
                    truth=option,
                    choices=self.options,
                )
