"""A small network that finds keypoints in single pictures: heatmaps and a local soft-argmax.

Pictures pass an encoder and a decoder to features at half their size. A keypoint is where the
features agree most with its query: a vector of its name, and of what the episode asks for (the
variation: which colour is the target). So one network serves all tasks, and any number of
keypoints. How sure it is follows from the shape of the heatmap; triangulation weighs views by it
(learnable algebraic triangulation, Iskakov et al. 2019).
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Side of a cell of the heatmap, pixels.
STRIDE_PX = 2
# The soft-argmax looks so many cells around the highest: far-off peaks must not drag it.
_WINDOW_RADIUS_CELLS = 3.5


@dataclass(frozen=True)
class DetectorSize:
    """How large a detector is.

    Attributes:
        channels: Of the features that are compared with queries.
        num_names: Names of keypoints it knows.
        num_conditions: Pairs of task and variation it knows.
        width_px: Width of the pictures it was taught.
        height_px: Their height.
    """

    channels: int = 24
    num_names: int = 1
    num_conditions: int = 1
    width_px: int = 128
    height_px: int = 128

    def as_dict(self) -> dict[str, Any]:
        """Return every number under its name."""
        return asdict(self)


class Detector(nn.Module):
    """Pictures and names -> heatmaps -> 2D keypoints and confidences."""

    def __init__(self, size: DetectorSize) -> None:
        super().__init__()
        self.size = size
        width = size.channels
        self.fine = _conv_block(5, width, stride=2, kernel=5)
        self.middle = nn.Sequential(_conv_block(width, 32, stride=2), _conv_block(32, 32))
        self.coarse = nn.Sequential(
            _conv_block(32, 48, stride=2),
            _conv_block(48, 48, dilation=2),
            _conv_block(48, 48, dilation=3),
        )
        self.coarse_to_middle = nn.Conv2d(48, 32, 1)
        self.middle_mix = _conv_block(32, 32)
        self.middle_to_fine = nn.Conv2d(32, width, 1)
        self.fine_mix = _conv_block(width, width)
        self.features = nn.Conv2d(width, width, 1)
        self.name = nn.Embedding(size.num_names + 1, width)
        self.condition = nn.Embedding(size.num_conditions + 1, width, padding_idx=0)
        # How much a keypoint's query depends on what is asked: the gripper's does not.
        self.condition_weight = nn.Embedding(size.num_names + 1, width)
        nn.init.normal_(self.name.weight, std=0.3)
        nn.init.normal_(self.condition.weight, std=0.3)
        nn.init.ones_(self.condition_weight.weight)
        self.confidence_head = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 1))

    def forward(
        self, rgb: Tensor, names: Tensor, conditions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Find keypoints [B, K] in pictures [B, y, x, 3] (u8).

        Args:
            rgb: Pictures.
            names: [B, K], numbers of names, 0 = unknown.
            conditions: [B], numbers of what is asked, 0 = unknown.

        Returns:
            Heatmaps [B, K, y / 2, x / 2] (logits), points [B, K, 2] in picture widths, and
            confidences [B, K] in (0, 1).
        """
        maps = self._heatmaps(rgb, names, conditions)
        points, mass, peak, spread = soft_argmax(maps)
        shape = torch.stack([mass, 0.1 * peak, spread], dim=-1)
        return maps, points, self.confidence_head(shape)[..., 0].sigmoid()

    def _heatmaps(self, rgb: Tensor, names: Tensor, conditions: Tensor) -> Tensor:
        pictures = rgb.permute(0, 3, 1, 2).float() / 127.5 - 1
        batch, _, height, width = pictures.shape
        rows = torch.linspace(-1, 1, height, device=rgb.device)[:, None].expand(height, width)
        columns = torch.linspace(-1, 1, width, device=rgb.device).expand(height, width)
        coordinates = torch.stack([rows, columns]).expand(batch, 2, height, width)
        stacked = torch.cat([pictures, coordinates], dim=1)
        # A third faster on processors: their convolutions run over channels.
        fine = self.fine(stacked.contiguous(memory_format=torch.channels_last))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.middle_mix(middle + _upsample_like(self.coarse_to_middle(coarse), middle))
        fine = self.fine_mix(fine + _upsample_like(self.middle_to_fine(middle), fine))
        queries = (
            self.name(names) + self.condition_weight(names) * self.condition(conditions)[:, None]
        )
        return torch.einsum("bkc,bcyx->bkyx", queries, self.features(fine))


def soft_argmax(maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the mean place near the highest cell, and the shape of heatmaps [..., y, x].

    Returns:
        Points [..., 2] in picture widths; the share of all mass that lies near them [...]; the
        height of the peak over the mean logit; the spread around the point, in cells.
    """
    rows, columns = maps.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(rows, device=maps.device, dtype=maps.dtype),
        torch.arange(columns, device=maps.device, dtype=maps.dtype),
        indexing="ij",
    )
    flat = maps.flatten(-2)
    mass = flat.softmax(dim=-1)
    highest = flat.argmax(dim=-1, keepdim=True)
    at_y, at_x = highest // columns, highest % columns
    near = (y.flatten() - at_y).square() + (x.flatten() - at_x).square() <= _WINDOW_RADIUS_CELLS**2
    kept = mass * near
    total = kept.sum(dim=-1).clamp_min(1e-9)
    u = (kept * x.flatten()).sum(dim=-1) / total
    v = (kept * y.flatten()).sum(dim=-1) / total
    offset = (x.flatten() - u[..., None]).square() + (y.flatten() - v[..., None]).square()
    spread = ((kept * offset).sum(dim=-1) / total + 1e-6).sqrt()
    # Cells are squares, so one length, the width, scales both axes.
    points = (torch.stack([u, v], dim=-1) + 0.5) / columns
    peak = flat.gather(-1, highest)[..., 0] - flat.mean(dim=-1)
    return points, total, peak, spread


def _conv_block(
    inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3, dilation: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
        ),
        nn.GroupNorm(8, outputs),
        nn.ReLU(),
    )


def _upsample_like(coarse: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(
        coarse, size=like.shape[-2:], mode="bilinear", align_corners=False
    )
