"""Turn light into a picture: denoise, expose, map to sRGB."""

import numpy as np

from workflow_scripts.views.pathtrace.tracer import Radiance

_MIDDLE = 0.34
_SHOULDER = 0.22


def develop(light: Radiance) -> np.ndarray:
    """Return the picture u8 [h, w, 3] of a frame's light."""
    return tone(denoise(light))


def denoise(light: Radiance) -> np.ndarray:
    """Return the colour without the grain of few samples, f32 [h, w, 3]."""
    import pyoidn

    return pyoidn.denoise(
        np.ascontiguousarray(light.colour),
        albedo=np.ascontiguousarray(light.albedo),
        normal=np.ascontiguousarray(light.normal),
        hdr=True,
    )


def tone(colour: np.ndarray) -> np.ndarray:
    """Expose by the median brightness and map to sRGB with a soft shoulder."""
    brightness = colour @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    exposed = np.maximum(colour, 0) * (_MIDDLE / max(float(np.median(brightness)), 1e-4))
    knee = 1 - _SHOULDER
    # Linear up to the knee, then a curve of the same slope that approaches 1.
    over = np.maximum(exposed - knee, 0)
    soft = np.where(exposed > knee, knee + _SHOULDER * (1 - np.exp(-over / _SHOULDER)), exposed)
    srgb = np.where(
        soft <= 0.0031308, soft * 12.92, 1.055 * np.maximum(soft, 1e-8) ** (1 / 2.4) - 0.055
    )
    return (np.clip(srgb, 0, 1) * 255 + 0.5).astype(np.uint8)
