"""Backend `mujoco`: RLBench's tasks simulated and filmed on this machine."""

import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.common.cameras import wrap_deg
from workflow_scripts.common.demonstrations import Demonstration, Keypoint
from workflow_scripts.common.errors import UserError, nearest
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.common.rlbench import CAMERAS, STEP_S
from workflow_scripts.common.seeds import rng
from workflow_scripts.views.demonstrator import EpisodeError
from workflow_scripts.views.robots import tasks
from workflow_scripts.views.robots.arm import FINGER_NAMES, FINGER_OPEN_M
from workflow_scripts.views.robots.cameras import intrinsics
from workflow_scripts.views.robots.eye import Eye, Screen, mujoco
from workflow_scripts.views.robots.panda import TIP_FROM_FLANGE_M
from workflow_scripts.views.robots.script import Point, Script, Task, World
from workflow_scripts.views.robots.simulate import DemoError, Run, Simulation, joints_of
from workflow_scripts.views.robots.stage import PlacementError, Stage, Thing

logger = logging.getLogger(__name__)
TIP = Point("tip", "gripper", (0.0, 0.0, TIP_FROM_FLANGE_M))


def load_task(name: str) -> Task:
    """Return a task's module; `UserError` for one that is not simulated."""
    if name not in tasks.NAMES:
        raise UserError(
            f"task {name!r} is not simulated by backend 'mujoco'; {nearest(name, tasks.NAMES)}"
        )
    return importlib.import_module(f"{tasks.__name__}.{name}")  # type: ignore[return-value]


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
        self._screen: Screen | None = None
        self.provenance: dict[str, Any] = {"engine": f"mujoco {mujoco.__version__}"}

    def __enter__(self) -> "MujocoDemonstrator":
        self._screen = Screen(size_px=self.size_px)
        self.provenance["opengl"] = self._screen.renderer
        return self

    def __exit__(self, *_: object) -> None:
        if self._screen is not None:
            self._screen.close()
            self._screen = None

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Simulate until an attempt succeeds, then film it."""
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
                scene = Scene(task, episode.variation, generator)
                run = scene.simulate(max_steps=self.max_steps)
            except PlacementError as error:
                failures.append(f"placement: {error}")
            except DemoError as error:
                failures.append(str(error))
            else:
                return self.film(episode, scene, run, failures)
            logger.debug("%s attempt %d: %s", episode.scene_id, attempt, failures[-1])
        raise EpisodeError(f"no demonstration in {self.max_attempts} attempts: {join(failures)}")

    def film(
        self, episode: Episode, scene: "Scene", run: Run, failures: Sequence[str]
    ) -> Demonstration:
        """Draw every recorded state in every camera, and look keypoints and poses up.

        `failures` are the reasons why earlier attempts came to nothing.
        """
        assert self._screen is not None, "the demonstrator is not open"
        world = World(scene.model, mujoco.MjData(scene.model))
        at, velocity_at = joints_of(scene.model)
        eye = Eye(self._screen, scene.model, instance_of_geom=scene.instance_of_geom)
        points = keypoints(scene)
        objects: list[ObjectRow] = []
        shots, points_m, poses, tips = [], [], [], []
        try:
            for step, position in enumerate(run.positions):
                world.data.qpos[:] = position
                mujoco.mj_kinematics(scene.model, world.data)
                mujoco.mj_comPos(scene.model, world.data)
                mujoco.mj_camlight(scene.model, world.data)
                if step == 0:
                    objects = [row(episode, scene, world, thing) for thing in scene.things]
                shots.append(eye.shoot(world.data, self.cameras))
                points_m.append([where(world, point) for point in points])
                poses.append([world.pose(thing.body.name) for thing in scene.things])
                tip = world.data.site("tip")
                turn = Rotation.from_matrix(tip.xmat.reshape(3, 3)).as_quat(canonical=True)
                tips.append([*tip.xpos, *turn])
        finally:
            eye.close()
        positions, velocities = np.array(run.positions), np.array(run.velocities)
        fingers = [scene.model.joint(name).qposadr[0] for name in FINGER_NAMES]
        instance = {thing.object_id: thing.instance for thing in scene.things}
        return Demonstration(
            cameras=self.cameras,
            rgb=np.array([shot[0] for shot in shots]),
            depth_m=np.array([shot[1] for shot in shots]),
            instance=np.array([shot[2] for shot in shots]),
            intrinsics=np.array([intrinsics(name, size_px=self.size_px) for name in self.cameras]),
            world_from_camera=np.array([shot[3] for shot in shots]),
            keypoints=[
                Keypoint(point.name, point.parent, instance.get(point.parent, 0), point.inside_m)
                for point in points
            ],
            keypoints_m=np.array(points_m),
            joint_positions_rad=positions[:, at],
            joint_velocities_rad_per_s=velocities[:, velocity_at],
            gripper_opening=np.clip(positions[:, fingers].mean(axis=1) / FINGER_OPEN_M, 0.0, 1.0),
            tip_pose=np.array(tips),
            objects=objects,
            world_from_object=np.array(poses),
            step_s=STEP_S,
            success=True,
            description=scene.script.description,
            failures=tuple(failures),
        )


class Scene:
    """One attempt's scene: its model, its things, and which thing each shape belongs to."""

    def __init__(self, task: Task, variation: int, generator: np.random.Generator) -> None:
        stage = Stage(generator)
        self.script: Script = task.build(stage, variation)
        self.model = stage.compile()
        self.things: list[Thing] = list(stage.things.values())
        of_body = {thing.body.name: thing.instance for thing in self.things}
        self.instance_of_geom: dict[int, int] = {}
        for geom in range(self.model.ngeom):
            body = int(self.model.geom_bodyid[geom])
            while body and self.model.body(body).name not in of_body:
                body = int(self.model.body_parentid[body])
            self.instance_of_geom[geom] = of_body.get(self.model.body(body).name, 0)

    def simulate(self, *, max_steps: int) -> Run:
        """Return a demonstration that succeeded; `DemoError` says why there is none."""
        return Simulation(self.model, self.script, max_steps=max_steps).demonstrate()


