"""Families: exact answers on hand-made scenes, and the symmetries that geometry demands."""

import math
from dataclasses import replace

import numpy as np
import pytest

from testing.box_scenes import Box, room, write_shard
from testing.vqa.scenes import DEFAULT_MARGINS
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.vqa import measures as measured_by
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.families.sizes import BIGGER, HEIGHT, TALLER, WIDER, WIDTH
from workflow_scripts.vqa.measures import (
    centre_distance_m,
    gap_m,
    metres_above,
    metres_above_in_picture_too,
    metres_in_front,
    px_to_the_left,
    smallest_agreeing,
)
from workflow_scripts.vqa.question_types.comparison import Comparison
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.view_context import ViewContexts

COMPARISONS = [family for family in FAMILIES if isinstance(family, Comparison)]
LENGTHS = [family for family in FAMILIES if isinstance(family, Numeric) and family.num_objects]
LEFT = Box("Sofa", (-1.0, 3.0, 0.5), (0.6, 0.8, 1.0))
RIGHT = Box("Fridge", (1.0, 4.0, 0.75), (0.9, 0.5, 1.5))
HIGH = Box("Painting", (0.0, 4.4, 2.2), (0.8, 0.1, 0.4), colour=(20, 20, 200))
BOXES = [LEFT, RIGHT, HIGH]


def view_of_boxes(tmp_path, boxes, *, position=(0.0, 0.0, 1.5), yaw_deg=0.0, pitch_deg=-5.0):
    """Return what a 160-pixel camera sees of boxes."""
    camera = Camera.look(
        position,
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=160,
        height_px=160,
        vertical_fov_deg=80.0,
    )
    path = write_shard(tmp_path / "s.zarr", {"house": (boxes, [camera])})
    shard = ViewShard.open(path)
    return ViewContexts(shard, GroundTruthShard(shard), min_pixels=5, min_fraction_visible=0.0).of(
        0
    )


def measure_by_category(view_context, measure, *names):
    """Return a measure of one object or of a pair, by category."""
    value = measure(view_context)[0]
    return float(value[tuple(view_context.categories.index(name) for name in names)])


def moved(box, *, yaw_deg=0.0, scale=1.0, mirrored=False):
    """Return a box mirrored at x = 0, scaled about the origin, then turned about world Z."""
    x, y, z = np.array(box.centre_m) * scale
    centre = rotation_about_up(yaw_deg) @ np.array([-x if mirrored else x, y, z])
    size = tuple(float(scale * side) for side in box.size_m)
    turned = (-box.yaw_deg if mirrored else box.yaw_deg) + yaw_deg
    return Box(box.category, tuple(centre), size, turned, box.colour, box.kind)


def measures(view_context):
    """Return every family's measurement of every ordered pair (or single) of objects."""
    found = {}
    for family in (*COMPARISONS, *LENGTHS):
        value = (family.difference if isinstance(family, Comparison) else family.measure)(
            view_context
        )[0]
        for place in np.ndindex(value.shape):
            names = [view_context.categories[index] for index in place]
            if len(set(names)) == len(names):
                found[family.name, family.forms, *names] = float(value[place])
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
    view_context = view_of_boxes(tmp_path, BOXES)
    assert measure_by_category(view_context, difference, a, b) > 0
    assert measure_by_category(view_context, difference, b, a) == pytest.approx(
        -measure_by_category(view_context, difference, a, b)
    )


def test_sizes_are_exact_and_height_is_not_width(tmp_path):
    view_context = view_of_boxes(tmp_path, BOXES)
    assert measure_by_category(view_context, WIDTH.measure, "Fridge") == 0.9
    assert measure_by_category(view_context, HEIGHT.measure, "Fridge") == 1.5


def test_bigger_compares_volumes(tmp_path):
    view_context = view_of_boxes(tmp_path, BOXES)
    ratio = (0.9 * 0.5 * 1.5 / (0.6 * 0.8 * 1.0)) ** (1 / 3)
    assert measure_by_category(view_context, BIGGER.difference, "Fridge", "Sofa") == pytest.approx(
        ratio - 1
    )


def test_the_gap_is_that_of_the_nearest_corners(tmp_path):
    view_context = view_of_boxes(tmp_path, BOXES)
    # x: -0.7 to 0.55, y: 3.4 to 3.75; the vertical extents overlap.
    assert measure_by_category(view_context, gap_m, "Sofa", "Fridge") == pytest.approx(
        math.hypot(1.25, 0.35)
    )
    # The painting hangs 1.0 m above the sofa: x -0.7 to -0.4, y 3.4 to 4.35.
    gap = math.sqrt(0.3**2 + 0.95**2 + 1.0**2)
    assert measure_by_category(view_context, gap_m, "Sofa", "Painting") == pytest.approx(gap)


