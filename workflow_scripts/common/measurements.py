"""What a view's objects measure, the same from ground truth and from clouds.

`ground_truth_measurements` reads the simulator's boxes, every sigma is 0; `MeasuredShard` reads
what the `pointclouds` stage measured in depth maps. Both give `Measurements`: arrays over the
objects of a view, so that a family of questions is computed for all objects or pairs at once.
Where the views know what is drawn, shapes are those of the drawn surfaces, not of the boxes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workflow_scripts.common.drawn_shapes import DrawnShapes
from workflow_scripts.common.records import GravityRow
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import Camera, FloatArray, invert, transform
from workflow_scripts.geometry.gravity import (
    GravityAxes,
    aligned_camera,
    axes_from_pose,
    axes_from_row,
    gravity_row,
)

MIN_UNOCCLUDED_FRACTION = 0.95
"""A true object of which a smaller share of its pixels is seen counts as occluded."""


ShapeSource = Literal["surface", "cloud", "box"]


@dataclass(frozen=True, eq=False)
class Measurements:
    """The measured objects of a view; n objects, arrays in one order.

    `camera` is posed in the gravity-aligned frame (z up), which `centre_m` [n, 3], `size_m`
    [n, 3] (width, depth, height), `yaw_deg` [n] are in. `low_m`, `high_m` [n, 3] are extents along
    (right, forward, up): right and forward from the camera, up as height in the frame. `gap_m`
    [n, n] is the least distance of surfaces, `inside_share` [n, n] the share of i that j encloses.
    `footprint_m2` [n] is the area of the convex outline seen from above, `outline_fill` [n] the
    share of it that the object covers, `volumes_m3` [n, 3] the volume by three readings: convex
    hull, closed surface (the hull where it is open), box.

    What the shape is known from is `shape_source`: "surface", all that is drawn; "cloud", the gaps
    and nearest points of the seen surface, else the box; "box", the box alone, whose outline,
    volume, gaps and nearest point stand for the object's.

    `sigma_*` is one standard deviation of each; 0 for ground truth. `has_front` [n]: width is
    along the object's own side-to-side axis and yaw says where it faces. `unmeasured` says by
    instance why an object with a mask is not among the n.
    """

    view: int
    scene_id: str
    camera: Camera
    gravity: GravityRow
    instance: NDArray[np.int64]
    object_id: tuple[str, ...]
    label: tuple[str, ...]
    kind: tuple[str, ...]
    pixels: NDArray[np.int64]
    box_px: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    occluded: NDArray[np.bool_]
    centre_m: FloatArray
    size_m: FloatArray
    yaw_deg: FloatArray
    has_front: NDArray[np.bool_]
    low_m: FloatArray
    high_m: FloatArray
    nearest_m: FloatArray
    distance_m: FloatArray
    gap_m: FloatArray
    sigma_centre_m: FloatArray
    sigma_size_m: FloatArray
    sigma_yaw_deg: FloatArray
    sigma_extent_m: FloatArray
    sigma_nearest_m: FloatArray
    sigma_distance_m: FloatArray
    sigma_gap_m: FloatArray
    footprint_m2: FloatArray
    outline_fill: FloatArray
    volumes_m3: FloatArray
    inside_share: FloatArray
    shape_source: ShapeSource
    unmeasured: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.instance)

    @property
    def axes(self) -> GravityAxes:
        """Return right, up, forward in the camera frame."""
        return axes_from_row(self.gravity)

    @cached_property
    def centre_camera_m(self) -> FloatArray:
        """Return the centres [n, 3] in the camera frame (OpenCV)."""
        return transform(invert(self.camera.world_from_camera), self.centre_m)

    @cached_property
    def centre_level_m(self) -> FloatArray:
        """Return the centres [n, 3] as right and forward of the camera, and up in the frame."""
        return level_coordinates(self.centre_m, self.camera, self.axes)

    @cached_property
    def centre_distance_m(self) -> tuple[FloatArray, FloatArray]:
        """Return the straight distances [n, n] between centres, and their sigmas."""
        return self._between_centres(slice(0, 3), None)

    @cached_property
    def horizontal_distance_m(self) -> tuple[FloatArray, FloatArray]:
        """Return the distances [n, n] between centres on the ground plan, and their sigmas."""
        return self._between_centres(slice(0, 2), slice(2, 3))

    @cached_property
    def vertical_distance_m(self) -> tuple[FloatArray, FloatArray]:
        """Return the differences [n, n] in height of the centres, and their sigmas."""
        return self._between_centres(slice(2, 3), slice(0, 2))

    def _between_centres(self, axes: slice, others: slice | None) -> tuple[FloatArray, FloatArray]:
        """Return distances [n, n] along some axes, errors of both ends propagated to first order.

        Where two centres coincide the direction is unknown, and all axes' variances add. Where up
        is not known for sure, a share of the distance along the `others` counts as well.
        """
        squares, variances = self._squares_between_centres
        square, variance = squares[axes], variances[axes]
        total = np.add.reduce(square)
        weighted = np.add.reduce(square * variance) / np.where(total > 0, total, 1.0)
        both = np.where(total > 0, weighted, np.add.reduce(variance))
        if others is not None and self.sigma_up:
            both += self.sigma_up**2 * np.add.reduce(squares[others])
        return np.sqrt(total), np.sqrt(both)

    @cached_property
    def sigma_up(self) -> float:
        """Return the standard deviation of the up direction in radians, 0 if it is not known."""
        return float(np.deg2rad(np.nan_to_num(self.gravity.sigma_up_deg)))

    @cached_property
    def _squares_between_centres(self) -> tuple[FloatArray, FloatArray]:
        """Return the squared differences [3, n, n] of centres, axis by axis, and variances."""
        position, variance = self.centre_m.T, self.sigma_centre_m.T**2
        difference = position[:, :, None] - position[:, None]
        return difference**2, variance[:, :, None] + variance[:, None]


def level_coordinates(points_m: FloatArray, camera: Camera, axes: GravityAxes) -> FloatArray:
    """Return points [..., 3] as (right of the camera, forward of the camera, up in the frame)."""
    pose = camera.world_from_camera
    level = np.array([axes.right, axes.forward, axes.up]) @ pose[:3, :3].T
    coordinates = (points_m - pose[:3, 3]) @ level.T
    coordinates[..., 2] = points_m[..., 2]
    return coordinates


class BoxShapes(TypedDict):
    """The fields of `Measurements` that say what shape objects have."""

    footprint_m2: FloatArray
    outline_fill: FloatArray
    volumes_m3: FloatArray
    inside_share: FloatArray


def box_shapes(size_m: FloatArray) -> BoxShapes:
    """Return the shapes of objects of which only the boxes [n, 3] are known."""
    number = len(size_m)
    return BoxShapes(
        footprint_m2=size_m[:, :2].prod(axis=1),
        outline_fill=np.ones(number),
        volumes_m3=np.stack([size_m.prod(axis=1)] * 3, axis=1),
        inside_share=np.zeros((number, number)),
    )


def ground_truth_measurements(shard: ViewShard, view: int) -> Measurements:
    """Return what the simulator knows of a view's objects; every sigma is 0."""
    return GroundTruthShard(shard).of(view)


