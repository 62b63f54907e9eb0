"""Turn published annotations of scans into samples.

Writes JSON lines of `ScanSample`, and what was left out as rows of `SkippedItem`.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records, read_table, write_records
from workflow_scripts.sources.annotation_settings import AnnotationsSettings
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.vqa.scans.annotations import DATASETS
from workflow_scripts.vqa.scans.annotations.annotated_scans import (
    OUTSIDE_M,
    AnnotatedScan,
    AnnotatedScans,
    read_scans,
)
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.nyu40 import read_classes
from workflow_scripts.vqa.scans.annotations.predicted_boxes import PredictedBoxes

log = logging.getLogger(__name__)


def import_annotations(
    settings: AnnotationsSettings,
    scans: AnnotatedScans,
    source: str,
    skipped: list[SkippedItem],
) -> Iterator[ScanSample]:
    """Yield the samples of every file; what is left out is added to `skipped`.

    Raises:
        UserError: A file cannot be read, or none of its entries can be used.
    """
    classes = {} if settings.labels is None else read_classes(Path(settings.labels))
    seen: set[str] = set()
    for files in settings.files():
        file = AnnotationFile(files, source, scans, classes)
        count = 0
        for sample in DATASETS[files.dataset](file):
            if sample.sample_id in seen:
                reason = "an earlier file has the same sample; the first one counts"
                file.skip(sample.scene_id, sample.sample_id, reason)
                continue
            seen.add(sample.sample_id)
            count += 1
            yield sample
        skipped += file.skipped
        if file.warning:
            log.warning("%s: %s", files.key, file.warning)
        reasons = most_common_reasons(row.reason for row in file.skipped)
        log.info("%s: %d samples; left out: %s", files.key, count, reasons or "nothing")


def main(
    *,
    scenes: Sequence[Path],
    views: Sequence[Path],
    objects: Sequence[Path],
    source: str,
    out: Path,
    skipped: Path,
    settings: AnnotationsSettings,
) -> None:
    """Turn published annotations of scans into samples.

    Args:
        scenes: JSON lines of `ScanScene` records, of every shard.
        views: tables of views, of every shard.
        objects: tables of objects, of every shard.
        source: Name of the source of the scans.
        out: JSON lines of samples to write.
        skipped: JSON lines to write of what was left out.
        settings: The files.
    """
    rows: list[SkippedItem] = []
    scans = AnnotatedScans(scans_of_shards(scenes, views, objects, source, settings, rows))
    write_records(out, import_annotations(settings, scans, source, rows))
    write_records(skipped, rows)


def scans_of_shards(
    scenes: Sequence[Path],
    views: Sequence[Path],
    objects: Sequence[Path],
    source: str,
    settings: AnnotationsSettings,
    skipped: list[SkippedItem],
) -> list[AnnotatedScan]:
    """Return the scans of shards with their objects and a detector's boxes, where there are any."""
    if not scenes:
        raise UserError(f"{source}: no scan")
    predicted = PredictedBoxes(map(Path, settings.predicted_boxes), source)
    skipped += predicted.skipped
    listed = [scene for path in scenes for scene in read_records(path, ScanScene)]
    seen = {
        str(scene) for path in views for scene in read_table(path, columns=["scene_id"]).scene_id
    }
    tables = pd.concat([read_table(path) for path in objects], ignore_index=True)
    scans = read_scans(listed, tables, seen, predicted.boxes)
    skipped += _outside(scans, source)
    return scans


def _outside(scans: Sequence[AnnotatedScan], source: str) -> list[SkippedItem]:
    """Return rows of a detector's boxes that are outside of their scan; `UserError` if all are."""
    rows, num_left = [], 0
    for scan in scans:
        left = 0 if scan.predicted is None else len(scan.predicted)
        num_left += left
        if scan.num_outside:
            reason = (
                f"{scan.num_outside} of {scan.num_outside + left} boxes are more than "
                f"{OUTSIDE_M:g} m outside of the scan's objects"
            )
            rows.append(
                SkippedItem(
                    source=source, scene_id=scan.scene_id, item="predicted_boxes", reason=reason
                )
            )
    if rows and not num_left:
        raise UserError(
            f"sources.{source}.annotations.predicted_boxes: every box is outside of its scan: "
            f"{rows[0].scene_id}: {rows[0].reason}. Give boxes in the frame of axisAlignment"
        )
    return rows


if __name__ == "__main__":
    run(main)
