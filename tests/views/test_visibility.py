"""Visibility against counts worked out by hand in exactly rendered box scenes."""

import numpy as np
import pytest

from testing.box_scenes import Box, living_room_scene, render
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.visibility import visibility_rows


def rows_of(boxes: list[Box]) -> list[ObjectRow]:
    return [
        ObjectRow(
            scene_id="s",
            instance=number,
            object_id=f"{box.category}|{number}",
            category=box.category,
            kind=box.kind,
            asset_id="",
            parent_id="",
            room_id="room|2",
            x_m=box.centre_m[0],
            y_m=box.centre_m[1],
            z_m=box.centre_m[2],
            width_m=box.size_m[0],
            depth_m=box.size_m[1],
            height_m=box.size_m[2],
            yaw_deg=box.yaw_deg,
        )
        for number, box in enumerate(boxes, start=1)
    ]


def look(boxes: list[Box], **changes: float) -> dict:
    """See boxes from the origin along +Y: f = 50 px at 90 degrees and 100 px."""
    pose = {"yaw_deg": 0.0, "pitch_deg": 0.0, **changes}
    camera = Camera.look((0, 0, 0), width_px=100, height_px=100, vertical_fov_deg=90.0, **pose)
    _, depth_m, instance = render(boxes, camera)
    rows = visibility_rows(4, camera, depth_m.astype(np.float32), instance, rows_of(boxes))
    return {row.instance: row for row in rows}


# Its front face is at 2 m and 2 m wide: 50 px wide and high, from 25 to 75.
CUBE = Box("Box", (0, 3, 0), (2, 2, 2))


def test_a_free_box_is_wholly_visible_and_measured_to_the_pixel():
    row = look([CUBE])[1]
    assert (row.x0, row.y0, row.x1, row.y1) == (25, 25, 75, 75)
    assert row.pixels == 2500
    assert row.fraction_visible == 1.0
    assert not row.truncated
    assert (row.view, row.scene_id) == (4, "s")


def test_half_a_box_hidden_is_half_visible():
    # At 1 m a plate from x = 0 to 2 covers the columns from 50 on.
    plate = Box("Plate", (1, 1.005, 0), (2, 0.01, 4))
    row = look([CUBE, plate])[1]
    assert row.pixels == 1250
    assert row.fraction_visible == 0.5
    assert (row.x0, row.x1) == (25, 50)
    assert not row.truncated


def test_what_is_behind_a_box_does_not_hide_it():
    wall = Box("Wall", (0, 6, 0), (20, 0.1, 20))
    assert look([CUBE, wall])[1].fraction_visible == 1.0


def test_an_object_within_the_box_does_not_hide_it():
    # A mask that leaves the middle of the box to something inside it, 0.5 m behind its front.
    camera = Camera.look(
        (0, 0, 0), yaw_deg=0, pitch_deg=0, width_px=100, height_px=100, vertical_fov_deg=90
    )
    _, depth_m, instance = render([CUBE], camera)
    inside = np.zeros_like(instance, dtype=bool)
    inside[40:60, 40:60] = True
    instance[inside], depth_m[inside] = 2, 2.5
    rows = visibility_rows(0, camera, depth_m, instance, rows_of([CUBE, CUBE]))
    assert rows[0].pixels == 2500 - 400
    assert rows[0].fraction_visible == 1.0


def test_the_oriented_box_is_tested_not_its_upright_hull():
    # Turned by 45 degrees its corner comes to y = 3 - sqrt(2). A plate before the empty corner of
    # the upright hull hides nothing of it.
    turned = Box("Box", (0, 3, 0), (2, 2, 2), 45.0)
    alone = look([turned])[1]
    beside = Box("Plate", (0.72, 1.2, 0), (0.1, 0.01, 4))
    row = look([turned, beside])[1]
    lost = alone.pixels - row.pixels
    assert row.fraction_visible == pytest.approx(row.pixels / (row.pixels + lost))
    assert lost == 0


@pytest.mark.parametrize(
    ("centre", "truncated"),
    [((0, 3, 0), False), ((2.5, 3, 0), True), ((0, 3, 2.0), True), ((-3.2, 4, 0), True)],
)
def test_what_reaches_over_the_border_is_truncated(centre, truncated):
    assert look([Box("Box", centre, (2, 2, 2))])[1].truncated is truncated


def test_a_hidden_corner_outside_the_picture_counts_as_truncated():
    # Only the middle of a wide board is seen through a gap; its ends are outside the picture.
    board = Box("Board", (0, 4, 0), (12, 0.1, 1))
    left, right = (Box("Screen", (x, 2, 0), (4, 0.1, 6)) for x in (-2.5, 2.5))
    row = look([board, left, right])[1]
    assert row.x0 > 0
    assert row.x1 < 100
    assert row.truncated
    assert row.fraction_visible < 0.5


def test_nothing_hides_a_box_that_holds_the_camera():
    around = Box("Tent", (0, 0, 0), (8, 8, 8))
    camera = Camera.look(
        (0, 0, 0), yaw_deg=0, pitch_deg=0, width_px=20, height_px=20, vertical_fov_deg=90
    )
    instance = np.ones((20, 20), dtype=np.uint16)
    instance[:10] = 2
    rows = visibility_rows(0, camera, np.full((20, 20), 1.0), instance, rows_of([around, CUBE]))
    assert rows[0].fraction_visible == 1.0
    assert rows[0].truncated


def test_no_hit_hides_nothing_and_invisible_objects_have_no_row():
    behind = Box("Box", (0, -3, 0), (1, 1, 1))
    rows = look([CUBE, behind])
    assert set(rows) == {1}


def test_counts_agree_with_a_scene_rendered_without_the_neighbours():
    boxes, cameras = living_room_scene(width_px=80, height_px=60)
    for camera in cameras:
        _, depth_m, instance = render(boxes, camera)
        rows = visibility_rows(0, camera, depth_m, instance, rows_of(boxes))
        for row in rows:
            # A box drawn alone covers its visible and its hidden pixels, as boxes fill themselves.
            _, _, alone = render([boxes[row.instance - 1]], camera)
            assert row.fraction_visible == pytest.approx(row.pixels / np.count_nonzero(alone))
        assert sum(row.pixels for row in rows) == np.count_nonzero(instance)
