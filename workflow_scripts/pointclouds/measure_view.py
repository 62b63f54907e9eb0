"""Measure one view: its gravity frame, its objects' clouds, and the rows that say what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.geometry.gravity import aligned_camera, axes_from_row
from workflow_scripts.pointclouds.depth_error import DepthErrorModel
from workflow_scripts.pointclouds.measure_clouds import LevelCamera, ObjectGeometry, measure_clouds
from workflow_scripts.pointclouds.object_clouds import ObjectClouds, object_clouds

NOT_MEASURED = float("nan")


@dataclass(frozen=True)
class SceneObject:
    """An instance of a view's masks: what it is called."""

    instance: int
    object_id: str
    label: str
    kind: str


def level_camera(camera: Camera, gravity: GravityRow) -> LevelCamera:
    """Return where a camera posed in its gravity-aligned frame is, and its level axes."""
    axes, rotation = axes_from_row(gravity), camera.world_from_camera[:3, :3]
    right, forward = (rotation @ axis for axis in (axes.right, axes.forward))
    return LevelCamera(camera.position_m, right[:2], forward[:2])


def measure_view(
    depth_m: np.ndarray,
    instance: np.ndarray,
    camera: Camera,
    objects: Sequence[SceneObject],
    gravity: GravityRow,
    *,
    error: DepthErrorModel,
    confidence: np.ndarray | None = None,
    min_confidence: float = 0.0,
) -> tuple[list[MeasuredRow], list[GapRow]]:
    """Return a row for every object, in order, and one for every pair of measured objects.

    `depth_m`, `instance`, `confidence` are [h, w]; `camera` is the shard's.
    """
    aligned = aligned_camera(camera, gravity)
    clouds = object_clouds(
        depth_m,
        instance,
        aligned,
        [obj.instance for obj in objects],
        error=error,
        confidence=confidence,
        min_confidence=min_confidence,
    )
    measured_indices = [number for number, reason in enumerate(clouds.reason) if not reason]
    parts = [slice(clouds.start[number], clouds.start[number + 1]) for number in measured_indices]
    depths = np.array([clouds.depth_m[part].mean() for part in parts])
    geometry = measure_clouds(
        [clouds.point_m[part] for part in parts],
        level_camera(aligned, gravity),
        error=error,
        pixel_m=depths / camera.intrinsics[0, 0],
        depth_m=depths,
        border_px=clouds.border_px,
        hidden=(clouds.truncated | clouds.occluded)[measured_indices],
        lost_px=clouds.lost_px[measured_indices],
        tilt_deg=float(np.nan_to_num(gravity.sigma_up_deg)),
    )
    index_of = {number: index for index, number in enumerate(measured_indices)}
    rows = [
        MeasuredRow(
            view=gravity.view,
            scene_id=gravity.scene_id,
            instance=obj.instance,
            object_id=obj.object_id,
            label=obj.label,
            kind=obj.kind,
            reason=clouds.reason[number],
            **_mask_fields(clouds, number),
            **_geometry_fields(geometry, index_of.get(number)),
        )
        for number, obj in enumerate(objects)
    ]
    return rows, _gap_rows(
        gravity, [objects[number].instance for number in measured_indices], geometry
    )


def unmeasured_rows(
    gravity: GravityRow, objects: Sequence[SceneObject], reason: str
) -> list[MeasuredRow]:
    """Return the rows of a view in which nothing could be measured: NaN, and the reason."""
    nothing = {float: np.nan, int: 0, bool: False}
    unknown = {
        name: nothing[field.annotation]
        for name, field in MeasuredRow.model_fields.items()
        if field.annotation in nothing
    }
    return [
        MeasuredRow.model_validate(
            {
                **unknown,
                "view": gravity.view,
                "scene_id": gravity.scene_id,
                "instance": obj.instance,
                "object_id": obj.object_id,
                "label": obj.label,
                "kind": obj.kind,
                "reason": reason,
            }
        )
        for obj in objects
    ]


def _mask_fields(clouds: ObjectClouds, number: int) -> Mapping[str, int | bool]:
    """Return the fields of a row that the mask decides."""
    box = dict(zip(("x0", "y0", "x1", "y1"), clouds.box_px[number].tolist(), strict=True))
    return {
        "pixels": int(clouds.pixels[number]),
        "num_points": int(clouds.start[number + 1] - clouds.start[number]),
        "truncated": bool(clouds.truncated[number]),
        "occluded": bool(clouds.occluded[number]),
        **box,
    }


def _geometry_fields(geometry: ObjectGeometry, index: int | None) -> Mapping[str, float | bool]:
    """Return the fields of a row that the cloud decides, NaN for an object without one."""

    def value_at(values: np.ndarray, *index_of: int) -> float:
        return NOT_MEASURED if index is None else float(values[(index, *index_of)])

    fields: dict[str, float | bool] = {"has_front": False}
    for axis, letter in enumerate("xyz"):
        fields[f"{letter}_m"] = value_at(geometry.centre_m, axis)
        fields[f"sigma_{letter}_m"] = value_at(geometry.sigma_centre_m, axis)
    for axis, side in enumerate(("width", "depth", "height")):
        fields[f"{side}_m"] = value_at(geometry.size_m, axis)
        fields[f"sigma_{side}_m"] = value_at(geometry.sigma_size_m, axis)
    for axis, (low, high, name) in enumerate(
        (
            ("right_low_m", "right_high_m", "sigma_right_m"),
            ("forward_low_m", "forward_high_m", "sigma_forward_m"),
            ("bottom_m", "top_m", "sigma_up_m"),
        )
    ):
        fields[low] = value_at(geometry.low_m, axis)
        fields[high] = value_at(geometry.high_m, axis)
        fields[name] = value_at(geometry.sigma_extent_m, axis)
    for name in ("yaw_deg", "nearest_m", "distance_m"):
        fields[name] = value_at(getattr(geometry, name))
        fields[f"sigma_{name}"] = value_at(getattr(geometry, f"sigma_{name}"))
    return fields


def _gap_rows(
    gravity: GravityRow, instances: Sequence[int], geometry: ObjectGeometry
) -> list[GapRow]:
    """Return a row for every pair of measured instances."""
    order = np.argsort(instances)
    return [
        GapRow(
            view=gravity.view,
            scene_id=gravity.scene_id,
            instance_a=instances[a],
            instance_b=instances[b],
            gap_m=float(geometry.gap_m[a, b]),
            sigma_gap_m=float(geometry.sigma_gap_m[a, b]),
        )
        for a, b in combinations(order.tolist(), 2)
    ]
