"""Random choices that read as claims."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Thing = TypeVar("Thing")


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with a probability."""
    return bool(rng.random() < probability)


def pick(
    rng: np.random.Generator, things: Sequence[Thing], weights: Sequence[float] | None = None
) -> Thing:
    """Pick one thing; `weights` need not sum to 1."""
    if weights is None:
        return things[int(rng.integers(len(things)))]
    bounds = np.cumsum(weights)
    index = int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))
    return things[min(index, len(things) - 1)]


def shuffled(rng: np.random.Generator, things: Sequence[Thing]) -> list[Thing]:
    """Return the things in a random order."""
    return [things[int(i)] for i in rng.permutation(len(things))]
