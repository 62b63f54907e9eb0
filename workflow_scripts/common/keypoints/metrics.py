"""How far estimated keypoints are from the truth, in millimetres, and how sure that number is.

Every test frame of every episode counts. A keypoint without an estimate counts as missed in PCK
and AUC, and is left out of means and medians of errors; `found` says how many have one.
"""

from collections.abc import Callable

import numpy as np

PCK_MM = (5, 10, 20, 50)
AUC_TO_MM = 50.0
# A similarity has 7 degrees of freedom; 3 points in space leave 2 numbers, 4 leave 5.
MIN_PROCRUSTES = 4


def errors_mm(points_m: np.ndarray, truth_m: np.ndarray) -> np.ndarray:
    """Return Euclidean errors [...] of points [..., 3], NaN where there is no estimate."""
    return 1000 * np.linalg.norm(points_m - truth_m, axis=-1)


def share_within(error_mm: np.ndarray, limit_mm: float) -> np.ndarray:
    """Return 1 where an error is at most the limit, else 0; a missing estimate is a miss."""
    return (np.nan_to_num(error_mm, nan=np.inf) <= limit_mm).astype(np.float64)


def area_under_curve(error_mm: np.ndarray) -> np.ndarray:
    """Return each point's part of the area under the PCK curve from 0 to 50 mm, in [0, 1].

    The curve's mean height is the mean of max(0, 1 - error / 50 mm): no grid is needed.
    """
    return np.maximum(0.0, 1 - np.nan_to_num(error_mm, nan=np.inf) / AUC_TO_MM)


POINT_METRICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mpjpe_mm": lambda error_mm: error_mm,
    **{
        f"pck_{limit}mm": lambda error_mm, limit=limit: share_within(error_mm, limit)  # type: ignore[misc]
        for limit in PCK_MM
    },
    "auc_50mm": area_under_curve,
    "found": lambda error_mm: np.isfinite(error_mm).astype(np.float64),
}
LOWER_IS_BETTER = ("mpjpe_mm", "median_mm", "p_mpjpe_mm", "reprojection_px")


def reprojection_px(
    points_m: np.ndarray,
    pixels: np.ndarray,
    seen: np.ndarray,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
) -> np.ndarray:
    """Return the mean distance [frame, keypoint] of estimates from exact projections, in pixels.

    Args:
        points_m: Estimates [frame, keypoint, 3].
        pixels: Exact projections [frame, view, keypoint, 2].
        seen: Views to count [frame, view, keypoint].
        intrinsics: [frame, view, 3, 3].
        world_from_camera: [frame, view, 4, 4].

    NaN where no view counts or there is no estimate.
    """
    rotation = world_from_camera[..., :3, :3]
    offset = points_m[:, None] - world_from_camera[..., None, :3, 3]
    camera = np.einsum("fvij,fvki->fvkj", rotation, offset)
    image = np.einsum("fvij,fvkj->fvki", intrinsics, camera)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.linalg.norm(image[..., :2] / image[..., 2:] - pixels, axis=-1)
        counted = seen.astype(bool) & np.isfinite(distance)
        total = np.where(counted, distance, 0.0).sum(axis=1)
        return total / np.where(counted.any(axis=1), counted.sum(axis=1), np.nan)


def procrustes_errors_mm(points_m: np.ndarray, truth_m: np.ndarray) -> np.ndarray:
    """Return errors [keypoint] after the best similarity (rotation, scale, shift) of one frame.

    Defined for four keypoints or more that do not lie on one line (Umeyama 1991); NaN otherwise,
    since fewer can be fitted to almost anything. Reflections are not allowed.
    """
    nothing = np.full(len(points_m), np.nan)
    good = np.isfinite(points_m).all(axis=-1) & np.isfinite(truth_m).all(axis=-1)
    if good.sum() < MIN_PROCRUSTES:
        return nothing
    estimate = points_m[good] - points_m[good].mean(axis=0)
    truth = truth_m[good] - truth_m[good].mean(axis=0)
    u, singular, vt = np.linalg.svd(truth.T @ estimate)
    if singular[1] < 1e-12:
        return nothing
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    scale = (singular * signs).sum() / (estimate**2).sum()
    nothing[good] = 1000 * np.linalg.norm(scale * estimate @ rotation.T - truth, axis=-1)
    return nothing


class EpisodeBootstrap:
    """Resample episodes with replacement; frames of an episode are not independent.

    A cluster bootstrap with percentile intervals (Efron & Tibshirani 1993). The same resamples
    serve every statistic, so differences between methods are paired.
    """

    def __init__(self, episodes: np.ndarray, *, resamples: int, rng: np.random.Generator) -> None:
        names, self._episode = np.unique(episodes, return_inverse=True)
        self.num_episodes = len(names)
        shares = np.full(self.num_episodes, 1 / self.num_episodes)
        self._weights = rng.multinomial(self.num_episodes, shares, size=resamples)

    def means(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean of the values [n] that are not NaN, and its resamples."""
        valid = np.isfinite(values)
        if not valid.any():
            return float("nan"), np.full(len(self._weights), np.nan)
        episode = self._episode[valid]
        sums = np.bincount(episode, weights=values[valid], minlength=self.num_episodes)
        counts = np.bincount(episode, minlength=self.num_episodes)
        with np.errstate(divide="ignore", invalid="ignore"):
            resampled = (self._weights @ sums) / (self._weights @ counts)
        return float(values[valid].mean()), resampled

    def medians(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the median of the values [n] that are not NaN, and its resamples."""
        valid = np.isfinite(values)
        if not valid.any():
            return float("nan"), np.full(len(self._weights), np.nan)
        order = np.argsort(values[valid], kind="stable")
        ordered, episode = values[valid][order], self._episode[valid][order]
        places = [np.flatnonzero(episode == number) for number in range(self.num_episodes)]
        totals = self._weights @ np.array([len(place) for place in places])
        # Every resample's median by bisection at once: the first place that half lies at or below.
        low, high = np.zeros(len(totals), dtype=int), np.full(len(totals), len(ordered) - 1)
        while (low < high).any():
            middle = (low + high) // 2
            counts = [np.searchsorted(place, middle, side="right") for place in places]
            enough = (self._weights * np.stack(counts, axis=1)).sum(axis=1) >= 0.5 * totals
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        resampled = np.where(totals > 0, ordered[low], np.nan)
        return float(np.median(ordered)), resampled


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval; NaN if nothing was resampled."""
    resampled = resampled[np.isfinite(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)