class GroundTruthShard:
    """Ground truth of a view shard as measurements, tables read once.

    With `boxes_only` the boxes stand for the shapes even where what is drawn is known.
    """

    def __init__(self, shard: ViewShard, *, boxes_only: bool = False) -> None:
        self._shard = shard
        self._shapes = None if boxes_only else DrawnShapes.of_shard(shard)
        self._objects = {
            (row.scene_id, row.instance): row for row in shard.objects.itertuples(index=False)
        }
        self._visible: dict[int, list[Any]] = {}
        for row in shard.visibility.itertuples(index=False):
            if (row.scene_id, row.instance) in self._objects:
                self._visible.setdefault(row.view, []).append(row)

    def of(self, view: int) -> Measurements:
        """Return the measurements of one view."""
        shard, visible = self._shard, self._visible.get(view, [])
        camera = shard.camera(view)
        row = shard.views.iloc[view]
        axes = axes_from_pose(camera.world_from_camera)
        boxes = [self._objects[entry.scene_id, entry.instance] for entry in visible]
        box = _numbers(boxes, "x_m", "y_m", "z_m", "width_m", "depth_m", "height_m", "yaw_deg")
        centre, size, yaw = box[:, :3], box[:, 3:6], box[:, 6]
        number = len(boxes)
        extents = level_coordinates(upright_boxes.box_corners(centre, size, yaw), camera, axes)
        measured = Measurements(
            view=view,
            scene_id=row.scene_id,
            camera=camera,
            gravity=gravity_row(
                axes,
                view=view,
                view_id=row.view_id,
                scene_id=row.scene_id,
                source="pose",
                camera_height_m=float(camera.position_m[2]),
            ),
            instance=np.array([entry.instance for entry in visible], dtype=np.int64),
            object_id=tuple(entry.object_id for entry in boxes),
            label=tuple(entry.category for entry in boxes),
            kind=tuple(entry.kind for entry in boxes),
            pixels=np.array([entry.pixels for entry in visible], dtype=np.int64),
            box_px=_numbers(visible, "x0", "y0", "x1", "y1").astype(np.int64),
            truncated=np.array([entry.truncated for entry in visible], dtype=bool),
            occluded=np.array(
                [entry.fraction_visible < MIN_UNOCCLUDED_FRACTION for entry in visible], dtype=bool
            ),
            centre_m=centre,
            size_m=size,
            yaw_deg=yaw,
            has_front=np.ones(number, dtype=bool),
            low_m=extents.min(axis=1),
            high_m=extents.max(axis=1),
            nearest_m=upright_boxes.distance_to_point_m(centre, size, yaw, camera.position_m),
            distance_m=np.linalg.norm(centre - camera.position_m, axis=1),
            gap_m=upright_boxes.box_gaps_m(centre, size, yaw),
            sigma_centre_m=np.zeros((number, 3)),
            sigma_size_m=np.zeros((number, 3)),
            sigma_yaw_deg=np.zeros(number),
            sigma_extent_m=np.zeros((number, 3)),
            sigma_nearest_m=np.zeros(number),
            sigma_distance_m=np.zeros(number),
            sigma_gap_m=np.zeros((number, number)),
            **box_shapes(size),
            shape_source="box",
        )
        if self._shapes is None:
            return measured
        return _with_shapes(
            measured, self._shapes, boxes, _numbers(visible, "nearest_m")[:, 0], axes
        )


