"""Views drawn again with another focal length: the same camera, the same world, another K."""

import numpy as np
import pytest

from tests.views import houses
from tests.views.shards import SMALL, render, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Scene, SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.views import FocalViewSettings
from workflow_scripts.config.vqa import RoomRecordSettings
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.views import render_focal_lengths
from workflow_scripts.views.renderer import BACKENDS
from workflow_scripts.vqa.rooms import write_room_records

SETTINGS = FocalViewSettings(min_pixels=SMALL["min_pixels"]).model_copy(update={"backend": "boxes"})


@pytest.fixture(autouse=True)
def _box_backend(monkeypatch):
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")


@pytest.fixture
def shard(tmp_path) -> ViewShard:
    scenes = [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())]
    scenes[0] = scenes[0].model_copy(update={"split": "test"})
    return render(tmp_path / "views/procthor", scenes, corner=2, random=1)


def draw(shard: ViewShard, percent: int, scenes=None, **changes) -> ViewShard:
    out = shard.path.with_name(f"0000.focal{percent:03d}.zarr")
    render_focal_lengths.main(
        scenes=scenes or shard.path.parent / "scenes.jsonl",
        views=shard.path,
        out=out,
        percent=percent,
        seed=3,
        settings=SETTINGS.model_copy(update=changes),
    )
    return ViewShard.open(out)


def test_only_the_focal_length_differs(shard):
    drawn = draw(shard, 300)
    rows = shard.views[(shard.views.split == "test") & (shard.views.policy != "top_down")]
    assert len(rows) == 3
    assert drawn.views.view_id.tolist() == [f"{name}-f300" for name in rows.view_id]
    assert drawn.views["view"].tolist() == [0, 1, 2]
    for number, row in enumerate(rows.itertuples()):
        old, new = shard.camera(row.view), drawn.camera(number)
        np.testing.assert_array_equal(new.world_from_camera, old.world_from_camera)
        assert new.intrinsics[0, 0] == 3 * old.intrinsics[0, 0]
        assert new.intrinsics[1, 1] == 3 * old.intrinsics[1, 1]
        np.testing.assert_array_equal(new.intrinsics[:2, 2], old.intrinsics[:2, 2])
        # Every third ray from the middle is one of the old picture's.
        height, width = shard.image_shape
        v, u = np.meshgrid(np.arange(-7, 7), np.arange(-10, 10), indexing="ij")
        before = shard.depth_m(row.view)[height // 2 + v, width // 2 + u]
        after = drawn.depth_m(number)[height // 2 + 3 * v + 1, width // 2 + 3 * u + 1]
        np.testing.assert_allclose(after, before, rtol=1e-5)


def test_records_of_them_are_those_of_any_views(shard, tmp_path):
    drawn = draw(shard, 50)
    write_room_records.main(
        scenes=shard.path.parent / "scenes.jsonl",
        views=drawn.path,
        out=tmp_path / "vqa/procthor/0000.focal050.rooms.parquet",
        images=tmp_path / "vqa/procthor/0000.focal050.room_images",
        skipped=tmp_path / "skipped.jsonl",
        settings=RoomRecordSettings(min_pixels=5, min_fraction_visible=0.2),
    )
    records = read_rooms(tmp_path / "vqa/procthor/0000.focal050.rooms.parquet")
    assert [record.view_id for record in records] == drawn.views.view_id.tolist()
    for record in records:
        assert record.intrinsics[0] == pytest.approx(drawn.camera(0).intrinsics[0, 0])
        assert record.vertical_fov_deg == pytest.approx(2 * np.rad2deg(np.arctan(2.0)))
        assert (tmp_path / "vqa" / record.image).is_file()
    wide = sum(item.pixels > 0 for record in records for item in record.objects)
    narrow = draw(shard, 150).visibility
    assert wide >= len(narrow[narrow.instance <= 4])


def test_without_views_of_the_split_the_shard_is_empty(shard):
    drawn = draw(shard, 75, split="val")
    assert len(drawn) == 0
    assert drawn.views.empty


def test_wrong_files_and_numbers_are_one_line(shard, tmp_path):
    with pytest.raises(UserError, match="from 10 to 1000"):
        draw(shard, 5)
    write_records(tmp_path / "other.jsonl", [scene("z", houses.living_room())])
    with pytest.raises(UserError, match="house a is not in the file of scenes"):
        draw(shard, 50, scenes=tmp_path / "other.jsonl")


def test_a_house_that_fails_is_a_row_and_all_of_them_an_error(shard, tmp_path):
    scenes = read_records(shard.path.parent / "scenes.jsonl", Scene)
    bad = {**scenes[0].house, "rooms": []}
    scenes[0] = scenes[0].model_copy(update={"house": bad})
    write_records(tmp_path / "bad.jsonl", scenes)
    with pytest.raises(UserError, match="no view can be drawn"):
        draw(shard, 50, scenes=tmp_path / "bad.jsonl")
    both = shard.path.parent / "scenes.jsonl"
    all_test = [item.model_copy(update={"split": "test"}) for item in read_records(both, Scene)]
    again = render(tmp_path / "again/procthor", all_test, corner=1, random=0)
    scenes[0] = all_test[0].model_copy(update={"house": bad})
    write_records(tmp_path / "half.jsonl", [scenes[0], all_test[1]])
    drawn = draw(again, 50, scenes=tmp_path / "half.jsonl")
    assert set(drawn.views.scene_id) == {"b"}
    skipped = read_records(drawn.path.with_name("0000.focal050.skipped.jsonl"), SkippedItem)
    assert [item.scene_id for item in skipped] == ["a"]
