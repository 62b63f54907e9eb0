"""A source whose views lost every object, or all depth, ends the workflow with the reasons."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_json, write_records, write_table
from workflow_scripts.views import check_views


def write_shard(
    folder: Path, number: int, *, scenes: Sequence[str], kinds: Sequence[str], skipped: str = ""
) -> Path:
    """Write the tables of a shard; of each scene one item is skipped for want of `skipped`."""
    path = folder / f"{number:04d}.zarr"
    write_table(folder / f"{number:04d}.views.parquet", pd.DataFrame({"scene_id": list(scenes)}))
    write_table(folder / f"{number:04d}.objects.parquet", pd.DataFrame({"kind": list(kinds)}))
    rows = [
        SkippedItem(source="images", scene_id=scene, item=skipped, reason=f"missing: no {skipped}")
        for scene in scenes
        if skipped
    ]
    write_records(folder / f"{number:04d}.skipped.jsonl", rows)
    return path


def test_views_and_objects_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    shards = (
        write_shard(folder, 0, scenes=["a", "b"], kinds=[], skipped="object"),
        write_shard(folder, 1, scenes=["c"], kinds=["object", "structure"]),
    )
    check_views.main(views=shards, out=folder / "counts.json", needs_depth=True)
    counts = {"views": 3, "objects": 1, "skipped_items": 2}
    assert read_json(folder / "counts.json") == counts


@pytest.mark.parametrize(
    ("scenes", "kinds", "skipped", "message"),
    [
        ([], [], "", "source images has no view"),
        (["a"], ["structure"], "", "source images has no object in any of its 1 views"),
        (["a"], [], "object", "1 views; 1 times: object: missing: no object. All of them: "),
        (["a", "b"], ["object"], "depth", "no depth for any of its 2 views; 2 times: depth: miss"),
    ],
)
def test_a_source_that_lost_everything_is_an_error(
    tmp_path: Path, scenes: list[str], kinds: list[str], skipped: str, message: str
) -> None:
    folder = tmp_path / "images"
    shard = write_shard(folder, 0, scenes=scenes, kinds=kinds, skipped=skipped)
    with pytest.raises(UserError, match=message):
        check_views.main(views=(shard,), out=folder / "counts.json", needs_depth=True)
    assert not (folder / "counts.json").exists()


def test_estimated_depth_needs_none_of_the_user_s(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    shard = write_shard(folder, 0, scenes=["a"], kinds=["object"], skipped="depth")
    check_views.main(views=(shard,), out=folder / "counts.json")


def test_scans_may_come_without_labels(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    shard = write_shard(folder, 0, scenes=["a"], kinds=[])
    check_views.main(views=(shard,), out=folder / "counts.json", needs_objects=False)
    assert read_json(folder / "counts.json")["objects"] == 0
    shard = write_shard(folder, 0, scenes=[], kinds=[])
    with pytest.raises(UserError, match="source scans has no view"):
        check_views.main(views=(shard,), out=folder / "counts.json", needs_objects=False)
