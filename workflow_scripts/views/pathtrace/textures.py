"""Make the look of ProcTHOR's named wall, floor and ceiling materials."""

from functools import cache

import numpy as np

from workflow_scripts.common.seeds import rng
from workflow_scripts.views.meshes import Material


def linear(srgb: np.ndarray | float) -> np.ndarray:
    """Turn sRGB in [0, 1] into linear light."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@cache
def surface(name: str, colour: tuple[float, float, float] | None = None) -> tuple[Material, float]:
    """Return the material of a ProcTHOR material name and the metres one repeat of it spans."""
    base = colour or tuple(rng(0, "surface", name).uniform(0.35, 0.85, 3))
    return Material(colour=tuple(np.clip(linear(base), 0.02, 0.88))), 1.0
