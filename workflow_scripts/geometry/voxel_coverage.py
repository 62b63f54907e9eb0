"""Which voxels of a scene each frame shows, from depth and poses, and greedy maximum coverage.

A voxel is the cube around a whole multiple of its side: index = round(coordinate / side), halves
to even. All frames share one hash table, which numbers voxels as they are first seen; a frame is
the list of its voxels' numbers, each once. Nothing is sorted, and a frame's pixels are passed
over once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.geometry.cameras import pixel_ray_terms

_BITS = 21
_OFFSET = 1 << (_BITS - 1)
_MASK = (1 << _BITS) - 1
_FIRST_CAPACITY = 1 << 15


def voxel_keys(points_m: np.ndarray, voxel_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return packed voxel indices i64 [v], sorted, and the number of each point's voxel, i64 [n].

    Points are [n, 3]. Raises `UserError` for one more than 2**20 voxels from the origin.
    """
    index = np.rint(np.asarray(points_m, dtype=np.float64).reshape(-1, 3) / voxel_m)
    if not (np.abs(index) < _OFFSET).all():
        raise UserError(_too_far(voxel_m))
    x, y, z = (index.astype(np.int64) + _OFFSET).T
    keys, owner = np.unique((x << 2 * _BITS) | (y << _BITS) | z, return_inverse=True)
    return keys, owner


def voxel_centres_m(keys: np.ndarray, voxel_m: float) -> np.ndarray:
    """Return the centres f64 [n, 3] of packed voxel indices i64 [n]."""
    axes = (keys >> 2 * _BITS, (keys >> _BITS) & _MASK, keys & _MASK)
    return np.stack([(axis - _OFFSET) * voxel_m for axis in axes], axis=-1)


def _too_far(voxel_m: float) -> str:
    return (
        f"voxel_m {voxel_m:g}: a scene reaches more than {_OFFSET} voxels from its origin; use a "
        "larger one, or check that depth and poses are in meters"
    )


