"""Questions that are answered in two steps: what they are about is chosen, then read."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.models.video.scans import (
    BASES,
    BOXES,
    check_tokens_are_those_read_anew,
    make_model,
    room_frames,
)
from workflow_scripts.common.scan_samples import ScanSample, measured_instances
from workflow_scripts.models.video.candidate_scores import Candidates
from workflow_scripts.models.video.grounding_head import coverage_loss
from workflow_scripts.models.video.object_reader import (
    NUM_FEATURES,
    NUM_NUMBERS,
    ObjectReader,
    place_features,
)
from workflow_scripts.models.video.relation_head import BUMPS_M
from workflow_scripts.models.video.scan_prompt import prompt_of
from workflow_scripts.models.video.scan_rows import EncodedScan, ScanQuestion
from workflow_scripts.models.video.video_batch import VideoProcessor

INF = torch.inf
QUESTIONS = [
    ScanQuestion("Is the wall on the left?<ground>", "no", targets=[1]),
    ScanQuestion("Which is nearer, the wall or the door?<ground>", "the door", targets=[0, 2]),
    ScanQuestion("How many?<ground>", "two", targets=None),
    ScanQuestion("What is at <coord>?", "a wall", points_m=[(4.0, 1.5, 1.25)]),
    ScanQuestion("Find the wall.", "<ground>", targets=[2]),
]


def sample(**changes: object) -> ScanSample:
    plain = {"sample_id": "q", "source": "scans", "scene_id": "s", "split": "test"}
    return ScanSample.model_validate(
        {**plain, "task": "question", "question_type": "which", "text": "Left or right?", **changes}
    )


def scan_and_batch(
    inputs: VideoProcessor, questions: list[ScanQuestion], *, blind: bool = False
) -> tuple[EncodedScan, dict[str, Any]]:
    frames = None if blind else inputs.encode_frames(room_frames())
    scan = inputs.encode_scan(frames, BOXES)
    encoded = [inputs.encode_question(scan, question) for question in questions]
    return scan, inputs.collate(inputs.rows(scan, encoded))


def test_all_targets_are_to_be_chosen_alike() -> None:
    scores = torch.tensor([[0.07, 0.14, 0.0, -INF], [0.0, 0.0, 0.0, 0.0]])
    is_positive = torch.tensor([[True, True, False, False], [False, False, True, False]])
    total = math.exp(1) + math.exp(2) + 1
    by_hand = [math.log(total) - (1 + 2) / 2, math.log(4)]
    torch.testing.assert_close(coverage_loss(scores, is_positive), torch.tensor(by_hand))


def test_places_by_hand() -> None:
    found = place_features(torch.tensor([[3.0, 4.0, 0.5], [-2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert found.shape == (3, NUM_FEATURES)
    torch.testing.assert_close(found[0, :2], torch.tensor([0.6, 0.8]))
    torch.testing.assert_close(found[0, -2:], torch.tensor([math.log(5), math.tanh(0.5)]))
    assert found[1, 2 + BUMPS_M.index(2.0)] == 1
    assert found[1, 2 + BUMPS_M.index(8.0)].item() == pytest.approx(math.exp(-2))
    assert torch.isfinite(found).all()


def test_what_is_read_is_the_mean_over_shares_by_hand() -> None:
    reader = ObjectReader(4)
    objects = torch.tensor([[[1.0, 0, 0, 0], [0, 2.0, 0, 0]]])
    centers = torch.tensor([[[0.0, 2.0, 0.0], [0.0, -2.0, 0.0]]])
    with torch.no_grad():
        reader.no_object.fill_(1.0)
        weights = reader.weights[-1]
        weights.weight.zero_()
        weights.bias.zero_()
        # The first number is the second feature: how far to the left.
        weights.bias[1] = 1.0
        reader.output.weight.zero_()
        reader.output.weight[3, 0] = 1.0
    # Shares 1/2, 1/4, 1/4.
    scores = torch.tensor([[0.07 * math.log(2), 0.0, 0.0]])
    there = torch.ones(1, 2, dtype=torch.bool)
    queries = torch.ones(1, 4)
    read = reader(scores, Candidates(queries, objects, there, centers))
    torch.testing.assert_close(read, torch.tensor([[0.75, 0.75, 0.25, 0.25 + 0.5 - 0.25]]))
    read = reader(scores, Candidates(queries, objects, there, None))
    torch.testing.assert_close(read, torch.tensor([[0.75, 0.75, 0.25, 0.25]]))
    assert weights.out_features == NUM_NUMBERS * NUM_FEATURES


def test_questions_are_about_what_their_evidence_measures() -> None:
    known = sample(referents=[4, 12, 2], evidence={"left_deg_2": 30.0, "gap_m_2": 1.0})
    assert measured_instances(known) == [2]
    assert measured_instances(sample(referents=[4, 12], evidence={"num_frames": 2.0})) == [4, 12]
    assert measured_instances(sample()) == []


def test_only_questions_end_in_a_query() -> None:
    question = sample(situation="I sit on the <ground>.", options=["left", "right"])
    assert prompt_of(question) == "I sit on the ground. Left or right? A. left B. right"
    assert prompt_of(question, is_grounded=True) == prompt_of(question) + "<ground>"
    for task in ("grounding", "captioning"):
        other = sample(task=task, text="the chair")
        assert prompt_of(other, is_grounded=True) == prompt_of(other)


def test_the_loss_is_that_of_the_scores_and_of_known_targets_alone() -> None:
    model, inputs = make_model("tiny", grounded_answers=True, grounding_weight=2.0)
    _, batch = scan_and_batch(inputs, QUESTIONS)
    assert batch["is_about"].tolist() == [True, True, True, False]
    scores = model.score_candidates(**batch)
    logs = [(row / 0.07).log_softmax(dim=0) for row in scores]
    by_hand = -(logs[0][1] + (logs[1][0] + logs[1][2]) / 2 + logs[3][2]) / 4
    losses = model(**batch)
    assert losses["grounding"].item() == pytest.approx(by_hand.item(), abs=1e-5)
    expected = 2 * losses["grounding"] + losses["answer"]
    assert losses["loss"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("tokens", ["frames", "objects"])
def test_packed_questions_have_the_losses_and_answers_of_separate_ones(
    kind: str, tokens: str
) -> None:
    model, inputs = make_model(kind, tokens=tokens, grounded_answers=True)
    scan, batch = scan_and_batch(inputs, QUESTIONS)
    packed = model(**batch)
    separate = {"grounding": 0.0, "answer": 0.0}
    for question in QUESTIONS:
        _, alone = scan_and_batch(inputs, [question])
        alone |= {name: batch[name] for name in ("num_queries", "num_answer_tokens")}
        losses = model(**alone)
        for name in separate:
            separate[name] += losses[name].item()
    for name, expected in separate.items():
        assert packed[name].item() == pytest.approx(expected, abs=1e-5)
    unanswered = [replace(question, answer=None) for question in QUESTIONS[:3]]
    encoded = [inputs.encode_question(scan, question) for question in unanswered]
    check_tokens_are_those_read_anew(model, inputs, scan, encoded, max_new_tokens=3)


def test_answers_read_what_was_chosen() -> None:
    model, inputs = make_model("tiny", grounded_answers=True)
    _, batch = scan_and_batch(inputs, QUESTIONS[:1])
    before = model(**batch)["answer"]
    with torch.no_grad():
        model.object_reader.no_object += 1.0
    assert abs(model(**batch)["answer"] - before).item() > 1e-4
    # Of what it chooses the answer's loss teaches, too.
    model.grounding_head.zero_grad()
    model(**batch)["answer"].backward()
    assert model.grounding_head.query_mlp.output.weight.grad.abs().max() > 0


@pytest.mark.parametrize("blind", [False, True])
def test_batches_with_and_without_queries_run_the_same_layers(blind: bool) -> None:
    model, inputs = make_model("tiny", grounded_answers=True, relation_head=True)
    for questions in (QUESTIONS, QUESTIONS[:1], QUESTIONS[2:3], QUESTIONS[3:4], QUESTIONS[4:]):
        model.zero_grad()
        _, batch = scan_and_batch(inputs, questions, blind=blind)
        model.train()(**batch)["loss"].backward()
        gradients = {name: part.grad for name, part in model.own_parameters().items()}
        assert [name for name, grad in gradients.items() if grad is None] == []
        assert all(torch.isfinite(grad).all() for grad in gradients.values())


def test_without_positions_only_looks_are_read() -> None:
    model, inputs = make_model("tiny", grounded_answers=True, position_encoding={"kind": "none"})
    _, batch = scan_and_batch(inputs, QUESTIONS)
    moved = {**batch, "object_points": batch["object_points"].flip(0)}
    assert model(**batch)["loss"].item() == model(**moved)["loss"].item()
