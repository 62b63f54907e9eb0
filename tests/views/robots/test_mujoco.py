"""Backend `mujoco`: a consistent demonstration, and the same bytes every time."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from testing.ball_demonstrator import episode
from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import project
from workflow_scripts.views.backends.mujoco import MujocoDemonstrator
from workflow_scripts.views.demonstrator import EpisodeError

CAMERAS = ("left_shoulder", "right_shoulder", "overhead", "wrist", "front")


def demonstrate(
    task: str = "reach_target", number: int = 0, *, max_steps: int = 400, max_attempts: int = 5
) -> Demonstration:
    with MujocoDemonstrator(
        cameras=CAMERAS, size_px=128, max_steps=max_steps, max_attempts=max_attempts
    ) as demonstrator:
        return demonstrator.demonstrate(episode(task, number))


@pytest.fixture(scope="module")
def reach_demonstration() -> Demonstration:
    return demonstrate()


def digest(demonstration: Demonstration) -> str:
    hashed = hashlib.sha256()
    for name in ("rgb", "depth_m", "instance", "keypoints_m", "joint_positions_rad", "tip_pose"):
        hashed.update(np.ascontiguousarray(getattr(demonstration, name)).tobytes())
    return hashed.hexdigest()


def test_a_demonstration_is_whole(reach_demonstration: Demonstration) -> None:
    reach_demonstration.check()
    assert reach_demonstration.success
    assert 20 < reach_demonstration.num_steps < 200
    assert reach_demonstration.keypoints[0].name == "waypoint0"
    tip = [keypoint.name for keypoint in reach_demonstration.keypoints].index("tip")
    np.testing.assert_allclose(
        reach_demonstration.keypoints_m[:, tip], reach_demonstration.tip_pose[:, :3], atol=1e-9
    )
    gap_m = np.linalg.norm(
        reach_demonstration.keypoints_m[:, tip] - reach_demonstration.keypoints_m[:, 0], axis=-1
    )
    assert gap_m[-1] < 0.012 < gap_m[0]


@pytest.mark.parametrize("camera", range(len(CAMERAS)))
def test_a_ball_seen_whole_lies_where_its_keypoint_projects(
    reach_demonstration: Demonstration, camera: int
) -> None:
    """A ball's mask is centred on its projection, and its depth is exact: one radius nearer."""
    checked = 0
    for number, keypoint in enumerate(reach_demonstration.keypoints[:3]):
        mask = reach_demonstration.instance[0, camera] == keypoint.instance
        rows, columns = np.nonzero(mask)
        if len(rows) < 12 or min(rows.min(), columns.min()) < 1 or max(*rows, *columns) > 126:
            continue
        pose, k = (
            reach_demonstration.world_from_camera[0, camera],
            reach_demonstration.intrinsics[camera],
        )
        centre = reach_demonstration.keypoints_m[0, number]
        (u, v), z = project(centre, k, pose)
        across = 2 * 0.025 * k[0, 0] / z
        if np.ptp(columns) + 1 < across - 0.8 or np.ptp(rows) + 1 < across - 0.8:
            continue
        assert abs(columns.mean() + 0.5 - u) < 0.5
        assert abs(rows.mean() + 0.5 - v) < 0.5
        ray = np.stack([(columns + 0.5 - k[0, 2]) / k[0, 0], (rows + 0.5 - k[1, 2]) / k[1, 1]])
        points = (
            np.concatenate([ray, np.ones((1, len(rows)))])
            * reach_demonstration.depth_m[0, camera][mask]
        )
        in_world = pose[:3, :3] @ points + pose[:3, 3:]
        radius = np.linalg.norm(in_world.T - centre, axis=1)
        # On the rim, where the polygon that was drawn and the ball differ, the drawn depth stays.
        assert np.quantile(np.abs(radius - 0.025), 0.95) < 1e-4
        checked += 1
    if CAMERAS[camera] in ("overhead", "front"):
        assert checked


def test_the_table_lies_flat_to_a_tenth_of_a_millimetre(reach_demonstration: Demonstration) -> None:
    table = next(row.instance for row in reach_demonstration.objects if row.object_id == "table")
    for camera in range(len(CAMERAS)):
        k, pose = (
            reach_demonstration.intrinsics[camera],
            reach_demonstration.world_from_camera[0, camera],
        )
        rows, columns = np.nonzero(reach_demonstration.instance[0, camera] == table)
        ray = np.stack([(columns + 0.5 - k[0, 2]) / k[0, 0], (rows + 0.5 - k[1, 2]) / k[1, 1]])
        points = np.concatenate([ray, np.ones((1, len(rows)))])
        points *= reach_demonstration.depth_m[0, camera][rows, columns]
        height = (pose[:3, :3] @ points + pose[:3, 3:])[2]
        on_top = height > 0.74
        assert on_top.sum() > 1000
        assert np.abs(height[on_top] - 0.752).max() < 1e-4


def test_another_process_gives_the_same_bytes(reach_demonstration: Demonstration) -> None:
    code = (
        "from tests.views.robots.test_mujoco import demonstrate, digest;"
        "demonstrate('reach_target', 5); print(digest(demonstrate()))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == digest(reach_demonstration)


def test_the_backend_renders_without_a_display() -> None:
    code = (
        "from workflow_scripts.views.backends.mujoco import MujocoDemonstrator as Backend\n"
        "with Backend(cameras=('front',), size_px=64, max_steps=1, max_attempts=1) as backend:\n"
        "    print(backend.provenance['opengl'])"
    )
    absent = ("MUJOCO_GL", "PYOPENGL_PLATFORM", "DISPLAY")
    environment = {name: value for name, value in os.environ.items() if name not in absent}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_another_seed_gives_another_place(reach_demonstration: Demonstration) -> None:
    other = demonstrate(number=1)
    assert np.abs(other.keypoints_m[0, 0] - reach_demonstration.keypoints_m[0, 0]).max() > 0.01


def test_what_fails_is_said_with_every_reason() -> None:
    with pytest.raises(EpisodeError, match=r"no demonstration in 2 attempts: 2 x .*not done in 5"):
        demonstrate(max_steps=5, max_attempts=2)


def test_a_task_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(UserError, match=r"'pour_from_cup_to_cup' is not simulated.*reach_target"):
        demonstrate("pour_from_cup_to_cup")


def test_a_variation_that_is_not_there_is_refused() -> None:
    with (
        MujocoDemonstrator(
            cameras=("front",), size_px=64, max_steps=300, max_attempts=1
        ) as demonstrator,
        pytest.raises(UserError, match="has no variation 20; allowed: 0 to 19"),
    ):
        demonstrator.demonstrate(episode(variation=20))


@pytest.mark.parametrize(("cameras", "said"), [((), "none"), (("side",), "side")])
def test_cameras_that_are_not_there_are_refused(cameras: tuple[str, ...], said: str) -> None:
    with pytest.raises(UserError, match=f"cameras {said}; allowed: left_shoulder"):
        MujocoDemonstrator(cameras=cameras, size_px=64, max_steps=300, max_attempts=1)
