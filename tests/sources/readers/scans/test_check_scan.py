"""Units and axes that are wrong are named; a scan that is right gives no warning."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from testing.posed_room import PosedRoom, make_room
from workflow_scripts.geometry.cameras import invert, opengl_from_opencv
from workflow_scripts.sources.readers.scans.base import Scan
from workflow_scripts.sources.readers.scans.check_scan import check_scan
from workflow_scripts.sources.readers.scans.frames import CameraModel, make_frame, make_scan

Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(20)


def scan_of(room: PosedRoom, *, poses: np.ndarray | None = None, depth_scale: float = 1.0) -> Scan:
    """Return a scan with other poses or another unit of depth, as they were read."""
    poses = room.poses if poses is None else poses
    frames = [
        make_frame(
            f"{index:05d}",
            pose=pose,
            colour=CameraModel(room.colour_intrinsics, room.colour_size_px),
            depth=CameraModel(room.depth_intrinsics, room.depth_size_px),
            load_rgb=lambda: np.zeros((1, 1, 3), np.uint8),
            load_depth_m=lambda depth=depth_m: (depth_scale * depth).astype(np.float32),
        )
        for index, (pose, depth_m) in enumerate(zip(poses, room.depth_m, strict=True))
    ]
    # Frames are not turned upright here, so that axes stay as they were read.
    return replace(make_scan("room", frames, where="room", has_gravity=False), has_gravity=True)


def warnings_of(scan: Scan) -> list[str]:
    return check_scan(scan, np.random.default_rng(0))


def test_a_right_scan_gives_no_warning(room: PosedRoom) -> None:
    assert warnings_of(scan_of(room)) == []


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (0.2, "multiplied by 5 "),
        (5.0, "multiplied by 0.2 "),
        (1000 / 6553.5, "multiplied by 6.55 "),
        (1000.0, "multiplied by 0.001 "),
        (0.001, "multiplied by 1e+03 "),
    ],
)
def test_another_unit_of_depth_is_named(scale: float, message: str, room: PosedRoom) -> None:
    (warning,) = warnings_of(scan_of(room, depth_scale=scale))
    assert message in warning
    assert "\n" not in warning


def test_world_to_camera_poses_are_named(room: PosedRoom) -> None:
    (warning,) = warnings_of(scan_of(room, poses=invert(room.poses)))
    assert "poses map the world to the camera" in warning
    assert "multiplied" not in warning


def test_other_axes_of_the_camera_are_named(room: PosedRoom) -> None:
    (warning,) = warnings_of(scan_of(room, poses=opengl_from_opencv(room.poses)))
    assert "OpenGL" in warning


def turned(room: PosedRoom, rotation: Rotation, scale: float = 1.0) -> np.ndarray:
    """Return poses in a world that is turned, and whose unit is another one."""
    turn = np.eye(4)
    turn[:3, :3] = rotation.as_matrix()
    poses = turn @ room.poses
    poses[:, :3, 3] *= scale
    return poses


@pytest.mark.parametrize(
    ("axis", "angle_deg", "name"), [("x", -90, "+Y"), ("x", 90, "-Y"), ("y", 90, "+X")]
)
def test_a_world_whose_up_is_not_z_is_named(
    axis: str, angle_deg: float, name: str, room: PosedRoom
) -> None:
    rotation = Rotation.from_euler(axis, angle_deg, degrees=True)
    (warning,) = warnings_of(scan_of(room, poses=turned(room, rotation)))
    assert f"across {name}" in warning


def test_a_tilted_world_is_measured(room: PosedRoom) -> None:
    rotation = Rotation.from_euler("x", 10, degrees=True)
    (warning,) = warnings_of(scan_of(room, poses=turned(room, rotation)))
    assert "tilted by 10" in warning


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "millimetres"), (100.0, "centimetres")])
def test_another_unit_of_everything_is_named(scale: float, unit: str, room: PosedRoom) -> None:
    poses = turned(room, Rotation.identity(), scale)
    (warning,) = warnings_of(scan_of(room, poses=poses, depth_scale=scale))
    assert unit in warning


def test_poses_of_another_scan_do_not_fit(room: PosedRoom) -> None:
    rng = np.random.default_rng(1)
    poses = room.poses.copy()
    poses[:, :3, :3] = poses[rng.permutation(len(poses)), :3, :3]
    (warning,) = warnings_of(scan_of(room, poses=poses))
    assert "do not fit" in warning
