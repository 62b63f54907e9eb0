"""Compiled loops over glossy points: the fraction that is mirrored, highlights, mirror images."""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.light_ray_kernels import light_cell
from workflow_scripts.views.pathtrace.random_kernel import random_share

MATTE_ROUGHNESS = 0.6
"""From this roughness on nothing is mirrored."""
SHARP_MIRROR_ROUGHNESS = 0.2
"""Below this roughness a mirror image shows the lamps themselves."""
METAL_SPECULAR = 0.3
"""From this reflectance on a surface tints what it mirrors."""


@numba_kernel
def fresnel_term(specular: float, roughness: float, cosine: Any) -> Any:
    """Return Schlick's Fresnel term; rough surfaces mirror less at grazing angles."""
    grazing = 1 - min(max(cosine, np.float32(0)), np.float32(1))
    grazing = grazing * grazing * grazing * grazing * grazing
    return specular + (1 - specular) * (1 - roughness) * (1 - roughness) * grazing


@numba_kernel
def _brightest(
    point: np.ndarray,
    normal: np.ndarray,
    incoming: np.ndarray,
    view_cosine: Any,
    roughness: Any,
    specular: Any,
    lights: Any,
    light: int,
) -> Any:
    """Return about the brightest highlight of any point of a light, from that of its middle.

    `incoming` is a unit vector, and `view_cosine` its cosine with the surface, from above.
    """
    one, two = np.float32(1), np.float32(2)
    square, cosine = np.float32(0), np.float32(0)
    along, behind = np.float32(0), np.float32(0)
    for axis in range(3):
        way = lights.middle[light, axis] - point[axis]
        square += way * way
        cosine += way * normal[axis]
        along += way * incoming[axis]
        behind += way * lights.scaled_normal[light, axis]
    size = lights.half_diagonal[light]
    if behind >= 0 or cosine <= -size:
        return np.float32(0)
    distance = np.sqrt(square)
    if distance < two * size:
        return one
    # Unit vectors to the light and against the incoming one add up to the half vector.
    half_length = np.sqrt(max(two - two * along / distance, np.float32(1e-6)))
    half_normal = min(max((cosine / distance + view_cosine) / half_length, np.float32(0)), one)
    # The half vector turns by half the angle that the light fills.
    turn = size / (two * (distance - size))
    half_normal = min(half_normal + turn * np.sqrt(one - half_normal * half_normal), one)
    half_to = max(half_length / two - turn, np.float32(0.2))
    alpha = roughness * roughness * roughness * roughness
    bend = half_normal * half_normal * (alpha - one) + one
    lobe = alpha / (np.float32(np.pi) * bend * bend)
    near = distance - size
    most = lobe * lights.power[light] / (np.float32(4) * half_to * half_to * near * near)
    if most < np.float32(0.01):
        return most
    return most * fresnel_term(specular, roughness, half_to)


