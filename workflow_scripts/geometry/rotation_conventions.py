"""Rotations as others write them: Unity's Euler angles, the axes of boxes in a camera's frame."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import FloatArray, unity_from_world

# An object of ours has x to its width, y out of its front, z up. In the JSON of Omni3D and of
# vision-language models y points down and z to the back, like the axes of an OpenCV camera.
OURS_FROM_CAMERA_BOX = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
# Its own inverse, for rooms and for objects alike.
_UNITY_AXES = unity_from_world(np.eye(3))


def unity_euler_deg(rotation: FloatArray) -> FloatArray:
    """Return Unity's Euler angles (x, y, z) in degrees of a rotation in the world frame.

    Unity turns about z, then x, then y, each about the fixed axis of its left-handed frame.
    """
    in_unity = _UNITY_AXES @ np.asarray(rotation) @ _UNITY_AXES
    y, x, z = Rotation.from_matrix(in_unity).as_euler("YXZ", degrees=True)
    return np.array([x, y, z])


def rotation_from_unity_euler(euler_deg: Sequence[float]) -> FloatArray:
    """Return the rotation [3, 3] in the world frame of Unity's Euler angles (x, y, z)."""
    x, y, z = euler_deg
    in_unity = Rotation.from_euler("YXZ", [y, x, z], degrees=True).as_matrix()
    result: FloatArray = _UNITY_AXES @ in_unity @ _UNITY_AXES
    return result


def rotation_from_zxy_euler(angles_rad: Sequence[float] | FloatArray) -> FloatArray:
    """Return the rotation [3, 3] of EmbodiedScan's Euler angles (z, x, y) in radians.

    It turns about z, then about the turned x, then about the turned y.
    """
    result: FloatArray = Rotation.from_euler("ZXY", angles_rad).as_matrix()
    return result
