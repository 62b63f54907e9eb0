"""Render views of a house whose light is kept in cells; camera rays, sun and gloss are traced."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.pathtrace import frame_kernels, gloss_kernels
from workflow_scripts.views.pathtrace.camera_rays import (
    LitPoints,
    Rays,
    Samples,
    jittered_directions,
    opening_rectangles,
)
from workflow_scripts.views.pathtrace.direct_light import DirectLight
from workflow_scripts.views.pathtrace.gloss_kernels import SHARP_MIRROR_ROUGHNESS
from workflow_scripts.views.pathtrace.light_cache import LightCache
from workflow_scripts.views.pathtrace.lights import Sky
from workflow_scripts.views.pathtrace.mirror_images import MirrorImages, mirror_directions
from workflow_scripts.views.pathtrace.radiosity import Radiosity
from workflow_scripts.views.pathtrace.scene import RenderScene
from workflow_scripts.views.pathtrace.surface_cells import SurfaceCells
from workflow_scripts.views.pathtrace.surfaces import STEP_M
from workflow_scripts.views.pathtrace.tracer import CentreHits, Radiance, Tracer

_RAYS_PER_CHUNK = 1 << 16
# Pixels whose samples differ by more than this of their sum get more samples.
_EDGE_TOLERANCE = 0.25
# Where the cells around a point differ by more than this in the share of lamp light that
# arrives, there is the edge of a shadow, and shadow rays of the view itself draw it.
_SHADOW_SPREAD = 0.2
_SHADOW_RAYS = 12
# Where less of the light comes from cells that are seen, the view gathers its own.
_MIN_KNOWN = 0.5
_GATHER_RAYS = 64
_MIN_FRESNEL = 0.004
# In rougher surfaces one sees how bright the room is, but no shapes.
_MAX_DETAILED_ROUGHNESS = 0.33
_MAX_RADIANCE = 12.0
_MAX_MIRROR_RADIANCE = 3.0
# Sun may enter this much beside an opening, of its size: frames stand out from walls.
_OPENING_MARGIN = 0.15


class CellTracer:
    """A traced scene whose light is kept in cells."""

    def __init__(self, scene: RenderScene, sky: Sky, tracer: Tracer) -> None:
        mesh, surfaces = scene.triangle_mesh, tracer.surfaces
        self._tracer, self._surfaces, self._sky = tracer, surfaces, sky
        self._cells = SurfaceCells.of(mesh, surfaces.face_normals)
        self._direct_light = DirectLight.of(surfaces, tracer.lights, sky)
        self._to_sun = sky.to_sun.astype(np.float32) if tracer.has_sun else None
        self._radiosity = Radiosity(
            mesh, self._cells, surfaces, self._direct_light, self._to_sun, sky.sun
        )
        self._cache = LightCache(self._cells, self._direct_light, self._radiosity)
        self._arrays, self._lights = (
            surfaces.face_arrays,
            tracer.lights.arrays,
        )
        self._openings = (*opening_rectangles(scene), np.float32(_OPENING_MARGIN))

    def radiance(
        self,
        camera: Camera,
        *,
        samples: int,
        edge_samples: int,
        random: np.random.Generator,
        centre_hits: CentreHits | None = None,
    ) -> Radiance:
        """Return the light that reaches each pixel.

        Each of `samples` rays a pixel, and of `edge_samples` more at edges, looks up the light of
        cells and asks whether the sun shines. Rays through pixels around which `centre_hits`,
        those of the camera, lie in one plane are not cast. The normals of the result are not
        filled.
        """
        known_face = self._tracer.even_faces(camera, centre_hits)
        height, width = camera.height_px, camera.width_px
        pixels = np.arange(height * width)
        totals = np.zeros((len(pixels), 6), dtype=np.float32)
        counts = np.zeros(len(pixels), dtype=np.int32)
        uneven, is_sunlit = (np.zeros(len(pixels), dtype=bool) for _ in range(2))
        part_of_pixel = np.full(len(pixels), -1, dtype=np.int32)
        mirror_images = MirrorImages(height, width)
        per_chunk = max(1, _RAYS_PER_CHUNK // samples)
        for start in range(0, len(pixels), per_chunk):
            part = pixels[start : start + per_chunk]
            seen = self._camera_samples(
                camera, part, known_face[part], samples, samples, random, with_highlights=True
            )
            _add_samples(seen, samples, part, totals, counts)
            frame_kernels.uneven_pixels(
                seen.colour,
                seen.at,
                samples,
                np.float32(_EDGE_TOLERANCE),
                uneven[start : start + len(part)],
            )
            at = seen.at[::samples]
            is_sunlit[part] = (at >= 0) & seen.lit.is_sunlit[at]
            part_of_pixel[part] = np.where(at >= 0, self._cells.face_group[seen.lit.face[at]], -1)
            self._mirror(seen, samples, part, random, mirror_images)
        if edge_samples:
            sun_edges = np.zeros((height, width), dtype=bool)
            frame_kernels.sun_edges(
                is_sunlit.reshape(height, width), part_of_pixel.reshape(height, width), sun_edges
            )
            per_chunk = max(1, _RAYS_PER_CHUNK // edge_samples)
            for edges, lit_together in (
                (np.flatnonzero(uneven & ~sun_edges.ravel()), edge_samples),
                (np.flatnonzero(sun_edges), 1),
            ):
                for start in range(0, len(edges), per_chunk):
                    part = edges[start : start + per_chunk]
                    seen = self._camera_samples(
                        camera, part, known_face[part], edge_samples, lit_together, random
                    )
                    _add_samples(seen, edge_samples, part, totals, counts)
        totals /= counts[:, None]
        image = totals.reshape(height, width, 6)
        colour = image[..., :3] + mirror_images.smoothed()
        return Radiance(colour, image[..., 3:].copy(), np.zeros_like(colour))

    def _camera_samples(
        self,
        camera: Camera,
        pixels: np.ndarray,
        known_face: np.ndarray,
        samples: int,
        samples_lit_together: int,
        random: np.random.Generator,
        *,
        with_highlights: bool = False,
    ) -> Samples:
        """Cast `samples` rays through each of `pixels` [p]: those of a pixel follow each other."""
        directions = jittered_directions(camera, pixels, samples, random)
        origins, _ = self._tracer.ray_origins(camera, directions)
        rays, transmittance = self._surfaces.camera_rays(
            origins, directions, np.repeat(known_face, samples)
        )
        angle = 1.0 / float(camera.intrinsics[1, 1])
        seen, sides = self._samples(
            rays, transmittance, angle, samples_lit_together, random, with_highlights
        )
        self._add_emission(seen, sides, rays, self._sky.background, transmittance, _MAX_RADIANCE)
        return seen

    def _samples(
        self,
        rays: Rays,
        transmittance: np.ndarray,
        pixel_angle: float,
        samples_lit_together: int,
        random: np.random.Generator,
        with_highlights: bool = False,
    ) -> tuple[Samples, np.ndarray]:
        """Return what surfaces reflect along rays, and the sides that they hit.

        Without a `pixel_angle` surfaces have no gloss, and textures no detail.
        """
        count = len(rays.face)
        seen = self._surfaces.surface_hits(rays, pixel_angle)
        colour, tint = (np.empty((count, 3), dtype=np.float32) for _ in range(2))
        at = np.empty(count, dtype=np.int32)
        merged: tuple[np.ndarray, ...] = (
            np.empty(count, dtype=np.int32),
            np.empty(count, dtype=np.int8),
            *(np.empty((count, 3), dtype=np.float32) for _ in range(3)),
        )
        num = frame_kernels.merge_samples(
            rays.face,
            seen.sides,
            seen.points,
            seen.normals,
            rays.directions,
            self._cells.face_group,
            samples_lit_together,
            at,
            merged,
        )
        face, side, point, normal, direction = (array[:num] for array in merged)
        lit = self._lit_points(
            face,
            side,
            point,
            normal,
            direction,
            random,
            with_gloss=pixel_angle > 0,
            with_highlights=with_highlights,
        )
        frame_kernels.shade(
            rays.face,
            at,
            seen.albedo,
            transmittance,
            lit.light,
            lit.fresnel,
            self._arrays,
            colour,
            tint,
        )
        return Samples(at, seen.albedo, colour, tint, lit), seen.sides

    def _lit_points(
        self,
        face: np.ndarray,
        sides: np.ndarray,
        points: np.ndarray,
        normals: np.ndarray,
        directions: np.ndarray,
        random: np.random.Generator,
        *,
        with_gloss: bool,
        with_highlights: bool,
    ) -> LitPoints:
        """Light points [m, 3] on sides [m] of faces [m], seen along directions [m, 3]."""
        count = len(face)
        rows = np.empty((count, 4), dtype=np.int32)
        weights = np.empty((count, 4), dtype=np.float32)
        self._cells.stencils(points, face, rows, weights)
        num_cells = np.int32(len(self._cells.position_m))
        rows += np.where((rows >= 0) & (sides == 1)[:, None], num_cells, np.int32(0))
        self._cache.light(rows)
        lamp, light, highlight = (np.zeros((count, 3), dtype=np.float32) for _ in range(3))
        spread, known, fresnel = (np.zeros(count, dtype=np.float32) for _ in range(3))
        frame_kernels.cell_light(
            rows,
            weights,
            normals,
            self._cache.direct,
            self._cache.bounced,
            self._cache.share,
            self._cache.distance,
            lamp,
            light,
            spread,
            known,
        )
        points = points + normals * np.float32(STEP_M)
        seed = random.integers(1 << 62, dtype=np.uint64)
        uneven = np.flatnonzero((spread > _SHADOW_SPREAD) | (known < _MIN_KNOWN))
        if len(uneven):
            vectors, _ = self._direct_light.illuminate(
                points[uneven], normals[uneven], seed + uneven.astype(np.uint64), _SHADOW_RAYS
            )
            lamp[uneven] = np.maximum(np.einsum("nca,na->nc", vectors, normals[uneven]), 0)
        unknown = np.flatnonzero(known < _MIN_KNOWN)
        if len(unknown):
            vectors, _ = self._radiosity.gather(
                points[unknown], normals[unknown], seed - unknown.astype(np.uint64), _GATHER_RAYS
            )
            light[unknown] = np.maximum(np.einsum("nca,na->nc", vectors, normals[unknown]), 0)
        light += lamp
        is_sunlit = self._add_sun(light, points, normals)
        if with_gloss:
            rays: tuple[np.ndarray, ...] = (
                np.empty(4 * count * len(self._lights.corner), dtype=np.int32),
                *(np.empty((4 * count * len(self._lights.corner), 3), np.float32) for _ in "ab"),
            )
            num = gloss_kernels.gloss(
                face,
                points,
                normals,
                directions,
                self._arrays,
                self._lights,
                seed,
                with_highlights,
                fresnel,
                rays,
            )
            owners, to_light, light_of_ray = (array[:num] for array in rays)
            free = self._surfaces.unoccluded(points[owners], to_light)
            gloss_kernels.add_to_points(owners[free], light_of_ray[free], highlight)
        return LitPoints(face, points, normals, directions, light, fresnel, highlight, is_sunlit)

    def _add_sun(self, light: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Add to `light` [n, 3] the sunlight that white diffuse points reflect; return where."""
        is_sunlit = np.zeros(len(points), dtype=bool)
        if self._to_sun is None:
            return is_sunlit
        candidates = np.empty(len(points), dtype=np.int32)
        num = frame_kernels.sun_candidates(
            normals, points, self._to_sun, *self._openings, candidates
        )
        lit = candidates[:num]
        rays = np.broadcast_to(self._to_sun * 100, (num, 3))
        lit = lit[self._surfaces.unoccluded(points[lit], rays)]
        sun = (self._sky.sun / np.pi).astype(np.float32)
        light[lit] += sun * (normals[lit] @ self._to_sun)[:, None]
        is_sunlit[lit] = True
        return is_sunlit

    def _add_emission(
        self,
        seen: Samples,
        sides: np.ndarray,
        rays: Rays,
        sky: Callable[[np.ndarray], np.ndarray],
        transmittance: np.ndarray,
        limit: float,
    ) -> None:
        """Add the light of the lamps and of the sky that rays show."""
        shining, radiance = self._tracer.emitted_radiance(sides, rays, sky)
        radiance = np.minimum(radiance, np.float32(limit))
        seen.colour[shining] += radiance * transmittance[:, shining].T

    def _mirror(
        self,
        seen: Samples,
        samples: int,
        pixels: np.ndarray,
        random: np.random.Generator,
        mirror_images: MirrorImages,
    ) -> None:
        """Trace what glossy surfaces mirror, with a ray for each of their lit points."""
        lit = seen.lit
        glossy = np.flatnonzero(lit.fresnel > _MIN_FRESNEL)
        if not len(glossy):
            return
        roughness = self._arrays.roughness[self._surfaces.camera_faces.material(lit.face[glossy])]
        is_sharp = roughness < SHARP_MIRROR_ROUGHNESS
        origins, normals = lit.points[glossy], lit.normals[glossy]
        directions = mirror_directions(lit.directions[glossy], normals, roughness, random)
        rays = self._surfaces.light_rays(origins, directions)
        detailed = np.flatnonzero(roughness < _MAX_DETAILED_ROUGHNESS)
        light = self._radiosity.reflected(rays.face, rays.u, rays.v, directions)
        if len(detailed):
            light[detailed] = self._mirror_image(rays, detailed, is_sharp, random)
        pixel_of_point = np.empty(len(lit.face), dtype=np.int64)
        has_point = seen.at >= 0
        pixel_of_point[seen.at[has_point]] = np.repeat(pixels, samples)[has_point]
        mirror_images.add(
            pixel_of_point[glossy],
            light * lit.fresnel[glossy, None] + lit.highlight[glossy],
            is_sharp,
            normals,
            self._cells.face_group[lit.face[glossy]],
        )
        total = seen.tint[::samples].copy()
        for sample in range(1, samples):
            total += seen.tint[sample::samples]
        mirror_images.tint[pixels] = total / np.float32(samples)

    def _mirror_image(
        self, rays: Rays, which: np.ndarray, is_sharp: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Return the light [k, 3] of those of mirrored rays in whose image shapes can be seen."""
        rays = Rays(*(getattr(rays, field.name)[which] for field in fields(rays)))
        transmittance = np.ones((3, len(which)), dtype=np.float32)
        image, sides = self._samples(rays, transmittance, 0.0, 1, random)
        # The lamps in satin surfaces are their highlights.
        sides[~is_sharp[which]] = frame_kernels.REFLECTING
        self._add_emission(
            image, sides, rays, self._sky.radiance, transmittance, _MAX_MIRROR_RADIANCE
        )
        return image.colour


def _add_samples(
    seen: Samples, samples: int, pixels: np.ndarray, totals: np.ndarray, counts: np.ndarray
) -> None:
    values = np.concatenate([seen.colour, seen.albedo], axis=1)
    frame_kernels.add_samples(values, samples, pixels, totals, counts)
