"""Room records of a shard: geometry as drawn, marks on the objects, bad houses as rows."""

import copy

import numpy as np
import pytest
from PIL import Image

from tests.views import houses
from tests.views.shards import SMALL, render, scene
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Caption, Scene, SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import RoomRecordSettings
from workflow_scripts.geometry.cameras import project, transform
from workflow_scripts.layouts.house_rooms import HouseRooms
from workflow_scripts.layouts.room_layout import camera_pose, record_camera, room_layout
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.sources.readers.house_corners import without_repeated_corners
from workflow_scripts.sources.readers.procthor_assets import assets
from workflow_scripts.views.pathtrace.doors_windows import WallFrame
from workflow_scripts.views.renderer import BACKENDS
from workflow_scripts.vqa.rooms import write_room_records

SETTINGS = RoomRecordSettings(min_pixels=SMALL["min_pixels"], min_fraction_visible=0.2)


def two_rooms() -> dict:
    """Return two rooms side by side: a door between them, a window, and a passage."""
    left = [(0.0, 4.0), (3.0, 4.0), (3.0, 0.0), (0.0, 0.0)]
    right = [(3.0, 4.0), (6.0, 4.0), (6.0, 0.0), (3.0, 0.0)]
    house = houses.house_of(
        [houses.room_entry("room|2", left), houses.room_entry("room|3", right, "Kitchen")],
        houses.wall_entries("room|2", left) + houses.wall_entries("room|3", right),
        [
            houses.object_entry("Chair|2|0", "Chair", (1.0, 0.5, 1.0), yaw=30.0),
            houses.object_entry("Fridge|3|0", "Fridge", (5.0, 0.9, 3.4), yaw=180.0),
        ],
    )
    # The walls of the plane x = 3 run from z 4 to 0 in room 2 and back in room 3.
    house["doors"] = [
        {
            "id": "door|2|3",
            "assetId": houses.first_asset("Doorway"),
            "room0": "room|2",
            "room1": "room|3",
            "wall0": "wall|2|3.00|0.00|3.00|4.00",
            "wall1": "wall|3|3.00|0.00|3.00|4.00",
            "openness": 0.75,
            "holePolygon": [{"x": 1.0, "y": 0, "z": 0}, {"x": 1.9, "y": 2.0, "z": 0}],
            "assetPosition": {"x": 1.45, "y": 1.0, "z": 0},
        }
    ]
    house["windows"] = [
        {
            "id": "window|3|0",
            "assetId": houses.first_asset("Window"),
            "room0": "room|3",
            "room1": "room|3",
            "wall0": "wall|3|3.00|4.00|6.00|4.00",
            "wall1": "wall|exterior|3|3.00|4.00|6.00|4.00",
            "holePolygon": [{"x": 0.5, "y": 1.0, "z": 0}, {"x": 1.5, "y": 2.2, "z": 0}],
            "assetPosition": {"x": 1.0, "y": 1.6, "z": 0},
        }
    ]
    for wall in house["walls"]:
        if wall["id"] == "wall|2|0.00|4.00|3.00|4.00":
            wall["empty"] = True
    return house


def tilted_chair() -> dict:
    house = houses.l_shaped_room()
    house["objects"][0]["rotation"] = {"x": 20.0, "y": 30.0, "z": 0.0}
    return house


@pytest.fixture(scope="module")
def shard(tmp_path_factory) -> ViewShard:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")
        empty = houses.l_shaped_room()
        empty["objects"] = []
        return render(
            tmp_path_factory.mktemp("rooms") / "procthor",
            [
                scene("a", houses.living_room()),
                scene("b", two_rooms()),
                scene("c", tilted_chair()),
                scene("d", empty),
                scene("e", None, "there is no house"),
            ],
            corner=2,
            random=0,
            panorama=1,
        )


def write(shard: ViewShard, folder, scenes=None, **options) -> list[RoomRecord]:
    write_room_records.main(
        scenes=scenes or shard.path.parent / "scenes.jsonl",
        views=shard.path,
        out=folder / "procthor/0000.rooms.parquet",
        images=folder / "procthor/0000.room_images",
        skipped=folder / "procthor/0000.rooms.skipped.jsonl",
        **{"settings": SETTINGS, **options},
    )
    return read_rooms(folder / "procthor/0000.rooms.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vqa")


@pytest.fixture(scope="module")
def records(shard, folder) -> list[RoomRecord]:
    return write(shard, folder)


