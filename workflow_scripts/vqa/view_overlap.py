"""Whether two views of a room show enough of the same to ask about both together."""

import numpy as np

from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import back_project, project
from workflow_scripts.vqa.view_context import ViewContext

NOTHING_COMMON = "two views without a common object"
TOO_LITTLE = "two views that overlap too little"
MIN_COMMON_OBJECTS = 3
MIN_OVERLAP = 0.2
# Every so many pixels along rows and columns; a surface is the same where its depths agree.
STEP_PX = 4
SAME_DEPTH_SHARE, SAME_DEPTH_M = 0.05, 0.05


def overlap_problem(shard: ViewShard, first: ViewContext, second: ViewContext) -> str:
    """Return why two views are not to be asked about together, "" if they are.

    They must show a common object, and either three or a fifth of the surface that one of the
    views shows.
    """
    common = len(set(first.measured.instance.tolist()) & set(second.measured.instance.tolist()))
    if not common:
        return NOTHING_COMMON
    if common >= MIN_COMMON_OBJECTS:
        return ""
    if "depth_m" not in shard.group:
        return TOO_LITTLE
    one, other = first.measured.view, second.measured.view
    share = max(seen_share(shard, one, other), seen_share(shard, other, one))
    return "" if share >= MIN_OVERLAP else TOO_LITTLE


def seen_share(shard: ViewShard, view: int, other: int) -> float:
    """Return the share of the surface that a view shows that another view shows too."""
    camera, other_camera = shard.camera(view), shard.camera(other)
    points = back_project(shard.depth_m(view), camera.intrinsics, camera.world_from_camera)
    points = points[::STEP_PX, ::STEP_PX].reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    pixels, depth_m = project(points, other_camera.intrinsics, other_camera.world_from_camera)
    size_px = np.array([other_camera.width_px, other_camera.height_px])
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < size_px)).all(axis=1)
    if not inside.any():
        return 0.0
    columns, rows = pixels[inside].astype(int).T
    hit_m = shard.depth_m(other)[rows, columns]
    same_m = np.maximum(SAME_DEPTH_M, SAME_DEPTH_SHARE * depth_m[inside])
    with np.errstate(invalid="ignore"):
        seen = np.abs(hit_m - depth_m[inside]) <= same_m
    return float(np.count_nonzero(seen) / len(points))
