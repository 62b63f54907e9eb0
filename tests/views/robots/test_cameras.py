"""RLBench's cameras: the recorded matrices, and pictures that agree with their projection."""

import numpy as np
import pytest

from workflow_scripts.geometry.cameras import coppeliasim_from_opencv
from workflow_scripts.views.robots import panda
from workflow_scripts.views.robots.cameras import (
    HAND_FROM_WRIST_CAMERA,
    intrinsics,
    world_from_fixed_camera,
)

# CoppeliaSim's matrices as RLBench records them with an episode (camera to world).
RECORDED = {
    "left_shoulder": [
        [0.1736, 0.8925, 0.4162, -0.175],
        [0.9848, -0.1574, -0.0734, 0.2],
        [0, 0.4226, -0.9063, 1.98],
    ],
    "right_shoulder": [
        [-0.1736, 0.8925, 0.4162, -0.175],
        [0.9848, 0.1574, 0.0734, -0.2],
        [0, 0.4226, -0.9063, 1.98],
    ],
    "overhead": [
        [0, 0.9063, 0.4226, -0.175],
        [1, 0, 0, 0],
        [0, 0.4226, -0.9063, 2.43],
    ],
    "front": [
        [0, -0.4226, -0.9063, 1.35],
        [-1, 0, 0, 0],
        [0, 0.9063, -0.4226, 1.58],
    ],
}
RECORDED_WRIST_AT_HOME = [
    [0, 0.988, 0.1544, 0.3049],
    [1, 0, 0, -0.0062],
    [0, 0.1544, -0.988, 1.5733],
]


@pytest.mark.parametrize("name", RECORDED)
def test_a_fixed_camera_stands_where_rlbench_has_it(name: str) -> None:
    pose = coppeliasim_from_opencv(world_from_fixed_camera(name))
    np.testing.assert_allclose(pose[:3], RECORDED[name], atol=1e-3)


def test_the_wrist_camera_rides_where_rlbench_has_it() -> None:
    flange_from_tip = np.eye(4)
    flange_from_tip[2, 3] = panda.TIP_FROM_FLANGE_M
    world_from_hand = panda.world_from_tip(panda.HOME_RAD) @ np.linalg.inv(flange_from_tip)
    pose = coppeliasim_from_opencv(world_from_hand @ HAND_FROM_WRIST_CAMERA)
    np.testing.assert_allclose(pose[:3], RECORDED_WRIST_AT_HOME, atol=0.004)


def test_focal_lengths_are_those_of_rlbench() -> None:
    assert intrinsics("front", size_px=128)[0, 0] == pytest.approx(175.8386, abs=1e-3)
    assert intrinsics("wrist", size_px=128)[0, 0] == pytest.approx(110.8512, abs=1e-3)
