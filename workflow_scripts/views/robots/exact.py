"""Depth of curved shapes by algebra: the picture says which shape is seen, this says where.

OpenGL draws balls, rods and eggs as polygons, which lie a little inside the true surface. At the
pixels where one is seen, the ray through the pixel's centre is cut with the true surface.
"""

import mujoco
import numpy as np

_GEOM = mujoco.mjtGeom
CURVED = (
    int(_GEOM.mjGEOM_SPHERE),
    int(_GEOM.mjGEOM_CAPSULE),
    int(_GEOM.mjGEOM_ELLIPSOID),
    int(_GEOM.mjGEOM_CYLINDER),
)


def refine(
    depth_m: np.ndarray,
    geom: np.ndarray,
    rays: np.ndarray,
    world_from_camera: np.ndarray,
    model: mujoco.MjModel,
    data: mujoco.MjData,
) -> None:
    """Replace depth [h, w] in place where a curved shape is seen.

    `geom` [h, w] numbers the shapes (-1 none); `rays` [h, w, 3] go through pixel centres with
    forward component 1, so the ray's parameter is planar depth. Where a ray misses (a pixel on
    the very edge) the drawn depth stays.
    """
    kind = np.where(geom >= 0, model.geom_type[geom], -1)
    curved = np.isin(kind, CURVED)
    if not curved.any():
        return
    number, kind = geom[curved], kind[curved]
    rotation = data.geom_xmat[number].reshape(-1, 3, 3)
    towards = rays[curved] @ world_from_camera[:3, :3].T
    direction = np.einsum("nji,nj->ni", rotation, towards)
    origin = np.einsum("nji,nj->ni", rotation, world_from_camera[:3, 3] - data.geom_xpos[number])
    size = model.geom_size[number]
    found = np.full(len(number), np.inf)
    for shape, cut in (
        (_GEOM.mjGEOM_SPHERE, _ball),
        (_GEOM.mjGEOM_ELLIPSOID, _egg),
        (_GEOM.mjGEOM_CYLINDER, _cylinder),
        (_GEOM.mjGEOM_CAPSULE, _capsule),
    ):
        mine = kind == int(shape)
        if mine.any():
            found[mine] = cut(origin[mine], direction[mine], size[mine])
    drawn = depth_m[curved]
    depth_m[curved] = np.where(np.isfinite(found) & (found > 0), found, drawn)


def _quadratic(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the smaller root of a t^2 + 2 b t + c, inf if there is none."""
    square = b * b - a * c
    with np.errstate(invalid="ignore", divide="ignore"):
        root = (-b - np.sqrt(square)) / a
    return np.where((square >= 0) & (a > 1e-18), root, np.inf)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ni,ni->n", a, b)


def _ball(origin: np.ndarray, direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    return _quadratic(
        _dot(direction, direction), _dot(origin, direction), _dot(origin, origin) - size[:, 0] ** 2
    )


def _egg(origin: np.ndarray, direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    return _ball(origin / size, direction / size, np.ones_like(size))


def _side(origin: np.ndarray, direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Cut the round side of a cylinder along z."""
    flat, at = direction[:, :2], origin[:, :2]
    t = _quadratic(_dot(flat, flat), _dot(at, flat), _dot(at, at) - size[:, 0] ** 2)
    height = origin[:, 2] + np.where(np.isfinite(t), t, 0) * direction[:, 2]
    return np.where(np.abs(height) <= size[:, 1], t, np.inf)


def _cylinder(origin: np.ndarray, direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    best = _side(origin, direction, size)
    for sign in (-1, 1):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (sign * size[:, 1] - origin[:, 2]) / direction[:, 2]
            at = origin[:, :2] + t[:, None] * direction[:, :2]
            hit = (t > 0) & (_dot(at, at) <= size[:, 0] ** 2)
        best = np.minimum(best, np.where(hit, t, np.inf))
    return best


def _capsule(origin: np.ndarray, direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    best = _side(origin, direction, size)
    for sign in (-1, 1):
        middle = np.stack([0 * size[:, 0], 0 * size[:, 0], sign * size[:, 1]], axis=1)
        best = np.minimum(best, _ball(origin - middle, direction, size))
    return best
