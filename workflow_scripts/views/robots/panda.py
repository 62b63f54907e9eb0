"""Forward and inverse kinematics of Franka's Panda arm.

Modified Denavit-Hartenberg parameters and joint limits are those of Franka's documentation. The
tip frame is RLBench's: origin between the finger pads, z out of the gripper, the fingers open
along y.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

NUM_JOINTS = 7
# a_m, d_m, alpha_rad of each joint (Craig's convention: a and alpha come before the joint).
DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -np.pi / 2),
    (0.0, 0.316, np.pi / 2),
    (0.0825, 0.0, np.pi / 2),
    (-0.0825, 0.384, -np.pi / 2),
    (0.0, 0.0, np.pi / 2),
    (0.088, 0.0, np.pi / 2),
)
LOW_RAD = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
HIGH_RAD = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
# Start of RLBench's demonstrations; the zero of its fourth joint is 0.07 rad further.
HOME_RAD = np.array([0.0, 0.1752, 0.0, -0.8032, 0.0, 1.2216, 0.7854])
FLANGE_M = 0.107
# RLBench's tip is 1 cm beyond Franka's tool frame at 0.1034 m.
TIP_FROM_FLANGE_M = 0.1134
HAND_YAW_RAD = 3 * np.pi / 4
BASE_M = np.array([-0.2687, -0.0082, 0.752])

_LIMIT_BUFFER_RAD = 0.02
_MIN_LIMIT_MARGIN_RAD = 0.12
_SEED_POSTURES_RAD = (
    HOME_RAD,
    np.array([0.0, 0.3, 0.0, -2.0, 0.0, 2.3, 0.7854]),
    np.array([0.0, -0.4, 0.0, -2.6, 0.0, 2.2, 0.7854]),
    np.array([0.0, 0.5, 0.0, -2.2, 0.0, 3.4, 0.7854]),
    np.array([0.6, 0.6, -0.6, -2.2, 1.2, 2.0, 0.7854]),
    np.array([-0.6, 0.6, 0.6, -2.2, -1.2, 2.0, 0.7854]),
    # A level gripper needs the wrist flipped: the sixth joint alone does not bend that far.
    np.array([0.0, 0.25, 0.1, -2.2, -2.85, 2.7, -1.0]),
    np.array([0.0, 0.25, -0.1, -2.2, 2.85, 2.7, 1.0]),
    np.array([1.2, 0.9, -1.1, -2.2, -2.8, 2.3, -1.0]),
    np.array([-1.2, 0.9, 1.1, -2.2, 2.8, 2.3, 1.0]),
)


@dataclass(frozen=True)
class IkSolution:
    """Joints [7] and the pose error of their tip."""

    joints_rad: np.ndarray
    position_error_m: float
    rotation_error_rad: float

    @property
    def is_exact(self) -> bool:
        return self.position_error_m < 5e-4 and self.rotation_error_rad < 5e-3


def _link(a_m: float, d_m: float, alpha_rad: float) -> np.ndarray:
    """Return the pose [4, 4] of a joint's frame in the one before, at angle zero."""
    cos, sin = np.cos(alpha_rad), np.sin(alpha_rad)
    return np.array(
        [[1, 0, 0, a_m], [0, cos, -sin, -sin * d_m], [0, sin, cos, cos * d_m], [0, 0, 0, 1.0]]
    )


LINKS = tuple(_link(*row) for row in DH)


def _rotation_about_z(angle_rad: float) -> np.ndarray:
    pose = np.eye(4)
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    pose[:2, :2] = [[cos, -sin], [sin, cos]]
    return pose


FLANGE_FROM_TIP = _rotation_about_z(HAND_YAW_RAD)
FLANGE_FROM_TIP[2, 3] = FLANGE_M + TIP_FROM_FLANGE_M


