"""SQA3D (Ma et al. 2023): questions of somebody who stands at a place of the scan.

Questions (scene_id, question_id, question, situation, alternative_situation) and annotations
(question_id, answers) are two files, joined by question_id. Training has one sample for the
situation and for each alternative way to say it, a scored split one a question. Positions are not
used: the file does not say in which frame they are.
"""

from collections.abc import Iterator
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample, sqa3d_type
from workflow_scripts.sources.readers.scans.language_files import read_entries
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry, read_text_value
from workflow_scripts.vqa.scans.annotations.scanqa import read_answers


def read_sqa3d(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield samples of task question with a situation."""
    annotated = _annotations(file)
    questions = _question_ids(file.entries)
    for question_id, answered in annotated.items():
        if question_id not in questions:
            scan = answered.values.get("scene_id")
            name = answered.scan if isinstance(scan, str) and scan.strip() else ""
            file.skip(name, f"annotation of question {question_id}", "no such question")

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        question_id = entry.identifier("question_id")
        question, situation = entry.text("question"), entry.text("situation")
        if question_id not in annotated:
            raise UserError(f"question {question_id} has no entry in {file.files.paths[1].name}")
        answered = annotated[question_id]
        if "scene_id" in answered.values and answered.scan != entry.scan:
            raise UserError(f"question {question_id} is annotated in another scan, {answered.scan}")
        answers = read_answers(file, answered, scan, question_id)
        file.require_new(f"question {question_id}")
        situations = [situation]
        if file.is_training:
            situations += _alternatives(file, entry, scan, question_id)
        return [
            file.sample(
                scan,
                f"{question_id}-{number}",
                task="question",
                question_type=sqa3d_type(question),
                text=question,
                situation=text,
                answer=answers[0],
                answers=answers,
                truth=answers[0],
                answer_type="text",
            )
            for number, text in enumerate(situations)
        ]

    yield from file.samples(samples)


def _annotations(file: AnnotationFile) -> dict[str, Entry]:
    """Return the annotations by question; those that cannot be read are rows."""
    annotated: dict[str, Entry] = {}
    for number, value in enumerate(read_entries(file.files.paths[1], "annotations")):
        try:
            entry = Entry.read(value)
            question_id = entry.identifier("question_id")
            if question_id in annotated:
                raise UserError(f"question {question_id} is annotated twice; the first one counts")
            annotated[question_id] = entry
        except UserError as error:
            file.skip("", f"annotation {number}", str(error))
    return annotated


def _question_ids(entries: list[Any]) -> set[str]:
    ids = set()
    for value in entries:
        try:
            ids.add(Entry.read(value).identifier("question_id"))
        except UserError:
            continue  # a row of its own, where entries become samples
    return ids


def _alternatives(
    file: AnnotationFile, entry: Entry, scan: AnnotatedScan, question_id: str
) -> list[str]:
    """Return the other ways to say the situation; an empty one is a row."""
    if entry.values.get("alternative_situation") is None:
        return []
    texts = []
    for number, value in enumerate(entry.texts("alternative_situation")):
        try:
            texts.append(read_text_value(value, "alternative_situation"))
        except UserError as error:
            file.skip(scan.name, f"question {question_id} situation {number + 1}", str(error))
    return texts
