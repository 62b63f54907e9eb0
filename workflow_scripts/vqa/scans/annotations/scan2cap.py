"""Scan2Cap (Chen et al. 2021): ScanRefer's descriptions, written by the model for an object.

Training has one sample a description, at the centre of the object's true box. A scored split has
one sample an object with all of its descriptions as references, at the centre of the proposal that
overlaps most with the object: where their IoU is below 0.5 there is no point, and the caption
counts as missing (as in LEO and Video-3D LLM).
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedObject, AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry
from workflow_scripts.vqa.scans.annotations.nyu40 import unique_or_multiple

MIN_IOU = 0.5
_ObjectKey = tuple[str, str, str]


def read_scan2cap(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield samples of task captioning."""
    type_of = unique_or_multiple(file.entries, file.classes)
    references = {} if file.is_training else _references(file.entries)
    finished: set[_ObjectKey] = set()

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        object_name = entry.text("object_name")
        target = scan.object(entry.identifier("object_id"))
        annotation = entry.identifier("ann_id")
        text = entry.text("description")
        file.require_new(f"annotation {annotation} of object {target.object_id} of {scan.name}")
        file.compare_name(target, object_name)
        key = (entry.scan, target.object_id, object_name)
        if key in finished:
            return []  # a reference of its object's sample
        name = f"{scan.name}-{target.object_id}"
        if file.is_training:
            name, values = f"{name}-{annotation}", _at_true_box(target, text)
        else:
            finished.add(key)
            name, values = f"{name}-{object_name}", _at_proposal(target, scan, references[key])
        question_type = type_of(entry.scan, object_name)
        return [
            file.sample(
                scan,
                name,
                task="captioning",
                question_type=question_type,
                targets=[target],
                text="",
                answer_type="text",
                **values,
            )
        ]

    return file.samples(samples)


def _at_true_box(target: AnnotatedObject, text: str) -> dict[str, Any]:
    return {"point_m": target.box[:3], "answer": text, "answers": [text], "truth": text}


def _at_proposal(
    target: AnnotatedObject, scan: AnnotatedScan, references: list[str]
) -> dict[str, Any]:
    box, iou = scan.best_proposal(target.box)
    is_kept = box is not None and iou >= MIN_IOU
    return {
        "point_m": box[:3] if box is not None and is_kept else None,
        "answer": references[0],
        "answers": references,
        "truth": references[0],
        "evidence": {"proposal_iou": round(iou, 6)},
    }


def _references(entries: list[Any]) -> dict[_ObjectKey, list[str]]:
    """Return the descriptions of every object of the file, each annotation once."""
    texts: dict[_ObjectKey, dict[str, str]] = defaultdict(dict)
    for value in entries:
        try:
            entry = Entry.read(value)
            key = (entry.scan, entry.identifier("object_id"), entry.text("object_name"))
            texts[key].setdefault(entry.identifier("ann_id"), entry.text("description"))
        except UserError:
            continue  # a row of its own, where entries become samples
    return {key: list(descriptions.values()) for key, descriptions in texts.items()}
