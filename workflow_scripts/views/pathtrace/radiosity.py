"""Light that surfaces reflect, in patches of about 20 cm: what gathers of bounced light read.

Small faces share a patch with those of their object in the same voxel and direction; a large
face is divided into a grid along two of its edges, so that the patch of a hit follows from its
barycentric coordinates. Every patch has two sides. A patch is lit when it is first read, and
its light does not depend on what was lit before.
"""

from collections.abc import Callable

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.direct_light import DirectLight
from workflow_scripts.views.pathtrace.lights import AMBIENT
from workflow_scripts.views.pathtrace.random_kernel import random_share
from workflow_scripts.views.pathtrace.scene import TriangleMesh
from workflow_scripts.views.pathtrace.surface_cells import SurfaceCells
from workflow_scripts.views.pathtrace.surfaces import STEP_M, Surfaces

_PATCH_M = 0.2
_SHADOW_RAYS = 6
_GATHER_RAYS = 9
_HIDDEN_M = 0.02
_RAYS_PER_BATCH = 1 << 18


class Radiosity:
    """Patches [p] of a house and the radiance that they reflect, a row for each of two sides."""

    def __init__(
        self,
        mesh: TriangleMesh,
        cells: SurfaceCells,
        surfaces: Surfaces,
        direct_light: DirectLight,
        to_sun: np.ndarray | None,
        sun: np.ndarray,
    ) -> None:
        """`to_sun` [3] is None where no sun shines; `sun` [3] is its irradiance across it."""
        self._surfaces, self._direct_light = surfaces, direct_light
        self._to_sun, self._sun = to_sun, (sun / np.pi).astype(np.float32)
        self._face_normal = cells.face_normal
        self._first_patch, self._grid, num_patches = _patches(mesh, cells.face_group)
        patch, face, u, v = _patch_points(self._first_patch, self._grid, mesh.triangles)
        order = np.argsort(patch, kind="stable")
        patch, face, u, v = patch[order], face[order], u[order], v[order]
        corners = mesh.triangles[face]
        self._points = (
            corners[:, 0] * (1 - u - v)[:, None]
            + corners[:, 1] * u[:, None]
            + corners[:, 2] * v[:, None]
        )
        self._normals = cells.face_normal[face]
        self._albedo = surfaces.coarse_albedo(face, u, v).T
        self._point_start = np.searchsorted(patch, np.arange(num_patches + 1))
        # Lamps are accounted for as direct light: no patch of theirs is read.
        emissive = surfaces.emission[mesh.material].max(axis=1) > 0
        self._first_patch[emissive] = -1
        shape = (2 * num_patches, 3)
        self._last, self._reflected = (np.zeros(shape, dtype=np.float32) for _ in range(2))
        self._direct = np.zeros((len(self._points), 2, 3), dtype=np.float32)
        self._has_direct, self._has_reflected = (
            np.zeros(2 * num_patches, dtype=bool) for _ in range(2)
        )

    def gather(
        self, points: np.ndarray, normals: np.ndarray, seeds: np.ndarray, num_rays: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gather the light that other surfaces reflect to points [n, 3] with unit normals [n, 3].

        `num_rays` is a square number; `seeds` u64 [n] turn the pattern of rays. Returns vectors
        f32 [n, 3 (colour), 3] as of `DirectLight`, and the harmonic mean of the distances to
        those surfaces [n].
        """
        return self._gather(points, normals, seeds, num_rays, self._ensure_reflected)

    def reflected(
        self, face: np.ndarray, u: np.ndarray, v: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Return the radiance [n, 3] of the patches that rays hit; 0 where `face` is negative."""
        sides = self._sides(face, u, v, directions)
        radiance: np.ndarray = self._ensure_reflected(sides)[sides]
        radiance[sides < 0] = 0
        return radiance

    def _sides(
        self, face: np.ndarray, u: np.ndarray, v: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        sides = np.empty(len(face), dtype=np.int32)
        _patch_sides(
            face, u, v, directions, self._face_normal, self._first_patch, self._grid, sides
        )
        return sides

    def _gather(
        self,
        points: np.ndarray,
        normals: np.ndarray,
        seeds: np.ndarray,
        num_rays: int,
        ensure: Callable[[np.ndarray], np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        vectors = np.empty((len(points), 3, 3), dtype=np.float32)
        distance = np.empty(len(points), dtype=np.float32)
        per_batch = max(1, _RAYS_PER_BATCH // num_rays)
        for start in range(0, len(points), per_batch):
            part = slice(start, start + per_batch)
            count = len(points[part]) * num_rays
            origins = np.empty((count, 3), dtype=np.float32)
            directions = np.empty((count, 3), dtype=np.float32)
            _hemisphere_rays(
                points[part], normals[part], seeds[part], num_rays, origins, directions
            )
            rays = self._surfaces.light_rays(origins, directions)
            sides = self._sides(rays.face, rays.u, rays.v, directions)
            radiance = ensure(sides)
            _sum_hemisphere(
                directions, rays.distance, sides, radiance, num_rays, vectors[part], distance[part]
            )
        return vectors, distance

    def _ensure_direct(self, sides: np.ndarray) -> np.ndarray:
        """Light the patches among `sides` [n] (-1: none) by lamps and windows.

        Returns what every lit patch reflects of that and of the constant.
        """
        needed = _missing(sides, self._has_direct)
        if len(needed):
            self._has_direct[needed] = True
            number, owner, points, normals, seeds = self._points_of(needed)
            vectors, _ = self._direct_light.illuminate(points, normals, seeds, _SHADOW_RAYS)
            light = np.maximum((vectors * normals[:, None, :]).sum(axis=2), 0)
            self._direct[number, needed[owner] % 2] = light
            self._last[needed] = _mean_by_owner(
                (light + np.float32(AMBIENT)) * self._albedo[number], owner, len(needed)
            )
        return self._last

    def _ensure_reflected(self, sides: np.ndarray) -> np.ndarray:
        """As `_ensure_direct`, with the sun and light of one more bounce; returns all of it."""
        needed = _missing(sides, self._has_reflected)
        if len(needed):
            self._has_reflected[needed] = True
            self._ensure_direct(needed)
            number, owner, points, normals, seeds = self._points_of(needed)
            vectors, distance = self._gather(
                points, normals, seeds, _GATHER_RAYS, self._ensure_direct
            )
            light = np.maximum((vectors * normals[:, None, :]).sum(axis=2), 0)
            light += self._direct[number, needed[owner] % 2]
            if self._to_sun is not None:
                light += self._sunlight(points, normals, self._to_sun)
            # Points that lie hidden against another surface reflect to nowhere.
            weight = np.minimum((distance / _HIDDEN_M) ** 2, 1) + 1e-3
            self._reflected[needed] = _mean_by_owner(
                light * self._albedo[number], owner, len(needed), weight
            )
        return self._reflected

    def _sunlight(self, points: np.ndarray, normals: np.ndarray, to_sun: np.ndarray) -> np.ndarray:
        cosine = normals @ to_sun
        facing = np.flatnonzero(cosine > 0.01)
        rays = np.broadcast_to(to_sun * 100, (len(facing), 3))
        facing = facing[self._surfaces.unoccluded(points[facing], rays)]
        light = np.zeros_like(points)
        light[facing] = self._sun * cosine[facing, None]
        return light

    def _points_of(
        self, sides: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return numbers, owners (into `sides`), positions, normals and seeds of points."""
        patch = sides // 2
        counts = self._point_start[patch + 1] - self._point_start[patch]
        owner = np.repeat(np.arange(len(sides)), counts)
        first = np.cumsum(counts) - counts
        number = np.arange(len(owner)) - first[owner] + self._point_start[patch][owner]
        sign = np.where(sides % 2 == 0, np.float32(1), np.float32(-1))[owner]
        normals = self._normals[number] * sign[:, None]
        points = self._points[number] + normals * np.float32(STEP_M)
        seeds = (2 * number + sides[owner] % 2).astype(np.uint64) + np.uint64(1 << 40)
        return number, owner, points, normals, seeds


def _missing(sides: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return those of `sides` that are not present, each once, in order."""
    sides = sides[sides >= 0]
    return np.unique(sides[~present[sides]]).astype(np.int64)


def _mean_by_owner(
    values: np.ndarray, owner: np.ndarray, num_owners: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return the weighted means f32 [m, 3] of the values [n, 3] of each owner [n]."""
    weight = np.ones(len(owner)) if weight is None else weight
    total = np.bincount(owner, weight, minlength=num_owners)
    sums = [np.bincount(owner, weight * values[:, axis], minlength=num_owners) for axis in range(3)]
    means: np.ndarray = (np.stack(sums, axis=1) / np.maximum(total, 1e-9)[:, None]).astype(
        np.float32
    )
    return means


def _patches(mesh: TriangleMesh, face_group: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the first patch i64 [f] of each face, its grid i32 [f, 2], and their number."""
    triangles = mesh.triangles
    edges = np.stack([triangles[:, 1], triangles[:, 2], triangles[:, 2]], axis=1)
    edges -= np.stack([triangles[:, 0], triangles[:, 0], triangles[:, 1]], axis=1)
    lengths = np.linalg.norm(edges, axis=2)
    small = lengths.max(axis=1) <= 1.25 * _PATCH_M
    grid = np.where(small[:, None], 1, np.ceil(lengths[:, :2] / _PATCH_M)).astype(np.int32)
    middle = triangles[small].mean(axis=1)
    voxel = np.floor((middle - triangles.reshape(-1, 3).min(axis=0)) / _PATCH_M).astype(np.int64)
    key = ((face_group[small].astype(np.int64) * 4096 + voxel[:, 0]) * 4096 + voxel[:, 1]) * 1024
    _, shared = np.unique(key + voxel[:, 2], return_inverse=True)
    first = np.empty(len(triangles), dtype=np.int64)
    first[small] = shared
    start = int(shared.max(initial=-1)) + 1
    sizes = grid[~small].prod(axis=1, dtype=np.int64)
    first[~small] = start + np.cumsum(sizes) - sizes
    return first, grid, start + int(sizes.sum())


def _patch_points(
    first_patch: np.ndarray, grid: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spread up to four points over each patch: patch, face, u, v [n]."""
    large = grid.max(axis=1) > 1
    small = np.flatnonzero(~large)
    edges = triangles[small, 1:] - triangles[small, :1]
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    order = np.lexsort((-area, first_patch[small]))
    patch = first_patch[small][order]
    rank = np.arange(len(patch)) - np.searchsorted(patch, patch)
    face = small[order][rank < 4]
    third = np.full(len(face), 1 / 3, dtype=np.float32)
    numbers = np.flatnonzero(large)
    most = 4 * int(grid[numbers].prod(axis=1, dtype=np.int64).sum())
    columns: tuple[np.ndarray, ...] = (
        np.empty(most, dtype=np.int64),
        np.empty(most, dtype=np.int64),
        np.empty(most, dtype=np.float32),
        np.empty(most, dtype=np.float32),
    )
    count = _large_face_points(numbers, first_patch, grid, *columns)
    of_small: tuple[np.ndarray, ...] = (first_patch[face], face, third, third)
    patch, face, u, v = (
        np.concatenate([small_column, column[:count]])
        for small_column, column in zip(of_small, columns, strict=True)
    )
    return patch, face, u, v


@numba_kernel
def _large_face_points(
    numbers: np.ndarray,
    first_patch: np.ndarray,
    grid: np.ndarray,
    patch: np.ndarray,
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
) -> int:
    """Fill the points of the patches of large faces, up to four of each; return their number."""
    count = 0
    for number in numbers:
        nu, nv = grid[number]
        for i in range(nu):
            for j in range(nv):
                if i / nu + j / nv >= 1:
                    break
                start = count
                for place in range(4):
                    x = (i + 0.25 + 0.5 * (place // 2)) / nu
                    y = (j + 0.25 + 0.5 * (place % 2)) / nv
                    if x + y < 1:
                        u[count], v[count] = x, y
                        count += 1
                if count == start:
                    # Of a patch that the edge cuts, a point near its corner remains.
                    x = (i + 0.02) / nu
                    u[count], v[count] = x, min((j + 0.02) / nv, max(1 - x - 1e-4, 0.0))
                    count += 1
                for point in range(start, count):
                    patch[point] = first_patch[number] + i * nv + j
                    face[point] = number
    return count


@numba_kernel
def _patch_sides(
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    directions: np.ndarray,
    face_normal: np.ndarray,
    first_patch: np.ndarray,
    grid: np.ndarray,
    sides: np.ndarray,
) -> None:
    """Fill the row of the side of the patch that each ray hits, -1 where there is none."""
    for ray in range(len(face)):
        number = face[ray]
        sides[ray] = -1
        if number < 0 or first_patch[number] < 0:
            continue
        nu, nv = grid[number]
        patch = first_patch[number]
        if nu * nv > 1:
            i, j = min(int(u[ray] * nu), nu - 1), min(int(v[ray] * nv), nv - 1)
            if i / nu + j / nv >= 1:
                j = max(j - 1, 0)
            patch += i * nv + j
        normal, way = face_normal[number], directions[ray]
        behind = normal[0] * way[0] + normal[1] * way[1] + normal[2] * way[2] > 0
        sides[ray] = 2 * patch + behind


@numba_kernel
def _hemisphere_rays(
    points: np.ndarray,
    normals: np.ndarray,
    seeds: np.ndarray,
    num_rays: int,
    origins: np.ndarray,
    directions: np.ndarray,
) -> None:
    """Fill rays that are spread evenly over the hemisphere of each point."""
    steps = int(np.sqrt(num_rays) + 0.5)
    ray = 0
    for point in range(len(points)):
        nx, ny, nz = normals[point]
        # Two unit vectors across the normal (Duff et al. 2017).
        sign = np.float32(1) if nz >= 0 else np.float32(-1)
        a = -1 / (sign + nz)
        b = nx * ny * a
        base = seeds[point] * np.uint64(512)
        turn = random_share(base)
        for i in range(steps):
            for j in range(steps):
                seed = base + np.uint64(2 * (i * steps + j) + 1)
                z = (i + random_share(seed)) / np.float32(steps)
                angle = np.float32(2 * np.pi) * (
                    (j + random_share(seed + np.uint64(1))) / np.float32(steps) + turn
                )
                radius = np.sqrt(max(1 - z * z, np.float32(0)))
                x, y = radius * np.cos(angle), radius * np.sin(angle)
                directions[ray, 0] = x * (1 + sign * nx * nx * a) + y * b + z * nx
                directions[ray, 1] = x * sign * b + y * (sign + ny * ny * a) + z * ny
                directions[ray, 2] = -x * sign * nx - y * ny + z * nz
                origins[ray] = points[point]
                ray += 1


@numba_kernel
def _sum_hemisphere(
    directions: np.ndarray,
    distances: np.ndarray,
    sides: np.ndarray,
    radiance: np.ndarray,
    num_rays: int,
    vectors: np.ndarray,
    mean_distance: np.ndarray,
) -> None:
    """Sum the light of each point's rays, and their inverse distances."""
    factor = np.float32(2 / num_rays)
    for point in range(len(vectors)):
        vectors[point] = 0
        inverse = np.float32(0)
        for ray in range(point * num_rays, (point + 1) * num_rays):
            inverse += 1 / max(distances[ray], np.float32(1e-3))
            side = sides[ray]
            if side < 0:
                continue
            for channel in range(3):
                value = factor * radiance[side, channel]
                for axis in range(3):
                    vectors[point, channel, axis] += value * directions[ray, axis]
        mean_distance[point] = num_rays / max(inverse, np.float32(1e-6))
