"""Trace paths through a scene: exact depth and ids at pixel centres, light with jittered rays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.geometry.cameras import Camera, rays_camera
from workflow_scripts.views.pathtrace import path_kernels
from workflow_scripts.views.pathtrace.camera_rays import Rays
from workflow_scripts.views.pathtrace.frame_kernels import EMISSIVE, NO_HIT, REFLECTING
from workflow_scripts.views.pathtrace.lights import AMBIENT, Lights, Sky
from workflow_scripts.views.pathtrace.scene import RenderScene
from workflow_scripts.views.pathtrace.surfaces import STEP_M, SurfaceHits, Surfaces
from workflow_scripts.views.pathtrace.walls import CUT_BELOW_CEILING_M

# Few enough paths to stay in the processor's cache.
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


@dataclass(frozen=True)
class CentreHits:
    """First hits of rays [n, 3] through the centres of pixels, row by row.

    `start` f32 [n] is the distance of their origins from the camera, `face` i32 [n] is that of
    the mesh or -1, `distance` f32 [n] counts from the origins; NaN where nothing is hit. Both are
    planar depths.
    """

    origins: np.ndarray
    directions: np.ndarray
    start: np.ndarray
    face: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class LampRays:
    """Rays from points, whose indices are `owners` i32 [k], to a lamp or window each.

    `to_light` f32 [k, 3] are their vectors; `is_free` [k] says that nothing blocks them.
    """

    owners: np.ndarray
    to_light: np.ndarray
    is_free: np.ndarray


class Tracer:
    """A scene with its surfaces, lights and sky, ready for path tracing."""

    def __init__(self, scene: RenderScene, sky: Sky) -> None:
        shell = scene.shell
        self._ceiling_m = shell.ceiling_m
        self._sky = sky
        self.surfaces = Surfaces(scene.triangle_mesh)
        self.lights = Lights(shell.lamps, shell.portals, sky)
        floor = np.concatenate([room.polygon_m for room in shell.rooms])
        self.lights.build_light_grid(floor.min(axis=0), floor.max(axis=0), self._ceiling_m)
        self.has_sun = len(shell.portals) > 0 and float(sky.sun.max()) > 0

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return planar depth_m f32 [h, w] (NaN: nothing) and instance u16 [h, w] at centres."""
        return self.depth_and_instance(camera, self.centre_hits(camera))

    def depth_and_instance(self, camera: Camera, hits: CentreHits) -> tuple[np.ndarray, np.ndarray]:
        """As `geometry`, from what is hit at the centres of pixels."""
        shape = (camera.height_px, camera.width_px)
        instance = self.surfaces.instances(hits.face)
        return (hits.distance + hits.start).reshape(shape), instance.reshape(shape)

    def centre_hits(self, camera: Camera) -> CentreHits:
        """Return what is seen at the centres of a camera's pixels."""
        rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
        directions = (rays.reshape(-1, 3) @ camera.world_from_camera[:3, :3].T).astype(np.float32)
        origins, start = self.ray_origins(camera, directions)
        face, distance = self.surfaces.first_faces(origins, directions)
        return CentreHits(origins, directions, start, face, distance)

    def even_faces(self, camera: Camera, hits: CentreHits | None) -> np.ndarray:
        """Return the faces i32 [n] of pixels as `Surfaces.even_faces`; `hits` are the camera's."""
        centre = self.centre_hits(camera) if hits is None else hits
        return self.surfaces.even_faces(
            centre.face, centre.distance, centre.origins, centre.directions, camera.width_px
        )

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
        self,
        camera: Camera,
        *,
        samples: int,
        bounces: int,
        random: np.random.Generator,
        centre_hits: CentreHits | None = None,
    ) -> Radiance:
        """Return the light that reaches each pixel, averaged over `samples` jittered paths.

        Around even pixels of `centre_hits`, those of the camera, first hits are not cast.
        """
        width, height = camera.width_px, camera.height_px
        known_face = self.even_faces(camera, centre_hits)
        rows = max(1, _PATHS_PER_BATCH // (width * samples))
        channel_chunks: list[list[np.ndarray]] = [[], [], []]
        for top in range(0, height, rows):
            directions = _jittered(camera, top, min(top + rows, height), samples, random)
            origins, _ = self.ray_origins(camera, directions)
            angle = 1.0 / float(camera.intrinsics[1, 1])
            known = np.repeat(known_face[top * width : (top + rows) * width], samples)
            for part, values in zip(
                channel_chunks,
                self._trace(origins, directions, known, angle, bounces, random),
                strict=True,
            ):
                total = values[::samples].copy()
                for sample in range(1, samples):
                    total += values[sample::samples]
                part.append(total / np.float32(samples))
        colour, albedo, normal = (
            np.concatenate(part).reshape(height, width, 3) for part in channel_chunks
        )
        return Radiance(colour, albedo, normal)

    def _trace(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        known_face: np.ndarray,
        pixel_angle: float,
        bounces: int,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Follow one path per ray [n, 3]; return its colour, albedo and normal [n, 3].

        `known_face` [n] is as of `Surfaces.camera_rays`.
        """
        rays, transmittance = self.surfaces.camera_rays(origins, directions, known_face)
        hits = self.surfaces.surface_hits(rays, pixel_angle)
        weight = np.ascontiguousarray(transmittance.T)
        albedo, normal = hits.albedo, hits.normals.copy()
        normal[hits.sides == NO_HIT] = 0
        colour = np.zeros((len(origins), 3), dtype=np.float32)
        shining, radiance = self.emitted_radiance(hits.sides, rays, self._sky.background)
        colour[shining] = np.minimum(radiance, _MAX_PATH_RADIANCE) * weight[shining]
        paths = np.arange(len(origins))
        for bounce in range(bounces + 1):
            active = np.flatnonzero(hits.sides >= 0)
            if not len(active):
                break
            if len(active) < len(paths):
                hits, paths, weight = hits.select(active), paths[active], weight[active]
            points = hits.points + hits.normals * np.float32(STEP_M)
            light, lamps = self._direct_light(points, hits.normals, random)
            outgoing = cosine_directions(hits.normals, random)
            if bounce == 0:
                incoming = directions[paths]
                incoming /= np.sqrt(np.einsum("ij,ij->i", incoming, incoming))[:, None]
                mirrored, is_sharp = self._add_gloss(
                    colour, paths, hits, incoming, lamps, light, weight, outgoing, random
                )
            else:
                mirrored, is_sharp = (np.zeros(len(paths), dtype=bool) for _ in range(2))
                weight *= hits.albedo
            if bounce < 2 and self.has_sun:
                self._add_sun(light, points, hits.normals)
            if bounce == bounces:
                light += np.float32(AMBIENT)
            path_kernels.add_reflected(
                paths, weight, light, mirrored, np.float32(_MAX_PATH_RADIANCE), colour
            )
            if bounce == bounces:
                break
            if bounce == 1:
                # Later bounces are faint and even: every other path goes on with twice the weight.
                every_other = np.flatnonzero(paths % 2 == 0)
                points, outgoing = points[every_other], outgoing[every_other]
                paths, weight = paths[every_other], 2 * weight[every_other]
            rays = self.surfaces.light_rays(points, outgoing)
            hits = self.surfaces.surface_hits(rays)
            if mirrored.any():
                sides = np.where(mirrored & is_sharp, hits.sides, REFLECTING)
                shining, radiance = self.emitted_radiance(sides, rays, self._sky.radiance)
                emitted = np.minimum(radiance, _MAX_PATH_RADIANCE) * weight[shining]
                colour[paths[shining]] += np.minimum(emitted, _MAX_MIRROR_RADIANCE)
        return colour, albedo, normal

    def emitted_radiance(
        self, sides: np.ndarray, rays: Rays, sky: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which rays hit lamps or nothing, by their sides, and the radiance [k, 3] of that.

        `sky` gives the radiance [3, k] along directions [3, k].
        """
        lamps = np.flatnonzero(sides == EMISSIVE)
        missed = np.flatnonzero(sides == NO_HIT)
        emission = self.surfaces.emission[self.surfaces.camera_faces.material(rays.face[lamps])]
        radiance = np.concatenate([emission, sky(rays.directions[missed].T).T])
        return np.concatenate([lamps, missed]), radiance

    def _direct_light(
        self, points: np.ndarray, normals: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, LampRays]:
        """Light each point [n, 3] by one sampled lamp or window.

        Returns the light [n, 3] that a white diffuse surface reflects of it, and the rays.
        """
        lights = self.lights.arrays
        draws = random.random((3, len(points)), dtype=np.float32)
        drawn, rarity = self.lights.sample_lights(points, draws[0])
        owners = np.empty(len(points), dtype=np.int32)
        origins, to_light = (np.empty_like(points) for _ in range(2))
        strengths = np.empty(len(points), dtype=np.float32)
        num = path_kernels.lamp_rays(
            points,
            normals,
            drawn,
            rarity,
            draws[1:],
            lights,
            (owners, origins, to_light, strengths),
        )
        is_free = self.surfaces.unoccluded(origins[:num], to_light[:num])
        light = np.zeros_like(points)
        path_kernels.add_lamp_light(
            owners[:num], to_light, strengths, is_free, drawn, lights, self.lights.sky, light
        )
        return light, LampRays(owners[:num], to_light[:num], is_free)

    def _add_gloss(
        self,
        colour: np.ndarray,
        paths: np.ndarray,
        hits: SurfaceHits,
        incoming: np.ndarray,
        lamps: LampRays,
        light: np.ndarray,
        weight: np.ndarray,
        outgoing: np.ndarray,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add the highlights of lamps to `colour`, and mirror some of the `outgoing` directions.

        Multiplies `weight` by what the surfaces reflect. Returns which paths are mirrored, and
        which surfaces are sharp mirrors.
        """
        before = weight.copy()
        fresnel = np.empty(len(paths), dtype=np.float32)
        mirrored, is_sharp = (np.empty(len(paths), dtype=bool) for _ in range(2))
        arrays = self.surfaces.face_arrays
        path_kernels.sample_gloss(
            hits.face,
            hits.normals,
            incoming,
            hits.albedo,
            random.random(len(paths), dtype=np.float32),
            arrays,
            outgoing,
            weight,
            fresnel,
            mirrored,
            is_sharp,
        )
        highlights = np.zeros_like(light)
        path_kernels.add_highlights(
            lamps.owners,
            lamps.to_light,
            lamps.is_free,
            hits.face,
            hits.normals,
            incoming,
            hits.albedo,
            fresnel,
            light,
            before,
            arrays,
            np.float32(_MAX_MIRROR_RADIANCE),
            highlights,
        )
        colour[paths] += highlights
        return mirrored, is_sharp

    def _add_sun(self, light: np.ndarray, points: np.ndarray, normals: np.ndarray) -> None:
        """Add to `light` [n, 3] the sunlight that white diffuse points [n, 3] reflect."""
        to_sun = self._sky.to_sun.astype(np.float32)
        cosine = normals @ to_sun
        lit = np.flatnonzero(cosine > 0.01)
        rays = np.broadcast_to(to_sun * 100, (len(lit), 3))
        lit = lit[self.surfaces.unoccluded(points[lit], rays)]
        light[lit] += (self._sky.sun / np.pi).astype(np.float32) * cosine[lit, None]


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


def cosine_directions(normals: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw unit directions [n, 3] about normals, with density proportional to the cosine."""
    draws = random.random((2, len(normals)), dtype=np.float32)
    directions = np.empty_like(normals)
    path_kernels.cosine_directions(normals, draws, directions)
    return directions
