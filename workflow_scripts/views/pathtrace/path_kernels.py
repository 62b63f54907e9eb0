"""Compiled loops over the paths of `Tracer`: light that is reflected, new directions.

Points on which nothing is reflected (lamps, and where nothing is hit) have a side below 0 and are
passed over. `path` u32 is the number by which a path draws, as of `sobol.path_numbers`.
"""

from typing import Any, NamedTuple

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.direct_light import sky_radiance
from workflow_scripts.views.pathtrace.gloss_kernels import (
    MATTE_ROUGHNESS,
    METAL_SPECULAR,
    SHARP_MIRROR_ROUGHNESS,
    fresnel_term,
)


class PathArrays(NamedTuple):
    """Paths: their ray in the batch i32 [n], `path` u32 [n] and the `weight` f32 [n, 3] of light.

    `is_sharp` [n] says that their ray comes from a mirror that shows the lamps themselves.
    """

    ray: np.ndarray
    path: np.ndarray
    weight: np.ndarray
    is_sharp: np.ndarray


@numba_kernel
def pixel_means(values: np.ndarray, samples: int, means: np.ndarray) -> None:
    """Fill `means` [n, 3] with those of the `samples` values of each pixel."""
    for pixel in range(len(means)):
        for channel in range(3):
            total = np.float32(0)
            for ray in range(pixel * samples, (pixel + 1) * samples):
                total += values[ray, channel]
            means[pixel, channel] = total / np.float32(samples)


@numba_kernel
def cosine_direction(x: Any, y: Any, z: Any, height: Any, turn: Any) -> Any:
    """Return the unit direction about a normal that two draws decide.

    Its density is proportional to the cosine: a point of the unit sphere around the tip of the
    normal is so distributed.
    """
    up = 1 - 2 * height
    radius = np.sqrt(max(1 - up * up, np.float32(0)))
    angle = np.float32(2 * np.pi) * turn
    nearly_one = np.float32(0.9999)
    x = radius * np.cos(angle) * nearly_one + x
    y = radius * np.sin(angle) * nearly_one + y
    z = up * nearly_one + z
    scale = 1 / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-12)))
    return x * scale, y * scale, z * scale


@numba_kernel
def cosine_directions(normals: np.ndarray, draws: np.ndarray, directions: np.ndarray) -> None:
    """Fill directions [n, 3] about normals as `cosine_direction`, by `draws` [2, n]."""
    for number in range(len(normals)):
        x, y, z = normals[number]
        x, y, z = cosine_direction(x, y, z, draws[0, number], draws[1, number])
        directions[number, 0], directions[number, 1], directions[number, 2] = x, y, z


@numba_kernel
def _highlight(
    to_light: np.ndarray,
    normal: np.ndarray,
    incoming: np.ndarray,
    specular: Any,
    roughness: Any,
) -> Any:
    """Return what a satin point mirrors of a lamp, of the light that it would reflect if white.

    `incoming` is a unit vector. The lobe is that of Trowbridge and Reitz with Kelemen's shadowing.
    Random paths hit a small lamp too rarely; in a sharp mirror they show it.
    """
    square, half_square = np.float32(0), np.float32(0)
    cosine, cos_half = np.float32(0), np.float32(0)
    for axis in range(3):
        square += to_light[axis] * to_light[axis]
    scale = 1 / np.sqrt(square)
    for axis in range(3):
        half = to_light[axis] * scale - incoming[axis]
        half_square += half * half
        cosine += half * normal[axis]
        cos_half += half * to_light[axis] * scale
    half_length = np.sqrt(max(half_square, np.float32(1e-6)))
    cosine = min(max(cosine / half_length, np.float32(0)), np.float32(1))
    cos_half = min(max(cos_half / half_length, np.float32(0.2)), np.float32(1))
    alpha = roughness * roughness * roughness * roughness
    bend = cosine * cosine * (alpha - 1) + 1
    # Lobe times pi over four.
    factor = alpha / (np.float32(4) * bend * bend * cos_half * cos_half)
    return factor * fresnel_term(specular, roughness, cos_half)


@numba_kernel
def _mirror(
    normal: np.ndarray, incoming: np.ndarray, facing: Any, roughness: Any, direction: np.ndarray
) -> None:
    """Turn a diffuse direction into that of a mirror, blurred by the square of the roughness."""
    along, height, square = np.float32(0), np.float32(0), np.float32(0)
    for axis in range(3):
        along += direction[axis] * normal[axis]
    for axis in range(3):
        blur = (direction[axis] - normal[axis] * along) * roughness * roughness
        direction[axis] = incoming[axis] + 2 * facing * normal[axis] + blur
        height += direction[axis] * normal[axis]
    sunk = min(height - np.float32(0.02), np.float32(0))
    for axis in range(3):
        direction[axis] -= normal[axis] * sunk
        square += direction[axis] * direction[axis]
    scale = 1 / np.sqrt(square)
    for axis in range(3):
        direction[axis] *= scale


