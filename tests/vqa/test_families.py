"""Families: exact answers on hand-made scenes, and the symmetries that geometry demands."""

import math
import re
import string

import numpy as np
import pytest

from tests.synthetic import Box, room, write_shard
from workflow_scripts.common.answers import parse_choice, parse_metres
from workflow_scripts.common.cameras import Camera, rotation_about_up
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.families.above_below import metres_above, metres_above_in_picture_too
from workflow_scripts.vqa.families.distances import centre_distance_m, gap_m
from workflow_scripts.vqa.families.family import Comparison, Length, agreeing
from workflow_scripts.vqa.families.front_behind import metres_in_front
from workflow_scripts.vqa.families.left_right import px_to_the_left
from workflow_scripts.vqa.families.sizes import BIGGER, HEIGHT, TALLER, WIDER, WIDTH
from workflow_scripts.vqa.sight import Sights

COMPARISONS = [family for family in FAMILIES if isinstance(family, Comparison)]
LENGTHS = [family for family in FAMILIES if isinstance(family, Length)]
LEFT = Box("Sofa", (-1.0, 3.0, 0.5), (0.6, 0.8, 1.0))
RIGHT = Box("Fridge", (1.0, 4.0, 0.75), (0.9, 0.5, 1.5))
HIGH = Box("Painting", (0.0, 4.4, 2.2), (0.8, 0.1, 0.4), colour=(20, 20, 200))
THINGS = [LEFT, RIGHT, HIGH]


def see(tmp_path, boxes, *, position=(0.0, 0.0, 1.5), yaw_deg=0.0, pitch_deg=-5.0):
    """Return the boxes that a 160-pixel camera sees, by category."""
    camera = Camera.look(
        position,
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=160,
        height_px=160,
        vertical_fov_deg=80.0,
    )
    path = write_shard(tmp_path / "s.zarr", {"house": (boxes, [camera])})
    sights = Sights(ViewShard.open(path), min_pixels=5, min_fraction_visible=0.0)
    return {seen.category: seen for seen in sights.of(0).objects}


def moved(box, *, yaw_deg=0.0, scale=1.0, mirrored=False):
    """Return a box mirrored at x = 0, scaled about the origin, then turned about world Z."""
    x, y, z = np.array(box.centre_m) * scale
    centre = rotation_about_up(yaw_deg) @ np.array([-x if mirrored else x, y, z])
    size = tuple(float(scale * side) for side in box.size_m)
    turned = (-box.yaw_deg if mirrored else box.yaw_deg) + yaw_deg
    return Box(box.category, tuple(centre), size, turned, box.colour, box.kind)


def measures(seen):
    """Return every family's measurement of every ordered pair (or single) of objects."""
    names = sorted(seen)
    found = {}
    for family in FAMILIES:
        for one in names:
            if isinstance(family, Length) and family.num_objects == 1:
                found[family.name, family.forms, one] = family.value_m(seen[one])
                continue
            for other in names:
                if one != other:
                    measure = (
                        family.difference if isinstance(family, Comparison) else family.value_m
                    )
                    found[family.name, family.forms, one, other] = measure(seen[one], seen[other])
    return found


@pytest.mark.parametrize(
    ("difference", "a", "b"),
    [
        (px_to_the_left, "Sofa", "Fridge"),
        (metres_in_front, "Sofa", "Fridge"),
        (metres_above, "Painting", "Sofa"),
        (metres_above_in_picture_too, "Painting", "Sofa"),
        (WIDER.difference, "Fridge", "Sofa"),
        (TALLER.difference, "Fridge", "Painting"),
        (BIGGER.difference, "Fridge", "Sofa"),
    ],
)
def test_the_first_pole_holds_for_a_against_b(tmp_path, difference, a, b):
    seen = see(tmp_path, THINGS)
    assert difference(seen[a], seen[b]) > 0
    assert difference(seen[b], seen[a]) == -difference(seen[a], seen[b])


