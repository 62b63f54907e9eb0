"""Where an agent fits."""

import numpy as np

from tests.views.houses import house_of, l_shaped_room, living_room, room_entry, wall_entries
from tests.views.pathtrace_scenes import load, seen_at


def as_set(points: np.ndarray) -> set[tuple[float, float]]:
    return {(round(float(x), 3), round(float(y), 3)) for x, y, _ in points}


def test_an_empty_room_is_reachable_up_to_20_cm_from_its_walls():
    house = living_room()
    house["objects"], house["doors"] = [], []
    points = load(house).reachable_m()
    # 5 x 4 m: nodes 0.25 ... 4.75 by 0.25 ... 3.75.
    assert len(points) == 19 * 15
    assert points[:, 2].max() == 0
    assert points[:, :2].min() == 0.25
    assert list(map(tuple, points)) == sorted(map(tuple, points))


def test_furniture_is_kept_clear_of():
    traced = load(living_room())
    free = as_set(traced.reachable_m())
    table = next(row for row in traced.objects if row.category == "DiningTable")
    for x, y in free:
        outside_x = abs(x - table.x_m) - table.width_m / 2
        outside_y = abs(y - table.y_m) - table.depth_m / 2
        assert np.hypot(max(outside_x, 0), max(outside_y, 0)) >= 0.2 - 1e-9
    assert (0.75, 2.0) in free


def test_the_missing_quarter_of_an_l_is_not_floor():
    house = l_shaped_room()
    house["objects"] = []
    free = as_set(load(house).reachable_m())
    assert (1.0, 5.0) in free
    assert (5.0, 1.0) in free
    assert (4.5, 4.5) not in free
    assert (3.25, 2.75) in free
    assert (3.0, 3.0) not in free


def two_rooms(door: bool) -> dict:
    left = [(0.0, 4.0), (3.0, 4.0), (3.0, 0.0), (0.0, 0.0)]
    right = [(3.0, 4.0), (6.0, 4.0), (6.0, 0.0), (3.0, 0.0)]
    walls = [
        wall
        for room_id, corners in (("room|2", left), ("room|3", right))
        for wall in wall_entries(room_id, corners)
        # The wall between the rooms has no outside.
        if not (wall["roomId"] == "exterior" and "3.00|0.00|3.00|4.00" in wall["id"])
    ]
    house = house_of([room_entry("room|2", left), room_entry("room|3", right)], walls, [])
    if door:
        house["doors"] = [
            {
                "id": "door|2|3",
                "room0": "room|2",
                "room1": "room|3",
                "wall0": "wall|2|3.00|0.00|3.00|4.00",
                "wall1": "wall|3|3.00|0.00|3.00|4.00",
                "assetId": "Doorframe_1",
                # wall0 runs from (3, 4) to (3, 0): u = 1.5 to 2.5 is z = 2.5 to 1.5.
                "assetPosition": {"x": 2.0, "y": 1.05, "z": 0},
                "holePolygon": [{"x": 1.5, "y": 0, "z": 0}, {"x": 2.5, "y": 2.1, "z": 0}],
            }
        ]
    return house


def test_a_doorway_can_be_walked_through_and_a_wall_cannot():
    through = {(3.0, 2.0), (3.0, 1.75), (3.0, 2.25)}
    assert through <= as_set(load(two_rooms(door=True)).reachable_m())
    assert not through & as_set(load(two_rooms(door=False)).reachable_m())
    assert (3.0, 1.0) not in as_set(load(two_rooms(door=True)).reachable_m())


def test_an_open_leaf_stands_in_the_way_and_a_closed_one_shuts_the_doorway():
    house = two_rooms(door=True)
    house["doors"][0] |= {"assetId": "Doorway_8", "openness": 1, "openable": True}
    free = as_set(load(house).reachable_m())
    # The hinge is at u = 1.5, where z = 2.5; the leaf swings into the first room, towards -x.
    assert (3.0, 2.0) in free
    assert (2.5, 2.5) not in free
    assert (3.5, 2.5) in free
    assert (2.5, 1.5) in free
    house["doors"][0]["openness"] = 0
    assert (3.0, 2.0) not in as_set(load(house).reachable_m())


def test_both_sides_of_a_shared_wall_show_their_own_rooms_wall_and_the_hole():
    traced = load(two_rooms(door=True))
    assert seen_at(traced, (1.5, 0.8, 1.2), -90.0) == "wall|2|3.00|0.00|3.00|4.00"
    assert seen_at(traced, (4.5, 0.8, 1.2), 90.0) == "wall|3|3.00|0.00|3.00|4.00"
    assert seen_at(traced, (1.5, 2.0, 1.2), -90.0) == "wall|3|6.00|0.00|6.00|4.00"
    assert seen_at(traced, (4.5, 2.0, 1.2), 90.0) == "wall|2|0.00|0.00|0.00|4.00"
