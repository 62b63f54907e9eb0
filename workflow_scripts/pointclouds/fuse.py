"""Fuse posed RGB-D views of a scene into one cloud with at most one point per voxel and instance.

A voxel cell is centred on a multiple of the voxel size, so that a wall at a round coordinate
lies inside one layer of cells, not on the border of two. The point is the centroid of the
pixels that fall in the cell, its colour and normal their mean. A cell that two instances share
gives one point for each, so the cloud of an object never holds its neighbour's pixels. Points
come sorted by instance, then cell.

Each view is reduced to sums per cell first, then the sums of all views are reduced again: the
memory needed is that of the cells, not of the pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from workflow_scripts.common.cameras import Camera, back_project_axes
from workflow_scripts.common.clouds import Cloud
from workflow_scripts.pointclouds.normals import view_normals

_COUNT, _OFFSET, _COLOUR, _NORMAL = 0, slice(1, 4), slice(4, 7), slice(7, 10)
_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True)
class View:
    """What fusion needs of a view: rgb u8 [h, w, 3], depth_m [h, w], instance u16 [h, w]."""

    rgb: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray
    camera: Camera


@dataclass(frozen=True)
class CellSums:
    """Sums over the pixels of each (instance, cell).

    `instance` and the three `cell` index arrays are i32 [n]. `sums` f32 [n, 7 or 10] has the
    number of pixels, the offset from the cell's lower corner in voxels (small numbers keep
    float32 sums exact to well under a micrometre), the colour, and the normal if there is one.
    """

    instance: np.ndarray
    cell: tuple[np.ndarray, np.ndarray, np.ndarray]
    sums: np.ndarray


def fuse(views: Iterable[View], *, voxel_m: float, normals: bool = False) -> tuple[Cloud, int]:
    """Return the fused cloud of a scene, and the number of pixels with depth in it."""
    parts = [view_cells(view, voxel_m=voxel_m, normals=normals) for view in views]
    num_columns = _NORMAL.stop if normals else _COLOUR.stop
    merged = _reduced(
        np.concatenate([part.instance for part in parts] or [np.zeros(0, np.int32)]),
        [
            np.concatenate([part.cell[axis] for part in parts] or [np.zeros(0, np.int32)])
            for axis in range(3)
        ],
        np.concatenate([part.sums for part in parts] or [np.zeros((0, num_columns), np.float32)]),
    )
    count = merged.sums[:, _COUNT].astype(np.float64)
    means = merged.sums[:, _OFFSET.start :] / count[:, None]
    cell = np.stack(merged.cell, axis=1).reshape(-1, 3)
    cloud = Cloud(
        point_m=((cell + means[:, :3] - 0.5) * voxel_m).astype(np.float32),
        colour=np.rint(means[:, 3:6]).astype(np.uint8),
        instance=merged.instance.astype(np.uint16),
        normal=_unit(means[:, 6:9]) if normals else None,
    )
    return cloud, int(count.sum())


def view_cells(view: View, *, voxel_m: float, normals: bool) -> CellSums:
    """Back-project a view and sum its pixels per (instance, cell).

    Pixels without depth (NaN, infinite, zero or negative) are left out.
    """
    seen = np.isfinite(view.depth_m) & (view.depth_m > 0)
    pixels = None if seen.all() else np.flatnonzero(seen)

    def column(values: np.ndarray) -> np.ndarray:
        values = values.reshape(-1)
        return values if pixels is None else values[pixels]

    num_points = seen.size if pixels is None else len(pixels)
    values = np.empty((num_points, _NORMAL.stop if normals else _COLOUR.stop), np.float32)
    values[:, _COUNT] = 1
    cells = []
    axes = back_project_axes(view.depth_m, view.camera.intrinsics, view.camera.world_from_camera)
    for axis, coordinate in enumerate(axes):
        in_voxels = column(coordinate) * (1 / voxel_m) + 0.5
        corner = np.floor(in_voxels)
        values[:, _OFFSET.start + axis] = in_voxels - corner
        cells.append(corner.astype(np.int32))
    rgb = view.rgb.reshape(-1, 3)
    values[:, _COLOUR] = rgb if pixels is None else rgb[pixels]
    if normals:
        normal = view_normals(view.depth_m, view.camera).reshape(-1, 3)
        values[:, _NORMAL] = normal if pixels is None else normal[pixels]
    return _reduced(column(view.instance).astype(np.int32), cells, values)


def _reduced(instance: np.ndarray, cells: Sequence[np.ndarray], values: np.ndarray) -> CellSums:
    """Sum the rows of `values` that have equal instance and cell."""
    order, start = _groups([instance, *cells])
    first = order[start]
    # A sparse matrix of ones gathers and adds all columns in one pass over the rows.
    edges = np.append(start, np.int32(len(order)))
    ones = np.ones(len(order), np.float32)
    members = sparse.csr_array((ones, order, edges), shape=(len(start), len(order)))
    x, y, z = (cell[first] for cell in cells)
    return CellSums(instance[first], (x, y, z), members @ values)


def _groups(keys: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return (order, start), i32: rows sorted by `keys`, first key first, and where groups start.

    Rows of a group keep their order. All keys and the row number are packed into one int64, for
    which NumPy has a vectorised sort, several times faster than an argsort. Keys too wide for
    that take the slow way.
    """
    num_rows = len(keys[0])
    if not num_rows:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    lowest = [int(key.min()) for key in keys]
    widths = [int(key.max()) - low + 1 for key, low in zip(keys, lowest, strict=True)]
    index_bits = num_rows.bit_length()
    if _product(widths) << index_bits > _LARGEST_KEY:
        order = np.lexsort(keys[::-1])
        changes = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    else:
        packed = keys[0].astype(np.int64) - lowest[0]
        for key, low, width in zip(keys[1:], lowest[1:], widths[1:], strict=True):
            packed *= width
            packed += key
            packed -= low
        packed <<= index_bits
        packed |= np.arange(num_rows)
        packed.sort()
        order = packed & ((1 << index_bits) - 1)
        packed >>= index_bits
        changes = packed[1:] != packed[:-1]
    start = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return order.astype(np.int32), start.astype(np.int32)


def _product(numbers: Iterable[int]) -> int:
    """Multiply without overflow."""
    result = 1
    for number in numbers:
        result *= number
    return result


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [n, 3] to length 1; those that cancelled out become straight up."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0, length, 1)
    return np.where(length > 1e-3, unit, [0.0, 0.0, 1.0]).astype(np.float32)