def _with_shapes(
    measured: Measurements,
    shapes: DrawnShapes,
    objects: Sequence[Any],
    nearest_m: FloatArray,
    axes: GravityAxes,
) -> Measurements:
    """Return the measurements with what the drawn surfaces say in place of the boxes."""
    low_m, high_m = measured.low_m.copy(), measured.high_m.copy()
    for place, row in enumerate(objects):
        outline = shapes.outline_m(row)
        if len(outline):
            corners = np.column_stack([outline, np.zeros(len(outline))])
            level = level_coordinates(corners, measured.camera, axes)[:, :2]
            low_m[place, :2], high_m[place, :2] = level.min(axis=0), level.max(axis=0)
    gap_m, inside_share = shapes.pairs(objects, measured.gap_m, measured.inside_share)
    return replace(
        measured,
        low_m=low_m,
        high_m=high_m,
        nearest_m=np.where(np.isnan(nearest_m), measured.nearest_m, nearest_m),
        gap_m=gap_m,
        footprint_m2=shapes.footprints_m2(objects, measured.footprint_m2),
        outline_fill=np.array([row.outline_fill if row.outline else 1.0 for row in objects]),
        volumes_m3=shapes.volumes_m3(objects, measured.volumes_m3),
        inside_share=inside_share,
        shape_source="surface",
    )


