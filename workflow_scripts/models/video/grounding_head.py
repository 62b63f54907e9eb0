"""Choose proposals: cosines between a query and every candidate, and a learned "no object".

Queries are hidden states at `<ground>`. The loss is contrastive, at a fixed temperature:
-log(sum over positives of exp(s / t) / sum over all candidates of exp(s / t)).
"""

import torch
from torch import nn

TEMPERATURE = 0.07


class GroundingHead(nn.Module):
    """Scores the proposals of a scan and, last, that none of them is meant."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query_mlp = _mlp(width)
        self.candidate_mlp = _mlp(width)
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
        keys = nn.functional.normalize(self.candidate_mlp(everything).float(), dim=-1)
        query = nn.functional.normalize(self.query_mlp(queries.to(kind)).float(), dim=-1)
        scores = torch.einsum("qw,qpw->qp", query, keys)
        is_there = nn.functional.pad(is_candidate, (0, 1), value=True)
        return scores.masked_fill(~is_there, -torch.inf)


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


def _mlp(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width), nn.Linear(width, width)
    )
