"""A scripted task: waypoints fixed to objects of a scene, keypoints, a success condition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.views.robots.scene_builder import SceneBuilder

OPEN = 1.0
CLOSED = 0.0


@dataclass(frozen=True)
class Waypoint:
    """A pose of the tip, fixed to an object of the scene ('' is the world), and a gripper action.

    The target is `parent_from_tip` [4, 4] in the frame of the object when the motion starts, so a
    waypoint moves with its object. The path is a straight line of the tip if `linear`. `grip` is
    the opening (0 to 1) of the gripper on arrival, None for no change. `surface_depth_m` is how
    deep inside its object the point may lie (see `Keypoint`).
    """

    parent: str
    parent_from_tip: np.ndarray
    linear: bool = False
    grip: float | None = None
    surface_depth_m: float = 0.0
    speed: float = 1.0


@dataclass(frozen=True)
class KeypointSpec:
    """A keypoint: a point in the frame of an object."""

    name: str
    parent: str
    at_m: tuple[float, float, float]
    surface_depth_m: float = 0.0


@dataclass(frozen=True)
class ScriptedTask:
    """A task in a scene: waypoints, a success condition, keypoints besides the waypoints.

    `check_success` returns '' on success, else the condition that is not met. `angles_rad` are
    start angles of hinges.
    """

    description: str
    waypoints: Sequence[Waypoint]
    check_success: Callable[["SceneState"], str]
    extra_keypoints: Sequence[KeypointSpec] = ()
    angles_rad: dict[str, float] = field(default_factory=dict)


class TaskModule(Protocol):
    """A module of `tasks`: one task."""

    NUM_VARIATIONS: int

    def build(self, builder: SceneBuilder, variation: int) -> ScriptedTask:
        """Add the task's objects to the scene; all randomness comes from `builder.rng`."""
        ...


@dataclass(frozen=True)
class SceneState:
    """The state of a scene, queried by names."""

    model: mujoco.MjModel
    data: mujoco.MjData

    def pose(self, object_id: str) -> np.ndarray:
        """Return the pose [4, 4] of an object in the world."""
        pose = np.eye(4)
        if object_id:
            body = self.data.body(object_id)
            pose[:3, :3], pose[:3, 3] = body.xmat.reshape(3, 3), body.xpos
        return pose

    def position_m(self, object_id: str) -> np.ndarray:
        """Return the origin [3] of an object's frame."""
        position: np.ndarray = self.data.body(object_id).xpos.copy()
        return position

    def tip_m(self) -> np.ndarray:
        """Return the position [3] of the tip."""
        position: np.ndarray = self.data.site("tip").xpos.copy()
        return position

    def angle_deg(self, joint: str) -> float:
        """Return the angle of a hinge."""
        return float(np.rad2deg(self.data.joint(joint).qpos[0]))


def tip_down(
    at_m: Sequence[float] | np.ndarray, *, yaw_deg: float = 0.0, lean_deg: float = 0.0
) -> np.ndarray:
    """Return a tip pose [4, 4] that points down; at yaw 0 the fingers open along y.

    A positive lean tilts the tip's end towards +x (at yaw 0).
    """
    return _pose(at_m, yaw_deg, 180.0 - lean_deg)


def tip_forward(
    at_m: Sequence[float], *, yaw_deg: float = 0.0, down_deg: float = 0.0, roll_deg: float = 0.0
) -> np.ndarray:
    """Return a tip pose [4, 4] that points along +x rotated by yaw, `down_deg` below the horizon.

    At roll 0 the fingers open sideways, at 90 up and down.
    """
    pose = _pose(at_m, yaw_deg, 90.0 + down_deg)
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    return pose


def _pose(at_m: Sequence[float] | np.ndarray, yaw_deg: float, pitch_deg: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("ZY", (yaw_deg, pitch_deg), degrees=True).as_matrix()
    pose[:3, 3] = at_m
    return pose


def nearest_yaw_deg(yaw_deg: float) -> float:
    """Return the yaw of a grasp, which half a turn does not change, in [-90, 90)."""
    return (yaw_deg + 90.0) % 180.0 - 90.0
