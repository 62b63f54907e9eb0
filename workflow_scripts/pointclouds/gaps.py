"""The least distance between the clouds of every two objects, and how sure it is.

Most points of a cloud cannot be the nearest ones. A few points of each cloud bound every distance
from above; points further than that from the other cloud's box are passed over, and the distance
is exact over what is left.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

NUM_PROBES = 48
BRUTE_PAIRS = 16_000
NOISY_SHARE = 0.002
"""With noisy depth the nearest of many pairs is near by chance: this share of a cloud is passed."""


def minimum_gaps(
    clouds: Sequence[np.ndarray], *, noisy: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least distances [n, n] and unit directions [n, n, 3] from i to j where they lie.

    `clouds` are n arrays [p, 3], none empty. The diagonal is 0. With `noisy` a distance is that of
    the k-th nearest point, k a small share of the cloud, averaged over both ways round.
    """
    number = len(clouds)
    gap = np.zeros((number, number))
    direction = np.zeros((number, number, 3))
    if number < 2:
        return gap, direction
    low = np.array([cloud.min(axis=0) for cloud in clouds])
    high = np.array([cloud.max(axis=0) for cloud in clouds])
    bound = _upper_bounds(clouds)
    for i in range(number):
        for j in range(i + 1, number):
            slack = 2.0 * bound[i, j] if noisy else bound[i, j]
            one = _near_box(clouds[i], low[j], high[j], slack)
            other = _near_box(clouds[j], low[i], high[i], slack)
            ranks = [1, 1]
            if noisy:
                ranks = [1 + int(NOISY_SHARE * len(cloud)) for cloud in (clouds[i], clouds[j])]
            gap[i, j], direction[i, j] = _nearest(one, other, ranks)
            gap[j, i], direction[j, i] = gap[i, j], -direction[i, j]
    return gap, direction


def _upper_bounds(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """Return distances [n, n] between some points of each cloud; no gap is larger."""
    probes = np.concatenate(
        [cloud[np.arange(NUM_PROBES) * len(cloud) // NUM_PROBES] for cloud in clouds]
    )
    number = len(clouds)
    between = cdist(probes, probes).reshape(number, NUM_PROBES, number, NUM_PROBES)
    return between.min(axis=(1, 3))


def _near_box(cloud: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float) -> np.ndarray:
    """Return the points within `reach` of an upright box; at least one is, or all are returned."""
    outside = np.maximum(low - cloud, cloud - high)
    np.maximum(outside, 0.0, out=outside)
    # Rounding must not lose the very points that set the bound.
    near = np.einsum("px,px->p", outside, outside) <= (reach * (1 + 1e-9) + 1e-12) ** 2
    kept = cloud[near]
    return kept if len(kept) else cloud


def _nearest(one: np.ndarray, other: np.ndarray, ranks: list[int]) -> tuple[float, np.ndarray]:
    """Return the distance between two clouds and the unit direction from the first to the second.

    `ranks`: which of each cloud's distances to the other counts, 1 for the least.
    """
    if len(one) * len(other) <= BRUTE_PAIRS:
        between = cdist(one, other, "sqeuclidean")
        if ranks == [1, 1]:
            i, j = divmod(int(between.argmin()), len(other))
            distance = float(np.sqrt(between[i, j]))
        else:
            there, back = between.min(axis=1), between.min(axis=0)
            i = _rank(there, ranks[0])
            j = int(between[i].argmin())
            distance = (np.sqrt(there[i]) + np.sqrt(back[_rank(back, ranks[1])])) / 2
    else:
        swap = len(one) < len(other)
        few, many = (one, other) if swap else (other, one)
        there, index = cKDTree(many, balanced_tree=False, compact_nodes=False).query(few)
        rank = ranks[0] if swap else ranks[1]
        nearest = _rank(there, rank)
        distance = float(there[nearest])
        i, j = (nearest, index[nearest]) if swap else (index[nearest], nearest)
    line = other[j] - one[i]
    length = float(np.linalg.norm(line))
    return float(distance), line / length if length > 0 else np.zeros(3)


def _rank(distances: np.ndarray, rank: int) -> int:
    """Return the index of the `rank`-th least value, of the last one if there are fewer."""
    if rank == 1:
        return int(distances.argmin())
    place = min(rank, len(distances)) - 1
    return int(np.argpartition(distances, place)[place])
