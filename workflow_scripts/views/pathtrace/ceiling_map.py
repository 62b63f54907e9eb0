"""Where the ceiling is closed: what lies below it in the direction of the sun is in its shadow."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

_CELL_M = 0.2


class CeilingArrays(NamedTuple):
    """Cells of the ceiling, `is_closed` [x, y], from `low_m` f32 [2] on, at `height_m`."""

    is_closed: np.ndarray
    low_m: np.ndarray
    cell_m: np.float32
    height_m: np.float32


def closed_ceiling(rooms: Sequence[shapely.Polygon], height_m: float) -> CeilingArrays:
    """Return which cells of the floor plan lie within the ceiling of one room."""
    bounds = np.array([room.bounds for room in rooms])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    num_x, num_y = np.maximum(np.ceil((high - low) / _CELL_M), 1).astype(int)
    is_closed = np.zeros((num_x, num_y), dtype=bool)
    for room, room_bounds in zip(rooms, bounds, strict=True):
        first = np.floor((room_bounds[:2] - low) / _CELL_M).astype(int)
        last = np.ceil((room_bounds[2:] - low) / _CELL_M).astype(int)
        i, j = np.meshgrid(*map(np.arange, first, last), indexing="ij")
        # A cell around a point lies within the room if a circle around the cell does.
        inner = room.buffer(-0.75 * _CELL_M)
        shapely.prepare(inner)
        x, y = low[0] + (i + 0.5) * _CELL_M, low[1] + (j + 0.5) * _CELL_M
        is_closed[i, j] |= shapely.contains_xy(inner, x, y)
    return CeilingArrays(
        is_closed, low.astype(np.float32), np.float32(_CELL_M), np.float32(height_m)
    )
