"""Turn radiance into an image: denoise, expose, map to sRGB."""

import sys
from typing import Any

import numpy as np

from workflow_scripts.views.pathtrace.tracer import Radiance

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
# Linear brightness, in the image, of a surface that reflects half of the room's median light.
_TARGET_GREY = 0.41
_REFERENCE_ALBEDO = 0.42
_ADAPTATION = 0.28
_MAX_HIGHLIGHT = 0.9
_MIN_EXPOSURE_SCALE = 0.7
_SHOULDER = 0.3
_NUM_WAVELET_LEVELS = 4


def tone_map(light: Radiance, *, is_noisy: bool = True) -> np.ndarray:
    """Return the image u8 [h, w, 3] of a frame's radiance, which is denoised if it is noisy."""
    colour = denoise(light) if is_noisy else light.colour
    return srgb(colour * exposure(colour, light.albedo))


def denoise(light: Radiance) -> np.ndarray:
    """Return the colour without the noise of few samples, f32 [h, w, 3].

    Uses Open Image Denoise where `pyoidn` is installed, else `atrous_filter`.
    """
    open_image_denoise = _open_image_denoise()
    if open_image_denoise is None:
        return atrous_filter(light)
    denoised: np.ndarray = open_image_denoise.denoise(
        np.ascontiguousarray(light.colour),
        albedo=np.ascontiguousarray(light.albedo),
        normal=np.ascontiguousarray(light.normal),
        hdr=True,
    )
    return denoised


def _open_image_denoise() -> Any:
    """Return the package `pyoidn`, or None where it is not installed."""
    # It imports PyTorch where that is installed: a second of every job, of no use to arrays.
    has_torch = "torch" in sys.modules or "pyoidn" in sys.modules
    if not has_torch:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        import pyoidn
    except ImportError:
        return None
    finally:
        if not has_torch:
            del sys.modules["torch"]
    return pyoidn


def atrous_filter(light: Radiance) -> np.ndarray:
    """Return the colour smoothed by an edge-avoiding a-trous wavelet filter.

    Irradiance (colour over albedo) is averaged over ever wider 5 x 5 stencils, less across
    changes of normal and brightness, so that textures stay sharp (Dammertz et al. 2010).
    """
    albedo = np.maximum(light.albedo, 0.02)
    value = light.colour / albedo
    tolerance = 1.2 * float(np.median(value)) + 1e-4
    kernel = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
    height, width = value.shape[:2]
    for level in range(_NUM_WAVELET_LEVELS):
        step = 1 << level
        pad = [(2 * step, 2 * step), (2 * step, 2 * step), (0, 0)]
        values = np.pad(value, pad, mode="edge")
        normals = np.pad(light.normal, pad, mode="edge")
        total = np.zeros_like(value)
        weights = np.zeros((height, width, 1), dtype=np.float32)
        for row in range(5):
            for column in range(5):
                shifted = np.s_[
                    row * step : row * step + height, column * step : column * step + width
                ]
                neighbour_values = values[shifted]
                value_difference = np.abs(neighbour_values - value).max(axis=2, keepdims=True)
                normal_difference = 1 - (normals[shifted] * light.normal).sum(axis=2, keepdims=True)
                weight = np.exp(
                    -value_difference / (tolerance / step) - np.maximum(normal_difference, 0) * 40
                )
                weight = weight * kernel[row] * kernel[column]
                total += neighbour_values * weight
                weights += weight
        value = total / weights
    filtered: np.ndarray = value * albedo
    return filtered


def exposure(colour: np.ndarray, guide: np.ndarray) -> float:
    """Return the factor that maps a room's light to the range of an image.

    `colour` (denoised: noise would shift the medians) and the albedo `guide` are f32 [h, w, 3].
    Metered is the light that falls on surfaces, not what they reflect, so that a white table is
    white and a dark wall is dark; about a quarter of the difference is compensated. Where that
    would clip a large bright part of the image, the exposure is reduced by up to half a stop.
    """
    albedo = guide @ _LUMINANCE
    # Lamps and sky have albedo 1 by convention; surfaces stay below.
    surface = (albedo < 0.95) & (albedo > 0.01)
    if not surface.any():
        return 1.0
    reflected = colour[surface] @ _LUMINANCE
    irradiance = float(np.median(reflected / albedo[surface]))
    adaptation = (_REFERENCE_ALBEDO / float(np.median(albedo[surface]))) ** _ADAPTATION
    exposure_scale = 2 * _TARGET_GREY * adaptation / max(irradiance, 1e-3)
    highlights = float(np.percentile(reflected, 95)) * exposure_scale
    reduction = np.clip(_MAX_HIGHLIGHT / max(highlights, 1e-3), _MIN_EXPOSURE_SCALE, 1)
    return float(exposure_scale * reduction)


def srgb(exposed: np.ndarray) -> np.ndarray:
    """Map linear light to sRGB u8: linear up to a knee, then a shoulder that approaches 1."""
    light = np.maximum(exposed, 0)
    knee = 1 - _SHOULDER
    above_knee = np.maximum(light - knee, 0) / _SHOULDER
    light = np.where(light > knee, knee + _SHOULDER * above_knee / (1 + above_knee), light)
    encoded = np.where(
        light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055
    )
    pixels: np.ndarray = (np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels
