"""Fuse posed RGB-D views of a scene into one cloud with at most one point per voxel and instance.

A voxel cell is centred on a multiple of the voxel size, so that a wall at a round coordinate
lies inside one layer of cells, not on the border of two. The point is the centroid of the
pixels that fall in the cell, its colour and normal their mean. A cell that two instances share
gives one point for each, so the cloud of an object never holds its neighbour's pixels. Points
come sorted by instance, then cell.

Neighbouring pixels of a row often fall in one cell, so sums are first taken over such runs,
which needs no sorting and leaves fewer rows to number, then over the cells of the view, which
fit a processor's cache, and last over the cells of all views.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from workflow_scripts.common.cameras import Camera, back_project_axes
from workflow_scripts.common.clouds import Cloud
from workflow_scripts.common.errors import UserError
from workflow_scripts.pointclouds.normals import view_normals

_COUNT, _OFFSET, _COLOUR, _NORMAL = 0, slice(1, 4), slice(4, 7), slice(7, 10)

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

    `keys` are four i32 [n]: instance and the cell's three indices. `sums` f32 [n, 7 or 10] has
    the number of pixels, the offset from the cell's lower corner in voxels (small numbers keep
    float32 sums exact to well under a micrometre), the colour, and the normal if there is one.
    """

    keys: Sequence[np.ndarray]
    sums: np.ndarray


