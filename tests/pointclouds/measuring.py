"""Measure one view that is in memory: its gravity frame, its rows, and what those rows hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.gravity import aligned_camera
from workflow_scripts.common.measurements import Measurements, from_rows
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow, table
from workflow_scripts.pointclouds.depth_error import DepthError
from workflow_scripts.pointclouds.gravity import gravity_of_view
from workflow_scripts.pointclouds.view import Thing, measure_view


def gravity_in(
    depth_m: np.ndarray, camera: Camera, *, error: DepthError, rng: Any = 0, from_pose: bool = True
) -> GravityRow:
    """Return the gravity frame of a view, from its pose or from its floor."""
    names = {"view": 0, "view_id": "v", "scene_id": "s"}
    rng = np.random.default_rng(rng)
    return gravity_of_view(depth_m, camera, pose_is_known=from_pose, error=error, rng=rng, **names)


def measured_in(
    depth_m: np.ndarray,
    instance: np.ndarray,
    camera: Camera,
    things: Sequence[Thing],
    gravity: GravityRow,
    **settings: Any,
) -> tuple[list[MeasuredRow], list[GapRow], Measurements]:
    """Return the rows of a view, and the measurements that are read back from them."""
    rows, gaps = measure_view(depth_m, instance, camera, things, gravity, **settings)
    tables = table(rows, MeasuredRow), table(gaps, GapRow)
    return rows, gaps, from_rows(gravity, aligned_camera(camera, gravity), *tables)
