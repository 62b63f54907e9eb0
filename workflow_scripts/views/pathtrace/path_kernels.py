"""Compiled loops over the paths of `Tracer`: light drawn from lamps, gloss, new directions."""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.direct_light import sky_radiance
from workflow_scripts.views.pathtrace.gloss_kernels import (
    MATTE_ROUGHNESS,
    METAL_SPECULAR,
    SHARP_MIRROR_ROUGHNESS,
    fresnel_term,
)


@numba_kernel
def lamp_rays(
    points: np.ndarray,
    normals: np.ndarray,
    drawn: np.ndarray,
    rarity: np.ndarray,
    draws: np.ndarray,
    lights: Any,
    rays: Any,
) -> int:
    """List a ray to a point of the light `drawn` for each of points [n, 3] that it may reach.

    `rarity` [n] is 1 / probability of that light, `draws` [2, n] say where on it the ray ends.
    Fills owner i32, origin and vector f32 [3], and strength f32 of the rays; returns their number.
    """
    owners, origins, to_light, strengths = rays
    num = 0
    for number in range(len(points)):
        light = drawn[number]
        square, cosine, facing = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            way = lights.corner[light, axis] + lights.side[light, axis] * draws[0, number]
            way += lights.up[light, axis] * draws[1, number] - points[number, axis]
            to_light[num, axis] = way
            square += way * way
            cosine += way * normals[number, axis]
            facing -= way * lights.scaled_normal[light, axis]
        # Closer than 14 cm the estimate would diverge; lamps hang higher.
        square = max(square, np.float32(0.02))
        if cosine <= 0 or facing <= 0:
            continue
        strength = cosine * facing * rarity[number] / (square * square * np.float32(np.pi))
        if strength <= np.float32(1e-5):
            continue
        owners[num] = number
        strengths[num] = strength
        for axis in range(3):
            origins[num, axis] = points[number, axis]
        num += 1
    return num


@numba_kernel
def add_lamp_light(
    owners: np.ndarray,
    to_light: np.ndarray,
    strengths: np.ndarray,
    is_free: np.ndarray,
    drawn: np.ndarray,
    lights: Any,
    sky: np.ndarray,
    light: np.ndarray,
) -> None:
    """Write the light [n, 3] that white diffuse points reflect of the lamps that rays reach."""
    radiance = np.empty(3, np.float32)
    for ray in range(len(owners)):
        if not is_free[ray]:
            continue
        lamp = drawn[owners[ray]]
        if lights.is_portal[lamp]:
            x, y, z = to_light[ray]
            sky_radiance(sky, x, y, z, radiance)
        else:
            for channel in range(3):
                radiance[channel] = lights.radiance[lamp, channel]
        for channel in range(3):
            light[owners[ray], channel] = radiance[channel] * strengths[ray]


@numba_kernel
def cosine_directions(normals: np.ndarray, draws: np.ndarray, directions: np.ndarray) -> None:
    """Fill unit directions [n, 3] about normals, with density proportional to the cosine.

    `draws` are [2, n]. A point of the unit sphere around the tip of the normal is so distributed.
    """
    for number in range(len(normals)):
        z = 1 - 2 * draws[0, number]
        radius = np.sqrt(max(1 - z * z, np.float32(0)))
        angle = np.float32(2 * np.pi) * draws[1, number]
        nearly_one = np.float32(0.9999)
        x = radius * np.cos(angle) * nearly_one + normals[number, 0]
        y = radius * np.sin(angle) * nearly_one + normals[number, 1]
        z = z * nearly_one + normals[number, 2]
        scale = 1 / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-12)))
        directions[number, 0] = x * scale
        directions[number, 1] = y * scale
        directions[number, 2] = z * scale


