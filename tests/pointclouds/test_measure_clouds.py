"""Clouds to boxes, extents, distances and gaps, against boxes placed by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.pointclouds.gaps import pairwise_gaps
from workflow_scripts.pointclouds.measure_clouds import LevelCamera, measure_clouds

CAMERA = LevelCamera(np.array([0.0, 0.0, 1.5]), np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def shell(centre, size, yaw_deg: float, n: int = 1500, seed: int = 0) -> np.ndarray:
    """Return points on the surface of a box, edges included."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (n, 3))
    axis = rng.integers(0, 3, n)
    points[np.arange(n), axis] = np.sign(points[np.arange(n), axis]) / 2
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    points = np.concatenate([points, corners]) * size
    return points @ rotation_about_up(yaw_deg).T + centre


@pytest.mark.parametrize("yaw_deg", [-40.0, -7.0, 0.0, 20.0, 44.0])
def test_box_of_a_whole_shell_is_exact(yaw_deg):
    size, centre = np.array([1.6, 0.7, 0.9]), np.array([0.5, 3.0, 0.45])
    found = measure_clouds([shell(centre, size, yaw_deg)], CAMERA)
    np.testing.assert_allclose(np.sort(found.size_m[0]), np.sort(size), atol=0.02)
    np.testing.assert_allclose(found.centre_m[0], centre, atol=0.01)
    turn = (found.yaw_deg[0] - yaw_deg + 45) % 90 - 45
    assert turn == pytest.approx(0.0, abs=1.0)


def test_extents_and_distances_count_from_the_camera():
    found = measure_clouds([shell((2.0, 4.0, 0.5), (1.0, 1.0, 1.0), 0.0)], CAMERA)
    np.testing.assert_allclose(found.low_m[0], [1.5, 3.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(found.high_m[0], [2.5, 4.5, 1.0], atol=1e-6)
    assert found.distance_m[0] == pytest.approx(np.linalg.norm([2.0, 4.0, -1.0]), abs=1e-6)
    assert found.nearest_m[0] == pytest.approx(np.linalg.norm([1.5, 3.5, -0.5]), abs=0.05)


def test_the_width_lies_across_the_line_of_sight():
    found = measure_clouds(
        [shell((0, 3, 0.5), (2.0, 0.5, 1.0), 0.0), shell((3, 0, 0.5), (2.0, 0.5, 1.0), 0.0)], CAMERA
    )
    np.testing.assert_allclose(found.size_m[0], [2.0, 0.5, 1.0], atol=0.02)
    np.testing.assert_allclose(found.size_m[1], [0.5, 2.0, 1.0], atol=0.02)


@pytest.mark.parametrize("sizes", [(5, 7), (500, 500), (3000, 40)])
def test_gaps_are_those_of_all_pairs_of_points(sizes):
    rng = np.random.default_rng(1)
    clouds = [
        rng.normal(place, 0.3, (count, 3)) for place, count in zip((0, 2), sizes, strict=True)
    ]
    clouds.append(rng.normal(5, 0.3, (100, 3)))
    gap, direction = pairwise_gaps(clouds)
    for i, one in enumerate(clouds):
        for j, other in enumerate(clouds):
            wanted = 0.0 if i == j else cdist(one, other).min()
            assert gap[i, j] == pytest.approx(wanted, abs=1e-12)
    np.testing.assert_array_equal(direction, -direction.transpose(1, 0, 2))
    assert direction[0, 1] @ np.ones(3) / np.sqrt(3) > 0.7


def test_one_object_none_and_identical_points():
    assert len(measure_clouds([], CAMERA).yaw_deg) == 0
    assert pairwise_gaps([np.zeros((3, 3))])[0].shape == (1, 1)
    found = measure_clouds([np.full((20, 3), 2.0), np.full((20, 3), 2.0)], CAMERA)
    np.testing.assert_array_equal(found.size_m, 0.0)
    np.testing.assert_array_equal(found.gap_m, 0.0)
    assert all(np.isfinite(value).all() for value in vars(found).values())


def test_what_cleaning_lost_and_an_unsure_up_make_less_sure():
    cloud = shell((0.0, 4.0, 0.5), (1.0, 1.0, 1.0), 0.0)
    settings = {"pixel_m": np.array([0.01]), "depth_m": np.array([4.0])}
    plain = measure_clouds([cloud], CAMERA, **settings)
    legs = measure_clouds([cloud], CAMERA, lost_px=np.array([[0.0, 20.0]]), **settings)
    # Twenty pixels of a centimetre down the picture, at either end of the height.
    grown = np.sqrt(legs.sigma_size_m[0] ** 2 - plain.sigma_size_m[0] ** 2)
    assert grown[2] == pytest.approx(np.sqrt(2) * 0.2, rel=0.05)
    assert grown[0] == pytest.approx(0.0, abs=1e-6)
    tilted = measure_clouds([cloud], CAMERA, tilt_deg=2.0, **settings)
    np.testing.assert_array_equal(tilted.sigma_size_m, plain.sigma_size_m)
    grown = np.sqrt(tilted.sigma_extent_m[0] ** 2 - plain.sigma_extent_m[0] ** 2)
    # Four metres away things may be 14 cm higher; a metre below the eye, 3.5 cm to the side.
    np.testing.assert_allclose(grown, np.deg2rad(2.0) * np.array([1.0, 1.0, 4.0]), rtol=0.02)


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.7])
def test_a_round_thing_has_no_yaw_and_the_width_of_any_box_around_it(offset):
    """Which pixels fall on its rim makes one yaw of a plate a little better, and means nothing."""
    radius_m, spacing_m = 0.2, 0.012
    grid = (np.arange(-20, 21) + offset) * spacing_m
    x, y = (one.ravel() for one in np.meshgrid(grid, grid * 1.7))
    inside = np.hypot(x, y) <= radius_m
    plate = np.stack([x[inside], y[inside] + 2.0, np.full(inside.sum(), 0.75)], axis=1)
    found = measure_clouds([plate], CAMERA, pixel_m=np.array([spacing_m]))
    assert found.sigma_yaw_deg[0] > 12.0
    width = found.high_m[0, 0] - found.low_m[0, 0]
    of_width = np.sqrt(2) * found.sigma_extent_m[0, 0]
    yaw = np.deg2rad(np.arange(0, 90))
    off = np.abs(width - 2 * radius_m * (np.cos(yaw) + np.sin(yaw))) / of_width
    assert (off <= 2).mean() > 0.9
    assert off.max() < 2.5


@pytest.mark.parametrize("yaw_deg", [-40.0, 0.0, 20.0])
def test_a_thing_with_sides_has_a_yaw(yaw_deg):
    found = measure_clouds([shell((0.4, 2.0, 0.4), (0.6, 0.5, 0.8), yaw_deg)], CAMERA)
    assert found.sigma_yaw_deg[0] < 4.0
