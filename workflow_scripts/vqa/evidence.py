"""The measured quantities behind an answer, by name: "a.right_m", "b.top_m"."""

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.margins import Unit
from workflow_scripts.vqa.templates import SLOTS
from workflow_scripts.vqa.view_context import ViewContext
from workflow_scripts.vqa.view_pair import ViewPair


def quantities_of(frame: str, view_context: ViewContext) -> dict[str, FloatArray]:
    """Return what counts in a frame, [n] each."""
    measured = view_context.measured
    if frame == "picture":
        return {"u_px": view_context.mark_px[:, 0], "v_px": view_context.mark_px[:, 1]}
    if frame == "camera":
        return {
            "distance_m": measured.distance_m,
            "nearest_m": measured.nearest_m,
            "depth_m": measured.centre_camera_m[:, 2],
        }
    if frame == "object":
        names = ("width_m", "depth_m", "height_m")
        return {
            **{name: measured.size_m[:, axis] for axis, name in enumerate(names)},
            "yaw_deg": measured.yaw_deg,
            "footprint_m2": measured.footprint_m2,
            "volume_m3": measured.volumes_m3[:, 0],
        }
    level = measured.centre_level_m
    return {
        "right_m": level[:, 0],
        "forward_m": level[:, 1],
        "up_m": level[:, 2],
        "bottom_m": measured.low_m[:, 2],
        "top_m": measured.high_m[:, 2],
    }


def view_evidence(
    frame: str, unit: Unit, batch: Batch, row: int, view_context: ViewContext
) -> dict[str, float]:
    """Return the evidence of a row about one view: each object's quantities, and gaps of pairs."""
    objects = batch.objects[row].tolist()
    evidence = {}
    quantities = quantities_of(frame, view_context)
    for slot, object_row in zip(SLOTS, objects, strict=False):
        for name, values in quantities.items():
            evidence[f"{slot}.{name}"] = round(float(values[object_row]), 4)
    if frame == "gravity" and len(objects) > 1:
        gaps = view_context.measured.gap_m[np.ix_(objects, objects)]
        for first, second in zip(*np.triu_indices(min(len(objects), len(SLOTS)), 1), strict=True):
            gap = round(float(gaps[first, second]), 4)
            evidence[f"{SLOTS[first]}{SLOTS[second]}.gap_m"] = gap
    if view_context.room_size_m is not None and not objects and unit in ("m", "m2"):
        evidence["room.short_m"], evidence["room.long_m"] = (
            round(side, 4) for side in view_context.room_size_m
        )
    return evidence


def camera_motion(pair: ViewPair, batch: Batch, row: int) -> dict[str, float]:
    """Return how the camera turned and moved between two views."""
    names = ("right_m", "forward_m", "up_m")
    quantities = {"turn_deg": pair.turn_deg, **dict(zip(names, pair.moved_m, strict=True))}
    return {f"camera.{name}": round(value, 4) for name, value in quantities.items()}


def distances_in_both_views(pair: ViewPair, batch: Batch, row: int) -> dict[str, float]:
    """Return the distances of an object of both views from either camera."""
    (object_row,) = batch.objects[row].tolist()
    rows = next((a, b) for a, b in pair.shared_rows if a == object_row)
    evidence = {}
    for view, view_context, at in zip(
        ("first", "second"), (pair.first, pair.second), rows, strict=True
    ):
        measured = view_context.measured
        evidence[f"{view}.distance_m"] = round(float(measured.distance_m[at]), 4)
        evidence[f"{view}.nearest_m"] = round(float(measured.nearest_m[at]), 4)
    return evidence


def no_quantities(pair: ViewPair, batch: Batch, row: int) -> dict[str, float]:
    """Return nothing: what decides is that an object is recognised, not a quantity."""
    return {}
