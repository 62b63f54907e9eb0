"""Properties of generated houses, checked on the JSON with geometry of the tests' own (shapely)."""

import json
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from shapely.geometry import Point, Polygon
from shapely.ops import unary_union

from tests.scenes.houses import (
    asset_of,
    box,
    floor_in_front,
    height_range,
    outline,
    room_number,
    rooms_with_objects,
    with_children,
)
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.scenes.house_validation import unusable_reason
from workflow_scripts.sources.readers.procthor_assets import support_surfaces

SEED, NUM_HOUSES = 7, 80
TOUCH_M = 1e-3
AGENT_RADIUS_M = 0.2
TABLES = ("DiningTable", "Desk")


def parts(placed):
    """Return the solid parts (rectangle, bottom, top) of a thing that others may reach under.

    A chair is seat and back, a table top and legs; everything else is its box.
    """
    low, high = height_range(placed)
    category = asset_of(placed).category
    if category == "Chair":
        seat = low + 0.5 * (high - low)
        return [(box(placed), low, seat), (box(placed, y=(-0.5, -0.35)), seat, high)]
    if category in TABLES:
        asset = asset_of(placed)
        leg_x, leg_y = 0.06 / asset.width_m, 0.06 / asset.depth_m
        legs = [
            box(placed, x=x, y=y)
            for x in ((-0.5, -0.5 + leg_x), (0.5 - leg_x, 0.5))
            for y in ((-0.5, -0.5 + leg_y), (0.5 - leg_y, 0.5))
        ]
        return [(box(placed), high - 0.07, high), *((leg, low, high - 0.07) for leg in legs)]
    return [(box(placed), low, high)]


def interpenetrate(a, b):
    for plan_a, low_a, high_a in parts(a):
        for plan_b, low_b, high_b in parts(b):
            if min(high_a, high_b) - max(low_a, low_b) <= TOUCH_M:
                continue
            if plan_a.buffer(-TOUCH_M).intersects(plan_b.buffer(-TOUCH_M)):
                return True
    return False


def test_every_house_passes_the_stage_s_own_check_after_a_round_trip(houses):
    for house in houses:
        again = json.loads(json.dumps(house, allow_nan=False))
        assert again == house
        assert unusable_reason(again) is None


def test_a_house_depends_on_seed_and_index_only(houses):
    for index in (NUM_HOUSES - 1, 0, 17):
        assert generate_house(SEED, index) == houses[index]
    assert generate_house(SEED + 1, 0) != houses[0]
    assert len({json.dumps(house) for house in houses}) == NUM_HOUSES


def test_top_objects_do_not_interpenetrate(houses):
    for house, _, placed_objects in rooms_with_objects(houses):
        for a, b in combinations(placed_objects, 2):
            assert not interpenetrate(a, b), (house["metadata"]["roomSpecId"], a["id"], b["id"])


def test_only_tucked_in_chairs_share_floor_with_something(houses):
    tucked = 0
    for _, _, placed_objects in rooms_with_objects(houses):
        standing = [placed for placed in placed_objects if height_range(placed)[0] < 0.01]
        for a, b in combinations(standing, 2):
            if box(a).buffer(-TOUCH_M).intersects(box(b).buffer(-TOUCH_M)):
                kinds = {asset_of(a).category, asset_of(b).category}
                assert "Chair" in kinds
                assert kinds & set(TABLES)
                tucked += 1
    assert tucked > 40


def test_what_stands_on_the_same_thing_does_not_interpenetrate(houses):
    pairs = 0
    for house in houses:
        for parent in with_children(house["objects"]):
            for a, b in combinations(parent["children"], 2):
                pairs += 1
                assert not interpenetrate(a, b), (parent["id"], a["id"], b["id"])
    assert pairs > 2000


def test_small_objects_do_not_reach_into_other_furniture(houses):
    for _, _, placed_objects in rooms_with_objects(houses):
        for placed in placed_objects:
            for child in placed["children"]:
                for other in placed_objects:
                    if other is not placed:
                        assert not interpenetrate(child, other), (child["id"], other["id"])


