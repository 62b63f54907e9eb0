"""Merge the questions of all shards into a Parquet table and LLaVA JSON of every split.

Shards are read twice, question by question: once to see which questions are kept, and once to
write those.
"""

import json
import logging
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.questions import (
    Question,
    QuestionTableWriter,
    Reasoning,
    training_answer,
)
from workflow_scripts.common.records import (
    SPLITS,
    SkippedItem,
)
from workflow_scripts.common.storage import (
    atomic_write,
    iterate_records,
    read_records,
    write_records,
)
from workflow_scripts.config.vqa import MergeSettings
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.export.images import IMAGE_TOKEN
from workflow_scripts.vqa.solvable_questions import (
    SOLVABLE,
    QuestionSummary,
    SolvableHandling,
    TextOnlyRow,
    TextOnlySurvey,
    write_text_only,
)

log = logging.getLogger(__name__)

SURPLUS = "dropped to balance yes and no"
# What happens to a question, by its code.
REASONS = ("", SOLVABLE, SURPLUS)
NUM_PER_BATCH = 4096


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


def is_yes_no(question: Question | QuestionSummary) -> bool:
    """Say whether a question is answered with yes or no."""
    return sorted(question.choices) == ["no", "yes"]


class Survey:
    """What is known of all questions before any is written, in the order of the shards."""

    def __init__(self, shards: Sequence[Path], *, seed: int) -> None:
        """Read every question once.

        Raises `UserError` if a scene has questions in two splits, or if two questions of a shard
        share an id.
        """
        self.words = TextOnlySurvey(seed)
        self._groups: dict[tuple[str, ...], int] = {}
        # The group of a yes or no question (split, family, form) and whether it is yes; else -1.
        self._group_codes, self._is_yes = array("i"), array("b")
        split_of: dict[tuple[str, str], str] = {}
        for path in progress(shards, desc="survey"):
            seen = set()
            for question in iterate_records(path, QuestionSummary):
                scene = (question.source, question.scene_id)
                other = split_of.setdefault(scene, question.split)
                if other != question.split:
                    raise UserError(
                        f"{path}: scene {question.scene_id!r} of source {question.source!r} is in "
                        f"split {question.split!r} and in {other!r}; its shards come from "
                        "different runs. Remove results/vqa and run again."
                    )
                if question.question_id in seen:
                    raise UserError(
                        f"{path}: question {question.question_id!r} occurs twice. "
                        "Remove the file and run its rule again."
                    )
                seen.add(question.question_id)
                self._add(question)

    def _add(self, question: QuestionSummary) -> None:
        self.words.add(question)
        group = (question.split, question.family, question.form)
        code = self._groups.setdefault(group, len(self._groups)) if is_yes_no(question) else -1
        self._group_codes.append(code)
        self._is_yes.append(question.truth == "yes")

    def reasons(self, handling: SolvableHandling) -> tuple[np.ndarray, list[TextOnlyRow]]:
        """Return the code of what happens to every question [n], and what words alone score.

        Of yes and no, no more of either are kept in a split, family and form than of the other.
        Shards are balanced to one question per family, form and antonym, so only the last few
        are dropped.
        """
        is_kept, text_only = self.words.choose(handling)
        reasons = np.where(is_kept, 0, REASONS.index(SOLVABLE)).astype(np.int8)
        codes = np.frombuffer(self._group_codes, dtype=np.int32)
        # Yes and no of a group, each numbered in the order of the shards.
        answers = 2 * codes + np.frombuffer(self._is_yes, dtype=np.int8)
        rows = np.flatnonzero(is_kept & (codes >= 0))
        counts = np.bincount(answers[rows], minlength=2 * len(self._groups)).reshape(-1, 2)
        order = rows[np.argsort(answers[rows], kind="stable")]
        starts = np.concatenate([[0], np.cumsum(counts.ravel())])
        number = np.arange(len(order)) - starts[answers[order]]
        reasons[order[number >= counts.min(axis=1)[codes[order]]]] = REASONS.index(SURPLUS)
        return reasons, text_only


class SplitWriter:
    """Write the table, the LLaVA JSON and the counts of one split; use as a context manager."""

    def __init__(self, folder: Path, split: str, settings: MergeSettings) -> None:
        self._folder = folder
        self._split = split
        self._reasoning = settings.reasoning
        self._batch: list[Question] = []
        self._dropped: Counter[tuple[str, str, str, str]] = Counter()
        self._total = 0
        self._files = ExitStack()

    def __enter__(self) -> "SplitWriter":
        files = [
            self._files.enter_context(
                atomic_write(self._folder / f"{self._split}.{ending}", checksum=True)
            )
            for ending in ("parquet", "json")
        ]
        self._table = self._files.enter_context(
            QuestionTableWriter(files[0], reasoning=self._reasoning)
        )
        self._json = self._files.enter_context(files[1].open("w", encoding="utf-8"))
        self._json.write("[")
        return self

    def add(self, question: Question, reason: str) -> None:
        """Add a question, or count why it is left out."""
        if reason:
            self._dropped[question.source, question.family, question.form, reason] += 1
            return
        entry = llava_entry(question, self._reasoning)
        self._json.write(",\n" if self._total else "\n")
        self._json.write(json.dumps(entry, ensure_ascii=False, sort_keys=True))
        self._total += 1
        self._batch.append(question)
        if len(self._batch) == NUM_PER_BATCH:
            self._write_batch()

    def _write_batch(self) -> None:
        self._table.add(self._batch)
        self._batch = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._write_batch()
            self._json.write("\n]\n")
        self._files.__exit__(kind, error, trace)
        if error is None:
            dropped = drop_records(self._dropped)
            write_records(self._folder / f"{self._split}.dropped.jsonl", dropped)
            counts: Counter[str] = Counter()
            for (*_, reason), count in self._dropped.items():
                counts[reason] += count
            log.info(
                "%s: %d questions%s",
                self._split,
                self._total,
                "".join(f", {count} {reason}" for reason, count in sorted(counts.items())),
            )


def read_questions_once(shards: Sequence[Path]) -> Iterator[Question]:
    """Yield every question of all shards."""
    for path in progress(shards, desc="merge"):
        yield from iterate_records(path, Question)


def main(
    *,
    shards: list[Path],
    out: Path,
    settings: MergeSettings,
    seed: int,
    skipped: tuple[Path, ...] = (),
) -> None:
    """Merge shards of questions into a table and LLaVA JSON of every split.

    Args:
        shards: `results/vqa/{source}/{shard}.jsonl` of every source and shard.
        out: folder, `results/vqa`: of every split `{split}.parquet` (questions with their
            structured truth), `{split}.json` (LLaVA; `image` is relative to the folder) and
            `{split}.dropped.jsonl` (what was left out, counted, one record a line); and
            `text_only.csv`, what words alone score on every family before and after.
        settings: what happens to questions that their words alone answer, and whether the steps
            to an answer are put before it.
        seed: seed of the workflow.
        skipped: what stage views left out of the same sources.
    """
    check_sources(shards, skipped)
    reasons, text_only = Survey(shards, seed=seed).reasons(settings.solvable_without_picture)
    with ExitStack() as files:
        writers = {
            split: files.enter_context(SplitWriter(out, split, settings)) for split in SPLITS
        }
        for question, reason in zip(read_questions_once(shards), reasons.tolist(), strict=True):
            writers[question.split].add(question, REASONS[reason])
    write_text_only(out / "text_only.csv", text_only)


if __name__ == "__main__":
    run(main)
