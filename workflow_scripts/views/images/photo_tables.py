"""Read the tables of a shard of photos and check that they belong together."""

from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_table
from workflow_scripts.sources.readers.photo_records import PhotoFilterRow, PhotoReadRow


def read_photo_rows(photo_frames: Path) -> list[PhotoReadRow]:
    """Return the rows beside `{shard}.read.zarr`, one per photo."""
    table = read_table(photo_frames.with_suffix(".parquet"))
    return [PhotoReadRow(**row) for row in table.to_dict("records")]


def read_filter_rows(
    filter_table: Path, photo_frames: Path, rows: list[PhotoReadRow]
) -> list[PhotoFilterRow]:
    """Return the filter's row of every photo; `UserError` if the table is of other photos."""
    filter_rows = [PhotoFilterRow(**row) for row in read_table(filter_table).to_dict("records")]
    if [row.scene_id for row in rows] != [row.scene_id for row in filter_rows]:
        raise UserError(
            f"{filter_table} is not of the photos in {photo_frames}: run its rule again"
        )
    return filter_rows
