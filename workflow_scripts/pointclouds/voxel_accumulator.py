"""Sums over the pixels of a scene's views, one row for each instance and voxel cell.

All views go into one hash table in one pass over their pixels, so nothing needs sorting until
the end. Neighbouring pixels of a row often fall in one cell: they are summed in registers first,
and the table is asked once for such a run.
"""

from dataclasses import InitVar, dataclass, field
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numba_kernels import numba_kernel

OFFSET, COLOUR, NORMAL = slice(0, 3), slice(3, 6), slice(6, 9)
"""Columns of the sums; those of the normal only where there is one."""

_FIRST_CAPACITY = 1 << 17


@dataclass
class VoxelAccumulator:
    """Sums over the pixels of each (instance, cell), in the order in which cells were first seen.

    `keys` i32 [n, 4]: instance and the cell's three indices. `count` i32 [n]: how many pixels.
    `sums` f32 [n, 6 or 9] has the offset from the cell's lower corner in voxels (small numbers
    keep float32 sums exact to well under a micrometre), the colour, and the normal if there is
    one. Some 70 bytes a cell, and as much again while it grows.
    """

    normals: bool
    capacity: InitVar[int] = _FIRST_CAPACITY
    num_cells: int = 0
    _keys: np.ndarray = field(init=False)
    _count: np.ndarray = field(init=False)
    _sums: np.ndarray = field(init=False)
    _slots: np.ndarray = field(init=False)

    def __post_init__(self, capacity: int) -> None:
        self._keys = np.empty((0, 4), np.int32)
        self._count = np.empty(0, np.int32)
        self._sums = np.empty((0, NORMAL.stop if self.normals else COLOUR.stop), np.float32)
        self._grow(capacity)

    @property
    def keys(self) -> np.ndarray:
        """Instance and cell indices, i32 [n, 4]."""
        return self._keys[: self.num_cells]

    @property
    def count(self) -> np.ndarray:
        """Pixels of each cell, i32 [n]."""
        return self._count[: self.num_cells]

    @property
    def sums(self) -> np.ndarray:
        """Sums of offset, colour and normal, f32 [n, 6 or 9]."""
        return self._sums[: self.num_cells]

    def add(
        self,
        *,
        depth_m: np.ndarray,
        instance: np.ndarray,
        rgb: np.ndarray,
        normal: np.ndarray | None,
        per_column: np.ndarray,
        per_row: np.ndarray,
        position: np.ndarray,
    ) -> None:
        """Add the pixels of a view; those without depth (NaN, infinite, <= 0) are left out.

        `depth_m` f32 [h, w], `instance` u16 [h, w], `rgb` u8 [h, w, 3], `normal` f32 [h, w, 3];
        pixel (row, column) lies at (per_column[:, column] + per_row[:, row]) * depth + position,
        f64 [3], in voxels, in the frame of the cells, whose corners are whole numbers.

        Raises `UserError` if a cell's index does not fit 32 bits.
        """
        no_normal = np.empty((0, 0, 3), np.float32)
        arrays = (depth_m, instance, rgb, no_normal if normal is None else normal)
        rays = (per_column, per_row, position)
        arguments = [np.ascontiguousarray(array) for array in (*arrays, *rays)]
        row = 0
        while True:
            row, self.num_cells = _add_rows(
                *arguments, row, self._slots, self._keys, self._count, self._sums, self.num_cells
            )
            if row == len(depth_m):
                return
            if row < 0:
                raise UserError(
                    "voxel_m is too small for a scene that reaches more than 2**31 voxels from "
                    "its origin; use a larger one, or check that the depth is in meters"
                )
            self._grow(max(2 * len(self._count), self.num_cells + depth_m.shape[1]))

    def _grow(self, capacity: int) -> None:
        """Make room for so many cells."""
        self._keys, self._count, self._sums = (
            _extend_array(array, capacity) for array in (self._keys, self._count, self._sums)
        )
        # At most half of a power of two of slots is taken, so that probing stays short.
        self._slots = np.full(1 << (2 * capacity - 1).bit_length(), -1, np.int32)
        _fill_slots(self._slots, self._keys, self.num_cells)


