"""The convex outline of an object seen from above, as text in a table and as an array."""

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray


def format_outline(corners_m: FloatArray) -> str:
    """Write corners [k, 2] as "x y x y ..."."""
    return " ".join(f"{value:.12g}" for value in np.asarray(corners_m).ravel().tolist())


def parse_outline(text: str) -> FloatArray:
    """Return the corners [k, 2] of an outline; none for ''."""
    return np.array(text.split(), dtype=np.float64).reshape(-1, 2)


def outline_area_m2(corners_m: FloatArray) -> float:
    """Return the area that an outline [k, 2] encloses."""
    x, y = (corners_m - corners_m.mean(axis=0)).T if len(corners_m) else np.zeros((2, 0))
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
