"""Multi3DRefer (Zhang et al. 2023): descriptions of none, one or several objects.

`multi3drefer_<split>.json` is a list of entries with scene_id, object_ids, ann_id, eval_type and
description.
"""

from collections.abc import Iterator

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry

#: Published types and how many targets each has: zt none, st one, mt several; wo_d, w_d without
#: and with other objects of the class.
TARGETS_OF_TYPE = {
    "zt_wo_d": (0, 0),
    "zt_w_d": (0, 0),
    "st_wo_d": (1, 1),
    "st_w_d": (1, 1),
    "mt": (2, None),
}


def read_multi3drefer(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield a sample of task grounding for every description."""

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        # The processed form calls the list object_id.
        key = "object_ids" if "object_ids" in entry.values else "object_id"
        targets = [scan.object(object_id) for object_id in entry.identifiers(key)]
        annotation = entry.identifier("ann_id")
        text = entry.text("description")
        question_type = entry.text("eval_type")
        _check_type(question_type, len(targets))
        file.require_new(f"annotation {annotation} of {scan.name}")
        return [
            file.sample(
                scan,
                f"{scan.name}-{annotation}",
                task="grounding",
                question_type=question_type,
                targets=targets,
                text=text,
            )
        ]

    return file.samples(samples)


def _check_type(question_type: str, number: int) -> None:
    if question_type not in TARGETS_OF_TYPE:
        allowed = allowed_values(question_type, TARGETS_OF_TYPE)
        raise UserError(f"'eval_type' is {question_type!r}; {allowed}")
    least, most = TARGETS_OF_TYPE[question_type]
    if number < least or (most is not None and number > most):
        raise UserError(f"{number} objects do not fit 'eval_type' {question_type!r}")
