"""A folder of everything that can be wrong goes through all steps: no stack trace, nothing lost."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.views.images.malformed_photos import run_malformed_photos
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.readers.photo_records import Photo, PhotoDropCount


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Take the hostile folder through every step."""
    top = tmp_path_factory.getbasetemp() / "hostile"
    return top, run_malformed_photos(top)


def test_every_photo_is_a_view_or_a_row_with_its_reason(done):
    top, total = done
    scenes = read_records(top / "0000.jsonl", Photo)
    assert len(scenes) == total
    shown = set(ViewShard.open(top / "0000.zarr").views.scene_id)
    lost = Counter(
        row.scene_id
        for row in read_records(top / "0000.skipped.jsonl", SkippedItem)
        if row.item == "photo"
    )
    assert set(lost.values()) == {1}
    assert shown.isdisjoint(lost)
    assert shown | set(lost) == {scene.scene_id for scene in scenes}
    assert len(shown) > 20
    assert len(lost) > 50


def test_the_drop_off_table_accounts_for_all(done):
    top, total = done
    rows = read_records(top / "0000.dropped.jsonl", PhotoDropCount)
    steps = {"scenes": total}
    for step, after in (("scenes", "read"), ("read", "filter"), ("filter", "")):
        mine = [row for row in rows if row.step == step]
        assert sum(row.count for row in mine) == steps[step]
        (steps[after],) = [row.count for row in mine if not row.reason]
    assert steps[""] == len(ViewShard.open(top / "0000.zarr"))


def test_objects_masks_and_labels_are_in_step(done):
    packed = ViewShard.open(done[0] / "0000.zarr")
    objects = packed.objects.set_index(["scene_id", "instance"]).category
    seen = packed.visibility.set_index(["scene_id", "instance"]).pixels
    assert objects.index.is_unique
    assert set(objects.index) == set(seen.index)
    assert (seen > 0).all()
    assert all(label == label.strip() and label.isprintable() for label in objects)
    for row in packed.views.itertuples():
        shown = set(np.unique(packed.instance(row.view)).tolist()) - {0}
        assert shown == {instance for scene, instance in objects.index if scene == row.scene_id}


def test_no_depth_is_less_than_what_a_view_may_have(done):
    packed = ViewShard.open(done[0] / "0000.zarr")
    for view in range(len(packed)):
        depth = packed.depth_m(view)
        assert not np.isinf(depth).any()
        assert not (depth <= 0).any()
        assert np.isfinite(packed.camera(view).intrinsics).all()
        assert packed.camera(view).intrinsics[0, 0] > 0
