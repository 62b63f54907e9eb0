"""Find the floor plane of a cloud by seeded RANSAC, and the gravity frame it gives.

Many planes of a room are large: ceiling, walls, table tops. The floor is the level one with the
most points among those that have next to nothing below them.
"""

import numpy as np

from workflow_scripts.common.cloud_shard import Floor

TOLERANCE_M = 0.02
ROUNDING_M = 1e-5
MAX_TILT_DEG = 30.0
MAX_SHARE_BELOW = 0.02
MIN_INLIER_SHARE = 0.03
NUM_HYPOTHESES = 512
NUM_SCORED_POINTS = 4096


def find_floor(
    point_m: np.ndarray,
    *,
    rng: np.random.Generator,
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
    tolerance_m: float = TOLERANCE_M,
) -> Floor | None:
    """Return the floor of points [n, 3], or None if no plane passes.

    `up` is the direction that is known to be roughly up (a source whose poses are not aligned
    with gravity passes its own); planes tilted more than 30 degrees from it are not floors.
    """
    points = np.asarray(point_m, dtype=np.float64)
    if len(points) < 3:
        return None
    normals, offsets = _hypotheses(points, np.asarray(up, dtype=np.float64), rng)
    if not len(normals):
        return None
    scored = points[rng.permutation(len(points))[:NUM_SCORED_POINTS]]
    distance = scored @ normals.T - offsets
    share_in = (np.abs(distance) <= tolerance_m).mean(axis=0)
    share_below = (distance < -tolerance_m).mean(axis=0)
    share_in[share_below > MAX_SHARE_BELOW] = 0
    best = int(np.argmax(share_in))
    if share_in[best] < MIN_INLIER_SHARE:
        return None
    return _refine_plane(points, normals[best], offsets[best], tolerance_m)


def _hypotheses(
    points: np.ndarray, up: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return planes (normal [h, 3], offset [h]) through random triples that are level enough.

    Half of the triples come from the lowest fifth of the points, where the floor is.
    """
    low = np.argsort(points @ up, kind="stable")[: max(len(points) // 5, 3)]
    half = NUM_HYPOTHESES // 2
    anywhere = rng.integers(0, len(points), (half, 3))
    triples = points[np.concatenate([anywhere, low[rng.integers(0, len(low), (half, 3))]])]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    length = np.linalg.norm(normals, axis=1)
    normals /= np.where(length > 0, length, 1)[:, None]
    normals *= np.where(normals @ up < 0, -1, 1)[:, None]
    level = normals @ (up / np.linalg.norm(up)) >= np.cos(np.deg2rad(MAX_TILT_DEG))
    return normals[level], np.einsum("hi,hi->h", normals, triples[:, 0])[level]


def _refine_plane(
    points: np.ndarray, normal: np.ndarray, offset: float, tolerance_m: float
) -> Floor:
    """Fit the plane to its inliers by least squares, three times over.

    Only inliers within three (robust) standard deviations are used: the feet of walls and
    furniture are within the tolerance too, and would lift the plane.
    """
    for _ in range(3):
        distance = np.abs(points @ normal - offset)
        spread = 3 * 1.4826 * np.median(distance[distance <= tolerance_m])
        inliers = points[distance <= np.clip(spread, ROUNDING_M, tolerance_m)]
        centre = inliers.mean(axis=0)
        scatter = (inliers - centre).T @ (inliers - centre)
        fitted = np.linalg.eigh(scatter)[1][:, 0]
        normal = fitted if fitted @ normal > 0 else -fitted
        offset = float(normal @ centre)
    distance = points @ normal - offset
    near = np.abs(distance) <= tolerance_m
    return Floor(
        normal=tuple(normal.tolist()),
        offset_m=offset,
        inlier_share=float(near.mean()),
        rms_m=float(np.sqrt(np.mean(distance[near] ** 2))),
        gravity_from_world=gravity_from_world(normal, offset).tolist(),
    )


def gravity_from_world(normal: np.ndarray, offset_m: float) -> np.ndarray:
    """Return the pose [4, 4] into the frame with z along the floor's normal and 0 on the floor.

    World +Y, laid on the floor, stays the frame's +Y; a floor whose normal is +-Y keeps +Z.
    """
    normal = normal / np.linalg.norm(normal)
    heading = np.array([0.0, 1.0, 0.0])
    if abs(normal @ heading) > 0.98:
        heading = np.array([0.0, 0.0, 1.0])
    heading_on_floor = heading - (heading @ normal) * normal
    heading_on_floor /= np.linalg.norm(heading_on_floor)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([np.cross(heading_on_floor, normal), heading_on_floor, normal])
    pose[2, 3] = -offset_m
    return pose
