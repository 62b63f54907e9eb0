"""Measured boxes and the floor, against boxes placed by hand."""

import numpy as np
import pytest

from testing.box_scenes import Box, room
from tests.pointclouds.conftest import corner_cameras
from tests.pointclouds.test_fuse import views_of
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import rotation_about_up, transform
from workflow_scripts.geometry.floor import find_floor, gravity_from_world
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.pointclouds.boxes import measure_box
from workflow_scripts.pointclouds.fuse import fuse

VOXEL_M = 0.04


def filled_box(size: tuple, centre: tuple, yaw_deg: float, n: int = 500) -> np.ndarray:
    inside = np.random.default_rng(0).uniform(-0.5, 0.5, (n, 3)) * size
    return np.concatenate(
        [inside @ rotation_about_up(yaw_deg).T + centre, box_corners(centre, size, yaw_deg)]
    )


@pytest.mark.parametrize("yaw_deg", [-44.0, -10.0, 0.0, 30.0, 44.0])
def test_box_of_points_with_corners_is_exact(yaw_deg):
    box = measure_box(filled_box((1.8, 0.7, 0.9), (3.0, -2.0, 0.5), yaw_deg))

    np.testing.assert_allclose(box.size_m, [1.8, 0.7, 0.9], atol=1e-4)
    np.testing.assert_allclose(box.centre_m, [3.0, -2.0, 0.5], atol=1e-4)
    assert box.yaw_deg == pytest.approx(yaw_deg, abs=1e-3)


def test_a_quarter_turn_swaps_width_and_depth():
    points = filled_box((1.8, 0.7, 0.9), (0.0, 0.0, 0.0), 60.0)
    box = measure_box(points)
    assert box.yaw_deg == pytest.approx(-30.0, abs=1e-3)
    np.testing.assert_allclose(box.size_m, [0.7, 1.8, 0.9], atol=1e-4)


def test_a_flat_picture_on_a_wall_has_no_thickness():
    along = np.linspace(0, 1.2, 40)
    x, z = (grid.ravel() for grid in np.meshgrid(along, np.linspace(1, 1.8, 20)))
    points = np.column_stack([x, 0 * x, z]) @ rotation_about_up(20.0).T
    box = measure_box(points)
    np.testing.assert_allclose(sorted(box.size_m), [0, 0.8, 1.2], atol=1e-6)
    assert box.yaw_deg == pytest.approx(20.0, abs=0.01)


def test_trim_ignores_a_few_stray_points():
    points = filled_box((1.0, 1.0, 1.0), (0, 0, 0), 0.0, n=5000)
    strays = np.array([[5.0, 0, 0], [0, -7.0, 0], [0, 0, 9.0]])
    box = measure_box(np.concatenate([points, strays]), trim=0.02)
    np.testing.assert_allclose(box.size_m, 0.96, atol=0.02)


@pytest.mark.parametrize("yaw_deg", [0.0, 25.0, -40.0])
def test_box_of_a_fused_object_is_right_within_a_voxel(yaw_deg):
    true = Box("Desk", (2.5, 2.0, 0.4), (1.4, 0.8, 0.8), yaw_deg)
    cloud, _ = fuse(views_of([*room(), true], corner_cameras()), voxel_m=VOXEL_M)

    box = measure_box(cloud.point_m[cloud.instance == 7])

    np.testing.assert_allclose(box.size_m, true.size_m, atol=VOXEL_M)
    np.testing.assert_allclose(box.centre_m, true.centre_m, atol=VOXEL_M / 2)
    assert box.yaw_deg == pytest.approx(yaw_deg, abs=2.0)


@pytest.fixture(scope="module")
def room_points() -> np.ndarray:
    table = Box("DiningTable", (2.5, 2.0, 0.375), (3.0, 2.0, 0.75))
    return fuse(views_of([*room(), table], corner_cameras()), voxel_m=VOXEL_M)[0].point_m


def test_floor_is_found_below_a_large_table_and_is_exact(room_points):
    floor = find_floor(room_points, rng=rng(7, "floor"))
    np.testing.assert_allclose(floor.normal, [0, 0, 1], atol=1e-5)
    assert floor.offset_m == pytest.approx(0.0, abs=1e-5)
    near = np.abs(room_points[:, 2]) < 0.02
    assert floor.inlier_share == pytest.approx(near.mean(), abs=1e-6)


@pytest.mark.parametrize("tilt_deg", [5.0, 20.0])
def test_tilted_rooms_come_upright_in_the_gravity_frame(room_points, tilt_deg):
    angle = np.deg2rad(tilt_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    tilted = room_points.astype(np.float64) @ tilt.T + [0, 0, 3.0]

    floor = find_floor(tilted, rng=rng(7, "floor"))
    upright = transform(np.array(floor.gravity_from_world), tilted)

    np.testing.assert_allclose(floor.normal, tilt[:, 2], atol=1e-3)
    assert upright[:, 2].min() > -0.01
    assert upright[:, 2].max() == pytest.approx(2.6, abs=0.02)


def test_gravity_frame_is_a_rotation_and_keeps_the_heading():
    normal = np.array([0.1, -0.2, 0.97])
    pose = gravity_from_world(normal / np.linalg.norm(normal), 0.5)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)
    ahead = pose[:3, :3] @ [0, 1, 0]
    assert ahead[0] == pytest.approx(0.0, abs=1e-12)
    assert ahead[1] > 0.9


def test_same_seed_same_floor_and_no_floor_without_a_level_plane(room_points):
    first = find_floor(room_points, rng=rng(7, "floor", "a"))
    assert first == find_floor(room_points, rng=rng(7, "floor", "a"))
    wall = np.column_stack([np.random.default_rng(0).uniform(0, 3, (500, 2)), np.zeros(500)])
    assert find_floor(wall[:, [0, 2, 1]], rng=rng(7, "floor")) is None
    assert find_floor(np.zeros((0, 3)), rng=rng(7, "floor")) is None