class MeasuredShard:
    """What was measured in the depth maps of a view shard: `{shard}.measured.parquet` and others.

    `clouds` is the path of the cloud shard, `results/pointclouds/{source}/{shard}.zarr`; the
    tables lie beside it.
    """

    def __init__(self, shard: ViewShard, clouds: Path) -> None:
        self._shard = shard
        self._gravity = {
            row["view"]: GravityRow.model_validate(row)
            for row in read_table(table_path(clouds, "gravity")).to_dict("records")
        }
        self._rows = dict(list(read_table(table_path(clouds, "measured")).groupby("view")))
        self._gaps = dict(list(read_table(table_path(clouds, "gaps")).groupby("view")))

    def of(self, view: int) -> Measurements:
        """Return the measurements of one view."""
        gravity = self._gravity[view]
        camera = aligned_camera(self._shard.camera(view), gravity)
        return measurements_from_rows(gravity, camera, self._rows.get(view), self._gaps.get(view))


def measurements_from_rows(
    gravity: GravityRow, camera: Camera, rows: pd.DataFrame | None, gaps: pd.DataFrame | None
) -> Measurements:
    """Return the measurements that rows of `MeasuredRow` and `GapRow` of one view hold."""
    all_rows = [] if rows is None else list(rows.itertuples(index=False))
    measured_rows = [row for row in all_rows if not row.reason]
    position = {row.instance: index for index, row in enumerate(measured_rows)}
    gap_m = np.zeros((len(measured_rows), len(measured_rows)))
    sigma_gap_m = np.zeros_like(gap_m)
    size_m = _numbers(measured_rows, "width_m", "depth_m", "height_m")
    for pair in [] if gaps is None else gaps.itertuples(index=False):
        a, b = position[pair.instance_a], position[pair.instance_b]
        gap_m[a, b] = gap_m[b, a] = pair.gap_m
        sigma_gap_m[a, b] = sigma_gap_m[b, a] = pair.sigma_gap_m
    return Measurements(
        view=gravity.view,
        scene_id=gravity.scene_id,
        camera=camera,
        gravity=gravity,
        instance=np.array([row.instance for row in measured_rows], dtype=np.int64),
        object_id=tuple(row.object_id for row in measured_rows),
        label=tuple(row.label for row in measured_rows),
        kind=tuple(row.kind for row in measured_rows),
        pixels=np.array([row.pixels for row in measured_rows], dtype=np.int64),
        box_px=_numbers(measured_rows, "x0", "y0", "x1", "y1").astype(np.int64),
        truncated=np.array([row.truncated for row in measured_rows], dtype=bool),
        occluded=np.array([row.occluded for row in measured_rows], dtype=bool),
        centre_m=_numbers(measured_rows, "x_m", "y_m", "z_m"),
        size_m=size_m,
        yaw_deg=_numbers(measured_rows, "yaw_deg")[:, 0],
        has_front=np.array([row.has_front for row in measured_rows], dtype=bool),
        low_m=_numbers(measured_rows, "right_low_m", "forward_low_m", "bottom_m"),
        high_m=_numbers(measured_rows, "right_high_m", "forward_high_m", "top_m"),
        nearest_m=_numbers(measured_rows, "nearest_m")[:, 0],
        distance_m=_numbers(measured_rows, "distance_m")[:, 0],
        gap_m=gap_m,
        sigma_centre_m=_numbers(measured_rows, "sigma_x_m", "sigma_y_m", "sigma_z_m"),
        sigma_size_m=_numbers(measured_rows, "sigma_width_m", "sigma_depth_m", "sigma_height_m"),
        sigma_yaw_deg=_numbers(measured_rows, "sigma_yaw_deg")[:, 0],
        sigma_extent_m=_numbers(measured_rows, "sigma_right_m", "sigma_forward_m", "sigma_up_m"),
        sigma_nearest_m=_numbers(measured_rows, "sigma_nearest_m")[:, 0],
        sigma_distance_m=_numbers(measured_rows, "sigma_distance_m")[:, 0],
        sigma_gap_m=sigma_gap_m,
        **box_shapes(size_m),
        shape_source="cloud",
        unmeasured={row.instance: row.reason for row in all_rows if row.reason},
    )


def _numbers(rows: Sequence[Any], *names: str) -> FloatArray:
    """Return attributes of rows as f64 [n, names]."""
    values = [[getattr(row, name) for name in names] for row in rows]
    return np.array(values, dtype=np.float64).reshape(len(rows), len(names))
