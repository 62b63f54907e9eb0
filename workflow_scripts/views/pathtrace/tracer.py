"""Trace paths through a scene: exact depth and ids at pixel centres, light with jittered rays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.geometry.cameras import Camera, rays_camera
from workflow_scripts.views.pathtrace import light_ray_kernels, path_kernels
from workflow_scripts.views.pathtrace.camera_ray_kernels import camera_directions
from workflow_scripts.views.pathtrace.camera_rays import Rays, float32_camera
from workflow_scripts.views.pathtrace.ceiling_map import closed_ceiling
from workflow_scripts.views.pathtrace.frame_kernels import EMISSIVE, NO_HIT, REFLECTING
from workflow_scripts.views.pathtrace.light_ray_kernels import LightRays, PointArrays
from workflow_scripts.views.pathtrace.lights import AMBIENT, Lights, Sky
from workflow_scripts.views.pathtrace.path_kernels import PathArrays
from workflow_scripts.views.pathtrace.scene import RenderScene
from workflow_scripts.views.pathtrace.sobol import PathDraws, path_numbers
from workflow_scripts.views.pathtrace.surfaces import STEP_M, Surfaces
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
        self._ceiling = closed_ceiling([room.shape for room in shell.rooms], self._ceiling_m)

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
        draws = PathDraws(random)
        means = [np.empty((height * width, 3), dtype=np.float32) for _ in range(3)]
        rows = max(1, _PATHS_PER_BATCH // (width * samples))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            pixels = slice(top * width, bottom * width)
            path = path_numbers(width, top, bottom, samples)
            directions = _jittered_directions(camera, top, samples, draws.pairs(path, 0))
            known = np.repeat(known_face[pixels], samples)
            traced = self._trace(camera, directions, known, path, samples, bounces, draws)
            for mean, values in zip(means, traced, strict=True):
                path_kernels.pixel_means(values, samples, mean[pixels])
        colour, albedo, normal = (mean.reshape(height, width, 3) for mean in means)
        return Radiance(colour, albedo, normal)

    def _trace(
        self,
        camera: Camera,
        directions: np.ndarray,
        known_face: np.ndarray,
        path: np.ndarray,
        samples: int,
        bounces: int,
        draws: PathDraws,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Follow one path per ray [n, 3] of a camera; return its colour, albedo and normal [n, 3].

        `known_face` [n] is as of `Surfaces.camera_rays`, `path` u32 [n] as of `path_numbers`.
        """
        origins, _ = self.ray_origins(camera, directions)
        rays, transmittance = self.surfaces.camera_rays(origins, directions, known_face)
        hits = self.surfaces.surface_hits(rays, 1.0 / float(camera.intrinsics[1, 1]))
        albedo, normal = hits.albedo, hits.normals
        colour = np.zeros_like(directions)
        shining, radiance = self.emitted_radiance(hits.sides, rays, self._sky.background)
        paths = PathArrays(
            np.arange(len(path), dtype=np.int32),
            path,
            np.ascontiguousarray(transmittance.T),
            np.empty(len(path), dtype=bool),
        )
        colour[shining] = np.minimum(radiance, _MAX_PATH_RADIANCE) * paths.weight[shining]
        # Bounced light is faint and even: half of the paths bring that of all.
        kept = (max(samples // 2, 1), samples)
        for bounce in range(bounces + 1):
            points = PointArrays(
                hits.face, hits.points, hits.normals, hits.albedo, hits.sides, rays.directions
            )
            going_on = (0, 1) if bounce == bounces else kept if bounce == 0 else (1, 1)
            following, paths = self._bounce(
                paths, points, bounce, going_on, bounce == bounces, draws, colour
            )
            if not len(paths.ray):
                break
            rays = self.surfaces.light_rays(*following)
            hits = self.surfaces.surface_hits(rays)
            if paths.is_sharp.any():
                sides = np.where(paths.is_sharp, hits.sides, REFLECTING)
                shining, radiance = self.emitted_radiance(sides, rays, self._sky.radiance)
                emitted = np.minimum(radiance, _MAX_PATH_RADIANCE) * paths.weight[shining]
                colour[paths.ray[shining]] += np.minimum(emitted, _MAX_MIRROR_RADIANCE)
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

    def _bounce(
        self,
        paths: PathArrays,
        hits: PointArrays,
        bounce: int,
        kept: tuple[int, int],
        is_last: bool,
        draws: PathDraws,
        colour: np.ndarray,
    ) -> tuple[tuple[np.ndarray, np.ndarray], PathArrays]:
        """Add the light that points reflect to `colour`; return the rays and paths that go on.

        Rays are origins and directions f32 [n, 3]. Of each `kept[1]` paths of a pixel, `kept[0]`
        go on. Each point is lit by one lamp or window, that is drawn, and by the sun.
        """
        numbers = 1 + 3 * bounce
        lamps = self._lamp_rays(hits, draws.pairs(paths.path, numbers))
        is_free = self.surfaces.unoccluded(lamps.origins, lamps.to_light)
        sunlit = self._sunlit(hits) if bounce < 2 and self.has_sun else np.empty(0, np.int32)
        origins, directions = (np.empty((len(paths.ray), 3), dtype=np.float32) for _ in range(2))
        num = path_kernels.reflect(
            paths,
            hits,
            lamps,
            is_free,
            sunlit,
            self._sky.to_sun.astype(np.float32),
            (self._sky.sun / np.pi).astype(np.float32),
            np.float32(AMBIENT if is_last else 0.0),
            bounce == 0,
            (np.uint32(kept[0]), np.uint32(kept[1])),
            (draws.pairs(paths.path, numbers + 1)[0], draws.pairs(paths.path, numbers + 2)),
            np.float32(STEP_M),
            (np.float32(_MAX_PATH_RADIANCE), np.float32(_MAX_MIRROR_RADIANCE)),
            self.surfaces.face_arrays,
            self.lights.arrays,
            self.lights.sky,
            colour,
            (origins, directions),
        )
        going_on = PathArrays(*(array[:num] for array in paths))
        return (origins[:num], directions[:num]), going_on

    def _lamp_rays(self, hits: PointArrays, draws: np.ndarray) -> LightRays:
        """Return a ray from each point to a place on a lamp or window, drawn by `draws` [2, n]."""
        count = len(hits.sides)
        rays = LightRays(
            np.empty(count, dtype=np.int32),
            np.empty((count, 3), dtype=np.float32),
            np.empty((count, 3), dtype=np.float32),
            np.empty(count, dtype=np.int32),
            np.empty(count, dtype=np.float32),
        )
        lights = self.lights.arrays
        num = light_ray_kernels.lamp_rays(hits, np.float32(STEP_M), draws, lights, rays)
        return LightRays(*(array[:num] for array in rays))

    def _sunlit(self, hits: PointArrays) -> np.ndarray:
        """Return the points i32 [s] that the sun shines on."""
        owners, origins = self._sun_rays(hits)
        to_sun = np.broadcast_to(self._sky.to_sun.astype(np.float32) * 100, origins.shape)
        sunlit: np.ndarray = owners[self.surfaces.unoccluded(origins, to_sun)]
        return sunlit

    def _sun_rays(self, hits: PointArrays) -> tuple[np.ndarray, np.ndarray]:
        """Return points i32 [k] that may see the sun, and the origins f32 [k, 3] of rays to it."""
        owners = np.empty(len(hits.sides), dtype=np.int32)
        origins = np.empty((len(hits.sides), 3), dtype=np.float32)
        to_sun = self._sky.to_sun.astype(np.float32)
        num = light_ray_kernels.sun_rays(
            hits, np.float32(STEP_M), to_sun, self._ceiling, owners, origins
        )
        return owners[:num], origins[:num]


def _jittered_directions(camera: Camera, top: int, samples: int, jitter: np.ndarray) -> np.ndarray:
    """Return directions [n, 3] through places `jitter` f32 [2, n] in the pixels of rows from `top`.

    Each pixel has `samples`, which follow one another.
    """
    directions = np.empty((jitter.shape[1], 3), dtype=np.float32)
    camera_directions(jitter, camera.width_px, top, samples, *float32_camera(camera), directions)
    return directions


def cosine_directions(normals: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw unit directions [n, 3] about normals, with density proportional to the cosine."""
    draws = random.random((2, len(normals)), dtype=np.float32)
    directions = np.empty_like(normals)
    path_kernels.cosine_directions(normals, draws, directions)
    return directions
