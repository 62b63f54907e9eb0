"""A stand-in of the parts of RLBench and PyRep that are used, as modules under their names.

It keeps to their documented interface: `Environment`, `TaskEnvironment.get_demos` with a callback
that does not get the first observation, observations with `misc` cameras in the simulator's axes,
masks as three colour channels in [0, 1], objects by name and handle, poses as 4x4 matrices. What
it shows is the exact ball scene of `ball_demonstrator`.
"""

import logging
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from testing.ball_demonstrator import RADIUS_M, TABLE_Z_M, BallDemonstrator, episode
from testing.rlbench_recordings import FAR_M, observations_from

DUMMY, SHAPE, PATH = "dummy", "shape", "path"
# Handles as a scene has them: not in the order of the names, one above 16 bits.
HANDLES = {"target": 66129, "table0": 81, "Panda_link3": 10}
CALLS: list[str] = []


class Scene:
    """What the simulator holds now; objects are looked up here, as the real ones are."""

    demonstration: Any = None
    step = 0
    waypoints: tuple[str, ...] = ("waypoint0", "waypoint1")
    fail_attempts = 0
    unplaceable = False


class Object:
    """`pyrep.objects.object.Object`."""

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def exists(name: str) -> bool:
        return name in Scene.waypoints or name in HANDLES

    @staticmethod
    def get_object_type(name: str) -> str:
        return PATH if name == "waypoint9" else DUMMY

    @staticmethod
    def get_object_name(name_or_handle: int) -> str:
        return next((n for n, handle in HANDLES.items() if handle == name_or_handle), "")

    def get_name(self) -> str:
        return self.name

    def get_handle(self) -> int:
        return HANDLES[self.name]

    def still_exists(self) -> bool:
        return True

    def get_position(self) -> list[float]:
        ball = Scene.demonstration.keypoints_m[Scene.step, 0]
        return list(ball if self.name == "waypoint0" else ball + np.array([0, 0, 0.1]))

    def get_parent(self) -> "Object | None":
        return Object("target") if self.name == "waypoint0" else None

    def get_matrix(self) -> np.ndarray:
        matrix = np.eye(4)
        ball = Scene.demonstration.keypoints_m[Scene.step, 0]
        matrix[:3, 3] = ball if self.name == "target" else (0.3, 0, TABLE_Z_M)
        return matrix

    def get_bounding_box(self) -> list[float]:
        half = RADIUS_M if self.name == "target" else 0.5
        return [-half, half, -half, half, -half, half]

    def get_objects_in_tree(self, *, object_type: str, exclude_base: bool) -> list["Object"]:
        assert object_type == SHAPE
        assert exclude_base
        assert self.name == "reach_target"
        return [Object("table0"), Object("target")]


class Config:
    """`CameraConfig` and `ObservationConfig` in one: attributes that can be set."""

    def __init__(self) -> None:
        self.is_on = True

    def set_all(self, value: bool) -> None:
        self.is_on = value


class ObservationConfig(Config):
    def __init__(self) -> None:
        super().__init__()
        for name in ("left_shoulder", "right_shoulder", "overhead", "wrist", "front"):
            setattr(self, f"{name}_camera", Config())