def test_the_gap_of_turned_boxes_is_exact(tmp_path):
    diamond = Box("Sofa", (-1.0, 3.0, 0.5), (1.0, 1.0, 1.0), yaw_deg=45.0)
    cube = Box("Fridge", (1.0, 3.0, 0.5), (1.0, 1.0, 1.0))
    view_context = view_of_boxes(tmp_path, [diamond, cube])
    assert measure_by_category(view_context, gap_m, "Sofa", "Fridge") == pytest.approx(
        1.5 - math.sqrt(0.5)
    )
    assert measure_by_category(view_context, gap_m, "Fridge", "Sofa") == pytest.approx(
        1.5 - math.sqrt(0.5)
    )


def test_centre_distance_is_straight(tmp_path):
    view_context = view_of_boxes(tmp_path, BOXES)
    distance = math.sqrt(2.0**2 + 1.0**2 + 0.25**2)
    assert measure_by_category(view_context, centre_distance_m, "Sofa", "Fridge") == pytest.approx(
        distance
    )


@pytest.mark.parametrize("pitch_deg", [-30.0, 0.0, 20.0])
def test_the_nearer_thing_is_in_front_at_any_pitch(tmp_path, pitch_deg):
    near = Box("Sofa", (-0.3, 3.0, 1.2), (0.4, 0.4, 0.4))
    far = Box("Fridge", (0.8, 5.0, 1.2), (0.4, 0.4, 0.4))
    view_context = view_of_boxes(tmp_path, [near, far], pitch_deg=pitch_deg)
    assert measure_by_category(view_context, metres_in_front, "Sofa", "Fridge") > 1.0


def test_planar_and_straight_distance_in_conflict_give_no_answer(tmp_path):
    aside = Box("Sofa", (2.0, 2.8, 1.5), (0.2, 0.2, 0.2))
    ahead = Box("Fridge", (0.0, 3.1, 1.5), (0.2, 0.2, 0.2))
    view_context = view_of_boxes(tmp_path, [aside, ahead], pitch_deg=0.0)
    depth_m = dict(
        zip(view_context.categories, view_context.measured.centre_camera_m[:, 2], strict=True)
    )
    assert depth_m["Sofa"] < depth_m["Fridge"]
    assert measure_by_category(view_context, metres_in_front, "Sofa", "Fridge") == 0.0


def test_a_vase_on_a_table_is_above_it_but_overlapping_heights_have_no_order(tmp_path):
    table = Box("DiningTable", (0.0, 3.0, 0.4), (1.2, 0.8, 0.8))
    vase = Box("Vase", (0.0, 3.0, 0.95), (0.2, 0.2, 0.3))
    lamp = Box("FloorLamp", (1.2, 3.0, 0.8), (0.3, 0.3, 1.6))
    view_context = view_of_boxes(tmp_path, [table, vase, lamp])
    assert measure_by_category(view_context, metres_above, "Vase", "DiningTable") == pytest.approx(
        0.55
    )
    assert measure_by_category(view_context, metres_above, "FloorLamp", "DiningTable") == 0.0


PIXELS = {"left_right", "image_above_below"}
MIRRORED = {"left_right", "left_offset", "bearing_left", "bearing_right"}


def test_mirroring_swaps_left_and_right_and_nothing_else(tmp_path):
    before = measures(view_of_boxes(tmp_path / "a", BOXES))
    after = measures(view_of_boxes(tmp_path / "b", [moved(box, mirrored=True) for box in BOXES]))
    for key, value in before.items():
        expected = -value if key[0] in MIRRORED else value
        if key[0] == "clock_direction":
            expected = -value % 360
        # A mark may move by a pixel: the middle of an even number of pixels is a tie.
        tolerance = 1.01 if key[0] in PIXELS else 1e-9
        assert after[key] == pytest.approx(expected, abs=tolerance), key


def test_turning_the_world_changes_nothing(tmp_path):
    before = measures(view_of_boxes(tmp_path / "a", BOXES))
    position = rotation_about_up(37.0) @ np.array([0.0, 0.0, 1.5])
    turned = [moved(box, yaw_deg=37.0) for box in BOXES]
    after = measures(view_of_boxes(tmp_path / "b", turned, position=position, yaw_deg=37.0))
    for key, value in before.items():
        tolerance = 1.01 if key[0] in PIXELS else 1e-9
        assert after[key] == pytest.approx(value, abs=tolerance), key


def test_moving_the_world_changes_nothing(tmp_path):
    before = measures(view_of_boxes(tmp_path / "a", BOXES))
    shift = np.array([3.0, -7.0, 0.0])
    shifted = [
        Box(box.category, tuple(np.array(box.centre_m) + shift), box.size_m, box.yaw_deg)
        for box in BOXES
    ]
    after = measures(view_of_boxes(tmp_path / "b", shifted, position=(3.0, -7.0, 1.5)))
    for key, value in before.items():
        assert after[key] == pytest.approx(value, abs=1e-9), key


