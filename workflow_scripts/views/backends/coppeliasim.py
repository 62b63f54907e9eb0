"""Backend `coppeliasim`: RLBench itself, on PyRep and CoppeliaSim 4.1.

Written against RLBench 1.2.0 and PyRep 4.1.0.3 at the commits of `coppeliasim_install`. RLBench
draws from NumPy's global generator, which is seeded here for each attempt; its path planner has
no seed, so recordings are not the same bytes twice.
"""

import importlib
import itertools
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.demonstration_shard import Demonstration, Keypoint
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import wrap_deg
from workflow_scripts.sources.readers.rlbench_tasks import CAMERAS, STEP_S
from workflow_scripts.views.coppeliasim_install import PYREP, RLBENCH, check_installation
from workflow_scripts.views.demonstrator import EpisodeError
from workflow_scripts.views.rlbench_decoding import (
    decode_handles,
    gripper_opening,
    recorded_camera,
    stack_over_time,
)

logger = logging.getLogger(__name__)
# Depth this close to the far plane hit nothing.
_FAR_M = 1e-4


class StepRecorder:
    """Called by RLBench after each step: records the observation and the poses of all objects."""

    def __init__(self, task: str, *, max_steps: int) -> None:
        self._task, self._max_steps = task, max_steps
        self.observations: list[Any] = []
        self.waypoints: list[np.ndarray] = []
        self.poses: list[np.ndarray] = []
        self.keypoints: list[Keypoint] = []
        self.shapes: list[Any] = []
        self._dummies: list[Any] = []

    def __call__(self, observation: Any) -> None:
        """Record a step."""
        if not self.observations:
            self._find_shapes()
        if len(self.observations) >= self._max_steps:
            raise EpisodeError(f"more than sources.rlbench.max_steps ({self._max_steps}) steps")
        self.observations.append(observation)
        self.waypoints.append(np.array([dummy.get_position() for dummy in self._dummies]))
        previous = self.poses[-1] if self.poses else np.tile(np.eye(4), (len(self.shapes), 1, 1))
        self.poses.append(
            np.array(
                [
                    pose_matrix(shape) if shape.still_exists() else last
                    for shape, last in zip(self.shapes, previous, strict=True)
                ]
            ).reshape(-1, 4, 4)
        )

    def _find_shapes(self) -> None:
        """Look up the task's shapes and its waypoints, before anything is grasped.

        A grasped object becomes a child of the gripper, but keeps its handle.
        """
        const = importlib.import_module("pyrep.const")
        objects = importlib.import_module("pyrep.objects.object")
        dummies = importlib.import_module("pyrep.objects.dummy")
        base = dummies.Dummy(self._task)
        shapes_in_tree = base.get_objects_in_tree(
            object_type=const.ObjectType.SHAPE, exclude_base=True
        )
        self.shapes = sorted(shapes_in_tree, key=lambda shape: shape.get_name())
        numbers = {shape.get_name(): n for n, shape in enumerate(self.shapes, start=1)}
        for number in itertools.count():
            name = f"waypoint{number}"
            if not objects.Object.exists(name):
                break
            # A waypoint may also be a path, which is not a keypoint.
            if objects.Object.get_object_type(name) == const.ObjectType.DUMMY:
                dummy = dummies.Dummy(name)
                parent = dummy.get_parent()
                parent_id = parent.get_name() if parent is not None else ""
                self._dummies.append(dummy)
                self.keypoints.append(Keypoint(name, parent_id, numbers.get(parent_id, 0)))


def pose_matrix(scene_object: Any) -> np.ndarray:
    """Return the pose [4, 4] of an object; older PyReps give twelve numbers."""
    values = np.asarray(scene_object.get_matrix(), dtype=np.float64)
    if values.shape == (4, 4):
        return values
    return np.vstack([values.reshape(3, 4), [0, 0, 0, 1]])


