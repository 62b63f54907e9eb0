"""Questions grouped by picture, for exports of whole conversations."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from workflow_scripts.common.checksums import read_file_of_result
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question, read_questions

IMAGE_TOKEN = "<image>"


def group_by_image(table: Path) -> Iterator[list[Question]]:
    """Yield the questions of a table that share a picture, pictures in the table's order.

    Only the questions of one view are held at a time, so a table of any size can be read.
    """
    for _, image_questions in groupby(
        read_questions(table), key=lambda question: (question.source, question.view_id)
    ):
        pictures: dict[str, list[Question]] = {}
        for question in image_questions:
            pictures.setdefault(question.image, []).append(question)
        yield from pictures.values()


def read_image_bytes(images: Path, name: str) -> bytes:
    """Return the bytes of a picture's file; `UserError` names it if it cannot be read."""
    try:
        return read_file_of_result(images / name)
    except OSError as error:
        raise UserError(
            f"{images / name}: the picture of a question cannot be read: {error.strerror}. "
            "Run the rule 'generate_questions' of its shard again."
        ) from error
