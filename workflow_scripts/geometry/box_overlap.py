"""Exact volumes of the intersection of oriented boxes, many pairs at a time.

A box is a centre [n, 3], full sizes [n, 3] in metres along its own axes, and a rotation [n, 3, 3]
whose columns are these axes; any frame will do if all boxes are in it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.geometry.cameras import FloatArray

# Six planes cut a quadrilateral into a polygon of at most 10 corners.
_MAX_CORNERS = 12


@dataclass(frozen=True)
class OrientedBoxes:
    """Boxes in one frame: centres [n, 3] and sizes [n, 3] in metres, rotations [n, 3, 3]."""

    centre_m: FloatArray
    size_m: FloatArray
    rotation: FloatArray

    @property
    def volume_m3(self) -> FloatArray:
        """Return the volumes [n]."""
        result: FloatArray = np.prod(self.size_m, axis=-1)
        return result

    def take(self, rows: NDArray[np.integer]) -> "OrientedBoxes":
        """Return the boxes of some rows, in their order."""
        return OrientedBoxes(self.centre_m[rows], self.size_m[rows], self.rotation[rows])

    def __len__(self) -> int:
        return len(self.size_m)


def pairwise_iou(a: OrientedBoxes, b: OrientedBoxes) -> FloatArray:
    """Return the intersection over union [n] of box i of `a` with box i of `b`."""
    shared = intersection_volumes_m3(a, b)
    union = a.volume_m3 + b.volume_m3 - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def size_iou(a: OrientedBoxes, b: OrientedBoxes) -> FloatArray:
    """Return the intersection over union [n] of boxes i if they were placed and turned alike."""
    shared = np.minimum(a.size_m, b.size_m).prod(axis=-1)
    union = a.volume_m3 + b.volume_m3 - shared
    result: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union != 0)
    return result


def iou_matrix(a: OrientedBoxes, b: OrientedBoxes) -> FloatArray:
    """Return the intersection over union [n, m] of every box of `a` with every box of `b`."""
    rows, columns = np.divmod(np.arange(len(a) * len(b)), max(len(b), 1))
    return pairwise_iou(a.take(rows), b.take(columns)).reshape(len(a), len(b))


def intersection_volumes_m3(a: OrientedBoxes, b: OrientedBoxes) -> FloatArray:
    """Return the volumes [n] that box i of `a` shares with box i of `b`, exact but for rounding.

    The faces of either box, cut by the planes of the other, bound the intersection; its volume
    follows from their areas by the divergence theorem. Boxes that only touch share nothing, as do
    boxes with a size of zero or less.
    """
    if a.size_m.shape != b.size_m.shape:
        raise ValueError(f"{len(a)} boxes cannot be paired with {len(b)}")
    arrays = (a.centre_m, a.size_m, a.rotation, b.centre_m, b.size_m, b.rotation)
    result: FloatArray = _intersection_volumes(
        *(np.ascontiguousarray(array, dtype=np.float64) for array in arrays)
    )
    return result


@numba_kernel
def _intersection_volumes(  # type: ignore[no-untyped-def]
    centre_a, size_a, rotation_a, centre_b, size_b, rotation_b
):  # pragma: no cover - compiled
    count = centre_a.shape[0]
    volumes = np.zeros(count)
    polygon = np.empty((_MAX_CORNERS, 3))
    spare = np.empty((_MAX_CORNERS, 3))
    r = np.empty((3, 3))
    r_t = np.empty((3, 3))
    t = np.empty(3)
    t_back = np.empty(3)
    for n in range(count):
        half_a, half_b = size_a[n] / 2, size_b[n] / 2
        if half_a.min() <= 0 or half_b.min() <= 0:
            continue
        # Box b in the frame of box a, where a's planes are x = +-half.
        for i in range(3):
            t[i] = 0.0
            for k in range(3):
                t[i] += rotation_a[n, k, i] * (centre_b[n, k] - centre_a[n, k])
            for j in range(3):
                r[i, j] = 0.0
                for k in range(3):
                    r[i, j] += rotation_a[n, k, i] * rotation_b[n, k, j]
                r_t[j, i] = r[i, j]
        for j in range(3):
            t_back[j] = -(r[0, j] * t[0] + r[1, j] * t[1] + r[2, j] * t[2])
        tolerance = 1e-9 * (half_a.max() + half_b.max())
        if _are_separated(half_a, half_b, r, t, tolerance):
            continue
        # Faces that lie in one plane count once: a's are cut by b with the tolerance, b's without.
        volume = _cut_faces(half_a, half_b, r_t, t_back, tolerance, polygon, spare, t, True)
        volume += _cut_faces(half_b, half_a, r, t, -tolerance, polygon, spare, t, False)
        volumes[n] = max(0.0, volume)
    return volumes


@numba_kernel
def _are_separated(half_a, half_b, r, t, tolerance):  # type: ignore[no-untyped-def]
    for i in range(3):
        reach = half_a[i]
        for j in range(3):
            reach += half_b[j] * abs(r[i, j])
        if abs(t[i]) >= reach - tolerance:
            return True
    for j in range(3):
        reach, along = half_b[j], 0.0
        for i in range(3):
            reach += half_a[i] * abs(r[i, j])
            along += t[i] * r[i, j]
        if abs(along) >= reach - tolerance:
            return True
    for i in range(3):
        i1, i2 = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            j1, j2 = (j + 1) % 3, (j + 2) % 3
            length = np.sqrt(max(0.0, 1.0 - r[i, j] * r[i, j]))
            if length < 1e-6:  # parallel edges separate nothing that faces do not
                continue
            reach = half_a[i1] * abs(r[i2, j]) + half_a[i2] * abs(r[i1, j])
            reach += half_b[j1] * abs(r[i, j2]) + half_b[j2] * abs(r[i, j1])
            if abs(t[i2] * r[i1, j] - t[i1] * r[i2, j]) >= reach - tolerance * length:
                return True
    return False


@numba_kernel
def _cut_faces(  # type: ignore[no-untyped-def]
    half, other_half, r, t, tolerance, polygon, spare, offset, is_first
):
    """Sum a third of area times distance from the origin over the faces of a box.

    `half` has the faces, in its own frame; `other_half` cuts them, in a frame where a point p of
    the first is at r p + t. Distances are from the centre of the first of the two boxes.
    """
    volume = 0.0
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1.0, 1.0):
            # The face in the other's frame.
            size = 4
            for k in range(4):
                su = half[u] if k in (1, 2) else -half[u]
                sv = half[v] if k in (2, 3) else -half[v]
                for c in range(3):
                    polygon[k, c] = (
                        r[c, axis] * side * half[axis] + r[c, u] * su + r[c, v] * sv + t[c]
                    )
            for c in range(3):
                for way in (-1.0, 1.0):
                    size = _clip(polygon, spare, size, c, way, other_half[c] + tolerance)
                    if size < 3:
                        break
                if size < 3:
                    break
            if size < 3:
                continue
            area = _area(polygon, size)
            distance = half[axis]
            if not is_first:  # from the centre of the other box
                along = t[0] * r[0, axis] + t[1] * r[1, axis] + t[2] * r[2, axis]
                distance = half[axis] + side * along
            volume += area * distance / 3.0
    return volume


@numba_kernel
def _clip(polygon, spare, size, axis, way, limit):  # type: ignore[no-untyped-def]
    """Keep what of a convex polygon has way * coordinate <= limit; return its corners."""
    kept = 0
    for k in range(size):
        following = k + 1 if k + 1 < size else 0
        here, there = limit - way * polygon[k, axis], limit - way * polygon[following, axis]
        if here >= 0:
            for c in range(3):
                spare[kept, c] = polygon[k, c]
            kept += 1
        if (here > 0 and there < 0) or (here < 0 and there > 0):
            share = here / (here - there)
            for c in range(3):
                spare[kept, c] = polygon[k, c] + share * (polygon[following, c] - polygon[k, c])
            kept += 1
    for k in range(kept):
        for c in range(3):
            polygon[k, c] = spare[k, c]
    return kept


@numba_kernel
def _area(polygon, size):  # type: ignore[no-untyped-def]
    x = y = z = 0.0
    for k in range(1, size - 1):
        ax, ay, az = (
            polygon[k, 0] - polygon[0, 0],
            polygon[k, 1] - polygon[0, 1],
            polygon[k, 2] - polygon[0, 2],
        )
        bx, by, bz = (
            polygon[k + 1, 0] - polygon[0, 0],
            polygon[k + 1, 1] - polygon[0, 1],
            polygon[k + 1, 2] - polygon[0, 2],
        )
        x += ay * bz - az * by
        y += az * bx - ax * bz
        z += ax * by - ay * bx
    return np.sqrt(x * x + y * y + z * z) / 2
