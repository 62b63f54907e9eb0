"""Scores of all proposals of a batch at its `<ground>` tokens, and the losses that teach them."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from workflow_scripts.models.video.grounding_head import (
    GroundingHead,
    contrastive_loss,
    coverage_loss,
)
from workflow_scripts.models.video.relation_head import RelationHead


@dataclass(frozen=True)
class Candidates:
    """The proposals of the scan that each `<ground>` is about.

    Attributes:
        queries: [queries, width], hidden states.
        objects: [queries, proposals, width].
        is_there: bool [queries, proposals].
        centers_m: f32 [queries, proposals, 3]; None without positions.
    """

    queries: torch.Tensor
    objects: torch.Tensor
    is_there: torch.Tensor
    centers_m: torch.Tensor | None

    @classmethod
    def of(
        cls,
        hidden: torch.Tensor,
        is_query: torch.Tensor,
        objects: torch.Tensor,
        object_row: torch.Tensor,
        centers_m: torch.Tensor | None,
    ) -> "Candidates":
        """Find them in a batch; one without queries has the first token's, which no loss reads.

        Args:
            hidden: [rows, tokens, width].
            is_query: bool [rows, tokens].
            objects: [objects of all rows, width].
            object_row: i64 [objects], in order.
            centers_m: f32 [objects, 3], or None.
        """
        rows = is_query.nonzero()[:, 0]
        queries = hidden[is_query]
        if not len(rows):
            rows, queries = rows.new_zeros(1), hidden[0, :1]
        counts = torch.bincount(object_row, minlength=len(hidden))
        first = counts.cumsum(0) - counts
        number = torch.arange(int(counts.max()) if len(object_row) else 0, device=rows.device)
        is_there = number < counts[rows][:, None]
        index = torch.where(is_there, first[rows][:, None] + number, 0)
        return cls(
            queries, objects[index], is_there, None if centers_m is None else centers_m[index]
        )


@dataclass(frozen=True)
class CandidateScores:
    """Scores of queries.

    Attributes:
        scores: f32 [queries, proposals + 1], -inf where there is no proposal; no object last.
        anchors: f32 [queries, proposals], cosines; None without a relation head.
        candidates: What is scored.
    """

    scores: torch.Tensor
    anchors: torch.Tensor | None
    candidates: Candidates

    def by_query(self) -> list[torch.Tensor]:
        """Return the scores of every query, f32 [proposals of its scan + 1]."""
        counts = self.candidates.is_there.sum(dim=1).tolist()
        return [
            torch.cat([row[:count], row[-1:]]).cpu()
            for row, count in zip(self.scores, counts, strict=True)
        ]


def score_candidates(
    candidates: Candidates, grounding: GroundingHead, relation: RelationHead | None
) -> CandidateScores:
    """Return what the heads score."""
    queries, objects, is_there = candidates.queries, candidates.objects, candidates.is_there
    scores: torch.Tensor = grounding(queries, objects, is_there)
    anchors = None
    if relation is not None:
        added, anchors = relation(queries, objects, is_there, candidates.centers_m)
        scores = scores + functional.pad(added, (0, 1))
    return CandidateScores(scores, anchors, candidates)


def grounding_losses(
    scored: CandidateScores,
    *,
    targets: torch.Tensor,
    anchors: torch.Tensor,
    is_about: torch.Tensor,
    num_queries: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Return the losses of queries, `grounding` and `anchor`, divided by their number.

    Args:
        scored: Scores.
        targets: bool [queries, proposals + 1].
        anchors: bool [queries, proposals]; none where they are not known.
        is_about: bool [queries]: targets are what a question is about; all of them are to be
            chosen alike, and where there is none it is not known.
        num_queries: i64 scalar.
    """
    losses = {"grounding": 0.0 * scored.scores[:, -1].sum()}
    if scored.anchors is not None:
        losses["anchor"] = 0.0 * scored.anchors[scored.candidates.is_there].sum()
    if not len(targets):
        return losses
    is_known = is_about & targets.any(dim=1)
    total = contrastive_loss(scored.scores[~is_about], targets[~is_about]).sum()
    total = total + coverage_loss(scored.scores[is_known], targets[is_known]).sum()
    losses["grounding"] = total / num_queries
    if scored.anchors is not None:
        is_known = anchors.any(dim=1)
        # Their own loss has no candidate for nothing.
        scores = functional.pad(scored.anchors[is_known], (0, 1), value=-torch.inf)
        total = contrastive_loss(scores, functional.pad(anchors[is_known], (0, 1))).sum()
        losses["anchor"] = losses["anchor"] + total / num_queries
    return losses