class TaskEnvironment:
    def __init__(self, config: ObservationConfig, task: str) -> None:
        self._config, self._task, self._variation = config, task, 0

    def variation_count(self) -> int:
        return 20

    def set_variation(self, number: int) -> None:
        self._variation = number

    def reset(self) -> tuple[list[str], None]:
        if Scene.unplaceable:
            raise RuntimeError("Could not place the task reach_target in the scene.")
        return [f"reach the ball of variation {self._variation}", "touch it"], None

    def get_demos(
        self, amount: int, live_demos: bool, callable_each_step: Any, max_attempts: int
    ) -> list[Any]:
        assert amount == max_attempts == 1
        assert live_demos
        CALLS.append("get_demos")
        if Scene.fail_attempts:
            Scene.fail_attempts -= 1
            logging.info("Bad demo. Could not get a path for waypoint 1.")
            raise RuntimeError("Could not collect demos. Maybe a problem with the task?")
        names = [n for n in vars(self._config) if n.endswith("_camera")]
        cameras = [n.removesuffix("_camera") for n in names if getattr(self._config, n).is_on]
        size = self._config.front_camera.image_size[0]
        # As RLBench does, from the global generator.
        seed = int(np.random.randint(2**31))
        with BallDemonstrator(
            cameras=cameras, size_px=size, max_steps=6, max_attempts=1, dataset=None
        ) as ball:
            Scene.demonstration = ball.demonstrate(episode(seed=seed))
        try:
            for step, state in enumerate(observations_from(Scene.demonstration)):
                Scene.step = step
                if step:
                    callable_each_step(self._observation(state, step, cameras))
        except Exception as error:  # RLBench takes whatever happens for a bad demonstration
            logging.info("Bad demo. " + str(error))
            raise RuntimeError("Could not collect demos. Maybe a problem with the task?") from None
        return [object()]

    def _observation(self, state: dict[str, Any], step: int, cameras: list[str]) -> Any:
        shown = Scene.demonstration
        observation = types.SimpleNamespace(**state)
        order = np.array([0, *(HANDLES[n] for n in ("target", "table0", "Panda_link3"))])
        for number, name in enumerate(cameras):
            camera = getattr(self._config, f"{name}_camera")
            assert camera.depth_in_meters
            assert not camera.masks_as_one_channel
            handles = order[shown.instance[step, number]]
            colours = np.stack([handles & 255, (handles >> 8) & 255, handles >> 16], axis=-1)
            depth = np.nan_to_num(shown.depth_m[step, number], nan=FAR_M)
            setattr(observation, f"{name}_rgb", shown.rgb[step, number])
            setattr(observation, f"{name}_depth", np.minimum(depth, FAR_M))
            setattr(observation, f"{name}_mask", colours / 255.0)
        return observation


class Environment:
    def __init__(self, *, action_mode: Any, obs_config: ObservationConfig, headless: bool) -> None:
        assert headless
        self._config = obs_config

    def launch(self) -> None:
        CALLS.append("launch")

    def get_task(self, task_class: type) -> TaskEnvironment:
        CALLS.append(f"get_task {task_class.__name__}")
        return TaskEnvironment(self._config, task_class.__name__)

    def shutdown(self) -> None:
        CALLS.append("shutdown")


@contextmanager
def installed() -> Iterator[type[Scene]]:
    """Install the stand-in under the real names; everything is put back afterwards."""
    nothing = type("Mode", (), {"__init__": lambda self, *_: None})
    contents: dict[str, dict[str, Any]] = {
        "pyrep": {},
        "pyrep.const": {"ObjectType": types.SimpleNamespace(DUMMY=DUMMY, SHAPE=SHAPE, PATH=PATH)},
        "pyrep.objects": {},
        "pyrep.objects.object": {"Object": Object},
        "pyrep.objects.dummy": {"Dummy": Object},
        "rlbench": {"ObservationConfig": ObservationConfig},
        "rlbench.action_modes": {},
        "rlbench.action_modes.action_mode": {"MoveArmThenGripper": nothing},
        "rlbench.action_modes.arm_action_modes": {"JointVelocity": nothing},
        "rlbench.action_modes.gripper_action_modes": {"Discrete": nothing},
        "rlbench.environment": {"Environment": Environment},
        "rlbench.tasks": {},
        "rlbench.tasks.reach_target": {"ReachTarget": type("ReachTarget", (), {})},
    }
    for name, values in contents.items():
        module = types.ModuleType(name)
        vars(module).update(values)
        module.__path__ = []
        sys.modules[name] = module
    CALLS.clear()
    Scene.fail_attempts, Scene.unplaceable = 0, False
    Scene.waypoints = ("waypoint0", "waypoint1")
    try:
        yield Scene
    finally:
        for name in contents:
            del sys.modules[name]


def complete_environment(folder: Path) -> dict[str, str]:
    """Return variables as a complete installation sets them."""
    root = folder / "CoppeliaSim"
    root.mkdir(exist_ok=True)
    return {
        "COPPELIASIM_ROOT": str(root),
        "LD_LIBRARY_PATH": f"/usr/lib:{root}",
        "QT_QPA_PLATFORM_PLUGIN_PATH": str(root),
        "DISPLAY": ":99",
    }
