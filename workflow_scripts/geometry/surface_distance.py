"""Least distances between triangle meshes, and from a point to one, to 0.2 % and 0.2 mm.

Triangles are put into a binary tree of axis-aligned boxes; two trees are searched together, the
nearer pair of boxes first, and pairs that could only be nearer than the best so far by less than
that are passed over.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.geometry.cameras import FloatArray

_LEAF_TRIANGLES = 4
_SLACK_SHARE, _SLACK_M = 0.002, 0.0002
_STACK = 256
"""Pairs of nodes that wait: two a level of either tree, whose depths are logarithmic."""


@dataclass(frozen=True, eq=False)
class TriangleTree:
    """Triangles f64 [f, 3, 3] in the order of the leaves of a tree of boxes.

    A node k has box `low[k]`, `high[k]` [3], triangles `start[k]` to `stop[k]`, and children
    `left[k]` and `left[k] + 1`, or -1 for a leaf.
    """

    triangles: FloatArray
    low: FloatArray
    high: FloatArray
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    left: NDArray[np.int64]

    @classmethod
    def of_triangles(cls, triangles: NDArray[np.floating]) -> Self:
        """Build the tree of at least one triangle [f, 3, 3]."""
        if not len(triangles):
            raise ValueError("a tree needs at least one triangle")
        corners = np.ascontiguousarray(triangles, dtype=np.float64)
        number = 2 * len(corners)
        low, high = np.empty((number, 3)), np.empty((number, 3))
        start, stop, left = (np.empty(number, dtype=np.int64) for _ in range(3))
        order = np.arange(len(corners))
        nodes = _build(corners, order, low, high, start, stop, left)
        return cls(
            corners[order], low[:nodes], high[:nodes], start[:nodes], stop[:nodes], left[:nodes]
        )

    def gap_m(self, other: "TriangleTree") -> float:
        """Return the least distance to another surface, 0 where the two meet or cross.

        It is never less than the true one.
        """
        return float(_least_distance(*self._arrays, *other._arrays))

    def distance_to_point_m(self, point_m: FloatArray) -> float:
        """Return the least distance from a point [3] to the surface, from inside as well."""
        corners = np.broadcast_to(np.asarray(point_m, dtype=np.float64), (1, 3, 3))
        return self.gap_m(
            TriangleTree(
                np.ascontiguousarray(corners),
                np.ascontiguousarray(corners[0, :1]),
                np.ascontiguousarray(corners[0, :1]),
                np.zeros(1, dtype=np.int64),
                np.ones(1, dtype=np.int64),
                np.full(1, -1, dtype=np.int64),
            )
        )

    @property
    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self.triangles, self.low, self.high, self.start, self.stop, self.left


@numba_kernel
def _build(triangles, order, low, high, start, stop, left):  # type: ignore[no-untyped-def]
    """Fill the nodes, order the triangles, and return the number of nodes."""
    number = len(triangles)
    middle = np.empty((number, 3))
    for f in range(number):
        for axis in range(3):
            middle[f, axis] = (
                triangles[f, 0, axis] + triangles[f, 1, axis] + triangles[f, 2, axis]
            ) / 3.0
    start[0], stop[0] = 0, number
    nodes, node = 1, 0
    while node < nodes:
        first, last = start[node], stop[node]
        widest, split_axis = -1.0, 0
        for axis in range(3):
            least, most = np.inf, -np.inf
            least_middle, most_middle = np.inf, -np.inf
            for k in range(first, last):
                f = order[k]
                for corner in range(3):
                    least = min(least, triangles[f, corner, axis])
                    most = max(most, triangles[f, corner, axis])
                least_middle = min(least_middle, middle[f, axis])
                most_middle = max(most_middle, middle[f, axis])
            low[node, axis], high[node, axis] = least, most
            if most_middle - least_middle > widest:
                widest, split_axis = most_middle - least_middle, axis
        if last - first <= _LEAF_TRIANGLES:
            left[node] = -1
        else:
            part = order[first:last].copy()
            rank = np.argsort(middle[part, split_axis], kind="mergesort")
            order[first:last] = part[rank]
            half = (first + last) // 2
            left[node] = nodes
            start[nodes], stop[nodes] = first, half
            start[nodes + 1], stop[nodes + 1] = half, last
            nodes += 2
        node += 1
    return nodes


@numba_kernel
def _box_square(low_a, high_a, low_b, high_b):  # type: ignore[no-untyped-def]
    square = 0.0
    for axis in range(3):
        apart = max(low_a[axis] - high_b[axis], low_b[axis] - high_a[axis])
        if apart > 0.0:
            square += apart * apart
    return square


@numba_kernel
def _dot(one, other):  # type: ignore[no-untyped-def]
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


@numba_kernel
def _less(one, other):  # type: ignore[no-untyped-def]
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2])


@numba_kernel
def _along(start, way, share):  # type: ignore[no-untyped-def]
    return (
        start[0] + share * way[0],
        start[1] + share * way[1],
        start[2] + share * way[2],
    )


@numba_kernel
def _clamp(value):  # type: ignore[no-untyped-def]
    return min(max(value, 0.0), 1.0)


@numba_kernel
def _segments_square(p, q, r, s):  # type: ignore[no-untyped-def]
    """Return the squared distance between segments p to q and r to s."""
    one, other, between = _less(q, p), _less(s, r), _less(p, r)
    a, e, f = _dot(one, one), _dot(other, other), _dot(other, between)
    if a <= 1e-24 and e <= 1e-24:
        return _dot(between, between)
    if a <= 1e-24:
        share, other_share = 0.0, _clamp(f / e)
    else:
        c = _dot(one, between)
        if e <= 1e-24:
            share, other_share = _clamp(-c / a), 0.0
        else:
            b = _dot(one, other)
            slant = a * e - b * b
            share = _clamp((b * f - c * e) / slant) if slant > 1e-18 * a * e else 0.0
            other_share = (b * share + f) / e
            if other_share < 0.0:
                share, other_share = _clamp(-c / a), 0.0
            elif other_share > 1.0:
                share, other_share = _clamp((b - c) / a), 1.0
    apart = _less(_along(p, one, share), _along(r, other, other_share))
    return _dot(apart, apart)


@numba_kernel
def _point_square(point, triangle):  # type: ignore[no-untyped-def]
    """Return the squared distance from a point to a triangle's face, inf if its foot is outside.

    Feet on an edge or a corner are found as distances between edges.
    """
    corner = triangle[0]
    ab, ac = _less(triangle[1], corner), _less(triangle[2], corner)
    normal = (
        ab[1] * ac[2] - ab[2] * ac[1],
        ab[2] * ac[0] - ab[0] * ac[2],
        ab[0] * ac[1] - ab[1] * ac[0],
    )
    area = _dot(normal, normal)
    if area <= 1e-30:
        return np.inf
    offset = _less(point, corner)
    height = _dot(offset, normal)
    d_ab, d_ac = _dot(offset, ab), _dot(offset, ac)
    ab_ab, ab_ac, ac_ac = _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)
    u = (ac_ac * d_ab - ab_ac * d_ac) / area
    v = (ab_ab * d_ac - ab_ac * d_ab) / area
    if u < 0.0 or v < 0.0 or u + v > 1.0:
        return np.inf
    return height * height / area


@numba_kernel
def _crosses(p, q, triangle):  # type: ignore[no-untyped-def]
    """Say whether the segment p to q goes through a triangle's face."""
    corner = triangle[0]
    ab, ac, way, offset = (
        _less(triangle[1], corner),
        _less(triangle[2], corner),
        _less(q, p),
        _less(p, corner),
    )
    cross = (
        way[1] * ac[2] - way[2] * ac[1],
        way[2] * ac[0] - way[0] * ac[2],
        way[0] * ac[1] - way[1] * ac[0],
    )
    slant = _dot(ab, cross)
    if abs(slant) < 1e-18:
        return False
    u = _dot(offset, cross) / slant
    if u < 0.0 or u > 1.0:
        return False
    turned = (
        offset[1] * ab[2] - offset[2] * ab[1],
        offset[2] * ab[0] - offset[0] * ab[2],
        offset[0] * ab[1] - offset[1] * ab[0],
    )
    v = _dot(way, turned) / slant
    if v < 0.0 or u + v > 1.0:
        return False
    share = _dot(ac, turned) / slant
    return 0.0 <= share <= 1.0