def test_sizes_are_exact_and_height_is_not_width(tmp_path):
    fridge = see(tmp_path, THINGS)["Fridge"]
    assert WIDTH.value_m(fridge) == 0.9
    assert HEIGHT.value_m(fridge) == 1.5


def test_bigger_compares_volumes(tmp_path):
    seen = see(tmp_path, THINGS)
    ratio = (0.9 * 0.5 * 1.5 / (0.6 * 0.8 * 1.0)) ** (1 / 3)
    assert BIGGER.difference(seen["Fridge"], seen["Sofa"]) == pytest.approx(ratio - 1)


def test_the_gap_is_that_of_the_nearest_corners(tmp_path):
    seen = see(tmp_path, THINGS)
    # x: -0.7 to 0.55, y: 3.4 to 3.75; the vertical extents overlap.
    assert gap_m(seen["Sofa"], seen["Fridge"]) == pytest.approx(math.hypot(1.25, 0.35))
    # The painting hangs 1.0 m above the sofa: x -0.7 to -0.4, y 3.4 to 4.35.
    gap = math.sqrt(0.3**2 + 0.95**2 + 1.0**2)
    assert gap_m(seen["Sofa"], seen["Painting"]) == pytest.approx(gap)


def test_the_gap_of_turned_boxes_is_exact(tmp_path):
    diamond = Box("Sofa", (-1.0, 3.0, 0.5), (1.0, 1.0, 1.0), yaw_deg=45.0)
    cube = Box("Fridge", (1.0, 3.0, 0.5), (1.0, 1.0, 1.0))
    seen = see(tmp_path, [diamond, cube])
    assert gap_m(seen["Sofa"], seen["Fridge"]) == pytest.approx(1.5 - math.sqrt(0.5))
    assert gap_m(seen["Fridge"], seen["Sofa"]) == pytest.approx(1.5 - math.sqrt(0.5))


def test_centre_distance_is_straight(tmp_path):
    seen = see(tmp_path, THINGS)
    distance = math.sqrt(2.0**2 + 1.0**2 + 0.25**2)
    assert centre_distance_m(seen["Sofa"], seen["Fridge"]) == pytest.approx(distance)


@pytest.mark.parametrize("pitch_deg", [-30.0, 0.0, 20.0])
def test_the_nearer_thing_is_in_front_at_any_pitch(tmp_path, pitch_deg):
    near = Box("Sofa", (-0.3, 3.0, 1.2), (0.4, 0.4, 0.4))
    far = Box("Fridge", (0.8, 5.0, 1.2), (0.4, 0.4, 0.4))
    seen = see(tmp_path, [near, far], pitch_deg=pitch_deg)
    assert metres_in_front(seen["Sofa"], seen["Fridge"]) > 1.0


def test_planar_and_straight_distance_in_conflict_give_no_answer(tmp_path):
    aside = Box("Sofa", (2.0, 2.8, 1.5), (0.2, 0.2, 0.2))
    ahead = Box("Fridge", (0.0, 3.1, 1.5), (0.2, 0.2, 0.2))
    seen = see(tmp_path, [aside, ahead], pitch_deg=0.0)
    assert seen["Sofa"].centre_camera_m[2] < seen["Fridge"].centre_camera_m[2]
    assert metres_in_front(seen["Sofa"], seen["Fridge"]) == 0.0


def test_a_vase_on_a_table_is_above_it_but_overlapping_heights_have_no_order(tmp_path):
    table = Box("DiningTable", (0.0, 3.0, 0.4), (1.2, 0.8, 0.8))
    vase = Box("Vase", (0.0, 3.0, 0.95), (0.2, 0.2, 0.3))
    lamp = Box("FloorLamp", (1.2, 3.0, 0.8), (0.3, 0.3, 1.6))
    seen = see(tmp_path, [table, vase, lamp])
    assert metres_above(seen["Vase"], seen["DiningTable"]) == pytest.approx(0.55)
    assert metres_above(seen["FloorLamp"], seen["DiningTable"]) == 0.0


