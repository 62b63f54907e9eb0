"""ScanRefer (Chen et al. 2020): descriptions of one object each.

`ScanRefer_filtered_<split>.json` is a list of entries with scene_id, object_id, object_name,
ann_id and description.
"""

from collections.abc import Iterator

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScan
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.entries import Entry
from workflow_scripts.vqa.scans.annotations.nyu40 import unique_or_multiple


def read_scanrefer(file: AnnotationFile) -> Iterator[ScanSample]:
    """Yield a sample of task grounding for every description."""
    type_of = unique_or_multiple(file.entries, file.classes)

    def samples(entry: Entry, scan: AnnotatedScan) -> list[ScanSample]:
        target = scan.object(entry.identifier("object_id"))
        annotation = entry.identifier("ann_id")
        text = entry.text("description")
        object_name = entry.text("object_name")
        name = f"{scan.name}-{target.object_id}-{annotation}"
        file.require_new(f"annotation {annotation} of object {target.object_id} of {scan.name}")
        file.compare_name(target, object_name)
        return [
            file.sample(
                scan,
                name,
                task="grounding",
                question_type=type_of(entry.scan, object_name),
                targets=[target],
                text=text,
            )
        ]

    return file.samples(samples)
