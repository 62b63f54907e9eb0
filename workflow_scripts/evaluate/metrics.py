"""Score one answer, and put an interval on a mean of scores.

Published definitions: success within 25 % and the relative error of parseable answers are
SpatialRGPT's (Cheng et al. 2024: 0.75 g <= p <= 1.25 g, unparseable fails; |p - g| / g), within
a factor of two is SpatialVLM's (Chen et al. 2024: 0.5 g <= p <= 2 g).
"""

import numpy as np
import pandas as pd

from workflow_scripts.common.answers import parse_choice, parse_metres

CHOICE_METRICS = ("accuracy", "parse_failure_rate")
METRES_METRICS = ("success_25pct", "within_factor_2", "abs_rel", "parse_failure_rate")


def score_choice(text: str, truth: str, choices: list[str]) -> dict[str, float]:
    """Return the metrics of one answer to a question with choices."""
    answer = parse_choice(text, choices)
    return {"accuracy": float(answer == truth), "parse_failure_rate": float(answer is None)}


def score_metres(text: str, truth_m: float) -> dict[str, float]:
    """Return the metrics of one answer in metres; `abs_rel` is NaN if it does not parse."""
    answer_m = parse_metres(text)
    if answer_m is None:
        return {
            "success_25pct": 0.0,
            "within_factor_2": 0.0,
            "abs_rel": np.nan,
            "parse_failure_rate": 1.0,
        }
    return {
        "success_25pct": float(0.75 * truth_m <= answer_m <= 1.25 * truth_m),
        "within_factor_2": float(0.5 * truth_m <= answer_m <= 2 * truth_m),
        "abs_rel": abs(answer_m - truth_m) / truth_m,
        "parse_failure_rate": 0.0,
    }


def score(text: str, answer_type: str, truth: str | float, choices: list[str]) -> dict[str, float]:
    """Return the metrics of one answer of either type."""
    if answer_type == "metres":
        return score_metres(text, float(truth))
    return score_choice(text, str(truth), choices)


class HouseBootstrap:
    """Resample houses with replacement; the same resamples serve every mean, so gains pair.

    Questions of one house are not independent, so the house is what is drawn (a cluster
    bootstrap; Efron & Tibshirani 1993, percentile intervals).
    """

    def __init__(self, houses: pd.Series, *, resamples: int, rng: np.random.Generator) -> None:
        names, self._house = np.unique(houses.to_numpy(dtype=str), return_inverse=True)
        self.num_houses = len(names)
        shares = np.full(self.num_houses, 1 / self.num_houses)
        self._weights = rng.multinomial(self.num_houses, shares, size=resamples)

    def means(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean of the scores [n] that are not NaN, and its resamples [resamples]."""
        valid = ~np.isnan(scores)
        if not valid.any():
            return float("nan"), np.full(len(self._weights), np.nan)
        house = self._house[valid]
        sums = np.bincount(house, weights=scores[valid], minlength=self.num_houses)
        counts = np.bincount(house, minlength=self.num_houses)
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