def test_mirroring_swaps_left_and_right_and_nothing_else(tmp_path):
    before = measures(see(tmp_path / "a", THINGS))
    after = measures(see(tmp_path / "b", [moved(box, mirrored=True) for box in THINGS]))
    for key, value in before.items():
        sign = -1 if key[0] == "left_right" else 1
        # A mark may move by a pixel: the middle of an even number of pixels is a tie.
        tolerance = 1.01 if key[0] in ("left_right", "image_above_below") else 1e-9
        assert after[key] == pytest.approx(sign * value, abs=tolerance), key


def test_turning_the_world_changes_nothing(tmp_path):
    before = measures(see(tmp_path / "a", THINGS))
    position = rotation_about_up(37.0) @ np.array([0.0, 0.0, 1.5])
    turned = [moved(box, yaw_deg=37.0) for box in THINGS]
    after = measures(see(tmp_path / "b", turned, position=position, yaw_deg=37.0))
    for key, value in before.items():
        tolerance = 1.01 if key[0] in ("left_right", "image_above_below") else 1e-9
        assert after[key] == pytest.approx(value, abs=tolerance), key


def test_scaling_the_world_scales_metres_and_nothing_else(tmp_path):
    before = measures(see(tmp_path / "a", THINGS))
    larger = [moved(box, scale=2.0) for box in THINGS]
    after = measures(see(tmp_path / "b", larger, position=(0, 0, 3.0)))
    in_metres = {family.name for family in LENGTHS} | {"above_below", "front_behind"}
    for key, value in before.items():
        assert after[key] == pytest.approx(value * (2 if key[0] in in_metres else 1)), key


def test_differences_that_disagree_have_no_answer():
    assert agreeing(0.3, 0.2) == 0.2
    assert agreeing(-0.3, -0.2) == -0.2
    assert agreeing(0.3, -0.2) == 0.0
    assert agreeing(0.3, 0.0) == 0.0


def test_a_name_and_form_is_one_family():
    cells = [(family.name, form) for family in FAMILIES for form in family.forms]
    assert len(cells) == len(set(cells))


def slots(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("family", COMPARISONS, ids=lambda family: family.name)
def test_comparisons_have_words_enough_and_read_back(family):
    assert len({*family.yes_no, *family.which}) >= 6
    assert len({*family.yes, *family.no, *family.winners}) >= 4
    assert all(slots(text) == {"a", "b", "relation"} for text in family.yes_no)
    assert all(slots(text) == {"a", "b", "extreme"} for text in family.which)
    for pole, opposite in (family.poles, family.poles[::-1]):
        words = {"a": "the red mark", "b": "the blue mark", "winner": "the blue mark"}
        words |= {"relation": pole.relation, "opposite": opposite.relation}
        words |= {"extreme": pole.extreme}
        for truth, texts in (("yes", family.yes), ("no", family.no)):
            assert all(parse_choice(text.format(**words), ["yes", "no"]) == truth for text in texts)
        for text in family.winners:
            assert parse_choice(text.format(**words), ["red", "blue"]) == "blue"
        for text in family.yes_no + family.which:
            assert re.fullmatch(r"[A-Z].*\?", text.format(**words))
            assert parse_choice(text.format(**words), ["yes", "no"]) is None


@pytest.mark.parametrize("family", LENGTHS, ids=lambda family: family.name)
def test_lengths_have_words_enough_and_read_back(family):
    assert len(set(family.questions)) >= 6
    assert len(set(family.answers)) >= 4
    expected = {"a", "b"} if family.num_objects == 2 else {"a"}
    assert all(slots(text) == expected for text in family.questions)
    for text in family.answers:
        answer = text.format(a="the sofa", b="the lamp", value="1.24 m")
        assert parse_metres(answer) == pytest.approx(1.24)
    assert not any(re.search(r"\d", text) for text in family.questions)


def test_walls_are_never_asked_about(tmp_path):
    boxes = [*room(6.0, 5.0), Box("Sofa", (3.0, 3.0, 0.4), (1.0, 0.8, 0.8))]
    assert set(see(tmp_path, boxes, position=(3.0, 0.5, 1.5))) == {"Sofa"}
