"""Questions that a model is asked and scored on, ours or those of a benchmark, as one record.

Our questions come from the Parquet table of a split, a benchmark's from the JSON lines that its
importer wrote.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.questions import Question, StoredAnswerType
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
    answer_type: StoredAnswerType
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


# What an item is made of; the other columns of the table are not decoded.
ITEM_COLUMNS = (
    "question_id",
    "source",
    "scene_id",
    "image",
    "width_px",
    "height_px",
    "family",
    "form",
    "question",
    "answer",
    "answer_type",
    "choices",
    "options",
    "truth",
    "referents",
)


def item_from_question(question: Question) -> EvalItem:
    """Return a question of ours as an item; its picture shows all views side by side."""
    return item_from_row(question.model_dump())


def item_from_row(row: Mapping[str, Any]) -> EvalItem:
    """Return a row of the table of questions as an item."""
    width, height = row["width_px"] or 1, row["height_px"] or 1
    boxes = (referent["box"] for referent in row["referents"] if row["answer_type"] == "point")
    return EvalItem(
        question_id=row["question_id"],
        scene_id=f"{row['source']}/{row['scene_id']}",
        family=row["family"],
        form=row["form"],
        question=row["question"],
        answer=row["answer"],
        images=[row["image"]],
        answer_type=row["answer_type"],
        choices=row["choices"],
        options=row["options"],
        truth=row["truth"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        boxes=[
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
            for box in boxes
            if box is not None
        ],
    )


class TableItems(Sequence[EvalItem]):
    """The questions of a table as items that are read on demand; slices are read on demand too."""

    def __init__(self, table: QuestionTable, rows: range | None = None) -> None:
        self._table = table
        self._rows = range(len(table)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return TableItems(self._table, self._rows[index])
        return item_from_row(self._table[self._rows[index]])

    def __iter__(self) -> Iterator[EvalItem]:
        if self._rows.step != 1:
            return (self[index] for index in range(len(self)))
        return map(item_from_row, self._table.rows(self._rows.start, self._rows.stop))

    def picture_codes(self) -> np.ndarray:
        """Return a number for the picture of every item, [n] int32; equal: the same picture."""
        codes, _ = self._table.codes("image")
        return codes[self._rows.start : self._rows.stop : self._rows.step]


def open_items(path: Path, *, families: Sequence[str] = ()) -> Sequence[EvalItem]:
    """Return items in order: from `.parquet` our questions, read on demand; else a benchmark's.

    With `families` only our questions of these; of a benchmark (`.jsonl`) always all.
    """
    if path.suffix == ".parquet":
        return TableItems(QuestionTable(path, columns=ITEM_COLUMNS, families=families))
    return read_records(path, EvalItem)


def select_part(questions: Sequence[EvalItem], part: int, num_parts: int) -> Sequence[EvalItem]:
    """Return part `part` (from 0) of `num_parts` nearly equal runs of questions."""
    bounds = [len(questions) * number // num_parts for number in (part, part + 1)]
    return questions[slice(*bounds)]
