"""Every task of the embedded simulator: solved by contact alone, the same in any order."""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest

from workflow_scripts.common.seeds import rng
from workflow_scripts.sources.readers.rlbench_tasks import NUM_VARIATIONS, list_tasks
from workflow_scripts.views.backends.mujoco import (
    TaskScene,
    keypoint_position_m,
    keypoint_specs_of,
    load_task,
)
from workflow_scripts.views.robots import tasks
from workflow_scripts.views.robots.offscreen_renderer import OffscreenContext, OffscreenRenderer
from workflow_scripts.views.robots.scene_builder import PlacementError
from workflow_scripts.views.robots.scripted_task import SceneState
from workflow_scripts.views.robots.simulate import DemoError, Trajectory

MAX_ATTEMPTS = 4
FASTEST_M = 0.12


@cache
def demonstrated(name: str) -> tuple[TaskScene, Trajectory]:
    """Return a scene and its first demonstration that succeeds."""
    for attempt in range(MAX_ATTEMPTS):
        scene = TaskScene(load_task(name), 0, rng(7, name, attempt))
        try:
            return scene, scene.simulate(max_steps=400)
        except (DemoError, PlacementError):
            continue
    raise AssertionError(f"{name}: no demonstration in {MAX_ATTEMPTS} attempts")


def state_at(scene: TaskScene, position: np.ndarray) -> SceneState:
    data = mujoco.MjData(scene.model)
    data.qpos[:] = position
    mujoco.mj_forward(scene.model, data)
    return SceneState(scene.model, data)


def digest(name: str) -> str:
    """Hash all states of a demonstration and a picture of its end."""
    scene, run = demonstrated(name)
    hashed = hashlib.sha256(np.array(run.positions).tobytes())
    hashed.update(np.array(run.velocities).tobytes())
    gl_context = OffscreenContext(size_px=64)
    offscreen = OffscreenRenderer(gl_context, scene.model, instance_of_geom=scene.instance_of_geom)
    for values in offscreen.render(state_at(scene, run.positions[-1]).data, ["overhead"]):
        hashed.update(np.ascontiguousarray(values).tobytes())
    offscreen.close()
    gl_context.close()
    return hashed.hexdigest()


@pytest.mark.parametrize("name", tasks.NAMES)
def test_a_task_is_unsolved_before_and_solved_after(name: str) -> None:
    scene, run = demonstrated(name)
    assert scene.scripted_task.check_success(state_at(scene, run.positions[0]))
    assert scene.scripted_task.description
    assert 20 < len(run.positions) < 400


@pytest.mark.parametrize("name", tasks.NAMES)
def test_nothing_jumps(name: str) -> None:
    """Objects move by contact: no body moves far within 50 ms."""
    scene, run = demonstrated(name)
    data = mujoco.MjData(scene.model)
    positions = []
    for position in run.positions:
        data.qpos[:] = position
        mujoco.mj_kinematics(scene.model, data)
        positions.append(data.xpos.copy())
    assert np.linalg.norm(np.diff(positions, axis=0), axis=-1).max() < FASTEST_M


@pytest.mark.parametrize("name", tasks.NAMES)
def test_keypoints_are_named_and_move_with_their_objects(name: str) -> None:
    scene, run = demonstrated(name)
    points = keypoint_specs_of(scene)
    assert len({point.name for point in points}) == len(points) >= 3
    states = [state_at(scene, run.positions[step]) for step in (0, -1)]
    for point in points:
        local = []
        for state in states:
            pose = state.pose(point.parent)
            local.append(pose[:3, :3].T @ (keypoint_position_m(state, point) - pose[:3, 3]))
        np.testing.assert_allclose(local[0], local[1], atol=1e-9)


def test_what_a_task_moves_has_moved() -> None:
    for name, scene_object in (
        ("close_fridge", "door"),
        ("put_shoes_in_box", "shoe2"),
        ("take_usb_out_of_computer", "usb"),
    ):
        scene, run = demonstrated(name)
        before, after = (
            state_at(scene, run.positions[step]).pose(scene_object) for step in (0, -1)
        )
        assert np.abs(after - before).max() > 0.05


def test_a_plan_knows_how_many_variations_a_task_has() -> None:
    for name in tasks.NAMES:
        assert NUM_VARIATIONS.get(name, 1) == load_task(name).NUM_VARIATIONS, name


def test_a_new_task_is_one_file(tmp_path: Path) -> None:
    for name in ("open_box", "__init__", "sockets"):
        (tmp_path / f"{name}.py").touch()
    assert list_tasks(tmp_path) == ("open_box",)
    assert len(tasks.NAMES) == 9


def test_another_process_and_order_give_the_same_bytes() -> None:
    code = (
        "from tests.views.robots.test_tasks import digest, tasks;"
        "print(*[digest(name) for name in reversed(tasks.NAMES)])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == [digest(name) for name in tasks.NAMES][::-1]
