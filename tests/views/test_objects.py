"""Houses become rooms, walls, openings and object rows with the numbers worked out by hand."""

import copy
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tests.views import houses
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.sources.readers.procthor_assets import assets
from workflow_scripts.sources.readers.procthor_house import openings, rooms, walls
from workflow_scripts.views.objects import object_rows

REAL_HOUSES = Path(__file__).parents[2] / "../shared/data/procthor_houses.jsonl.gz"


def rows_by_id(house: dict) -> dict:
    return {row.object_id: row for row in object_rows(house, "scene")}


def test_furniture_gets_its_box_from_the_asset_table_and_its_yaw_counter_clockwise():
    row = rows_by_id(houses.living_room())["Vase|surface|2|0"]
    asset = assets()[row.asset_id]
    assert (row.x_m, row.y_m, row.z_m) == (3.6, 2.4, 0.95)
    assert (row.width_m, row.depth_m, row.height_m) == asset.size_m
    assert row.yaw_deg == pytest.approx(-30.0)
    assert row.parent_id == "DiningTable|2|1"
    assert (row.category, row.kind, row.room_id) == ("Vase", "object", "room|2")


def test_instances_number_everything_from_one_in_file_order():
    rows = object_rows(houses.living_room(), "scene")
    assert [row.instance for row in rows] == list(range(1, len(rows) + 1))
    assert [row.object_id for row in rows[:6]] == [
        "Sofa|2|0",
        "DiningTable|2|1",
        "Vase|surface|2|0",
        "lamp_3",
        "floor|room|2",
        "ceiling|room|2",
    ]


def test_a_wall_stands_behind_its_plane_and_faces_its_room():
    rows = rows_by_id(houses.living_room())
    far_wall = rows["wall|2|0.00|4.00|5.00|4.00"]
    assert (far_wall.x_m, far_wall.y_m, far_wall.z_m) == pytest.approx((2.5, 4.05, 1.3))
    assert (far_wall.width_m, far_wall.depth_m, far_wall.height_m) == pytest.approx((5.0, 0.1, 2.6))
    # It looks towards -Y, into the room.
    assert abs(far_wall.yaw_deg) == pytest.approx(180.0)
    assert rows["wall|2|5.00|0.00|5.00|4.00"].yaw_deg == pytest.approx(90.0)


def test_floor_and_ceiling_touch_the_room_from_outside():
    rows = rows_by_id(houses.living_room())
    floor, ceiling = rows["floor|room|2"], rows["ceiling|room|2"]
    assert floor.z_m + floor.height_m / 2 == pytest.approx(0.0)
    assert ceiling.z_m - ceiling.height_m / 2 == pytest.approx(2.6)
    assert (floor.x_m, floor.y_m) == (2.5, 2.0)


def test_a_door_is_placed_along_its_wall_from_the_walls_first_point():
    door = rows_by_id(houses.living_room())["door|1|2"]
    # wall0 runs from (5, 4) to (5, 0); one metre along it is y = 3.
    assert (door.x_m, door.y_m, door.z_m) == pytest.approx((5.0, 3.0, 1.05))
    assert door.yaw_deg == pytest.approx(90.0)
    assert door.kind == "structure"


def test_open_passages_and_the_outside_of_the_house_are_no_walls():
    house = houses.living_room()
    house["walls"][0]["empty"] = True
    visible_walls = walls(house, rooms(house))
    assert len(visible_walls) == 3
    assert not any("exterior" in wall.wall_id for wall in visible_walls)


def test_a_hole_in_a_wall_that_is_not_drawn_is_no_opening():
    house = houses.living_room()
    for wall in house["walls"]:
        wall["empty"] = wall["id"] == "wall|2|5.00|0.00|5.00|4.00"
    assert openings(house, walls(house, rooms(house))) == []


def test_polygons_of_either_sense_give_the_same_walls():
    house = houses.living_room()
    twin = copy.deepcopy(house)
    twin["rooms"][0]["floorPolygon"].reverse()
    assert object_rows(house, "s") == object_rows(twin, "s")


def test_a_tilted_object_gets_the_smallest_box_with_its_yaw():
    house = houses.living_room()
    sofa = house["objects"][0]
    sofa["rotation"] = {"x": 0, "y": 0, "z": 90}
    row = rows_by_id(house)["Sofa|2|0"]
    width, depth, height = assets()[row.asset_id].size_m
    assert (row.width_m, row.depth_m, row.height_m) == pytest.approx((height, depth, width))


def test_objects_outside_every_room_belong_to_the_nearest():
    house = houses.living_room()
    house["objects"].append(houses.object_entry("Painting|2|9", "Painting", (2.5, 1.5, 4.02)))
    assert rows_by_id(house)["Painting|2|9"].room_id == "room|2"


def unknown_asset(house):
    house["objects"][0]["assetId"] = "Sofa_of_nobody"


def nan_position(house):
    house["objects"][1]["position"]["x"] = float("nan")


def text_position(house):
    house["objects"][1]["position"]["x"] = "2.0"


def duplicate_id(house):
    house["objects"][0]["id"] = house["objects"][1]["id"]


def flat_room(house):
    for point in house["rooms"][0]["floorPolygon"]:
        point["x"] = 0.0


def crossed_room(house):
    polygon = house["rooms"][0]["floorPolygon"]
    polygon[0], polygon[1] = polygon[1], polygon[0]


def no_rooms(house):
    house["rooms"] = []


def no_walls(house):
    house["walls"] = []


def rooms_of_text(house):
    house["rooms"] = "kitchen"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (unknown_asset, "Sofa_of_nobody"),
        (nan_position, "DiningTable|2|1"),
        (text_position, "DiningTable|2|1"),
        (duplicate_id, "two objects have the id"),
        (flat_room, "encloses 0.00 m2"),
        (crossed_room, "without crossing itself"),
        (no_rooms, "no room"),
        (no_walls, "no wall"),
        (rooms_of_text, "must be a list"),
    ],
)
def test_a_bad_house_is_refused_by_name(spoil, words):
    house = houses.living_room()
    spoil(house)
    with pytest.raises(UserError) as refusal:
        object_rows(house, "scene")
    assert words in str(refusal.value)


@pytest.mark.shared_data
def test_real_houses_stand_inside_their_rooms():
    if not REAL_HOUSES.is_file():
        pytest.skip("needs the 500 ProcTHOR houses of ../shared/data")
    with gzip.open(REAL_HOUSES, "rt") as file:
        lines = [line for _, line in zip(range(40), file, strict=False)]
    for number, line in enumerate(lines):
        house = json.loads(line)
        (room,) = rooms(house)
        low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
        for row in object_rows(house, f"real-{number}"):
            if row.kind == "structure" or row.parent_id:
                continue
            corners = box_corners(
                (row.x_m, row.y_m, row.z_m), (row.width_m, row.depth_m, row.height_m), row.yaw_deg
            )
            assert (corners[:, :2] > low).all(), row
            assert (corners[:, :2] < high).all(), row
            assert np.all(corners[:, 2] > -0.02), row
