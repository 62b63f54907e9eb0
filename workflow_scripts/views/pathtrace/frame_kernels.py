"""Compiled loops over the camera rays of a frame: surfaces at hits, and their light."""

from typing import Any, NamedTuple

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.gloss_kernels import METAL_SPECULAR

NO_HIT, EMISSIVE, REFLECTING = -1, -2, 0


class FaceArrays(NamedTuple):
    """Faces of `FaceSubset` with their normals, and what `TextureAtlas` keeps of materials."""

    rows: np.ndarray
    density: np.ndarray
    normal: np.ndarray
    width: np.ndarray
    height: np.ndarray
    last_level: np.ndarray
    level_offsets: np.ndarray
    colours: np.ndarray
    tint: np.ndarray
    linear_of_srgb: np.ndarray
    roughness: np.ndarray
    specular: np.ndarray
    is_emissive: np.ndarray


class LightArrays(NamedTuple):
    """Rectangles of lamps and windows, and the grid in which `Lights` draws them.

    `power` is the area times the sum of the colours' radiance.
    """

    corner: np.ndarray
    side: np.ndarray
    up: np.ndarray
    scaled_normal: np.ndarray
    radiance: np.ndarray
    is_portal: np.ndarray
    middle: np.ndarray
    half_diagonal: np.ndarray
    power: np.ndarray
    grid_low: np.ndarray
    grid_cells: np.ndarray
    slots: np.ndarray
    first_slot: np.ndarray
    weight: np.ndarray
    cell_m: np.float32


@numba_kernel
def surface_points(
    face: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    distance: np.ndarray,
    origins: np.ndarray,
    directions: np.ndarray,
    pixel_angle: float,
    arrays: Any,
    points: np.ndarray,
    normals: np.ndarray,
    albedo: np.ndarray,
    sides: np.ndarray,
) -> None:
    """Fill the points, unit normals against the ray, albedo [n, 3] and sides [n] of hits.

    `pixel_angle` above 0 chooses the mip level of textures for a pixel of that angle; else a
    coarse one is read, as for bounced light. The side is NO_HIT or EMISSIVE where nothing reflects.
    """
    for ray in range(len(face)):
        number = face[ray]
        if number < 0:
            sides[ray] = -1
            albedo[ray] = 1
            normals[ray] = 0
            continue
        row = arrays.rows[number]
        material = int(row[15])
        a, b = u[ray], v[ray]
        c = 1 - a - b
        square, cosine, outward = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            value = row[axis] * c + row[3 + axis] * a + row[6 + axis] * b
            normals[ray, axis] = value
            square += value * value
            cosine += value * directions[ray, axis]
            outward += arrays.normal[number, axis] * directions[ray, axis]
        scale = 1 / np.sqrt(max(square, np.float32(1e-12)))
        if cosine > 0:
            scale = -scale
        for axis in range(3):
            normals[ray, axis] *= scale
            points[ray, axis] = origins[ray, axis] + distance[ray] * directions[ray, axis]
        if arrays.is_emissive[material]:
            sides[ray] = -2
            albedo[ray] = 1
            continue
        sides[ray] = outward > 0
        level = arrays.density[number] - 3
        if pixel_angle > 0:
            level = arrays.density[number] + np.log2(
                max(distance[ray] * pixel_angle, np.float32(1e-9))
            )
        mip = int(min(max(level, np.float32(0)), np.float32(arrays.last_level[material])))
        width = max(arrays.width[material] >> mip, 1)
        height = max(arrays.height[material] >> mip, 1)
        s = row[9] * c + row[11] * a + row[13] * b
        t = row[10] * c + row[12] * a + row[14] * b
        x = min(int((s - np.floor(s)) * width), width - 1)
        y = min(int((1 - (t - np.floor(t))) * height), height - 1)
        texel = arrays.level_offsets[material, mip] + y * width + x
        for channel in range(3):
            value = arrays.linear_of_srgb[arrays.colours[texel, channel]]
            value *= arrays.tint[material, channel]
            albedo[ray, channel] = min(max(value, np.float32(0.015)), np.float32(0.88))


