"""Backend `mujoco`: RLBench's tasks simulated and rendered on this machine."""

import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.common.demonstration_shard import Demonstration, Keypoint
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import wrap_deg
from workflow_scripts.sources.readers.rlbench_tasks import CAMERAS, STEP_S
from workflow_scripts.views.demonstrator import EpisodeError
from workflow_scripts.views.robots import tasks
from workflow_scripts.views.robots.arm import FINGER_NAMES, FINGER_OPEN_M
from workflow_scripts.views.robots.cameras import intrinsics

# Not `import mujoco` above: the package `robots` must choose MUJOCO_GL before MuJoCo is imported.
from workflow_scripts.views.robots.offscreen_renderer import (
    OffscreenContext,
    OffscreenRenderer,
    mujoco,
)
from workflow_scripts.views.robots.panda import TIP_FROM_FLANGE_M
from workflow_scripts.views.robots.scene_builder import PlacementError, SceneBuilder, SceneObject
from workflow_scripts.views.robots.scripted_task import (
    KeypointSpec,
    SceneState,
    ScriptedTask,
    TaskModule,
)
from workflow_scripts.views.robots.simulate import DemoError, Simulation, Trajectory, joint_indices

logger = logging.getLogger(__name__)
TIP = KeypointSpec("tip", "gripper", (0.0, 0.0, TIP_FROM_FLANGE_M))


def load_task(name: str) -> TaskModule:
    """Return a task's module; `UserError` for one that is not simulated."""
    if name not in tasks.NAMES:
        raise UserError(
            f"task {name!r} is not simulated by backend 'mujoco'; "
            f"{allowed_values(name, tasks.NAMES)}"
        )
    return importlib.import_module(f"{tasks.__name__}.{name}")


