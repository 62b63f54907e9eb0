"""Score proposals by their distance from what else a text speaks of ("nearest to the bed").

A second query at `<ground>` chooses the anchors, with shares a_j over all proposals. A proposal i
then gets 0.07 times the sum over j of a_j w(h) . phi(d_ij): w(h) says from the hidden state which
distances are meant, and phi are bumps over the logarithm of the distance of two centers, and their
difference in height. w begins as zero.
"""

import math

import torch
from torch import nn

from workflow_scripts.models.video.grounding_head import TEMPERATURE, ResidualLayers, cosines

# Centers of the bumps; each is as wide as the step to the next one.
BUMPS_M = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
NUM_FEATURES = len(BUMPS_M) + 2
LEAST_M = 0.05


class RelationHead(nn.Module):
    """Chooses anchors among proposals, and scores all proposals by where they lie from them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query_mlp = ResidualLayers(width)
        self.candidate_mlp = ResidualLayers(width)
        self.weights = nn.Linear(width, NUM_FEATURES)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)

    def forward(
        self,
        queries: torch.Tensor,
        candidates: torch.Tensor,
        is_candidate: torch.Tensor,
        centers_m: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is added to the scores, and the scores of anchors, f32 [queries, proposals].

        Args:
            queries: [queries, width].
            candidates: [queries, proposals, width], each query's own.
            is_candidate: bool [queries, proposals].
            centers_m: f32 [queries, proposals, 3]; None without positions: nothing is added.
        """
        kind = self.weights.weight.dtype
        anchors = cosines(
            self.query_mlp(queries.to(kind)), self.candidate_mlp(candidates.to(kind))
        ).masked_fill(~is_candidate, -torch.inf)
        weights = self.weights(queries.to(kind)).float()
        if centers_m is None:
            return torch.zeros_like(anchors) + 0.0 * weights.sum(), anchors
        # A finite number, for a row without any candidate has no softmax.
        logits = (anchors / TEMPERATURE).masked_fill(~is_candidate, -1e4)
        shares = logits.softmax(dim=1) * is_candidate
        features = distance_features(centers_m).to(weights.dtype)
        # Weights are of logits, as steps of an optimizer would be large for cosines.
        added = TEMPERATURE * torch.einsum("qk,qj,qijk->qi", weights, shares, features)
        return added, anchors


def distance_features(centers_m: torch.Tensor) -> torch.Tensor:
    """Return phi of all pairs of centers f32 [rows, n, 3]: [rows, n, n, features].

    Bumps of the distance, its logarithm, and how much higher the first one is.
    """
    between = centers_m[:, :, None] - centers_m[:, None]
    height = torch.tanh(between[..., 2])
    return torch.cat([*distance_bumps(between.norm(dim=-1)), height[..., None]], dim=-1)


def distance_bumps(distance_m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the bumps of distances [...], [..., bumps], and their logarithm [..., 1]."""
    distance = distance_m.clamp(min=LEAST_M).log()
    bumps = torch.tensor(BUMPS_M, device=distance_m.device).log()
    shapes = torch.exp(-((distance[..., None] - bumps) ** 2) / (2 * math.log(2) ** 2))
    return shapes, distance[..., None]
