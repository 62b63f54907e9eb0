"""Random choices that read as claims."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with a probability."""
    return bool(rng.random() < probability)


def pick(
    rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] | None = None
) -> T:
    """Pick one item; `weights` need not sum to 1."""
    if weights is None:
        return options[int(rng.integers(len(options)))]
    bounds = np.cumsum(weights)
    index = int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))
    return options[min(index, len(options) - 1)]


def shuffled(rng: np.random.Generator, options: Sequence[T]) -> list[T]:
    """Return the items in a random order."""
    return [options[int(i)] for i in rng.permutation(len(options))]
