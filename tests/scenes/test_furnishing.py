"""Rooms are furnished as people would: what belongs to a wall stands at it, chairs face tables."""

from collections import Counter

import numpy as np
import pytest
from shapely.geometry import LineString, Point

from tests.scenes.houses import asset_of, box, everything, outline, rooms_with_objects

TABLES = ("DiningTable", "Desk")


def back_gap_m(thing, room):
    """Return how far the middle of a thing's back is from the nearest wall."""
    back = box(thing, y=(-0.5, -0.5))
    middle = np.mean(np.array(back.exterior.coords)[:-1], axis=0)
    return outline(room).exterior.distance(Point(middle))


@pytest.mark.parametrize("category", ["Bed", "Toilet", "CounterTop", "Fridge", "TVStand"])
def test_what_belongs_to_a_wall_has_its_back_to_it(houses, category):
    gaps = [
        back_gap_m(thing, room)
        for _, room, things in rooms_with_objects(houses)
        for thing in things
        if asset_of(thing).category == category
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
    for _, room, things in rooms_with_objects(houses):
        there = {asset_of(thing).category for thing in everything(things)}
        count[room["roomType"]] += 1
        missing[room["roomType"]] += not needed[room["roomType"]] <= there
    assert set(count) == set(needed)
    assert all(missing[sort] <= 0.05 * count[sort] for sort in needed), missing


def test_most_sofas_with_a_television_face_it(houses):
    facing = []
    for _, _, things in rooms_with_objects(houses):
        stands = [t for t in things if asset_of(t).category == "TVStand"]
        sofas = [t for t in things if asset_of(t).category == "Sofa"]
        if stands and sofas:
            stand = box(stands[0]).buffer(0.3)
            facing.append(
                any(
                    LineString([box(sofa).centroid, ahead(sofa, 6.0)]).intersects(stand)
                    for sofa in sofas
                )
            )
    assert len(facing) > 20
    assert np.mean(facing) > 0.75


def ahead(thing, distance_m):
    yaw = np.deg2rad(thing["rotation"]["y"])
    position = thing["position"]
    return Point(position["x"] + distance_m * np.sin(yaw), position["z"] + distance_m * np.cos(yaw))


def test_chairs_face_their_tables(houses):
    for _, _, things in rooms_with_objects(houses):
        tables = [t for t in things if asset_of(t).category in TABLES]
        for chair in (t for t in things if asset_of(t).category == "Chair"):
            look = LineString([box(chair).centroid, ahead(chair, 1.2)])
            assert any(look.intersects(box(table)) for table in tables), chair["id"]


def test_a_room_has_one_of_what_comes_alone(houses):
    for _, room, things in rooms_with_objects(houses):
        count = Counter(asset_of(thing).category for thing in everything(things))
        alone = ("Bowl", "CoffeeMachine", "Laptop", "Microwave", "Toaster", "Toilet", "Fridge")
        assert all(count[category] <= 1 for category in alone), (room["id"], count)
