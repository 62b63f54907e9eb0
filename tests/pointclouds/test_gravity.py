"""Up from the pose or from the floor, and the views where no floor can be trusted."""

import numpy as np
import pytest

from testing.box_scenes import Box, render, room
from workflow_scripts.common.records import GravityRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.geometry.gravity import aligned_camera, axes_from_pose, axes_from_row
from workflow_scripts.pointclouds.depth_error import EXACT, SENSOR, DepthErrorModel
from workflow_scripts.pointclouds.gravity import gravity_of_view
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise

FURNITURE = [
    Box("Sofa", (1.2, 3.2, 0.4), (1.8, 0.8, 0.8), 180.0),
    Box("DiningTable", (3.4, 2.6, 0.7), (1.2, 0.8, 0.1)),
]


def look(pitch_deg: float, roll_deg: float = 0.0, *, height_m: float = 1.5) -> Camera:
    """Look along +Y from one end of the room, turned about the optical axis by `roll_deg`."""
    camera = Camera.look(
        (2.5, 0.3, height_m),
        yaw_deg=5.0,
        pitch_deg=pitch_deg,
        width_px=160,
        height_px=120,
        vertical_fov_deg=80.0,
    )
    pose, roll = camera.world_from_camera.copy(), np.deg2rad(roll_deg)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    pose[:3, :2] = pose[:3, :2] @ turn
    return Camera(camera.width_px, camera.height_px, camera.intrinsics, pose)


def found_in(
    depth_m: np.ndarray,
    camera: Camera,
    *,
    error: DepthErrorModel = EXACT,
    pose_is_known: bool = False,
) -> GravityRow:
    return gravity_of_view(
        depth_m,
        camera,
        view=0,
        view_id="v",
        scene_id="s",
        pose_is_known=pose_is_known,
        error=error,
        rng=np.random.default_rng(7),
    )


def off_deg(row: GravityRow, camera: Camera) -> float:
    """Return the angle between a row's up and the camera's true up."""
    cosine = axes_from_row(row).up @ axes_from_pose(camera.world_from_camera).up
    return float(np.rad2deg(np.arccos(min(cosine, 1.0))))


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (-20, 0), (-10, 8), (-25, -15)])
def test_a_floor_gives_up_whatever_pitch_and_roll(pitch_deg, roll_deg):
    camera = look(pitch_deg, roll_deg)
    row = found_in(render([*room(), *FURNITURE], camera)[1], camera)
    assert row.accepted, row.reason
    assert row.source == "floor"
    assert off_deg(row, camera) < 0.05
    assert row.camera_height_m == pytest.approx(1.5, abs=0.005)
    # The frame's heights are heights above the floor: a point of the floor is at 0.
    pose = aligned_camera(camera, row).world_from_camera
    above_floor = camera.world_from_camera[:3, :3].T @ np.array([0.0, 0.0, -1.5])
    np.testing.assert_allclose((pose[:3, :3] @ above_floor + pose[:3, 3])[2], 0.0, atol=0.01)


def test_near_and_left_keep_their_meaning_in_the_frame_of_a_floor():
    camera = look(-25.0, 12.0)
    row = found_in(render([*room(), *FURNITURE], camera)[1], camera)
    frame = aligned_camera(camera, row).world_from_camera[:3, :3]
    world = camera.world_from_camera[:3, :3]
    nearer_to_farther, left_to_right = camera.world_from_camera[:3, 2] * [1, 1, 0], world[:, 0]
    assert (frame @ world.T @ nearer_to_farther)[1] > 0.8
    assert (frame @ world.T @ left_to_right)[0] > 0.8
    assert (frame @ world.T @ [0.0, 0.0, 1.0])[2] > 0.999


@pytest.mark.parametrize("seed", range(6))
def test_stated_uncertainty_of_up_covers_a_noisy_floor(seed):
    camera = look(-15.0, 3.0)
    _, depth_m, instance = render([*room(), *FURNITURE], camera)
    rng = np.random.default_rng(seed)
    noisy, _ = add_sensor_noise(depth_m.astype(np.float32), instance, error=SENSOR, rng=rng)
    row = found_in(noisy, camera, error=SENSOR)
    assert row.accepted, row.reason
    assert off_deg(row, camera) < 1.0
    assert off_deg(row, camera) < 3 * row.sigma_up_deg