def fuse(views: Iterable[View], *, voxel_m: float, normals: bool = False) -> tuple[Cloud, int]:
    """Return the fused cloud of a scene, and the number of pixels with depth in it.

    Raises `UserError` if the voxels are too small for the scene to be numbered.
    """
    _keep_freed_memory()
    parts: list[CellSums] = []
    for view in views:
        parts.append(view_cells(view, voxel_m=voxel_m, normals=normals))
        if sum(len(part.sums) for part in parts) > MAX_PENDING_ROWS:
            parts = [_merged(parts)]
    cells = _merged(parts) if parts else _no_cells(normals=normals)
    count, *sums = cells.sums.T.astype(np.float64, order="C")
    means = [total / count for total in sums]
    corners = cells.keys[1:]
    cloud = Cloud(
        point_m=_columns(
            [
                (corner + offset - 0.5) * voxel_m
                for corner, offset in zip(corners, means[:3], strict=True)
            ],
            np.float32,
        ),
        colour=_columns([np.rint(mean) for mean in means[3:6]], np.uint8),
        instance=cells.keys[0].astype(np.uint16),
        normal=_unit(np.stack(means[6:], axis=1)) if normals else None,
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
    seen = np.isfinite(view.depth_m) & (view.depth_m > 0)
    all_seen = bool(seen.all())
    if not seen.any():
        return _no_cells(normals=normals)

    def pixels(image: np.ndarray) -> np.ndarray:
        return image.reshape(-1) if all_seen else image[seen]

    # A pose in voxels, moved by half a one, spares a pass over the pixels for either.
    voxels_from_camera = view.camera.world_from_camera / voxel_m
    voxels_from_camera[:3, 3] += 0.5
    axes = back_project_axes(
        view.depth_m if all_seen else np.where(seen, view.depth_m, 0),
        view.camera.intrinsics,
        voxels_from_camera,
        dtype=np.float32,
    )
    instance = pixels(view.instance)
    values = np.empty((len(instance), _NORMAL.stop if normals else _COLOUR.stop), np.float32)
    values[:, _COUNT] = 1
    corners = []
    # One column at a time: assigning rows of three is ten times slower in NumPy.
    for axis, in_voxels in enumerate(map(pixels, axes)):
        corner = np.floor(in_voxels)
        np.subtract(in_voxels, corner, out=values[:, _OFFSET.start + axis])
        corners.append(corner.astype(np.int32))
    for channel in range(3):
        values[:, _COLOUR.start + channel] = pixels(view.rgb[..., channel])
    if normals:
        for axis, normal in enumerate(view_normals(view.depth_m, view.camera)):
            values[:, _NORMAL.start + axis] = pixels(normal)
    runs = _starts(instance, *corners)
    keys = [key.take(runs) for key in (instance, *corners)]
    everything = np.arange(len(values), dtype=np.int32)
    return _summed(*_encoded(keys), _sum_rows(values, everything, runs))


def _merged(parts: Sequence[CellSums]) -> CellSums:
    """Sum all rows of `parts` that have equal keys; sort by instance, then cell."""
    keys = [np.concatenate([part.keys[number] for part in parts]) for number in range(4)]
    sums = np.concatenate([part.sums for part in parts])
    return _summed(*_encoded(keys), sums) if len(sums) else parts[0]


def _no_cells(*, normals: bool) -> CellSums:
    """Return sums of nothing."""
    num_columns = _NORMAL.stop if normals else _COLOUR.stop
    return CellSums([np.zeros(0, np.int32)] * 4, np.zeros((0, num_columns), np.float32))


def _summed(code: np.ndarray, bounds: Sequence[tuple[int, int]], values: np.ndarray) -> CellSums:
    """Sum the rows of `values` that have equal code."""
    order, ordered = _sorted(code, limit=math.prod(width for _, width in bounds))
    start = _starts(ordered)
    return CellSums(_decoded(ordered[start], bounds), _sum_rows(values, order, start))


def _sum_rows(values: np.ndarray, order: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the sum of each group of rows; group g is `order[start[g] : start[g + 1]]`.

    A sparse matrix of ones gathers and adds all columns in one pass over the rows, in order;
    `np.add.reduceat` takes five times as long.
    """
    edges = np.append(start, np.int32(len(order)))
    ones = np.ones(len(order), np.float32)
    return sparse.csr_array((ones, order, edges), shape=(len(start), len(values))) @ values


def _encoded(keys: Sequence[np.ndarray]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return one number per row that sorts as `keys` do, and (lowest, width) of each key."""
    lowest = [int(key.min()) for key in keys]
    widths = [int(key.max()) - low + 1 for key, low in zip(keys, lowest, strict=True)]
    limit = math.prod(widths)
    if limit >= np.iinfo(np.int64).max:
        raise UserError(
            f"voxel_m is too small for a scene of {' x '.join(map(str, widths[1:]))} voxels; "
            "use a larger one, or check that the depth is in metres"
        )
    dtype = np.int32 if limit < np.iinfo(np.int32).max else np.int64
    code = np.zeros(len(keys[0]), dtype)
    for key, low, width in zip(keys, lowest, widths, strict=True):
        code *= dtype(width)
        code += key.astype(dtype, copy=False) - dtype(low)
    return code, list(zip(lowest, widths, strict=True))


def _decoded(code: np.ndarray, bounds: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Turn codes back into keys, i32."""
    keys = []
    for low, width in reversed(bounds):
        rest = code // code.dtype.type(width)
        keys.append((code - rest * width + low).astype(np.int32))
        code = rest
    return keys[::-1]


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


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Return where runs of rows with equal keys start, i32; there is at least one row."""
    changed = np.empty(len(keys[0]), bool)
    changed[0] = True
    np.not_equal(keys[0][1:], keys[0][:-1], out=changed[1:])
    for key in keys[1:]:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed).astype(np.int32)


def _columns(columns: Sequence[np.ndarray], dtype: type[np.generic]) -> np.ndarray:
    """Lay columns side by side, as `dtype`."""
    rows = np.empty((len(columns[0]), len(columns)), dtype)
    for number, column in enumerate(columns):
        rows[:, number] = column
    return rows


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [n, 3] to length 1; those that cancelled out become straight up."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0, length, 1)
    return np.where(length > 1e-3, unit, [0.0, 0.0, 1.0]).astype(np.float32)
