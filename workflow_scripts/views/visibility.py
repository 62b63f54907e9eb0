"""Measure the visibility of every instance in a view: pixels, box, truncation, occlusion."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.records import ObjectRow, VisibilityRow
from workflow_scripts.geometry.cameras import (
    Camera,
    project,
    rays_camera,
    rotation_about_up,
)
from workflow_scripts.geometry.upright_boxes import box_corners

# Depth is float32 and boxes touch what stands on them; nearer means nearer by more than this.
TOLERANCE_M = 1e-3


def visibility_rows(
    view: int,
    camera: Camera,
    depth_m: np.ndarray,
    instance: np.ndarray,
    objects: Sequence[ObjectRow],
) -> list[VisibilityRow]:
    """Return a row for each instance that has a pixel, in the order of `objects`.

    `depth_m` [h, w] is planar with NaN for no hit, `instance` [h, w] has 0 for none. The result
    depends on these arrays and the boxes alone, not on the backend.
    """
    pixel_counts = np.bincount(instance.ravel(), minlength=1)
    rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
    rays_world = np.ascontiguousarray(
        np.moveaxis(rays @ camera.world_from_camera[:3, :3].T, -1, 0), dtype=np.float32
    )
    depth = np.where(np.isnan(depth_m), np.inf, depth_m)
    rows = []
    for row in objects:
        if row.instance >= len(pixel_counts) or not pixel_counts[row.instance]:
            continue
        pixels = int(pixel_counts[row.instance])
        mask = instance == row.instance
        corners_px, corner_depths = project(
            box_corners(
                (row.x_m, row.y_m, row.z_m),
                (row.width_m, row.depth_m, row.height_m),
                row.yaw_deg,
            ),
            camera.intrinsics,
            camera.world_from_camera,
        )
        x0, y0, x1, y1 = mask_box(mask)
        in_front = bool((corner_depths > 0).all())
        corners_outside = not in_front or bool(
            (corners_px < 0).any()
            or (corners_px[:, 0] > camera.width_px).any()
            or (corners_px[:, 1] > camera.height_px).any()
        )
        touches_border = x0 == 0 or y0 == 0 or x1 == camera.width_px or y1 == camera.height_px
        window = _window(corners_px, camera) if in_front else (slice(None), slice(None))
        entry_m = _box_entry_m(row, camera.position_m, rays_world[:, *window])
        hidden = (depth[window] < entry_m - TOLERANCE_M) & ~mask[window]
        rows.append(
            VisibilityRow(
                view=view,
                scene_id=row.scene_id,
                instance=row.instance,
                pixels=pixels,
                fraction_visible=pixels / (pixels + int(np.count_nonzero(hidden))),
                x0=x0,
                y0=y0,
                x1=x1,
                y1=y1,
                truncated=touches_border or corners_outside,
            )
        )
    return rows


def mask_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return (x0, y0, x1, y1) of a mask with at least one pixel; the upper bounds exclusive."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _window(corners_px: np.ndarray, camera: Camera) -> tuple[slice, slice]:
    """Return the (rows, columns) of the image that the projected box can touch."""
    limits = np.array([camera.width_px, camera.height_px])
    low = np.clip(np.floor(corners_px.min(axis=0)), 0, limits).astype(int)
    high = np.clip(np.ceil(corners_px.max(axis=0)), 0, limits).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _box_entry_m(row: ObjectRow, origin_m: np.ndarray, rays_world: np.ndarray) -> np.ndarray:
    """Return the planar depth [h, w] at which rays [3, h, w] enter an oriented box, -inf if never.

    Slab test in the frame of the box, one axis at a time, which is several times faster than on
    [h, w, 3]. A camera inside the box gets a depth of at most 0, so nothing can occlude the box.
    """
    object_from_world = rotation_about_up(row.yaw_deg).T
    origin = object_from_world @ (origin_m - np.array([row.x_m, row.y_m, row.z_m]))
    sizes = (row.width_m, row.depth_m, row.height_m)
    x, y, z = rays_world
    # Python's floats, unlike NumPy's, leave the arrays in single precision.
    cos, sin = float(object_from_world[0, 0]), float(object_from_world[0, 1])
    enter = np.full(x.shape, -np.inf, dtype=np.float32)
    leave = np.full(x.shape, np.inf, dtype=np.float32)
    for direction, start, size in zip(
        (cos * x + sin * y, cos * y - sin * x, z), origin.tolist(), sizes, strict=True
    ):
        # A ray in the plane of a slab crosses it nowhere: 1e-12 puts that far away.
        inverse = 1.0 / np.where(np.abs(direction) < 1e-12, 1e-12, direction)
        first, second = (-size / 2 - start) * inverse, (size / 2 - start) * inverse
        np.maximum(enter, np.minimum(first, second), out=enter)
        np.minimum(leave, np.maximum(first, second), out=leave)
    enter[(enter > leave) | (leave <= 0)] = -np.inf
    return enter