@numba_kernel
def reflect(
    paths: Any,
    hits: Any,
    lamps: Any,
    is_free: np.ndarray,
    sunlit: np.ndarray,
    to_sun: np.ndarray,
    sun: np.ndarray,
    ambient: float,
    with_gloss: bool,
    kept: Any,
    draws: Any,
    step_m: float,
    limits: Any,
    arrays: Any,
    lights: Any,
    sky: np.ndarray,
    colour: np.ndarray,
    following: Any,
) -> int:
    """Add the light that points reflect to `colour` [m, 3], and list the rays of the next bounce.

    `is_free` [k] says which rays to lamps are not blocked, `sunlit` i32 [s] lists the points in
    the sun of irradiance over pi `sun` [3], `ambient` is light from everywhere. Of each pixel's
    `kept[1]` paths, the first `kept[0]` go on and stand for all (none if 0); with gloss those
    that are mirrored go on too. `draws` are gloss [n] and direction [2, n]. No path adds more
    than `limits[0]`, no lamp in a mirror more than `limits[1]`. Fills origins and directions of
    `following`, moves its paths to the start of `paths`, and returns their number.
    """
    num, ray, sun_ray = 0, 0, 0
    radiance, light = np.empty(3, np.float32), np.empty(3, np.float32)
    unit, direction = np.empty(3, np.float32), np.empty(3, np.float32)
    next_origin, next_direction = following
    gloss_draws, direction_draws = draws
    one = np.float32(1)
    stands_for = np.float32(kept[1]) / np.float32(max(kept[0], np.uint32(1)))
    for number in range(len(hits.sides)):
        if hits.sides[number] < 0:
            continue
        normal, owner = hits.normals[number], paths.ray[number]
        fraction, facing = np.float32(0), np.float32(0)
        roughness, specular = one, np.float32(0)
        if with_gloss:
            material = int(arrays.rows[hits.face[number], 15])
            roughness, specular = arrays.roughness[material], arrays.specular[material]
        is_metal = specular >= METAL_SPECULAR
        if roughness < MATTE_ROUGHNESS:
            square = np.float32(0)
            for axis in range(3):
                square += hits.incoming[number, axis] * hits.incoming[number, axis]
            scale = one / np.sqrt(square)
            for axis in range(3):
                unit[axis] = hits.incoming[number, axis] * scale
                facing -= unit[axis] * normal[axis]
            fraction = fresnel_term(specular, roughness, facing)
        for channel in range(3):
            light[channel] = ambient
        if ray < len(lamps.owners) and lamps.owners[ray] == number:
            if is_free[ray]:
                lamp = lamps.light[ray]
                if lights.is_portal[lamp]:
                    x, y, z = lamps.to_light[ray]
                    sky_radiance(sky, x, y, z, radiance)
                else:
                    for channel in range(3):
                        radiance[channel] = lights.radiance[lamp, channel]
                for channel in range(3):
                    light[channel] += radiance[channel] * lamps.strength[ray]
                if fraction > 0 and roughness >= SHARP_MIRROR_ROUGHNESS:
                    factor = _highlight(lamps.to_light[ray], normal, unit, specular, roughness)
                    for channel in range(3):
                        tint = hits.albedo[number, channel] if is_metal else one
                        value = radiance[channel] * lamps.strength[ray] * tint * factor
                        value *= paths.weight[number, channel]
                        colour[owner, channel] += min(value, limits[1])
            ray += 1
        if sun_ray < len(sunlit) and sunlit[sun_ray] == number:
            cosine = normal[0] * to_sun[0] + normal[1] * to_sun[1] + normal[2] * to_sun[2]
            for channel in range(3):
                light[channel] += sun[channel] * cosine
            sun_ray += 1
        probability = np.float32(0)
        if fraction > 0:
            probability = min(max(2 * fraction, np.float32(0.15)), np.float32(0.9))
        is_mirrored = gloss_draws[number] < probability
        share = fraction / probability if is_mirrored else (one - fraction) / (one - probability)
        if not is_mirrored:
            for channel in range(3):
                paths.weight[number, channel] *= hits.albedo[number, channel] * share
                value = paths.weight[number, channel] * light[channel]
                colour[owner, channel] += min(value, limits[0])
        if kept[0] == 0 or (paths.path[number] % kept[1] >= kept[0] and not is_mirrored):
            continue
        x, y, z = cosine_direction(
            normal[0], normal[1], normal[2], direction_draws[0, number], direction_draws[1, number]
        )
        direction[0], direction[1], direction[2] = x, y, z
        if is_mirrored:
            _mirror(normal, unit, facing, roughness, direction)
        for axis in range(3):
            next_origin[num, axis] = hits.points[number, axis] + normal[axis] * step_m
            next_direction[num, axis] = direction[axis]
        for channel in range(3):
            factor = stands_for
            if is_mirrored:
                # Metal tints what it mirrors, lacquer and glaze do not.
                factor = share * (hits.albedo[number, channel] if is_metal else one)
            paths.weight[num, channel] = paths.weight[number, channel] * factor
        paths.ray[num] = owner
        paths.path[num] = paths.path[number]
        paths.is_sharp[num] = is_mirrored and roughness < SHARP_MIRROR_ROUGHNESS
        num += 1
    return num
