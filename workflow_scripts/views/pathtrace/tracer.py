"""Trace paths through a scene: exact depth and ids at pixel centres, light with jittered rays.

Vectors are f32 [3, n], so that one number per ray multiplies all of them without a stride.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.cameras import Camera, rays_camera
from workflow_scripts.views.pathtrace.gloss import Gloss
from workflow_scripts.views.pathtrace.lights import Lights, Sky
from workflow_scripts.views.pathtrace.scene import Scene
from workflow_scripts.views.pathtrace.surfaces import STEP_M, Spots, Surfaces, dot
from workflow_scripts.views.pathtrace.walls import CUT_BELOW_CEILING_M

# Enough paths to keep NumPy busy, few enough to stay in the processor's cache.
_PATHS_AT_ONCE = 1 << 15
# No path may add more than this to its pixel: single bright paths are what grain is made of.
_PATH_LIMIT = 12.0
_MIRROR_LIMIT = 3.0
# Light that further bounces would bring, as irradiance over pi.
_AMBIENT = 0.11


@dataclass(frozen=True)
class Radiance:
    """Mean over a pixel's paths: linear `colour`, and `albedo` and `normal` to guide a denoiser.

    All f32 [h, w, 3].
    """

    colour: np.ndarray
    albedo: np.ndarray
    normal: np.ndarray


class Tracer:
    """A scene with what its paths need."""

    def __init__(self, scene: Scene, sky: Sky) -> None:
        shell = scene.shell
        self._ceiling_m = shell.ceiling_m
        self._sky = sky
        self._surfaces = Surfaces(scene.soup)
        self._shines = self._surfaces.emission.max(axis=1) > 0
        self._lights = Lights(shell.lamps, shell.portals, sky)
        floor = np.concatenate([room.polygon_m for room in shell.rooms])
        self._lights.lay_grid(floor.min(axis=0), floor.max(axis=0), self._ceiling_m)
        self._has_sun = len(shell.portals) > 0 and float(sky.sun.max()) > 0

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return planar depth_m f32 [h, w] (NaN: nothing) and instance u16 [h, w] at centres."""
        rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
        directions = (rays.reshape(-1, 3) @ camera.world_from_camera[:3, :3].T).astype(np.float32)
        origins, start = self._starts(camera, directions)
        depth, instance = self._surfaces.depth_and_instance(origins, directions)
        shape = (camera.height_px, camera.width_px)
        return (depth + start).reshape(shape), instance.reshape(shape)

    def _starts(self, camera: Camera, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return origins [n, 3] and how far along its ray each lies.

        A camera above the ceiling looks into the house as into a doll's house: its rays begin
        just under the ceiling.
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
        rows = max(1, _PATHS_AT_ONCE // (width * samples))
        found: list[list[np.ndarray]] = [[], [], []]
        for top in range(0, height, rows):
            directions = _jittered(camera, top, min(top + rows, height), samples, random)
            origins, _ = self._starts(camera, directions)
            angle = 1.0 / float(camera.intrinsics[1, 1])
            for part, values in zip(
                found, self._trace(origins, directions, angle, bounces, random), strict=True
            ):
                part.append(sum(values[:, k::samples] for k in range(samples)) / samples)
        colour, albedo, normal = (
            np.concatenate(part, axis=1).T.reshape(height, width, 3) for part in found
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
        spots, weight = self._surfaces.view(origins, directions, pixel_angle)
        shining = self._shines[spots.material] & spots.found
        guides = spots.albedo.copy(), spots.normal.copy()
        guides[0][:, shining | ~spots.found] = 1
        guides[1][:, ~spots.found] = 0
        colour = self._glow(spots, directions.T, through_window=True) * weight
        incoming = directions.T / np.sqrt(dot(directions.T, directions.T))
        paths = np.arange(len(origins))
        for bounce in range(bounces + 1):
            alive = np.flatnonzero(spots.found & ~self._shines[spots.material])
            if not len(alive):
                break
            if len(alive) < len(paths):
                spots = _only(spots, alive)
                paths, weight, incoming = paths[alive], weight[:, alive], incoming[:, alive]
            spots.points += spots.normal * np.float32(STEP_M)
            light, lit, way = self._lamp_light(spots, random)
            outgoing = _cosine_directions(spots.normal, random)
            if bounce == 0:
                gloss = Gloss.of(self._surfaces, spots, incoming)
                glint = gloss.sheen(spots, lit, light[:, lit], way)
                colour[:, paths[lit]] += np.minimum(weight[:, lit] * glint, _MIRROR_LIMIT)
                mirrored, factor = gloss.mirror(spots, outgoing, random)
                weight = weight * factor
            else:
                weight = weight * spots.albedo
            if bounce < 2 and self._has_sun:
                self._add_sun(light, spots)
            if bounce == bounces:
                light += np.float32(_AMBIENT)
            if bounce == 0:
                light[:, mirrored] = 0
            colour[:, paths] += np.minimum(weight * light, _PATH_LIMIT)
            if bounce == bounces:
                break
            if bounce == 1:
                # What is left is faint and even: every other path carries it for two.
                half = np.flatnonzero(paths % 2 == 0)
                spots, paths = _only(spots, half), paths[half]
                weight, outgoing = 2 * weight[:, half], outgoing[:, half]
                incoming = incoming[:, half]
            spots = self._surfaces.bounce(spots.points, outgoing)
            if bounce == 0:
                clear = np.flatnonzero(mirrored & gloss.is_clear)
                if len(clear):
                    glow = self._glow(_only(spots, clear), outgoing[:, clear]) * weight[:, clear]
                    colour[:, paths[clear]] += np.minimum(glow, _MIRROR_LIMIT)
        return colour, *guides

    def _glow(
        self, spots: Spots, directions: np.ndarray, *, through_window: bool = False
    ) -> np.ndarray:
        """Return the radiance [3, n] of lamps and sky that rays met."""
        glow = np.where(spots.found, self._surfaces.emission[spots.material].T, 0)
        missed = np.flatnonzero(~spots.found)
        if len(missed):
            sky = self._sky.seen if through_window else self._sky.radiance
            glow[:, missed] = sky(directions[:, missed])
        return np.minimum(glow, np.float32(_PATH_LIMIT))

    def _lamp_light(
        self, spots: Spots, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Light spots by a lamp or window each.

        Returns the light [3, n] that a white matt surface reflects of it, the numbers [k] of the
        spots that are lit, and the way [3, k] from each of those to the lamp.
        """
        lights, points = self._lights, spots.points
        draws = random.random((3, points.shape[1]), dtype=np.float32)
        light, weight = lights.draw(points, draws[0])
        target = lights.corner[light].T + lights.side[light].T * draws[1]
        way = target + lights.up[light].T * draws[2] - points
        # Closer than 14 cm the estimate would explode; lamps hang higher.
        square = np.maximum(dot(way, way), np.float32(0.02))
        cosines = np.maximum(dot(spots.normal, way), 0)
        cosines *= np.maximum(-dot(lights.scaled_normal[light].T, way), 0)
        strength = cosines * weight / (square * square * np.float32(np.pi))
        lit = np.flatnonzero(strength > 1e-5)
        lit = lit[self._surfaces.free(points[:, lit], way[:, lit])]
        way = way[:, lit]
        radiance = lights.radiance[light[lit]].T.copy()
        portal = np.flatnonzero(lights.is_portal[light[lit]])
        radiance[:, portal] = self._sky.radiance(way[:, portal])
        result = np.zeros(points.shape, dtype=np.float32)
        result[:, lit] = radiance * strength[lit]
        return result, lit, way

    def _add_sun(self, light: np.ndarray, spots: Spots) -> None:
        """Add to `light` [3, n] what white matt spots reflect of the sun."""
        to_sun = self._sky.to_sun.astype(np.float32)
        cosine = to_sun @ spots.normal
        lit = np.flatnonzero(cosine > 0.01)
        ways = np.broadcast_to((to_sun * 100)[:, None], (3, len(lit)))
        lit = lit[self._surfaces.free(spots.points[:, lit], ways)]
        light[:, lit] += (self._sky.sun / np.pi).astype(np.float32)[:, None] * cosine[lit]


def _jittered(
    camera: Camera, top: int, bottom: int, samples: int, random: np.random.Generator
) -> np.ndarray:
    """Return directions [rows * width * samples, 3] through random places in the pixels."""
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


def _only(spots: Spots, which: np.ndarray) -> Spots:
    return Spots(
        spots.found[which],
        spots.points[:, which],
        spots.normal[:, which],
        spots.albedo[:, which],
        spots.material[which],
    )


def _cosine_directions(normal: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw unit directions [3, n] about normals with chance proportional to the cosine."""
    draws = random.random((2, normal.shape[1]), dtype=np.float32)
    z = 1 - 2 * draws[0]
    radius = np.sqrt(np.maximum(1 - z * z, 0))
    angle = np.float32(2 * np.pi) * draws[1]
    # A point of the unit sphere around the tip of the normal is cosine-distributed.
    around = np.stack([radius * np.cos(angle), radius * np.sin(angle), z]) * np.float32(0.9999)
    around += normal
    return around / np.sqrt(np.maximum(dot(around, around), np.float32(1e-12)))
