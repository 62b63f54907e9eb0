"""Compiled loops of `SurfaceCells`: a hash table from voxel and group of faces to cell."""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel

NOT_LINKED = -2
"""Stands for the neighbours of a cell until they are looked up."""

# Layers of a board that lie closer together are one surface.
_LAYER_M = np.float32(0.0007)


@numba_kernel
def _key(x: Any, y: Any, z: Any, group: Any) -> Any:
    return (((np.int64(group) << 11 | np.int64(z)) << 14 | np.int64(y)) << 14) | np.int64(x)


@numba_kernel
def _slot(keys: np.ndarray, key: Any) -> Any:
    """Return the table's slot of a key, or the empty slot where it belongs."""
    mask = np.int64(len(keys) - 1)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + 1) & mask
    return slot


@numba_kernel
def _find(keys: np.ndarray, cells: np.ndarray, x: Any, y: Any, z: Any, group: Any) -> Any:
    """Return the cell of a voxel and group, -1 if there is none."""
    if x < 0 or y < 0 or z < 0:
        return np.int32(-1)
    slot = _slot(keys, _key(x, y, z, group))
    if keys[slot] == -1:
        return np.int32(-1)
    return cells[slot]


@numba_kernel
def _rows(triangle: np.ndarray, step: float) -> tuple[int, Any, int]:
    """Return the number of rows of samples, and the number in a row at the longest edge.

    Also the corner that the longest edge starts at.
    """
    longest, first = np.float32(0), 0
    for corner in range(3):
        edge = triangle[(corner + 1) % 3] - triangle[corner]
        length = np.sqrt(edge[0] * edge[0] + edge[1] * edge[1] + edge[2] * edge[2])
        if length > longest:
            longest, first = length, corner
    a = triangle[1] - triangle[0]
    b = triangle[2] - triangle[0]
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    height = np.sqrt(x * x + y * y + z * z) / max(longest, np.float32(1e-9))
    return max(1, int(np.ceil(height / step))), longest / step, first


@numba_kernel
def count_samples(triangles: np.ndarray, step: float) -> int:
    count = 0
    for face in range(len(triangles)):
        rows, width, _ = _rows(triangles[face], step)
        for row in range(rows):
            count += max(1, int(np.ceil(width * (1 - (row + 0.5) / rows))))
    return count


@numba_kernel
def insert_samples(
    triangles: np.ndarray,
    face_normal: np.ndarray,
    face_group: np.ndarray,
    step: float,
    origin: np.ndarray,
    cell_m: float,
    keys: np.ndarray,
    cells: np.ndarray,
    cell_face: np.ndarray,
    cell_voxel: np.ndarray,
    position: np.ndarray,
    squared_distance: np.ndarray,
) -> int:
    """Sample every face evenly; keep for each cell the sample nearest to its voxel's middle."""
    num = 0
    point = np.empty(3, dtype=np.float32)
    voxel = np.empty(3, dtype=np.int32)
    for face in range(len(triangles)):
        rows, width, first = _rows(triangles[face], step)
        a, b = triangles[face, first], triangles[face, (first + 1) % 3]
        tip = triangles[face, (first + 2) % 3]
        for row in range(rows):
            t = np.float32((row + 0.5) / rows)
            columns = max(1, int(np.ceil(width * (1 - t))))
            for column in range(columns):
                s = np.float32((column + 0.5) / columns)
                square = np.float32(0)
                for axis in range(3):
                    start = a[axis] + (tip[axis] - a[axis]) * t
                    end = b[axis] + (tip[axis] - b[axis]) * t
                    point[axis] = start + (end - start) * s
                    at = (point[axis] - origin[axis]) / cell_m
                    voxel[axis] = int(np.floor(at))
                    offset = at - voxel[axis] - 0.5
                    square += np.float32(offset * offset)
                key = _key(voxel[0], voxel[1], voxel[2], face_group[face])
                slot = _slot(keys, key)
                if keys[slot] == -1:
                    keys[slot] = key
                    cell = num
                    cells[slot] = num
                    cell_voxel[num] = voxel
                    num += 1
                else:
                    cell = cells[slot]
                    in_front, behind = np.float32(0), np.float32(0)
                    for axis in range(3):
                        way = point[axis] - position[cell, axis]
                        in_front += way * face_normal[face, axis]
                        behind += way * face_normal[cell_face[cell], axis]
                    low, high = min(in_front, behind), max(in_front, behind)
                    # Of two layers, such as a panel on a board, the upper one is seen.
                    if high < -_LAYER_M or (low < _LAYER_M and square >= squared_distance[cell]):
                        continue
                squared_distance[cell] = square
                cell_face[cell] = face
                position[cell] = point
    return num


@numba_kernel
def _nearby(
    keys: np.ndarray,
    cells: np.ndarray,
    voxel: np.ndarray,
    group: Any,
    axes: np.ndarray,
    normal: np.ndarray,
    across: int,
) -> Any:
    """Return a cell of a group, or of one of its object with a similar normal, at a voxel.

    Where the surface passes through another voxel across it, by up to `across` voxels, the cell
    there counts.
    """
    at = voxel.copy()
    for attempt in range(2 * across + 1):
        offset = (attempt + 1) // 2 * (1 - 2 * (attempt % 2))
        at[axes[0]] = voxel[axes[0]] + offset
        cell = _find(keys, cells, at[0], at[1], at[2], group)
        if cell >= 0:
            return cell
    first = group - group % 27
    for bucket in range(27):
        x, y, z = bucket // 9 - 1, bucket // 3 % 3 - 1, bucket % 3 - 1
        if bucket == 13 or bucket == group % 27:
            continue
        cosine = (x * normal[0] + y * normal[1] + z * normal[2]) / np.sqrt(x * x + y * y + z * z)
        if cosine < 0.75:
            continue
        cell = _find(keys, cells, voxel[0], voxel[1], voxel[2], first + bucket)
        if cell >= 0:
            return cell
    return np.int32(-1)