@numba_kernel
def _highlights(
    number: int,
    point: np.ndarray,
    normal: np.ndarray,
    incoming: np.ndarray,
    view_cosine: Any,
    roughness: Any,
    specular: Any,
    lights: Any,
    seed: Any,
    rays: Any,
    num: int,
) -> int:
    """Append to `rays` four points of each light whose highlight on a satin point matters.

    The light of each is limited as that of a path of `Tracer`, which draws one light.
    """
    owners, to_light, light_of_ray = rays
    cell = light_cell(point[0], point[1], lights)
    alpha = roughness * roughness * roughness * roughness
    to = np.empty(3, np.float32)
    for light in range(len(lights.corner)):
        rarity = lights.weight[cell, light]
        if rarity <= 0:
            continue
        most = _brightest(point, normal, incoming, view_cosine, roughness, specular, lights, light)
        if most < 0.01:
            continue
        shift_s = random_share(seed + np.uint64(2 * light)) / np.float32(2)
        shift_t = random_share(seed + np.uint64(2 * light + 1)) / np.float32(2)
        for place in range(4):
            s = np.float32(place // 2) / np.float32(2) + shift_s
            t = np.float32(place % 2) / np.float32(2) + shift_t
            square, cosine, facing = np.float32(0), np.float32(0), np.float32(0)
            for axis in range(3):
                to[axis] = lights.corner[light, axis] - point[axis]
                to[axis] += lights.side[light, axis] * s + lights.up[light, axis] * t
                square += to[axis] * to[axis]
                cosine += to[axis] * normal[axis]
                facing -= to[axis] * lights.scaled_normal[light, axis]
            if cosine <= 0 or facing <= 0:
                continue
            square = max(square, np.float32(0.02))
            length = np.sqrt(square)
            half_square, half_normal, half_to = np.float32(0), np.float32(0), np.float32(0)
            for axis in range(3):
                half = to[axis] / length - incoming[axis]
                half_square += half * half
                half_normal += half * normal[axis]
                half_to += half * to[axis] / length
            half_length = np.sqrt(max(half_square, np.float32(1e-6)))
            half_normal = min(max(half_normal / half_length, np.float32(0)), np.float32(1))
            half_to = min(max(half_to / half_length, np.float32(0.2)), np.float32(1))
            bend = half_normal * half_normal * (alpha - 1) + 1
            lobe = alpha / (np.float32(np.pi) * bend * bend)
            factor = lobe * fresnel_term(specular, roughness, half_to) / (4 * half_to * half_to)
            factor *= cosine * facing / (square * square)
            brightness = np.float32(0)
            for channel in range(3):
                value = min(factor * lights.radiance[light, channel], np.float32(3) / rarity)
                light_of_ray[num, channel] = value / 4
                brightness += value
            if brightness < 0.01:
                continue
            owners[num] = number
            for axis in range(3):
                to_light[num, axis] = to[axis]
            num += 1
    return num


@numba_kernel
def gloss(
    face: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    directions: np.ndarray,
    arrays: Any,
    lights: Any,
    seed: Any,
    with_highlights: bool,
    fresnel: np.ndarray,
    rays: Any,
) -> int:
    """Fill what fraction of light points mirror [n], and `rays` to the lamps that they mirror.

    Returns the number of rays: for each its point i32, the vector to the lamp and the light of
    the highlight f32 [3]; there are none without highlights.
    """
    num = 0
    incoming = np.empty(3, np.float32)
    for number in range(len(face)):
        fresnel[number] = 0
        material = int(arrays.rows[face[number], 15])
        roughness, specular = arrays.roughness[material], arrays.specular[material]
        if roughness >= MATTE_ROUGHNESS:
            continue
        square, facing = np.float32(0), np.float32(0)
        for axis in range(3):
            square += directions[number, axis] * directions[number, axis]
        for axis in range(3):
            incoming[axis] = directions[number, axis] / np.sqrt(square)
            facing -= incoming[axis] * normals[number, axis]
        fresnel[number] = fresnel_term(specular, roughness, facing)
        if with_highlights and roughness >= SHARP_MIRROR_ROUGHNESS:
            num = _highlights(
                number,
                points[number],
                normals[number],
                incoming,
                facing,
                roughness,
                specular,
                lights,
                (seed + np.uint64(number)) * np.uint64(4096),
                rays,
                num,
            )
    return num


@numba_kernel
def add_to_points(points: np.ndarray, values: np.ndarray, totals: np.ndarray) -> None:
    """Add values [n, 3] to the rows `points` [n] of `totals`."""
    for number in range(len(points)):
        for channel in range(3):
            totals[points[number], channel] += values[number, channel]


@numba_kernel
def mirror_directions(
    directions: np.ndarray,
    normals: np.ndarray,
    roughness: np.ndarray,
    blur: np.ndarray,
    mirrored: np.ndarray,
) -> None:
    """Fill unit directions [n, 3]: mirrored at normals, and turned along the surface by `blur`.

    By how much depends on the square of the roughness; none points below the surface.
    """
    for ray in range(len(directions)):
        square, along, above = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            square += directions[ray, axis] * directions[ray, axis]
            along += directions[ray, axis] * normals[ray, axis]
            above += blur[ray, axis] * normals[ray, axis]
        length = np.sqrt(square)
        spread = roughness[ray] * roughness[ray]
        height = np.float32(0)
        for axis in range(3):
            normal = normals[ray, axis]
            value = (directions[ray, axis] - np.float32(2) * along * normal) / length
            mirrored[ray, axis] = value + (blur[ray, axis] - above * normal) * spread
            height += mirrored[ray, axis] * normal
        lift = min(height - np.float32(0.02), np.float32(0))
        square = np.float32(0)
        for axis in range(3):
            mirrored[ray, axis] -= lift * normals[ray, axis]
            square += mirrored[ray, axis] * mirrored[ray, axis]
        length = np.sqrt(square)
        for axis in range(3):
            mirrored[ray, axis] /= length


@numba_kernel
def smooth_mirror_images(
    light: np.ndarray,
    has_light: np.ndarray,
    normals: np.ndarray,
    part: np.ndarray,
    radius: int,
    target: np.ndarray,
) -> None:
    """Average mirror images [h, w, 3] of satin surfaces over the pixels around of the same part."""
    height, width = has_light.shape
    for row in range(height):
        for column in range(width):
            target[row, column] = 0
            if not has_light[row, column]:
                continue
            total = np.float32(0)
            for y in range(max(row - radius, 0), min(row + radius + 1, height)):
                for x in range(max(column - radius, 0), min(column + radius + 1, width)):
                    if not has_light[y, x] or part[y, x] != part[row, column]:
                        continue
                    cosine = np.float32(0)
                    for axis in range(3):
                        cosine += normals[y, x, axis] * normals[row, column, axis]
                    if cosine < 0.95:
                        continue
                    total += 1
                    for channel in range(3):
                        target[row, column, channel] += light[y, x, channel]
            for channel in range(3):
                target[row, column, channel] /= total