def test_a_known_pose_is_believed_whatever_the_depth():
    camera = look(-10.0)
    row = found_in(np.full((120, 160), np.nan), camera, pose_is_known=True)
    assert (row.source, row.accepted, row.sigma_up_deg) == ("pose", True, 0.0)
    assert off_deg(row, camera) == 0.0


def test_a_wall_is_no_floor():
    camera = look(0.0)
    wall = [Box("wall", (2.5, 2.0, 1.5), (20.0, 0.1, 20.0), kind="structure")]
    row = found_in(render(wall, camera)[1], camera)
    assert not row.accepted
    assert row.reason == "no level plane with everything above it"


def test_a_ceiling_is_no_floor():
    camera = look(25.0)
    ceiling = [Box("ceiling", (2.5, 5.0, 2.6), (30.0, 30.0, 0.1), kind="structure")]
    row = found_in(render(ceiling, camera)[1], camera)
    assert not row.accepted
    assert row.reason in (
        "the lowest level plane is not below the camera",
        "no level plane with everything above it",
    )


def test_a_table_with_things_below_it_is_no_floor():
    """The table's top is the largest level plane in sight, but the room goes on below it."""
    camera = look(-20.0)
    table = Box("DiningTable", (2.5, 1.8, 0.9), (2.4, 1.6, 0.04))
    row = found_in(render([*room(), table], camera)[1], camera)
    assert row.accepted, row.reason
    assert row.camera_height_m == pytest.approx(1.5, abs=0.01)


def test_a_sheet_facing_the_camera_is_no_floor():
    camera = look(0.0)
    row = found_in(np.full((120, 160), 2.0), camera)
    assert not row.accepted
    assert np.isnan(row.camera_height_m)


def test_a_floor_seen_from_straight_above_is_not_taken_for_one():
    """A camera held upright would have a wall before it: the same depth, and up cannot be known."""
    camera = look(-90.0)
    floor = [Box("floor", (2.5, 2.0, -0.05), (20.0, 20.0, 0.1), kind="structure")]
    row = found_in(render(floor, camera)[1], camera)
    assert not row.accepted
    assert row.reason == "no level plane with everything above it"


@pytest.mark.parametrize("error", [EXACT, SENSOR])
@pytest.mark.parametrize("pitch_deg", [-90.0, -82.0, -75.0])
def test_a_wall_seen_from_above_is_not_taken_for_the_floor(pitch_deg, error):
    """From above, the near wall is level for a camera held upright, with all the room over it."""
    furniture = [Box(one.category, (*one.centre_m[:2], 0.4), one.size_m) for one in FURNITURE]
    chest = Box("Dresser", (0.5, 1.6, 0.5), (0.5, 1.2, 1.0))
    open_room = [one for one in room() if one.category != "ceiling"]
    camera = Camera.look(
        (2.5, 1.6, 4.5),
        yaw_deg=0.0,
        pitch_deg=pitch_deg,
        width_px=160,
        height_px=120,
        vertical_fov_deg=60.0,
    )
    _, depth_m, instance = render([*open_room, *furniture, chest], camera)
    if error is SENSOR:
        rng = np.random.default_rng(3)
        depth_m, _ = add_sensor_noise(depth_m.astype(np.float32), instance, error=error, rng=rng)
    row = found_in(depth_m, camera, error=error)
    assert not row.accepted or off_deg(row, camera) < 3.0


def test_a_level_view_that_could_be_one_from_above_has_no_gravity():
    """The wall it faces is larger than the floor in sight, and a sofa lies on both."""
    camera = look(10.0, 8.0)
    row = found_in(render([*room(), *FURNITURE], camera)[1], camera)
    assert not row.accepted
    assert row.reason == "the plane that faces the camera may be the floor"


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_no_depth_is_a_reason(value):
    row = found_in(np.full((120, 160), value), look(-10.0))
    assert row.reason == "too few pixels with depth to find a floor"


def test_the_same_seed_finds_the_same_floor():
    camera = look(-15.0)
    depth_m = render([*room(), *FURNITURE], camera)[1]
    assert found_in(depth_m, camera) == found_in(depth_m, camera)
