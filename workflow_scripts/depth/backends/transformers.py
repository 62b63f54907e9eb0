"""Metric depth through Hugging Face transformers: Depth Anything (metric), Depth Pro, ZoeDepth.

Models that predict relative depth are refused: their numbers are neither metres nor, often, even
depth (Depth Anything's and MiDaS' are inverse depth), and every length measured later would be
wrong.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModelForDepthEstimation

from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.errors import UserError, nearest

log = logging.getLogger(__name__)

METRIC: dict[str, Callable[[Any], bool]] = {
    "depth_anything": lambda config: config.depth_estimation_type == "metric",
    "depth_pro": lambda config: True,
    "zoedepth": lambda config: True,
}
"""Model types that are known, and whether a configuration of that type predicts metres."""

ADVICE = (
    "Set depth.model to a metric model, such as "
    "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf, apple/DepthPro-hf or "
    "Intel/zoedepth-nyu, or to a local folder with one; or set depth.backend to simulator."
)


class TransformersEstimator:
    """A metric depth model on one device; half precision on a GPU."""

    def __init__(self, model: str, *, device: str = "auto") -> None:
        try:
            config = AutoConfig.from_pretrained(model)
            check_metric(config, model)
            self._processor = AutoImageProcessor.from_pretrained(model)
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            self._dtype = torch.float16 if device.startswith("cuda") else torch.float32
            self._model = AutoModelForDepthEstimation.from_pretrained(model, dtype=self._dtype)
        except UserError:
            raise
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"depth.model {model!r} cannot be loaded: {reason} {ADVICE}") from error
        self._device = torch.device(device)
        self._model.to(self._device).eval()
        self._type = config.model_type
        log.info("%s (%s) on %s, %s", model, self._type, device, self._dtype)

    @torch.inference_mode()
    def estimate(self, images: np.ndarray, cameras: Sequence[Camera]) -> np.ndarray:
        """Return planar depth in metres, f32 [n, h, w], of images u8 [n, h, w, 3]."""
        size = images.shape[1:3]
        inputs = self._processor(images=list(images), return_tensors="pt")
        outputs = self._model(inputs["pixel_values"].to(self._device, self._dtype))
        outputs.predicted_depth = outputs.predicted_depth.float()
        options: dict[str, Any] = {"target_sizes": [size] * len(images)}
        if self._type == "zoedepth":
            options["source_sizes"] = [size] * len(images)
        if self._type == "depth_pro":
            # The network's depth is in units of the focal length. It also guesses that; we know.
            outputs.field_of_view = torch.tensor(
                [_horizontal_fov_deg(camera) for camera in cameras], device=self._device
            )
        depths = self._processor.post_process_depth_estimation(outputs, **options)
        return np.stack([depth["predicted_depth"].float().cpu().numpy() for depth in depths])


def check_metric(config: Any, model: str) -> None:
    """Raise `UserError` unless a model configuration is known to predict metres."""
    kind = config.model_type
    if kind not in METRIC:
        raise UserError(
            f"depth.model {model!r} is of type {kind!r}, which is not known to predict metres; "
            f"{nearest(kind, METRIC)}. {ADVICE}"
        )
    if not METRIC[kind](config):
        raise UserError(f"depth.model {model!r} predicts relative depth, not metres. {ADVICE}")


def _horizontal_fov_deg(camera: Camera) -> float:
    """Return the angle between the left and right edge of the picture."""
    return float(np.rad2deg(2 * np.arctan(0.5 * camera.width_px / camera.intrinsics[0, 0])))
