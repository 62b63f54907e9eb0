"""Encodings of world coordinates, computed in float32 whatever the number format of the model.

The sinusoidal ones have d // 3 channels for each axis, sines at even and cosines at odd ones, and
zeros behind them up to the width d. The published form (Video-3D LLM) first rounds coordinates to
steps of 0.1 m within 15 m (5 m in height) of the origin.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workflow_scripts.config.video import PositionEncodingSettings

PUBLISHED_LOW_M = (-15.0, -15.0, -5.0)
PUBLISHED_HIGH_M = (15.0, 15.0, 5.0)
PUBLISHED_STEP_M = 0.1
PUBLISHED_BASE = 10000.0
# Hidden width of the learned encoding.
MLP_WIDTH = 128


def published_frequencies(width: int) -> torch.Tensor:
    """Return radians per step of every channel of an axis, [width // 3]."""
    channels = width // 3
    pairs = torch.arange(channels, dtype=torch.float64) // 2
    return PUBLISHED_BASE ** (-2 * pairs / channels)


def wavelength_frequencies(width: int, *, min_m: float, max_m: float) -> torch.Tensor:
    """Return radians per metre of every channel of an axis, [width // 3].

    Wavelengths grow geometrically from the first pair of channels to the last.
    """
    channels = width // 3
    pairs = torch.arange(channels, dtype=torch.float64) // 2
    last = max((channels - 1) // 2, 1)
    return 2 * math.pi / (min_m * (max_m / min_m) ** (pairs / last))


def discretised(points_m: torch.Tensor) -> torch.Tensor:
    """Return the published whole numbers of points [n, 3]: 0 to 300 for x and y, to 100 for z."""
    low = torch.tensor(PUBLISHED_LOW_M, dtype=torch.float64, device=points_m.device)
    high = torch.tensor(PUBLISHED_HIGH_M, dtype=torch.float64, device=points_m.device)
    clipped = torch.minimum(torch.maximum(points_m.double(), low), high)
    return torch.round((clipped - low) / PUBLISHED_STEP_M)


def sinusoids(coordinates: torch.Tensor, frequencies: torch.Tensor, width: int) -> torch.Tensor:
    """Return the encoding [n, width] f32 of coordinates [n, 3]: x, then y, then z, then zeros."""
    # Angles of up to 300 radians keep their digits in float64 only.
    angles = coordinates.double()[:, :, None] * frequencies.to(coordinates.device, torch.float64)
    is_even = torch.arange(len(frequencies), device=angles.device) % 2 == 0
    values = torch.where(is_even, angles.sin(), angles.cos()).flatten(1).float()
    return functional.pad(values, (0, width - values.shape[1]))


class PositionEncoding(nn.Module):
    """Encodes points in metres as vectors of a model's width; `none` gives zeros."""

    def __init__(self, settings: PositionEncodingSettings, width: int) -> None:
        super().__init__()
        self.settings = settings
        self.width = width
        self.scale: nn.Parameter | None = None
        if settings.kind != "none" and settings.learned_scale:
            # A vector of one number, because ZeRO-3 divides no scalars.
            self.scale = nn.Parameter(torch.full((1,), settings.scale))
        self.mlp: nn.ModuleList | None = None
        if settings.kind == "mlp":
            self.mlp = nn.ModuleList([nn.Linear(3, MLP_WIDTH), nn.Linear(MLP_WIDTH, width)])

    def forward(self, points_m: torch.Tensor) -> torch.Tensor:
        """Return [n, width] f32 of points f32 [n, 3]; a point that is not finite gives zeros."""
        with torch.autocast(points_m.device.type, enabled=False):
            return self._encode(points_m)

    def _encode(self, points_m: torch.Tensor) -> torch.Tensor:
        settings = self.settings
        is_finite = torch.isfinite(points_m).all(dim=1, keepdim=True)
        points = torch.where(is_finite, points_m.float(), 0.0)
        if settings.kind == "none":
            return points.new_zeros(len(points), self.width)
        if settings.kind == "published":
            steps = discretised(points)
            encoding = sinusoids(steps, published_frequencies(self.width), self.width)
        elif settings.kind == "sinusoidal":
            frequencies = wavelength_frequencies(
                self.width, min_m=settings.min_wavelength_m, max_m=settings.max_wavelength_m
            )
            encoding = sinusoids(points, frequencies, self.width)
        else:
            assert self.mlp is not None
            # Engines may have turned the layers into bfloat16, which knows 3 cm at 5 m.
            encoding = _linear(self.mlp[1], functional.gelu(_linear(self.mlp[0], points)))
        factor = settings.scale if self.scale is None else self.scale.float()
        return torch.where(is_finite, encoding * factor, 0.0)


def _linear(layer: Any, values: torch.Tensor) -> torch.Tensor:
    return functional.linear(values, layer.weight.float(), layer.bias.float())
