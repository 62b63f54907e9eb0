"""Encodings change the right tokens; questions that share a scan have the loss of separate ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.models.video.scans import (
    BASES,
    BOXES,
    QUESTIONS,
    check_tokens_are_those_read_anew,
    make_model,
    room_frames,
)
from tests.train.models import MODELS
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.models.video.scan_rows import EncodedScan, ScanQuestion
from workflow_scripts.models.video.video_batch import VideoProcessor, from_bits
from workflow_scripts.models.video.video_generation import generate_answers
from workflow_scripts.models.video.video_model import VideoModel
from workflow_scripts.models.vlm import conversation_text

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
    scans = [(first, QUESTIONS), (second, QUESTIONS[1:4])]
    for scan, questions in scans:
        encoded = [inputs.encode_question(scan, question) for question in questions]
        rows += inputs.rows(scan, encoded)
    assert len(rows) == 2
    batch = inputs.collate(rows)
    assert [row.num_tokens for row in rows] == (batch["segments"] != -1).sum(dim=1).tolist()
    packed = model(**batch)
    separate = {"grounding": 0.0, "answer": 0.0}
    for scan, questions in scans:
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


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("tokens", TOKENS)
def test_answers_are_those_of_questions_read_anew_at_every_token(kind: str, tokens: str) -> None:
    model, inputs = make_model(kind, tokens=tokens, frame_attention_bias=-1.0)
    scan, _ = scans_of(inputs)
    questions = [
        ScanQuestion("Is it the wall on the left?"),
        ScanQuestion("What is at <coord>?", points_m=[(1.0, 2.0, 0.5)]),
        ScanQuestion("How many?"),
    ]
    encoded = [inputs.encode_question(scan, question) for question in questions]
    check_tokens_are_those_read_anew(model, inputs, scan, encoded, max_new_tokens=4)
    (row,) = inputs.rows(scan, encoded)
    texts = generate_answers(model, inputs, [row], max_new_tokens=4)
    assert len(texts) == 3


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("pooling", [1, 2])
def test_encodings_change_the_image_features_of_tokens_with_depth_alone(
    kind: str, pooling: int
) -> None:
    plain, inputs = make_model(
        kind, tokens="frames", pooling=pooling, position_encoding={"kind": "none"}
    )
    model, _ = make_model(kind, tokens="frames", pooling=pooling)
    frames = room_frames(2)
    frames.depth_m[0, :, : 28 * pooling] = np.nan
    scan = inputs.encode_scan(inputs.encode_frames(frames), BOXES)
    batch = batch_of(inputs, scan, QUESTIONS[:1])
    before, after = (
        torch.cat(list(entry.encode_scene(batch).encoder_outputs["image"].pooler_output))
        for entry in (plain, model)
    )
    image = batch["input_ids"][0] == model.config.image_token_id
    assert len(before) == image.sum()
    is_valid = np.isfinite(scan.frames.tokens.xyz_m).all(axis=-1)
    assert 0 < is_valid.sum() < is_valid.size
    # OneVision writes a token behind the grid of every frame.
    extra = len(before) // 2 - is_valid[0].size
    expected = np.pad(is_valid.reshape(2, -1), ((0, 0), (0, extra))).reshape(-1)
    changed = (before != after).any(dim=1)
    assert changed.tolist() == expected.tolist()
    points = torch.from_numpy(scan.frames.tokens.xyz_m[is_valid])
    torch.testing.assert_close(
        (after - before)[changed],
        model.position_encoding(points).double(),
        atol=1e-6,
        rtol=1e-6,
    )


@pytest.mark.parametrize("kind", BASES)
def test_the_features_of_deeper_layers_stay(kind: str) -> None:
    model, inputs = make_model(kind, tokens="frames", pooling=1)
    scan, _ = scans_of(inputs)
    batch = batch_of(inputs, scan, QUESTIONS[:1])
    image = model.encode_scene(batch).encoder_outputs["image"]
    deeper = getattr(image, "deepstack_features", None)
    assert (deeper is not None) == (kind == "qwen3-vl")
    if deeper is not None:
        plain = model.base.model.get_image_features(
            batch["pixel_values"].double(), batch["image_grid_thw"], return_dict=True
        )
        for kept, first in zip(deeper, plain.deepstack_features, strict=True):
            torch.testing.assert_close(torch.cat(list(kept)), torch.cat(list(first)))


@pytest.mark.parametrize("kind", BASES)
def test_without_coordinates_it_is_the_base(kind: str) -> None:
    """At scale 0 and without pooling the hidden states are those of the base's own inputs."""
    model, inputs = make_model(
        kind, tokens="frames", pooling=1, position_encoding={"scale": 0.0, "learned_scale": True}
    )
    frames = room_frames(2, width_px=56, height_px=56)
    scan = inputs.encode_scan(inputs.encode_frames(frames), BOXES)
    question = ScanQuestion("Is it the wall?", "no")
    batch = batch_of(inputs, scan, [question])
    hidden = model.read(batch, model.encode_scene(batch))[0]
    text = conversation_text(
        inputs.processor, [("user", question.prompt), ("assistant", "no")], ask=False, image=2
    )
    side = getattr(model.config.vision_config, "image_size", 56)
    images = [Image.fromarray(frame).resize((side, side), 3) for frame in frames.rgb]
    own = inputs.processor(text=[text], images=[images], return_tensors="pt")
    own = {name: v.double() if v.is_floating_point() else v for name, v in own.items()}
    expected = model.base.model(**own).last_hidden_state[0]
    # The end of an answer is added where a template does not write it.
    count = min(len(hidden), len(expected)) - 1
    assert count > 8
    torch.testing.assert_close(hidden[:count], expected[:count], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("tokens", TOKENS)
def test_coordinates_of_a_question_change_its_own_answer_alone(tokens: str) -> None:
    model, inputs = make_model("tiny", tokens=tokens)
    scan, _ = scans_of(inputs)

    def states(x: float) -> tuple[torch.Tensor, torch.Tensor]:
        questions = [
            ScanQuestion("What is at <coord>?", points_m=[(x, 1.0, 1.0)]),
            ScanQuestion("What is at <coord>?", points_m=[(2.0, 1.0, 1.0)]),
        ]
        batch = batch_of(inputs, scan, questions)
        hidden = model.read(batch, model.encode_scene(batch))[0]
        return hidden[batch["segments"][0] == 1], hidden[batch["segments"][0] != 1]

    (first, others), (moved, same) = states(1.0), states(3.0)
    assert not torch.allclose(first, moved, atol=1e-3)
    torch.testing.assert_close(others, same)


@pytest.mark.parametrize("tokens", TOKENS)
def test_a_blind_model_gets_centres_alone(tokens: str) -> None:
    model, inputs = make_model("tiny", tokens=tokens)
    scan, _ = scans_of(inputs, blind=True)
    batch = batch_of(inputs, scan, QUESTIONS)
    assert "pixel_values" not in batch
    scene = model.encode_scene(batch)
    expected = model.position_encoding(torch.from_numpy(BOXES[:, :3]).float())
    torch.testing.assert_close(scene.objects.float(), expected)
    assert torch.isfinite(model(**batch)["loss"])
    scores = model.score_candidates(**batch)
    assert [len(row) for row in scores] == [4, 4, 4]
    assert all(torch.isfinite(row).all() for row in scores)


def test_scores_of_scans_with_few_proposals_have_no_padding() -> None:
    model, inputs = make_model("tiny")
    first, second = scans_of(inputs)
    none = inputs.encode_scan(first.frames, np.empty((0, 6)))
    question = ScanQuestion("Which object is it?", "<ground>")
    rows = []
    for scan in (first, second, none):
        rows += inputs.rows(scan, [inputs.encode_question(scan, question)] * 2)
    scores = model.score_candidates(**inputs.collate(rows))
    assert [len(row) for row in scores] == [4, 4, 3, 3, 1, 1]
    alone = model.score_candidates(**inputs.collate(rows[1:2]))
    torch.testing.assert_close(scores[2], alone[0])


@pytest.mark.parametrize("tokens", TOKENS)
def test_every_own_parameter_learns(tokens: str) -> None:
    model, inputs = make_model(
        "tiny", tokens=tokens, depth_head=True, position_encoding={"kind": "mlp"}
    )
    scan, _ = scans_of(inputs)
    model.train()
    losses = model(**batch_of(inputs, scan, QUESTIONS))
    assert set(losses) == {"loss", "grounding", "answer", "depth"}
    losses["loss"].backward()
    without = [name for name, part in model.own_parameters().items() if part.grad is None]
    assert without == []
    assert "depth" not in model.eval()(**batch_of(inputs, scan, QUESTIONS))


def test_a_batch_without_queries_or_answers_runs_the_same_layers() -> None:
    model, inputs = make_model("tiny")
    scan, _ = scans_of(inputs)
    for questions in (QUESTIONS[:1], QUESTIONS[2:3]):
        model.zero_grad()
        model(**batch_of(inputs, scan, questions))["loss"].backward()
        without = [
            name
            for name, part in model.named_parameters()
            if part.grad is None and "vision_tower" not in name
        ]
        assert without == []


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("tokens", TOKENS)
def test_a_blind_batch_runs_the_same_layers_in_training(kind: str, tokens: str) -> None:
    """Ranks of ZeRO-3 would wait for each other for ever."""
    model, inputs = make_model(kind, tokens=tokens, depth_head=True)
    model.train()
    trained = []
    for blind in (False, True):
        scan, _ = scans_of(inputs, blind=blind)
        model.zero_grad()
        model(**batch_of(inputs, scan, QUESTIONS))["loss"].backward()
        trained.append({name for name, part in model.named_parameters() if part.grad is not None})
    assert trained[0] == trained[1]


def test_inputs_hold_no_coordinate_that_a_trainer_may_round() -> None:
    _, inputs = make_model("tiny", depth_head=True)
    scan, _ = scans_of(inputs)
    batch = batch_of(inputs, scan, QUESTIONS)
    assert [name for name, value in batch.items() if value.is_floating_point()] == ["pixel_values"]
    torch.testing.assert_close(
        from_bits(batch["object_points"]), torch.from_numpy(BOXES[:, :3]).float()
    )


def test_adapters_learn_with_the_heads() -> None:
    from peft import LoraConfig, get_peft_model

    model, processor = MODELS["qwen2.5-vl"]()
    settings = VideoModelSettings()
    inputs = VideoProcessor(processor, model.config, settings)
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], bias="none"))
    video = VideoModel(adapted, inputs.special_tokens, settings)
    scan, _ = scans_of(inputs)
    video.gradient_checkpointing_enable()
    adapted.enable_input_require_grads()
    video.train()
    video(**batch_of(inputs, scan, QUESTIONS))["loss"].backward()
    trained = {name for name, part in video.named_parameters() if part.grad is not None}
    assert {"token_embeddings.weight", "grounding_head.no_object"} <= trained
    assert any("lora" in name for name in trained)
    assert all("lora" in name for name in trained if name.startswith("model."))


def test_points_and_targets_must_fit() -> None:
    _, inputs = make_model("tiny")
    scan, _ = scans_of(inputs)
    question = ScanQuestion("<coord> or <coord>?", points_m=[(0.0, 0.0, 0.0)])
    with pytest.raises(UserError, match=r"2 <coord>, but 1 points"):
        inputs.encode_question(scan, question)
    with pytest.raises(UserError, match=r"targets \[3\] are not among the 3 proposals"):
        inputs.encode_question(scan, ScanQuestion("It.", "<ground>", targets=[3]))


def test_other_types_of_models_are_refused() -> None:
    with pytest.raises(UserError, match="model type llava_next is not one of"):
        make_model("llava-next")