@numba_kernel
def _link_one(
    cell: int,
    group_axes: np.ndarray,
    group_normal: np.ndarray,
    cell_group: np.ndarray,
    cell_voxel: np.ndarray,
    normals: np.ndarray,
    neighbours: np.ndarray,
    keys: np.ndarray,
    cells: np.ndarray,
) -> None:
    group = cell_group[cell]
    axes, normal = group_axes[group], group_normal[group]
    voxel = cell_voxel[cell].copy()
    for number in range(8):
        place = number + (number >= 4)
        voxel[:] = cell_voxel[cell]
        voxel[axes[1]] += place // 3 - 1
        voxel[axes[2]] += place % 3 - 1
        other = _nearby(keys, cells, voxel, group, axes, normal, 1)
        if other >= 0:
            a, b = normals[cell], normals[other]
            if a[0] * b[0] + a[1] * b[1] + a[2] * b[2] < 0.3:
                other = np.int32(-1)
        neighbours[cell, number] = other


@numba_kernel
def link(
    which: np.ndarray,
    group_axes: np.ndarray,
    group_normal: np.ndarray,
    cell_group: np.ndarray,
    cell_voxel: np.ndarray,
    normals: np.ndarray,
    neighbours: np.ndarray,
    keys: np.ndarray,
    cells: np.ndarray,
) -> None:
    for number in range(len(which)):
        if neighbours[which[number], 0] == -2:
            _link_one(
                which[number],
                group_axes,
                group_normal,
                cell_group,
                cell_voxel,
                normals,
                neighbours,
                keys,
                cells,
            )


@numba_kernel
def _nearest(
    keys: np.ndarray,
    cells: np.ndarray,
    voxel: np.ndarray,
    group: Any,
    axes: np.ndarray,
    normal: np.ndarray,
) -> Any:
    """Return a cell at a voxel, or in the 26 around it, -1 if there is none."""
    cell = _nearby(keys, cells, voxel, group, axes, normal, 1)
    if cell >= 0:
        return cell
    at = voxel.copy()
    for place in range(27):
        at[0] = voxel[0] + place // 9 - 1
        at[1] = voxel[1] + place // 3 % 3 - 1
        at[2] = voxel[2] + place % 3 - 1
        cell = _nearby(keys, cells, at, group, axes, normal, 0)
        if cell >= 0:
            return cell
    return np.int32(-1)


@numba_kernel
def stencils(
    points: np.ndarray,
    faces: np.ndarray,
    face_group: np.ndarray,
    face_normal: np.ndarray,
    group_axes: np.ndarray,
    group_normal: np.ndarray,
    cell_group: np.ndarray,
    cell_voxel: np.ndarray,
    normals: np.ndarray,
    neighbours: np.ndarray,
    keys: np.ndarray,
    cells: np.ndarray,
    origin: np.ndarray,
    cell_m: float,
    stencil_cells: np.ndarray,
    stencil_weights: np.ndarray,
) -> None:
    voxel = np.empty(3, dtype=np.int32)
    scale = np.float32(1 / cell_m)
    for ray in range(len(faces)):
        face = faces[ray]
        stencil_cells[ray] = -1
        stencil_weights[ray] = 0
        if face < 0:
            continue
        group = face_group[face]
        for axis in range(3):
            voxel[axis] = int(np.floor((points[ray, axis] - origin[axis]) * scale))
        cell = _find(keys, cells, voxel[0], voxel[1], voxel[2], group)
        if cell < 0:
            cell = _nearest(keys, cells, voxel, group, group_axes[group], face_normal[face])
            if cell < 0:
                continue
        if neighbours[cell, 0] == -2:
            _link_one(
                cell,
                group_axes,
                group_normal,
                cell_group,
                cell_voxel,
                normals,
                neighbours,
                keys,
                cells,
            )
        axes = group_axes[cell_group[cell]]
        first, second = axes[1], axes[2]
        at = cell_voxel[cell]
        u = (points[ray, first] - origin[first]) * scale - at[first] - np.float32(0.5)
        v = (points[ray, second] - origin[second]) * scale - at[second] - np.float32(0.5)
        step_u, step_v = (1 if u > 0 else -1), (1 if v > 0 else -1)
        u, v = min(abs(u), np.float32(0.5)), min(abs(v), np.float32(0.5))
        stencil_cells[ray, 0] = cell
        stencil_weights[ray, 0] = (1 - u) * (1 - v)
        for number in range(1, 4):
            place = (step_u if number & 1 else 0) * 3 + (step_v if number & 2 else 0) + 4
            other = neighbours[cell, place - (place > 4)]
            if other < 0:
                continue
            stencil_cells[ray, number] = other
            stencil_weights[ray, number] = (u if number & 1 else 1 - u) * (
                v if number & 2 else 1 - v
            )
        total = np.float32(0)
        for number in range(4):
            total += stencil_weights[ray, number]
        for number in range(4):
            stencil_weights[ray, number] /= total