@numba_kernel
def cell_light(
    rows: np.ndarray,
    weights: np.ndarray,
    normals: np.ndarray,
    direct: np.ndarray,
    bounced: np.ndarray,
    share: np.ndarray,
    distance: np.ndarray,
    lamp: np.ndarray,
    other: np.ndarray,
    spread: np.ndarray,
    known: np.ndarray,
) -> None:
    """Interpolate the light [n, 3] of lamps and of other surfaces that white points reflect.

    `rows` i32 [n, 4] are those of the cache. `spread` [n] is the difference in the
    share of direct light among the cells, `known` [n] from 0 to 1 how much of
    the light comes from cells that are not hidden.
    """
    for point in range(len(rows)):
        normal = normals[point]
        low, high, total = np.float32(2), np.float32(-1), np.float32(0)
        for number in range(4):
            row = rows[point, number]
            if row < 0:
                continue
            # What lies hidden against another surface tells nothing of what is seen.
            weight = weights[point, number]
            weight *= min(distance[row] * distance[row] * np.float32(4000), np.float32(1))
            if weight <= 0:
                continue
            total += weight
            low, high = min(low, share[row]), max(high, share[row])
            for channel in range(3):
                other[point, channel] += weight * bounced[row, channel, 3]
                for axis in range(3):
                    lamp[point, channel] += weight * direct[row, channel, axis] * normal[axis]
                    other[point, channel] += weight * bounced[row, channel, axis] * normal[axis]
        known[point] = total
        if total > 0:
            for channel in range(3):
                lamp[point, channel] = max(lamp[point, channel] / total, np.float32(0))
                other[point, channel] = max(other[point, channel] / total, np.float32(0))
        spread[point] = max(high - low, np.float32(0))


@numba_kernel
def sun_candidates(
    normals: np.ndarray,
    points: np.ndarray,
    to_sun: np.ndarray,
    corner: np.ndarray,
    side: np.ndarray,
    up: np.ndarray,
    margin: float,
    candidates: np.ndarray,
) -> int:
    """List the rays whose points may see the sun through an opening; return their number."""
    num = 0
    sx, sy, sz = to_sun
    for ray in range(len(normals)):
        normal = normals[ray]
        if normal[0] * sx + normal[1] * sy + normal[2] * sz <= 0.01:
            continue
        px, py, pz = points[ray]
        for opening in range(len(corner)):
            ax, ay, az = side[opening]
            bx, by, bz = up[opening]
            nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            slope = nx * sx + ny * sy + nz * sz
            if abs(slope) < 1e-9:
                continue
            ox, oy, oz = px - corner[opening, 0], py - corner[opening, 1], pz - corner[opening, 2]
            t = -(nx * ox + ny * oy + nz * oz) / slope
            # The reveal of a window lies up to a wall's thickness outside its rectangle.
            if t <= -0.5:
                continue
            ox, oy, oz = ox + t * sx, oy + t * sy, oz + t * sz
            along_a = (ox * ax + oy * ay + oz * az) / (ax * ax + ay * ay + az * az)
            along_b = (ox * bx + oy * by + oz * bz) / (bx * bx + by * by + bz * bz)
            if -margin < along_a < 1 + margin and -margin < along_b < 1 + margin:
                candidates[num] = ray
                num += 1
                break
    return num


