"""Light of lamps, windows and other surfaces in the cells of a house, shared by all its views.

A cell is lit when a view first shows it. Its light follows from the house alone: neither other
cells, nor the order in which cells are lit, change a bit of it.
"""

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.views.pathtrace.direct_light import DirectLight
from workflow_scripts.views.pathtrace.radiosity import Radiosity
from workflow_scripts.views.pathtrace.surface_cells import SurfaceCells
from workflow_scripts.views.pathtrace.surfaces import STEP_M

SHADOW_RAYS = 24
GATHER_RAYS = 16
MORE_GATHER_RAYS = 25
# Shadow rays leave this much noise in the share of light that arrives.
_NOISE_OF_SHARE = 0.2
_NEAR_M = 0.2
# Cells this near to another surface are hidden, and hardly count.
_HIDDEN_M = 0.01
_SMOOTHING_STEPS = (1, 3)
# Bounced light is averaged over cells within this part of the distance to other surfaces.
_SMOOTHING_RADIUS = 0.4


class LightCache:
    """Light of both sides of every cell: side s of cell c is row s * num_cells + c.

    `direct` f32 [2 c, 3 (colour), 3] are vectors as of `DirectLight`; `share` f32 [2 c] is
    the share of it that nothing blocks. `bounced` f32 [2 c, 3, 4] is a vector too, and a
    part that does not depend on the normal: light from below the horizon is unknown, and taken
    to be as bright as that above.
    """

    def __init__(
        self, cells: SurfaceCells, direct_light: DirectLight, radiosity: Radiosity
    ) -> None:
        self._cells, self._direct_light, self._radiosity = cells, direct_light, radiosity
        num_rows = 2 * len(cells.position_m)
        # Memory that is never written costs nothing: most cells are never seen.
        self.direct, self._sampled_direct, *self._stages = (
            np.zeros((num_rows, 3, 3), dtype=np.float32) for _ in range(3 + len(_SMOOTHING_STEPS))
        )
        self.bounced = np.zeros((num_rows, 3, 4), dtype=np.float32)
        self.share, self._sampled_share, self.distance = (
            np.zeros(num_rows, dtype=np.float32) for _ in range(3)
        )
        self._is_lit, self._is_sampled = (np.zeros(num_rows, dtype=bool) for _ in range(2))
        self._has_stage = [np.zeros(num_rows, dtype=bool) for _ in _SMOOTHING_STEPS]

    def light(self, rows: np.ndarray) -> None:
        """Light those of `rows` i32 [...] (-1: none) that are not lit."""
        rows = rows[rows >= 0]
        unlit = np.unique(rows[~self._is_lit[rows]]).astype(np.int64)
        if not len(unlit):
            return
        self._is_lit[unlit] = True
        sampled = self._with_neighbours(unlit, self._is_sampled, step=1)
        self._is_sampled[sampled] = True
        points, normals = self._points(sampled)
        self._sampled_direct[sampled], self._sampled_share[sampled] = self._direct_light.illuminate(
            points, normals, sampled.astype(np.uint64), SHADOW_RAYS
        )
        _average_direct(
            unlit,
            self._cells.neighbours,
            self._sampled_direct,
            self._sampled_share,
            np.float32(_NOISE_OF_SHARE),
            self.direct,
            self.share,
        )
        stages = [unlit]
        for step, present in zip(_SMOOTHING_STEPS[::-1], self._has_stage[::-1], strict=True):
            stages.append(self._with_neighbours(stages[-1], present, step=step))
            present[stages[-1]] = True
        gathered, *averaged = stages[::-1]
        self._gather(gathered)
        for step, rows, source, target in zip(
            _SMOOTHING_STEPS, averaged, self._stages[:-1], self._stages[1:], strict=True
        ):
            self._average(rows, source, target, step=step)
        _, normals = self._points(unlit)
        vectors = self._stages[-1][unlit]
        self.bounced[unlit, :, :3] = vectors
        self.bounced[unlit, :, 3] = np.einsum("nca,na->nc", vectors, normals)
        self.bounced[unlit] *= np.float32(0.5)

    def _gather(self, rows: np.ndarray) -> None:
        """Gather bounced light, with more rays where other surfaces are near."""
        points, normals = self._points(rows)
        seeds = rows.astype(np.uint64)
        light, distance = self._radiosity.gather(points, normals, seeds, GATHER_RAYS)
        near = np.flatnonzero((distance < _NEAR_M) & (distance > _HIDDEN_M))
        more, _ = self._radiosity.gather(
            points[near], normals[near], seeds[near] + np.uint64(1 << 41), MORE_GATHER_RAYS
        )
        total = np.float32(GATHER_RAYS + MORE_GATHER_RAYS)
        light[near] = (light[near] * GATHER_RAYS + more * MORE_GATHER_RAYS) / total
        self._stages[0][rows], self.distance[rows] = light, distance

    def _points(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        num_cells = len(self._cells.position_m)
        cell = rows % num_cells
        sign = np.where(rows < num_cells, np.float32(1), np.float32(-1))[:, None]
        normals = self._cells.normal[cell] * sign
        return self._cells.position_m[cell] + normals * np.float32(STEP_M), normals

    def _with_neighbours(self, rows: np.ndarray, present: np.ndarray, *, step: int) -> np.ndarray:
        """Return the rows whose value `_average` reads for `rows`, but those that are present."""
        num_cells = len(self._cells.position_m)
        cell = rows % num_cells
        self._cells.link(cell)
        around = self._cells.neighbours[cell]
        for _ in range(step - 1):
            self._cells.link(around[around >= 0])
            around = np.where(around >= 0, self._cells.neighbours[around, np.arange(8)], -1)
        side = (rows // num_cells * num_cells)[:, None]
        wanted = np.concatenate([rows, (around + side)[around >= 0]])
        return np.unique(wanted[~present[wanted]])

    def _average(
        self, rows: np.ndarray, source: np.ndarray, target: np.ndarray, *, step: int
    ) -> None:
        _average(
            rows,
            step,
            self._cells.neighbours,
            self._cells.position_m,
            self.distance,
            np.float32(_SMOOTHING_RADIUS),
            source,
            target,
        )


@numba_kernel
def _average(
    rows: np.ndarray,
    step: int,
    neighbours: np.ndarray,
    positions: np.ndarray,
    distance: np.ndarray,
    radius: float,
    source: np.ndarray,
    target: np.ndarray,
) -> None:
    """Average the light of cells with that of the eight around them, `step` cells away.

    Near other surfaces light changes quickly, and only cells that are nearer still count.
    """
    num_cells = len(positions)
    for number in range(len(rows)):
        row = rows[number]
        cell = row % num_cells
        side = row - cell
        target[row] = source[row]
        total = np.float32(1)
        for place in range(8):
            other = neighbours[cell, place]
            for _ in range(step - 1):
                if other >= 0:
                    other = neighbours[other, place]
            if other < 0:
                continue
            square = np.float32(0)
            for axis in range(3):
                way = positions[other, axis] - positions[cell, axis]
                square += way * way
            reach = radius * min(distance[row], distance[side + other])
            weight = min(
                max(np.float32(1.5) - np.sqrt(square) / reach, np.float32(0)), np.float32(1)
            )
            total += weight
            for channel in range(3):
                for axis in range(3):
                    target[row, channel, axis] += weight * source[side + other, channel, axis]
        for channel in range(3):
            for axis in range(3):
                target[row, channel, axis] /= total


@numba_kernel
def _average_direct(
    rows: np.ndarray,
    neighbours: np.ndarray,
    direct: np.ndarray,
    share: np.ndarray,
    noise: float,
    target: np.ndarray,
    target_share: np.ndarray,
) -> None:
    """Average the direct light of cells with that of neighbours that differ by noise alone."""
    num_cells = len(neighbours)
    for number in range(len(rows)):
        row = rows[number]
        cell = row % num_cells
        side = row - cell
        target[row] = direct[row]
        target_share[row] = share[row]
        total = np.float32(1)
        for place in range(8):
            other = neighbours[cell, place]
            if other < 0:
                continue
            other += side
            weight = 1 - abs(share[other] - share[row]) / noise
            if weight <= 0:
                continue
            total += weight
            target[row] += weight * direct[other]
            target_share[row] += weight * share[other]
        target[row] /= total
        target_share[row] /= total
