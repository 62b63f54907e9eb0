"""Measure the oriented box of every instance from its points, and set it beside the true box."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull, QhullError

from workflow_scripts.common.cloud_shard import Cloud
from workflow_scripts.common.records import BoxRow
from workflow_scripts.geometry.cameras import rotation_about_up

MIN_POINTS = 16
"""An instance with fewer points gets no box: its extent would be chance."""


@dataclass(frozen=True)
class MeasuredBox:
    """An upright box: centre, size (along its own axes) in metres, yaw in [-45, 45) degrees."""

    centre_m: np.ndarray
    size_m: np.ndarray
    yaw_deg: float


def measure_box(point_m: np.ndarray, *, trim: float = 0.0) -> MeasuredBox:
    """Return the upright box of points [n, 3] whose footprint has the least area.

    One side of the smallest rectangle around a convex shape lies on an edge of it, so only the
    edges of the footprint's hull are tried. `trim` is the share of points left out at either end
    of each axis; 0 suits exact depth, a few per cent noisy depth.
    """
    points = np.asarray(point_m, dtype=np.float64)
    yaws_deg = _footprint_yaws_deg(points[:, :2])
    yaw = np.deg2rad(yaws_deg)
    along = points[:, :1] * np.cos(yaw) + points[:, 1:2] * np.sin(yaw)
    across = points[:, 1:2] * np.cos(yaw) - points[:, :1] * np.sin(yaw)
    shares = [trim, 1 - trim]
    x0, x1 = np.quantile(along, shares, axis=0)
    y0, y1 = np.quantile(across, shares, axis=0)
    best = int(np.argmin((x1 - x0) * (y1 - y0)))
    z0, z1 = np.quantile(points[:, 2], shares)
    low = np.array([x0[best], y0[best], z0])
    high = np.array([x1[best], y1[best], z1])
    yaw_deg = float(yaws_deg[best])
    return MeasuredBox(rotation_about_up(yaw_deg) @ ((low + high) / 2), high - low, yaw_deg)


def _footprint_yaws_deg(footprint_m: np.ndarray) -> np.ndarray:
    """Return the candidate yaws in [-45, 45), the one nearest to zero first.

    A footprint that is a line (a wall or picture seen from the front) has no hull; its direction
    is then the only candidate.
    """
    centred = footprint_m - footprint_m.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    edges = axes[:1]
    if spread[-1] > 1e-3 * np.sqrt(len(centred)):
        try:
            corners = centred[ConvexHull(centred).vertices]
            edges = np.roll(corners, -1, axis=0) - corners
        except QhullError:
            edges = axes[:1]
    yaws_deg = np.rad2deg(np.arctan2(edges[:, 1], edges[:, 0]))
    yaws_deg = np.unique(np.round((yaws_deg + 45) % 90 - 45, 4))
    return yaws_deg[np.argsort(np.abs(yaws_deg), kind="stable")]


def measure_boxes(
    cloud: Cloud, objects: pd.DataFrame, *, scene_id: str, trim: float = 0.0
) -> list[BoxRow]:
    """Return a row per instance of the scene's objects table that has enough points.

    `cloud` is sorted by instance, as `fuse` returns it.
    """
    known = objects[objects.scene_id == scene_id].set_index("instance")
    instances, start, counts = np.unique(cloud.instance, return_index=True, return_counts=True)
    rows = []
    for instance, first, count in zip(instances, start, counts, strict=True):
        if count < MIN_POINTS or instance not in known.index:
            continue
        true = known.loc[int(instance)]
        box = measure_box(cloud.point_m[first : first + count], trim=trim)
        rows.append(
            BoxRow(
                scene_id=scene_id,
                instance=int(instance),
                object_id=true.object_id,
                category=true.category,
                kind=true.kind,
                num_points=int(count),
                x_m=box.centre_m[0],
                y_m=box.centre_m[1],
                z_m=box.centre_m[2],
                width_m=box.size_m[0],
                depth_m=box.size_m[1],
                height_m=box.size_m[2],
                yaw_deg=box.yaw_deg,
                true_x_m=true.x_m,
                true_y_m=true.y_m,
                true_z_m=true.z_m,
                true_width_m=true.width_m,
                true_depth_m=true.depth_m,
                true_height_m=true.height_m,
                true_yaw_deg=true.yaw_deg,
            )
        )
    return rows
