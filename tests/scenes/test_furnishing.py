"""Rooms are furnished as people would: what belongs to a wall stands at it, chairs face tables."""

from collections import Counter

import numpy as np
import pytest
from shapely.geometry import LineString, Point

from tests.scenes.houses import asset_of, box, outline, rooms_with_objects, with_children

TABLES = ("DiningTable", "Desk")


def back_gap_m(obj, room):
    """Return how far the middle of a thing's back is from the nearest wall."""
    back = box(obj, y=(-0.5, -0.5))
    middle = np.mean(np.array(back.exterior.coords)[:-1], axis=0)
    return outline(room).exterior.distance(Point(middle))


@pytest.mark.parametrize("category", ["Bed", "Toilet", "CounterTop", "Fridge", "TVStand"])
def test_what_belongs_to_a_wall_has_its_back_to_it(houses, category):
    gaps = [
        back_gap_m(obj, room)
        for _, room, objects in rooms_with_objects(houses)
        for obj in objects
        if asset_of(obj).category == category
    ]
    assert len(gaps) > 10
    assert max(gaps) < 0.03


def test_rooms_have_what_makes_them_rooms(houses):
    needed = {
        "Bedroom": {"Bed", "Pillow"},
        "Kitchen": {"CounterTop", "Fridge"},
        "Bathroom": {"Toilet", "Sink", "Faucet"},
        "LivingRoom": {"Sofa"},
    }
    missing, count = Counter(), Counter()
    for _, room, objects in rooms_with_objects(houses):
        categories = {asset_of(obj).category for obj in with_children(objects)}
        count[room["roomType"]] += 1
        missing[room["roomType"]] += not needed[room["roomType"]] <= categories
    assert set(count) == set(needed)
    assert all(missing[room_type] <= 0.05 * count[room_type] for room_type in needed), missing


def test_most_sofas_with_a_television_face_it(houses):
    facing = []
    for _, _, objects in rooms_with_objects(houses):
        tv_stands = [t for t in objects if asset_of(t).category == "TVStand"]
        sofas = [t for t in objects if asset_of(t).category == "Sofa"]
        if tv_stands and sofas:
            tv_area = box(tv_stands[0]).buffer(0.3)
            facing.append(
                any(
                    LineString([box(sofa).centroid, point_ahead(sofa, 6.0)]).intersects(tv_area)
                    for sofa in sofas
                )
            )
    assert len(facing) > 20
    assert np.mean(facing) > 0.75


def point_ahead(obj, distance_m):
    yaw = np.deg2rad(obj["rotation"]["y"])
    position = obj["position"]
    return Point(position["x"] + distance_m * np.sin(yaw), position["z"] + distance_m * np.cos(yaw))


def test_chairs_face_their_tables(houses):
    for _, _, objects in rooms_with_objects(houses):
        tables = [t for t in objects if asset_of(t).category in TABLES]
        for chair in (t for t in objects if asset_of(t).category == "Chair"):
            view_line = LineString([box(chair).centroid, point_ahead(chair, 1.2)])
            assert any(view_line.intersects(box(table)) for table in tables), chair["id"]


def test_a_room_has_one_of_what_comes_alone(houses):
    for _, room, objects in rooms_with_objects(houses):
        count = Counter(asset_of(obj).category for obj in with_children(objects))
        unique_categories = (
            "Bowl",
            "CoffeeMachine",
            "Laptop",
            "Microwave",
            "Toaster",
            "Toilet",
            "Fridge",
        )
        assert all(count[category] <= 1 for category in unique_categories), (room["id"], count)
