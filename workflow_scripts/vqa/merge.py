"""Merge the questions of all shards into one split's LLaVA JSON and Parquet table."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.questions import (
    Question,
    QuestionTableWriter,
    Reasoning,
    training_answer,
)
from workflow_scripts.common.records import DroppedQuestions, Form, SkippedItem, Split
from workflow_scripts.common.storage import atomic_write, read_records, write_records
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.vqa.export.images import IMAGE_TOKEN

log = logging.getLogger(__name__)

SURPLUS = "dropped to balance yes and no"
FamilyForm = tuple[str, str]


def check_sources(shards: Sequence[Path], skipped: Sequence[Path]) -> None:
    """Raise `UserError` if a source lost everything, or if there is no question at all.

    A source without any question and with skipped items has lost its houses, photos, masks or
    depth. The most common reasons are named.
    """
    with_questions = {path.parent.name for path in shards if path.stat().st_size > 0}
    rows = [row for path in skipped for row in read_records(path, SkippedItem)]
    for source in dict.fromkeys(path.parent.name for path in shards):
        reasons = [f"{row.item}: {row.reason}" for row in rows if row.source == source]
        if source not in with_questions and reasons:
            raise UserError(
                f"source {source} has no question: {len(reasons)} items were left out; "
                f"{most_common_reasons(reasons)}. "
                f"All of them: results/views/{source}/*.skipped.jsonl"
            )
    if not with_questions:
        raise UserError(
            "no question was asked of any source; the reasons are counted in "
            "results/vqa/*/*.dropped.jsonl"
        )


def llava_entry(question: Question, reasoning: Reasoning) -> dict[str, Any]:
    """Return a question in the form that LLaVA's training reads, one turn each."""
    return {
        "id": question.question_id,
        "image": question.image,
        "conversations": [
            {"from": "human", "value": f"{IMAGE_TOKEN}\n{question.question}"},
            {"from": "gpt", "value": training_answer(question, reasoning)},
        ],
    }


def is_yes_no(question: Question) -> bool:
    """Say whether a question is answered with yes or no."""
    return sorted(question.choices) == ["no", "yes"]


def count_yes_no(shards: Sequence[Path], split: str) -> dict[FamilyForm, int]:
    """Count how many of each truth every (family, form) of a split can keep.

    Raises `UserError` if a scene has questions in two splits, or if two questions share an id.
    """
    split_of: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[FamilyForm, str]] = Counter()
    for path in progress(shards, desc="survey"):
        seen = set()
        for question in read_records(path, Question):
            scene = (question.source, question.scene_id)
            other = split_of.setdefault(scene, question.split)
            if other != question.split:
                raise UserError(
                    f"{path}: scene {question.scene_id!r} of source {question.source!r} is in "
                    f"split {question.split!r} and in {other!r}; its shards come from different "
                    "runs. Remove results/vqa and run again."
                )
            if question.question_id in seen:
                raise UserError(
                    f"{path}: question {question.question_id!r} occurs twice. "
                    "Remove the file and run its rule again."
                )
            seen.add(question.question_id)
            if question.split == split and is_yes_no(question):
                counts[(question.family, question.form), str(question.truth)] += 1
    family_forms = {family_form for family_form, _ in counts}
    return {
        family_form: min(counts[family_form, "yes"], counts[family_form, "no"])
        for family_form in family_forms
    }


def balance_answers(
    shards: Sequence[Path],
    split: str,
    keep: dict[FamilyForm, int],
    dropped: Counter[tuple[str, str, Form]],
) -> Iterator[list[Question]]:
    """Yield a split's questions shard by shard, no yes or no more often than `keep` allows.

    What is dropped is counted in `dropped` by source, family and form. Shards are balanced to
    one question per family, form and antonym, so only the last few are dropped.
    """
    taken: Counter[tuple[FamilyForm, str]] = Counter()
    for path in progress(shards, desc="merge"):
        batch = []
        for question in read_records(path, Question):
            if question.split != split:
                continue
            if is_yes_no(question):
                key = ((question.family, question.form), str(question.truth))
                taken[key] += 1
                if taken[key] > keep[key[0]]:
                    dropped[question.source, question.family, question.form] += 1
                    continue
            batch.append(question)
        yield batch


def main(
    *,
    shards: list[Path],
    split: Split,
    out: Path,
    table: Path,
    dropped: Path,
    settings: ReasoningSettings,
    skipped: tuple[Path, ...] = (),
) -> None:
    """Merge shards of questions into a split's LLaVA JSON and Parquet table.

    Args:
        shards: `results/vqa/{source}/{shard}.jsonl` of every source and shard.
        split: which split to keep.
        out: LLaVA JSON; `image` is relative to `results/vqa`.
        table: the same questions with their structured truth, Parquet.
        dropped: what was dropped to balance yes and no, counted, one record a line.
        settings: whether the steps to an answer are put before it.
        skipped: what stage views left out of the same sources.
    """
    check_sources(shards, skipped)
    drop_counts: Counter[tuple[str, str, Form]] = Counter()
    keep = count_yes_no(shards, split)
    total = 0
    with (
        atomic_write(table, checksum=True) as partial_table,
        atomic_write(out, checksum=True) as partial_json,
        QuestionTableWriter(partial_table) as rows,
        partial_json.open("w", encoding="utf-8") as file,
    ):
        file.write("[")
        for batch in balance_answers(shards, split, keep, drop_counts):
            rows.add(batch)
            for question in batch:
                file.write(",\n" if total else "\n")
                entry = llava_entry(question, settings.reasoning)
                file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True))
                total += 1
        file.write("\n]\n")
    write_records(
        dropped,
        (
            DroppedQuestions(source=source, family=family, form=form, reason=SURPLUS, count=count)
            for (source, family, form), count in sorted(drop_counts.items())
        ),
    )
    surplus = sum(drop_counts.values())
    log.info("%s: %d questions, %d dropped to balance yes and no", split, total, surplus)


if __name__ == "__main__":
    run(main)
