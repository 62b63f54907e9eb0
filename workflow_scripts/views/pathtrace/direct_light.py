"""Light that lamps and windows throw on points of surfaces, without the noise of drawn lights.

What a light would give without anything in its way is a sum over a grid of its points; how much
of it arrives is the share of a few shadow rays, spread over the light. Light is kept as a vector
per colour: its dot product with a unit normal is what a white diffuse surface of that normal
reflects.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.lights import Lights, Sky
from workflow_scripts.views.pathtrace.random_kernel import random_share
from workflow_scripts.views.pathtrace.surfaces import Surfaces

# Points that are lit in one go: their rays stay within tens of megabytes.
_POINTS_PER_BATCH = 1 << 13
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True)
class DirectLight:
    """Lamps and windows of a house, ready to light points."""

    surfaces: Surfaces
    corner: np.ndarray
    side: np.ndarray
    up: np.ndarray
    scaled_normal: np.ndarray
    radiance: np.ndarray
    sky: np.ndarray

    @classmethod
    def of(cls, surfaces: Surfaces, lights: Lights, sky: Sky) -> "DirectLight":
        """Read the lights of a house; a window's radiance is that of the sky seen through it."""
        radiance = lights.radiance.copy()
        # A negative radiance marks a window.
        radiance[lights.is_portal] = -1
        return cls(
            surfaces,
            lights.corner,
            lights.side,
            lights.up,
            lights.scaled_normal,
            radiance,
            np.stack([sky.horizon, sky.zenith, sky.ground]).astype(np.float32),
        )

    def illuminate(
        self, points: np.ndarray, normals: np.ndarray, seeds: np.ndarray, num_rays: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Light points [n, 3] with unit normals [n, 3].

        `num_rays` shadow rays are shared among the lights of a point by their strength; `seeds`
        u64 [n] decide where on the lights they end. Returns the light as vectors f32
        [n, 3 (colour), 3], and the share [n] of the light that nothing blocks.
        """
        light = np.empty((len(points), 3, 3), dtype=np.float32)
        share = np.empty(len(points), dtype=np.float32)
        num_lights = len(self.corner)
        for start in range(0, len(points), _POINTS_PER_BATCH):
            part = slice(start, start + _POINTS_PER_BATCH)
            count = len(points[part])
            unblocked = np.empty((count, num_lights, 3, 3), dtype=np.float32)
            grid = np.empty((count, num_lights), dtype=np.int32)
            num = _unblocked_light(
                points[part],
                normals[part],
                seeds[part],
                self.corner,
                self.side,
                self.up,
                self.scaled_normal,
                self.radiance,
                self.sky,
                _LUMINANCE,
                num_rays,
                unblocked,
                grid,
            )
            origins = np.empty((num, 3), dtype=np.float32)
            to_light = np.empty((num, 3), dtype=np.float32)
            weight = np.empty(num, dtype=np.float32)
            _shadow_rays(
                points[part],
                normals[part],
                seeds[part],
                self.corner,
                self.side,
                self.up,
                self.scaled_normal,
                grid,
                origins,
                to_light,
                weight,
            )
            free = self.surfaces.unoccluded(origins, to_light)
            _blocked_light(unblocked, grid, weight, free, normals[part], light[part], share[part])
        return light, share


@numba_kernel
def sky_radiance(sky: np.ndarray, x: Any, y: Any, z: Any, colour: np.ndarray) -> None:
    """Write the sky's radiance along a direction, as `Sky.radiance`."""
    up = z / np.sqrt(x * x + y * y + z * z)
    elevation = np.sqrt(min(max(up, np.float32(0)), np.float32(1)))
    below = min(max(-up * 5, np.float32(0)), np.float32(1))
    for channel in range(3):
        value = sky[0, channel] + (sky[1, channel] - sky[0, channel]) * elevation
        colour[channel] = value + (sky[2, channel] - value) * below


@numba_kernel
def _unblocked_light(
    points: np.ndarray,
    normals: np.ndarray,
    seeds: np.ndarray,
    corner: np.ndarray,
    side: np.ndarray,
    up: np.ndarray,
    scaled_normal: np.ndarray,
    radiance: np.ndarray,
    sky: np.ndarray,
    luminance: np.ndarray,
    num_rays: int,
    unblocked: np.ndarray,
    grid: np.ndarray,
) -> int:
    """Fill what each light gives each point, and the side of its grid of shadow rays.

    Returns the number of shadow rays.
    """
    total_rays = 0
    colour = np.empty(3, dtype=np.float32)
    strength = np.empty(len(corner), dtype=np.float32)
    for point in range(len(points)):
        px, py, pz = points[point]
        nx, ny, nz = normals[point]
        total = np.float32(0)
        for light in range(len(corner)):
            unblocked[point, light] = 0
            strength[light] = 0
            middle_x = corner[light, 0] + (side[light, 0] + up[light, 0]) / 2 - px
            middle_y = corner[light, 1] + (side[light, 1] + up[light, 1]) / 2 - py
            middle_z = corner[light, 2] + (side[light, 2] + up[light, 2]) / 2 - pz
            gx, gy, gz = scaled_normal[light]
            if gx * middle_x + gy * middle_y + gz * middle_z >= 0:
                continue
            distance = np.sqrt(middle_x * middle_x + middle_y * middle_y + middle_z * middle_z)
            size = np.sqrt(np.sqrt(gx * gx + gy * gy + gz * gz))
            steps = min(max(int(np.ceil(5 * size / distance)), 2), 12)
            factor = np.float32(1 / (np.pi * steps * steps))
            for i in range(steps):
                for j in range(steps):
                    s, t = np.float32((i + 0.5) / steps), np.float32((j + 0.5) / steps)
                    x = corner[light, 0] + side[light, 0] * s + up[light, 0] * t - px
                    y = corner[light, 1] + side[light, 1] * s + up[light, 1] * t - py
                    z = corner[light, 2] + side[light, 2] * s + up[light, 2] * t - pz
                    if nx * x + ny * y + nz * z <= 0:
                        continue
                    facing = -(gx * x + gy * y + gz * z)
                    if facing <= 0:
                        continue
                    square = max(x * x + y * y + z * z, np.float32(0.02))
                    scale = facing * factor / (square * square)
                    if radiance[light, 0] < 0:
                        sky_radiance(sky, x, y, z, colour)
                    else:
                        colour[:] = radiance[light]
                    for channel in range(3):
                        value = scale * colour[channel]
                        unblocked[point, light, channel, 0] += value * x
                        unblocked[point, light, channel, 1] += value * y
                        unblocked[point, light, channel, 2] += value * z
            for channel in range(3):
                vector = unblocked[point, light, channel]
                amount = vector[0] * nx + vector[1] * ny + vector[2] * nz
                strength[light] += luminance[channel] * amount
            total += strength[light]
        for light in range(len(corner)):
            grid[point, light] = 0
            if strength[light] <= 0 or total < 1e-5:
                continue
            rays = strength[light] / total * num_rays
            if rays >= 1:
                grid[point, light] = int(np.sqrt(rays) + 0.5)
            else:
                # Of weak lights some are drawn, and stand for the others.
                chance = max(rays, np.float32(0.1))
                if random_share(seeds[point] * np.uint64(64) + np.uint64(light)) < chance:
                    grid[point, light] = 1
                    unblocked[point, light] /= chance
            total_rays += grid[point, light] * grid[point, light]
    return total_rays


@numba_kernel
def _shadow_rays(
    points: np.ndarray,
    normals: np.ndarray,
    seeds: np.ndarray,
    corner: np.ndarray,
    side: np.ndarray,
    up: np.ndarray,
    scaled_normal: np.ndarray,
    grid: np.ndarray,
    origins: np.ndarray,
    to_light: np.ndarray,
    weight: np.ndarray,
) -> None:
    """Fill rays from each point to a jittered grid of points of each light."""
    ray = 0
    for point in range(len(points)):
        for light in range(len(corner)):
            steps = grid[point, light]
            for i in range(steps):
                for j in range(steps):
                    seed = (seeds[point] * np.uint64(64) + np.uint64(light)) * np.uint64(1024)
                    seed += np.uint64(2 * (i * steps + j))
                    s = (i + random_share(seed)) / np.float32(steps)
                    t = (j + random_share(seed + np.uint64(1))) / np.float32(steps)
                    square, cosine, facing = np.float32(0), np.float32(0), np.float32(0)
                    for axis in range(3):
                        at = corner[light, axis] + side[light, axis] * s + up[light, axis] * t
                        way = at - points[point, axis]
                        origins[ray, axis] = points[point, axis]
                        to_light[ray, axis] = way
                        square += way * way
                        cosine += way * normals[point, axis]
                        facing -= way * scaled_normal[light, axis]
                    square = max(square, np.float32(0.02))
                    weight[ray] = max(cosine * facing, np.float32(0)) / (square * square)
                    ray += 1


@numba_kernel
def _blocked_light(
    unblocked: np.ndarray,
    grid: np.ndarray,
    weight: np.ndarray,
    free: np.ndarray,
    normals: np.ndarray,
    light: np.ndarray,
    share: np.ndarray,
) -> None:
    """Sum the lights of each point, each times the share of its shadow rays that is free."""
    ray = 0
    for point in range(len(unblocked)):
        light[point] = 0
        total, arrived = np.float32(0), np.float32(0)
        for number in range(grid.shape[1]):
            rays = grid[point, number] * grid[point, number]
            if rays == 0:
                continue
            all_weight, free_weight = np.float32(1e-12), np.float32(0)
            for _ in range(rays):
                all_weight += weight[ray]
                if free[ray]:
                    free_weight += weight[ray]
                ray += 1
            visible = free_weight / all_weight
            for channel in range(3):
                for axis in range(3):
                    value = unblocked[point, number, channel, axis]
                    light[point, channel, axis] += visible * value
                    total += value * normals[point, axis]
                    arrived += visible * value * normals[point, axis]
        share[point] = arrived / total if total > 1e-6 else np.float32(1)
