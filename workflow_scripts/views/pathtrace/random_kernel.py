"""Random numbers of compiled loops: each follows from its seed alone, whatever was drawn before."""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel


@numba_kernel
def random_share(seed: Any) -> Any:
    """Return a number in [0, 1) that a seed u64 decides (splitmix64)."""
    z = (seed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float32(z >> np.uint64(40)) * np.float32(1 / (1 << 24))
