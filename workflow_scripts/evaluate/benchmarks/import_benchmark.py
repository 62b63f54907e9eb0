"""Import a benchmark's file: items to ask, the pictures they show, and what cannot be asked."""

import logging
from collections import Counter
from pathlib import Path
from typing import Literal

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.evaluate.benchmarks import spatialrgpt, vsi
from workflow_scripts.evaluate.benchmarks.importer import Importer, SkippedRow, read_rows
from workflow_scripts.evaluate.eval_items import EvalItem

log = logging.getLogger(__name__)

FORMATS: dict[str, Importer] = {
    spatialrgpt.FORMAT: spatialrgpt.import_rows,
    vsi.FORMAT: vsi.import_rows,
}


def main(
    *,
    file_format: Literal["spatialrgpt-bench", "vsi-bench"],
    name: str,
    path: Path,
    images: Path,
    out: Path,
    pictures: Path,
    skipped: Path,
    num_frames: int = 8,
) -> None:
    """Import a benchmark.

    Args:
        form: form of the file.
        name: the benchmark's name in the configuration.
        path: JSON array or JSON lines.
        images: folder that the file's pictures or videos are relative to.
        out: items, one a line.
        pictures: folder to write with the pictures as they are shown.
        skipped: rows that cannot be asked, and why, one a line.
        num_frames: how many frames of a video are shown.
    """
    if not images.is_dir():
        raise UserError(
            f"evaluate.benchmarks.{name}.images: {images} is no folder; give the folder that the "
            "pictures or videos named in the file are relative to"
        )
    rows = read_rows(path)
    items: list[EvalItem] = []
    skipped_rows: list[SkippedRow] = []
    with atomic_write(pictures) as folder:
        folder.mkdir()
        imported = FORMATS[file_format](rows, images, folder, num_frames=num_frames)
        for result in progress(imported, desc=name, total=len(rows)):
            if isinstance(result, EvalItem):
                items.append(result)
            else:
                skipped_rows.append(result)
        if not items:
            reason, count = Counter(result.reason for result in skipped_rows).most_common(1)[0]
            raise UserError(
                f"{path}: none of its {len(rows)} rows can be asked; {count} times: {reason}"
            )
    write_records(
        skipped,
        (
            SkippedItem(source=name, scene_id="", item=result.name, reason=result.reason)
            for result in skipped_rows
        ),
    )
    write_records(out, items)
    log.info("%s: %d questions, %d rows left out", name, len(items), len(skipped_rows))


if __name__ == "__main__":
    run(main)
