"""Check a candidate camera at low resolution before its view is rendered."""

from collections.abc import Collection

import numpy as np

from workflow_scripts.geometry.cameras import Camera

PROBE_PX = 64
NEAR_M = 1.0
MAX_NEAR_FRACTION = 0.4

BLOCKED = "one thing within 1 m fills more than 40 % of the view"
EMPTY = "no object is seen"


def probe_camera(camera: Camera) -> Camera:
    """Return the same camera with an image of at most 64 pixels a side."""
    scale = min(1.0, PROBE_PX / max(camera.width_px, camera.height_px))
    width = max(1, round(camera.width_px * scale))
    height = max(1, round(camera.height_px * scale))
    factors = np.array([width / camera.width_px, height / camera.height_px, 1.0])
    return Camera(width, height, camera.intrinsics * factors[:, None], camera.world_from_camera)


def rejection_reason(
    depth_m: np.ndarray,
    instance: np.ndarray,
    *,
    object_instances: Collection[int],
    min_fraction: float,
) -> str | None:
    """Return why a view is rejected, or None.

    It is blocked if one wall, door leaf or piece of furniture nearer than 1 m fills most of it,
    and empty if no object covers `min_fraction` of its pixels. `depth_m` is NaN for no hit.
    """
    is_near = np.bincount(
        instance[np.nan_to_num(depth_m, nan=np.inf) < NEAR_M].ravel(), minlength=1
    )
    if is_near[1:].max(initial=0) > MAX_NEAR_FRACTION * instance.size:
        return BLOCKED
    pixel_counts = np.bincount(instance.ravel(), minlength=max(object_instances, default=0) + 1)
    if pixel_counts[list(object_instances)].max(initial=0) < max(1.0, min_fraction * instance.size):
        return EMPTY
    return None
