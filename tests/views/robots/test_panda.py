"""The arm's kinematics: forward against MuJoCo's own, inverse against forward, within limits."""

import mujoco
import numpy as np
import pytest

from workflow_scripts.views.robots import arm, panda
from workflow_scripts.views.robots.scripted_task import tip_down, tip_forward


@pytest.fixture(scope="module")
def bodies() -> tuple[mujoco.MjModel, mujoco.MjData]:
    spec = mujoco.MjSpec()
    arm.add_arm(spec)
    model = spec.compile()
    return model, mujoco.MjData(model)


@pytest.mark.parametrize("seed", range(5))
def test_the_tip_is_where_the_simulated_arm_has_it(
    bodies: tuple[mujoco.MjModel, mujoco.MjData], seed: int
) -> None:
    model, data = bodies
    joints = np.random.default_rng(seed).uniform(panda.LOW_RAD, panda.HIGH_RAD)
    data.qpos[:7] = joints
    mujoco.mj_kinematics(model, data)
    pose = panda.world_from_tip(joints)
    np.testing.assert_allclose(pose[:3, 3], data.site("tip").xpos, atol=1e-9)
    np.testing.assert_allclose(pose[:3, :3], data.site("tip").xmat.reshape(3, 3), atol=1e-9)


def test_home_is_where_demonstrations_of_rlbench_start() -> None:
    tip = panda.world_from_tip(panda.HOME_RAD)
    np.testing.assert_allclose(tip[:3, 3], (0.2785, -0.0082, 1.4719), atol=0.003)
    np.testing.assert_allclose(tip[:3, 2], (0.240, 0.0, -0.9708), atol=0.002)


@pytest.mark.parametrize(
    "target",
    [
        tip_down((0.3, 0.2, 0.80)),
        tip_down((0.45, -0.3, 1.0), yaw_deg=60),
        tip_down((0.05, 0.3, 0.77), yaw_deg=-80),
        tip_forward((0.35, 0.1, 0.95)),
        tip_forward((0.45, -0.1, 0.95), down_deg=20),
    ],
)
def test_inverse_kinematics_puts_the_tip_there_within_limits(target: np.ndarray) -> None:
    solution = panda.solve_ik(target, panda.HOME_RAD)
    assert solution.is_exact
    np.testing.assert_allclose(panda.world_from_tip(solution.joints_rad), target, atol=2e-3)
    assert (solution.joints_rad >= panda.LOW_RAD).all()
    assert (solution.joints_rad <= panda.HIGH_RAD).all()


def test_a_pose_out_of_reach_is_not_called_reached() -> None:
    solution = panda.solve_ik(tip_down((1.4, 0.0, 0.8)), panda.HOME_RAD)
    assert not solution.is_exact
    assert solution.position_error_m > 0.2


def test_a_straight_way_is_straight() -> None:
    start = panda.solve_ik(tip_down((0.3, 0.2, 0.95)), panda.HOME_RAD).joints_rad
    path = panda.cartesian_path(tip_down((0.3, -0.1, 0.85)), start, num_points=10)
    tips = np.array([panda.world_from_tip(solution.joints_rad)[:3, 3] for solution in path])
    wanted = np.linspace((0.3, 0.2, 0.95), (0.3, -0.1, 0.85), 11)[1:]
    assert all(solution.is_exact for solution in path)
    np.testing.assert_allclose(tips, wanted, atol=1e-3)
