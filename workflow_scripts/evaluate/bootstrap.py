"""Intervals of a mean or median of scores, by resampling scenes."""

import numpy as np
from numpy.typing import ArrayLike


class SceneBootstrap:
    """Resample scenes with replacement; the same resamples serve every statistic, so gains pair.

    Questions of one scene (house, photo, video) are not independent, nor are the frames of one
    episode, so scenes are resampled (a cluster bootstrap; Efron & Tibshirani 1993, percentile
    intervals). `scenes` [n] is the scene of each score: a name, or a number that sorts as the name.

    Attributes:
        num_scenes: how many there are.
        scene: number of the scene of each score [n].
        weights: how often each resample has each scene [resamples, num_scenes].
    """

    def __init__(self, scenes: ArrayLike, *, resamples: int, rng: np.random.Generator) -> None:
        given = np.asarray(scenes)
        names = given if given.dtype.kind in "iu" else given.astype(str)
        unique, self.scene = np.unique(names, return_inverse=True)
        self.num_scenes = len(unique)
        probabilities = np.full(self.num_scenes, 1 / self.num_scenes)
        draws = rng.multinomial(self.num_scenes, probabilities, size=resamples)
        # As floats, for they are multiplied with sums of scores again and again.
        self.weights = draws.astype(np.float64)

    def means(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean of the scores [n] that are finite, and its resamples [resamples]."""
        valid = np.isfinite(scores)
        if not valid.any():
            return float("nan"), np.full(len(self.weights), np.nan)
        scene = self.scene[valid]
        sums = np.bincount(scene, weights=scores[valid], minlength=self.num_scenes)
        counts = np.bincount(scene, minlength=self.num_scenes)
        with np.errstate(divide="ignore", invalid="ignore"):
            resampled = (self.weights @ sums) / (self.weights @ counts)
        return float(scores[valid].mean()), resampled

    def ratios(self, parts: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of parts over sums of totals [n, k]: of all [k], and by resample.

        NaN where the totals are 0. The resamples are [resamples, k].
        """
        shape = (self.num_scenes, parts.shape[1])
        sums, sums_of_totals = np.zeros(shape), np.zeros(shape)
        np.add.at(sums, self.scene, parts)
        np.add.at(sums_of_totals, self.scene, totals)
        return _ratio(parts.sum(axis=0), totals.sum(axis=0)), _ratio(
            self.weights @ sums, self.weights @ sums_of_totals
        )

    def medians(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the median of the scores [n] that are finite, and its resamples."""
        valid = np.isfinite(scores)
        if not valid.any():
            return float("nan"), np.full(len(self.weights), np.nan)
        order = np.argsort(scores[valid], kind="stable")
        ordered, scene = scores[valid][order], self.scene[valid][order]
        by_scene = np.argsort(scene, kind="stable")
        first = np.cumsum(np.bincount(scene, minlength=self.num_scenes))[:-1]
        positions = np.split(by_scene, first)
        totals = self.weights @ np.array([len(ranks) for ranks in positions])
        # Medians of all resamples by bisection: the lowest rank with half of the scores up to it.
        low, high = np.zeros(len(totals), dtype=int), np.full(len(totals), len(ordered) - 1)
        while (low < high).any():
            middle = (low + high) // 2
            counts = [np.searchsorted(ranks, middle, side="right") for ranks in positions]
            enough = (self.weights * np.stack(counts, axis=1)).sum(axis=1) >= 0.5 * totals
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        resampled = np.where(totals > 0, ordered[low], np.nan)
        return float(np.median(ordered)), resampled


def _ratio(parts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    unknown = np.full(parts.shape, np.nan)
    result: np.ndarray = np.divide(parts, totals, out=unknown, where=totals > 0)
    return result


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval; NaN if nothing was resampled."""
    resampled = resampled[np.isfinite(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)
