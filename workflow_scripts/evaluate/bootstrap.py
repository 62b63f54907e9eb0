"""Put an interval on a mean of scores, by drawing scenes again and again."""

import numpy as np
import pandas as pd


class SceneBootstrap:
    """Resample scenes with replacement; the same resamples serve every mean, so gains pair.

    Questions of one scene (house, photo, video) are not independent, so the scene is
    what is drawn (a cluster bootstrap; Efron & Tibshirani 1993, percentile intervals).
    """

    def __init__(self, scenes: pd.Series, *, resamples: int, rng: np.random.Generator) -> None:
        names, self._scene = np.unique(scenes.to_numpy(dtype=str), return_inverse=True)
        self.num_scenes = len(names)
        shares = np.full(self.num_scenes, 1 / self.num_scenes)
        self._weights = rng.multinomial(self.num_scenes, shares, size=resamples)

    def means(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean of the scores [n] that are not NaN, and its resamples [resamples]."""
        valid = ~np.isnan(scores)
        if not valid.any():
            return float("nan"), np.full(len(self._weights), np.nan)
        scene = self._scene[valid]
        sums = np.bincount(scene, weights=scores[valid], minlength=self.num_scenes)
        counts = np.bincount(scene, minlength=self.num_scenes)
        with np.errstate(divide="ignore", invalid="ignore"):
            resampled = (self._weights @ sums) / (self._weights @ counts)
        return float(scores[valid].mean()), resampled


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval; NaN if nothing was resampled."""
    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)