@numba_kernel
def sample_gloss(
    face: np.ndarray,
    normals: np.ndarray,
    incoming: np.ndarray,
    albedo: np.ndarray,
    draws: np.ndarray,
    arrays: Any,
    outgoing: np.ndarray,
    weight: np.ndarray,
    fresnel: np.ndarray,
    mirrored: np.ndarray,
    is_sharp: np.ndarray,
) -> None:
    """Replace some `outgoing` directions [n, 3] by mirrored ones, and multiply weights [n, 3].

    Fills `fresnel` [n], the fraction that is mirrored (0 on matte surfaces), which paths are
    `mirrored`, and whether the mirror image shows the lamps themselves (`is_sharp`).
    """
    for number in range(len(face)):
        material = int(arrays.rows[face[number], 15])
        roughness, specular = arrays.roughness[material], arrays.specular[material]
        is_sharp[number] = roughness < SHARP_MIRROR_ROUGHNESS
        fraction, facing = np.float32(0), np.float32(0)
        for axis in range(3):
            facing -= incoming[number, axis] * normals[number, axis]
        if roughness < MATTE_ROUGHNESS:
            fraction = fresnel_term(specular, roughness, facing)
        fresnel[number] = fraction
        probability = np.float32(0)
        if fraction > 0:
            probability = min(max(2 * fraction, np.float32(0.15)), np.float32(0.9))
        mirrored[number] = draws[number] < probability
        if not mirrored[number]:
            share = (1 - fraction) / (1 - probability)
            for channel in range(3):
                weight[number, channel] *= albedo[number, channel] * share
            continue
        share = fraction / probability
        for channel in range(3):
            # Metal tints what it mirrors, lacquer and glaze do not.
            tint = albedo[number, channel] if specular >= METAL_SPECULAR else np.float32(1)
            weight[number, channel] *= tint * share
        along = np.float32(0)
        for axis in range(3):
            along += outgoing[number, axis] * normals[number, axis]
        height = np.float32(0)
        for axis in range(3):
            normal = normals[number, axis]
            ray = incoming[number, axis] + 2 * facing * normal
            ray += (outgoing[number, axis] - normal * along) * roughness * roughness
            outgoing[number, axis] = ray
            height += ray * normal
        sunk = min(height - np.float32(0.02), np.float32(0))
        square = np.float32(0)
        for axis in range(3):
            outgoing[number, axis] -= normals[number, axis] * sunk
            square += outgoing[number, axis] * outgoing[number, axis]
        for axis in range(3):
            outgoing[number, axis] /= np.sqrt(square)


@numba_kernel
def add_highlights(
    owners: np.ndarray,
    to_light: np.ndarray,
    is_free: np.ndarray,
    face: np.ndarray,
    normals: np.ndarray,
    incoming: np.ndarray,
    albedo: np.ndarray,
    fresnel: np.ndarray,
    light: np.ndarray,
    weight: np.ndarray,
    arrays: Any,
    limit: float,
    highlights: np.ndarray,
) -> None:
    """Add to `highlights` [n, 3] what satin points mirror of the lamps that rays reach.

    `light` [n, 3] is what a white diffuse surface reflects of the lamp, `weight` [n, 3] that of
    the path before its surface. The lobe is that of Trowbridge and Reitz with Kelemen's shadowing.
    Random paths hit a small lamp too rarely; in a sharp mirror they show it.
    """
    half = np.empty(3, np.float32)
    for ray in range(len(owners)):
        number = owners[ray]
        if not is_free[ray] or fresnel[number] <= 0:
            continue
        material = int(arrays.rows[face[number], 15])
        roughness, specular = arrays.roughness[material], arrays.specular[material]
        if roughness < SHARP_MIRROR_ROUGHNESS:
            continue
        square = np.float32(0)
        for axis in range(3):
            square += to_light[ray, axis] * to_light[ray, axis]
        length = np.sqrt(square)
        half_square, cosine, cos_half = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            to_lamp = to_light[ray, axis] / length
            half[axis] = to_lamp - incoming[number, axis]
            half_square += half[axis] * half[axis]
            cosine += half[axis] * normals[number, axis]
            cos_half += half[axis] * to_lamp
        half_length = np.sqrt(max(half_square, np.float32(1e-6)))
        cosine = min(max(cosine / half_length, np.float32(0)), np.float32(1))
        cos_half = min(max(cos_half / half_length, np.float32(0.2)), np.float32(1))
        alpha = roughness * roughness * roughness * roughness
        bend = cosine * cosine * (alpha - 1) + 1
        lobe = alpha / (np.float32(np.pi) * bend * bend)
        factor = fresnel_term(specular, roughness, cos_half) * np.float32(np.pi) * lobe
        factor /= 4 * cos_half * cos_half
        for channel in range(3):
            tint = albedo[number, channel] if specular >= METAL_SPECULAR else np.float32(1)
            value = weight[number, channel] * light[number, channel] * tint * factor
            highlights[number, channel] += min(value, limit)


@numba_kernel
def add_reflected(
    paths: np.ndarray,
    weight: np.ndarray,
    light: np.ndarray,
    mirrored: np.ndarray,
    limit: float,
    colour: np.ndarray,
) -> None:
    """Add the light [n, 3] that points reflect to their paths' colour; none where mirrored."""
    for number in range(len(paths)):
        if mirrored[number]:
            continue
        for channel in range(3):
            value = min(weight[number, channel] * light[number, channel], limit)
            colour[paths[number], channel] += value