def test_everything_lies_inside_its_room(houses):
    for house, room, placed_objects in rooms_with_objects(houses):
        floor = outline(room).buffer(TOUCH_M)
        top = max(point["y"] for wall in house["walls"] for point in wall["polygon"])
        for placed in with_children(placed_objects):
            assert floor.contains(box(placed)), placed["id"]
            low, high = height_range(placed)
            assert low > -TOUCH_M, placed["id"]
            assert high < top, placed["id"]


def test_small_objects_stand_on_surfaces_of_their_parents(houses):
    count = 0
    for house in houses:
        for parent in with_children(house["objects"]):
            asset = asset_of(parent)
            low, _ = height_range(parent)
            for child in parent["children"]:
                if "|surface|" not in child["id"]:
                    continue
                count += 1
                holding = [
                    surface
                    for surface in support_surfaces(asset)
                    if abs(height_range(child)[0] - low - surface.height * asset.height_m) < TOUCH_M
                    and box(parent, (surface.x0, surface.x1), (surface.y0, surface.y1))
                    .buffer(TOUCH_M)
                    .contains(box(child))
                ]
                assert holding, (parent["id"], child["id"])
                clearance = holding[0].clearance
                if clearance is not None:
                    assert asset_of(child).height_m <= clearance * asset.height_m + TOUCH_M
    assert count / len(houses) > 15


def test_what_a_group_stands_on_something_rests_on_it(houses):
    for house in houses:
        for parent in house["objects"]:
            for child in parent["children"]:
                if "|surface|" in child["id"] or "|wall|" in child["id"]:
                    continue
                assert asset_of(child).category in ("Television", "Pillow", "Sink", "Faucet")
                stands_on = asset_of(parent)
                top = support_surfaces(stands_on)[0].height if stands_on.category == "Bed" else 1.0
                rests_at = height_range(parent)[0] + top * stands_on.height_m
                assert abs(height_range(child)[0] - rests_at) < TOUCH_M
                centre = Point(child["position"]["x"], child["position"]["z"])
                assert box(parent).contains(centre)


def test_floors_in_front_of_doors_are_free(houses):
    for house in houses:
        low_things = [
            t for t in house["objects"] if height_range(t)[0] < 2.0 and "|wall|" not in t["id"]
        ]
        for door in house["doors"]:
            for wall in {door["wall0"], door["wall1"]}:
                if wall.startswith("wall|exterior"):
                    continue
                floor = floor_in_front(house, door, wall, 0.95).buffer(-TOUCH_M)
                for placed in low_things:
                    assert not box(placed).intersects(floor), (door["id"], placed["id"])


def test_no_two_doors_need_the_same_floor(houses):
    for house in houses:
        floors = [
            floor_in_front(house, door, wall, 0.95).buffer(-TOUCH_M)
            for door in house["doors"]
            for wall in (door["wall0"], door["wall1"])
            if not wall.startswith("wall|exterior")
        ]
        for a, b in combinations(floors, 2):
            assert not a.intersects(b), house["metadata"]["roomSpecId"]


def open_passages(house):
    """Return (room, room, floor strips) of walls that are not drawn."""
    walls = [wall for wall in house["walls"] if wall.get("empty")]
    ends = {}
    for wall in walls:
        ends.setdefault(wall["id"].split("|", 2)[2], []).append(wall)
    return [(a["roomId"], b["roomId"]) for a, b in ends.values()]


def test_an_agent_can_walk_from_every_door_to_every_other_door_and_room(houses):
    for house in houses:
        linked = {room["id"]: {room["id"]} for room in house["rooms"]}
        links = [(door["room0"], door["room1"]) for door in house["doors"]]
        for a, b in links + open_passages(house):
            merged = linked[a] | linked[b]
            for room in merged:
                linked[room] = merged
        assert all(len(group) == len(linked) for group in linked.values())
        for room in house["rooms"]:
            blocked = [
                box(placed)
                for placed in house["objects"]
                if "|wall|" not in placed["id"] and box(placed).intersects(outline(room))
            ]
            free = outline(room).difference(unary_union(blocked)).buffer(-AGENT_RADIUS_M + 0.005)
            pieces = list(free.geoms) if free.geom_type == "MultiPolygon" else [free]
            doors = [
                floor_in_front(house, door, wall, 0.9)
                for door in house["doors"]
                for wall in (door["wall0"], door["wall1"])
                if wall.startswith(f"wall|{room['id'].split('|')[1]}|")
            ]
            reached = [
                {i for i, piece in enumerate(pieces) if piece.intersects(floor)} for floor in doors
            ]
            assert all(reached)
            assert not reached or set.intersection(*reached), room["id"]


