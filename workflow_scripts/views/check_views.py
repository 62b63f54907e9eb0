"""Check that a source's views show something: what lost everything ends the workflow."""

import logging
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, read_table, write_json
from workflow_scripts.common.view_shard import sibling_path, table_path

logger = logging.getLogger(__name__)


def main(
    *,
    views: tuple[Path, ...],
    out: Path,
    needs_depth: bool = False,
    needs_objects: bool = True,
) -> None:
    """Check all shards of a source.

    Args:
        views: the view shards, `results/views/{source}/{shard}.zarr`; tables lie beside them.
        out: JSON with the number of views, objects and skipped items of the source.
        needs_depth: later stages take the depth that came with the photos, for none is estimated.
        needs_objects: without an object there is nothing to ask about.

    Raises `UserError` if there is no view, no object in any of them, or no depth where it is
    needed; the most common reasons are named.
    """
    scenes: list[str] = []
    num_objects = 0
    skipped: list[SkippedItem] = []
    for path in views:
        scenes += read_table(table_path(path, "views"), columns=["scene_id"])["scene_id"].tolist()
        kinds = read_table(table_path(path, "objects"), columns=["kind"])["kind"]
        num_objects += int((kinds == "object").sum())
        skipped += read_records(sibling_path(path, "skipped.jsonl"), SkippedItem)
    without_depth = {row.scene_id for row in skipped if row.item == "depth"}
    lost, items = "", skipped
    if not scenes:
        lost = "no view"
    elif needs_objects and not num_objects:
        lost = f"no object in any of its {len(scenes)} views"
        items = [row for row in skipped if row.item != "depth"]
    elif needs_depth and without_depth.issuperset(scenes):
        lost = f"no depth for any of its {len(scenes)} views"
        items = [row for row in skipped if row.item == "depth"]
    if lost:
        reasons = most_common_reasons(f"{row.item}: {row.reason}" for row in items)
        raise UserError(
            f"source {out.parent.name} has {lost}"
            + (f"; {reasons}. All of them: {out.parent}/*.skipped.jsonl" if reasons else "")
        )
    write_json(out, {"views": len(scenes), "objects": num_objects, "skipped_items": len(skipped)})
    logger.info("%d views, %d objects, %d items skipped", len(scenes), num_objects, len(skipped))


if __name__ == "__main__":
    run(main)