class MujocoDemonstrator:
    """Backend `mujoco`: see `workflow_scripts.views.demonstrator.Demonstrator`."""

    def __init__(
        self,
        *,
        cameras: Sequence[str],
        size_px: int,
        max_steps: int,
        max_attempts: int,
        dataset: Path | None = None,
    ) -> None:
        unknown = [name for name in cameras if name not in CAMERAS]
        if unknown or not cameras:
            raise UserError(
                f"cameras {', '.join(unknown) or 'none'}; allowed: {', '.join(CAMERAS)}"
            )
        self.cameras, self.size_px = tuple(cameras), size_px
        self.max_steps, self.max_attempts = max_steps, max_attempts
        self._gl_context: OffscreenContext | None = None
        self.provenance: dict[str, Any] = {"engine": f"mujoco {mujoco.__version__}"}

    def __enter__(self) -> "MujocoDemonstrator":
        self._gl_context = OffscreenContext(size_px=self.size_px)
        self.provenance["opengl"] = self._gl_context.renderer
        return self

    def __exit__(self, *_: object) -> None:
        if self._gl_context is not None:
            self._gl_context.close()
            self._gl_context = None

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Simulate until an attempt succeeds, then render it."""
        task = load_task(episode.task)
        if not 0 <= episode.variation < task.NUM_VARIATIONS:
            raise UserError(
                f"task {episode.task!r} has no variation {episode.variation}; "
                f"allowed: 0 to {task.NUM_VARIATIONS - 1}"
            )
        failures: list[str] = []
        for attempt in range(self.max_attempts):
            generator = rng(episode.seed, episode.task, episode.variation, attempt)
            try:
                scene = TaskScene(task, episode.variation, generator)
                trajectory = scene.simulate(max_steps=self.max_steps)
            except PlacementError as error:
                failures.append(f"placement: {error}")
            except DemoError as error:
                failures.append(str(error))
            else:
                return self.render_demonstration(episode, scene, trajectory, failures)
            logger.debug("%s attempt %d: %s", episode.scene_id, attempt, failures[-1])
        raise EpisodeError(
            f"no demonstration in {self.max_attempts} attempts: {summarise_failures(failures)}"
        )

    def render_demonstration(
        self, episode: Episode, scene: "TaskScene", trajectory: Trajectory, failures: Sequence[str]
    ) -> Demonstration:
        """Render every recorded state in every camera and record keypoints and poses.

        `failures` are the reasons why earlier attempts failed.
        """
        assert self._gl_context is not None, "the demonstrator is not open"
        state = SceneState(scene.model, mujoco.MjData(scene.model))
        qpos_indices, qvel_indices = joint_indices(scene.model)
        offscreen = OffscreenRenderer(
            self._gl_context, scene.model, instance_of_geom=scene.instance_of_geom
        )
        keypoint_specs = keypoint_specs_of(scene)
        objects: list[ObjectRow] = []
        rendered, points_m, poses, tip_poses = [], [], [], []
        try:
            for step, position in enumerate(trajectory.positions):
                state.data.qpos[:] = position
                mujoco.mj_kinematics(scene.model, state.data)
                mujoco.mj_comPos(scene.model, state.data)
                mujoco.mj_camlight(scene.model, state.data)
                if step == 0:
                    objects = [
                        object_row(episode, scene, state, scene_object)
                        for scene_object in scene.scene_objects
                    ]
                rendered.append(offscreen.render(state.data, self.cameras))
                points_m.append([keypoint_position_m(state, spec) for spec in keypoint_specs])
                poses.append(
                    [state.pose(scene_object.body.name) for scene_object in scene.scene_objects]
                )
                tip = state.data.site("tip")
                rotation = Rotation.from_matrix(tip.xmat.reshape(3, 3)).as_quat(canonical=True)
                tip_poses.append([*tip.xpos, *rotation])
        finally:
            offscreen.close()
        positions, velocities = np.array(trajectory.positions), np.array(trajectory.velocities)
        fingers = [scene.model.joint(name).qposadr[0] for name in FINGER_NAMES]
        instance = {
            scene_object.object_id: scene_object.instance for scene_object in scene.scene_objects
        }
        return Demonstration(
            cameras=self.cameras,
            rgb=np.array([images[0] for images in rendered]),
            depth_m=np.array([images[1] for images in rendered]),
            instance=np.array([images[2] for images in rendered]),
            intrinsics=np.array([intrinsics(name, size_px=self.size_px) for name in self.cameras]),
            world_from_camera=np.array([images[3] for images in rendered]),
            keypoints=[
                Keypoint(spec.name, spec.parent, instance.get(spec.parent, 0), spec.surface_depth_m)
                for spec in keypoint_specs
            ],
            keypoints_m=np.array(points_m),
            joint_positions_rad=positions[:, qpos_indices],
            joint_velocities_rad_per_s=velocities[:, qvel_indices],
            gripper_opening=np.clip(positions[:, fingers].mean(axis=1) / FINGER_OPEN_M, 0.0, 1.0),
            tip_pose=np.array(tip_poses),
            objects=objects,
            world_from_object=np.array(poses),
            step_s=STEP_S,
            success=True,
            description=scene.scripted_task.description,
            failures=tuple(failures),
        )


class TaskScene:
    """The scene of one attempt: its model, its objects, and the object of each geom."""

    def __init__(self, task: TaskModule, variation: int, generator: np.random.Generator) -> None:
        builder = SceneBuilder(generator)
        self.scripted_task: ScriptedTask = task.build(builder, variation)
        self.model = builder.compile()
        self.scene_objects: list[SceneObject] = list(builder.scene_objects.values())
        instance_of_body = {
            scene_object.body.name: scene_object.instance for scene_object in self.scene_objects
        }
        self.instance_of_geom: dict[int, int] = {}
        for geom in range(self.model.ngeom):
            body = int(self.model.geom_bodyid[geom])
            while body and self.model.body(body).name not in instance_of_body:
                body = int(self.model.body_parentid[body])
            self.instance_of_geom[geom] = instance_of_body.get(self.model.body(body).name, 0)

    def simulate(self, *, max_steps: int) -> Trajectory:
        """Return a demonstration that succeeded; `DemoError` says why there is none."""
        return Simulation(self.model, self.scripted_task, max_steps=max_steps).demonstrate()


def summarise_failures(failures: Sequence[str]) -> str:
    """Return every reason once, with its count."""
    return "; ".join(f"{failures.count(reason)} x {reason}" for reason in dict.fromkeys(failures))


def keypoint_specs_of(scene: TaskScene) -> list[KeypointSpec]:
    """Return the keypoints of a scene: waypoints, extra keypoints, the tip of the gripper.

    Waypoints at the same position in the same object (approach and retreat) are one keypoint.
    """
    keypoint_specs: list[KeypointSpec] = []
    for number, waypoint in enumerate(scene.scripted_task.waypoints):
        x, y, z = (float(value) for value in waypoint.parent_from_tip[:3, 3])
        if not any(
            spec.parent == waypoint.parent and np.allclose(spec.at_m, (x, y, z), atol=1e-3)
            for spec in keypoint_specs
        ):
            name = f"waypoint{number}"
            keypoint_specs.append(
                KeypointSpec(name, waypoint.parent, (x, y, z), waypoint.surface_depth_m)
            )
    return [*keypoint_specs, *scene.scripted_task.extra_keypoints, TIP]


def keypoint_position_m(state: SceneState, spec: KeypointSpec) -> np.ndarray:
    """Return a keypoint [3] in world metres."""
    pose = state.pose(spec.parent)
    position: np.ndarray = pose[:3, :3] @ spec.at_m + pose[:3, 3]
    return position


def object_row(
    episode: Episode, scene: TaskScene, state: SceneState, scene_object: SceneObject
) -> ObjectRow:
    """Describe an object by the upright box around its geoms, rotated by its yaw.

    The box of an object that lies on its side is axis-aligned.
    """
    pose = state.pose(scene_object.body.name)
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0])) if abs(pose[2, 2]) > 0.5 else 0.0
    cos, sin = np.cos(yaw), np.sin(yaw)
    world_from_box = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = []
    for geom, instance in scene.instance_of_geom.items():
        if instance == scene_object.instance:
            middle, half = scene.model.geom_aabb[geom].reshape(2, 3)
            rotation = state.data.geom_xmat[geom].reshape(3, 3)
            corners.append((middle + signs * half) @ rotation.T + state.data.geom_xpos[geom])
    corners_in_box = np.concatenate(corners) @ world_from_box
    low, high = corners_in_box.min(axis=0), corners_in_box.max(axis=0)
    centre, size = world_from_box @ ((low + high) / 2), high - low
    return ObjectRow(
        scene_id=episode.scene_id,
        instance=scene_object.instance,
        object_id=scene_object.object_id,
        category=scene_object.category,
        kind="structure" if scene_object.kind == "structure" else "object",
        asset_id=f"robots/{scene_object.category.replace(' ', '_')}",
        parent_id=scene_object.parent_id,
        room_id="",
        x_m=float(centre[0]),
        y_m=float(centre[1]),
        z_m=float(centre[2]),
        width_m=float(size[0]),
        depth_m=float(size[1]),
        height_m=float(size[2]),
        yaw_deg=wrap_deg(float(np.rad2deg(yaw))),
    )