def _extend_array(array: np.ndarray, length: int) -> np.ndarray:
    """Return a longer array that begins with `array`."""
    longer = np.empty((length, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


@numba_kernel
def _first_slot(num_slots: int, instance: int, x: int, y: int, z: int) -> np.int64:
    """Return where the search for a cell begins; `num_slots` is a power of two.

    Each number is mixed in by an odd factor (2**64 over the golden ratio) and the upper half
    folded onto the lower, so that the cells of a plane do not meet.
    """
    mixed = np.uint64(instance)
    for index in (x, y, z):
        mixed = (mixed ^ np.uint64(index)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(num_slots - 1))


@numba_kernel
def _fill_slots(slots: np.ndarray, keys: np.ndarray, num_cells: int) -> None:
    """Enter the first `num_cells` rows of `keys` into empty slots."""
    for row in range(num_cells):
        slot = _first_slot(len(slots), keys[row, 0], keys[row, 1], keys[row, 2], keys[row, 3])
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = row


@numba_kernel
def _find_or_add_cell(
    slots: np.ndarray, keys: np.ndarray, num_cells: int, instance: int, x: int, y: int, z: int
) -> Any:
    """Return the row of a cell; a new one becomes row `num_cells`."""
    slot = _first_slot(len(slots), instance, x, y, z)
    while slots[slot] >= 0:
        row = slots[slot]
        if (
            keys[row, 1] == x
            and keys[row, 2] == y
            and keys[row, 3] == z
            and keys[row, 0] == instance
        ):
            return row
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = num_cells
    keys[num_cells, 0], keys[num_cells, 1], keys[num_cells, 2], keys[num_cells, 3] = (
        instance,
        x,
        y,
        z,
    )
    return np.int32(num_cells)


@numba_kernel
def _add_rows(
    depth_m: np.ndarray,
    instance: np.ndarray,
    rgb: np.ndarray,
    normal: np.ndarray,
    per_column: np.ndarray,
    per_row: np.ndarray,
    position: np.ndarray,
    first_row: int,
    slots: np.ndarray,
    keys: np.ndarray,
    count: np.ndarray,
    sums: np.ndarray,
    num_cells: int,
) -> tuple[int, int]:
    """Add pixels from `first_row` on; return the row that no longer fits, and the cells so far.

    The row is the height if all fit, and -1 if a cell's index does not fit 32 bits.
    """
    height, width = depth_m.shape
    in_voxels = np.empty((3, width))
    with_normals = len(normal) > 0
    for row in range(first_row, height):
        if num_cells + width > len(count):
            return row, num_cells
        for axis in range(3):
            for column in range(width):
                ray = per_column[axis, column] + per_row[axis, row]
                in_voxels[axis, column] = ray * depth_m[row, column] + position[axis]
        column = 0
        while column < width:
            if not 0 < depth_m[row, column] < np.inf:
                column += 1
                continue
            pixel_instance = instance[row, column]
            x = np.floor(in_voxels[0, column])
            y = np.floor(in_voxels[1, column])
            z = np.floor(in_voxels[2, column])
            if not (abs(x) < 2.0**31 and abs(y) < 2.0**31 and abs(z) < 2.0**31):
                return -1, num_cells
            start = column
            red, green, blue = 0, 0, 0
            offset_x, offset_y, offset_z = 0.0, 0.0, 0.0
            normal_x, normal_y, normal_z = 0.0, 0.0, 0.0
            while True:
                offset_x += in_voxels[0, column] - x
                offset_y += in_voxels[1, column] - y
                offset_z += in_voxels[2, column] - z
                red += rgb[row, column, 0]
                green += rgb[row, column, 1]
                blue += rgb[row, column, 2]
                if with_normals:
                    normal_x += normal[row, column, 0]
                    normal_y += normal[row, column, 1]
                    normal_z += normal[row, column, 2]
                column += 1
                # Without depth a pixel's place is the camera's own, or not a number.
                if (
                    column == width
                    or instance[row, column] != pixel_instance
                    or not 0 < depth_m[row, column] < np.inf
                    or not 0 <= in_voxels[0, column] - x < 1
                    or not 0 <= in_voxels[1, column] - y < 1
                    or not 0 <= in_voxels[2, column] - z < 1
                ):
                    break
            cell = _find_or_add_cell(
                slots,
                keys,
                num_cells,
                np.int32(pixel_instance),
                np.int32(x),
                np.int32(y),
                np.int32(z),
            )
            if cell == num_cells:
                num_cells += 1
                count[cell] = 0
                sums[cell] = 0
            count[cell] += column - start
            sums[cell, 0] += offset_x
            sums[cell, 1] += offset_y
            sums[cell, 2] += offset_z
            sums[cell, 3] += red
            sums[cell, 4] += green
            sums[cell, 5] += blue
            if with_normals:
                sums[cell, 6] += normal_x
                sums[cell, 7] += normal_y
                sums[cell, 8] += normal_z
    return height, num_cells
