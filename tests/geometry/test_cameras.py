"""Frames and cameras: hand-computed numbers, round trips, Unity's conventions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.geometry import cameras, upright_boxes

angles = st.floats(-720, 720)
coordinates = st.floats(-50, 50)
points = st.tuples(coordinates, coordinates, coordinates)


def test_unity_axes_become_a_right_handed_frame_with_z_up() -> None:
    np.testing.assert_array_equal(cameras.world_from_unity([1, 2, 3]), [1, 3, 2])
    x, y, z = (cameras.world_from_unity(axis) for axis in np.eye(3))
    np.testing.assert_array_equal(np.cross(x, z), y)  # Unity z is world y, Unity y is world z
    np.testing.assert_array_equal(y, [0, 0, 1])


@given(points)
def test_unity_round_trip(point: tuple[float, float, float]) -> None:
    there = cameras.world_from_unity(point)
    np.testing.assert_array_equal(cameras.unity_from_world(there), point)


@pytest.mark.parametrize(
    ("unity_yaw", "unity_forward"),
    [(0, (0, 0, 1)), (90, (1, 0, 0)), (180, (0, 0, -1)), (270, (-1, 0, 0)), (30, None)],
)
def test_unity_yaw_is_clockwise_from_above(
    unity_yaw: float, unity_forward: tuple[float, float, float] | None
) -> None:
    angle = np.deg2rad(unity_yaw)
    forward = unity_forward or (np.sin(angle), 0, np.cos(angle))
    yaw = cameras.yaw_from_unity(unity_yaw)
    np.testing.assert_allclose(
        cameras.heading_vector(yaw), cameras.world_from_unity(forward), atol=1e-12
    )
    assert cameras.unity_from_yaw(yaw) == pytest.approx(unity_yaw)


def test_box_corner_formula_of_unity_agrees_with_ours() -> None:
    # Unity: X = px + lx cos t + lz sin t, Z = pz - lx sin t + lz cos t (facts of the format).
    t, (px, py, pz), size = 35.0, (2.0, 0.5, 3.0), (1.0, 0.8, 0.6)
    cos, sin = np.cos(np.deg2rad(t)), np.sin(np.deg2rad(t))
    expected = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            for sz in (-1, 1):
                lx, ly, lz = sx * size[0] / 2, sy * size[1] / 2, sz * size[2] / 2
                expected.append((px + lx * cos + lz * sin, py + ly, pz - lx * sin + lz * cos))
    ours = upright_boxes.box_corners(
        cameras.world_from_unity((px, py, pz)),
        cameras.world_from_unity(size),
        cameras.yaw_from_unity(t),
    )
    expected_world = cameras.world_from_unity(expected)
    distances = np.linalg.norm(ours[:, None] - expected_world[None], axis=-1)
    assert distances.min(axis=1).max() < 1e-12
    assert sorted(distances.argmin(axis=1)) == list(range(8))


@given(points, st.floats(-179, 179), st.floats(-90, 90))
def test_pose_is_rigid_and_reads_back(
    position: tuple[float, float, float], yaw: float, pitch: float
) -> None:
    pose = cameras.world_from_camera(position, yaw_deg=yaw, pitch_deg=pitch)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(cameras.invert(pose) @ pose, np.eye(4), atol=1e-9)
    read_yaw, read_pitch = cameras.yaw_pitch_deg(pose)
    assert cameras.wrap_deg(read_yaw - yaw) == pytest.approx(0, abs=1e-6)
    assert read_pitch == pytest.approx(pitch, abs=1e-5)


def test_level_camera_sees_right_as_right_and_up_as_up() -> None:
    camera = cameras.Camera.look(
        (0, 0, 1.5), yaw_deg=0, pitch_deg=0, width_px=200, height_px=100, vertical_fov_deg=90
    )
    pixels, depth = cameras.project(
        [[1, 2, 1.5], [0, 2, 2.5], [0, -1, 1.5]], camera.intrinsics, camera.world_from_camera
    )
    np.testing.assert_allclose(pixels[0], [125, 50])  # f = 50, so 1 m right at 2 m is 25 px
    np.testing.assert_allclose(pixels[1], [100, 25])
    np.testing.assert_allclose(depth, [2, 2, -1])
    assert np.isnan(pixels[2]).all()


@given(angles, st.floats(-80, 80))
def test_back_projection_inverts_projection(yaw: float, pitch: float) -> None:
    camera = cameras.Camera.look(
        (1, -2, 1.6), yaw_deg=yaw, pitch_deg=pitch, width_px=8, height_px=6, vertical_fov_deg=70
    )
    depth = np.linspace(0.5, 9, 48).reshape(6, 8)
    points_m = cameras.back_project(depth, camera.intrinsics, camera.world_from_camera)
    pixels, again = cameras.project(points_m, camera.intrinsics, camera.world_from_camera)
    np.testing.assert_allclose(again, depth, atol=1e-9)
    np.testing.assert_allclose(pixels[..., 0], np.tile(np.arange(8) + 0.5, (6, 1)), atol=1e-6)
    np.testing.assert_allclose(pixels[..., 1].T, np.tile(np.arange(6) + 0.5, (8, 1)), atol=1e-6)


def test_missing_depth_stays_missing() -> None:
    points_m = cameras.back_project([[np.nan, 1.0]], np.eye(3), np.eye(4))
    assert np.isnan(points_m[0, 0]).all()
    assert np.isfinite(points_m[0, 1]).all()


@given(angles)
def test_wrapped_angle_is_in_range_and_equal_modulo_turns(angle: float) -> None:
    wrapped = cameras.wrap_deg(angle)
    assert -180 <= wrapped < 180
    assert (wrapped - angle) / 360 == pytest.approx(round((wrapped - angle) / 360), abs=1e-9)


def test_opengl_conversion_is_its_own_inverse_and_looks_backward() -> None:
    pose = cameras.world_from_camera((1, 2, 3), yaw_deg=20, pitch_deg=-10)
    opengl = cameras.opengl_from_opencv(pose)
    np.testing.assert_allclose(opengl[:3, 2], -pose[:3, 2])
    np.testing.assert_allclose(cameras.opengl_from_opencv(opengl), pose)
