"""Make exact depth and masks as wrong as a sensor's: what the label audit measures through.

Noise grows with the square of the distance and is shared by neighbouring pixels; depth at edges
mixes the two surfaces; masks wander by about a pixel.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter

from workflow_scripts.pointclouds.depth_error import DepthErrorModel

NOISE_BLUR_PX = 1.0
MASK_BLUR_PX = 6.0
MIXED_SHARE = 0.5
"""Share of the pixels at a depth edge that hold a mixture."""
EDGE_SHARE = 0.05
"""A step in depth that is an edge, as a share of the depth."""


def add_sensor_noise(
    depth_m: np.ndarray, instance: np.ndarray, *, error: DepthErrorModel, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return depth f32 [h, w] and instance u16 [h, w] with errors of the model's size."""
    shape = depth_m.shape
    is_valid = np.isfinite(depth_m) & (depth_m > 0)
    clean = np.where(is_valid, depth_m, 0.0).astype(np.float64)
    mean = uniform_filter(clean, 3)
    edge = np.abs(mean - clean) > EDGE_SHARE * clean
    mixed = np.where(edge & (rng.random(shape) < MIXED_SHARE), mean, clean)
    noise = gaussian_filter(rng.standard_normal(shape), NOISE_BLUR_PX)
    noise /= noise.std()
    noisy = mixed * (1 + error.scale * rng.standard_normal())
    noisy += noise * error.sigma_m(clean)
    mask_offsets = gaussian_filter(
        rng.standard_normal((2, *shape)), (0, MASK_BLUR_PX, MASK_BLUR_PX)
    )
    mask_offsets *= error.mask_px / mask_offsets.std()
    grid = np.indices(shape) + mask_offsets
    warped = map_coordinates(instance, grid, order=0, mode="nearest")
    return np.where(is_valid, noisy, np.nan).astype(np.float32), warped.astype(instance.dtype)
