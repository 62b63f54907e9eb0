"""The floor of a room as a raster of 5 cm: what is free, and where a group of objects fits.

Three layers are kept, each with its summed-area table, so that a rectangle anywhere is tested
with four look-ups: `solid` (outside the room, or something stands there), `kept` (solid, or floor
that must stay free: doors, and the space in front of furniture) and `low` (kept, or in front of a
window, where only low objects may stand).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from workflow_scripts.scenes.generator.floor_plan import STEP_M
from workflow_scripts.scenes.generator.walls import Point, Rect, Room

OCCUPIED, RESERVED, LOW_ONLY = 0, 1, 2
AGENT_RADIUS_M = 0.2
GRID_M = 0.25
_EPSILON = 1e-6


class OccupancyGrid:
    """The floor raster of one room."""

    def __init__(self, room: Room) -> None:
        corners = np.array(room.outline)
        self.origin = corners.min(axis=0)
        size = np.rint((corners.max(axis=0) - self.origin) / STEP_M).astype(int)
        # One ring of cells outside the room, so that every window of cells can be asked for.
        self.origin = self.origin - STEP_M
        self.layers = np.ones((3, size[1] + 2, size[0] + 2), dtype=bool)
        for cell in room.cells:
            rows, columns = self._cells(cell)
            self.layers[:, rows, columns] = False
        self.inside = ~self.layers[OCCUPIED]
        self.must_reach: list[Rect] = []
        self._integral_images = np.zeros((3, size[1] + 3, size[0] + 3), dtype=np.int32)
        self._update_integral_images()

    def _cells(self, rect: Rect) -> tuple[slice, slice]:
        """Return the cells (rows, columns) that a rectangle touches."""
        x0, y0, x1, y1 = rect
        low = np.floor((np.array([x0, y0]) - self.origin) / STEP_M + _EPSILON).astype(int)
        high = np.ceil((np.array([x1, y1]) - self.origin) / STEP_M - _EPSILON).astype(int)
        low = np.maximum(low, 0)
        return slice(low[1], max(high[1], low[1])), slice(low[0], max(high[0], low[0]))

    def _update_integral_images(self) -> None:
        self._integral_images[:, 1:, 1:] = self.layers.cumsum(axis=1, dtype=np.int32).cumsum(axis=2)

    def occupy(self, rects: Sequence[Rect]) -> None:
        """Mark rectangles as occupied."""
        for rect in rects:
            self.layers[(slice(None), *self._cells(rect))] = True
        self._update_integral_images()

    def reserve(self, rects: Sequence[Rect], *, reach: bool) -> None:
        """Keep floor free of objects; with `reach` an agent must be able to get there."""
        for rect in rects:
            self.layers[(slice(RESERVED, None), *self._cells(rect))] = True
        if reach:
            self.must_reach.extend(rects)
        self._update_integral_images()

    def reserve_low(self, rect: Rect) -> None:
        """Allow only low objects in a rectangle."""
        self.layers[(LOW_ONLY, *self._cells(rect))] = True
        self._update_integral_images()

    def fits(self, anchors: np.ndarray, rects: np.ndarray, layers: np.ndarray) -> np.ndarray:
        """Tell for anchors [n, 2] whether rectangles [n, r, 4] relative to them are all free.

        `layers` [r] says which layer each rectangle must be free in. Returns bool [n].
        """
        placed = rects + np.concatenate([anchors, anchors], axis=1)[:, None, :]
        placed = (placed - np.concatenate([self.origin, self.origin])) / STEP_M
        low = np.floor(placed[..., :2] + _EPSILON).astype(np.int64)
        high = np.ceil(placed[..., 2:] - _EPSILON).astype(np.int64)
        height, width = self.layers.shape[1:]
        limit = np.array([width, height])
        inside = ((low >= 0) & (high <= limit)).all(axis=(1, 2))
        low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
        layer = layers[None, :]
        sums = self._integral_images
        total = (
            sums[layer, high[..., 1], high[..., 0]]
            - sums[layer, low[..., 1], high[..., 0]]
            - sums[layer, high[..., 1], low[..., 0]]
            + sums[layer, low[..., 1], low[..., 0]]
        )
        free: np.ndarray = inside & (total == 0).all(axis=1)
        return free

    def walkable(self, extra: Sequence[Rect] = ()) -> np.ndarray:
        """Return the cells [y, x] on whose middle an agent (square of 0.2 m) can stand."""
        solid = self.layers[OCCUPIED]
        if extra:
            solid = solid.copy()
            for rect in extra:
                solid[self._cells(rect)] = True
            sums = np.zeros_like(self._integral_images[0])
            sums[1:, 1:] = solid.cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
        else:
            sums = self._integral_images[OCCUPIED]
        reach = round(AGENT_RADIUS_M / STEP_M)
        height, width = solid.shape
        free: np.ndarray = np.zeros_like(solid)
        window = 2 * reach + 1
        total = (
            sums[window:, window:]
            - sums[:-window, window:]
            - sums[window:, :-window]
            + sums[:-window, :-window]
        )
        free[reach : height - reach, reach : width - reach] = total == 0
        return free

    def stays_connected(self, solid: Sequence[Rect], reach: Sequence[Rect]) -> bool:
        """Return whether, with more occupied, all points to reach are on one walkable floor."""
        labels, count = ndimage.label(self.walkable(solid))
        if not count:
            return False
        main: int | None = None
        for rect in (*self.must_reach, *reach):
            reached = labels[self._cells(rect)]
            if main is None:
                sizes = np.bincount(reached.ravel())
                sizes[0] = 0
                main = int(sizes.argmax()) if sizes.any() else 0
            if not main or not (reached == main).any():
                return False
        return True

    def free_fraction(self) -> float:
        """Return the share of the room's floor where nothing stands."""
        return float((~self.layers[OCCUPIED]).sum() / self.inside.sum())

    def max_clearance_point(self) -> Point:
        """Return the reachable point of ProcTHOR's 0.25 m grid that is farthest from objects."""
        labels, _ = ndimage.label(self.walkable())
        distance = ndimage.distance_transform_cdt(~self.layers[OCCUPIED], metric="chessboard")
        if self.must_reach:
            reached = labels[self._cells(self.must_reach[0])]
            sizes = np.bincount(reached.ravel(), minlength=2)
            sizes[0] = 0
            distance = np.where(labels == int(sizes.argmax()), distance, 0)
        # The grid's points lie on corners of cells; a point is the lower left corner of its cell.
        height, width = distance.shape
        x, y = (
            np.rint((start + STEP_M * np.arange(size)) / STEP_M).astype(int)
            for start, size in zip(self.origin, (width, height), strict=True)
        )
        stride = round(GRID_M / STEP_M)
        on_grid = (y % stride == 0)[:, None] & (x % stride == 0)[None, :]
        distance = np.where(on_grid, distance, 0)
        row, column = np.unravel_index(int(distance.argmax()), distance.shape)
        return float(x[column] * STEP_M), float(y[row] * STEP_M)
