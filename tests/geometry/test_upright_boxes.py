"""Boxes by the array, against shapely and against one box at a time."""

import numpy as np
import pytest
from shapely import Polygon

from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import rotation_about_up


@pytest.fixture(scope="module")
def boxes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.uniform(0, 4, (40, 3)), rng.uniform(0.05, 2, (40, 3)), rng.uniform(-180, 180, 40)


def test_corners_are_those_of_single_boxes(boxes):
    corners = upright_boxes.box_corners(*boxes)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    for number, (centre, size, yaw) in enumerate(zip(*boxes, strict=True)):
        expected = (signs * size / 2) @ rotation_about_up(yaw).T + centre
        np.testing.assert_allclose(corners[number], expected, atol=1e-12)
        single = upright_boxes.box_corners(tuple(centre), tuple(size), float(yaw))
        np.testing.assert_array_equal(single, corners[number])


def test_gaps_agree_with_polygons(boxes):
    footprints = [
        Polygon(corners[[0, 2, 6, 4], :2]) for corners in upright_boxes.box_corners(*boxes)
    ]
    wanted = np.array([[a.distance(b) for b in footprints] for a in footprints])
    found = upright_boxes.footprint_gaps_m(*boxes)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert (found == 0).sum() > 100

    centre, size, _ = boxes
    gaps = upright_boxes.box_gaps_m(*boxes)
    np.testing.assert_allclose(gaps, gaps.T)
    apart = np.abs(centre[0, 2] - centre[1, 2]) - (size[0, 2] + size[1, 2]) / 2
    assert gaps[0, 1] == pytest.approx(np.hypot(wanted[0, 1], max(apart, 0)))


def test_crossing_rectangles_without_a_corner_inside_touch():
    centre = np.zeros((2, 3))
    size = np.array([[4.0, 0.2, 1.0], [4.0, 0.2, 1.0]])
    assert upright_boxes.box_gaps_m(centre, size, np.array([0.0, 90.0])).max() == 0.0


def test_nearest_point_of_a_turned_box():
    centre, size = np.array([[0.0, 0, 0]]), np.array([[2.0, 1.0, 1.0]])
    point = np.array([0.0, 3.0, 0.0])
    assert upright_boxes.distance_to_point_m(centre, size, np.array([90.0]), point)[
        0
    ] == pytest.approx(2)
    assert upright_boxes.distance_to_point_m(centre, size, np.array([0.0]), centre[0])[0] == 0.0


def test_no_boxes():
    nothing = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0)
    assert upright_boxes.box_gaps_m(*nothing).shape == (0, 0)
    assert upright_boxes.box_corners(*nothing).shape == (0, 8, 3)
