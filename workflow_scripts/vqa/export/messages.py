"""Write a split as Parquet shards of chat messages with the pictures inside.

`datasets.load_dataset` opens the folder and shows the pictures, and chat templates take the
`messages` as they are. One row a picture; beside the text stands every question's structured
truth, so that no number has to be parsed from a sentence.
"""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question, Reasoning, training_answer
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.vqa.export.images import group_by_image, read_image_bytes

log = logging.getLogger(__name__)

# Small enough for the hub's viewer to read one group for a page.
ROWS_PER_GROUP = 100
MAX_FILE_MB = 400.0
_TRUTH_TEXTS = ("question_id", "family", "form", "kind", "answer_type", "unit", "frame")
_TRUTH_MORE_TEXTS = ("margin_unit", "evidence_source", "difficulty", "reasoning")
_TRUTH_NUMBERS = ("tolerance", "margin", "sigma")


def features() -> Any:
    """Return the columns as `datasets` describes them."""
    from datasets import Features, Image, List, Value

    text, number, integer = Value("string"), Value("float64"), Value("int64")
    return Features(
        {
            "id": text,
            "source": text,
            "scene_id": text,
            "view_id": text,
            "images": List(Image()),
            "messages": List({"role": text, "content": List({"type": text, "text": text})}),
            "truths": List(
                {
                    **dict.fromkeys(_TRUTH_TEXTS, text),
                    "choices": List(text),
                    "options": List(text),
                    "truth": text,
                    "truth_value": number,
                    **dict.fromkeys(_TRUTH_NUMBERS, number),
                    **dict.fromkeys(_TRUTH_MORE_TEXTS, text),
                    "evidence": List({"quantity": text, "value": number}),
                    "objects": List(
                        {
                            "object_id": text,
                            "instance": integer,
                            "category": text,
                            "phrase": text,
                            "mark": text,
                            "pixel": List(number),
                            "box": List(number),
                        }
                    ),
                }
            ),
        }
    )


def messages(questions: list[Question], reasoning: Reasoning) -> list[dict[str, Any]]:
    """Return the chat about one picture; the picture comes before the first question."""
    chat: list[dict[str, Any]] = []
    for number, question in enumerate(questions):
        content: list[dict[str, str | None]] = [{"type": "text", "text": question.question}]
        if number == 0:
            content.insert(0, {"type": "image", "text": None})
        chat.append({"role": "user", "content": content})
        answer = [{"type": "text", "text": training_answer(question, reasoning)}]
        chat.append({"role": "assistant", "content": answer})
    return chat


def truth(question: Question) -> dict[str, Any]:
    """Return a question's structured truth; texts in `truth`, numbers in `truth_value`."""
    is_text = isinstance(question.truth, str)
    names = (*_TRUTH_TEXTS, "choices", "options", *_TRUTH_NUMBERS, *_TRUTH_MORE_TEXTS)
    return {
        **{name: getattr(question, name) for name in names},
        "truth": question.truth if is_text else None,
        "truth_value": None if is_text else question.truth,
        "evidence": [
            {"quantity": name, "value": value} for name, value in question.evidence.items()
        ],
        "objects": [referent.model_dump(exclude={"rle"}) for referent in question.referents],
    }


def row(questions: list[Question], images: Path, reasoning: Reasoning) -> dict[str, Any]:
    """Return the row of one picture, its file's bytes included."""
    first = questions[0]
    return {
        "id": first.question_id,
        "source": first.source,
        "scene_id": first.scene_id,
        "view_id": first.view_id,
        "images": [{"bytes": read_image_bytes(images, first.image), "path": first.image}],
        "messages": messages(questions, reasoning),
        "truths": [truth(question) for question in questions],
    }


def images_per_file(sizes: list[int], max_bytes: int) -> list[int]:
    """Return how many pictures each of the files holds, so that none is much above a size.

    Files are runs of pictures of nearly equal bytes; there is at least one file, perhaps empty.
    """
    num_files = max(1, -(-sum(sizes) // max_bytes))
    counts = [0] * num_files
    before = 0
    for size in sizes:
        counts[min(before * num_files // max(sum(sizes), 1), num_files - 1)] += 1
        before += size
    return counts


def image_sizes(questions: Path, images: Path) -> list[int]:
    """Return the size of every picture's file in bytes, in the order of the rows."""
    try:
        return [
            (images / image_questions[0].image).stat().st_size
            for image_questions in group_by_image(questions)
        ]
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename}: the picture of a question is missing. "
            "Run the rule 'generate_questions' of its shard again."
        ) from error


def write_file(path: Path, rows: Iterator[dict[str, Any]], schema: pa.Schema) -> None:
    """Write rows to a Parquet file, a group of rows at a time."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def main(
    *,
    questions: Path,
    images: Path,
    split: str,
    out: Path,
    settings: ReasoningSettings,
    max_mb: float = MAX_FILE_MB,
) -> None:
    """Write Parquet shards of messages with pictures.

    Args:
        questions: Parquet table of a split's questions.
        images: folder that the questions' pictures are relative to.
        split: name of the split, for the names of the files.
        out: folder to write, `{split}-00000-of-00003.parquet` and so on.
        settings: whether the steps to an answer are put before it.
        max_mb: about how large a file may become, in megabytes of pictures.
    """
    schema = features().arrow_schema
    counts = images_per_file(image_sizes(questions, images), int(max_mb * 1e6))
    rows = (
        row(image_questions, images, settings.reasoning)
        for image_questions in progress(
            group_by_image(questions), desc="messages", total=sum(counts)
        )
    )
    with atomic_write(out, checksum=True) as folder:
        folder.mkdir()
        for number, count in enumerate(counts):
            name = f"{split}-{number:05d}-of-{len(counts):05d}.parquet"
            write_file(folder / name, islice(rows, count), schema)
    log.info("%s: %d pictures in %d files", out, sum(counts), len(counts))


if __name__ == "__main__":
    run(main)
