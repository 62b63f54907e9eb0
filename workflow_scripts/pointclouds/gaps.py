"""The least distance between the clouds of every two objects.

Most points of a cloud cannot be the nearest ones. A few points of each cloud bound every distance
from above, the more so when they went to the nearest points of one another; points that are further
than that from the other cloud along the bound's own line are passed over, then those further from
its upright box, with a tighter bound if many are left. Over the rest the distance is exact. Noisy
clouds are thinned, and the third nearest point counts.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

NUM_PROBES, NUM_SUBSAMPLED = 32, 48
NUM_STEPS, STEP_POINTS = 2, 500
"""How often the ends of a bound go to the nearest point, and among how many of each cloud."""
MAX_BRUTE_FORCE_PAIRS, MAX_FILTERED_PAIRS = 12_000, 60_000
"""Up to so many pairs of points the distances of all are the fastest way; beyond, a tree is."""
NOISY_POINTS, NOISY_NEAR = 1000, 140
"""Noisy clouds are thinned to so many points each, and what is near another cloud once more."""
NOISY_RANK = 3
"""With noise the nearest of many pairs is near by chance, so the third nearest point counts."""
NOISY_REACH = (1.1, 0.02)
"""How far beyond the bound the next nearest points may be: a factor, and metres."""


def pairwise_gaps(
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
        clouds = [_subsample(cloud, NOISY_POINTS) for cloud in clouds]
    bound, ends = _upper_bounds(clouds)
    if noisy:
        reach = bound * NOISY_REACH[0] + NOISY_REACH[1]
        near = _near_boxes(clouds, reach)
    else:
        bound, line = _tighten_bounds(clouds, ends)
        reach = bound * (1 + 1e-9) + 1e-12
        near = _points_in_reach(clouds, line, reach)
    for i in range(number):
        for j in range(i + 1, number):
            cloud_a, cloud_b = clouds[i][near[i][j]], clouds[j][near[j][i]]
            if noisy:
                length, vector = _third_nearest(cloud_a, cloud_b)
            else:
                length, vector = _nearest(cloud_a, cloud_b, reach[i, j])
            gap[i, j] = gap[j, i] = length
            direction[i, j] = vector
    direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-12)
    direction -= direction.transpose(1, 0, 2)
    return gap, direction


def _subsample(cloud: np.ndarray, number: int) -> np.ndarray:
    """Return at most `number` points of a cloud, evenly picked."""
    if len(cloud) <= number:
        return cloud
    return cloud[np.arange(number) * len(cloud) // number]


def _upper_bounds(clouds: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return distances [n, n] of some points of each cloud, and which point [n, n, 3] of i to j.

    No gap is larger.
    """
    steps = np.arange(NUM_PROBES)
    probes = np.stack([cloud[steps * len(cloud) // NUM_PROBES] for cloud in clouds])
    number = len(clouds)
    all_probes = probes.reshape(-1, 3)
    between = cdist(all_probes, all_probes).reshape(number, NUM_PROBES, number, NUM_PROBES)
    between = between.transpose(0, 2, 1, 3).reshape(number, number, -1)
    index_of_min = between.argmin(axis=-1)
    bound = np.take_along_axis(between, index_of_min[..., None], axis=-1)[..., 0]
    return bound, probes[np.arange(number)[:, None], index_of_min // NUM_PROBES]


def _tighten_bounds(
    clouds: Sequence[np.ndarray], ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances [n, n] that no gap exceeds, and the unit lines [n, n, 3] that they are of.

    `ends` [n, n, 3] are points of i; each goes to the point of its cloud nearest to the end of j.
    Lines lead from i to j and are exactly opposite the other way round.
    """
    subsampled = [_subsample(cloud, STEP_POINTS) for cloud in clouds]
    before = ends
    for _ in range(NUM_STEPS):
        before, other_ends = ends, ends.transpose(1, 0, 2)
        ends = np.stack(
            [
                cloud[cdist(to, cloud, "sqeuclidean").argmin(axis=1)]
                for cloud, to in zip(subsampled, other_ends, strict=True)
            ]
        )
    line = before.transpose(1, 0, 2) - ends
    length = np.sqrt(np.einsum("ijx,ijx->ij", line, line))
    line = np.where((length <= length.T)[..., None], line, -line.transpose(1, 0, 2))
    line *= np.triu(np.ones(length.shape), 1)[..., None]
    line -= line.transpose(1, 0, 2)
    bound = np.minimum(length, length.T)
    return bound, line / np.maximum(bound, 1e-12)[..., None]


def _points_in_reach(
    clouds: Sequence[np.ndarray], line: np.ndarray, reach: np.ndarray
) -> list[list[np.ndarray]]:
    """Return for each i and j the numbers of i's points that may be within `reach` [n, n] of j.

    Along any line a point is no nearer to a cloud than to the cloud's first point on that line.
    """
    along = [cloud @ line[i].T for i, cloud in enumerate(clouds)]
    front = np.stack([values.max(axis=0) for values in along])
    min_along = -front.T - reach
    return [
        [np.flatnonzero(column) for column in (values >= min_along[i]).T]
        for i, values in enumerate(along)
    ]


def _near_boxes(clouds: Sequence[np.ndarray], reach: np.ndarray) -> list[list[np.ndarray]]:
    """Return for each i and j the numbers of i's points within `reach` [n, n] of j's box."""
    low = np.stack([cloud.min(axis=0) for cloud in clouds])
    high = np.stack([cloud.max(axis=0) for cloud in clouds])
    near = []
    for i, cloud in enumerate(clouds):
        squares = 0.0
        for axis in range(3):
            values = cloud[:, axis]
            outside = np.maximum(low[:, axis, None] - values, values - high[:, axis, None])
            np.maximum(outside, 0.0, out=outside)
            outside *= outside
            squares = squares + outside
        near.append([np.flatnonzero(row) for row in squares <= (reach[i] ** 2)[:, None]])
    return near


def _near_box(cloud: np.ndarray, cloud_b: np.ndarray, reach: float) -> np.ndarray:
    """Return the points of a cloud that are within `reach` of the upright box around another."""
    low, high = cloud_b.min(axis=0), cloud_b.max(axis=0)
    outside = np.maximum(np.maximum(low - cloud, cloud - high), 0.0)
    result: np.ndarray = cloud[np.einsum("px,px->p", outside, outside) <= reach**2]
    return result


def _nearest(cloud_a: np.ndarray, cloud_b: np.ndarray, reach: float) -> tuple[float, np.ndarray]:
    """Return the distance between two clouds, at most `reach`, and the vector [3] that it is of."""
    while len(cloud_a) * len(cloud_b) > MAX_BRUTE_FORCE_PAIRS:
        size = len(cloud_a) + len(cloud_b)
        subsampled = cdist(
            _subsample(cloud_a, NUM_SUBSAMPLED), _subsample(cloud_b, NUM_SUBSAMPLED)
        ).min()
        reach = min(reach, subsampled * (1 + 1e-9) + 1e-12)
        cloud_a = _near_box(cloud_a, cloud_b, reach)
        cloud_b = _near_box(cloud_b, cloud_a, reach)
        if len(cloud_a) + len(cloud_b) > 0.7 * size:
            if len(cloud_a) * len(cloud_b) > MAX_FILTERED_PAIRS:
                return _nearest_by_kdtree(cloud_a, cloud_b)
            break
    between = cdist(cloud_a, cloud_b, "sqeuclidean")
    i, j = divmod(int(between.argmin()), len(cloud_b))
    return float(np.sqrt(between[i, j])), cloud_b[j] - cloud_a[i]


def _third_nearest(cloud_a: np.ndarray, cloud_b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return what `_nearest` does, with the points of third rank from either side."""
    cloud_a, cloud_b = _subsample(cloud_a, NOISY_NEAR), _subsample(cloud_b, NOISY_NEAR)
    between = cdist(cloud_a, cloud_b, "sqeuclidean")
    from_a, from_b = between.min(axis=1), between.min(axis=0)
    i, j = _index_of_rank(from_a, NOISY_RANK), _index_of_rank(from_b, NOISY_RANK)
    return float(np.sqrt(from_a[i]) + np.sqrt(from_b[j])) / 2, cloud_b[j] - cloud_a[i]


def _nearest_by_kdtree(cloud_a: np.ndarray, cloud_b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return what `_nearest` does, for large clouds that lie around one another."""
    if len(cloud_a) > len(cloud_b):
        length, line = _nearest_by_kdtree(cloud_b, cloud_a)
        return length, -line
    tree = cKDTree(cloud_b, balanced_tree=False, compact_nodes=False)
    distance, index = tree.query(cloud_a)
    i = int(distance.argmin())
    return float(distance[i]), cloud_b[index[i]] - cloud_a[i]


def _index_of_rank(distances: np.ndarray, rank: int) -> int:
    """Return the index of the `rank`-th least value, of the last one if there are fewer."""
    index_of_min = min(rank, len(distances)) - 1
    return int(np.argpartition(distances, index_of_min)[index_of_min])
