"""What a 2D detector would say: keypoint observations made from exact projections.

The published noise model adds multiplier x N(0, 0.00504) x 256 pixels to points of a 128-pixel
picture (Dong et al. 2024, its data generator), independently per axis, point, frame and view. A
`NoiseModel` states the standard deviation as a share of the picture's width, and adds what real
detectors do: gross outliers, a bias that a view keeps for an episode, errors that change slowly.
"""

from dataclasses import dataclass

import numpy as np

# 0.00504 * 256 / 128: one published unit of noise as a share of the picture's width.
NOISE_UNIT = 0.00504 * 256 / 128


@dataclass(frozen=True)
class NoiseModel:
    """How observed keypoints differ from exact projections.

    Attributes:
        multiplier: Standard deviation in published units (1, 2, 3; 0 is exact).
        outliers: Share of observations that lie anywhere in the picture.
        bias: Standard deviation, in published units, of an offset that each view and keypoint
            keeps for an episode.
        correlation: Correlation of the noise of neighbouring frames (AR(1)), 0 for independent.
        occlusion: Whether hidden keypoints are unseen; else only those outside the picture are.
    """

    multiplier: float = 1.0
    outliers: float = 0.0
    bias: float = 0.0
    correlation: float = 0.0
    occlusion: bool = True


def add_observation_noise(
    pixels: np.ndarray,
    seen: np.ndarray,
    *,
    width_px: int,
    height_px: int,
    model: NoiseModel,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return observed pixels [frame, view, keypoint, 2] and confidences [frame, view, keypoint].

    Args:
        pixels: Exact projections, pixels.
        seen: Which of them can be observed (bool).
        width_px: Width of the picture.
        height_px: Height of the picture.
        model: What is added.
        rng: Generator of this episode.

    Nothing is clamped to the picture: noise may push a point over the border, as a soft-argmax
    at the border could not, but clamping would bias every point near it. The confidence is 1 or
    0; it says nothing of the noise, and outliers are not marked.
    """
    sigma_px = NOISE_UNIT * width_px
    steps = rng.standard_normal(pixels.shape)
    if model.correlation:
        kept = model.correlation
        for frame in range(1, len(steps)):
            fresh = np.sqrt(1 - kept**2) * steps[frame]
            steps[frame] = kept * steps[frame - 1] + fresh
    noise = model.multiplier * sigma_px * steps
    noise = noise + model.bias * sigma_px * rng.standard_normal(pixels.shape[1:])
    anywhere = rng.uniform(0, [width_px, height_px], size=pixels.shape)
    is_outlier = rng.random(pixels.shape[:-1]) < model.outliers
    observed = np.where(is_outlier[..., None], anywhere, pixels + noise)
    confident = np.asarray(seen, dtype=bool) & np.isfinite(pixels).all(axis=-1)
    return np.where(confident[..., None], observed, 0.0), confident.astype(np.float32)