def test_the_agent_starts_on_free_floor(houses):
    for house in houses:
        position = house["metadata"]["agent"]["position"]
        assert position["y"] == 0.95
        assert position["x"] % 0.25 == pytest.approx(0, abs=1e-6) or position["x"] % 0.25 > 0.2499
        stand = Point(position["x"], position["z"]).buffer(AGENT_RADIUS_M)
        assert any(outline(room).contains(stand) for room in house["rooms"])
        for placed in house["objects"]:
            if "|wall|" not in placed["id"]:
                assert not box(placed).intersects(stand), placed["id"]


def test_walls_close_around_rooms_and_doors_and_windows_lie_in_them(houses):
    for house in houses:
        walls = {wall["id"]: wall for wall in house["walls"]}
        for room in house["rooms"]:
            ends = Counter()
            length = 0.0
            for wall in walls.values():
                if wall["roomId"] != room["id"]:
                    continue
                (ax, az), (bx, bz) = ((p["x"], p["z"]) for p in wall["polygon"][:2])
                ends[(ax, az)] += 1
                ends[(bx, bz)] += 1
                length += abs(ax - bx) + abs(az - bz)
            assert set(ends.values()) == {2}
            assert length == pytest.approx(outline(room).length, abs=1e-6)
        holes = Counter()
        for opening in house["doors"] + house["windows"]:
            wall = walls[opening["wall0"]]
            start, end = wall["polygon"][:2]
            length = abs(start["x"] - end["x"]) + abs(start["z"] - end["z"])
            low, high = opening["holePolygon"]
            assert 0 <= low["x"] < high["x"] <= length
            assert 0 <= low["y"] < high["y"] <= wall["polygon"][2]["y"]
            middle = (low["x"] + high["x"]) / 2
            assert opening["assetPosition"]["x"] == pytest.approx(middle, abs=0.03)
            holes.update({opening["wall0"], opening["wall1"]})
        assert max(holes.values()) == 1


def test_floor_polygons_go_clockwise_seen_from_above(houses):
    for house in houses:
        for room in house["rooms"]:
            assert not outline(room).exterior.is_ccw


def test_windows_open_to_the_outside_and_bathrooms_have_none(houses):
    types = {}
    for house in houses:
        types.update({room["id"]: room["roomType"] for room in house["rooms"]})
        for window in house["windows"]:
            assert window["wall1"].startswith("wall|exterior")
            assert types[window["room0"]] != "Bathroom"


def test_houses_vary(houses):
    specs = {house["metadata"]["roomSpecId"] for house in houses}
    rooms = [len(house["rooms"]) for house in houses]
    shapes = [len(room["floorPolygon"]) for house in houses for room in house["rooms"]]
    placed_objects = [placed for house in houses for placed in with_children(house["objects"])]
    assert len(specs) >= 9
    assert 1.6 < np.mean(rooms) < 2.4
    assert max(rooms) >= 4
    assert np.mean(np.array(shapes) > 4) > 0.15
    assert len({asset_of(placed).category for placed in placed_objects}) > 95
    assert len({placed["assetId"] for placed in placed_objects}) > 900
    assert len(placed_objects) / len(houses) > 40


def test_ids_tell_type_and_room(houses):
    for house in houses:
        numbers = {room["id"].split("|")[1] for room in house["rooms"]}
        for placed in with_children(house["objects"]):
            assert placed["id"].startswith(f"{asset_of(placed).category}|")
            assert room_number(placed) in numbers


def test_polygon_helper_agrees_with_the_corner_formula():
    """Guard the tests' own geometry: a desk of known size, turned 90 degrees clockwise."""
    placed = {
        "assetId": "Dining_Table_203_1",
        "position": {"x": 1.0, "y": 0.4, "z": 2.0},
        "rotation": {"x": 0, "y": 90, "z": 0},
    }
    asset = asset_of(placed)
    expected = Polygon(
        [
            (1 + sx * asset.depth_m / 2, 2 + sz * asset.width_m / 2)
            for sx, sz in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
    )
    assert box(placed).symmetric_difference(expected).area < 1e-9
