"""Fuse posed RGB-D views of a scene into one cloud with at most one point per voxel and instance.

A voxel cell is centred on a multiple of the voxel size, so that a wall at a round coordinate
lies inside one layer of cells, not on the border of two. The point is the centroid of the
pixels that fall in the cell, its colour and normal their mean. A cell that two instances share
gives one point for each, so the cloud of an object never holds its neighbour's pixels. Points
come sorted by instance, then cell.
"""

import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts.common.cloud_shard import Cloud
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera, pixel_ray_terms
from workflow_scripts.pointclouds.normals import view_normals
from workflow_scripts.pointclouds.spilled_cells import MAX_CELLS, SpilledCells
from workflow_scripts.pointclouds.voxel_accumulator import COLOUR, NORMAL, OFFSET, VoxelAccumulator


@dataclass(frozen=True)
class View:
    """What fusion needs of a view: rgb u8 [h, w, 3], depth_m [h, w], instance u16 [h, w]."""

    rgb: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray
    camera: Camera


def fuse(
    views: Iterable[View],
    *,
    voxel_m: float,
    normals: bool = False,
    max_cells: int = MAX_CELLS,
) -> tuple[Cloud, int]:
    """Return the fused cloud of a scene, and the number of pixels with depth in it.

    Pixels without depth (NaN, infinite, zero or negative) are left out. Views are read one at a
    time; of a scene with more than `max_cells` cells the sums go to a temporary folder in parts.

    Raises `UserError` if the voxels are too small for the scene to be numbered.
    """
    cells = VoxelAccumulator(normals=normals)
    with tempfile.TemporaryDirectory(prefix="fuse-") as folder:
        spilled = SpilledCells(Path(folder))
        for view in views:
            _add_view(cells, view, voxel_m=voxel_m)
            if cells.num_cells > max_cells:
                spilled.add(cells)
                cells = VoxelAccumulator(normals=normals)
        if spilled.rows:
            if cells.num_cells:
                spilled.add(cells)
            del cells
            pieces = spilled.merge(
                partial(_cloud, voxel_m=voxel_m, normals=normals), max_rows=max_cells
            )
            return _joined([cloud for cloud, _ in pieces]), sum(count for _, count in pieces)
    order = _sort_order(cells.keys)
    return _cloud(
        cells.keys[order], cells.count[order], cells.sums[order], voxel_m=voxel_m, normals=normals
    )


def _cloud(
    keys: np.ndarray, count: np.ndarray, sums: np.ndarray, *, voxel_m: float, normals: bool
) -> tuple[Cloud, int]:
    """Return the points of sorted cells, and their pixels."""
    count = count[:, None].astype(np.float64)
    cloud = Cloud(
        point_m=((keys[:, 1:] + (sums[:, OFFSET] / count - 0.5)) * voxel_m).astype(np.float32),
        colour=np.rint(sums[:, COLOUR] / count).astype(np.uint8),
        instance=keys[:, 0].astype(np.uint16),
        normal=_normalise_rows(sums[:, NORMAL] / count) if normals else None,
    )
    return cloud, int(count.sum())


def _joined(clouds: list[Cloud]) -> Cloud:
    """Return one cloud of several, laid one after the other."""
    names = [field.name for field in fields(Cloud) if getattr(clouds[0], field.name) is not None]
    return Cloud(
        **{name: np.concatenate([getattr(each, name) for each in clouds]) for name in names}
    )


def _add_view(voxel_accumulator: VoxelAccumulator, view: View, *, voxel_m: float) -> None:
    """Back-project a view and add its pixels to the cells."""
    height, width = view.depth_m.shape
    # A pose in voxels, moved by half a one, spares a pass over the pixels for either.
    pose = view.camera.world_from_camera / voxel_m
    per_column, per_row = pixel_ray_terms(
        view.camera.intrinsics, pose, width_px=width, height_px=height
    )
    voxel_accumulator.add(
        depth_m=view.depth_m.astype(np.float32, copy=False),
        instance=view.instance,
        rgb=view.rgb,
        normal=view_normals(view.depth_m, view.camera) if voxel_accumulator.normals else None,
        per_column=per_column[:, 0],
        per_row=per_row[:, :, 0],
        position=pose[:3, 3] + 0.5,
    )


def _sort_order(keys: np.ndarray) -> np.ndarray:
    """Return the rows of `keys` [n, 4], no two alike, sorted by their columns."""
    if not len(keys):
        return np.zeros(0, np.intp)
    lowest = keys.min(axis=0).tolist()
    highest = keys.max(axis=0).tolist()
    widths = [high - low + 1 for low, high in zip(lowest, highest, strict=True)]
    if math.prod(widths) >= np.iinfo(np.int64).max:
        raise UserError(
            f"voxel_m is too small for a scene of {' x '.join(map(str, widths[1:]))} voxels; "
            "use a larger one, or check that the depth is in meters"
        )
    code = np.zeros(len(keys), np.int64)
    for key, low, width in zip(keys.T, lowest, widths, strict=True):
        code = code * width + (key.astype(np.int64) - low)
    return np.argsort(code)


def _normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [n, 3] to length 1; those that cancelled out become straight up."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0, length, 1)
    return np.where(length > 1e-3, unit, [0.0, 0.0, 1.0]).astype(np.float32)
