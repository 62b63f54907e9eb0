"""Import a benchmark's file: items to ask, their pictures, and rows that cannot be asked."""

import logging
from pathlib import Path

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.config.evaluate import BenchmarkFileSettings
from workflow_scripts.evaluate.benchmarks import spatialrgpt, vsi
from workflow_scripts.evaluate.benchmarks.importer import Importer, SkippedRow, read_rows
from workflow_scripts.evaluate.eval_items import EvalItem

logger = logging.getLogger(__name__)

FORMATS: dict[str, Importer] = {
    spatialrgpt.FORMAT: spatialrgpt.import_rows,
    vsi.FORMAT: vsi.import_rows,
}


def main(
    *,
    name: str,
    out: Path,
    pictures: Path,
    skipped: Path,
    settings: BenchmarkFileSettings,
) -> None:
    """Import a benchmark.

    Args:
        name: The benchmark's name in the configuration.
        out: JSONL file to write, one item a line.
        pictures: Folder to write with the pictures as they are shown.
        skipped: JSONL file to write: rows that cannot be asked, and why.
        settings: The benchmark's file, its format and its folder of pictures.
    """
    path, images = Path(settings.path), Path(settings.images)
    if not images.is_dir():
        raise UserError(
            f"evaluate.benchmarks.{name}.images: {images} is not a folder; give the folder "
            "that the pictures or videos named in the file are relative to"
        )
    rows = read_rows(path)
    items: list[EvalItem] = []
    skipped_rows: list[SkippedRow] = []
    with atomic_write(pictures, checksum=True) as folder:
        folder.mkdir()
        imported = FORMATS[settings.format](rows, images, folder, num_frames=settings.num_frames)
        for result in progress(imported, desc=name, total=len(rows)):
            if isinstance(result, EvalItem):
                items.append(result)
            else:
                skipped_rows.append(result)
        if not items:
            raise UserError(
                f"{path}: none of its {len(rows)} rows can be asked; "
                f"{most_common_reasons(row.reason for row in skipped_rows)}"
            )
    write_records(
        skipped,
        (
            SkippedItem(source=name, scene_id="", item=result.name, reason=result.reason)
            for result in skipped_rows
        ),
    )
    write_records(out, items)
    logger.info("%s: %d questions, %d rows skipped", name, len(items), len(skipped_rows))


if __name__ == "__main__":
    run(main)
