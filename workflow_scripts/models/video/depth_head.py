"""Predict what depth each visual token has: learned beside the answers, dropped afterwards.

It reads features before coordinates are added to them, so that they have to tell depth by what
the frame looks like (3D-IDE shows that this alone improves grounding).
"""

import torch
from torch import nn


class DepthHead(nn.Module):
    """Two numbers of a visual token: log of its mean depth in metres, and its world height."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width // 2), nn.GELU())
        self.output = nn.Linear(width // 2, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return [tokens, 2] f32 of features [tokens, width]."""
        hidden = self.layers(features.to(self.output.weight.dtype))
        predicted: torch.Tensor = self.output(hidden).float()
        return predicted


def depth_loss(
    predicted: torch.Tensor, depth_m: torch.Tensor, height_m: torch.Tensor
) -> torch.Tensor:
    """Return the mean smooth L1 loss over tokens with a depth; 0 if none has one.

    Args:
        predicted: [tokens, 2], of `DepthHead`.
        depth_m: f32 [tokens], NaN where no pixel has a depth.
        height_m: f32 [tokens], world Z, likewise.
    """
    targets = torch.stack([depth_m.float().log(), height_m.float()], dim=1)
    is_known = torch.isfinite(targets).all(dim=1, keepdim=True)
    targets = torch.where(is_known, targets, 0.0)
    loss = nn.functional.smooth_l1_loss(predicted, targets, reduction="none")
    return torch.where(is_known, loss, 0.0).sum() / (2 * is_known.sum().clamp(min=1))