def test_scaling_the_world_scales_metres_and_nothing_else(tmp_path):
    before = measures(view_of_boxes(tmp_path / "a", BOXES))
    larger = [moved(box, scale=2.0) for box in BOXES]
    after = measures(view_of_boxes(tmp_path / "b", larger, position=(0, 0, 3.0)))
    power = {"m": 1, "m2": 2}
    scale = {family.name: 2 ** power.get(family.unit, 0) for family in FAMILIES}
    for key, value in before.items():
        assert after[key] == pytest.approx(value * scale[key[0]]), key


def test_pairs_are_antisymmetric_or_symmetric(tmp_path):
    found = measures(view_of_boxes(tmp_path, BOXES))
    signed = {"left_offset", "depth_offset", "height_offset"}
    compared = {family.name for family in COMPARISONS} | signed
    for key, value in found.items():
        if len(key) != 4 or key[0] == "clock_direction":
            continue
        sign = -1 if key[0] in compared else 1
        swapped = found[key[0], key[1], key[3], key[2]]
        assert swapped == pytest.approx(sign * value, abs=1e-9), key


def test_clocks_of_the_two_directions_are_six_hours_apart(tmp_path):
    view_context = view_of_boxes(tmp_path, BOXES)
    there = measure_by_category(view_context, measured_by.direction_deg, "Sofa", "Fridge")
    back = measure_by_category(view_context, measured_by.direction_deg, "Fridge", "Sofa")
    # The fridge is 2 m to the right of the sofa and 1 m further away.
    assert there == pytest.approx(math.degrees(math.atan2(2.0, 1.0)))
    assert (back - there) % 360 == pytest.approx(180.0)


def test_differences_that_disagree_have_no_answer():
    assert smallest_agreeing(np.array([0.3]), np.array([0.2])) == 0.2
    assert smallest_agreeing(np.array([-0.3]), np.array([-0.2])) == -0.2
    assert smallest_agreeing(np.array([0.3]), np.array([-0.2])) == 0.0
    assert smallest_agreeing(np.array([0.3]), np.array([0.0])) == 0.0


def test_a_name_and_form_is_one_family():
    cells = [(family.name, form) for family in FAMILIES for form in family.forms]
    assert len(cells) == len(set(cells))


def test_widths_of_things_whose_front_is_not_known_are_compared_only_where_any_side_will_do(
    tmp_path,
):
    boxes = [
        Box("Sofa", (-1.0, 3.0, 0.5), (1.6, 0.8, 1.0)),
        Box("Fridge", (1.0, 4.0, 0.75), (0.6, 0.9, 1.5)),
        Box("Stool", (0.0, 3.0, 0.5), (0.3, 0.3, 0.4)),
    ]
    known = view_of_boxes(tmp_path, boxes)
    assert measure_by_category(known, WIDER.difference, "Sofa", "Fridge") == pytest.approx(
        1.6 / 0.6 - 1
    )
    blind = replace(known.measured, has_front=np.zeros(3, dtype=bool))
    view_context = replace(known, measured=blind)
    # The sofa's shorter side is less than the fridge's longer one; the stool is less than both.
    assert measure_by_category(view_context, WIDER.difference, "Sofa", "Fridge") == 0.0
    assert measure_by_category(view_context, WIDER.difference, "Sofa", "Stool") == pytest.approx(
        0.8 / 0.3 - 1
    )
    assert measure_by_category(view_context, WIDER.difference, "Stool", "Fridge") == pytest.approx(
        -(0.6 / 0.3 - 1)
    )
    for form in ("named", "boxed", "region"):
        marks = {form: {"red": 0, "green": 1, "blue": 2}}
        batches = list(
            enumerate_batches(view_context, DEFAULT_MARGINS, seed=1, form=form, marks=marks)
        )
        names = {batch.family.name for batch in batches}
        assert "wider" in names
        assert "view_width" in names
        assert not names & {"width", "same_width", "widest"}


def test_the_width_across_the_line_of_sight_is_that_of_the_corners(tmp_path):
    view_context = view_of_boxes(
        tmp_path, [Box("Sofa", (0.0, 3.0, 0.5), (1.0, 1.0, 1.0), yaw_deg=45.0)]
    )
    assert measure_by_category(view_context, measured_by.view_width_m, "Sofa") == pytest.approx(
        math.sqrt(2)
    )


def test_walls_are_never_asked_about(tmp_path):
    boxes = [*room(6.0, 5.0), Box("Sofa", (3.0, 3.0, 0.4), (1.0, 0.8, 0.8))]
    assert view_of_boxes(tmp_path, boxes, position=(3.0, 0.5, 1.5)).categories == ("Sofa",)
