"""Cells of a scan that does not fit into memory: sums of parts of it on disk, merged with Dask.

A part is what an accumulator held when it was full, sorted by instance and cell. The merge takes
one range of cells at a time from all parts, so that memory goes with the range, not with the scan.
"""

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from dask.delayed import delayed

from workflow_scripts.pointclouds.voxel_accumulator import VoxelAccumulator

MAX_CELLS = 3_000_000
"""Cells of an accumulator, and rows of a range that is merged: some 0.8 GB."""
_SAMPLES_A_PART = 1000

Piece = TypeVar("Piece")
Key = tuple[int, ...]


class SpilledCells:
    """Parts of a scan's cells in a folder, which the caller removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[int] = []

    def add(self, cells: VoxelAccumulator) -> None:
        """Write the cells of an accumulator as one more part."""
        keys = cells.keys
        order = np.lexsort(keys.T[::-1])
        for name, rows in (("keys", keys), ("count", cells.count), ("sums", cells.sums)):
            np.save(self._path(len(self.rows), name), rows[order])
        self.rows.append(len(order))

    def merge(
        self,
        finish: Callable[[np.ndarray, np.ndarray, np.ndarray], Piece],
        *,
        max_rows: int = MAX_CELLS,
    ) -> list[Piece]:
        """Return `finish(keys, count, sums)` of each range of cells, in the order of their keys."""
        bounds = self._bounds(max_rows)
        tasks = [
            delayed(self._merge_range)(first, last, finish)
            for first, last in zip([None, *bounds], [*bounds, None], strict=True)
        ]
        # One range at a time: memory is the reason why the scan is in parts.
        pieces: list[Piece] = delayed(list)(tasks).compute(scheduler="threads", num_workers=1)
        return pieces

    def _merge_range(
        self,
        first: Key | None,
        last: Key | None,
        finish: Callable[[np.ndarray, np.ndarray, np.ndarray], Piece],
    ) -> Piece:
        """Return what becomes of the cells from key `first` up to `last`; None has no limit."""
        parts: dict[str, list[np.ndarray]] = {"keys": [], "count": [], "sums": []}
        for number, num_rows in enumerate(self.rows):
            keys = self._load(number, "keys")
            start = 0 if first is None else _place(keys, first)
            stop = num_rows if last is None else _place(keys, last)
            for name, rows in parts.items():
                rows.append(np.array(self._load(number, name)[start:stop]))
        keys = np.concatenate(parts["keys"])
        order = np.lexsort(keys.T[::-1])
        keys = keys[order]
        is_new = np.ones(len(keys), bool)
        is_new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        starts = np.flatnonzero(is_new)
        count, sums = np.concatenate(parts["count"])[order], np.concatenate(parts["sums"])[order]
        if not len(starts):
            return finish(keys, count, sums)
        return finish(
            keys[starts],
            np.add.reduceat(count.astype(np.int64), starts),
            np.add.reduceat(sums, starts),
        )

    def _bounds(self, max_rows: int) -> list[Key]:
        """Return keys that divide the parts into ranges of about `max_rows` rows, or fewer."""
        num_ranges = -(-sum(self.rows) // max_rows)
        samples: list[np.ndarray] = []
        for number, num_rows in enumerate(self.rows):
            # As many of each part as it has rows, of all samples.
            count = max(1, num_rows * _SAMPLES_A_PART * len(self.rows) // sum(self.rows))
            steps = np.linspace(0, num_rows - 1, min(count, num_rows)).astype(int)
            samples.append(np.array(self._load(number, "keys")[steps]))
        ordered = np.concatenate(samples)
        ordered = ordered[np.lexsort(ordered.T[::-1])]
        places = np.linspace(0, len(ordered), num_ranges + 1).astype(int)[1:-1]
        return sorted({tuple(ordered[place].tolist()) for place in places})

    def _load(self, number: int, name: str) -> np.ndarray:
        rows: np.ndarray = np.load(self._path(number, name), mmap_mode="r")
        return rows

    def _path(self, number: int, name: str) -> Path:
        return self.folder / f"{number}_{name}.npy"


def _place(keys: np.ndarray, key: Key) -> int:
    """Return the first row of sorted keys [n, 4] that is not below a key."""
    return bisect_left(range(len(keys)), key, key=lambda row: tuple(keys[row].tolist()))
