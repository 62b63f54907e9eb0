"""Run a scripted task under physics: inverse kinematics to each waypoint, position servos.

After the start objects move by contact alone. States are recorded every 50 ms and rendered later.
"""

from dataclasses import dataclass, field

import mujoco
import numpy as np

from workflow_scripts.sources.readers.rlbench_tasks import STEP_S as RECORD_S
from workflow_scripts.views.robots.arm import FINGER_NAMES, FINGER_OPEN_M, JOINT_NAMES
from workflow_scripts.views.robots.panda import (
    HOME_RAD,
    NUM_JOINTS,
    IkSolution,
    cartesian_path,
    solve_ik,
    world_from_tip,
)
from workflow_scripts.views.robots.scene_builder import STEP_S
from workflow_scripts.views.robots.scripted_task import SceneState, ScriptedTask, Waypoint

SUBSTEPS = round(RECORD_S / STEP_S)
SETTLE_STEPS = 10
GRIPPER_STEPS = 6
SETTLE_AT_WAYPOINT_STEPS = 2
# RLBench checks for success during a few more steps after the last waypoint.
GRACE_STEPS = 10
MEAN_SPEED_RAD_PER_S = 0.85
MEAN_SPEED_M_PER_S = 0.28
# A tracking error above this on arrival means that the arm hit an obstacle.
MAX_TRACKING_ERROR_RAD = 0.15
_LINE_STEP_M = 0.02


class DemoError(Exception):
    """A demonstration that cannot be planned, or that did not succeed."""


@dataclass
class Trajectory:
    """A recorded demonstration: generalised positions and velocities [T, n] every 50 ms."""

    positions: list[np.ndarray] = field(default_factory=list)
    velocities: list[np.ndarray] = field(default_factory=list)