@numba_kernel
def _triangles_square(a, b):  # type: ignore[no-untyped-def]
    """Return the squared distance between two triangles [3, 3]."""
    best = np.inf
    for i in range(3):
        best = min(best, _point_square(a[i], b), _point_square(b[i], a))
        for j in range(3):
            best = min(best, _segments_square(a[i], a[(i + 1) % 3], b[j], b[(j + 1) % 3]))
    if best > 0.0:
        for i in range(3):
            if _crosses(a[i], a[(i + 1) % 3], b) or _crosses(b[i], b[(i + 1) % 3], a):
                return 0.0
    return best


@numba_kernel
def _near_corners(triangles_a, triangles_b, low_b, high_b):  # type: ignore[no-untyped-def]
    """Return a corner of each of two surfaces that lie near to one another."""
    point_a = point_b = (
        (low_b[0] + high_b[0]) / 2.0,
        (low_b[1] + high_b[1]) / 2.0,
        (low_b[2] + high_b[2]) / 2.0,
    )
    for step in range(4):
        of_a = step % 2 == 0
        triangles = triangles_a if of_a else triangles_b
        point = point_b if of_a else point_a
        nearest, best = point, np.inf
        for f in range(len(triangles)):
            for corner in range(3):
                one = triangles[f, corner]
                apart = _less(one, point)
                square = _dot(apart, apart)
                if square < best:
                    best, nearest = square, (one[0], one[1], one[2])
        if of_a:
            point_a = nearest
        else:
            point_b = nearest
    return point_a, point_b


