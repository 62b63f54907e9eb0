"""Rebuilt rooms: what was true comes back, and whatever is predicted becomes a valid house."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.layouts.records import random_record
from workflow_scripts.common.errors import UserError
from workflow_scripts.layouts.asset_match import category_of_label, nearest_asset
from workflow_scripts.layouts.house_rooms import HouseRooms
from workflow_scripts.layouts.layout import LayoutBox, LayoutOpening, LayoutWall, RoomLayout
from workflow_scripts.layouts.rebuild import (
    FORMAT_PARTS,
    MAX_OBJECTS,
    RebuiltHouse,
    place_objects,
    rebuild_house,
    wall_ring,
)
from workflow_scripts.layouts.room_layout import floor_corners_m, room_layout
from workflow_scripts.layouts.room_record import RoomOpening, RoomRecord
from workflow_scripts.layouts.spatiallm import read_script, write_script
from workflow_scripts.scenes.house_validation import unusable_reason
from workflow_scripts.sources.readers.procthor_assets import assets, assets_in_category
from workflow_scripts.views.objects import object_rows

SEEDS = range(6)


def real_record(seed: int = 0, **changes) -> RoomRecord:
    """Return a room whose objects are assets of the table; number 3 stands on number 0."""
    record = random_record(seed, **changes)
    objects = []
    for number, item in enumerate(record.objects):
        options = assets_in_category(item.category)
        asset = options[number % len(options)]
        fields = {"asset_id": asset.asset_id, "size_m": asset.size_m}
        objects.append(item.model_copy(update=fields))
    window = assets_in_category("Window")[0].asset_id
    openings = [o.model_copy(update={"asset_id": window}) for o in record.openings]
    return record.model_copy(update={"objects": tuple(objects), "openings": tuple(openings)})


def check(rebuilt: RebuiltHouse) -> list:
    """Compare a house with the rules of AI2-THOR that our own check does not look at."""
    house = json.loads(json.dumps(rebuilt.house, allow_nan=False))
    assert unusable_reason(house) is None
    walls = {wall["id"]: wall for wall in house["walls"]}
    (room,) = house["rooms"]
    corners = [(point["x"], point["z"]) for point in room["floorPolygon"]]
    after = corners[1:] + corners[:1]
    assert sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, after, strict=True)) < 0
    inner = [wall for wall in house["walls"] if wall["roomId"] == room["id"]]
    floors = [[(p["x"], p["z"]) for p in wall["polygon"][:2]] for wall in inner]
    assert floors == [list(pair) for pair in zip(corners, after, strict=True)]
    for wall in inner:
        assert [p["y"] == 0 for p in wall["polygon"]] == [True, True, False, False]
    holes = [*house["doors"], *house["windows"]]
    for key in ("wall0", "wall1"):
        used = [hole[key] for hole in holes]
        assert len(set(used)) == len(used)
        assert set(used) <= set(walls)
    for hole in holes:
        (p, q) = walls[hole["wall0"]]["polygon"][:2]
        length = np.hypot(p["x"] - q["x"], p["z"] - q["z"])
        low, high = hole["holePolygon"]
        assert 0 <= low["x"] < high["x"] <= length + 1e-6
        assert low["y"] >= 0
    rows = object_rows(house, "rebuilt")
    assert all("|" in row.object_id for row in rows)
    return rows


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("frame", ["world", "room", "level_camera", "opencv_camera"])
def test_the_true_room_comes_back(seed, frame, tilted):
    record = real_record(seed, tilted=tilted)
    rebuilt = rebuild_house(room_layout(record, frame), record)
    assert not rebuilt.problems
    check(rebuilt)
    rooms = HouseRooms.read(rebuilt.house)
    (room,) = rooms.rooms.values()
    np.testing.assert_allclose(room.polygon_m, floor_corners_m(record)[:, :2], atol=1e-5)
    assert room.height_m == pytest.approx(record.ceiling_height_m)
    walls = rooms.room_walls("room|2")
    assert [wall.is_open for wall in walls] == [wall.is_open for wall in record.walls]
    assert [wall.material for wall in walls] == [wall.material for wall in record.walls]
    assert [wall.color for wall in walls] == [wall.color for wall in record.walls]
    (opening,) = rooms.room_openings("room|2", walls)
    (true,) = record.openings
    assert (opening.kind, opening.wall, opening.asset_id) == (true.kind, true.wall, true.asset_id)
    assert opening.centre_m == pytest.approx(true.centre_m, abs=1e-5)
    assert (opening.width_m, opening.height_m) == pytest.approx(
        (true.width_m, true.height_m), abs=1e-5
    )
    rows = {row.object_id: row for row in object_rows(rebuilt.house, "x")}
    for number, item in enumerate(record.objects):
        row = rows[rebuilt.object_ids[number]]
        assert (row.category, row.asset_id) == (item.category, item.asset_id)
        assert (row.x_m, row.y_m, row.z_m) == pytest.approx(item.centre_m, abs=1e-5)
        rotation = rooms.rotations[row.object_id]
        angle = Rotation.from_matrix(rotation.T @ np.array(item.rotation).reshape(3, 3)).magnitude()
        assert np.rad2deg(angle) < 1e-3
        expected = rebuilt.object_ids[0] if item.parent_id else ""
        assert row.parent_id == expected


def test_the_agent_stands_at_the_camera():
    record = real_record(1)
    agent = rebuild_house(room_layout(record, "world"), record).house["metadata"]["agent"]
    x, y = record.world_from_camera[3], record.world_from_camera[7]
    assert (agent["position"]["x"], agent["position"]["z"]) == pytest.approx((x, y), abs=1e-5)
    assert agent["horizon"] == pytest.approx(-record.pitch_deg, abs=1e-3)
    assert agent["rotation"]["y"] == pytest.approx(-record.yaw_deg % 360, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_script_of_walls_is_rebuilt_from_its_own_text(seed):
    record = real_record(seed)
    layout = room_layout(record, "room", open_walls=True)
    door = LayoutOpening("door", 0, layout.walls[0].start_m + np.array([0, 1.0, 1.0]), 0.9, 2.0)
    layout = dataclasses.replace(layout, openings=(*layout.openings, door))
    predicted = read_script(write_script(layout), frame="room")
    rebuilt = rebuild_house(predicted, record, parts=FORMAT_PARTS["spatiallm"])
    assert not [problem for problem in rebuilt.problems if "box" not in problem.position]
    check(rebuilt)
    rooms = HouseRooms.read(rebuilt.house)
    room = rooms.rooms["room|2"]
    assert (
        room.shape.symmetric_difference(type(room.shape)(floor_corners_m(record)[:, :2])).area
        < 1e-2
    )
    assert sorted(opening.kind for opening in rooms.openings) == ["door", "window"]
    colors = {wall.material: wall.color for wall in rooms.room_walls("room|2")}
    assert colors["Paint1"] == (0.25, 0.5, 0.125)
    assert colors["Paint0"] is None
    # An empty answer has no door and no window, and the true floor.
    empty = RoomLayout(frame="room", walls=predicted.walls)
    house = rebuild_house(empty, record, parts=FORMAT_PARTS["spatiallm"]).house
    assert (house["doors"], house["windows"]) == ([], [])


def box(label: str, **changes) -> LayoutBox:
    values = {"centre_m": np.zeros(3), "size_m": np.ones(3), "rotation": np.eye(3)}
    return LayoutBox(label, **{**values, **changes})


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("SideTable", "SideTable"),
        ("side table", "SideTable"),
        ("side_table", "SideTable"),
        ("a low wooden side table", "SideTable"),
        ("FLOOR LAMP", "FloorLamp"),
        ("bed with a pillow", "Pillow"),
        ("tv stand", "TVStand"),
        ("door", None),
        ("Window", None),
        ("", None),
        ("сто́л", None),
        ("x" * 10_000, None),
    ],
)
def test_labels_mean_categories_of_assets(label, category):
    assert category_of_label(label) == category


def test_every_category_is_meant_by_its_own_name_and_noun():
    for category in {asset.category for asset in assets().values()}:
        if category not in ("Doorway", "Doorframe", "Window"):
            assert category_of_label(category) == category


def test_the_asset_of_the_nearest_size_is_taken():
    for asset in assets_in_category("Bed")[:8]:
        found = nearest_asset("Bed", [1.01 * side for side in asset.size_m])
        assert found.size_m == pytest.approx(asset.size_m, rel=0.02)
    assert nearest_asset("Unicorn", (1, 1, 1)) is None
    placed = place_objects([box("bed", size_m=np.array([0.0, -1.0, 2.0]))], np.zeros(3))
    assert placed.entries[0]["assetId"] in assets()


HOSTILE = [
    ("no category", box("unicorn")),
    ("not a number", box("bed", centre_m=np.array([np.nan, 0, 0]))),
    ("not a number", box("bed", rotation=np.full((3, 3), np.inf))),
    ("m from the camera", box("bed", centre_m=np.array([1e6, 0, 0]))),
    ("no category", box("door")),
    ("no category", box("Window_1", asset_id=assets_in_category("Window")[0].asset_id)),
]


@pytest.mark.parametrize(("reason", "bad"), HOSTILE)
def test_a_box_that_cannot_be_placed_is_a_problem_and_the_rest_stays(reason, bad):
    record = real_record(0)
    truth = room_layout(record, "world")
    layout = dataclasses.replace(truth, boxes=(bad, *truth.boxes))
    rebuilt = rebuild_house(layout, record)
    assert [reason in problem.reason for problem in rebuilt.problems] == [True]
    check(rebuilt)
    assert set(rebuilt.object_ids) == set(range(1, 7))


def test_children_in_a_ring_and_repeated_keys_end():
    boxes = [
        box("bed", key="a", parent="b"),
        box("pillow", key="b", parent="a"),
        box("pillow", key="c", parent="c"),
        box("pillow", key="d", parent="none"),
        box("pillow", key="a", parent="a"),
        box("bed"),
    ]
    record = real_record(0)
    camera = np.array(record.world_from_camera).reshape(4, 4)[:3, 3]
    boxes = [dataclasses.replace(item, centre_m=camera) for item in boxes]
    rebuilt = rebuild_house(RoomLayout("world", tuple(boxes)), record)
    rows = [row for row in check(rebuilt) if row.kind == "object"]
    assert len(rows) == len(boxes)


def test_many_walls_have_a_limit():
    corners = np.array([[n % 7, n // 7, 0] for n in range(5000)], dtype=float)
    walls = tuple(
        LayoutWall(corners[n], corners[(n + 1) % len(corners)], 2.5) for n in range(len(corners))
    )
    with pytest.raises(UserError, match="5000 walls, more than"):
        wall_ring(walls)
    rebuilt = rebuild_house(
        RoomLayout("world", walls=walls), real_record(2), parts=FORMAT_PARTS["spatiallm"]
    )
    assert "the true floor is taken" in rebuilt.problems[0].reason


def test_many_objects_have_a_limit():
    many = tuple(box("chair", centre_m=np.array([0.01 * i, 0, 0])) for i in range(MAX_OBJECTS + 5))
    placed = place_objects(many, np.zeros(3))
    assert len(placed.entries) == MAX_OBJECTS
    assert len(placed.problems) == 1


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0, 0], [1, 1, 0]],
        [[0, 0, 0], [2, 2, 0], [2, 0, 0], [0, 2, 0]],
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 0.1, 0], [0.1, 0.1, 0]],
        [[0, 0, 0], [0, 1e5, 0], [1e5, 1e5, 0]],
        [[np.nan, 0, 0], [0, 1, 0], [1, 1, 0]],
    ],
)
def test_a_floor_that_is_none_gives_way_to_the_true_one(corners):
    record = real_record(2)
    layout = RoomLayout("world", floor_polygon_m=np.array(corners, dtype=float))
    rebuilt = rebuild_house(layout, record, parts=FORMAT_PARTS["r2d3"])
    assert "the true floor is taken" in rebuilt.problems[0].reason
    check(rebuilt)
    assert len(rebuilt.house["rooms"][0]["floorPolygon"]) == 4


def test_several_holes_of_a_wall_become_walls_of_one_hole():
    record = real_record(3)
    start, end = (np.array([*p, 0.0]) for p in (record.walls[1].start_m, record.walls[1].end_m))
    along = (end - start) / np.linalg.norm(end - start)
    openings = [
        LayoutOpening("window", 1, start + u * along + np.array([0, 0, v]), w, h)
        for u, v, w, h in (
            (0.5, 1.5, 0.5, 0.5),
            (1.2, 1.5, 0.5, 0.5),
            (1.3, 1.5, 0.5, 0.5),
            (1.8, 9.0, 0.3, 0.5),
            (np.nan, 1.5, 0.3, 0.5),
            (1.7, 1.5, -0.1, 0.0),
        )
    ]
    openings.append(LayoutOpening("door", 0, np.array([500.0, 500.0, 1.0]), 0.9, 2.0))
    layout = dataclasses.replace(room_layout(record, "world"), openings=tuple(openings), boxes=())
    rebuilt = rebuild_house(layout, record, parts=["windows", "doors"])
    check(rebuilt)
    assert len(rebuilt.house["windows"]) == 2
    assert len(rebuilt.house["rooms"][0]["floorPolygon"]) == 5
    assert len(rebuilt.problems) == 5
    rooms = HouseRooms.read(rebuilt.house)
    centres = [o.centre_m for o in rooms.room_openings("room|2", rooms.room_walls("room|2"))]
    for centre, opening in zip(centres, openings[:2], strict=True):
        assert centre == pytest.approx(opening.centre_m.tolist(), abs=1e-5)


def test_true_doors_stay_where_a_format_has_none():
    record = real_record(0)
    door = RoomOpening(
        opening_id="door|1|2",
        kind="door",
        wall=0,
        asset_id="unknown",
        centre_m=(*np.mean([record.walls[0].start_m, record.walls[0].end_m], axis=0), 1.0),
        width_m=0.9,
        height_m=2.0,
        openness=0.5,
    )
    record = record.model_copy(update={"openings": (*record.openings, door)})
    layout = RoomLayout("level_camera")
    for parts, expected in (
        ((), (1, 1)),
        (FORMAT_PARTS["r2d3"] - {"floor"}, (1, 0)),
        (("doors",), (0, 1)),
    ):
        house = rebuild_house(layout, record, parts=parts).house
        assert (len(house["doors"]), len(house["windows"])) == expected
        for entry in house["doors"]:
            assert assets()[entry["assetId"]].category == "Doorway"
            assert entry["openness"] == 0.5


def test_a_predicted_door_is_as_open_as_the_true_one_near_it():
    record = real_record(0)
    middle = np.mean([record.walls[0].start_m, record.walls[0].end_m], axis=0)
    values = {"opening_id": "door|1|2", "kind": "door", "wall": 0, "asset_id": "", "width_m": 0.9}
    door = RoomOpening(**values, centre_m=(*middle, 1.0), height_m=2.0, openness=0.5)
    record = record.model_copy(update={"openings": (door,)})
    for moved, openness in ((0.2, 0.5), (0.8, 0.0)):
        centre = np.array([middle[0], middle[1] + moved, 1.0])
        predicted = LayoutOpening("door", 0, centre, 0.8, 2.0)
        layout = RoomLayout("world", openings=(predicted,))
        (entry,) = rebuild_house(layout, record, parts=["doors"]).house["doors"]
        assert (entry["openness"], entry["openable"]) == (openness, openness > 0)


def test_walls_may_be_in_any_order_and_direction():
    record = real_record(4)
    corners = floor_corners_m(record)
    ring = [LayoutWall(corners[i], corners[(i + 1) % 4], 2.4) for i in range(4)]
    mixed = (ring[2], dataclasses.replace(ring[0], start_m=ring[0].end_m, end_m=ring[0].start_m))
    layout = RoomLayout("world", walls=(*mixed, ring[3], ring[1]))
    rebuilt = rebuild_house(layout, record, parts=FORMAT_PARTS["spatiallm"])
    assert not rebuilt.problems
    check(rebuilt)
    assert HouseRooms.read(rebuilt.house).rooms["room|2"].height_m == pytest.approx(2.4)
    apart = dataclasses.replace(ring[1], end_m=ring[1].end_m + np.array([0.5, 0, 0]))
    layout = RoomLayout("world", walls=(ring[0], apart, ring[2], ring[3]))
    rebuilt = rebuild_house(layout, record, parts=FORMAT_PARTS["spatiallm"])
    assert "gap" in rebuilt.problems[0].reason
