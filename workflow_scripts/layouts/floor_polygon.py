"""Floor polygons as they come: open or closed, corners twice, either way round."""

import numpy as np
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import FloatArray

SAME_CORNER_M = 1e-3
MIN_AREA_M2 = 0.01


def clean_floor_polygon(corners_m: FloatArray, *, where: str) -> FloatArray:
    """Return corners [n, 2] clockwise seen from above, each once and the ring open.

    `UserError` names `where` if they enclose no area or the outline crosses or touches itself.
    """
    corners = np.asarray(corners_m, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(corners).all():
        raise UserError(f"{where} has a corner that is not a finite number")
    far = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) >= SAME_CORNER_M
    corners = corners[far]
    shape = Polygon(corners) if len(corners) >= 3 else Polygon()
    if not shape.is_valid:
        raise UserError(f"{where} is not a simple polygon: {explain_validity(shape)}")
    if shape.area < MIN_AREA_M2:
        raise UserError(
            f"{where} has {len(corners)} corners and encloses {shape.area:.4f} m2; "
            f"at least 3 corners and {MIN_AREA_M2} m2 are needed"
        )
    clockwise: FloatArray = corners[::-1] if shape.exterior.is_ccw else corners
    return clockwise


def distance_to_edge_m(point_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> float:
    """Return how far a floor point [2] is from an edge; infinity for one without length."""
    side = end_m - start_m
    square = float(side @ side)
    if square <= 0:
        return float("inf")
    share = min(max(float((point_m - start_m) @ side) / square, 0.0), 1.0)
    return float(np.linalg.norm(point_m - start_m - share * side))
