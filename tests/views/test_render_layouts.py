"""Rebuilt rooms drawn from the true camera: the truth gives the true picture."""

import json

import numpy as np
import pytest

from tests.layouts.test_rebuild import real_record
from tests.views import houses
from tests.views.shards import render, room_records, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.views import RendererSettings
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.rebuild import rebuild_house
from workflow_scripts.layouts.rebuilt_view import RebuiltView
from workflow_scripts.layouts.room_layout import room_layout
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.views import render_layouts
from workflow_scripts.views.renderer import BACKENDS

BOXES = RendererSettings(preset="draft").model_copy(update={"backend": "boxes"})


@pytest.fixture(autouse=True)
def _box_backend(monkeypatch):
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")


def rebuilt_view(record: RoomRecord, house: dict | None, **changes) -> RebuiltView:
    names = set(RebuiltView.model_fields) & set(RoomRecord.model_fields) - {"schema_version"}
    fields = {name: getattr(record, name) for name in names}
    return RebuiltView(**{**fields, "house": house, **changes})


def draw(folder, rooms: list[RebuiltView], settings=BOXES) -> ViewShard:
    write_records(folder / "rebuilt.jsonl", rooms)
    out = folder / "rebuilt.zarr"
    render_layouts.main(rooms=folder / "rebuilt.jsonl", out=out, seed=3, settings=settings)
    return ViewShard.open(out)


@pytest.fixture
def original(tmp_path) -> tuple[ViewShard, list[RoomRecord]]:
    shard = render(
        tmp_path / "procthor",
        [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
        corner=2,
        random=0,
        top_down=0,
    )
    return shard, room_records(shard, tmp_path / "images")


def categories(shard: ViewShard, view: int) -> np.ndarray:
    scene_id = shard.views.scene_id[view]
    rows = shard.objects[shard.objects.scene_id == scene_id].set_index("instance")
    names = rows.category.to_dict() | {0: ""}
    return np.vectorize(names.get)(shard.instance(view))


def test_the_true_room_gives_the_true_picture(original, tmp_path):
    shard, records = original
    rooms = [
        rebuilt_view(record, rebuild_house(room_layout(record, "opencv_camera"), record).house)
        for record in records
    ]
    drawn = draw(tmp_path / "rebuilt", rooms)
    assert drawn.views.view_id.tolist() == shard.views.view_id.tolist()
    for view in range(len(shard)):
        np.testing.assert_allclose(drawn.depth_m(view), shard.depth_m(view), rtol=1e-4)
        assert (categories(drawn, view) == categories(shard, view)).mean() > 0.999
        camera, expected = drawn.camera(view), shard.camera(view)
        np.testing.assert_array_equal(camera.world_from_camera, expected.world_from_camera)
        np.testing.assert_array_equal(camera.intrinsics, expected.intrinsics)


def test_without_objects_the_room_is_empty(original, tmp_path):
    shard, records = original
    record = next(r for r in records if any(o.is_visible for o in r.objects))
    room = rebuilt_view(record, rebuild_house(RoomLayout("world"), record).house)
    drawn = draw(tmp_path / "rebuilt", [room])
    objects = drawn.objects[drawn.objects.kind == "object"]
    assert objects.empty
    nearer = drawn.depth_m(0) < shard.depth_m(record.view) - 1e-3
    farther = drawn.depth_m(0) > shard.depth_m(record.view) + 1e-3
    assert not nearer.any()
    assert farther.sum() > 20


def test_a_room_that_cannot_be_drawn_is_a_row_and_all_of_them_an_error(original, tmp_path):
    _, records = original
    good = rebuild_house(room_layout(records[0], "world"), records[0]).house
    bad = json.loads(json.dumps(good))
    bad["rooms"][0]["floorPolygon"] = bad["rooms"][0]["floorPolygon"][:2]
    rooms = [
        rebuilt_view(records[0], good),
        rebuilt_view(records[1], bad),
        rebuilt_view(records[2], None, skipped="nothing was written"),
    ]
    drawn = draw(tmp_path / "rebuilt", rooms)
    assert drawn.views.view_id.tolist() == [records[0].view_id]
    skipped = read_records(tmp_path / "rebuilt/rebuilt.skipped.jsonl", SkippedItem)
    assert [item.scene_id for item in skipped] == [r.view_id for r in records[1:3]]
    assert "floorPolygon" in skipped[0].reason
    assert skipped[1].reason == "nothing was written"
    with pytest.raises(UserError, match="no room can be drawn"):
        draw(tmp_path / "none", rooms[1:])


def test_pictures_have_one_size(tmp_path):
    record = real_record(0)
    rooms = [rebuilt_view(record, None), rebuilt_view(record, None, width_px=10)]
    with pytest.raises(UserError, match="10 x 240, 320 x 240"):
        draw(tmp_path, rooms)


def test_the_embedded_renderer_draws_rebuilt_rooms(tmp_path):
    rooms = []
    for seed in range(2):
        record = real_record(seed).model_copy(update={"width_px": 48, "height_px": 32})
        record = record.model_copy(update={"intrinsics": (27.0, 27.0, 24.0, 16.0)})
        house = rebuild_house(room_layout(record, "level_camera"), record).house
        rooms.append(rebuilt_view(record, house))
    drawn = draw(tmp_path, rooms, RendererSettings(preset="draft", furniture="procedural"))
    assert len(drawn) == 2
    for view in range(2):
        assert drawn.rgb(view).std() > 1
        # The passage lets some rays out.
        assert np.isfinite(drawn.depth_m(view)).mean() > 0.2
