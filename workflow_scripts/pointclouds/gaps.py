"""The least distance between the clouds of every two objects.

Most points of a cloud cannot be the nearest ones. A few points of each cloud bound every distance
from above; points further than that from the other cloud's upright box are passed over, with a
tighter bound again if many are left, and the distance is exact over the rest.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

NUM_PROBES = 32
BRUTE_PAIRS = 20_000
NOISY_POINTS = 1000
"""Noisy clouds are thinned to so many points each."""
NOISY_RANK = 3
"""With noise the nearest of many pairs is near by chance, so the third nearest point counts."""
NOISY_REACH = (1.1, 0.02)
"""How far beyond the bound the next nearest points may be: a factor, and metres."""


def minimum_gaps(
    clouds: Sequence[np.ndarray], *, noisy: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least distances [n, n] and unit directions [n, n, 3] from i to j where they lie.

    `clouds` are n arrays [p, 3], none empty. The diagonal is 0. With `noisy` a distance is that of
    the third nearest point, averaged over both ways round.
    """
    number = len(clouds)
    gap = np.zeros((number, number))
    direction = np.zeros((number, number, 3))
    if number < 2:
        return gap, direction
    if noisy:
        clouds = [_thinned(cloud, NOISY_POINTS) for cloud in clouds]
    low = np.array([cloud.min(axis=0) for cloud in clouds])
    high = np.array([cloud.max(axis=0) for cloud in clouds])
    bound = _upper_bounds(clouds)
    reach = bound * NOISY_REACH[0] + NOISY_REACH[1] if noisy else bound * (1 + 1e-9) + 1e-12
    near = [_near_boxes(cloud, low, high, reach[i]) for i, cloud in enumerate(clouds)]
    for i in range(number):
        for j in range(i + 1, number):
            one, other = clouds[i][near[i][j]], clouds[j][near[j][i]]
            length, line = _nearest(one, other, rank=NOISY_RANK if noisy else 1)
            gap[i, j] = gap[j, i] = length
            direction[i, j] = line
    direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-12)
    direction -= direction.transpose(1, 0, 2)
    return gap, direction


def _thinned(cloud: np.ndarray, number: int) -> np.ndarray:
    """Return at most `number` points of a cloud, evenly picked."""
    if len(cloud) <= number:
        return cloud
    return cloud[np.arange(number) * len(cloud) // number]


def _upper_bounds(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """Return distances [n, n] between some points of each cloud; no gap is larger."""
    steps = np.arange(NUM_PROBES)
    probes = np.concatenate([cloud[steps * len(cloud) // NUM_PROBES] for cloud in clouds])
    number = len(clouds)
    between = cdist(probes, probes).reshape(number, NUM_PROBES, number, NUM_PROBES)
    return between.min(axis=(1, 3))


def _near_boxes(
    cloud: np.ndarray, low: np.ndarray, high: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """Return which points [n, p] are within `reach` [n] of upright boxes (low, high [n, 3])."""
    squares = 0.0
    for axis in range(3):
        values = cloud[:, axis]
        outside = np.maximum(low[:, axis, None] - values, values - high[:, axis, None])
        np.maximum(outside, 0.0, out=outside)
        outside *= outside
        squares = squares + outside
    return squares <= (reach**2)[:, None]


def _nearest(one: np.ndarray, other: np.ndarray, *, rank: int) -> tuple[float, np.ndarray]:
    """Return the distance between two clouds, and the vector [3] between the points it is of.

    `rank`: which of each cloud's distances to the other counts, 1 for the least.
    """
    if rank == 1:
        while len(one) * len(other) > BRUTE_PAIRS:
            size = len(one) + len(other)
            some, others = _thinned(one, 64), _thinned(other, 64)
            bound = min(cdist(one, others).min(), cdist(some, other).min()) * (1 + 1e-9) + 1e-12
            one = one[_near_boxes(one, *_box(other), np.array([bound]))[0]]
            other = other[_near_boxes(other, *_box(one), np.array([bound]))[0]]
            if len(one) + len(other) > 0.7 * size:
                return _by_tree(one, other)
    else:
        one, other = _thinned(one, 140), _thinned(other, 140)
    between = cdist(one, other, "sqeuclidean")
    if rank == 1:
        i, j = divmod(int(between.argmin()), len(other))
        return float(np.sqrt(between[i, j])), other[j] - one[i]
    there, back = between.min(axis=1), between.min(axis=0)
    i, j = _ranked(there, rank), _ranked(back, rank)
    return float(np.sqrt(there[i]) + np.sqrt(back[j])) / 2, other[j] - one[i]


def _by_tree(one: np.ndarray, other: np.ndarray) -> tuple[float, np.ndarray]:
    """Return what `_nearest` does, for large clouds that lie around one another."""
    if len(one) > len(other):
        length, line = _by_tree(other, one)
        return length, -line
    tree = cKDTree(other, balanced_tree=False, compact_nodes=False)
    distance, index = tree.query(one)
    i = int(distance.argmin())
    return float(distance[i]), other[index[i]] - one[i]


def _box(cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners [1, 3] of the upright box around points."""
    return cloud.min(axis=0)[None], cloud.max(axis=0)[None]


def _ranked(distances: np.ndarray, rank: int) -> int:
    """Return the index of the `rank`-th least value, of the last one if there are fewer."""
    place = min(rank, len(distances)) - 1
    return int(np.argpartition(distances, place)[place])
