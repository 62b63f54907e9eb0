"""Where rays meet a scene, and what the surface is like there.

Vectors are f32 [3, n], so that one number per ray multiplies all of them without a stride.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.meshes import Material
from workflow_scripts.views.pathtrace.rays import Hits, rays_of
from workflow_scripts.views.pathtrace.scene import Soup
from workflow_scripts.views.pathtrace.texels import Texels

STEP_M = 2e-4
"""How far off a surface a ray starts, so that it does not meet the surface again."""

_MAX_LAYERS = 8
_CLEAR = 0.3
_GLASS_WEAKENS = 0.94


@dataclass
class Spots:
    """Points on surfaces: `points`, unit `normal` against the ray, `albedo` [3, n]; `material`.

    `found` [n] is False where the ray met nothing; the rest is meaningless there.
    """

    found: np.ndarray
    points: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    material: np.ndarray


class Layer:
    """Some faces of a soup, ready for rays, with one row of 64 bytes for each.

    A row holds the normals of the corners (0:9), their texture coordinates (9:15) and the
    material (15), so that a hit reads memory once.
    """

    def __init__(self, soup: Soup, faces: np.ndarray, texels: Texels) -> None:
        material = soup.material[faces]
        self.rays = rays_of(soup.triangles[faces])
        columns = (
            soup.normals[faces].reshape(-1, 9),
            soup.uv[faces].reshape(-1, 6),
            material[:, None].astype(np.float32),
        )
        self.rows = np.concatenate(columns, axis=1, dtype=np.float32)
        self.density = texels.density(soup.triangles[faces], soup.uv[faces], material)

    def material(self, face: np.ndarray) -> np.ndarray:
        """Return the material of faces [n]."""
        return self.rows[face, 15].astype(np.int32)


class Surfaces:
    """A soup as seen by the camera, and as light meets it: without glass and thin leaves."""

    def __init__(self, soup: Soup) -> None:
        self.texels = Texels(soup.materials)
        materials = soup.materials
        self._instance = np.append(soup.instance, 0).astype(np.uint16)
        self._clear = np.array([material.transmission > _CLEAR for material in materials])
        self._cutouts = [material.cutout for material in materials]
        self._cut = np.array([cutout is not None for cutout in self._cutouts])
        self.roughness = np.array([material.roughness for material in materials], np.float32)
        self.specular = np.array([material.specular for material in materials], np.float32)
        self.emission = np.array([material.emission for material in materials], np.float32)
        everything = np.arange(len(soup.triangles))
        self._seen = Layer(soup, everything, self.texels)
        open_to_light = self._clear | _mostly_holes(materials)
        solid = everything[~open_to_light[soup.material]]
        self._solid = (
            self._seen if len(solid) == len(everything) else Layer(soup, solid, self.texels)
        )

    def depth_and_instance(
        self, origins: np.ndarray, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return distance f32 [n] (NaN: nothing) and instance u16 [n] along rays [n, 3].

        Glass counts as a surface; holes of cut-outs do not.
        """
        hits, distance = self._first(origins, directions)
        return np.where(hits.face >= 0, distance, np.float32(np.nan)), self._instance[hits.face]

    def view(
        self, origins: np.ndarray, directions: np.ndarray, pixel_angle: float
    ) -> tuple[Spots, np.ndarray]:
        """Return what rays [n, 3] from a camera see, and how much glass leaves of it [3, n]."""
        hits, distance = self._first(origins, directions)
        left = np.ones((3, len(origins)), dtype=np.float32)
        for _ in range(2):
            material = self._seen.material(hits.face)
            glass = np.flatnonzero((hits.face >= 0) & self._clear[material])
            if not len(glass):
                break
            left[:, glass] *= _GLASS_WEAKENS * self.texels.tint[material[glass]].T
            distance[glass] += np.float32(STEP_M)
            starts = origins[glass] + distance[glass, None] * directions[glass]
            again, further = self._first(starts, directions[glass])
            distance[glass] += further
            _replace(hits, glass, again)
        level = self._seen.density[hits.face] + np.log2(np.maximum(distance * pixel_angle, 1e-9))
        return self._spots(self._seen, hits, origins.T, directions.T, distance, level), left

    def bounce(self, points: np.ndarray, directions: np.ndarray) -> Spots:
        """Return what light that leaves points [3, n] meets; glass is not in its way."""
        hits = self._solid.rays.cast(points.T, directions.T)
        # A bounce gathers light over an area, so it reads a coarse copy of the texture.
        level = self._solid.density[hits.face] - 3
        return self._spots(self._solid, hits, points, directions, hits.distance, level)

    def free(self, points: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """Say for which points [3, n] nothing solid lies on the way [3, n] to a light."""
        return ~self._solid.rays.occluded(points.T, ways.T)

    def _first(self, origins: np.ndarray, directions: np.ndarray) -> tuple[Hits, np.ndarray]:
        """Cast rays [n, 3]; those that meet a hole of a cut-out go on behind it."""
        hits = self._seen.rays.cast(origins, directions)
        distance = hits.distance.copy()
        through = self._in_holes(hits, np.arange(len(origins)))
        for _ in range(_MAX_LAYERS):
            if not len(through):
                break
            distance[through] += np.float32(STEP_M)
            starts = origins[through] + distance[through, None] * directions[through]
            again = self._seen.rays.cast(starts, directions[through])
            distance[through] += again.distance
            _replace(hits, through, again)
            through = self._in_holes(hits, through)
        return hits, distance

    def _in_holes(self, hits: Hits, rays: np.ndarray) -> np.ndarray:
        """Return those of `rays` whose hit lies in a hole of its material's cut-out."""
        if not self._cut.any():
            return np.empty(0, dtype=np.int64)
        face = hits.face[rays]
        material = self._seen.material(face)
        candidates = np.flatnonzero((face >= 0) & self._cut[material])
        found = [np.empty(0, dtype=np.int64)]
        for number in np.unique(material[candidates]):
            mask = self._cutouts[number]
            ray = rays[candidates[material[candidates] == number]]
            rows = self._seen.rows[hits.face[ray], 9:15].T
            u, v = _blend(rows, hits.u[ray], hits.v[ray], 2)
            x = ((u - np.floor(u)) * mask.shape[1]).astype(np.int32) % mask.shape[1]
            y = ((1 - (v - np.floor(v))) * mask.shape[0]).astype(np.int32) % mask.shape[0]
            found.append(ray[mask[y, x] < 128])
        return np.sort(np.concatenate(found))

    def _spots(
        self,
        layer: Layer,
        hits: Hits,
        origins: np.ndarray,
        directions: np.ndarray,
        distance: np.ndarray,
        level: np.ndarray,
    ) -> Spots:
        row = layer.rows[hits.face].T
        material = row[15].astype(np.int32)
        u, v = _blend(row[9:15], hits.u, hits.v, 2)
        normal = _blend(row[0:9], hits.u, hits.v, 3)
        against = np.where(dot(normal, directions) > 0, np.float32(-1), np.float32(1))
        normal *= against / np.sqrt(np.maximum(dot(normal, normal), np.float32(1e-12)))
        return Spots(
            hits.face >= 0,
            origins + distance * directions,
            normal,
            self.texels.albedo(material, u, v, level),
            material,
        )


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the dot products [n] of vectors [3, n]."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _blend(corners: np.ndarray, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Interpolate corner values [3 * size, n] at barycentric u, v [n]; return [size, n]."""
    return corners[:size] * (1 - u - v) + corners[size : 2 * size] * u + corners[2 * size :] * v


def _replace(hits: Hits, rays: np.ndarray, again: Hits) -> None:
    hits.face[rays], hits.u[rays], hits.v[rays] = again.face, again.u, again.v


def _mostly_holes(materials: Sequence[Material]) -> np.ndarray:
    return np.array([m.cutout is not None and np.mean(m.cutout) < 128 for m in materials])
