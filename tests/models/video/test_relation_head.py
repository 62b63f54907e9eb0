"""Scores by distance from what a text speaks of, by hand; anchors are learned where known."""

import math

import pytest
import torch

from tests.models.video.scans import BOXES, make_model, room_frames
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.models.video.relation_head import (
    BUMPS_M,
    NUM_FEATURES,
    RelationHead,
    distance_features,
)
from workflow_scripts.models.video.scan_rows import ScanQuestion

INF = torch.inf
# An anchor, and two candidates at 1 m and at 4 m from it.
CENTERS = torch.tensor([[[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 4.0, 1.0]]])


def test_features_by_hand() -> None:
    found = distance_features(CENTERS)[0]
    assert found.shape == (3, 3, NUM_FEATURES)
    at_1, at_4 = BUMPS_M.index(1.0), BUMPS_M.index(4.0)
    assert found[1, 0, at_1] == 1
    assert found[2, 0, at_4] == 1
    # Two steps of a factor of 2 away.
    assert found[2, 0, at_1].item() == pytest.approx(math.exp(-2))
    assert found[2, 0, -2].item() == pytest.approx(math.log(4.0))
    higher = distance_features(CENTERS + torch.tensor([[[0.0, 0, 0], [0, 0, 0.5], [0, 0, 0]]]))[0]
    assert higher[1, 0, -1].item() == pytest.approx(math.tanh(0.5))
    assert higher[0, 1, -1].item() == pytest.approx(-math.tanh(0.5))


def test_features_stay_when_the_scan_is_moved_and_turned() -> None:
    turned = CENTERS @ torch.from_numpy(rotation_about_up(70.0)).float().T + torch.tensor(
        [3.0, -5.0, 2.0]
    )
    torch.testing.assert_close(
        distance_features(turned), distance_features(CENTERS), atol=1e-5, rtol=1e-4
    )


def test_it_adds_nothing_before_it_has_learned() -> None:
    head = RelationHead(8)
    there = torch.ones(1, 3, dtype=torch.bool)
    added, anchors = head(torch.randn(1, 8), torch.randn(1, 3, 8), there, CENTERS)
    assert not added.any()
    assert anchors.shape == (1, 3)
    assert anchors.abs().max() <= 1 + 1e-6


def test_the_nearest_to_the_anchor_scores_best() -> None:
    head = RelationHead(8)
    # The query is the anchor's own vector, so the anchor's cosine is 1.
    candidates = torch.eye(8)[None, :3]
    with torch.no_grad():
        head.weights.bias[NUM_FEATURES - 2] = -1.0
    there = torch.ones(1, 3, dtype=torch.bool)
    added, _ = head(candidates[:, 0], candidates, there, CENTERS)
    assert added[0, 1].item() == pytest.approx(0.0, abs=1e-3)
    assert added[0, 2].item() == pytest.approx(-0.07 * math.log(4.0), abs=1e-4)
    # Without positions nothing is known of distances.
    added, _ = head(candidates[:, 0], candidates, there, None)
    assert not added.any()


def test_missing_candidates_change_nothing_and_have_gradients() -> None:
    torch.manual_seed(2)
    head = RelationHead(8)
    torch.nn.init.normal_(head.weights.weight)
    queries = torch.randn(2, 8, requires_grad=True)
    candidates = torch.randn(2, 3, 8)
    there = torch.tensor([[True, True, False], [False, False, False]])
    added, anchors = head(queries, candidates, there, CENTERS.expand(2, 3, 3))
    short, _ = head(queries[:1], candidates[:1, :2], there[:1, :2], CENTERS[:, :2])
    torch.testing.assert_close(added[:1, :2], short)
    assert not added[1].any()
    assert (anchors[1] == -INF).all()
    added.sum().backward()
    assert torch.isfinite(queries.grad).all()


def losses_of(anchors: tuple[int, ...], **settings: object) -> dict[str, float]:
    model, inputs = make_model("tiny", relation_head=True, **settings)
    scan = inputs.encode_scan(inputs.encode_frames(room_frames()), BOXES)
    question = ScanQuestion("The wall nearest to it.", "<ground>", targets=[1], anchors=anchors)
    (row,) = inputs.rows(scan, [inputs.encode_question(scan, question)])
    found = model(**inputs.collate([row]))
    return {name: value.item() for name, value in found.items()}


def test_anchors_are_learned_where_samples_name_them() -> None:
    known, unknown = losses_of((2,)), losses_of(())
    assert known["anchor"] > 0
    assert unknown["anchor"] == 0
    assert known["grounding"] == pytest.approx(unknown["grounding"])
    assert known["loss"] == pytest.approx(known["grounding"] + 0.5 * known["anchor"])
    assert losses_of((2,), anchor_weight=2.0)["loss"] == pytest.approx(
        known["grounding"] + 2 * known["anchor"]
    )


@pytest.mark.parametrize("kind", ["sinusoidal", "none"])
def test_every_parameter_of_the_head_has_a_gradient(kind: str) -> None:
    model, inputs = make_model("tiny", relation_head=True, position_encoding={"kind": kind})
    torch.nn.init.normal_(model.relation_head.weights.weight)
    scan = inputs.encode_scan(inputs.encode_frames(room_frames()), BOXES)
    for answer in ("<ground>", "a wall"):
        question = ScanQuestion("The wall nearest to it.", answer, targets=[1], anchors=[2])
        (row,) = inputs.rows(scan, [inputs.encode_question(scan, question)])
        model.zero_grad()
        model.train()(**inputs.collate([row]))["loss"].backward()
        assert all(part.grad is not None for part in model.relation_head.parameters())


def test_scores_of_a_scan_are_the_same_beside_a_larger_one() -> None:
    model, inputs = make_model("tiny", relation_head=True)
    torch.nn.init.normal_(model.relation_head.weights.weight)
    question = ScanQuestion("The wall nearest to it.", "<ground>", targets=[1])
    rows = []
    for boxes in (BOXES, BOXES[:2]):
        scan = inputs.encode_scan(inputs.encode_frames(room_frames()), boxes)
        rows += inputs.rows(scan, [inputs.encode_question(scan, question)])
    together = model.score_candidates(**inputs.collate(rows))
    for row, scores in zip(rows, together, strict=True):
        (alone,) = model.score_candidates(**inputs.collate([row]))
        torch.testing.assert_close(scores, alone)
