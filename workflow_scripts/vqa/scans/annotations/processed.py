"""Samples in the JSON form of Video-3D LLM (vqa/scans/llava_form.py), its own or exported here.

`<data set>_<split>_llava_style.json` is a list of entries; `metadata.dataset` says which data set
an entry is of. Files of Video-3D LLM have a situation of SQA3D in one text with its question.
"""

from collections.abc import Iterator
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.scan_samples import ScanSample, sqa3d_type
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedObject, AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry, read_text_value
from workflow_scripts.vqa.scans.llava_form import IMAGE

# Less than this, a box is not that of an object.
_SAME_BOX_IOU = 0.9


def read_processed(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield the sample of every entry."""

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        metadata = Entry.read(entry.field("metadata"))
        dataset = metadata.text("dataset")
        if dataset not in _READERS:
            raise UserError(
                f"'metadata.dataset' is {dataset!r}; {allowed_values(dataset, _READERS)}"
            )
        name = entry.identifier("id")
        file.require_new(f"entry {name}")
        values = _READERS[dataset](entry, metadata, scan)
        own = "generated" if metadata.values.get("generated") else dataset
        return [file.sample(scan, f"processed-{name}", dataset=own, **values)]

    return file.samples(samples)


def _grounding(entry: Entry, metadata: Entry, scan: AnnotatedScan) -> dict[str, Any]:
    text = metadata.values.get("description") or _last_line(entry)
    return {
        "task": "grounding",
        "question_type": metadata.text("question_type"),
        "text": read_text_value(text, "description"),
        "targets": [scan.object(number) for number in metadata.identifiers("object_id")],
    }


def _caption(entry: Entry, metadata: Entry, scan: AnnotatedScan) -> dict[str, Any]:
    references = entry.values.get("annotations") or [_turn(entry, "gpt")]
    answers = [read_text_value(text, "annotations") for text in references]
    box = entry.values.get("box_input")
    return {
        "task": "captioning",
        "question_type": metadata.text("question_type"),
        "text": "",
        "targets": [_described(entry, metadata, scan)],
        "point_m": None if box is None else _box(box, "box_input")[:3],
        "answer": answers[0],
        "answers": answers,
        "truth": answers[0],
        "answer_type": "text",
    }


def _question(entry: Entry, metadata: Entry, scan: AnnotatedScan) -> dict[str, Any]:
    question = metadata.values.get("question") or _last_line(entry)
    text = read_text_value(question, "question")
    said = read_text_value(_turn(entry, "gpt"), "gpt")
    listed = metadata.values.get("answers") or [said]
    answers = [read_text_value(item, "answers") for item in listed]
    # As it was written, without what the form changes in it.
    answer = next((item for item in answers if " ".join(item.split()) == said), said)
    is_situated = metadata.values["dataset"] == "sqa3d"
    plain = sqa3d_type(text) if is_situated else "scanqa"
    return {
        "task": "question",
        "question_type": metadata.values.get("question_type") or plain,
        "text": text,
        "situation": str(metadata.values.get("situation") or ""),
        "answer": answer,
        "answers": answers,
        "truth": answer,
        "answer_type": "text",
    }


_READERS = {
    "scanrefer": _grounding,
    "multi3drefer": _grounding,
    "scan2cap": _caption,
    "scanqa": _question,
    "sqa3d": _question,
}


def _turn(entry: Entry, speaker: str) -> str:
    """Return what the human or the model says in an entry."""
    turns = entry.field("conversations")
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict) and turn.get("from") == speaker:
            return read_text_value(turn.get("value"), speaker)
    raise UserError(f"'conversations' has no turn of {speaker}")


def _last_line(entry: Entry) -> str:
    return _turn(entry, "human").replace(IMAGE, "").strip().splitlines()[-1]


def _described(entry: Entry, metadata: Entry, scan: AnnotatedScan) -> AnnotatedObject:
    """Return the object of a caption: by its id, else the one whose box it is."""
    if metadata.values.get("object_id") is not None:
        return scan.object(metadata.identifier("object_id"))
    box = _box(entry.field("gt_box"), "gt_box")
    found = scan.object_of_box(box, min_iou=_SAME_BOX_IOU)
    if found is None:
        raise UserError(f"'gt_box' {list(box)} is the box of none of the scan's objects")
    return found


def _box(value: Any, key: str) -> tuple[float, float, float, float, float, float]:
    if not isinstance(value, list) or len(value) != 6 or not all(map(is_finite_number, value)):
        raise UserError(f"{key!r} is {value!s:.60}, not six finite numbers")
    x, y, z, dx, dy, dz = map(float, value)
    return x, y, z, dx, dy, dz
