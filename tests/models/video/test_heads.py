"""The grounding head's scores and loss, and the depth head's loss, by hand."""

import math

import pytest
import torch

from workflow_scripts.models.video.depth_head import DepthHead, depth_loss
from workflow_scripts.models.video.grounding_head import (
    TEMPERATURE,
    GroundingHead,
    contrastive_loss,
)

INF = torch.inf


def test_loss_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.1, -0.5]])
    exps = [math.exp(value / 0.07) for value in (0.9, 0.1, -0.5)]
    assert TEMPERATURE == 0.07
    for positives, expected in [
        ([True, False, False], -math.log(exps[0] / sum(exps))),
        ([True, True, False], -math.log((exps[0] + exps[1]) / sum(exps))),
        ([False, False, True], -math.log(exps[2] / sum(exps))),
        # Nothing is meant: no object is the only positive.
        ([False, False, False], -math.log(exps[2] / sum(exps))),
    ]:
        loss = contrastive_loss(scores, torch.tensor([positives]))
        assert loss.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_padding_changes_nothing() -> None:
    scores = torch.tensor([[0.3, 0.2, -INF, -INF, 0.1]], requires_grad=True)
    positive = torch.tensor([[False, True, False, False, False]])
    short = contrastive_loss(scores[:, [0, 1, 4]], positive[:, [0, 1, 4]])
    loss = contrastive_loss(scores, positive)
    torch.testing.assert_close(loss, short)
    loss.sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_scores_are_cosines_of_two_mlps() -> None:
    torch.manual_seed(1)
    head = GroundingHead(8)
    queries, candidates = torch.randn(2, 8), torch.randn(2, 3, 8)
    is_there = torch.tensor([[True, True, True], [True, False, False]])
    scores = head(queries, candidates, is_there)
    assert scores.shape == (2, 4)
    assert (scores[1, 1:3] == -INF).all()
    assert scores[torch.isfinite(scores)].abs().max() <= 1 + 1e-6
    query, key = head.query_mlp(queries[0]), head.candidate_mlp(candidates[0, 2])
    expected = torch.nn.functional.cosine_similarity(query, key, dim=0)
    torch.testing.assert_close(scores[0, 2], expected)
    none = head.candidate_mlp(head.no_object[0])
    expected = torch.nn.functional.cosine_similarity(head.query_mlp(queries[1]), none, dim=0)
    torch.testing.assert_close(scores[1, 3], expected)


def test_without_proposals_there_is_no_object() -> None:
    head = GroundingHead(8)
    scores = head(torch.randn(2, 8), torch.zeros(2, 0, 8), torch.zeros(2, 0, dtype=torch.bool))
    assert scores.shape == (2, 1)
    loss = contrastive_loss(scores, torch.zeros(2, 1, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.zeros(2))


def test_depth_loss_by_hand() -> None:
    predicted = torch.tensor([[0.0, 0.5], [9.0, 9.0], [math.log(3.0) + 2, 1.0]])
    depth_m = torch.tensor([1.0, torch.nan, 3.0])
    height_m = torch.tensor([1.0, torch.nan, 1.0])
    # Smooth L1: 0, 0.5 ** 2 / 2, 2 - 0.5, 0 over two tokens of two numbers.
    expected = (0.125 + 1.5) / 4
    assert depth_loss(predicted, depth_m, height_m).item() == pytest.approx(expected)
    assert depth_loss(predicted[1:2], depth_m[1:2], height_m[1:2]).item() == 0.0


def test_depth_head_gives_two_numbers_a_token() -> None:
    assert DepthHead(8)(torch.randn(5, 8)).shape == (5, 2)
