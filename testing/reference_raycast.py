"""Depth and ids in float64 without a ray library: the reference that the renderer is held to."""

import numpy as np

from workflow_scripts.geometry.cameras import Camera, invert, rays_camera, transform

_NEAR_M = 1e-6


def reference_first_hits(
    triangles: np.ndarray, labels: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return planar depth f64 [h, w] (inf: none), label [h, w] (0: none) and the runner-up's lead.

    Every triangle [f, 3, 3] is tested, in the camera's frame, against the rays through the pixel
    centres inside its bounding rectangle. A ray is inside a triangle if it passes its three edges
    on the same side. `lead` [h, w] is how far behind the first hit the nearest hit of another
    label lies, so that a tie between two labels can be distinguished from an error.
    """
    height, width = camera.height_px, camera.width_px
    rays = rays_camera(camera.intrinsics, width_px=width, height_px=height)
    corners = transform(invert(camera.world_from_camera), triangles.astype(np.float64))
    depth = np.full((height, width), np.inf)
    label = np.zeros((height, width), dtype=np.int64)
    second = np.full((height, width), np.inf)
    for corner, name in zip(corners, labels, strict=True):
        rows, columns = _window(corner, camera)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        ray = rays[rows, columns]
        a, b, c = corner
        sides = np.stack([ray @ np.cross(b, c), ray @ np.cross(c, a), ray @ np.cross(a, b)])
        inside = (sides >= 0).all(axis=0) | (sides <= 0).all(axis=0)
        normal = np.cross(b - a, c - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (normal @ a) / (ray @ normal)
        distance[~inside | ~(distance > _NEAR_M)] = np.inf
        best, other = depth[rows, columns], second[rows, columns]
        nearer = distance < best
        same = label[rows, columns] == name
        other = np.where(nearer & ~same, np.minimum(other, best), other)
        other = np.where(~nearer & ~same, np.minimum(other, distance), other)
        second[rows, columns] = other
        depth[rows, columns] = np.where(nearer, distance, best)
        label[rows, columns] = np.where(nearer, name, label[rows, columns])
    with np.errstate(invalid="ignore"):
        return depth, label, second - depth


def _window(corner: np.ndarray, camera: Camera) -> tuple[slice, slice]:
    """Return the rows and columns of pixels whose rays can meet a triangle [3, 3]."""
    if (corner[:, 2] <= _NEAR_M).all():
        return slice(0, 0), slice(0, 0)
    if (corner[:, 2] <= 1e-3).any():
        return slice(0, camera.height_px), slice(0, camera.width_px)
    k = camera.intrinsics
    u = k[0, 0] * corner[:, 0] / corner[:, 2] + k[0, 2]
    v = k[1, 1] * corner[:, 1] / corner[:, 2] + k[1, 2]
    low = np.floor([v.min() - 1, u.min() - 1]).clip(0, 1e6).astype(int)
    high = np.ceil([v.max() + 1, u.max() + 1])
    high = high.clip(0, [camera.height_px, camera.width_px]).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1])
