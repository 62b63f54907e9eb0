"""Choose proposals: cosines between a query and every candidate, and a learned "no object".

Queries are hidden states at `<ground>`. The loss is contrastive, at a fixed temperature:
-log(sum over positives of exp(s / t) / sum over all candidates of exp(s / t)).

The published layers begin at random. Those that are added to what they read begin as the identity:
a base whose image features resemble the words for what they show then finds objects from the first
step on.
"""

from typing import Literal

import torch
from torch import nn

TEMPERATURE = 0.07


class GroundingHead(nn.Module):
    """Scores the proposals of a scan and, last, that none of them is meant."""

    def __init__(self, width: int, layers: Literal["residual", "published"] = "residual") -> None:
        super().__init__()
        make = ResidualLayers if layers == "residual" else _published_layers
        self.query_mlp = make(width)
        self.candidate_mlp = make(width)
        self.no_object = nn.Parameter(torch.randn(1, width))

    def forward(
        self, queries: torch.Tensor, candidates: torch.Tensor, is_candidate: torch.Tensor
    ) -> torch.Tensor:
        """Return cosines f32 [queries, proposals + 1]; -inf where there is no candidate.

        Args:
            queries: [queries, width].
            candidates: [queries, proposals, width], each query's own.
            is_candidate: bool [queries, proposals].
        """
        kind = self.no_object.dtype
        none = self.no_object.expand(len(queries), 1, -1)
        everything = torch.cat([candidates.to(kind), none], dim=1)
        scores = cosines(self.query_mlp(queries.to(kind)), self.candidate_mlp(everything))
        is_there = nn.functional.pad(is_candidate, (0, 1), value=True)
        return scores.masked_fill(~is_there, -torch.inf)


def cosines(queries: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """Return f32 [queries, candidates] of [queries, width] and [queries, candidates, width]."""
    query = nn.functional.normalize(queries.float(), dim=-1)
    keys = nn.functional.normalize(candidates.float(), dim=-1)
    return torch.einsum("qw,qpw->qp", query, keys)


def contrastive_loss(scores: torch.Tensor, is_positive: torch.Tensor) -> torch.Tensor:
    """Return the loss of every query, f32 [queries].

    Args:
        scores: [queries, proposals + 1], -inf where there is no candidate.
        is_positive: bool, likewise; a query without any means no object: the last candidate.
    """
    is_positive = is_positive.clone()
    is_positive[:, -1] |= ~is_positive.any(dim=1)
    logits = scores.float() / TEMPERATURE
    of_positives = logits.masked_fill(~is_positive, -torch.inf)
    loss: torch.Tensor = logits.logsumexp(dim=1) - of_positives.logsumexp(dim=1)
    return loss


def coverage_loss(scores: torch.Tensor, is_positive: torch.Tensor) -> torch.Tensor:
    """Return -mean over positives of log share, f32 [queries]: all are to be chosen alike.

    Args:
        scores: As of `contrastive_loss`.
        is_positive: bool, likewise; each query has one at least.
    """
    losses = -(scores.float() / TEMPERATURE).log_softmax(dim=1)
    return losses.masked_fill(~is_positive, 0.0).sum(dim=1) / is_positive.sum(dim=1)


class ResidualLayers(nn.Module):
    """Two layers that are added to their input; the second begins as zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU())
        self.output = nn.Linear(width, width)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = features + self.output(self.layers(features))
        return added


def _published_layers(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width), nn.Linear(width, width)
    )
