"""Say whether the depth of a photo can be in meters, and which unit to set if it cannot."""

import numpy as np

MAX_MEDIAN_M = {"float": 100.0, "whole": 1000.0}
"""Whole numbers end at 65.5 m in millimeters: a coarser unit was chosen for something far away."""
MIN_MEDIAN_M = 0.02
NO_DEPTH = 65535
"""The largest 16-bit number, which depth cameras write where they measured nothing."""
_UNITS = {0.001: "millimeters", 0.01: "centimeters"}
_ROOM_M = 20.0


def implausible_depth_reason(depth_m: np.ndarray, *, unit_m: float, is_float: bool) -> str:
    """Return why a depth map [h, w] in meters (NaN unknown) cannot be right, '' if it can.

    `unit_m` is what a number of the file was taken to count, `is_float` whether it is a
    floating-point number.
    """
    known = depth_m[np.isfinite(depth_m)].astype(np.float64)
    median_m = float(np.median(known))
    if not is_float and unit_m <= 0.001 and np.all(np.abs(known / unit_m - NO_DEPTH) < 0.5):
        return f"every pixel is {NO_DEPTH}, which marks pixels without depth"
    if is_float and unit_m == 1.0 and known.max() <= 1.0 and known.min() < MIN_MEDIAN_M:
        return "its numbers go from 0 to 1: relative depth, where meters are needed"
    if MIN_MEDIAN_M <= median_m <= MAX_MEDIAN_M["float" if is_float else "whole"]:
        return ""
    setting = f"sources.images.{'depth_float_unit_m' if is_float else 'depth_unit_m'}"
    how_far = f"half of its pixels are {'beyond' if median_m > 1 else 'within'} {median_m:.3g} m"
    guesses = [
        f"{setting}: {unit:g} if its numbers are {name}"
        for unit, name in ((1.0, "meters"), *((unit, name) for unit, name in _UNITS.items()))
        if unit != unit_m and MIN_MEDIAN_M <= median_m / unit_m * unit <= _ROOM_M
    ]
    advice = " or ".join(guesses) or f"{setting} to the meters that a number of it counts"
    return f"{how_far}; set {advice}"
