"""ScanQA (Azuma et al. 2022): questions with one or more answers.

`ScanQA_v1.0_<split>.json` is a list of entries with scene_id, question_id, question, answers and
object_ids. Training has one sample an answer, a scored split one a question.
"""

from collections.abc import Iterator

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry, read_text_value


def read_scanqa(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield samples of task question."""

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        question_id = entry.identifier("question_id")
        question = entry.text("question")
        answers = read_answers(file, entry, scan, question_id)
        file.require_new(f"question {question_id}")
        referents = _referents(file, entry, scan, question_id)
        taught = answers if file.is_training else answers[:1]
        return [
            file.sample(
                scan,
                f"{question_id}-{number}",
                task="question",
                question_type="scanqa",
                text=question,
                answer=answer,
                answers=answers,
                truth=answer,
                answer_type="text",
                referents=referents,
            )
            for number, answer in enumerate(taught)
        ]

    return file.samples(samples)


def read_answers(
    file: AnnotationFile, entry: Entry, scan: AnnotatedScan, question_id: str
) -> list[str]:
    """Return the answers of a question; an empty one is a row, none at all a `UserError`."""
    if not entry.values.get("answers"):
        raise UserError(
            f"question {question_id} has no answers; a test set without answers cannot be scored"
        )
    answers = []
    for number, value in enumerate(entry.texts("answers")):
        try:
            # SQA3D's are objects with their confidence.
            text = value.get("answer") if isinstance(value, dict) else value
            answers.append(read_text_value(text, "answer"))
        except UserError as error:
            file.skip(scan.name, f"question {question_id} answer {number}", str(error))
    if not answers:
        raise UserError(f"question {question_id}: every answer is empty or no text")
    return answers


def _referents(
    file: AnnotationFile, entry: Entry, scan: AnnotatedScan, question_id: str
) -> list[int]:
    """Return the objects that an answer was found at; one that is not there is a row."""
    instances = []
    listed = entry.values.get("object_ids")
    for value in listed if isinstance(listed, list) else []:
        try:
            object_id = Entry({"object_ids": value}).identifier("object_ids")
            instances.append(scan.object(object_id).instance)
        except UserError as error:
            reason = f"{error}; the question is kept without it"
            file.skip(scan.name, f"question {question_id} object", reason)
    return list(dict.fromkeys(instances))
