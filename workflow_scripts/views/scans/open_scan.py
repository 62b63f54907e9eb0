"""Scans of files as the commands that read their frames open them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, load_reader


@contextmanager
def open_scene(scene: ScanScene) -> Iterator[Scan]:
    """Open the scan of a scene and close it at the end."""
    if scene.skipped:
        raise UserError(scene.skipped)
    reader = load_reader(scene.format)
    scan = reader.open_scan(ScanEntry(scene.name, Path(scene.path)))
    try:
        yield scan
    finally:
        scan.close()


def chosen_frames(scan: Scan, limit: int | None) -> list[int]:
    """Return the numbers of the frames to read: at equal steps among those without a reason."""
    usable = [number for number, frame in enumerate(scan.frames) if not frame.reason]
    if limit is None or len(usable) <= limit:
        return usable
    steps = np.linspace(0, len(usable) - 1, limit).astype(int)
    return [usable[step] for step in steps]
