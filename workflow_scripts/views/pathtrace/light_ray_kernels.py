"""Compiled loops that list the rays from points of paths to lamps, windows and the sun.

Points on which nothing is reflected (lamps, and where nothing is hit) have a side below 0 and are
passed over.
"""

from typing import Any, NamedTuple

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel


class PointArrays(NamedTuple):
    """Points that paths hit, as `SurfaceHits`, and the directions f32 [n, 3] of the rays."""

    face: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    sides: np.ndarray
    incoming: np.ndarray


class LightRays(NamedTuple):
    """Rays to lights, in the order of their points `owners` i32 [k].

    `strength` f32 [k] times the radiance of `light` i32 [k] is what a white diffuse surface
    reflects.
    """

    owners: np.ndarray
    origins: np.ndarray
    to_light: np.ndarray
    light: np.ndarray
    strength: np.ndarray


@numba_kernel
def light_cell(x: Any, y: Any, lights: Any) -> Any:
    """Return the cell of the grid of `LightArrays` at a place of the floor plan."""
    i = min(max(int((x - lights.grid_low[0]) / lights.cell_m), 0), lights.grid_cells[0] - 1)
    j = min(max(int((y - lights.grid_low[1]) / lights.cell_m), 0), lights.grid_cells[1] - 1)
    return i * lights.grid_cells[1] + j


@numba_kernel
def drawn_light(x: Any, y: Any, draw: Any, lights: Any) -> Any:
    """Return the light that `draw` in [0, 1) selects at a place of the floor plan.

    And 1 / probability of that light, and the place in [0, 1) of the draw among those of it,
    which is as good as another draw.
    """
    cell = light_cell(x, y, lights)
    num_slots = np.float32(lights.slots.shape[1])
    at = draw * num_slots
    light = lights.slots[cell, int(at)]
    rarity = lights.weight[cell, light]
    return light, rarity, (at - np.float32(lights.first_slot[cell, light])) * rarity / num_slots


@numba_kernel
def lamp_rays(hits: Any, step_m: float, draws: np.ndarray, lights: Any, rays: Any) -> int:
    """List for each point a ray to a point of a light, unless that cannot light it.

    `draws` [2, n] decide to which light and where on it; rays start `step_m` off the surface.
    Fills `rays`, and returns their number.
    """
    origin = np.empty(3, np.float32)
    num = 0
    for number in range(len(hits.sides)):
        if hits.sides[number] < 0:
            continue
        for axis in range(3):
            origin[axis] = hits.points[number, axis] + hits.normals[number, axis] * step_m
        light, rarity, along = drawn_light(origin[0], origin[1], draws[0, number], lights)
        square, cosine, facing = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            way = lights.corner[light, axis] + lights.side[light, axis] * along
            way += lights.up[light, axis] * draws[1, number] - origin[axis]
            rays.to_light[num, axis] = way
            square += way * way
            cosine += way * hits.normals[number, axis]
            facing -= way * lights.scaled_normal[light, axis]
        # Closer than 14 cm the estimate would diverge; lamps hang higher.
        square = max(square, np.float32(0.02))
        if cosine <= 0 or facing <= 0:
            continue
        strength = cosine * facing * rarity / (square * square * np.float32(np.pi))
        if strength <= np.float32(1e-5):
            continue
        rays.owners[num] = number
        rays.light[num] = light
        rays.strength[num] = strength
        for axis in range(3):
            rays.origins[num, axis] = origin[axis]
        num += 1
    return num


@numba_kernel
def sun_rays(
    hits: Any,
    step_m: float,
    to_sun: np.ndarray,
    ceiling: Any,
    owners: np.ndarray,
    origins: np.ndarray,
) -> int:
    """List the points that face the sun and have no ceiling between; return their number."""
    num = 0
    for number in range(len(hits.sides)):
        if hits.sides[number] < 0:
            continue
        cosine = np.float32(0)
        for axis in range(3):
            cosine += hits.normals[number, axis] * to_sun[axis]
            origins[num, axis] = hits.points[number, axis] + hits.normals[number, axis] * step_m
        if cosine <= np.float32(0.01):
            continue
        rise = (ceiling.height_m - origins[num, 2]) / to_sun[2]
        if rise > np.float32(0.01):
            i = int(
                np.floor((origins[num, 0] + rise * to_sun[0] - ceiling.low_m[0]) / ceiling.cell_m)
            )
            j = int(
                np.floor((origins[num, 1] + rise * to_sun[1] - ceiling.low_m[1]) / ceiling.cell_m)
            )
            is_inside = 0 <= i < ceiling.is_closed.shape[0] and 0 <= j < ceiling.is_closed.shape[1]
            if is_inside and ceiling.is_closed[i, j]:
                continue
        owners[num] = number
        num += 1
    return num
