"""Boxes of a detector that samples about real scans choose from, as Video-3D LLM stores them.

`scannet_<split>_pred_box.json` is an object {"scannet/<scan>": [[x, y, z, dx, dy, dz], ...]}:
centre and size in metres, along the axes of the aligned scan.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ProposalRow
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.sources.readers.scans.language_files import scan_name
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScan


class PredictedBoxes:
    """Boxes [n, 6] of a detector by the name of their scan, and what was left out."""

    def __init__(self, paths: Iterable[Path], source: str) -> None:
        self.boxes: dict[str, np.ndarray] = {}
        self.skipped: list[SkippedItem] = []
        self._source = source
        for path in paths:
            self._read(path)

    def _read(self, path: Path) -> None:
        content = parse_json(read_text(path), path)
        if not isinstance(content, dict):
            raise UserError(
                f"{path}: an object {{scan: [[x, y, z, dx, dy, dz], ...]}} is needed, not "
                f"{type(content).__name__}"
            )
        num_used = 0
        for key, listed in content.items():
            name = scan_name(key)
            if name in self.boxes:
                self._skip(name, path.name, "the scan has boxes already; the first ones count")
                continue
            if not isinstance(listed, list):
                self._skip(name, path.name, "its boxes are no list")
                continue
            self.boxes[name] = np.array(list(self._usable(name, path, listed))).reshape(-1, 6)
            num_used += len(self.boxes[name])
        if not num_used:
            raise UserError(f"{path}: no box can be used; six numbers are needed for each box")

    def _usable(self, name: str, path: Path, listed: list[Any]) -> Iterator[list[float]]:
        for number, box in enumerate(listed):
            is_box = isinstance(box, list) and len(box) == 6 and all(map(is_finite_number, box))
            if not is_box:
                reason = f"{box!s:.60} are not six finite numbers"
            elif min(box[3:]) <= 0:
                reason = f"size {box[3:]} must be above 0"
            else:
                yield [float(value) for value in box]
                continue
            self._skip(name, f"{path.name} box {number}", reason)

    def _skip(self, name: str, item: str, reason: str) -> None:
        self.skipped.append(
            SkippedItem(source=self._source, scene_id=name, item=item, reason=reason)
        )


def proposal_rows(scan: AnnotatedScan) -> list[ProposalRow]:
    """Return what may be chosen in a scan: a detector's boxes, else those of its objects.

    Of a detector's, `instance` is 0 and `category` ''.
    """
    if scan.predicted is None:
        known = [(item.box, item.instance, item.category) for item in scan.objects.values()]
    else:
        known = [(tuple(box), 0, "") for box in scan.predicted.tolist()]
    return [
        ProposalRow(
            scene_id=scan.scene_id,
            proposal=number,
            instance=instance,
            category=category,
            x_m=box[0],
            y_m=box[1],
            z_m=box[2],
            width_m=box[3],
            depth_m=box[4],
            height_m=box[5],
        )
        for number, (box, instance, category) in enumerate(known)
    ]