def actuator_indices(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the arm's [7] and the fingers' [2] actuators."""
    arm = np.array([model.actuator(name).id for name in JOINT_NAMES])
    return arm, np.array([model.actuator(name).id for name in FINGER_NAMES])


def joint_indices(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """Return where the arm's joints [7] lie in qpos and in qvel."""
    numbers = [model.joint(name).id for name in JOINT_NAMES]
    return model.jnt_qposadr[numbers], model.jnt_dofadr[numbers]


class Simulation:
    """A running simulation of a scripted task."""

    def __init__(
        self, model: mujoco.MjModel, scripted_task: ScriptedTask, *, max_steps: int
    ) -> None:
        self.state = SceneState(model, mujoco.MjData(model))
        self.scripted_task, self.max_steps, self.trajectory = scripted_task, max_steps, Trajectory()
        self._arm, self._fingers = actuator_indices(model)
        self._qpos_indices, _ = joint_indices(model)
        data = self.state.data
        data.qpos[self._qpos_indices] = HOME_RAD
        for name in FINGER_NAMES:
            data.joint(name).qpos = FINGER_OPEN_M
        for name, angle in scripted_task.angles_rad.items():
            data.joint(name).qpos = angle
        self.commanded_rad = HOME_RAD.copy()
        data.ctrl[self._arm] = self.commanded_rad
        data.ctrl[self._fingers] = FINGER_OPEN_M
        mujoco.mj_forward(model, data)

    def demonstrate(self) -> Trajectory:
        """Settle, follow every waypoint, and check for success."""
        self.settle()
        self.record()
        for number, waypoint in enumerate(self.scripted_task.waypoints):
            self.execute_waypoint(waypoint, f"waypoint{number}")
        for _ in range(GRACE_STEPS):
            if not self.scripted_task.check_success(self.state):
                return self.trajectory
            self.step(self.commanded_rad[None].repeat(SUBSTEPS, axis=0))
        unmet_condition = self.scripted_task.check_success(self.state)
        if unmet_condition:
            raise DemoError(f"demonstration: finished, but {unmet_condition}")
        return self.trajectory

    def settle(self) -> None:
        """Let objects come to rest before the recording starts."""
        data = self.state.data
        for _ in range(SETTLE_STEPS):
            mujoco.mj_step(self.state.model, data, nstep=SUBSTEPS)
        if not np.isfinite(data.qpos).all() or np.abs(data.qvel).max() > 20:
            raise DemoError("placement: objects do not come to rest")
        data.time = 0.0

    def record(self) -> None:
        if len(self.trajectory.positions) >= self.max_steps:
            raise DemoError(f"demonstration: not done in {self.max_steps} steps")
        self.trajectory.positions.append(self.state.data.qpos.copy())
        self.trajectory.velocities.append(self.state.data.qvel.copy())

    def step(self, commands_rad: np.ndarray) -> None:
        """Move for 50 ms with one command [7] a substep, and record."""
        data = self.state.data
        for command in commands_rad:
            data.ctrl[self._arm] = command
            mujoco.mj_step(self.state.model, data)
        if not np.isfinite(data.qpos).all():
            raise DemoError("demonstration: the simulation became unstable")
        self.commanded_rad = commands_rad[-1].copy()
        self.record()

    def execute_waypoint(self, waypoint: Waypoint, name: str) -> None:
        """Move to a waypoint and set the gripper."""
        target = self.state.pose(waypoint.parent) @ waypoint.parent_from_tip
        path = plan_path(target, self.commanded_rad, linear=waypoint.linear, name=name)
        for commands in time_parameterize(path, speed=waypoint.speed):
            self.step(commands)
        hold_command = self.commanded_rad[None].repeat(SUBSTEPS, axis=0)
        for _ in range(SETTLE_AT_WAYPOINT_STEPS):
            self.step(hold_command)
        tracking_error_rad = float(
            np.abs(self.state.data.qpos[self._qpos_indices] - self.commanded_rad).max()
        )
        if tracking_error_rad > MAX_TRACKING_ERROR_RAD:
            raise DemoError(f"demonstration: an obstacle stopped the arm on its path to {name}")
        if waypoint.grip is not None:
            self.state.data.ctrl[self._fingers] = waypoint.grip * FINGER_OPEN_M
            for _ in range(GRIPPER_STEPS):
                self.step(hold_command)


def plan_path(target: np.ndarray, from_rad: np.ndarray, *, linear: bool, name: str) -> np.ndarray:
    """Return joints [n, 7] along a path to a pose, from the current joints.

    Raises `DemoError` if the pose cannot be reached.
    """
    if not linear:
        solution = solve_ik(target, from_rad)
        _check_reachable(solution, name)
        return np.stack([from_rad, solution.joints_rad])
    length = float(np.linalg.norm(target[:3, 3] - world_from_tip(from_rad)[:3, 3]))
    solutions = cartesian_path(
        target, from_rad, num_points=max(3, int(np.ceil(length / _LINE_STEP_M)))
    )
    for solution in solutions:
        _check_reachable(solution, f"the straight path to {name}")
    return np.stack([from_rad, *(solution.joints_rad for solution in solutions)])


def _check_reachable(solution: IkSolution, name: str) -> None:
    if not solution.is_exact:
        raise DemoError(
            f"waypoint: {name} cannot be reached: "
            f"best is {1000 * solution.position_error_m:.0f} mm and "
            f"{np.rad2deg(solution.rotation_error_rad):.0f} degrees off"
        )


def time_parameterize(path: np.ndarray, *, speed: float) -> list[np.ndarray]:
    """Time-parameterise a path [n, 7]: commands [substeps, 7] for every 50 ms.

    Progress along the path is a minimum-jerk curve (Flash and Hogan 1985); its mean speed is
    bounded at the joints and at the tip.
    """
    joint_steps_rad = np.abs(np.diff(path, axis=0)).max(axis=1)
    tips = np.array([world_from_tip(joints)[:3, 3] for joints in path])
    length_m = float(np.linalg.norm(np.diff(tips, axis=0), axis=1).sum())
    duration_s = max(
        float(joint_steps_rad.sum()) / MEAN_SPEED_RAD_PER_S,
        length_m / MEAN_SPEED_M_PER_S,
        2 * RECORD_S,
    )
    count = int(np.ceil(duration_s / speed / RECORD_S))
    phase = np.arange(1, count * SUBSTEPS + 1) / (count * SUBSTEPS)
    progress = phase**3 * (10 - 15 * phase + 6 * phase**2)
    path_fraction = np.linspace(0, 1, len(path))
    commands = np.stack(
        [np.interp(progress, path_fraction, path[:, n]) for n in range(NUM_JOINTS)], axis=1
    )
    return list(commands.reshape(count, SUBSTEPS, NUM_JOINTS))
