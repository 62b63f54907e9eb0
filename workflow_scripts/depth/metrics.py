"""Measure the depth of a view, alone and against the simulator's."""

import numpy as np


def depth_statistics(depth_m: np.ndarray) -> dict[str, float]:
    """Return the share of pixels with depth, and their least, middle and greatest depth.

    The latter are NaN where no pixel has depth.
    """
    values = depth_m[np.isfinite(depth_m)].astype(np.float64)
    if not values.size:
        return {"valid_share": 0.0, "min_m": np.nan, "median_m": np.nan, "max_m": np.nan}
    return {
        "valid_share": values.size / depth_m.size,
        "min_m": float(values.min()),
        "median_m": float(np.median(values)),
        "max_m": float(values.max()),
    }


def depth_errors(estimate_m: np.ndarray, true_m: np.ndarray) -> dict[str, float]:
    """Return the usual errors of an estimate over pixels where both depths exist.

    abs_rel = mean |e - t| / t; rmse_m = sqrt(mean (e - t)^2); delta1 = share with
    max(e / t, t / e) < 1.25; median_scale = median e / t (1 when the scale is right). NaN
    without a common pixel.
    """
    is_valid = np.isfinite(estimate_m) & np.isfinite(true_m) & (true_m > 0)
    estimate, true = estimate_m[is_valid].astype(np.float64), true_m[is_valid].astype(np.float64)
    if not true.size:
        return {"abs_rel": np.nan, "rmse_m": np.nan, "delta1": np.nan, "median_scale": np.nan}
    ratio = estimate / true
    return {
        "abs_rel": float(np.mean(np.abs(ratio - 1))),
        "rmse_m": float(np.sqrt(np.mean((estimate - true) ** 2))),
        "delta1": float(np.mean(np.maximum(ratio, 1 / ratio) < 1.25)),
        "median_scale": float(np.median(ratio)),
    }
