"""Encodings change the right tokens; questions that share a scan have the loss of separate ones."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.models.video.scans import BASES, BOXES, QUESTIONS, make_model, room_frames
from workflow_scripts.models.video.scan_rows import EncodedScan, ScanQuestion
from workflow_scripts.models.video.video_batch import VideoProcessor

TOKENS = ("frames", "objects")


def scans_of(inputs: VideoProcessor, *, blind: bool = False) -> list[EncodedScan]:
    """Return two scans with different numbers of frames and proposals."""
    frames = [None if blind else inputs.encode_frames(room_frames(count)) for count in (2, 1)]
    return [inputs.encode_scan(frames[0], BOXES), inputs.encode_scan(frames[1], BOXES[:2])]


def batch_of(
    inputs: VideoProcessor, scan: EncodedScan, questions: Sequence[ScanQuestion]
) -> dict[str, Any]:
    encoded = [inputs.encode_question(scan, question) for question in questions]
    return inputs.collate(inputs.rows(scan, encoded))


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("tokens", TOKENS)
def test_packed_questions_have_the_losses_of_separate_ones(kind: str, tokens: str) -> None:
    model, inputs = make_model(kind, tokens=tokens, frame_attention_bias=-1.0)
    first, second = scans_of(inputs)
    rows = []
    asked = [(first, QUESTIONS), (second, QUESTIONS[1:4])]
    for scan, questions in asked:
        encoded = [inputs.encode_question(scan, question) for question in questions]
        rows += inputs.rows(scan, encoded)
    assert len(rows) == 2
    batch = inputs.collate(rows)
    assert [row.num_tokens for row in rows] == (batch["segments"] != -1).sum(dim=1).tolist()
    packed = model(**batch)
    separate = {"grounding": 0.0, "answer": 0.0}
    for scan, questions in asked:
        for question in questions:
            alone = batch_of(inputs, scan, [question])
            alone |= {name: batch[name] for name in ("num_queries", "num_answer_tokens")}
            losses = model(**alone)
            for name in separate:
                separate[name] += losses[name].item()
    for name, expected in separate.items():
        assert expected > 0
        assert packed[name].item() == pytest.approx(expected, abs=1e-5)
    assert packed["loss"].item() == pytest.approx(sum(separate.values()), abs=1e-5)
