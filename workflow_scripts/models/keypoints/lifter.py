"""A network that lifts windows of 2D keypoints, in any number of views, to 3D tracks.

One token a keypoint: its evidence over the window (`evidence`), relative to the window's own
mean, and an embedding of its name. Tokens attend to each other, so a rigid body's keypoints
share what they know; any number of keypoints fits. The output is a correction to the evidence's
own mean, so an untrained network is a 7-frame mean of rigidly fitted robust triangulations.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workflow_scripts.models.keypoints.lifter_inputs import (
    WORKSPACE_CENTRE_M,
    LifterInputs,
    mean_positions,
)

# Lengths that bring features to about one: motion inside a window, size of a body, the workspace.
_MOTION_SCALE_M, _BODY_SCALE_M, _WORKSPACE_SCALE_M = 0.03, 0.1, 0.3
_IMAGE_SCALE = 0.01
_FEATURES_PER_FRAME = 3 + 3 + 3 + 6 + 3 + 4
# Things rest at a few heights. Waves this long let a network learn them to the millimetre, which
# heights in units of the workspace do not (Fourier features, Tancik et al. 2020).
_WAVELENGTHS_M = (0.8, 0.4, 0.2, 0.1, 0.05)
_FEATURES_PER_KEYPOINT = 6 + 2 * 2 * len(_WAVELENGTHS_M)


@dataclass(frozen=True)
class LifterSize:
    """How large a lifter is.

    Attributes:
        window: Frames it sees, an odd number.
        width: Channels of a token.
        layers: Attention layers.
        heads: Heads of each.
        num_names: Names of keypoints it knows.
    """

    window: int = 7
    width: int = 128
    layers: int = 3
    heads: int = 4
    num_names: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return every number under its name."""
        return asdict(self)


class Lifter(nn.Module):
    """Tokens of keypoints -> attention among them -> points of every frame of the window."""

    def __init__(self, size: LifterSize) -> None:
        super().__init__()
        self.size = size
        # Where each name is on its body (`rigid.estimate_shapes`); travels with the weights.
        self.shapes: Tensor
        self.register_buffer("shapes", torch.full((size.num_names + 1, 3), torch.nan))
        inputs = size.window * _FEATURES_PER_FRAME + _FEATURES_PER_KEYPOINT
        self.embed = nn.Linear(inputs, size.width)
        self.name = nn.Embedding(size.num_names + 1, size.width)
        nn.init.normal_(self.name.weight, std=0.5)
        layer = nn.TransformerEncoderLayer(
            size.width,
            size.heads,
            2 * size.width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, 3 * size.window)
        # Motion is close to linear in the triangulated points; the network adds the rest.
        self.direct = nn.Linear(inputs, 3 * size.window)
        for part in (self.head, self.direct):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def forward(self, evidence: LifterInputs, names: Tensor, known: Tensor) -> Tensor:
        """Return points [B, T, K, 3] in world metres.

        Args:
            evidence: Of windows [B, T].
            names: [B, K], numbers of the keypoints' names, 0 = a name it was not taught.
            known: [B, K], 0 for padding.
        """
        anchor = mean_positions(evidence)
        features = token_features(evidence, anchor, known)
        tokens = self.embed(features) + self.name(names)
        # Unpadded sets take PyTorch's faster path.
        padding = known == 0
        tokens = self.layers(tokens, src_key_padding_mask=padding if padding.any() else None)
        change = self.head(self.norm(tokens)) + self.direct(features)
        batch, keypoints = names.shape
        change = change.view(batch, keypoints, self.size.window, 3).transpose(1, 2)
        points: Tensor = anchor[:, None] + _MOTION_SCALE_M * change
        return points


def token_features(evidence: LifterInputs, anchor_m: Tensor, known: Tensor) -> Tensor:
    """Return the tokens' inputs [B, K, features]; unseen frames are zeros."""
    share = known / known.sum(dim=1, keepdim=True).clamp_min(1)
    centre = (anchor_m * share[..., None]).sum(dim=1, keepdim=True)
    workspace_centre = torch.tensor(
        WORKSPACE_CENTRE_M, dtype=anchor_m.dtype, device=anchor_m.device
    )
    seen = (evidence.views > 0).to(anchor_m.dtype)[..., None]
    has_rigid_fit = evidence.has_rigid_fit[..., None]
    per_frame = torch.cat(
        [
            has_rigid_fit * (evidence.rigid_fit_m - anchor_m[:, None]) / _MOTION_SCALE_M,
            has_rigid_fit * (evidence.yaw_fit_m - evidence.rigid_fit_m) / _MOTION_SCALE_M,
            seen * (evidence.points_m - evidence.rigid_fit_m) / _MOTION_SCALE_M,
            evidence.information,
            evidence.information_vector / _IMAGE_SCALE,
            has_rigid_fit,
            evidence.determined[..., None],
            evidence.views[..., None],
            evidence.residual[..., None] / _IMAGE_SCALE,
        ],
        dim=-1,
    ).clamp(-20, 20)
    middle = centre.expand_as(anchor_m)
    per_keypoint = torch.cat(
        [
            (anchor_m - centre) / _BODY_SCALE_M,
            (middle - workspace_centre) / _WORKSPACE_SCALE_M,
            _fourier_features(anchor_m[..., 2] - workspace_centre[2]),
            _fourier_features(middle[..., 2] - workspace_centre[2]),
        ],
        dim=-1,
    ).clamp(-20, 20)
    batch, _, keypoints = evidence.determined.shape
    flat = per_frame.transpose(1, 2).reshape(batch, keypoints, -1)
    return torch.cat([flat, per_keypoint], dim=-1)


def _fourier_features(height_m: Tensor) -> Tensor:
    """Return heights [...] as sines and cosines [..., 2 * waves]."""
    lengths = torch.tensor(_WAVELENGTHS_M, dtype=height_m.dtype, device=height_m.device)
    angle = 2 * torch.pi * height_m[..., None] / lengths
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
