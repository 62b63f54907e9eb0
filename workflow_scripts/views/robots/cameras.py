"""RLBench's five cameras: four fixed ones around the table and one on the wrist."""

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import (
    coppeliasim_from_opencv,
    intrinsics_of_vision_sensor,
    opengl_from_opencv,
)
from workflow_scripts.views.robots.panda import TIP_FROM_FLANGE_M

FIXED_FOV_DEG = 40.0
WRIST_FOV_DEG = 60.0
# Position, and the direction of the optical axis (CoppeliaSim's matrices are recorded with every
# RLBench episode); the image x axes are horizontal.
FIXED = {
    "left_shoulder": ((-0.175, 0.2, 1.98), (0.4162, -0.0734, -0.9063)),
    "right_shoulder": ((-0.175, -0.2, 1.98), (0.4162, 0.0734, -0.9063)),
    "overhead": ((-0.175, 0.0, 2.43), (0.4226, 0.0, -0.9063)),
    "front": ((1.35, 0.0, 1.58), (-0.9063, 0.0, -0.4226)),
}
# The wrist camera in the tip's frame, with CoppeliaSim's axes: 5 degrees towards the fingers.
_SIN, _COS = np.sin(np.deg2rad(5.0)), np.cos(np.deg2rad(5.0))
TIP_FROM_WRIST_SENSOR = np.array(
    [[0, -_COS, _SIN, -0.05], [1, 0, 0, 0.002], [0, _SIN, _COS, -0.0921], [0, 0, 0, 1.0]]
)
HAND_FROM_WRIST_CAMERA = coppeliasim_from_opencv(TIP_FROM_WRIST_SENSOR)
HAND_FROM_WRIST_CAMERA[2, 3] += TIP_FROM_FLANGE_M


def world_from_fixed_camera(name: str) -> np.ndarray:
    """Return the pose [4, 4] of a fixed OpenCV camera."""
    position, axis = FIXED[name]
    forward = np.array(axis) / np.linalg.norm(axis)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose


def fov_deg(name: str) -> float:
    """Return the field of view of a camera, horizontal and vertical."""
    return WRIST_FOV_DEG if name == "wrist" else FIXED_FOV_DEG


def intrinsics(name: str, *, size_px: int) -> np.ndarray:
    """Return K [3, 3]."""
    return intrinsics_of_vision_sensor(width_px=size_px, height_px=size_px, fov_deg=fov_deg(name))


def add_cameras(spec: mujoco.MjSpec, hand: mujoco.MjsBody) -> None:
    """Add the cameras; MuJoCo's have OpenGL's axes."""
    for name in FIXED:
        _add(spec.worldbody, name, world_from_fixed_camera(name))
    _add(hand, "wrist", HAND_FROM_WRIST_CAMERA)


def _add(body: mujoco.MjsBody, name: str, parent_from_camera: np.ndarray) -> None:
    pose = opengl_from_opencv(parent_from_camera)
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
    body.add_camera(name=name, pos=pose[:3, 3], quat=[w, x, y, z], fovy=fov_deg(name))


def world_from_camera(data: mujoco.MjData, name: str) -> np.ndarray:
    """Return the pose [4, 4] of an OpenCV camera in the state of `data`."""
    camera = data.camera(name)
    pose = np.eye(4)
    pose[:3, :3] = camera.xmat.reshape(3, 3)
    pose[:3, 3] = camera.xpos
    return opengl_from_opencv(pose)
