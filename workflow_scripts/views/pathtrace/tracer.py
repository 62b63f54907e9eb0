"""Trace paths through a scene: exact depth and ids at pixel centres, light with jittered rays.

Vectors are f32 [3, n], so that one number per ray multiplies all of them without a stride.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.cameras import Camera, rays_camera
from workflow_scripts.views.pathtrace.lights import Lights, Sky
from workflow_scripts.views.pathtrace.rays import Hits, Rays
from workflow_scripts.views.pathtrace.scene import Scene
from workflow_scripts.views.pathtrace.shell import CUT_BELOW_CEILING_M
from workflow_scripts.views.pathtrace.texels import Texels

_PATHS_AT_ONCE = 1 << 15
_STEP_M = 2e-4
_MAX_LAYERS = 8
_GLOW_LIMIT = 12.0
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
        soup = scene.soup
        self._ceiling_m = scene.shell.ceiling_m
        self._sky = sky
        self._instance = np.append(soup.instance, 0).astype(np.uint16)
        self._rays = Rays(soup.triangles)
        self._clear = np.array([material.transmission > 0.3 for material in soup.materials])
        self._cut = np.array([material.cutout is not None for material in soup.materials])
        self._cutouts = [material.cutout for material in soup.materials]
        # Light passes glass unbent and unweakened on its way between surfaces.
        solid = ~(self._clear | self._mostly_cut(soup.materials))[soup.material]
        self._solid_faces = np.flatnonzero(solid)
        self._solid_rays = Rays(soup.triangles[solid])
        # One row per face, 64 bytes: normals 0:9, texture coordinates 9:15, material 15.
        self._faces = np.concatenate(
            [
                soup.normals.reshape(-1, 9),
                soup.uv.reshape(-1, 6),
                soup.material[:, None].astype(np.float32),
            ],
            axis=1,
        )
        self._solid_table = self._faces[self._solid_faces]
        self._texels = Texels(soup.materials)
        self._density = self._texel_density(soup.triangles, soup.uv, soup.material)
        self._solid_density = self._density[self._solid_faces]
        self._emission = np.array([m.emission for m in soup.materials], dtype=np.float32)
        self._lights = Lights(scene.shell.lamps, scene.shell.portals, sky)
        floor = np.concatenate([room.polygon_m for room in scene.shell.rooms])
        self._lights.lay_grid(floor.min(axis=0), floor.max(axis=0), self._ceiling_m)
        self._has_sun = len(scene.shell.portals) > 0 and float(sky.sun.max()) > 0

    @staticmethod
    def _mostly_cut(materials: tuple) -> np.ndarray:
        return np.array([m.cutout is not None and np.mean(m.cutout) < 128 for m in materials])

    def _texel_density(
        self, triangles: np.ndarray, uv: np.ndarray, material: np.ndarray
    ) -> np.ndarray:
        """Return log2 of texels per metre [f] (0 where a material has no texture)."""
        edges = triangles[:, 1:] - triangles[:, :1]
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        flat = uv[:, 1:] - uv[:, :1]
        texels = np.abs(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0])
        texels = texels * (self._texels.width * self._texels.height)[material]
        with np.errstate(divide="ignore", invalid="ignore"):
            density = 0.5 * np.log2(np.maximum(texels, 1e-12) / np.maximum(area, 1e-12))
        return density.astype(np.float32)

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return planar depth_m f32 [h, w] (NaN: nothing) and instance u16 [h, w] at centres."""
        rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
        directions = (rays.reshape(-1, 3) @ camera.world_from_camera[:3, :3].T).astype(np.float32)
        origins, start = self._starts(camera, directions)
        hits, distance = self._first(origins, directions)
        shape = (camera.height_px, camera.width_px)
        depth = np.where(hits.face >= 0, distance + start, np.float32(np.nan))
        return depth.reshape(shape), self._instance[hits.face].reshape(shape)

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
            with np.errstate(divide="ignore"):
                start = (above + CUT_BELOW_CEILING_M) / np.maximum(-directions[:, 2], 1e-6)
            start = start.astype(np.float32)
            origins += start[:, None] * directions
        return origins, start

    def _first(self, origins: np.ndarray, directions: np.ndarray) -> tuple[Hits, np.ndarray]:
        """Cast rays [n, 3]; those that meet a hole of a cut-out go on behind it."""
        hits = self._rays.cast(origins, directions)
        if not self._cut.any():
            return hits, hits.distance
        distance = hits.distance.copy()
        open_rays = self._holes(hits, np.arange(len(origins)))
        for _ in range(_MAX_LAYERS):
            if not len(open_rays):
                break
            distance[open_rays] += np.float32(_STEP_M)
            starts = origins[open_rays] + distance[open_rays, None] * directions[open_rays]
            again = self._rays.cast(starts, directions[open_rays])
            distance[open_rays] += again.distance
            for name in ("face", "u", "v"):
                getattr(hits, name)[open_rays] = getattr(again, name)
            open_rays = self._holes(hits, open_rays)
        return hits, distance

    def _holes(self, hits: Hits, rays: np.ndarray) -> np.ndarray:
        """Return those of `rays` whose hit lies in a hole of its material's cut-out."""
        face = hits.face[rays]
        material = self._faces[face, 15].astype(np.int32)
        candidates = np.flatnonzero((face >= 0) & self._cut[material])
        in_hole = []
        for number in np.unique(material[candidates]):
            mask = self._cutouts[number]
            here = candidates[material[candidates] == number]
            ray = rays[here]
            u, v = _blend(self._faces[hits.face[ray], 9:15].T, hits.u[ray], hits.v[ray], 2)
            x = ((u - np.floor(u)) * mask.shape[1]).astype(np.int32) % mask.shape[1]
            y = ((1 - (v - np.floor(v))) * mask.shape[0]).astype(np.int32) % mask.shape[0]
            in_hole.append(ray[mask[y, x] < 128])
        return np.sort(np.concatenate(in_hole)) if in_hole else np.empty(0, dtype=np.int64)

    def radiance(
        self, camera: Camera, *, samples: int, bounces: int, random: np.random.Generator
    ) -> Radiance:
        """Return the light that reaches each pixel, averaged over `samples` jittered paths."""
        width, height = camera.width_px, camera.height_px
        rows = max(1, _PATHS_AT_ONCE // (width * samples))
        parts = [
            self._band(camera, top, min(top + rows, height), samples, bounces, random)
            for top in range(0, height, rows)
        ]
        colour, albedo, normal = (np.concatenate(part) for part in zip(*parts, strict=True))
        shape = (height, width, 3)
        return Radiance(colour.reshape(shape), albedo.reshape(shape), normal.reshape(shape))

    def _band(
        self,
        camera: Camera,
        top: int,
        bottom: int,
        samples: int,
        bounces: int,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Trace the paths of rows `top` to `bottom`; return colour, albedo, normal [pixels, 3]."""
        width = camera.width_px
        num = (bottom - top) * width * samples
        jitter = random.random((2, (bottom - top), width, samples), dtype=np.float32)
        grid = int(np.sqrt(samples))
        if grid * grid == samples:
            cell = np.arange(samples, dtype=np.float32)
            jitter[0] = (jitter[0] + cell % grid) / grid
            jitter[1] = (jitter[1] + cell // grid) / grid
        k = camera.intrinsics
        x = np.arange(width, dtype=np.float32)[None, :, None] + jitter[0]
        y = np.arange(top, bottom, dtype=np.float32)[:, None, None] + jitter[1]
        local = np.empty((num, 3), dtype=np.float32)
        local[:, 0] = ((x - k[0, 2]) / k[0, 0]).ravel()
        local[:, 1] = ((y - k[1, 2]) / k[1, 1]).ravel()
        local[:, 2] = 1
        directions = local @ camera.world_from_camera[:3, :3].T.astype(np.float32)
        origins, _ = self._starts(camera, directions)
        found = self._trace(origins, directions, 1.0 / float(k[1, 1]), bounces, random)
        return tuple(part.reshape(3, num // samples, samples).mean(axis=2).T for part in found)  # type: ignore[return-value]

    def _trace(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        pixel_angle: float,
        bounces: int,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        num = len(origins)
        colour = np.zeros((3, num), dtype=np.float32)
        hits, distance = self._first(origins, directions)
        through = np.ones((3, num), dtype=np.float32)
        hits, distance = self._through_glass(origins, directions, hits, distance, through)
        missed = hits.face < 0
        flat = directions.T
        if missed.any():
            colour[:, missed] = self._view_of_sky(flat[:, missed]) * through[:, missed]
        row = self._faces[hits.face].T
        material = row[15].astype(np.int32)
        level = self._density[hits.face] + np.log2(np.maximum(distance * pixel_angle, 1e-9))
        albedo = self._albedo(row, hits, material, level)
        normal = self._normal(row, hits, flat)
        guide_albedo, guide_normal = albedo.copy(), normal.copy()
        glow = self._emission[material].T
        shining = (glow.max(axis=0) > 0) & ~missed
        colour += np.where(missed, 0, np.minimum(glow, _GLOW_LIMIT) * through)
        guide_albedo[:, missed | shining] = 1
        guide_normal[:, missed] = 0
        points = origins.T + distance * flat
        alive = np.flatnonzero(~missed & ~shining)
        weight = through
        for bounce in range(bounces + 1):
            if len(alive) < weight.shape[1]:
                points, normal = points[:, alive], normal[:, alive]
                albedo, weight = albedo[:, alive], weight[:, alive]
            if bounce == 0:
                paths = alive
            else:
                paths = paths[alive]
            if not len(paths):
                break
            points = points + normal * np.float32(_STEP_M)
            weight = weight * albedo
            light = self._direct(points, normal, random, with_sun=bounce < 2)
            if bounce == bounces:
                light += np.float32(_AMBIENT)
            colour[:, paths] += np.minimum(weight * light, _GLOW_LIMIT)
            if bounce == bounces:
                break
            outward = _cosine_directions(normal, random)
            hits = self._solid_rays.cast(points.T, outward.T)
            row = self._solid_table[hits.face].T
            material = row[15].astype(np.int32)
            # A bounce gathers light from an area, so it reads a coarse copy of the texture.
            albedo = self._albedo(row, hits, material, self._solid_density[hits.face] - 3)
            normal = self._normal(row, hits, outward)
            points = points + hits.distance * outward
            hit = hits.face >= 0
            alive = np.flatnonzero(hit & (self._emission[material].max(axis=1) <= 0))
        return colour, guide_albedo, guide_normal

    def _through_glass(
        self,
        origins: np.ndarray,
        directions: np.ndarray,
        hits: Hits,
        distance: np.ndarray,
        through: np.ndarray,
    ) -> tuple[Hits, np.ndarray]:
        """Let rays that met glass go on to what is behind it, a little weaker."""
        for _ in range(2):
            material = self._faces[hits.face, 15].astype(np.int32)
            glass = np.flatnonzero((hits.face >= 0) & self._clear[material])
            if not len(glass):
                break
            through[:, glass] *= 0.94 * self._texels.tint[material[glass]].T
            starts = origins[glass] + (distance[glass, None] + _STEP_M) * directions[glass]
            again, further = self._first(starts.astype(np.float32), directions[glass])
            distance[glass] += further + np.float32(_STEP_M)
            for name in ("face", "u", "v"):
                getattr(hits, name)[glass] = getattr(again, name)
        return hits, distance

    def _view_of_sky(self, directions: np.ndarray) -> np.ndarray:
        return self._sky.radiance(directions)

    def _albedo(
        self, row: np.ndarray, hits: Hits, material: np.ndarray, level: np.ndarray
    ) -> np.ndarray:
        u, v = _blend(row[9:15], hits.u, hits.v, 2)
        return self._texels.albedo(material, u, v, level)

    @staticmethod
    def _normal(row: np.ndarray, hits: Hits, directions: np.ndarray) -> np.ndarray:
        """Return unit normals that face against the directions."""
        normal = _blend(row[0:9], hits.u, hits.v, 3)
        normal *= 1 / np.sqrt(np.maximum(_dot(normal, normal), 1e-12))
        return normal * np.where(_dot(normal, directions) > 0, np.float32(-1), np.float32(1))

    def _direct(
        self, points: np.ndarray, normal: np.ndarray, random: np.random.Generator, *, with_sun: bool
    ) -> np.ndarray:
        """Return reflected light [3, n] of a white surface: one lamp or window each, and the sun."""
        lights = self._lights
        num = points.shape[1]
        draws = random.random((3, num), dtype=np.float32)
        light, weight = lights.draw(points, draws[0])
        target = (
            lights.corner[light].T + lights.side[light].T * draws[1] + lights.up[light].T * draws[2]
        )
        way = target - points
        square = np.maximum(_dot(way, way), np.float32(0.02))
        cosines = np.maximum(_dot(normal, way), 0) * np.maximum(
            -_dot(lights.scaled_normal[light].T.astype(np.float32), way), 0
        )
        strength = cosines * weight / (square * square * np.float32(np.pi))
        result = np.zeros((3, num), dtype=np.float32)
        lit = np.flatnonzero(strength > 1e-5)
        if len(lit):
            ways = np.ascontiguousarray(way[:, lit].T)
            free = ~self._solid_rays.occluded(points[:, lit].T, ways)
            lit = lit[free]
            radiance = lights.radiance[light[lit]].T
            portal = np.flatnonzero(lights.is_portal[light[lit]])
            if len(portal):
                radiance = radiance.copy()
                radiance[:, portal] = self._sky.radiance(way[:, lit[portal]])
            result[:, lit] = radiance * strength[lit]
        if with_sun and self._has_sun:
            to_sun = self._sky.to_sun.astype(np.float32)
            cosine = to_sun @ normal
            lit = np.flatnonzero(cosine > 0.01)
            ways = np.broadcast_to(to_sun * 100, (len(lit), 3))
            free = ~self._solid_rays.occluded(points[:, lit].T, ways)
            lit = lit[free]
            result[:, lit] += (self._sky.sun / np.pi).astype(np.float32)[:, None] * cosine[lit]
        return result


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _blend(corners: np.ndarray, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Interpolate corner values [3 * size, n] at barycentric u, v [n]; return [size, n]."""
    return corners[:size] * (1 - u - v) + corners[size : 2 * size] * u + corners[2 * size :] * v


def _cosine_directions(normal: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw unit directions [3, n] about normals with chance proportional to the cosine."""
    draws = random.random((2, normal.shape[1]), dtype=np.float32)
    z = 1 - 2 * draws[0]
    radius = np.sqrt(np.maximum(1 - z * z, 0))
    angle = np.float32(2 * np.pi) * draws[1]
    # A point of the unit sphere around the tip of the normal is cosine-distributed.
    around = np.stack([radius * np.cos(angle), radius * np.sin(angle), z * np.float32(0.9999)])
    around += normal
    return around / np.sqrt(np.maximum(_dot(around, around), 1e-12))
