"""The cloud of one view, small enough for a page: coloured points, and the boxes of objects.

Coordinates are millimetres (Z up) about the middle of the points, as 16-bit integers: of the
world, or of the view's gravity-aligned frame where boxes are measured ones.
"""

import base64
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.common.measurements import Measurements
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import FloatArray, back_project
from workflow_scripts.geometry.upright_boxes import box_corners

MAX_POINTS = 4000
_REACH_MM = 32_000
# Corners of `box_corners` that an edge joins: those that differ in one axis.
EDGES = [(one, one | axis) for one in range(8) for axis in (1, 2, 4) if not one & axis]


@dataclass(frozen=True)
class Cloud:
    """Points as base64 of int16 [n, 3] (mm), u8 [n, 3] and u16 [n]; boxes by instance."""

    points: str
    colours: str
    instances: str
    boxes: dict[int, list[list[int]]]


def cloud(shard: ViewShard, view: int, measured: Measurements | None = None) -> Cloud | None:
    """Return the cloud of a view, None if it has no depth at all.

    Boxes are the measured ones if there are any, else the true ones.
    """
    depth_m = shard.depth_m(view)
    # A grid over the picture: the same points whenever the page is made.
    step = max(1, math.ceil(math.sqrt(depth_m.size / MAX_POINTS)))
    grid = np.zeros(depth_m.shape, dtype=bool)
    grid[step // 2 :: step, step // 2 :: step] = True
    rows, columns = np.nonzero(grid & np.isfinite(depth_m) & (depth_m > 0))
    if not len(rows):
        return None
    camera = shard.camera(view) if measured is None else measured.camera
    corners_m = _true_corners(shard, view) if measured is None else _measured_corners(measured)
    points_m = back_project(depth_m, camera.intrinsics, camera.world_from_camera)[rows, columns]
    middle_m = np.median(points_m, axis=0)
    boxes = {
        instance: _millimetres(corners - middle_m).tolist()
        for instance, corners in corners_m.items()
    }
    return Cloud(
        points=_text(_millimetres(points_m - middle_m)),
        colours=_text(shard.rgb(view)[rows, columns]),
        instances=_text(shard.instance(view)[rows, columns].astype("<u2")),
        boxes=boxes,
    )


def _measured_corners(measured: Measurements) -> dict[int, FloatArray]:
    return {
        int(instance): box_corners(centre, size, yaw)
        for instance, kind, centre, size, yaw in zip(
            measured.instance,
            measured.kind,
            measured.centre_m,
            measured.size_m,
            measured.yaw_deg,
            strict=True,
        )
        if kind == "object"
    }


def _true_corners(shard: ViewShard, view: int) -> dict[int, FloatArray]:
    scene = shard.views.loc[shard.views["view"] == view, "scene_id"].iloc[0]
    objects: pd.DataFrame = shard.objects
    scene_objects = objects[(objects["scene_id"] == scene) & (objects["kind"] == "object")]
    return {
        int(row.instance): box_corners(
            (row.x_m, row.y_m, row.z_m), (row.width_m, row.depth_m, row.height_m), row.yaw_deg
        )
        for row in scene_objects.itertuples(index=False)
        if np.isfinite([row.x_m, row.y_m, row.z_m, row.width_m, row.depth_m, row.height_m]).all()
    }


def _millimetres(points_m: FloatArray) -> np.ndarray:
    return np.clip(np.rint(1000 * points_m), -_REACH_MM, _REACH_MM).astype("<i2")


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
