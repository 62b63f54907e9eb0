"""Exact depth of curved geoms: intersect the rays of their pixels with the true surface.

OpenGL draws spheres, cylinders, capsules and ellipsoids as polygons, which lie a little inside the
true surface. The rendered ids say which geom each pixel shows.

Vectors of n pixels are kept as three arrays [n], not as [n, 3]: sums over so short an axis would
take most of the time.
"""

from collections.abc import Callable

import mujoco
import numpy as np

_GEOM = mujoco.mjtGeom
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]


def refine_curved_depth(
    depth_m: np.ndarray,
    geom: np.ndarray,
    rays: np.ndarray,
    world_from_camera: np.ndarray,
    model: mujoco.MjModel,
    data: mujoco.MjData,
) -> None:
    """Replace depth [v, h, w] of v images in place where a curved geom is visible.

    `geom` [v, h, w] are geom ids (-1 none); `rays` [v, h, w, 3] go through pixel centres,
    in the frames of cameras [v, 4, 4], with forward component 1, so the ray's parameter is
    planar depth. Where a ray misses (a pixel on the edge) the rendered depth stays.
    """
    # The last entry is for pixels without a geom, whose id is -1.
    intersection_of_geom = np.append(
        [int(kind) if kind in _RAY_INTERSECTIONS else -1 for kind in model.geom_type], -1
    )
    kinds = intersection_of_geom[geom]
    rotations = data.geom_xmat.reshape(-1, 3, 3)
    # Rays and camera centres in the frame of every geom: [v, g, 3, 3] and [v, g, 3].
    shape_from_ray = np.einsum("gji,vjk->vgik", rotations, world_from_camera[:, :3, :3])
    offset = world_from_camera[:, None, :3, 3] - data.geom_xpos[None]
    origins = np.einsum("gji,vgj->vgi", rotations, offset)
    x, y = rays[..., 0].ravel(), rays[..., 1].ravel()
    rendered_depth = depth_m.reshape(-1)
    for kind, intersect in _RAY_INTERSECTIONS.items():
        pixels = np.flatnonzero(kinds == kind)
        if not len(pixels):
            continue
        number = geom.reshape(-1)[pixels]
        shape = pixels // geom[0].size * model.ngeom + number
        shape_from_pixel = shape_from_ray.reshape(-1, 9)[shape].T
        u, v, w = (
            shape_from_pixel[n] * x[pixels]
            + shape_from_pixel[n + 1] * y[pixels]
            + shape_from_pixel[n + 2]
            for n in (0, 3, 6)
        )
        origin, size = origins.reshape(-1, 3)[shape].T, model.geom_size[number].T
        analytic_depth = intersect(
            (origin[0], origin[1], origin[2]), (u, v, w), (size[0], size[1], size[2])
        )
        is_hit = np.isfinite(analytic_depth) & (analytic_depth > 0)
        rendered_depth[pixels] = np.where(is_hit, analytic_depth, rendered_depth[pixels])
    depth_m[...] = rendered_depth.reshape(depth_m.shape)


def _quadratic(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the smaller root of a t^2 + 2 b t + c, inf if there is none."""
    discriminant = b * b - a * c
    with np.errstate(invalid="ignore", divide="ignore"):
        root = (-b - np.sqrt(discriminant)) / a
    return np.where((discriminant >= 0) & (a > 1e-18), root, np.inf)


def _dot(a: Axes, b: Axes) -> np.ndarray:
    products: np.ndarray = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return products


def _sphere(origin: Axes, direction: Axes, size: Axes) -> np.ndarray:
    return _quadratic(
        _dot(direction, direction), _dot(origin, direction), _dot(origin, origin) - size[0] ** 2
    )


def _ellipsoid(origin: Axes, direction: Axes, size: Axes) -> np.ndarray:
    x, y, z = size
    start = (origin[0] / x, origin[1] / y, origin[2] / z)
    along = (direction[0] / x, direction[1] / y, direction[2] / z)
    return _quadratic(_dot(along, along), _dot(start, along), _dot(start, start) - 1.0)


def _cylinder_side(origin: Axes, direction: Axes, size: Axes) -> np.ndarray:
    """Intersect rays with the curved side of a cylinder along z."""
    (x, y, z), (u, v, w) = origin, direction
    t = _quadratic(u * u + v * v, x * u + y * v, x * x + y * y - size[0] ** 2)
    height = z + np.where(np.isfinite(t), t, 0) * w
    return np.where(np.abs(height) <= size[1], t, np.inf)


def _cylinder(origin: Axes, direction: Axes, size: Axes) -> np.ndarray:
    (x, y, z), (u, v, w) = origin, direction
    best = _cylinder_side(origin, direction, size)
    for sign in (-1, 1):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (sign * size[1] - z) / w
            hit = (t > 0) & ((x + t * u) ** 2 + (y + t * v) ** 2 <= size[0] ** 2)
        best = np.minimum(best, np.where(hit, t, np.inf))
    return best


def _capsule(origin: Axes, direction: Axes, size: Axes) -> np.ndarray:
    x, y, z = origin
    best = _cylinder_side(origin, direction, size)
    for sign in (-1, 1):
        best = np.minimum(best, _sphere((x, y, z - sign * size[1]), direction, size))
    return best


_RAY_INTERSECTIONS: dict[int, Callable[[Axes, Axes, Axes], np.ndarray]] = {
    int(_GEOM.mjGEOM_SPHERE): _sphere,
    int(_GEOM.mjGEOM_ELLIPSOID): _ellipsoid,
    int(_GEOM.mjGEOM_CYLINDER): _cylinder,
    int(_GEOM.mjGEOM_CAPSULE): _capsule,
}