def _forward_kinematics(joints_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the poses [7, 4, 4] of the joints' frames and of the tip [4, 4], in the world."""
    pose = np.eye(4)
    pose[:3, 3] = BASE_M
    frames = np.empty((NUM_JOINTS, 4, 4))
    for number, (link, angle) in enumerate(zip(LINKS, joints_rad, strict=True)):
        pose = pose @ link
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = pose[:, 0].copy(), pose[:, 1].copy()
        pose[:, 0], pose[:, 1] = cos * x + sin * y, cos * y - sin * x
        frames[number] = pose
    return frames, pose @ FLANGE_FROM_TIP


def world_from_tip(joints_rad: np.ndarray) -> np.ndarray:
    """Return the pose [4, 4] of the tip."""
    return _forward_kinematics(joints_rad)[1]


def _pose_error(target: np.ndarray, tip: np.ndarray) -> np.ndarray:
    """Return the twist [6] from the tip to the target: metres, then radians, in the world."""
    rotation_rad = Rotation.from_matrix(target[:3, :3] @ tip[:3, :3].T).as_rotvec()
    return np.concatenate([target[:3, 3] - tip[:3, 3], rotation_rad])


def damped_least_squares(
    target: np.ndarray, start_rad: np.ndarray, *, num_steps: int = 60
) -> IkSolution:
    """Improve joints by damped least squares (Wampler 1986) within their limits.

    The null space of the task pulls the arm towards the middle of its range.
    """
    joints = np.clip(start_rad, LOW_RAD + _LIMIT_BUFFER_RAD, HIGH_RAD - _LIMIT_BUFFER_RAD)
    for _ in range(num_steps):
        frames, tip = _forward_kinematics(joints)
        error = _pose_error(target, tip)
        if np.abs(error[:3]).max() < 1e-5 and np.abs(error[3:]).max() < 1e-4:
            break
        axes = frames[:, :3, 2]
        jacobian = np.concatenate([np.cross(axes, tip[:3, 3] - frames[:, :3, 3]), axes], axis=1).T
        damping = 1e-3 + 0.02 * min(1.0, float(np.linalg.norm(error)))
        inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + damping**2 * np.eye(6))
        step = inverse @ np.clip(error, -0.25, 0.25)
        null_space_step = 0.05 * ((LOW_RAD + HIGH_RAD) / 2 - joints) * [0.3, 0.1, 1, 0, 1, 0.3, 0.3]
        step += null_space_step - inverse @ (jacobian @ null_space_step)
        joints = np.clip(
            joints + np.clip(step, -0.3, 0.3),
            LOW_RAD + _LIMIT_BUFFER_RAD,
            HIGH_RAD - _LIMIT_BUFFER_RAD,
        )
    error = _pose_error(target, world_from_tip(joints))
    return IkSolution(joints, float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])))


def solve_ik(target: np.ndarray, from_rad: np.ndarray) -> IkSolution:
    """Return joints that put the tip at a pose, as close as possible to the current joints.

    Joints near their limits block later motion, so solutions from other start postures are
    preferred to them. Without an exact solution, return the best one with its errors.
    """
    best = damped_least_squares(target, from_rad)
    if best.is_exact and _limit_margin_rad(best.joints_rad) > _MIN_LIMIT_MARGIN_RAD:
        return best
    bearing = np.arctan2(*(target[:2, 3] - BASE_M[:2])[::-1])
    solutions = [best]
    for posture in _SEED_POSTURES_RAD:
        start = posture.copy()
        start[0] = start[0] + bearing
        solutions.append(damped_least_squares(target, start))

    def cost(solution: IkSolution) -> tuple[float, float]:
        if not solution.is_exact:
            return np.inf, solution.position_error_m + 0.1 * solution.rotation_error_rad
        joint_distance_rad = float(np.abs(solution.joints_rad - from_rad).max())
        return joint_distance_rad + 20 * max(
            0.0, _MIN_LIMIT_MARGIN_RAD - _limit_margin_rad(solution.joints_rad)
        ), 0.0

    return min(solutions, key=cost)


def _limit_margin_rad(joints_rad: np.ndarray) -> float:
    """Return the least angle to a limit."""
    return float(np.minimum(joints_rad - LOW_RAD, HIGH_RAD - joints_rad).min())


def cartesian_path(
    target: np.ndarray, from_rad: np.ndarray, *, num_points: int
) -> list[IkSolution]:
    """Return joints along the straight line of the tip to a pose, without the start."""
    start = world_from_tip(from_rad)
    rotation_rad = Rotation.from_matrix(target[:3, :3] @ start[:3, :3].T).as_rotvec()
    solutions: list[IkSolution] = []
    joints = from_rad
    for fraction in np.linspace(0, 1, num_points + 1)[1:]:
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_rotvec(fraction * rotation_rad).as_matrix() @ start[:3, :3]
        pose[:3, 3] = (1 - fraction) * start[:3, 3] + fraction * target[:3, 3]
        solutions.append(damped_least_squares(pose, joints, num_steps=30))
        joints = solutions[-1].joints_rad
    return solutions