def test_every_view_has_its_record_and_its_picture(shard, folder, records):
    assert [record.view_id for record in records] == shard.views["view_id"].tolist()
    for record in records:
        with Image.open(folder / record.image) as picture:
            assert picture.size == (record.width_px, record.height_px)
        camera = shard.camera(record.view)
        np.testing.assert_array_equal(camera_pose(record), camera.world_from_camera)
        np.testing.assert_array_equal(record_camera(record).intrinsics, camera.intrinsics)
        assert record.camera_height_m == camera.position_m[2]


def test_objects_are_those_of_the_tables(shard, records):
    visibility = shard.visibility.set_index(["view", "instance"])
    for record in records:
        rows = shard.objects[
            (shard.objects.scene_id == record.scene_id)
            & (shard.objects.room_id == record.room_id)
            & (shard.objects.kind == "object")
        ]
        assert [item.object_id for item in record.objects] == rows.object_id.tolist()
        for item, row in zip(record.objects, rows.itertuples(), strict=True):
            assert item.centre_m == (row.x_m, row.y_m, row.z_m)
            if (record.view, item.instance) in visibility.index:
                seen = visibility.loc[(record.view, item.instance)]
                assert item.pixels == seen.pixels
                assert item.box_px == (seen.x0, seen.y0, seen.x1, seen.y1)
                expected = seen.pixels >= 10 and seen.fraction_visible >= 0.2
                assert item.is_visible == expected
            else:
                assert (item.pixels, item.box_px, item.is_visible) == (0, None, False)
    assert any(item.is_visible for record in records for item in record.objects)
    assert all(not record.objects for record in records if record.scene_id == "d")


def test_a_marked_pixel_lies_on_its_object_and_the_point_on_its_surface(shard, records):
    marked = 0
    for record in records:
        masks, depth = shard.instance(record.view), shard.depth_m(record.view)
        for item in record.objects:
            assert (item.mark_px is None) == (item.pixels == 0)
            if item.mark_px is None:
                continue
            column, row = (int(value) for value in item.mark_px)
            assert masks[row, column] == item.instance
            camera = record_camera(record)
            pixel, z = project(np.array(item.mark_m), camera.intrinsics, camera.world_from_camera)
            assert pixel == pytest.approx(item.mark_px, abs=1e-6)
            assert z == pytest.approx(depth[row, column], abs=1e-6)
            # The backend of boxes draws the boxes of the tables: the point is on one of its faces.
            if record.scene_id != "c":
                local = np.array(item.rotation).reshape(3, 3).T @ (
                    np.array(item.mark_m) - item.centre_m
                )
                assert np.abs(np.abs(local) - np.array(item.size_m) / 2).min() < 1e-4
            marked += 1
    assert marked > 5


def test_holes_are_where_they_are_drawn(records):
    house_rooms = HouseRooms.read(two_rooms())
    for room_id, expected in (("room|2", ["door|2|3"]), ("room|3", ["door|2|3", "window|3|0"])):
        record = next(r for r in records if r.room_id == room_id and r.scene_id == "b")
        assert [opening.opening_id for opening in record.openings] == expected
        for opening in record.openings:
            drawn = next(o for o in house_rooms.openings if o.opening_id == opening.opening_id)
            (wall,) = (
                w for w in house_rooms.walls if w.wall_id == record.walls[opening.wall].wall_id
            )
            frame = WallFrame.of(wall)
            u0, v0, u1, v1 = frame.hole(drawn)
            centre = transform(frame.world_from_wall, [(u0 + u1) / 2, 0.0, (v0 + v1) / 2])
            assert opening.centre_m == pytest.approx(centre)
            assert (opening.width_m, opening.height_m) == pytest.approx((u1 - u0, v1 - v0))
    # Its leaf opens into room 2, whose wall is the first of the two.
    assert {r.room_id: r.openings[0].openness for r in records if r.scene_id == "b"} == {
        "room|2": 0.75,
        "room|3": 0.0,
    }
    door = next(r for r in records if r.room_id == "room|3" and r.scene_id == "b").openings[0]
    assert door.centre_m == pytest.approx((3.0, 4.0 - 1.45, 1.0))


def test_walls_follow_the_floor_and_a_passage_is_open(records):
    for record in records:
        corners = list(record.floor_polygon_m)
        assert [wall.start_m for wall in record.walls] == corners
        assert [wall.end_m for wall in record.walls] == corners[1:] + corners[:1]
        area = sum(
            a[0] * b[1] - b[0] * a[1]
            for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
        )
        assert area < 0
        assert record.floor_material == "WoodFloorsCrossRED"
        for wall in record.walls:
            assert (wall.material == "") == wall.is_open
    two = next(r for r in records if r.room_id == "room|2" and r.scene_id == "b")
    assert [wall.is_open for wall in two.walls].count(True) == 1
    assert len(room_layout(two, "world").walls) == 3


