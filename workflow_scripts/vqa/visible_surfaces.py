"""How far from the camera the pixels are in which an object shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workflow_scripts.common.measurements import Measurements
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import FloatArray, rays_camera

NEAR_QUANTILE = 0.05
"""The nearest pixels but for a few: an edge seen askew decides nothing."""


@dataclass(frozen=True, eq=False)
class VisibleSurfaces:
    """Of n objects the nearest, the middle and the mean of what is visible [n, 3].

    `depth_m` is along the camera's axis, `distance_m` in a straight line; NaN without depth.
    """

    depth_m: FloatArray
    distance_m: FloatArray

    def select(self, rows: list[int]) -> "VisibleSurfaces":
        """Return what is known of some rows."""
        return VisibleSurfaces(self.depth_m[rows], self.distance_m[rows])


def visible_surfaces(
    shard: ViewShard, measured: Measurements, instance_map: NDArray[np.integer]
) -> VisibleSurfaces:
    """Return how far away what a view shows of the measured objects is."""
    camera = measured.camera
    depth_m = shard.depth_m(measured.view)
    rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
    stretch = np.linalg.norm(rays, axis=-1)
    found = np.full((2, len(measured), 3), np.nan)
    boxes = measured.box_px.tolist()
    for row, (instance, (x0, y0, x1, y1)) in enumerate(
        zip(measured.instance.tolist(), boxes, strict=True)
    ):
        part = slice(y0, y1), slice(x0, x1)
        seen = (instance_map[part] == instance) & np.isfinite(depth_m[part])
        if not seen.any():
            continue
        depth = depth_m[part][seen].astype(np.float64)
        for number, values in enumerate((depth, depth * stretch[part][seen])):
            near, middle = np.quantile(values, (NEAR_QUANTILE, 0.5))
            found[number, row] = near, middle, values.mean()
    return VisibleSurfaces(*found)
