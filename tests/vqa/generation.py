"""Ask about a shard of views as the rule does, and read back what was written."""

from pathlib import Path
from typing import Any

from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.vqa import QuestionSettings
from workflow_scripts.vqa import generate_questions

# Small rooms in small pictures, one view at a time, in every phrasing.
SETTINGS = QuestionSettings(
    min_pixels=20,
    questions_per_view=24,
    questions_per_pair=0,
    num_phrasings=None,
    multiple_choice=True,
)


def generate_for_shard(
    views: Path,
    source: Path,
    *,
    seed: int = 7,
    clouds: Path | None = None,
    frames: Path | None = None,
    with_reasoning: bool = False,
    **settings: Any,
) -> tuple[list[Question], list[DroppedQuestions]]:
    """Return the questions about a shard and what was not asked; `source` takes all files."""
    out, dropped = source / "0000.jsonl", source / "0000.dropped.jsonl"
    generate_questions.main(
        views=views,
        out=out,
        images=source / "0000.images",
        dropped=dropped,
        picture=source / "0000.png",
        clouds=clouds,
        frames=frames,
        settings=SETTINGS.model_copy(update=settings),
        with_reasoning=with_reasoning,
        seed=seed,
    )
    return read_records(out, Question), read_records(dropped, DroppedQuestions)