def test_a_tilted_object_keeps_its_own_box(records):
    record = next(r for r in records if r.scene_id == "c")
    (chair,) = record.objects
    rotation = np.array(chair.rotation).reshape(3, 3)
    assert rotation[2, 2] == pytest.approx(np.cos(np.deg2rad(20)))
    # Unity turns by 20 degrees about x first, nose down, then clockwise by 30.
    assert rotation @ [0, 1, 0] == pytest.approx(
        [
            np.sin(np.deg2rad(30)) * np.cos(np.deg2rad(20)),
            np.cos(np.deg2rad(30)) * np.cos(np.deg2rad(20)),
            -np.sin(np.deg2rad(20)),
        ]
    )
    assert chair.size_m == assets()[chair.asset_id].size_m


@pytest.mark.parametrize("change", ["reversed", "closed", "doubled"])
def test_the_order_and_repeats_of_corners_change_nothing(change):
    house = two_rooms()
    for room in house["rooms"]:
        corners = room["floorPolygon"]
        if change == "reversed":
            room["floorPolygon"] = corners[::-1]
        elif change == "closed":
            room["floorPolygon"] = [*corners, corners[0]]
        else:
            room["floorPolygon"] = [corner for corner in corners for _ in range(2)]
    changed = HouseRooms.read(without_repeated_corners(house))
    plain = HouseRooms.read(two_rooms())
    for room_id in plain.rooms:
        walls, expected = (rooms.room_walls(room_id) for rooms in (changed, plain))
        assert {(w.wall_id, w.start_m, w.end_m) for w in walls} == {
            (w.wall_id, w.start_m, w.end_m) for w in expected
        }
        for rooms, room_walls in ((changed, walls), (plain, expected)):
            opened = rooms.room_openings(room_id, room_walls)
            assert [room_walls[o.wall].wall_id for o in opened] == [
                expected[o.wall].wall_id for o in plain.room_openings(room_id, expected)
            ]


def test_a_floor_that_crosses_itself_is_refused():
    house = two_rooms()
    corners = house["rooms"][0]["floorPolygon"]
    house["rooms"][0]["floorPolygon"] = [corners[0], corners[2], corners[1], corners[3]]
    with pytest.raises(UserError, match=r"room\|2.*crossing itself"):
        HouseRooms.read(house)


def test_phrases_come_from_the_captions_of_assets(shard, tmp_path):
    asset = houses.first_asset("Sofa")
    common = {"source": "procthor", "kind": "asset", "backend": "scene", "model": "", "prompt": ""}
    captions = [
        Caption(asset_id=asset, status="ok", text="a long gray sofa", **common),
        Caption(asset_id=houses.first_asset("Chair"), status="refused", text="", **common),
    ]
    write_records(tmp_path / "assets.jsonl", captions)
    for record in write(shard, tmp_path, captions=tmp_path / "assets.jsonl"):
        for item in record.objects:
            assert item.phrase == ("a long gray sofa" if item.asset_id == asset else "")


def test_the_same_shard_gives_the_same_bytes(shard, folder, records, tmp_path):
    write(shard, tmp_path)
    name = "procthor/0000.rooms.parquet"
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_view_without_its_house_is_a_row_and_all_of_them_an_error(shard, tmp_path):
    scenes = read_records(shard.path.parent / "scenes.jsonl", Scene)
    bad = copy.deepcopy(scenes[1].house)
    bad["rooms"][0]["id"] = "room|9"
    scenes[1] = scenes[1].model_copy(update={"house": bad})
    write_records(tmp_path / "some.jsonl", [item for item in scenes if item.scene_id != "a"])
    kept = write(shard, tmp_path, scenes=tmp_path / "some.jsonl")
    skipped = read_records(tmp_path / "procthor/0000.rooms.skipped.jsonl", SkippedItem)
    assert len(kept) + len(skipped) == len(shard)
    reasons = {item.scene_id: item.reason for item in skipped}
    assert "no house 'a'" in reasons["a"]
    assert "'room|2' is not in its house" in reasons["b"]
    write_records(tmp_path / "none.jsonl", [item for item in scenes if item.house is None])
    with pytest.raises(UserError, match="no view has a record"):
        write(shard, tmp_path, scenes=tmp_path / "none.jsonl")