class CoppeliaSimDemonstrator:
    """Runs RLBench's own demonstrations; see `views.demonstrator.Demonstrator`."""

    def __init__(
        self,
        *,
        cameras: Sequence[str],
        size_px: int,
        max_steps: int,
        max_attempts: int,
        dataset: Path | None,
    ) -> None:
        check_installation(os.environ)
        self._cameras, self._size_px = tuple(cameras), size_px
        self._max_steps, self._max_attempts = max_steps, max_attempts
        self._task_name, self._task, self._description = "", None, ""
        self.provenance: dict[str, Any] = {"engine": "RLBench", "rlbench": RLBENCH, "pyrep": PYREP}
        self._environment = self._launch()

    def _launch(self) -> Any:
        """Start the simulator with the configured cameras."""
        rlbench = importlib.import_module("rlbench")
        modes = importlib.import_module("rlbench.action_modes.action_mode")
        arms = importlib.import_module("rlbench.action_modes.arm_action_modes")
        grippers = importlib.import_module("rlbench.action_modes.gripper_action_modes")
        environment = importlib.import_module("rlbench.environment")
        config = rlbench.ObservationConfig()
        config.set_all(True)
        for name in CAMERAS:
            camera = getattr(config, f"{name}_camera")
            camera.set_all(name in self._cameras)
            camera.point_cloud = False
            camera.image_size = (self._size_px, self._size_px)
            camera.depth_in_meters = True
            # Decoded as integers: see `rlbench_decoding.decode_handles`.
            camera.masks_as_one_channel = False
        config.record_gripper_closing = True
        launched = environment.Environment(
            action_mode=modes.MoveArmThenGripper(arms.JointVelocity(), grippers.Discrete()),
            obs_config=config,
            headless=True,
        )
        launched.launch()
        return launched

    def __enter__(self) -> "CoppeliaSimDemonstrator":
        return self

    def __exit__(self, *_: object) -> None:
        self._environment.shutdown()

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Record a demonstration; `EpisodeError` says why every attempt failed."""
        task = self._load_task(episode)
        failures: list[str] = []
        for attempt in range(self._max_attempts):
            recorder = StepRecorder(episode.task, max_steps=self._max_steps)
            seed = rng(episode.seed, episode.task, episode.variation, attempt).integers(2**32)
            try:
                with global_seed(int(seed)), capture_rlbench_errors() as reasons:
                    task.get_demos(1, live_demos=True, callable_each_step=recorder, max_attempts=1)
                return self._demonstration(episode, recorder, failures)
            except UserError:
                raise
            except Exception as error:  # RLBench raises bare RuntimeErrors, planners many types
                failures.append(f"attempt {attempt + 1}: {reasons[-1] if reasons else error}")
                logger.warning("%s: %s", episode.scene_id, failures[-1])
        raise EpisodeError(f"no demonstration in {len(failures)} attempts: {'; '.join(failures)}")

    def _load_task(self, episode: Episode) -> Any:
        """Return RLBench's task, loaded, in the episode's variation."""
        if self._task_name != episode.task:
            try:
                module = importlib.import_module(f"rlbench.tasks.{episode.task}")
            except ImportError:
                raise EpisodeError(
                    f"this version of RLBench has no task {episode.task}; "
                    "names differ between versions"
                ) from None
            name = "".join(word[0].upper() + word[1:] for word in episode.task.split("_"))
            self._task = self._environment.get_task(getattr(module, name))
            self._task_name = episode.task
        task: Any = self._task
        count = task.variation_count()
        if episode.variation >= count:
            raise EpisodeError(
                f"variation {episode.variation}; {episode.task} has 0 to {count - 1}"
            )
        task.set_variation(episode.variation)
        with global_seed(episode.seed % 2**32):
            try:
                descriptions, _ = task.reset()
            except Exception as error:  # TaskEnvironmentError and all that the engine raises
                raise EpisodeError(f"the task cannot be placed: {error}") from None
        self._description = str(descriptions[0]) if descriptions else ""
        return task

    def _demonstration(
        self, episode: Episode, recorder: StepRecorder, failures: Sequence[str]
    ) -> Demonstration:
        """Convert the recorded steps into a demonstration."""
        if not recorder.keypoints:
            raise EpisodeError(f"{episode.task} has no waypoint that is a point")
        name = episode.scene_id
        states: list[Mapping[str, Any]] = [
            vars(observation) for observation in recorder.observations
        ]
        size = (self._size_px, self._size_px)
        cameras = [
            [recorded_camera(state, camera, size_px=size, name=name) for camera in self._cameras]
            for state in states
        ]

        def images(kind: str) -> np.ndarray:
            return np.array([[state[f"{c}_{kind}"] for c in self._cameras] for state in states])

        depth = images("depth").astype(np.float32)
        far = np.array([[limits[1] for _, _, limits in row] for row in cameras])
        depth[depth >= far[..., None, None] - _FAR_M] = np.nan
        handles = decode_handles(np.rint(images("mask") * 255))
        objects, numbers = self._object_rows(episode, recorder, handles)
        names = {row.object_id for row in objects}
        return Demonstration(
            cameras=self._cameras,
            rgb=images("rgb").astype(np.uint8),
            depth_m=depth,
            instance=np.vectorize(numbers.__getitem__, otypes=[np.uint16])(handles),
            intrinsics=np.array([k for k, _, _ in cameras[0]]),
            world_from_camera=np.array([[pose for _, pose, _ in row] for row in cameras]),
            keypoints=[
                keypoint
                if keypoint.parent_id in names
                else Keypoint(keypoint.name, keypoint.parent_id)
                for keypoint in recorder.keypoints
            ],
            keypoints_m=np.array(recorder.waypoints, dtype=np.float64),
            joint_positions_rad=stack_over_time(states, "joint_positions", (7,), name=name),
            joint_velocities_rad_per_s=stack_over_time(states, "joint_velocities", (7,), name=name),
            gripper_opening=gripper_opening(states, name=name),
            tip_pose=stack_over_time(states, "gripper_pose", (7,), name=name),
            objects=objects,
            world_from_object=self._poses(recorder, len(objects)),
            step_s=STEP_S,
            success=True,
            description=self._description,
            failures=tuple(failures),
        )

    def _object_rows(
        self, episode: Episode, recorder: StepRecorder, handles: np.ndarray
    ) -> tuple[list[ObjectRow], dict[int, int]]:
        """Return the rows and the instance of each handle: the task's shapes, then the others.

        Numbers follow names, not handles: those differ between versions of the scene.
        """
        names = importlib.import_module("pyrep.objects.object").Object
        numbers = {shape.get_handle(): n for n, shape in enumerate(recorder.shapes, start=1)}
        rows = [
            _object_row(episode, number, shape.get_name(), local_bounds(shape), pose, kind="object")
            for number, (shape, pose) in enumerate(
                zip(recorder.shapes, recorder.poses[0], strict=True), start=1
            )
        ]
        others = sorted(
            (names.get_object_name(int(handle)) or f"handle-{handle}", int(handle))
            for handle in np.unique(handles)
            if int(handle) not in numbers
        )
        for name, handle in others:
            numbers[handle] = len(rows) + 1
            unknown = np.full((2, 3), np.nan)
            rows.append(
                _object_row(episode, len(rows) + 1, name, unknown, np.eye(4), kind="structure")
            )
        return rows, numbers

    @staticmethod
    def _poses(recorder: StepRecorder, num_objects: int) -> np.ndarray:
        """Return [T, N, 4, 4]; NaN for objects that do not belong to the task."""
        poses = np.full((len(recorder.poses), num_objects, 4, 4), np.nan)
        poses[:, : len(recorder.shapes)] = np.array(recorder.poses)
        return poses


def local_bounds(shape: Any) -> np.ndarray:
    """Return [2, 3], the lower and upper corner of a shape's box in the frame of the shape."""
    return np.asarray(shape.get_bounding_box(), dtype=np.float64).reshape(3, 2).T


