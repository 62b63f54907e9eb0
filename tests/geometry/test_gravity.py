"""Right, up and forward under pitch, roll and straight down; frames that follow from them."""

import numpy as np
import pytest

from workflow_scripts.geometry.cameras import Camera, transform, world_from_camera
from workflow_scripts.geometry.gravity import (
    aligned_camera,
    axes_from_pose,
    axes_from_row,
    axes_from_up,
    gravity_row,
)

LOOK = {"width_px": 64, "height_px": 48, "vertical_fov_deg": 60.0}


def roll_camera(pose: np.ndarray, roll_deg: float) -> np.ndarray:
    """Turn a camera about its optical axis."""
    cos, sin = np.cos(np.deg2rad(roll_deg)), np.sin(np.deg2rad(roll_deg))
    out = pose.copy()
    out[:3, :3] = pose[:3, :3] @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return out


def row_of(axes, *, source: str, height_m: float = 0.0):
    names = {"view": 0, "view_id": "v-0", "scene_id": "v", "source": source}
    return gravity_row(axes, camera_height_m=height_m, **names)


@pytest.mark.parametrize("yaw_deg", [0.0, 130.0])
@pytest.mark.parametrize("pitch_deg", [-89.0, -60.0, -20.0, 0.0, 35.0])
@pytest.mark.parametrize("roll_deg", [0.0, 15.0, -30.0])
def test_axes_of_a_pose_are_level_and_right_handed(yaw_deg, pitch_deg, roll_deg):
    pose = roll_camera(
        world_from_camera((1, 2, 1.5), yaw_deg=yaw_deg, pitch_deg=pitch_deg), roll_deg
    )
    axes = axes_from_pose(pose)
    up, right, forward = (pose[:3, :3] @ axis for axis in (axes.up, axes.right, axes.forward))

    np.testing.assert_allclose(up, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(np.cross(forward, up), right, atol=1e-12)
    assert abs(forward[2]) < 1e-12
    assert axes.pitch_deg == pytest.approx(pitch_deg, abs=1e-9)
    if pitch_deg != -89.0:
        yaw = np.deg2rad(yaw_deg)
        np.testing.assert_allclose(forward[:2], [-np.sin(yaw), np.cos(yaw)], atol=1e-9)


def test_a_level_camera_has_the_pictures_axes():
    axes = axes_from_up([0, -1, 0])
    np.testing.assert_array_equal(axes.right, [1, 0, 0])
    np.testing.assert_array_equal(axes.forward, [0, 0, 1])


@pytest.mark.parametrize(("pitch_deg", "yaw_deg"), [(-90.0, 40.0), (90.0, 40.0)])
def test_straight_down_and_up_keep_the_heading(pitch_deg, yaw_deg):
    pose = world_from_camera((0, 0, 2), yaw_deg=yaw_deg, pitch_deg=pitch_deg)
    axes = axes_from_pose(pose)
    assert axes.is_steep
    yaw = np.deg2rad(yaw_deg)
    ahead = pose[:3, :3] @ axes.forward
    np.testing.assert_allclose(ahead, [-np.sin(yaw), np.cos(yaw), 0], atol=1e-9)


def test_a_record_keeps_the_axes_and_its_frame_is_upright():
    pose = roll_camera(world_from_camera((5, 6, 1.4), yaw_deg=70.0, pitch_deg=-25.0), 10.0)
    camera = Camera(64, 48, np.eye(3), pose)
    axes = axes_from_pose(pose)
    row = row_of(axes, source="floor", height_m=1.4)
    np.testing.assert_array_equal(axes_from_row(row).forward, axes.forward)

    above_in_camera = transform(np.linalg.inv(pose), np.array([[5, 6, 2.0], [5, 6, 0.0]]))
    aligned = transform(aligned_camera(camera, row).world_from_camera, above_in_camera)
    np.testing.assert_allclose(aligned, [[0, 0, 2.0], [0, 0, 0.0]], atol=1e-9)
    assert aligned_camera(camera, row_of(axes, source="pose")) is camera


def test_a_reason_rejects():
    row = gravity_row(
        axes_from_up([0, -1, 0]),
        view=0,
        view_id="v-0",
        scene_id="v",
        source="floor",
        camera_height_m=0.0,
        reason="no floor in view",
    )
    assert not row.accepted
