"""Poses as others write them: round trips, hand-computed axes, what is no pose."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry import cameras
from workflow_scripts.geometry import pose_conventions as conventions


def random_poses(seed: int = 0, count: int = 20) -> np.ndarray:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, rng=rng).as_matrix()
    poses[:, :3, 3] = rng.uniform(-5, 5, (count, 3))
    return poses


@pytest.mark.parametrize(
    ("up", "camera", "is_world_to_camera"),
    list(itertools.product(("y", "z"), ("opencv", "opengl"), (False, True))),
)
def test_conventions_round_trip(up, camera, is_world_to_camera) -> None:  # type: ignore[no-untyped-def]
    poses = random_poses()
    convention = {"up": up, "camera": camera, "is_world_to_camera": is_world_to_camera}
    written = conventions.pose_in_convention(poses, **convention)
    np.testing.assert_allclose(
        conventions.world_from_camera(written, **convention), poses, atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(written[:, :3, :3]), 1, atol=1e-12)


def test_arkit_camera_that_looks_ahead_looks_along_y() -> None:
    # ARKit's first camera of a level phone in landscape: world axes, y up, looks along -z.
    ours = conventions.world_from_camera(np.eye(4), up="y", camera="opengl")
    np.testing.assert_allclose(ours, cameras.world_from_camera((0, 0, 0), yaw_deg=0, pitch_deg=0))
    lifted = np.eye(4)
    lifted[:3, 3] = [1, 2, 3]
    np.testing.assert_allclose(conventions.world_from_y_up(lifted)[:3, 3], [1, -3, 2])


def test_quaternions_and_axis_angles_round_trip() -> None:
    poses = random_poses(1)
    quaternions = conventions.quaternion_from_pose(poses)
    again = conventions.pose_from_quaternion(poses[:, :3, 3], -2.5 * quaternions)
    np.testing.assert_allclose(again, poses, atol=1e-12)
    vectors = conventions.axis_angle_from_pose(poses)
    again = conventions.pose_from_axis_angle(vectors, poses[:, :3, 3])
    np.testing.assert_allclose(again, poses, atol=1e-9)
    half_turn = conventions.pose_from_quaternion([0.0, 0, 0], [0.0, 0, 0, 1])
    np.testing.assert_array_equal(half_turn, np.eye(4))


def test_a_quaternion_without_length_is_no_pose() -> None:
    quaternions = np.array([[0.0, 0, 0, 0], [np.nan, 0, 0, 1], [0, 0, 0, 1]])
    poses = conventions.pose_from_quaternion(np.zeros((3, 3)), quaternions)
    assert [bool(conventions.pose_problem(pose)) for pose in poses] == [True, True, False]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.full((4, 4), -np.inf), "not finite"),
        (np.diag([1.0, 1, np.nan, 1]), "not finite"),
        (np.diag([1.0, 1, -1, 1]), "left-handed"),
        (np.diag([2.0, 2, 2, 1]), "scale 2"),
        (np.diag([1.0, 2, 1, 1]), "no rotation"),
        (np.zeros((4, 4)), "last row"),
        (np.diag([0.0, 0, 0, 1]), "no rotation"),
        (np.eye(4)[:3], "shape"),
        (np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 2, 3, 1]]), "transposed"),
    ],
)
def test_what_is_no_pose(matrix: np.ndarray, message: str) -> None:
    assert message in conventions.pose_problem(matrix)


def test_a_rounded_pose_becomes_rigid() -> None:
    for pose in random_poses(2):
        rounded = pose.round(3)
        assert conventions.pose_problem(rounded) == ""
        rigid = conventions.nearest_rigid(rounded)
        np.testing.assert_allclose(rigid[:3, :3].T @ rigid[:3, :3], np.eye(3), atol=1e-12)
        np.testing.assert_allclose(rigid, pose, atol=3e-3)


@given(st.integers(-5, 9), st.integers(2, 9), st.integers(2, 9))
def test_a_turned_picture_shows_the_same_points(turns: int, width: int, height: int) -> None:
    k = np.array([[7.0, 0, 0.4 * width], [0, 8.0, 0.6 * height], [0, 0, 1]])
    pose = random_poses(3, 1)[0]
    numbers = np.arange(width * height).reshape(height, width)
    depth_m = 1.0 + 0.1 * numbers
    turned = np.rot90(depth_m, turns)
    points = cameras.back_project(depth_m, k, pose)
    again = cameras.back_project(
        turned,
        conventions.turned_intrinsics(k, (width, height), turns),
        conventions.turned_pose(pose, turns),
    )
    np.testing.assert_allclose(again, np.rot90(points, turns), atol=1e-9)


def test_camera_matrix_follows_the_size_of_the_picture() -> None:
    k = np.array([[100.0, 0, 64], [0, 110, 48], [0, 0, 1]])
    small = conventions.intrinsics_at_size(k, (128, 96), (64, 24))
    np.testing.assert_allclose(small, [[50, 0, 32], [0, 27.5, 12], [0, 0, 1]])
    np.testing.assert_allclose(
        conventions.intrinsics_from_whole_pixels(k), [[100, 0, 64.5], [0, 110, 48.5], [0, 0, 1]]
    )
