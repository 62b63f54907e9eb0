"""Ask about a shard of views as the rule does, and read back what was written."""

from pathlib import Path
from typing import Any

from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records
from workflow_scripts.vqa import generate_questions


def generate_for_shard(
    views: Path, source: Path, **settings: Any
) -> tuple[list[Question], list[DroppedQuestions]]:
    """Return the questions about a shard and what was not asked; `source` takes all files."""
    out, dropped = source / "0000.jsonl", source / "0000.dropped.jsonl"
    generate_questions.main(
        views=views,
        out=out,
        images=source / "0000.images",
        dropped=dropped,
        picture=source / "0000.png",
        **{"min_pixels": 20, **settings},
    )
    return read_records(out, Question), read_records(dropped, DroppedQuestions)