@numba_kernel
def _most_along(triangles, start, stop, left, way):  # type: ignore[no-untyped-def]
    """Return how far the triangles [f] and the nodes [n] reach along a direction."""
    of_triangle = np.empty(len(triangles))
    for f in range(len(triangles)):
        most = -np.inf
        for corner in range(3):
            most = max(most, _dot(triangles[f, corner], way))
        of_triangle[f] = most
    of_node = np.empty(len(left))
    for node in range(len(left) - 1, -1, -1):
        if left[node] >= 0:
            of_node[node] = max(of_node[left[node]], of_node[left[node] + 1])
        else:
            of_node[node] = of_triangle[start[node] : stop[node]].max()
    return of_triangle, of_node


@numba_kernel
def _least_distance(  # type: ignore[no-untyped-def]
    triangles_a, low_a, high_a, start_a, stop_a, left_a,
    triangles_b, low_b, high_b, start_b, stop_b, left_b,
):  # fmt: skip
    """Return the least distance between the triangles of two trees.

    No two points are nearer than the space between them along any direction: the line between two
    near corners is one that tells much of surfaces that lie far apart.
    """
    corner_a, corner_b = _near_corners(triangles_a, triangles_b, low_b[0], high_b[0])
    line = _less(corner_b, corner_a)
    best = np.sqrt(_dot(line, line))
    if best <= 0.0:
        return 0.0
    way = (line[0] / best, line[1] / best, line[2] / best)
    back = (-way[0], -way[1], -way[2])
    front_a, node_front_a = _most_along(triangles_a, start_a, stop_a, left_a, way)
    front_b, node_front_b = _most_along(triangles_b, start_b, stop_b, left_b, back)
    waiting = np.empty((_STACK, 2), dtype=np.int64)
    bound = np.empty(_STACK)
    waiting[0, 0] = waiting[0, 1] = 0
    bound[0] = 0.0
    number, sides = 1, np.empty(2)
    while number > 0:
        number -= 1
        if bound[number] * (1.0 + _SLACK_SHARE) + _SLACK_M >= best:
            continue
        a, b = waiting[number, 0], waiting[number, 1]
        if left_a[a] < 0 and left_b[b] < 0:
            for i in range(start_a[a], stop_a[a]):
                for j in range(start_b[b], stop_b[b]):
                    if -front_a[i] - front_b[j] < best:
                        square = _triangles_square(triangles_a[i], triangles_b[j])
                        best = min(best, np.sqrt(square))
            if best <= 0.0:
                return 0.0
            continue
        larger_a = stop_a[a] - start_a[a] >= stop_b[b] - start_b[b]
        opens_a = left_b[b] < 0 or (left_a[a] >= 0 and larger_a)
        for side in range(2):
            next_a = left_a[a] + side if opens_a else a
            next_b = b if opens_a else left_b[b] + side
            square = _box_square(low_a[next_a], high_a[next_a], low_b[next_b], high_b[next_b])
            sides[side] = max(np.sqrt(square), -node_front_a[next_a] - node_front_b[next_b])
        # The nearer of the two comes off the stack first.
        first = 0 if sides[0] > sides[1] else 1
        for side in (first, 1 - first):
            waiting[number, 0] = left_a[a] + side if opens_a else a
            waiting[number, 1] = b if opens_a else left_b[b] + side
            bound[number] = sides[side]
            number += 1
    return best
