"""What the stage's command writes, and what it skips."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.views import houses
from tests.views.box_renderer import BoxHouse
from tests.views.shards import ENDINGS, ROOT, SMALL, fingerprint, render, scene, view_settings
from workflow_scripts.common.records import (
    ObjectRow,
    SkippedItem,
    ViewRow,
    VisibilityRow,
)
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import project
from workflow_scripts.views import shard
from workflow_scripts.views.policies import CAMERA_HEIGHT_M
from workflow_scripts.views.probe import BLOCKED, EMPTY
from workflow_scripts.views.renderer import BACKENDS


@pytest.fixture(autouse=True)
def _box_backend(monkeypatch):
    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")


@pytest.fixture(scope="module")
def two_scenes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")
        folder = tmp_path_factory.mktemp("two")
        return render(
            folder,
            [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
            corner=3,
            random=2,
            panorama=4,
        )


def test_every_policy_gives_its_number_of_views_per_room(two_scenes):
    counts = two_scenes.views.groupby(["scene_id", "policy"]).size().to_dict()
    for scene_id in "ab":
        assert counts[scene_id, "corner"] == 3
        assert counts[scene_id, "random"] == 2
        assert counts[scene_id, "panorama"] == 4
        assert counts[scene_id, "top_down"] == 1
    assert len(two_scenes) == len(two_scenes.views) == 20


def test_tables_have_the_columns_of_their_records_and_keys_are_unique(two_scenes):
    for rows, model, keys in (
        (two_scenes.views, ViewRow, ["view"]),
        (two_scenes.views, ViewRow, ["view_id"]),
        (two_scenes.objects, ObjectRow, ["scene_id", "instance"]),
        (two_scenes.visibility, VisibilityRow, ["view", "instance"]),
    ):
        assert list(rows.columns) == list(model.model_fields)
        assert not rows.duplicated(keys).any()
    assert two_scenes.views["view"].tolist() == list(range(20))


def test_masks_and_visibility_agree(two_scenes):
    for view in range(len(two_scenes)):
        numbers, counts = np.unique(two_scenes.instance(view), return_counts=True)
        found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        found.pop(0, None)
        rows = two_scenes.visibility[two_scenes.visibility["view"] == view]
        assert dict(zip(rows.instance, rows.pixels, strict=True)) == found


def test_the_best_view_of_a_room_shows_most_objects(two_scenes):
    views = two_scenes.views
    for _, room in views[views.policy != "top_down"].groupby(["scene_id", "room_id"]):
        best = room[room.is_best]
        assert len(best) == 1
        assert best.num_visible_objects.item() == room.num_visible_objects.max()
    assert not views[views.policy == "top_down"].is_best.any()


def test_objects_below_min_pixels_do_not_count(two_scenes):
    kinds = two_scenes.objects.set_index(["scene_id", "instance"]).kind
    for row in two_scenes.views.itertuples():
        seen = two_scenes.visibility[two_scenes.visibility["view"] == row.view]
        pixel_counts = [
            pixels
            for instance, pixels in zip(seen.instance, seen.pixels, strict=True)
            if kinds[row.scene_id, instance] == "object"
        ]
        assert row.num_visible_objects == sum(
            pixels >= SMALL["min_pixels"] for pixels in pixel_counts
        )


def test_cameras_are_the_true_ones(two_scenes):
    for row in two_scenes.views.itertuples():
        camera = two_scenes.camera(row.view)
        assert camera.vertical_fov_deg == pytest.approx(row.vertical_fov_deg)
        if row.policy == "top_down":
            assert camera.world_from_camera[:3, 2] == pytest.approx([0, 0, -1])
        else:
            assert camera.position_m[2] == CAMERA_HEIGHT_M
            assert camera.vertical_fov_deg == pytest.approx(90.0)


def test_views_from_above_look_through_the_ceiling(two_scenes):
    objects = two_scenes.objects
    above = two_scenes.views[two_scenes.views.policy == "top_down"]
    for row in above.itertuples():
        ceilings = objects[(objects.category == "ceiling") & (objects.scene_id == row.scene_id)]
        assert len(ceilings) == 1
        assert not np.isin(two_scenes.instance(row.view), ceilings.instance).any()
        assert row.num_visible_objects >= 1


def test_the_attributes_say_how_the_shard_was_made(two_scenes):
    attributes = dict(two_scenes.group.attrs)
    assert attributes["backend"] == "boxes"
    assert attributes["renderer"] == {"renderer": "boxes"}
    assert attributes["policies"]["panorama"] == 4
    assert set(attributes["rejected_candidates"]) <= {"corner", "random"}
    assert "/" not in str(attributes)


def test_the_contact_sheet_is_a_picture(two_scenes):
    with Image.open(two_scenes.path.with_suffix(".png")) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 1000


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    scenes = [scene("a", houses.living_room())]
    for name in ("first", "second"):
        render(tmp_path / name, scenes, corner=1, random=1)
    assert fingerprint(tmp_path / "first") == fingerprint(tmp_path / "second")


def test_a_scene_does_not_depend_on_its_neighbours(tmp_path):
    alone = render(tmp_path / "alone", [scene("b", houses.l_shaped_room())], corner=2, random=1)
    after = render(
        tmp_path / "after",
        [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())],
        corner=2,
        random=1,
    )
    offset = int(after.views[after.views.scene_id == "b"]["view"].min())
    for view in range(len(alone)):
        assert (alone.rgb(view) == after.rgb(view + offset)).all()
        assert alone.views.view_id[view] == after.views.view_id[view + offset]


def test_what_cannot_be_shown_is_a_row_with_its_reason(tmp_path):
    bad = houses.living_room()
    bad["objects"][0]["assetId"] = "Sofa_of_nobody"
    empty = houses.living_room()
    empty["objects"] = []
    # A bed as large as the room leaves no place to stand.
    closet = [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    full = houses.house_of(
        [houses.room_entry("room|4", closet)],
        houses.wall_entries("room|4", closet),
        [houses.object_entry("Bed|4|0", "Bed", (0.5, 0.5, 0.5))],
    )
    found = render(
        tmp_path,
        [
            scene("gone", None, "no area"),
            scene("bad", bad),
            scene("empty", empty),
            scene("full", full),
            scene("good", houses.living_room()),
        ],
    )
    assert set(found.views.scene_id) == {"good"}
    assert set(found.objects.scene_id) == {"good"}
    rows = read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)
    reasons = {(row.scene_id, row.item): row.reason for row in rows}
    assert reasons["gone", "house"] == "no area"
    assert "Sofa_of_nobody" in reasons["bad", "house"]
    assert EMPTY in reasons["empty", "room|2 corner"]
    assert "no floor point" in reasons["full", "room|4 corner"]
    assert dict(found.group.attrs)["rejected_candidates"]["corner"][EMPTY] >= 8


def test_a_shard_of_unusable_scenes_is_whole_and_empty(tmp_path):
    found = render(tmp_path, [scene("gone", None, "no area")])
    assert len(found) == 0
    assert found.views.empty
    assert found.group["rgb"].shape == (0, 48, 64, 3)
    assert {path.name for path in tmp_path.iterdir() if path.name != ".checksums"} == {
        "scenes.jsonl",
        *(f"0000.{ending}" for ending in ENDINGS),
    }


def test_a_wall_before_the_camera_is_rejected_and_counted(tmp_path):
    narrow = [(0.0, 1.3), (6.0, 1.3), (6.0, 0.0), (0.0, 0.0)]
    house = houses.house_of(
        [houses.room_entry("room|2", narrow)],
        houses.wall_entries("room|2", narrow),
        [houses.object_entry("Chair|2|0", "Chair", (5.5, 0.5, 0.6))],
    )
    found = render(tmp_path, [scene("hall", house)], corner=0, random=3)
    assert dict(found.group.attrs)["rejected_candidates"]["random"][BLOCKED] >= 1


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (50, 50)])
def test_the_view_from_above_fits_pictures_of_every_shape(tmp_path, size):
    width_px, height_px = size
    found = render(
        tmp_path,
        [scene("l", houses.l_shaped_room())],
        corner=1,
        random=0,
        width_px=width_px,
        height_px=height_px,
    )
    row = found.views[found.views.policy == "top_down"].iloc[0]
    corners = np.array([[x, z, 0.0] for x, z in houses.L_SHAPE])
    camera = found.camera(row["view"])
    pixels, _ = project(corners, camera.intrinsics, camera.world_from_camera)
    assert (pixels > 0).all()
    assert (pixels < (width_px, height_px)).all()


def test_both_kinds_of_backend_write_the_same_records(tmp_path, monkeypatch):
    pytest.importorskip("ai2thor")
    from tests.views.unity_standin import StandInController

    monkeypatch.setattr("ai2thor.controller.Controller", StandInController)
    # Unity has no pass without a picture; neither have the boxes now.
    monkeypatch.delattr(BoxHouse, "geometry")
    scenes = [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())]
    boxes = render(tmp_path / "boxes", scenes, corner=2, random=2)
    unity = render(tmp_path / "unity", scenes, corner=2, random=2, backend="ai2thor")
    for name in ("views", "objects", "visibility"):
        pd.testing.assert_frame_equal(getattr(boxes, name), getattr(unity, name))
    for view in range(len(boxes)):
        np.testing.assert_array_equal(boxes.instance(view), unity.instance(view))
        np.testing.assert_array_equal(boxes.depth_m(view), unity.depth_m(view))
        np.testing.assert_array_equal(boxes.rgb(view), unity.rgb(view))
    assert unity.group.attrs["renderer"]["platform"] == "CloudRendering"


def test_without_measured_surfaces_pictures_are_the_same_and_objects_are_boxes(tmp_path):
    write_records(tmp_path / "scenes.jsonl", [scene("a", houses.living_room())])
    settings = view_settings("pathtrace", preset="draft", corner=1, random=0, top_down=0)
    shards = {}
    for measured in (True, False):
        out = tmp_path / str(measured) / "0000.zarr"
        shard.main(
            scenes=tmp_path / "scenes.jsonl",
            out=out,
            seed=3,
            settings=settings,
            measure_surfaces=measured,
        )
        shards[measured] = ViewShard.open(out)
    np.testing.assert_array_equal(shards[True].rgb(0), shards[False].rgb(0))
    np.testing.assert_array_equal(shards[True].instance(0), shards[False].instance(0))
    assert (shards[True].objects["outline"] != "").any()
    assert (shards[False].objects["outline"] == "").all()
    assert shards[False].visibility["nearest_m"].isna().all()


@pytest.mark.shared_data
def test_real_houses_become_views_without_holes(tmp_path):
    path = ROOT / "../shared/data/procthor_houses.jsonl.gz"
    if not path.is_file():
        pytest.skip("needs the 500 ProcTHOR houses of ../shared/data")
    with gzip.open(path, "rt") as file:
        lines = [line for number, line in enumerate(file) if number in (3, 14)]
    scenes = [scene(f"real-{n}", json.loads(line)) for n, line in enumerate(lines)]
    found = render(
        tmp_path, scenes, backend="pathtrace", preset="draft", furniture="procedural", random=1
    )
    assert set(found.views.scene_id) == {"real-0", "real-1"}
    eye_level = found.views[found.views.policy != "top_down"]
    assert len(eye_level) == 10
    assert eye_level.num_visible_objects.mean() > 3
    for view in eye_level["view"]:
        assert (found.instance(view) > 0).mean() > 0.999
        assert found.rgb(view).std() > 10