@dataclass(frozen=True)
class FrameVoxels:
    """The voxels that each frame of a scan shows.

    Attributes:
        keys: i64 [num_voxels], packed indices by voxel number.
        members: i32 [total], numbers of the voxels of frame 0, then of frame 1, and so on.
        starts: i64 [num_frames + 1], where each frame's numbers begin in `members`.
        is_candidate: bool [num_frames], whether a frame shows anything.
    """

    keys: np.ndarray
    members: np.ndarray
    starts: np.ndarray
    is_candidate: np.ndarray

    @property
    def num_frames(self) -> int:
        return len(self.starts) - 1

    @property
    def num_voxels(self) -> int:
        """Number of voxels that all frames show together."""
        return len(self.keys)

    def of_frame(self, frame: int) -> np.ndarray:
        """Return the packed voxel indices i64 [n] of a frame."""
        keys: np.ndarray = self.keys[self.members[self.starts[frame] : self.starts[frame + 1]]]
        return keys

    def restricted_to(self, is_kept: np.ndarray) -> "FrameVoxels":
        """Return the same frames with only some voxels, bool [num_voxels].

        A frame that loses all of its voxels remains a candidate.
        """
        number = (np.cumsum(is_kept) - 1).astype(np.int32)
        is_member_kept = is_kept[self.members]
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_member_kept)])
        return FrameVoxels(
            self.keys[is_kept],
            number[self.members[is_member_kept]],
            before[self.starts],
            self.is_candidate,
        )

    def greedy_cover(self, max_frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Return frames i64 [k] and their gains i64 [k] of greedy maximum coverage.

        Each frame has the most voxels that none before it shows; of equal ones it is the first.
        """
        order: tuple[np.ndarray, np.ndarray] = _greedy(
            self.members, self.starts, self.is_candidate, self.num_voxels, max_frames
        )
        return order

    def marginal_gains(self, frames: np.ndarray) -> np.ndarray:
        """Return i64 [k]: the voxels that each of some frames shows and none before it."""
        is_covered = np.zeros(self.num_voxels, bool)
        gains = np.zeros(len(frames), np.int64)
        for position, frame in enumerate(frames):
            members = self.members[self.starts[frame] : self.starts[frame + 1]]
            gains[position] = len(members) - np.count_nonzero(is_covered[members])
            is_covered[members] = True
        return gains


class FrameVoxelCounter:
    """Collects the voxels of frames, one frame at a time; `result` ends it."""

    def __init__(self, voxel_m: float) -> None:
        self._voxel_m = voxel_m
        self._num_cells = 0
        self._frames: list[np.ndarray] = []
        self._keys = np.empty(0, np.int64)
        self._last_frame = np.empty(0, np.int32)
        self._slots = np.empty(0, np.int32)
        self._grow(_FIRST_CAPACITY)

    def add(
        self, depth_m: np.ndarray, intrinsics: np.ndarray, world_from_camera: np.ndarray
    ) -> int:
        """Add a frame and return how many voxels it shows.

        `depth_m` f32 [h, w] is planar; pixels without depth (NaN, infinite, <= 0) are left out.
        A pose that is not finite shows nothing.

        Raises `UserError` if a voxel is more than 2**20 from the origin.
        """
        frame = len(self._frames)
        if not (np.isfinite(world_from_camera).all() and np.isfinite(intrinsics).all()):
            self._frames.append(np.empty(0, np.int32))
            return 0
        height, width = depth_m.shape
        terms = pixel_ray_terms(intrinsics, world_from_camera, width_px=width, height_px=height)
        per_column = np.ascontiguousarray(terms[0][:, 0, :] / self._voxel_m)
        per_row = np.ascontiguousarray(terms[1][:, :, 0] / self._voxel_m)
        position = np.asarray(world_from_camera, np.float64)[:3, 3] / self._voxel_m
        depth = np.ascontiguousarray(depth_m, np.float32)
        parts, row = [], 0
        while True:
            members = np.empty(len(self._keys), np.int32)
            row, self._num_cells, count = _add_rows(
                *(depth, per_column, per_row, position, row, frame),
                *(self._slots, self._keys, self._last_frame, self._num_cells, members),
            )
            parts.append(members[:count].copy())
            if row == height:
                break
            if row < 0:
                raise UserError(_too_far(self._voxel_m))
            self._grow(max(2 * len(self._keys), self._num_cells + width))
        self._frames.append(np.concatenate(parts))
        return len(self._frames[-1])

    def result(self) -> FrameVoxels:
        """Return the voxels of the frames so far."""
        sizes = np.array([len(frame) for frame in self._frames], np.int64)
        return FrameVoxels(
            self._keys[: self._num_cells].copy(),
            np.concatenate([np.empty(0, np.int32), *self._frames]),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
            sizes > 0,
        )

    def _grow(self, capacity: int) -> None:
        keys, last_frame = np.empty(capacity, np.int64), np.full(capacity, -1, np.int32)
        keys[: self._num_cells] = self._keys[: self._num_cells]
        last_frame[: self._num_cells] = self._last_frame[: self._num_cells]
        self._keys, self._last_frame = keys, last_frame
        # At most half of a power of two of slots is taken, so that probing stays short.
        self._slots = np.full(1 << (2 * capacity - 1).bit_length(), -1, np.int32)
        _fill_slots(self._slots, keys, self._num_cells)


def count_frame_voxels(
    frames: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], voxel_m: float
) -> FrameVoxels:
    """Return the voxels of frames, each (depth_m [h, w], K [3, 3], world_from_camera [4, 4])."""
    counter = FrameVoxelCounter(voxel_m)
    for frame in frames:
        counter.add(*frame)
    return counter.result()


@numba_kernel
def _first_slot(num_slots: int, key: int) -> np.int64:
    """Return where the search for a key begins; `num_slots` is a power of two."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(num_slots - 1))


@numba_kernel
def _fill_slots(slots: np.ndarray, keys: np.ndarray, num_cells: int) -> None:
    """Enter the first `num_cells` keys into empty slots."""
    for number in range(num_cells):
        slot = _first_slot(len(slots), keys[number])
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = number


@numba_kernel
def _add_rows(
    depth_m: np.ndarray,
    per_column: np.ndarray,
    per_row: np.ndarray,
    position: np.ndarray,
    first_row: int,
    frame: int,
    slots: np.ndarray,
    keys: np.ndarray,
    last_frame: np.ndarray,
    num_cells: int,
    members: np.ndarray,
) -> Any:
    """Add pixels from `first_row` on; return the next row, the cells so far, and new members.

    The row is the height if all fit, one that no longer fits, or -1 if a voxel is too far away.
    """
    height, width = depth_m.shape
    count = 0
    row_keys = np.empty(width, np.int64)
    limit = float(_OFFSET - 1)
    for row in range(first_row, height):
        if num_cells + width > len(keys):
            return row, num_cells, count
        farthest = 0.0
        row_x, row_y, row_z = per_row[0, row], per_row[1, row], per_row[2, row]
        for column in range(width):
            depth = float(depth_m[row, column])
            is_known = 0.0 < depth < np.inf
            depth = depth if is_known else 0.0
            x = np.rint((per_column[0, column] + row_x) * depth + position[0])
            y = np.rint((per_column[1, column] + row_y) * depth + position[1])
            z = np.rint((per_column[2, column] + row_z) * depth + position[2])
            farthest = max(farthest, abs(x), abs(y), abs(z))
            key = (
                ((np.int64(x) + _OFFSET) << (2 * _BITS))
                | ((np.int64(y) + _OFFSET) << _BITS)
                | (np.int64(z) + _OFFSET)
            )
            row_keys[column] = key if is_known else -1
        if not farthest <= limit:
            return -1, num_cells, count
        previous = np.int64(-1)
        for column in range(width):
            key = row_keys[column]
            if key == previous or key < 0:
                continue
            previous = key
            slot = _first_slot(len(slots), key)
            while slots[slot] >= 0 and keys[slots[slot]] != key:
                slot = (slot + 1) & (len(slots) - 1)
            number = slots[slot]
            if number < 0:
                number = np.int32(num_cells)
                slots[slot] = number
                keys[number] = key
                last_frame[number] = -1
                num_cells += 1
            if last_frame[number] != frame:
                last_frame[number] = frame
                members[count] = number
                count += 1
    return height, num_cells, count


@numba_kernel
def _greedy(
    members: np.ndarray,
    starts: np.ndarray,
    is_candidate: np.ndarray,
    num_voxels: int,
    max_frames: int,
) -> Any:
    """Return frames and gains of greedy maximum coverage.

    A frame's gain only falls while others are chosen, so its last known gain is an upper bound:
    only the frame with the highest bound is counted anew, until one keeps its bound.
    """
    num_frames = len(starts) - 1
    bound = np.empty(num_frames, np.int64)
    left = 0
    for frame in range(num_frames):
        bound[frame] = starts[frame + 1] - starts[frame] if is_candidate[frame] else -1
        left += is_candidate[frame]
    count = min(max_frames, left)
    frames = np.empty(count, np.int64)
    gains = np.empty(count, np.int64)
    is_covered = np.zeros(num_voxels, np.uint8)
    for position in range(count):
        while True:
            best = np.argmax(bound)
            gain = 0
            for index in range(starts[best], starts[best + 1]):
                gain += 1 - is_covered[members[index]]
            if gain == bound[best]:
                break
            bound[best] = gain
        for index in range(starts[best], starts[best + 1]):
            is_covered[members[index]] = 1
        frames[position] = best
        gains[position] = gain
        bound[best] = -1
    return frames, gains
