"""Fuse posed RGB-D views of a scene into one cloud with at most one point per voxel and instance.

A voxel cell is centred on a multiple of the voxel size, so that a wall at a round coordinate
lies inside one layer of cells, not on the border of two. The point is the centroid of the
pixels that fall in the cell, its colour and normal their mean. A cell that two instances share
gives one point for each, so the cloud of an object never holds its neighbour's pixels. Points
come sorted by instance, then cell.

Neighbouring pixels of a row often fall in one cell, so sums are first taken over such runs,
which needs no sorting and leaves fewer rows to number, then over the cells of the view, and last
over the cells of all views.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from workflow_scripts.common.cameras import Camera, ray_terms
from workflow_scripts.common.clouds import Cloud
from workflow_scripts.common.errors import UserError
from workflow_scripts.pointclouds.normals import view_normals

_OFFSET, _COLOUR, _NORMAL = slice(0, 3), slice(3, 6), slice(6, 9)

BAND_PIXELS = 1 << 15
"""A view is taken in bands of rows of at most about so many pixels: what is made of them on the
way, some 60 bytes a pixel, then stays in a core's own cache."""

MAX_PENDING_ROWS = 4_000_000
"""Cells of different views are summed early when there are more: bounds memory to some 400 MB."""


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

    `keys` i32 [4, n]: instance and the cell's three indices. `count` f32 [n]: how many pixels.
    `sums` f32 [n, 6 or 9] has the offset from the cell's lower corner in voxels (small numbers
    keep float32 sums exact to well under a micrometre), the colour, and the normal if there is one.
    """

    keys: np.ndarray
    count: np.ndarray
    sums: np.ndarray


def fuse(views: Iterable[View], *, voxel_m: float, normals: bool = False) -> tuple[Cloud, int]:
    """Return the fused cloud of a scene, and the number of pixels with depth in it.

    Raises `UserError` if the voxels are too small for the scene to be numbered.
    """
    _keep_freed_memory()
    parts: list[CellSums] = []
    for view in views:
        parts.append(view_cells(view, voxel_m=voxel_m, normals=normals))
        if sum(len(part.count) for part in parts) > MAX_PENDING_ROWS:
            parts = [_merged(parts)]
    cells = _merged(parts) if parts else _no_cells(normals=normals)
    count = cells.count.astype(np.float64)
    num_cells = len(count)
    point_m, colour = np.empty((num_cells, 3), np.float32), np.empty((num_cells, 3), np.uint8)
    for axis, corner in enumerate(cells.keys[1:]):
        point_m[:, axis] = (corner + (cells.sums[:, axis] / count - 0.5)) * voxel_m
    for channel in range(3):
        colour[:, channel] = np.rint(cells.sums[:, _COLOUR.start + channel] / count)
    cloud = Cloud(
        point_m=point_m,
        colour=colour,
        instance=cells.keys[0].astype(np.uint16),
        normal=_unit(cells.sums[:, _NORMAL] / count[:, None]) if normals else None,
    )
    return cloud, int(count.sum())


def _keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next view, up to some 60 MB.

    By default glibc returns the arrays of a view to the system, and every page of the next
    view's faults anew: a fifth of the time. Freeing a block just below 32 MB lifts both of its
    thresholds for good (mallopt(3), M_MMAP_THRESHOLD); never touched, the block costs nothing.
    """
    np.empty(31 << 20, np.uint8)


def view_cells(view: View, *, voxel_m: float, normals: bool) -> CellSums:
    """Back-project a view and sum its pixels per instance and cell.

    Pixels without depth (NaN, infinite, zero or negative) are left out.
    """
    runs = list(_bands(view, voxel_m=voxel_m, normals=normals))
    return _merged(runs) if runs else _no_cells(normals=normals)


