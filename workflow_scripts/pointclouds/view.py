"""Measure one view: its gravity frame, its objects' clouds, and the rows that say what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.gravity import aligned_camera, axes_of_row
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow
from workflow_scripts.pointclouds.depth_error import DepthError
from workflow_scripts.pointclouds.measure import Eye, Geometry, measure
from workflow_scripts.pointclouds.objects import ObjectClouds, object_clouds

NOT_MEASURED = float("nan")


@dataclass(frozen=True)
class Thing:
    """An instance of a view's masks: what it is called."""

    instance: int
    object_id: str
    label: str
    kind: str


def eye_of(camera: Camera, gravity: GravityRow) -> Eye:
    """Return where a camera posed in its gravity-aligned frame is, and its level axes."""
    axes, rotation = axes_of_row(gravity), camera.world_from_camera[:3, :3]
    right, forward = (rotation @ axis for axis in (axes.right, axes.forward))
    return Eye(camera.position_m, right[:2], forward[:2])


def measure_view(
    depth_m: np.ndarray,
    instance: np.ndarray,
    camera: Camera,
    things: Sequence[Thing],
    gravity: GravityRow,
    *,
    error: DepthError,
    confidence: np.ndarray | None = None,
    min_confidence: float = 0.0,
) -> tuple[list[MeasuredRow], list[GapRow]]:
    """Return a row for every thing, in order, and one for every pair of measured ones.

    `depth_m`, `instance`, `confidence` are [h, w]; `camera` is the shard's.
    """
    aligned = aligned_camera(camera, gravity)
    clouds = object_clouds(
        depth_m,
        instance,
        aligned,
        [thing.instance for thing in things],
        error=error,
        confidence=confidence,
        min_confidence=min_confidence,
    )
    good = [number for number, reason in enumerate(clouds.reason) if not reason]
    parts = [slice(clouds.start[number], clouds.start[number + 1]) for number in good]
    depths = np.array([clouds.depth_m[part].mean() for part in parts])
    geometry = measure(
        [clouds.point_m[part] for part in parts],
        eye_of(aligned, gravity),
        error=error,
        pixel_m=depths / camera.intrinsics[0, 0],
        depth_m=depths,
        border_px=clouds.border_px,
        hidden=(clouds.truncated | clouds.occluded)[good],
        lost_px=clouds.lost_px[good],
        tilt_deg=float(np.nan_to_num(gravity.sigma_up_deg)),
    )
    place = {number: index for index, number in enumerate(good)}
    rows = [
        MeasuredRow(
            view=gravity.view,
            scene_id=gravity.scene_id,
            instance=thing.instance,
            object_id=thing.object_id,
            label=thing.label,
            kind=thing.kind,  # type: ignore[arg-type]
            reason=clouds.reason[number],
            **_mask(clouds, number),
            **_numbers(geometry, place.get(number)),
        )
        for number, thing in enumerate(things)
    ]
    return rows, _gaps(gravity, [things[number].instance for number in good], geometry)


def _mask(clouds: ObjectClouds, number: int) -> Mapping[str, int | bool]:
    """Return the fields of a row that the mask decides."""
    box = dict(zip(("x0", "y0", "x1", "y1"), clouds.box_px[number].tolist(), strict=True))
    return {
        "pixels": int(clouds.pixels[number]),
        "num_points": int(clouds.start[number + 1] - clouds.start[number]),
        "truncated": bool(clouds.truncated[number]),
        "occluded": bool(clouds.occluded[number]),
        **box,
    }


def _numbers(geometry: Geometry, index: int | None) -> Mapping[str, float | bool]:
    """Return the fields of a row that the cloud decides, NaN for an object without one."""

    def one(values: np.ndarray, *place: int) -> float:
        return NOT_MEASURED if index is None else float(values[(index, *place)])

    fields: dict[str, float | bool] = {"has_front": False}
    for axis, letter in enumerate("xyz"):
        fields[f"{letter}_m"] = one(geometry.centre_m, axis)
        fields[f"sigma_{letter}_m"] = one(geometry.sigma_centre_m, axis)
    for axis, side in enumerate(("width", "depth", "height")):
        fields[f"{side}_m"] = one(geometry.size_m, axis)
        fields[f"sigma_{side}_m"] = one(geometry.sigma_size_m, axis)
    for axis, (low, high, name) in enumerate(
        (
            ("right_low_m", "right_high_m", "sigma_right_m"),
            ("forward_low_m", "forward_high_m", "sigma_forward_m"),
            ("bottom_m", "top_m", "sigma_up_m"),
        )
    ):
        fields[low] = one(geometry.low_m, axis)
        fields[high] = one(geometry.high_m, axis)
        fields[name] = one(geometry.sigma_extent_m, axis)
    for name in ("yaw_deg", "nearest_m", "distance_m"):
        fields[name] = one(getattr(geometry, name))
        fields[f"sigma_{name}"] = one(getattr(geometry, f"sigma_{name}"))
    return fields


def _gaps(gravity: GravityRow, instances: Sequence[int], geometry: Geometry) -> list[GapRow]:
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
