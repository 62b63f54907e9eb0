"""Right, up and forward of a view: the frame in which left, above and behind have a meaning.

The axes are named and never called x, y, z, so that nobody compares along the wrong one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workflow_scripts.common.records import GravityRow
from workflow_scripts.geometry.cameras import Camera, FloatArray

STEEP_COSINE = 0.98
"""|cosine| between the optical axis and up from which the axis gives no heading (78.5 degrees)."""


@dataclass(frozen=True, eq=False)
class GravityAxes:
    """Unit vectors [3] in the camera frame (OpenCV); right-handed: right = forward x up."""

    right: FloatArray
    up: FloatArray
    forward: FloatArray

    @property
    def pitch_deg(self) -> float:
        """Return the optical axis' angle above the horizon."""
        return float(np.rad2deg(np.arcsin(np.clip(self.up[2], -1.0, 1.0))))

    @property
    def is_steep(self) -> bool:
        """Return whether the camera looks so far up or down that "ahead" is badly defined."""
        return bool(abs(self.up[2]) > STEEP_COSINE)


def axes_from_up(up_camera: ArrayLike) -> GravityAxes:
    """Return the axes that an up direction [3], in the camera frame, gives.

    `forward` is the optical axis without its part along `up`. A steep camera's optical axis has
    next to no other part; its heading is the direction that is up in the picture (looking down)
    or down in the picture (looking up), which is the limit for a camera without roll.
    """
    up = np.asarray(up_camera, dtype=np.float64)
    up = up / np.linalg.norm(up)
    ahead = np.array([0.0, 0.0, 1.0])
    if abs(up[2]) > STEEP_COSINE:
        ahead = np.array([0.0, np.sign(up[2]), 0.0])
    forward = ahead - (ahead @ up) * up
    forward /= np.linalg.norm(forward)
    return GravityAxes(np.cross(forward, up), up, forward)


def axes_from_pose(world_from_camera: ArrayLike) -> GravityAxes:
    """Return the axes of a camera whose pose [4, 4] is in a world with Z up."""
    return axes_from_up(np.asarray(world_from_camera, dtype=np.float64)[2, :3])


def gravity_row(
    axes: GravityAxes,
    *,
    view: int,
    view_id: str,
    scene_id: str,
    source: str,
    camera_height_m: float,
    sigma_up_deg: float = 0.0,
    reason: str = "",
) -> GravityRow:
    """Return the record of a view's axes; accepted unless there is a reason not to."""
    vectors = {"right": axes.right, "up": axes.up, "forward": axes.forward}
    return GravityRow(
        view=view,
        view_id=view_id,
        scene_id=scene_id,
        source=source,
        **{
            f"{name}_{letter}": float(vector[index])
            for name, vector in vectors.items()
            for index, letter in enumerate("xyz")
        },
        pitch_deg=axes.pitch_deg,
        camera_height_m=camera_height_m,
        sigma_up_deg=sigma_up_deg,
        accepted=not reason,
        reason=reason,
    )


def axes_from_row(row: GravityRow) -> GravityAxes:
    """Return the axes that a record holds."""
    return GravityAxes(
        np.array([row.right_x, row.right_y, row.right_z]),
        np.array([row.up_x, row.up_y, row.up_z]),
        np.array([row.forward_x, row.forward_y, row.forward_z]),
    )


def aligned_camera(camera: Camera, row: GravityRow) -> Camera:
    """Return the camera posed in the view's gravity-aligned frame.

    With a known pose that is the shard's world. Otherwise x is right, y forward, z up, and the
    camera stands `camera_height_m` above the origin (0 if no floor was found).
    """
    if row.source == "pose":
        return camera
    axes = axes_from_row(row)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([axes.right, axes.forward, axes.up])
    pose[2, 3] = row.camera_height_m if np.isfinite(row.camera_height_m) else 0.0
    return Camera(camera.width_px, camera.height_px, camera.intrinsics, pose)