def _bands(view: View, *, voxel_m: float, normals: bool) -> Iterator[CellSums]:
    """Yield sums over the runs of pixels of each band of rows that has any with depth."""
    height, width = view.depth_m.shape
    # A pose in voxels, moved by half a one, spares a pass over the pixels for either.
    pose = view.camera.world_from_camera / voxel_m
    position = (pose[:3, 3] + 0.5).astype(np.float32)[:, None, None]
    per_column, per_row = (
        term.astype(np.float32)
        for term in ray_terms(view.camera.intrinsics, pose, width_px=width, height_px=height)
    )
    normal = np.stack(view_normals(view.depth_m, view.camera)) if normals else None
    num_bands = -(-height * width // BAND_PIXELS)
    for band in range(num_bands):
        rows = slice(height * band // num_bands, height * (band + 1) // num_bands)
        depth_m = view.depth_m[rows].astype(np.float32, copy=False)
        seen = np.isfinite(depth_m) & (depth_m > 0)
        num_seen = np.count_nonzero(seen)
        if not num_seen:
            continue
        all_seen = num_seen == seen.size
        in_voxels = per_column + per_row[:, rows]
        in_voxels *= depth_m if all_seen else np.where(seen, depth_m, np.float32(0))
        in_voxels += position
        pixels = [
            in_voxels.reshape(3, -1),
            view.instance[rows].reshape(1, -1),
            view.rgb[rows].reshape(-1, 3).T,
            *([] if normal is None else [normal[:, rows].reshape(3, -1)]),
        ]
        if not all_seen:
            which = np.flatnonzero(seen)
            pixels = [pixel.take(which, axis=1) for pixel in pixels]
        yield _runs(*pixels)


def _runs(
    in_voxels: np.ndarray,
    instance: np.ndarray,
    colour: np.ndarray,
    normal: np.ndarray | None = None,
) -> CellSums:
    """Sum runs of pixels of one instance and cell; all are [3, pixels], `instance` [1, pixels]."""
    corner = np.floor(in_voxels)
    changed = np.empty(instance.size, bool)
    changed[0] = True
    np.any(corner[:, 1:] != corner[:, :-1], axis=0, out=changed[1:])
    changed[1:] |= instance[0, 1:] != instance[0, :-1]
    start = np.flatnonzero(changed)
    keys = np.empty((4, len(start)), np.int32)
    keys[0] = instance[0].take(start)
    keys[1:] = corner.take(start, axis=1)
    values = np.empty((instance.size, _COLOUR.stop if normal is None else _NORMAL.stop), np.float32)
    # One column at a time: assigning rows of three is ten times slower in NumPy.
    for axis in range(3):
        np.subtract(in_voxels[axis], corner[axis], out=values[:, axis])
        values[:, _COLOUR.start + axis] = colour[axis]
        if normal is not None:
            values[:, _NORMAL.start + axis] = normal[axis]
    runs = _groups(np.arange(instance.size, dtype=np.int32), start)
    return CellSums(keys, np.diff(runs.indptr).astype(np.float32), runs @ values)


def _merged(parts: Sequence[CellSums]) -> CellSums:
    """Sum all rows of `parts` that have equal keys; sort by instance, then cell."""
    return _summed(
        CellSums(
            np.concatenate([part.keys for part in parts], axis=1),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.sums for part in parts]),
        )
    )


def _no_cells(*, normals: bool) -> CellSums:
    """Return sums of nothing."""
    num_columns = _NORMAL.stop if normals else _COLOUR.stop
    return CellSums(
        np.zeros((4, 0), np.int32),
        np.zeros(0, np.float32),
        np.zeros((0, num_columns), np.float32),
    )


def _summed(rows: CellSums) -> CellSums:
    """Sum the rows that have equal keys; sort by instance, then cell."""
    if not len(rows.count):
        return rows
    code, limit = _encoded(rows.keys)
    order, ordered = _sorted(code, limit=limit)
    start = _starts(ordered)
    cells = _groups(order, start)
    keys = rows.keys.take(order.take(start), axis=1)
    return CellSums(keys, cells @ rows.count, cells @ rows.sums)


def _groups(order: np.ndarray, start: np.ndarray) -> sparse.csr_array:
    """Return the matrix that sums groups of rows; group g is `order[start[g] : start[g + 1]]`.

    A sparse matrix of ones gathers and adds all columns in one pass over the rows, in order;
    `np.add.reduceat` takes five times as long.
    """
    edges = np.append(start, len(order)).astype(np.int32)
    ones = np.ones(len(order), np.float32)
    return sparse.csr_array((ones, order, edges), shape=(len(start), len(order)))


def _encoded(keys: np.ndarray) -> tuple[np.ndarray, int]:
    """Return one number per row that sorts as `keys` [4, rows] do, and what all are below."""
    lowest = keys.min(axis=1).tolist()
    highest = keys.max(axis=1).tolist()
    widths = [high - low + 1 for low, high in zip(lowest, highest, strict=True)]
    limit = math.prod(widths)
    if limit >= np.iinfo(np.int64).max:
        raise UserError(
            f"voxel_m is too small for a scene of {' x '.join(map(str, widths[1:]))} voxels; "
            "use a larger one, or check that the depth is in metres"
        )
    code = np.zeros(keys.shape[1], np.int32 if limit < np.iinfo(np.int32).max else np.int64)
    for key, low, width in zip(keys, lowest, widths, strict=True):
        code *= width
        code += key
        code -= low
    return code, limit


def _sorted(code: np.ndarray, *, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers, i32, sorted by code (below `limit`), ties by number; and the codes.

    Code and row number are packed into one int64 where they fit: NumPy's sort of integers is
    vectorised and many times faster than its stable argsort.
    """
    index_bits = len(code).bit_length()
    if limit << index_bits > np.iinfo(np.int64).max:
        order = np.argsort(code, kind="stable")
        return order.astype(np.int32), code[order]
    packed = code.astype(np.int64)
    packed <<= index_bits
    packed |= np.arange(len(code))
    packed.sort()
    order = packed.astype(np.int32)
    order &= np.int32((1 << index_bits) - 1)
    packed >>= index_bits
    return order, packed.astype(code.dtype)


def _starts(ordered: np.ndarray) -> np.ndarray:
    """Return where runs of equal numbers start; there is at least one number."""
    changed = np.empty(len(ordered), bool)
    changed[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=changed[1:])
    return np.flatnonzero(changed)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [n, 3] to length 1; those that cancelled out become straight up."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0, length, 1)
    return np.where(length > 1e-3, unit, [0.0, 0.0, 1.0]).astype(np.float32)