def _object_row(
    episode: Episode, number: int, name: str, box: np.ndarray, pose: np.ndarray, *, kind: Any
) -> ObjectRow:
    centre = pose[:3, :3] @ box.mean(axis=0) + pose[:3, 3]
    size = box[1] - box[0]
    return ObjectRow(
        scene_id=episode.scene_id,
        instance=number,
        object_id=name,
        category=name.rstrip("0123456789#_") or name,
        kind=kind,
        asset_id="",
        parent_id="",
        room_id="",
        **dict(zip(("x_m", "y_m", "z_m"), centre.tolist(), strict=True)),
        **dict(zip(("width_m", "depth_m", "height_m"), size.tolist(), strict=True)),
        yaw_deg=wrap_deg(float(np.rad2deg(np.arctan2(pose[1, 0], pose[0, 0])))),
    )


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which RLBench draws from, and restore it afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


@contextmanager
def capture_rlbench_errors() -> Iterator[list[str]]:
    """Collect why RLBench gave up an attempt: it logs the reason, but raises another error."""
    reasons: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if message.startswith("Bad demo."):
                reasons.append(message.removeprefix("Bad demo.").strip())

    root, handler = logging.getLogger(), Collect(level=logging.INFO)
    level = root.level
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO) or logging.INFO)
    try:
        yield reasons
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
