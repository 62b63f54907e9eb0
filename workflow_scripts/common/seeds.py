"""Random generators that depend on what they are for, never on order, process or machine."""

import hashlib

import numpy as np


def rng(seed: int, *keys: str | int) -> np.random.Generator:
    """Make a generator from the workflow's seed and the identity of what is sampled.

    Equal arguments give equal streams on every machine; the keys are hashed with their types'
    text form, so `rng(7, "a", 1)` and `rng(7, "a1")` differ.
    """
    digest = hashlib.sha256("\x1f".join(str(key) for key in (seed, *keys)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4"))
