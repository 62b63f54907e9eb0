"""Merge the prompts of all shards into the tables that an experiment reads."""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.questions import Question, QuestionTableWriter
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import atomic_write, iterate_records, read_records, write_json
from workflow_scripts.config.reconstruction import RoomPromptSettings

log = logging.getLogger(__name__)
ROWS_PER_BATCH = 1024
DEFAULT = RoomPromptSettings()


def write_question_table(path: Path, questions: Iterator[Question]) -> int:
    """Write questions as a table, with its checksum; return how many there are."""
    count = 0
    with atomic_write(path, checksum=True) as partial, QuestionTableWriter(partial) as table:
        while batch := list(islice(questions, ROWS_PER_BATCH)):
            table.add(batch)
            count += len(batch)
    return count


def read_rows(paths: Sequence[Path], splits: Sequence[str]) -> Iterator[Question]:
    """Yield the rows of some splits, shard by shard."""
    for path in paths:
        for row in iterate_records(path, Question):
            if row.split in splits:
                yield row


def main(
    *,
    training: list[Path],
    scored: list[Path],
    dropped: list[Path],
    out: Path,
    settings: RoomPromptSettings = DEFAULT,
) -> None:
    """Merge the prompts of an experiment.

    Args:
        training: rows of training and validation houses of every shard.
        scored: rows of the houses that are scored of every shard.
        dropped: what every shard left out.
        out: folder for `train.parquet`, `val.parquet` and `scored.parquet`, and `settings.json`,
            what was written, told and shown in training and when it is scored.
        settings: the same for all shards.
    """
    counts = {
        split: write_question_table(out / f"{split}.parquet", read_rows(training, [split]))
        for split in ("train", "val")
    }
    counts["scored"] = write_question_table(
        out / "scored.parquet", read_rows(scored, ["train", "val", "test"])
    )
    if not counts["scored"]:
        rows = [row for path in dropped for row in read_records(path, DroppedQuestions)]
        reasons = [row.reason for row in rows for _ in range(row.count)]
        because = f": {most_common_reasons(reasons)}" if reasons else ""
        raise UserError(f"{out}: no view can be scored{because}; give more houses or shards")
    write_json(out / "settings.json", settings.model_dump(mode="json"), checksum=True)
    log.info("%s", ", ".join(f"{count} {name}" for name, count in counts.items()))


if __name__ == "__main__":
    run(main)
