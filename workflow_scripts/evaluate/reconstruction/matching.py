"""Match predicted objects to true ones of the same class, one to one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from workflow_scripts.geometry.cameras import FloatArray

_FORBIDDEN = 1e6


@dataclass(frozen=True)
class Matching:
    """Pairs of one room: indices of true and of predicted objects [n], and counts of all."""

    true: np.ndarray
    predicted: np.ndarray
    num_true: int
    num_predicted: int

    @property
    def num_pairs(self) -> int:
        """Return how many predictions are right."""
        return len(self.true)


def same_class(true: Sequence[str], predicted: Sequence[str]) -> np.ndarray:
    """Return whether class i of the truth is class j of the prediction [n, m]."""
    if not len(true) or not len(predicted):
        return np.zeros((len(true), len(predicted)), dtype=bool)
    names = np.asarray(true, dtype=object)[:, None]
    result: np.ndarray = names == np.asarray(predicted, dtype=object)[None, :]
    return result


def match_within(cost: FloatArray, allowed: np.ndarray, limit: float) -> Matching:
    """Match as many pairs as possible whose cost [n, m] is at most a limit; least sum of costs.

    A pair that is not allowed [n, m] is never matched.
    """
    num_true, num_predicted = cost.shape
    within = allowed & (cost <= limit)
    if not within.any():
        nothing = np.zeros(0, dtype=int)
        return Matching(nothing, nothing, num_true, num_predicted)
    # One pair more is worth any sum of distances.
    largest = min(limit, float(cost[within].max()))
    scale = 1.0 / (largest * (min(cost.shape) + 1) + 1e-12)
    rows, columns = linear_sum_assignment(np.where(within, cost * scale, _FORBIDDEN))
    kept = within[rows, columns]
    return Matching(rows[kept], columns[kept], num_true, num_predicted)
