"""What a 2D detector would report: keypoint observations made from exact projections.

The published noise model adds multiplier x N(0, 0.00504) x 256 pixels to points of a 128-pixel
image (Dong et al. 2024, its data generator), independently per axis, point, frame and view. A
`NoiseModel` states the standard deviation as a fraction of the image's width, and adds what real
detectors do: gross outliers, a bias that a view keeps for an episode, errors that change slowly.
"""

import numpy as np
from pydantic import Field

from workflow_scripts.config.base import Settings

# 0.00504 * 256 / 128: one published unit of noise as a fraction of the image's width.
NOISE_UNIT = 0.00504 * 256 / 128


class NoiseModel(Settings):
    """How observed keypoints differ from exact projections."""

    multiplier: float = Field(
        1.0,
        ge=0,
        description="standard deviation in published units (1.29 px of 128); 0 is exact",
    )
    outliers: float = Field(
        0.0, ge=0, le=1, description="fraction of observations that lie anywhere in the image"
    )
    bias: float = Field(
        0.0,
        ge=0,
        description="standard deviation, in published units, of an offset that each view and "
        "keypoint keeps for an episode",
    )
    correlation: float = Field(
        0.0, ge=0, lt=1, description="AR(1) correlation of the noise of neighboring frames"
    )
    occlusion: bool = Field(
        True, description="hidden keypoints are not observed; else only those outside the image"
    )


def add_observation_noise(
    pixels: np.ndarray,
    seen: np.ndarray,
    *,
    width_px: float,
    height_px: float,
    model: NoiseModel,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return observed pixels [frame, view, keypoint, 2] and confidences [frame, view, keypoint].

    Args:
        pixels: Exact projections, pixels.
        seen: Which of them can be observed (bool).
        width_px: Width of the image.
        height_px: Height of the image.
        model: What is added.
        rng: Generator of this episode.

    Nothing is clamped to the image: noise may push a point over the border, as a soft-argmax at
    the border could not, but clamping would bias every point near it. The confidence is 1 or 0,
    whatever the noise; outliers are not marked.
    """
    sigma_px = NOISE_UNIT * width_px
    steps = rng.standard_normal(pixels.shape)
    if model.correlation:
        correlation = model.correlation
        for frame in range(1, len(steps)):
            innovation = np.sqrt(1 - correlation**2) * steps[frame]
            steps[frame] = correlation * steps[frame - 1] + innovation
    noise = model.multiplier * sigma_px * steps
    noise = noise + model.bias * sigma_px * rng.standard_normal(pixels.shape[1:])
    anywhere = rng.uniform(0, [width_px, height_px], size=pixels.shape)
    is_outlier = rng.random(pixels.shape[:-1]) < model.outliers
    observed = np.where(is_outlier[..., None], anywhere, pixels + noise)
    confident = np.asarray(seen, dtype=bool) & np.isfinite(pixels).all(axis=-1)
    return np.where(confident[..., None], observed, 0.0), confident.astype(np.float32)
