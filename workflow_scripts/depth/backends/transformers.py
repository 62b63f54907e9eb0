"""Metric depth through Hugging Face transformers: Depth Anything (metric), Depth Pro, ZoeDepth.

Models that predict relative depth are refused: their numbers are neither metres nor, often, even
depth (Depth Anything's and MiDaS' are inverse depth), and every length measured later would be
wrong.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForDepthEstimation,
    ViTImageProcessor,
)

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.depth.estimator import DepthEstimate
from workflow_scripts.geometry.cameras import Camera

log = logging.getLogger(__name__)

IS_METRIC: dict[str, Callable[[Any], bool]] = {
    "depth_anything": lambda config: config.depth_estimation_type == "metric",
    "depth_pro": lambda config: True,
    "zoedepth": lambda config: True,
}
"""Model types that are known, and whether a configuration of that type predicts meters."""

MIN_FOV_DEG, MAX_FOV_DEG = 5.0, 150.0
"""A guessed field of view outside this is an error of the network."""

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
            self._processor = _load_processor(config.model_type, model)
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
    def estimate(
        self, images: np.ndarray, cameras: Sequence[Camera], *, is_known: Sequence[bool]
    ) -> DepthEstimate:
        """Estimate images u8 [n, h, w, 3]; Depth Pro guesses focal lengths that are not known."""
        height, width = images.shape[1:3]
        # Of an array 3 pixels high the processor would take the rows for channels.
        pictures = [Image.fromarray(image) for image in images]
        inputs = self._processor(images=pictures, return_tensors="pt")
        outputs = self._model(inputs["pixel_values"].to(self._device, self._dtype))
        predicted = outputs.predicted_depth.float()
        guessed_px = np.full(len(images), np.nan)
        if self._type == "zoedepth" and self._processor.do_pad:
            depth_m = _crop_padding(predicted, height, width)
        elif self._type == "depth_pro":
            focal_px = np.array([camera.intrinsics[0, 0] for camera in cameras])
            if outputs.field_of_view is not None:
                fov_deg = outputs.field_of_view.float().cpu().numpy().reshape(len(images))
                guessed_px = guessed_focal_px(fov_deg, width_px=width, is_known=is_known)
                focal_px = np.where(np.isnan(guessed_px), focal_px, guessed_px)
            # Predicted is inverse depth for a focal length of one picture width.
            widths = torch.tensor(width / focal_px, dtype=torch.float32)
            inverse = (
                _resize_maps(predicted, height, width) * widths.to(self._device)[:, None, None]
            )
            depth_m = 1.0 / inverse.clamp(1e-4, 1e4)
        else:
            depth_m = _resize_maps(predicted, height, width)
        return DepthEstimate(depth_m.cpu().numpy(), guessed_px)


def guessed_focal_px(fov_deg: np.ndarray, *, width_px: int, is_known: Sequence[bool]) -> np.ndarray:
    """Return focal lengths [n] in pixels of guessed horizontal fields of view.

    NaN where the camera is known, and where the guess is no field of view that a camera has.
    """
    usable = (fov_deg > MIN_FOV_DEG) & (fov_deg < MAX_FOV_DEG) & ~np.asarray(is_known, dtype=bool)
    safe_deg = np.where(usable, fov_deg, 90.0).astype(np.float64)
    focal_px = 0.5 * width_px / np.tan(np.deg2rad(safe_deg) / 2)
    return np.where(usable, focal_px, np.nan)


def _load_processor(kind: str, model: str) -> Any:
    """Return the image processor of a model.

    Depth Pro's own needs torchvision; ViT's reads the same settings and does the same (squash to
    a size, normalise) without it.
    """
    if kind == "depth_pro":
        return ViTImageProcessor.from_pretrained(model)
    return AutoImageProcessor.from_pretrained(model)


def _resize_maps(depth: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Resize maps [n, h, w] bilinearly: unlike bicubic, that makes no depth that was not there."""
    return torch.nn.functional.interpolate(
        depth[:, None], size=(height, width), mode="bilinear", align_corners=False
    )[:, 0]


def _crop_padding(depth: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Resize maps [n, h, w] of ZoeDepth, whose processor mirrors a border around the picture.

    The border is floor(3 * sqrt(size / 2)) pixels wide on each side, as its processor has it.
    """
    rows, columns = int(math.sqrt(height / 2) * 3), int(math.sqrt(width / 2) * 3)
    padded = _resize_maps(depth, height + 2 * rows, width + 2 * columns)
    return padded[:, rows : rows + height, columns : columns + width]


def check_metric(config: Any, model: str) -> None:
    """Raise `UserError` unless a model configuration is known to predict metres."""
    kind = config.model_type
    if kind not in IS_METRIC:
        raise UserError(
            f"depth.model {model!r} is of type {kind!r}, which is not known to predict meters; "
            f"{allowed_values(kind, IS_METRIC)}. {ADVICE}"
        )
    if not IS_METRIC[kind](config):
        raise UserError(f"depth.model {model!r} predicts relative depth, not meters. {ADVICE}")
