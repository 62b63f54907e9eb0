"""The measured quantities behind an answer, by name: "a.right_m", "b.top_m"."""

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import SLOTS, Batch
from workflow_scripts.vqa.question_types.base import Family
from workflow_scripts.vqa.view_context import ViewContext


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
        }
    level = measured.centre_level_m
    return {
        "right_m": level[:, 0],
        "forward_m": level[:, 1],
        "up_m": level[:, 2],
        "bottom_m": measured.low_m[:, 2],
        "top_m": measured.high_m[:, 2],
    }


def evidence_of(
    family: Family, batch: Batch, row: int, view_context: ViewContext
) -> dict[str, float]:
    """Return the evidence of a row: each object's quantities, and gaps of pairs."""
    places = batch.objects[row].tolist()
    found = {}
    values = quantities_of(family.frame, view_context)
    for slot, place in zip(SLOTS, places, strict=False):
        for name, value in values.items():
            found[f"{slot}.{name}"] = round(float(value[place]), 4)
    if family.frame == "gravity" and len(places) > 1:
        gaps = view_context.measured.gap_m[np.ix_(places, places)]
        for one, other in zip(*np.triu_indices(min(len(places), len(SLOTS)), 1), strict=True):
            found[f"{SLOTS[one]}{SLOTS[other]}.gap_m"] = round(float(gaps[one, other]), 4)
    if view_context.room_size_m is not None and not places and family.unit in ("m", "m2"):
        found["room.short_m"], found["room.long_m"] = (
            round(side, 4) for side in view_context.room_size_m
        )
    return found
