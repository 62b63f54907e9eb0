"""Questions that a model is asked and scored on, ours or those of a benchmark, as one record.

Our questions come from the Parquet table of a split, a benchmark's from the JSON lines that its
importer wrote.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from workflow_scripts.common.questions import AnswerType, Question, read_questions
from workflow_scripts.common.records import Form, Record
from workflow_scripts.common.storage import read_records

OWN_QUESTIONS = "vqa"


class EvalItem(Record):
    """A question, its pictures and its truth; one line of an imported benchmark."""

    question_id: str
    benchmark: str = OWN_QUESTIONS
    scene_id: str = Field(description="unit of resampling for intervals: house, photo, video")
    family: str
    form: Form
    question: str
    answer: str = Field(description="the reference answer in words")
    images: list[str] = Field(description="relative to the folder of pictures, in order")
    answer_type: AnswerType
    choices: list[str] = Field(default=[], description="possible truths of a choice")
    options: list[str] = Field(default=[], description="texts of the letters in `choices`")
    truth: str | float
    unit_size: float = Field(
        default=0.0, description="SI value of one unit, where a bare number is an answer; else 0"
    )
    width_px: int = 0
    height_px: int = 0
    boxes: list[tuple[float, float, float, float]] = Field(
        default=[], description="where a point is right: u0, v0, u1, v1 as fractions"
    )


def item_from_question(question: Question) -> EvalItem:
    """Return a question of ours as an item; its picture shows all views side by side."""
    width, height = question.width_px or 1, question.height_px or 1
    return EvalItem(
        question_id=question.question_id,
        scene_id=f"{question.source}/{question.scene_id}",
        family=question.family,
        form=question.form,
        question=question.question,
        answer=question.answer,
        images=[question.image],
        answer_type=question.answer_type,
        choices=question.choices,
        options=question.options,
        truth=question.truth,
        width_px=question.width_px,
        height_px=question.height_px,
        boxes=[
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
            for box in (referent.box for referent in question.referents)
            if box is not None and question.answer_type == "point"
        ],
    )


def read_items(path: Path, *, families: Sequence[str] = ()) -> Iterator[EvalItem]:
    """Yield items in order: from `.parquet` our questions, from `.jsonl` a benchmark.

    With `families` only our questions of these; of a benchmark always all.
    """
    if path.suffix == ".parquet":
        yield from map(item_from_question, read_questions(path, families=families))
    else:
        yield from read_records(path, EvalItem)


def select_part(questions: list[EvalItem], part: int, num_parts: int) -> list[EvalItem]:
    """Return part `part` (from 0) of `num_parts` nearly equal runs of questions."""
    bounds = [len(questions) * number // num_parts for number in (part, part + 1)]
    return questions[slice(*bounds)]
