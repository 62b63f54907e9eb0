"""Intersect rays with a scene and look up the surface at each hit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.meshes import Material
from workflow_scripts.views.pathtrace import frame_kernels, known_hit_kernels
from workflow_scripts.views.pathtrace.camera_rays import Rays
from workflow_scripts.views.pathtrace.frame_kernels import FaceArrays
from workflow_scripts.views.pathtrace.ray_casting import Hits, build_ray_caster
from workflow_scripts.views.pathtrace.scene import TriangleMesh
from workflow_scripts.views.pathtrace.texture_atlas import LINEAR_OF_SRGB, TextureAtlas

STEP_M = 2e-4
"""How far off a surface a ray starts, so that it does not hit the same surface again."""

_MAX_LAYERS = 8
_MIN_TRANSMISSION = 0.3
_GLASS_TRANSMITTANCE = 0.94


@dataclass(frozen=True)
class SurfaceHits:
    """What rays [n] hit: `points`, unit `normals` against the ray and `albedo` f32 [n, 3].

    `face` i32 [n] is that of the mesh, or -1; `sides` i8 [n] is NO_HIT, EMISSIVE, or which side of
    the face is seen. Where nothing was hit, points are undefined and normals 0; the albedo of that
    and of lamps is 1.
    """

    face: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    sides: np.ndarray

    def select(self, indices: np.ndarray) -> "SurfaceHits":
        """Return the hits of some rays."""
        return SurfaceHits(
            self.face[indices],
            self.points[indices],
            self.normals[indices],
            self.albedo[indices],
            self.sides[indices],
        )


class FaceSubset:
    """Some faces of a triangle mesh, ready for ray casting, with a row of 64 bytes for each.

    A row holds the normals of the corners (0:9), their texture coordinates (9:15) and the
    material (15), so that a hit reads memory once.
    """

    def __init__(
        self, triangle_mesh: TriangleMesh, faces: np.ndarray, texture_atlas: TextureAtlas
    ) -> None:
        material = triangle_mesh.material[faces]
        self.rays = build_ray_caster(triangle_mesh.triangles[faces])
        columns = (
            triangle_mesh.normals[faces].reshape(-1, 9),
            triangle_mesh.uv[faces].reshape(-1, 6),
            material[:, None].astype(np.float32),
        )
        self.rows = np.concatenate(columns, axis=1, dtype=np.float32)
        self.density = texture_atlas.density(
            triangle_mesh.triangles[faces], triangle_mesh.uv[faces], material
        )

    def material(self, face: np.ndarray) -> np.ndarray:
        """Return the material of faces [n]."""
        material: np.ndarray = self.rows[face, 15].astype(np.int32)
        return material


class Surfaces:
    """A triangle mesh for camera rays, and for light: without glass and thin leaves."""

    def __init__(self, triangle_mesh: TriangleMesh) -> None:
        self.texture_atlas = TextureAtlas(triangle_mesh.materials)
        materials = triangle_mesh.materials
        self._instance = np.append(triangle_mesh.instance, 0).astype(np.uint16)
        self._is_glass = np.array(
            [material.transmission > _MIN_TRANSMISSION for material in materials]
        )
        self._cutouts = [material.cutout for material in materials]
        self._has_cutout = np.array([cutout is not None for cutout in self._cutouts])
        self._triangles = triangle_mesh.triangles
        is_plain = ~(self._is_glass | self._has_cutout)
        self._is_plain = is_plain[triangle_mesh.material]
        self.roughness = np.array([material.roughness for material in materials], np.float32)
        self.specular = np.array([material.specular for material in materials], np.float32)
        self.emission = np.array([material.emission for material in materials], np.float32)
        all_faces = np.arange(len(triangle_mesh.triangles))
        self.camera_faces = FaceSubset(triangle_mesh, all_faces, self.texture_atlas)
        self.face_normals = _face_normals(triangle_mesh.triangles)
        self.face_arrays = FaceArrays(
            self.camera_faces.rows,
            self.camera_faces.density,
            self.face_normals,
            self.texture_atlas.width,
            self.texture_atlas.height,
            self.texture_atlas.last_level,
            self.texture_atlas.level_offsets,
            self.texture_atlas.colours,
            self.texture_atlas.tint,
            LINEAR_OF_SRGB,
            self.roughness,
            self.specular,
            self.emission.max(axis=1) > 0,
        )
        passes_light = self._is_glass | _is_mostly_holes(materials)
        solid = all_faces[~passes_light[triangle_mesh.material]]
        self._light_faces = (
            self.camera_faces
            if len(solid) == len(all_faces)
            else FaceSubset(triangle_mesh, solid, self.texture_atlas)
        )
        # -1, for rays that hit nothing, stays -1.
        self._light_face_number = np.append(solid, -1).astype(np.int32)

    def surface_hits(self, rays: Rays, pixel_angle: float = 0.0) -> SurfaceHits:
        """Return the surfaces that rays hit.

        Textures have the detail of a pixel of `pixel_angle` radians; with 0 a coarse copy is read,
        because light that bounces comes from an area.
        """
        count = len(rays.face)
        points, normals, albedo = (np.empty((count, 3), dtype=np.float32) for _ in range(3))
        sides = np.empty(count, dtype=np.int8)
        frame_kernels.surface_points(
            rays.face,
            rays.u,
            rays.v,
            rays.distance,
            rays.origins,
            rays.directions,
            np.float32(pixel_angle),
            self.face_arrays,
            points,
            normals,
            albedo,
            sides,
        )
        return SurfaceHits(rays.face, points, normals, albedo, sides)

    def first_faces(
        self, origins: np.ndarray, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the face i32 [n] of the mesh (-1: none) and the distance f32 [n] of first hits.

        Glass counts as a surface; holes of cut-outs do not.
        """
        hits, distance = self._first_opaque_hits(origins, directions)
        return hits.face, np.where(hits.face >= 0, distance, np.float32(np.nan))

    def instances(self, face: np.ndarray) -> np.ndarray:
        """Return the instances u16 [n] of faces [n], 0 for -1."""
        instance: np.ndarray = self._instance[face]
        return instance

    def even_faces(
        self,
        face: np.ndarray,
        distance: np.ndarray,
        origins: np.ndarray,
        directions: np.ndarray,
        width: int,
    ) -> np.ndarray:
        """Return the first face i32 [n] of pixels, row by row, that show nothing else; else -1.

        Rays go through the centres of pixels. All around such a pixel one plane of one object is
        hit.
        """
        even = np.empty(len(face), dtype=np.int32)
        known_hit_kernels.even_faces(
            face.reshape(-1, width),
            distance.reshape(-1, width),
            origins.reshape(-1, width, 3),
            directions.reshape(-1, width, 3),
            self._instance,
            self.face_normals,
            self._triangles,
            self._is_plain,
            even.reshape(-1, width),
        )
        return even

    def camera_rays(
        self, origins: np.ndarray, directions: np.ndarray, known_face: np.ndarray | None = None
    ) -> tuple[Rays, np.ndarray]:
        """Return camera rays [n, 3] with what they hit behind glass, and the transmittance [3, n].

        Distances count from the camera. A ray through the triangle of its `known_face` [n] (-1:
        none), as of `even_faces`, hits that.
        """
        if known_face is None:
            hits, distance = self._first_opaque_hits(origins, directions)
        else:
            hits, distance = self._known_hits(origins, directions, known_face)
        transmittance = np.ones((3, len(origins)), dtype=np.float32)
        if not self._is_glass.any():
            return _rays(origins, directions, hits, distance), transmittance
        for _ in range(2):
            material = self.camera_faces.material(hits.face)
            glass = np.flatnonzero((hits.face >= 0) & self._is_glass[material])
            if not len(glass):
                break
            transmittance[:, glass] *= (
                _GLASS_TRANSMITTANCE * self.texture_atlas.tint[material[glass]].T
            )
            distance[glass] += np.float32(STEP_M)
            starts = origins[glass] + distance[glass, None] * directions[glass]
            next_hits, next_distance = self._first_opaque_hits(starts, directions[glass])
            distance[glass] += next_distance
            _replace_hits(hits, glass, next_hits)
        return _rays(origins, directions, hits, distance), transmittance

    def light_rays(self, origins: np.ndarray, directions: np.ndarray) -> Rays:
        """Return rays of light [n, 3] with what they hit; glass does not stop them."""
        hits = self._light_faces.rays.cast(origins, directions)
        face = self._light_face_number[hits.face]
        return Rays(origins, directions, face, hits.u, hits.v, hits.distance)

    def coarse_albedo(self, face: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the mean albedo [3, n] of some decimetres around barycentric u, v of faces [n]."""
        row = self.camera_faces.rows[face].T
        texture_u, texture_v = _interpolate(row[9:15], u, v, 2)
        level = self.camera_faces.density[face] - 3
        return self.texture_atlas.albedo(row[15].astype(np.int32), texture_u, texture_v, level)

    def unoccluded(self, points: np.ndarray, to_lights: np.ndarray) -> np.ndarray:
        """Say for which points [n, 3] no solid surface blocks the vector [n, 3] to a light."""
        return ~self._light_faces.rays.occluded(points, to_lights)

    def _known_hits(
        self, origins: np.ndarray, directions: np.ndarray, known_face: np.ndarray
    ) -> tuple[Hits, np.ndarray]:
        """As `_first_opaque_hits`, casting only the rays that miss their known face."""
        count = len(known_face)
        face, missed = (np.empty(count, dtype=np.int32) for _ in range(2))
        u, v, distance = (np.empty(count, dtype=np.float32) for _ in range(3))
        num = known_hit_kernels.known_hits(
            known_face, origins, directions, self._triangles, face, u, v, distance, missed
        )
        missed = missed[:num]
        hits, distance[missed] = self._first_opaque_hits(origins[missed], directions[missed])
        face[missed], u[missed], v[missed] = hits.face, hits.u, hits.v
        return Hits(face, distance, u, v), distance

    def _first_opaque_hits(
        self, origins: np.ndarray, directions: np.ndarray
    ) -> tuple[Hits, np.ndarray]:
        """Cast rays [n, 3]; rays that hit a hole of a cut-out continue behind it."""
        hits = self.camera_faces.rays.cast(origins, directions)
        distance = hits.distance.copy()
        in_hole = self._in_holes(hits, np.arange(len(origins)))
        for _ in range(_MAX_LAYERS):
            if not len(in_hole):
                break
            distance[in_hole] += np.float32(STEP_M)
            starts = origins[in_hole] + distance[in_hole, None] * directions[in_hole]
            next_hits = self.camera_faces.rays.cast(starts, directions[in_hole])
            distance[in_hole] += next_hits.distance
            _replace_hits(hits, in_hole, next_hits)
            in_hole = self._in_holes(hits, in_hole)
        return hits, distance

    def _in_holes(self, hits: Hits, rays: np.ndarray) -> np.ndarray:
        """Return those of `rays` whose hit lies in a hole of its material's cut-out."""
        if not self._has_cutout.any():
            return np.empty(0, dtype=np.int64)
        face = hits.face[rays]
        material = self.camera_faces.material(face)
        candidates = np.flatnonzero((face >= 0) & self._has_cutout[material])
        rays_in_holes = [np.empty(0, dtype=np.int64)]
        for number in np.unique(material[candidates]):
            cutout = self._cutouts[number]
            assert cutout is not None
            ray = rays[candidates[material[candidates] == number]]
            rows = self.camera_faces.rows[hits.face[ray], 9:15].T
            u, v = _interpolate(rows, hits.u[ray], hits.v[ray], 2)
            x = ((u - np.floor(u)) * cutout.shape[1]).astype(np.int32) % cutout.shape[1]
            y = ((1 - (v - np.floor(v))) * cutout.shape[0]).astype(np.int32) % cutout.shape[0]
            rays_in_holes.append(ray[cutout[y, x] < 128])
        return np.sort(np.concatenate(rays_in_holes))


def _rays(origins: np.ndarray, directions: np.ndarray, hits: Hits, distance: np.ndarray) -> Rays:
    return Rays(origins, directions, hits.face, hits.u, hits.v, distance)


def _interpolate(corners: np.ndarray, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Interpolate corner values [3 * size, n] at barycentric u, v [n]; return [size, n]."""
    first, second, third = corners[:size], corners[size : 2 * size], corners[2 * size :]
    values: np.ndarray = first * (1 - u - v) + second * u + third * v
    return values


def _replace_hits(hits: Hits, rays: np.ndarray, next_hits: Hits) -> None:
    hits.face[rays], hits.u[rays], hits.v[rays] = next_hits.face, next_hits.u, next_hits.v


def _is_mostly_holes(materials: Sequence[Material]) -> np.ndarray:
    return np.array([m.cutout is not None and np.mean(m.cutout) < 128 for m in materials])


def _face_normals(triangles: np.ndarray) -> np.ndarray:
    """Return the outward unit normals f32 [f, 3] of triangles [f, 3, 3]."""
    edges = triangles[:, 1:] - triangles[:, :1]
    scaled = np.cross(edges[:, 0], edges[:, 1]).astype(np.float64)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    normals: np.ndarray = (scaled / np.maximum(length, 1e-20)).astype(np.float32)
    return normals
