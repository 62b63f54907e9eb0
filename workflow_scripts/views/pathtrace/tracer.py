"""Trace paths through a scene: exact depth and ids at pixel centres, light with jittered rays.

Vectors are f32 [3, n]: a factor [n] per ray then broadcasts over contiguous memory.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.geometry.cameras import Camera, rays_camera
from workflow_scripts.views.pathtrace.lights import AMBIENT, Lights, Sky
from workflow_scripts.views.pathtrace.scene import RenderScene
from workflow_scripts.views.pathtrace.specular import SpecularLobe
from workflow_scripts.views.pathtrace.surfaces import STEP_M, SurfaceHits, Surfaces, dot
from workflow_scripts.views.pathtrace.walls import CUT_BELOW_CEILING_M

# Enough paths to keep NumPy busy, few enough to stay in the processor's cache.
_PATHS_PER_BATCH = 1 << 15
# No path may add more than this to its pixel: single bright paths are visible as noise.
_MAX_PATH_RADIANCE = 12.0
_MAX_MIRROR_RADIANCE = 3.0


@dataclass(frozen=True)
class Radiance:
    """Mean over a pixel's paths: linear `colour`, and `albedo` and `normal` to guide a denoiser.

    All f32 [h, w, 3].
    """

    colour: np.ndarray
    albedo: np.ndarray
    normal: np.ndarray


class Tracer:
    """A scene with its surfaces, lights and sky, ready for path tracing."""

    def __init__(self, scene: RenderScene, sky: Sky) -> None:
        shell = scene.shell
        self._ceiling_m = shell.ceiling_m
        self._sky = sky
        self.surfaces = Surfaces(scene.triangle_mesh)
        self._is_emissive = self.surfaces.emission.max(axis=1) > 0
        self.lights = Lights(shell.lamps, shell.portals, sky)
        floor = np.concatenate([room.polygon_m for room in shell.rooms])
        self.lights.build_light_grid(floor.min(axis=0), floor.max(axis=0), self._ceiling_m)
        self.has_sun = len(shell.portals) > 0 and float(sky.sun.max()) > 0

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return planar depth_m f32 [h, w] (NaN: nothing) and instance u16 [h, w] at centres."""
        rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
        directions = (rays.reshape(-1, 3) @ camera.world_from_camera[:3, :3].T).astype(np.float32)
        origins, start = self.ray_origins(camera, directions)
        depth, instance = self.surfaces.depth_and_instance(origins, directions)
        shape = (camera.height_px, camera.width_px)
        return (depth + start).reshape(shape), instance.reshape(shape)

    def ray_origins(self, camera: Camera, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return origins [n, 3] and their distance [n] along the ray from the camera.

        Rays of a camera above the ceiling begin just below it, so that the rooms are seen from
        above.
        """
        origins = np.empty_like(directions)
        origins[:] = camera.position_m
        start = np.zeros(len(directions), dtype=np.float32)
        above = float(camera.position_m[2]) - self._ceiling_m
        if above > 0:
            start = (above + CUT_BELOW_CEILING_M) / np.maximum(-directions[:, 2], 1e-6)
            start = start.astype(np.float32)
            origins += start[:, None] * directions
        return origins, start

    def radiance(
        self, camera: Camera, *, samples: int, bounces: int, random: np.random.Generator
    ) -> Radiance:
        """Return the light that reaches each pixel, averaged over `samples` jittered paths."""
        width, height = camera.width_px, camera.height_px
        rows = max(1, _PATHS_PER_BATCH // (width * samples))
        channel_chunks: list[list[np.ndarray]] = [[], [], []]
        for top in range(0, height, rows):
            directions = _jittered(camera, top, min(top + rows, height), samples, random)
            origins, _ = self.ray_origins(camera, directions)
            angle = 1.0 / float(camera.intrinsics[1, 1])
            for part, values in zip(
                channel_chunks,
                self._trace(origins, directions, angle, bounces, random),
                strict=True,
            ):
                total = np.zeros_like(values[:, ::samples])
                for sample in range(samples):
                    total += values[:, sample::samples]
                part.append(total / samples)
        colour, albedo, normal = (
            np.concatenate(part, axis=1).T.reshape(height, width, 3) for part in channel_chunks
        )
        return Radiance(colour, albedo, normal)

    def _trace(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        pixel_angle: float,
        bounces: int,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Follow one path per ray [n, 3]; return its colour, albedo and normal [3, n]."""
        surface_hits, weight = self.surfaces.view(origins, directions, pixel_angle)
        emissive = self._is_emissive[surface_hits.material] & surface_hits.hit_mask
        denoiser_guides = surface_hits.albedo.copy(), surface_hits.normal.copy()
        denoiser_guides[0][:, emissive | ~surface_hits.hit_mask] = 1
        denoiser_guides[1][:, ~surface_hits.hit_mask] = 0
        colour = self._emitted_radiance(surface_hits, directions.T, through_window=True) * weight
        incoming = directions.T / np.sqrt(dot(directions.T, directions.T))
        paths = np.arange(len(origins))
        for bounce in range(bounces + 1):
            active = np.flatnonzero(
                surface_hits.hit_mask & ~self._is_emissive[surface_hits.material]
            )
            if not len(active):
                break
            if len(active) < len(paths):
                surface_hits = _select(surface_hits, active)
                paths, weight, incoming = paths[active], weight[:, active], incoming[:, active]
            surface_hits.points += surface_hits.normal * np.float32(STEP_M)
            light, lit_indices, to_light = self._direct_light(surface_hits, random)
            outgoing = cosine_directions(surface_hits.normal, random)
            if bounce == 0:
                specular_lobe = SpecularLobe.of(self.surfaces, surface_hits, incoming)
                specular_light = specular_lobe.lamp_highlights(
                    surface_hits, lit_indices, light[:, lit_indices], to_light
                )
                colour[:, paths[lit_indices]] += np.minimum(
                    weight[:, lit_indices] * specular_light, _MAX_MIRROR_RADIANCE
                )
                mirrored, factor = specular_lobe.sample_mirror(surface_hits, outgoing, random)
                weight = weight * factor
            else:
                weight = weight * surface_hits.albedo
            if bounce < 2 and self.has_sun:
                self._add_sun(light, surface_hits)
            if bounce == bounces:
                light += np.float32(AMBIENT)
            if bounce == 0:
                light[:, mirrored] = 0
            colour[:, paths] += np.minimum(weight * light, _MAX_PATH_RADIANCE)
            if bounce == bounces:
                break
            if bounce == 1:
                # Later bounces are faint and even: every other path goes on with twice the weight.
                every_other = np.flatnonzero(paths % 2 == 0)
                surface_hits, paths = _select(surface_hits, every_other), paths[every_other]
                weight, outgoing = 2 * weight[:, every_other], outgoing[:, every_other]
                incoming = incoming[:, every_other]
            surface_hits = self.surfaces.bounce(surface_hits.points, outgoing)
            if bounce == 0:
                sharp_mirror = np.flatnonzero(mirrored & specular_lobe.is_sharp_mirror)
                if len(sharp_mirror):
                    emitted = (
                        self._emitted_radiance(
                            _select(surface_hits, sharp_mirror), outgoing[:, sharp_mirror]
                        )
                        * weight[:, sharp_mirror]
                    )
                    colour[:, paths[sharp_mirror]] += np.minimum(emitted, _MAX_MIRROR_RADIANCE)
        return colour, *denoiser_guides

    def _emitted_radiance(
        self, surface_hits: SurfaceHits, directions: np.ndarray, *, through_window: bool = False
    ) -> np.ndarray:
        """Return the radiance [3, n] of the lamps and the sky that rays hit."""
        emitted = np.where(
            surface_hits.hit_mask, self.surfaces.emission[surface_hits.material].T, 0
        )
        miss_indices = np.flatnonzero(~surface_hits.hit_mask)
        if len(miss_indices):
            sky = self._sky.background if through_window else self._sky.radiance
            emitted[:, miss_indices] = sky(directions[:, miss_indices])
        return np.minimum(emitted, np.float32(_MAX_PATH_RADIANCE))

    def _direct_light(
        self, surface_hits: SurfaceHits, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Light each surface point by one sampled lamp or window.

        Returns the light [3, n] that a white diffuse surface reflects of it, the indices [k] of
        the lit points, and the vectors [3, k] from those to the lamp.
        """
        lights, points = self.lights, surface_hits.points
        draws = random.random((3, points.shape[1]), dtype=np.float32)
        light, weight = lights.sample_lights(points, draws[0])
        target = lights.corner[light].T + lights.side[light].T * draws[1]
        to_light = target + lights.up[light].T * draws[2] - points
        # Closer than 14 cm the estimate would diverge; lamps hang higher.
        square = np.maximum(dot(to_light, to_light), np.float32(0.02))
        cosines = np.maximum(dot(surface_hits.normal, to_light), 0)
        cosines *= np.maximum(-dot(lights.scaled_normal[light].T, to_light), 0)
        strength = cosines * weight / (square * square * np.float32(np.pi))
        lit_indices = np.flatnonzero(strength > 1e-5)
        lit_indices = lit_indices[
            self.surfaces.unoccluded(points[:, lit_indices], to_light[:, lit_indices])
        ]
        to_light = to_light[:, lit_indices]
        radiance = lights.radiance[light[lit_indices]].T.copy()
        portal = np.flatnonzero(lights.is_portal[light[lit_indices]])
        radiance[:, portal] = self._sky.radiance(to_light[:, portal])
        result = np.zeros(points.shape, dtype=np.float32)
        result[:, lit_indices] = radiance * strength[lit_indices]
        return result, lit_indices, to_light

    def _add_sun(self, light: np.ndarray, surface_hits: SurfaceHits) -> None:
        """Add to `light` [3, n] the sunlight that white diffuse points reflect."""
        to_sun = self._sky.to_sun.astype(np.float32)
        cosine = to_sun @ surface_hits.normal
        lit_indices = np.flatnonzero(cosine > 0.01)
        to_lights = np.broadcast_to((to_sun * 100)[:, None], (3, len(lit_indices)))
        lit_indices = lit_indices[
            self.surfaces.unoccluded(surface_hits.points[:, lit_indices], to_lights)
        ]
        light[:, lit_indices] += (self._sky.sun / np.pi).astype(np.float32)[:, None] * cosine[
            lit_indices
        ]


def _jittered(
    camera: Camera, top: int, bottom: int, samples: int, random: np.random.Generator
) -> np.ndarray:
    """Return directions [rows * width * samples, 3] through random positions in the pixels."""
    width, k = camera.width_px, camera.intrinsics
    jitter = random.random((2, bottom - top, width, samples), dtype=np.float32)
    grid = int(np.sqrt(samples))
    if grid * grid == samples:
        cell = np.arange(samples, dtype=np.float32)
        jitter[0] = (jitter[0] + cell % grid) / grid
        jitter[1] = (jitter[1] + cell // grid) / grid
    x = np.arange(width, dtype=np.float32)[None, :, None] + jitter[0]
    y = np.arange(top, bottom, dtype=np.float32)[:, None, None] + jitter[1]
    local = np.ones((x.size, 3), dtype=np.float32)
    local[:, 0] = ((x - k[0, 2]) / k[0, 0]).ravel()
    local[:, 1] = ((y - k[1, 2]) / k[1, 1]).ravel()
    return local @ camera.world_from_camera[:3, :3].T.astype(np.float32)


def _select(surface_hits: SurfaceHits, indices: np.ndarray) -> SurfaceHits:
    return SurfaceHits(
        surface_hits.hit_mask[indices],
        surface_hits.points[:, indices],
        surface_hits.normal[:, indices],
        surface_hits.albedo[:, indices],
        surface_hits.material[indices],
    )


def cosine_directions(normal: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw unit directions [3, n] about normals, with density proportional to the cosine."""
    draws = random.random((2, normal.shape[1]), dtype=np.float32)
    z = 1 - 2 * draws[0]
    radius = np.sqrt(np.maximum(1 - z * z, 0))
    angle = np.float32(2 * np.pi) * draws[1]
    # A point of the unit sphere around the tip of the normal is cosine-distributed.
    offset_normal = np.stack([radius * np.cos(angle), radius * np.sin(angle), z]) * np.float32(
        0.9999
    )
    offset_normal += normal
    square = np.maximum(dot(offset_normal, offset_normal), np.float32(1e-12))
    directions: np.ndarray = offset_normal / np.sqrt(square)
    return directions