@numba_kernel
def merge_samples(
    face: np.ndarray,
    sides: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    directions: np.ndarray,
    face_group: np.ndarray,
    samples: int,
    at: np.ndarray,
    merged: Any,
) -> int:
    """Join the samples of a pixel on one even surface, which are lit once, at the first of them.

    Fills `at` [n], the number of that point for each sample or -1, and the arrays of `merged`:
    face and side [m], point, normal and direction [m, 3]. Returns their number. Samples of a
    pixel, of which there are `samples`, follow each other; with 1 every sample is lit.
    """
    merged_face, merged_side, merged_point, merged_normal, merged_direction = merged
    num = 0
    for first in range(0, len(face), samples):
        start = num
        for ray in range(first, first + samples):
            at[ray] = -1
            if sides[ray] < 0:
                continue
            group = face_group[face[ray]]
            for other in range(start, num):
                if merged_side[other] != sides[ray] or face_group[merged_face[other]] != group:
                    continue
                cosine, height = np.float32(0), np.float32(0)
                for axis in range(3):
                    cosine += merged_normal[other, axis] * normals[ray, axis]
                    way = points[ray, axis] - merged_point[other, axis]
                    height += way * merged_normal[other, axis]
                if cosine > 0.98 and abs(height) < 0.002:
                    at[ray] = other
                    break
            if at[ray] < 0:
                at[ray] = num
                merged_face[num] = face[ray]
                merged_side[num] = sides[ray]
                merged_point[num] = points[ray]
                merged_normal[num] = normals[ray]
                merged_direction[num] = directions[ray]
                num += 1
    return num


@numba_kernel
def shade(
    face: np.ndarray,
    at: np.ndarray,
    albedo: np.ndarray,
    transmittance: np.ndarray,
    light: np.ndarray,
    fresnel: np.ndarray,
    arrays: Any,
    colour: np.ndarray,
    tint: np.ndarray,
) -> None:
    """Fill `colour` [n, 3] with what samples reflect, and the `tint` [n, 3] of what they mirror.

    `light` and `fresnel` are those of the points `at` [n].
    """
    for ray in range(len(face)):
        number = at[ray]
        colour[ray] = 0
        tint[ray] = 0
        if number < 0:
            continue
        is_metal = arrays.specular[int(arrays.rows[face[ray], 15])] >= METAL_SPECULAR
        for channel in range(3):
            value = min(albedo[ray, channel] * light[number, channel], np.float32(12))
            colour[ray, channel] = (1 - fresnel[number]) * value * transmittance[channel, ray]
            if fresnel[number] > 0:
                value = albedo[ray, channel] if is_metal else np.float32(1)
                tint[ray, channel] = value * transmittance[channel, ray]


@numba_kernel
def add_samples(
    values: np.ndarray, samples: int, pixels: np.ndarray, totals: np.ndarray, counts: np.ndarray
) -> None:
    """Add `samples` values [p * samples, 3] of each of `pixels` [p] to totals and counts."""
    for number in range(len(pixels)):
        pixel = pixels[number]
        for sample in range(samples):
            for channel in range(values.shape[1]):
                totals[pixel, channel] += values[number * samples + sample, channel]
        counts[pixel] += samples


@numba_kernel
def uneven_pixels(
    colour: np.ndarray, at: np.ndarray, samples: int, tolerance: float, uneven: np.ndarray
) -> None:
    """Say which pixels [p] show more than one surface, or have samples that differ much."""
    for pixel in range(len(uneven)):
        first = pixel * samples
        low, high = np.float32(1e9), np.float32(0)
        uneven[pixel] = False
        for ray in range(first, first + samples):
            if at[ray] != at[first]:
                uneven[pixel] = True
            value = min(colour[ray, 0] + colour[ray, 1] + colour[ray, 2], np.float32(4))
            low, high = min(low, value), max(high, value)
        if high - low > tolerance * (high + low):
            uneven[pixel] = True


@numba_kernel
def sun_edges(sunlit: np.ndarray, part: np.ndarray, is_edge: np.ndarray) -> None:
    """Mark in `is_edge` [h, w] the edges of sunlit patches on a surface `part` [h, w]."""
    height, width = sunlit.shape
    for row in range(height):
        for column in range(width):
            for y, x in ((row, column + 1), (row + 1, column)):
                if y == height or x == width or part[row, column] != part[y, x]:
                    continue
                if sunlit[row, column] != sunlit[y, x]:
                    is_edge[row, column] = True
                    is_edge[y, x] = True
