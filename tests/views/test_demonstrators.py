"""What every backend of demonstrations promises, checked on each that can run here.

`ball` is an exact scene made by the tests, `dataset` reads a recording made of it, `coppeliasim`
runs on a stand-in of RLBench, `mujoco` is the embedded simulator.
"""

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from testing.ball_demonstrator import BallDemonstrator, episode
from testing.rlbench_recordings import write_recording
from tests.views.rlbench_standin import installed
from workflow_scripts.common import backend_registry
from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode
from workflow_scripts.geometry.cameras import project
from workflow_scripts.sources.readers.rlbench_tasks import STEP_S
from workflow_scripts.views.backends import coppeliasim
from workflow_scripts.views.demonstrator import BACKENDS, EpisodeError
from workflow_scripts.views.keypoints import project_keypoints

CAMERAS = ("left_shoulder", "overhead", "front")
SIZE_PX = 64
NAMES = ("ball", "dataset", "coppeliasim", "mujoco")
PATH = "reach_target/variation0/episodes/episode"

Make = Callable[..., Any]


@pytest.fixture(scope="module", params=NAMES)
def make(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Make]:
    """Return a function that opens the backend; keywords change its settings."""
    name = request.param
    settings = {
        "cameras": CAMERAS,
        "size_px": SIZE_PX,
        "max_steps": 300,
        "max_attempts": 3,
        "dataset": None,
    }
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        if name == "ball":
            backend: Any = BallDemonstrator
        else:
            # Found without importing it: the backend chooses how it draws before it is imported.
            if name == "mujoco" and importlib.util.find_spec("mujoco") is None:
                pytest.skip("mujoco is not installed")
            backend = backend_registry.load_backend(name, BACKENDS, kind="demonstration")
        if name == "coppeliasim":
            patch.setattr(coppeliasim, "check_installation", lambda environment: None)
            stack.enter_context(installed())
        if name == "dataset":
            folder = tmp_path_factory.mktemp("dataset")
            settings["dataset"] = folder
            for number in (0, 1):
                with BallDemonstrator(
                    **{**settings, "dataset": None}  # type: ignore[arg-type]
                ) as ball:
                    write_recording(folder, ball.demonstrate(episode(number=number)), number=number)
        yield lambda **changes: backend(**{**settings, **changes})


def wanted(number: int = 0, **changes: object) -> Episode:
    return episode(number=number, path=f"{PATH}{number}", **changes)


@pytest.fixture(scope="module")
def demonstration(make: Make) -> Demonstration:
    with make() as backend:
        return backend.demonstrate(wanted())


def test_arrays_fit_together(demonstration: Demonstration) -> None:
    demonstration.check()
    assert tuple(demonstration.cameras) == CAMERAS
    assert demonstration.rgb.shape[2:] == (SIZE_PX, SIZE_PX, 3)
    assert demonstration.num_steps > 2
    assert demonstration.step_s == STEP_S
    assert demonstration.success


def test_cameras_are_cameras(demonstration: Demonstration) -> None:
    turns = demonstration.world_from_camera[..., :3, :3]
    identity = turns @ np.swapaxes(turns, -1, -2)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-6)
    assert (demonstration.intrinsics[:, [0, 1], [0, 1]] > 0).all(), "OpenCV's focal lengths"
    np.testing.assert_allclose(demonstration.intrinsics[:, :2, 2], SIZE_PX / 2)


def test_depth_is_metres_and_nothing_hit_is_nan(demonstration: Demonstration) -> None:
    depth = demonstration.depth_m
    assert depth.dtype == np.float32
    assert not np.isinf(depth).any()
    assert (depth[np.isfinite(depth)] > 0).all()
    assert 0.2 < np.nanmedian(depth) < 5


def test_every_mask_value_is_in_the_table(demonstration: Demonstration) -> None:
    rows = {row.instance: row for row in demonstration.objects}
    assert len(rows) == len(demonstration.objects), "an instance is one object"
    assert set(np.unique(demonstration.instance)) - {0} <= set(rows)
    for keypoint in demonstration.keypoints:
        assert keypoint.instance == 0 or keypoint.instance in rows
    names = [keypoint.name for keypoint in demonstration.keypoints]
    assert len(set(names)) == len(names)


def test_depth_masks_and_keypoints_are_of_one_scene(demonstration: Demonstration) -> None:
    """A visible keypoint on an object has its own object's surface where it is seen."""
    seen = 0
    for step in range(0, demonstration.num_steps, 5):
        for camera in range(len(CAMERAS)):
            depth, instance = (
                demonstration.depth_m[step, camera],
                demonstration.instance[step, camera],
            )
            pixels, in_frame, visible = project_keypoints(
                demonstration.keypoints_m[step],
                demonstration.keypoints,
                intrinsics=demonstration.intrinsics[camera],
                world_from_camera=demonstration.world_from_camera[step, camera],
                depth_m=depth,
                instance=instance,
            )
            assert not (visible & ~in_frame).any()
            for number, keypoint in enumerate(demonstration.keypoints):
                if visible[number] and keypoint.surface_depth_m:
                    column, row = pixels[number].astype(int)
                    seen += int(instance[row, column] == keypoint.instance)
    has_inner_points = any(keypoint.surface_depth_m for keypoint in demonstration.keypoints)
    assert seen or not has_inner_points


def test_the_robot_is_a_robot(demonstration: Demonstration) -> None:
    assert (np.abs(demonstration.joint_positions_rad) < 3.8).all()
    assert ((demonstration.gripper_opening >= 0) & (demonstration.gripper_opening <= 1)).all()
    norms = np.linalg.norm(demonstration.tip_pose[:, 3:], axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-4)
    pixels, depth = project(
        demonstration.tip_pose[0, :3],
        demonstration.intrinsics[0],
        demonstration.world_from_camera[0, 0],
    )
    assert depth > 0
    assert np.isfinite(pixels).all()


def test_poses_are_rigid_where_they_are_known(demonstration: Demonstration) -> None:
    poses = demonstration.world_from_object
    if poses is None:
        return
    known = poses[np.isfinite(poses).all(axis=(-2, -1))]
    np.testing.assert_allclose(np.linalg.det(known[:, :3, :3]), 1, atol=1e-6)
    assert np.isfinite(demonstration.keypoints_m).all()


def test_the_same_episode_is_the_same_in_any_order(
    make: Make, demonstration: Demonstration
) -> None:
    with make() as backend:
        other = backend.demonstrate(wanted(1))
        again = backend.demonstrate(wanted())
    for name in ("rgb", "depth_m", "instance", "keypoints_m", "joint_positions_rad", "tip_pose"):
        np.testing.assert_array_equal(getattr(again, name), getattr(demonstration, name))
    assert not np.array_equal(other.keypoints_m[0], demonstration.keypoints_m[0])


def test_what_cannot_be_is_a_user_s_error(make: Make) -> None:
    with make() as backend, pytest.raises(UserError):
        backend.demonstrate(episode(path="nowhere", variation=99))


def test_a_demonstration_is_never_longer_than_allowed(make: Make) -> None:
    with make(max_steps=2) as backend, contextlib.suppress(EpisodeError):
        assert backend.demonstrate(wanted()).num_steps <= 2
