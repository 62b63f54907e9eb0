"""Read what a question is about: the chosen proposals as one vector, for the language model.

A proposal's vector is two layers on what it looks like and where it is, plus k numbers W(h) phi(p)
as a vector: phi are the direction and the distance of its center p from the origin, which is where
someone stands if the scan is seen from there, and W(h), two layers on the hidden state, says what
is asked of them. It is a product, because what is asked and where something is answer "Is it on my
left?" only together. Vectors are averaged with the shares that the grounding head gives: last, so
that a question about two chairs reads where each one is, not what is between them.
"""

import torch
from torch import nn

from workflow_scripts.models.video.candidate_scores import Candidates
from workflow_scripts.models.video.grounding_head import TEMPERATURE, ResidualLayers
from workflow_scripts.models.video.relation_head import LEAST_M, distance_bumps

NUM_NUMBERS = 32
NUM_FEATURES = 10


class ObjectReader(nn.Module):
    """Joins proposals with the shares of scores; the layers begin as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value_mlp = ResidualLayers(width)
        self.no_object = nn.Parameter(torch.zeros(1, width))
        self.weights = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, NUM_NUMBERS * NUM_FEATURES),
        )
        self.output = nn.Linear(NUM_NUMBERS, width, bias=False)

    def forward(self, scores: torch.Tensor, candidates: Candidates) -> torch.Tensor:
        """Return [queries, width] of scores f32 [queries, proposals + 1], no object last."""
        kind = self.no_object.dtype
        shares = (scores / TEMPERATURE).softmax(dim=1).to(kind)
        values = self.value_mlp(candidates.objects.to(kind))
        none = self.no_object.expand(len(values), 1, -1)
        read = torch.einsum("qp,qpw->qw", shares, torch.cat([values, none], dim=1))
        weights = self.weights(candidates.queries.to(kind)).unflatten(1, (NUM_NUMBERS, -1))
        places = shares.new_zeros(len(shares), NUM_FEATURES)
        if candidates.centers_m is not None:
            features = place_features(candidates.centers_m).to(kind)
            places = torch.einsum("qp,qpf->qf", shares[:, :-1], features)
        added: torch.Tensor = self.output(torch.einsum("qkf,qf->qk", weights, places))
        return read + added


def place_features(centers_m: torch.Tensor) -> torch.Tensor:
    """Return phi of centers f32 [..., 3]: direction, bumps of the distance, its log, height."""
    flat = centers_m[..., :2]
    distance = flat.norm(dim=-1, keepdim=True).clamp(min=LEAST_M)
    height = torch.tanh(centers_m[..., 2:])
    return torch.cat([flat / distance, *distance_bumps(distance[..., 0]), height], dim=-1)
