"""Recompute the answers of questions from view shards, without the code that made them.

Run `python -m benchmarks.question_check --views results/views/procthor/0000.zarr --questions
results/vqa/procthor/0000.jsonl` after the workflow; any number of shards, in the same order.
"""

import sys
from collections import Counter
from pathlib import Path

from testing.vqa.oracle import Oracle, contradiction, is_checked
from testing.vqa.picture_oracle import PictureOracle
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import AnswerType, Question
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.view_shard import ViewShard

# The type and the size in SI units of what options of multiple choice are written in.
UNITS: dict[str, tuple[AnswerType, float]] = {
    "m": ("metres", 1.0),
    "cm": ("metres", 0.01),
    "square meters": ("square_metres", 1.0),
    "degrees": ("degrees", 1.0),
    "o'clock": ("clock", 1.0),
}


def as_open_question(question: Question) -> Question:
    """Return a multiple choice of numbers as the question for its right option."""
    if question.kind != "multiple_choice" or not question.options:
        return question
    number, _, unit = question.options[question.choices.index(str(question.truth))].partition(" ")
    if unit not in UNITS:
        return question
    answer_type, scale = UNITS[unit]
    update = {"kind": "open", "answer_type": answer_type, "truth": float(number) * scale}
    return question.model_copy(update=update)


def check_shard(
    shard: ViewShard, questions: list[Question]
) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return how many questions of each family were checked and not, and the contradictions."""
    oracle, picture_oracle = Oracle(shard, use_recorded_shapes=True), PictureOracle(shard)
    checked: Counter[str] = Counter()
    unchecked: Counter[str] = Counter()
    wrong = []
    for question in map(as_open_question, sorted(questions, key=lambda one: one.view)):
        problem = picture_oracle.contradiction(question)
        if problem is None and not question.images and is_checked(oracle, question):
            problem = contradiction(oracle, question)
        (unchecked if problem is None else checked)[question.family] += 1
        if problem:
            text = f"{question.question} {question.answer} ({problem})"
            wrong.append(f"{question.question_id} {question.family}: {text}")
    return checked, unchecked, wrong


def main(*, views: tuple[Path, ...], questions: tuple[Path, ...]) -> None:
    """Print how many answers were recomputed and which are contradicted; exit 1 if any is.

    Args:
        views: view shards.
        questions: the questions of each, `{shard}.jsonl`.
    """
    if len(views) != len(questions):
        raise UserError(f"{len(views)} --views for {len(questions)} --questions; give pairs")
    checked: Counter[str] = Counter()
    unchecked: Counter[str] = Counter()
    wrong: list[str] = []
    for path, records in zip(views, questions, strict=True):
        one, other, problems = check_shard(ViewShard.open(path), read_records(records, Question))
        checked, unchecked, wrong = checked + one, unchecked + other, wrong + problems
    print("\n".join(wrong))
    for family in sorted(checked | unchecked):
        print(f"{family:24} checked {checked[family]:6} not checked {unchecked[family]:6}")
    print(f"{checked.total()} checked, {unchecked.total()} not, {len(wrong)} contradicted")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