def join(failures: Sequence[str]) -> str:
    """Say every reason once, with how often it was met."""
    return "; ".join(f"{failures.count(reason)} x {reason}" for reason in dict.fromkeys(failures))


def keypoints(scene: Scene) -> list[Point]:
    """Return the keypoints of a scene: its waypoints, its own points, the tip of the gripper.

    Waypoints at the same place of the same thing (the way there and back) are one keypoint.
    """
    found: list[Point] = []
    for number, waypoint in enumerate(scene.script.waypoints):
        x, y, z = (float(value) for value in waypoint.parent_from_tip[:3, 3])
        if not any(
            point.parent == waypoint.parent and np.allclose(point.at_m, (x, y, z), atol=1e-3)
            for point in found
        ):
            name = f"waypoint{number}"
            found.append(Point(name, waypoint.parent, (x, y, z), waypoint.inside_m))
    return [*found, *scene.script.points, TIP]


def where(world: World, point: Point) -> np.ndarray:
    """Return a keypoint [3] in world metres."""
    pose = world.pose(point.parent)
    return pose[:3, :3] @ point.at_m + pose[:3, 3]


def row(episode: Episode, scene: Scene, world: World, thing: Thing) -> ObjectRow:
    """Describe a thing by the upright box around its own shapes, turned with its front.

    A thing that lies on its side gets the box of how it lies.
    """
    pose = world.pose(thing.body.name)
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0])) if abs(pose[2, 2]) > 0.5 else 0.0
    cos, sin = np.cos(yaw), np.sin(yaw)
    world_from_box = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = []
    for geom, instance in scene.instance_of_geom.items():
        if instance == thing.instance:
            middle, half = scene.model.geom_aabb[geom].reshape(2, 3)
            turn = world.data.geom_xmat[geom].reshape(3, 3)
            corners.append((middle + signs * half) @ turn.T + world.data.geom_xpos[geom])
    around = np.concatenate(corners) @ world_from_box
    low, high = around.min(axis=0), around.max(axis=0)
    centre, size = world_from_box @ ((low + high) / 2), high - low
    return ObjectRow(
        scene_id=episode.scene_id,
        instance=thing.instance,
        object_id=thing.object_id,
        category=thing.category,
        kind="structure" if thing.kind == "structure" else "object",
        asset_id=f"robots/{thing.category.replace(' ', '_')}",
        parent_id=thing.parent_id,
        room_id="",
        x_m=float(centre[0]),
        y_m=float(centre[1]),
        z_m=float(centre[2]),
        width_m=float(size[0]),
        depth_m=float(size[1]),
        height_m=float(size[2]),
        yaw_deg=wrap_deg(float(np.rad2deg(yaw))),
    )
