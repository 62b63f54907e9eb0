"""The edges of boxes as a camera sees them, cut where they leave what can be projected."""

import numpy as np
from numpy.typing import ArrayLike

from workflow_scripts.geometry.cameras import Camera, FloatArray, invert, transform
from workflow_scripts.geometry.upright_boxes import box_corners

NEAR_M = 0.05
# Corners are ordered by their signs along x, y, z: an edge joins two that differ in one of them.
_EDGES = np.array([(a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit])


def project_box_edges(
    centre_m: ArrayLike, size_m: ArrayLike, yaw_deg: float, camera: Camera
) -> FloatArray:
    """Return the edges of a box in a picture, f64 [k, 2 (ends), 2 (u, v)], k from 0 to 12.

    An edge that passes through the plane `NEAR_M` before the camera is cut there, and all are cut
    at the border of the picture; what is outside is left out.
    """
    corners = box_corners(np.asarray(centre_m), np.asarray(size_m), np.float64(yaw_deg))
    ends = transform(invert(camera.world_from_camera), corners)[_EDGES]
    low = np.array([-np.inf, -np.inf, NEAR_M])
    segments = clip_segments(ends, low, np.full(3, np.inf))
    k = camera.intrinsics
    depth = segments[..., 2]
    pixels = np.stack(
        [
            k[0, 0] * segments[..., 0] / depth + k[0, 2],
            k[1, 1] * segments[..., 1] / depth + k[1, 2],
        ],
        axis=-1,
    )
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
    return clip_segments(pixels, np.zeros(2), size)


def clip_segments(segments: ArrayLike, low: ArrayLike, high: ArrayLike) -> FloatArray:
    """Return the parts [m, 2, d] of segments [n, 2, d] inside a box with corners [d].

    Segments without a part inside are left out (Liang & Barsky 1984). Bounds may be infinite.
    """
    ends = np.asarray(segments, dtype=np.float64)
    start, step = ends[:, 0], ends[:, 1] - ends[:, 0]
    first, last = np.zeros(len(ends)), np.ones(len(ends))
    for axis, (least, most) in enumerate(
        zip(np.asarray(low, float), np.asarray(high, float), strict=True)
    ):
        for bound, sign in ((least, 1.0), (most, -1.0)):
            if not np.isfinite(bound):
                continue
            # Inside is where sign * (start + t * step - bound) >= 0.
            distance, slope = sign * (start[:, axis] - bound), sign * step[:, axis]
            with np.errstate(divide="ignore", invalid="ignore"):
                crossing = -distance / slope
            first = np.where(slope > 0, np.maximum(first, crossing), first)
            last = np.where(slope < 0, np.minimum(last, crossing), last)
            last = np.where((slope == 0) & (distance < 0), -1.0, last)
    kept = first <= last
    begin = start[kept] + first[kept, None] * step[kept]
    end = start[kept] + last[kept, None] * step[kept]
    return np.stack([begin, end], axis=1)
