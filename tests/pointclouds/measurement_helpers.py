"""Measure one view that is in memory: its gravity frame, its rows, and what those rows hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workflow_scripts.common.measurements import Measurements, measurements_from_rows
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow, records_to_frame
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.geometry.gravity import aligned_camera
from workflow_scripts.pointclouds.depth_error import DepthErrorModel
from workflow_scripts.pointclouds.gravity import gravity_of_view
from workflow_scripts.pointclouds.measure_view import SceneObject, measure_view


def view_gravity(
    depth_m: np.ndarray,
    camera: Camera,
    *,
    error: DepthErrorModel,
    rng: Any = 0,
    from_pose: bool = True,
) -> GravityRow:
    """Return the gravity frame of a view, from its pose or from its floor."""
    names = {"view": 0, "view_id": "v", "scene_id": "s"}
    rng = np.random.default_rng(rng)
    return gravity_of_view(depth_m, camera, pose_is_known=from_pose, error=error, rng=rng, **names)


def measure_and_read(
    depth_m: np.ndarray,
    instance: np.ndarray,
    camera: Camera,
    objects: Sequence[SceneObject],
    gravity: GravityRow,
    **settings: Any,
) -> tuple[list[MeasuredRow], list[GapRow], Measurements]:
    """Return the rows of a view, and the measurements that are read back from them."""
    rows, gaps = measure_view(depth_m, instance, camera, objects, gravity, **settings)
    tables = records_to_frame(rows, MeasuredRow), records_to_frame(gaps, GapRow)
    return rows, gaps, measurements_from_rows(gravity, aligned_camera(camera, gravity), *tables)
