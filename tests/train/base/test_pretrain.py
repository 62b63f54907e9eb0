"""Samples match their images, answers follow from positions, a killed training resumes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from workflow_scripts.common.answer_text import parse_metres
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.config.train import TinyBaseSettings
from workflow_scripts.models.shared_prefix import IGNORE_INDEX, packed_attention_mask
from workflow_scripts.train.base import pretrain
from workflow_scripts.train.base.experiment import PretrainExperiment
from workflow_scripts.train.base.pretrain_dataset import PretrainDataset
from workflow_scripts.train.base.pretrain_images import (
    AnnotatedImages,
)
from workflow_scripts.train.base.pretrain_model import PretrainModel
from workflow_scripts.train.base.pretrain_patches import PatchDataset
from workflow_scripts.train.base.pretrain_questions import (
    CAMERA_DISTANCE,
    CENTER_DISTANCE,
    FRONT_BEHIND,
    LEFT_RIGHT,
    MINIMUM_DISTANCE,
    Mention,
    ask_length,
    compare_mentions,
)
from workflow_scripts.train.base.tiny_vlm import (
    COPYING_LAYER,
    COPYING_SCALE,
    TinyVlmConfig,
    make_model,
    make_processor,
    number_words,
)


def make_dataset(
    pictures: AnnotatedImages, *, named_fraction: float = 0.0, list_fraction: float = 0.0
) -> PretrainDataset:
    return PretrainDataset(
        pictures,
        make_processor(TinyVlmConfig()).tokenizer,
        TinyVlmConfig(),
        steps=5,
        images_per_step=4,
        questions_per_image=3,
        named_fraction=named_fraction,
        list_fraction=list_fraction,
        seed=7,
    )


@pytest.mark.parametrize("flip", [False, True])
def test_answers_follow_from_positions(flip: bool) -> None:
    red = Mention("the red mark", "red", 70.0 if flip else 10.0, 40.0)
    blue = Mention("the blue mark", "blue", 40.0, 40.0)
    for number in range(40):
        sample = compare_mentions(red, blue, LEFT_RIGHT, seeded(7, number))
        left = "blue" if flip else "red"
        right = "red" if flip else "blue"
        if sample.answer in ("yes", "no"):
            assert (sample.answer == "yes") == (("left" in sample.question) != flip)
        else:
            assert sample.answer == (left if "left" in sample.question else right)
        for end, colour in zip(sample.keyword_ends, ("red", "blue"), strict=True):
            assert sample.question[:end].endswith(colour)


def test_answers_are_balanced() -> None:
    mention_a, mention_b = (
        Mention("the red mark", "red", 1, 1),
        Mention("the blue mark", "blue", 9, 9),
    )
    answers = [
        compare_mentions(mention_a, mention_b, LEFT_RIGHT, seeded(7, number)).answer
        for number in range(800)
    ]
    for answer in ("yes", "no", "red", "blue"):
        assert 150 < answers.count(answer) < 250


def test_lengths_are_those_of_the_boxes(pictures: AnnotatedImages) -> None:
    points = {point.category: point for points in pictures.object_points for point in points}
    sofa, table = (replace(points[name], is_whole=True) for name in ("Sofa", "DiningTable"))
    mentions = tuple(
        Mention(f"the {name}", name, 1, 1, category, point=point)
        for name, category, point in (("sofa", "Sofa", sofa), ("table", "DiningTable", table))
    )
    apart_m = float(np.linalg.norm(np.subtract(sofa.center_m, table.center_m)))
    sample = ask_length(mentions, CENTER_DISTANCE, seeded(7))
    assert sample is not None
    assert parse_metres(sample.answer) == pytest.approx(apart_m, abs=0.006)
    assert sample.length_m == pytest.approx(apart_m)
    for end, word in zip(sample.keyword_ends, ("sofa", "table"), strict=True):
        assert sample.question[:end].endswith(word)
    gap = ask_length(mentions, MINIMUM_DISTANCE, seeded(7))
    assert gap is None or gap.length_m is None or gap.length_m < apart_m
    camera = ask_length(mentions[:1], CAMERA_DISTANCE, seeded(7))
    assert camera is not None
    assert camera.length_m == pytest.approx(sofa.camera_distance_m)
    cut_off = replace(mentions[0], point=replace(sofa, is_whole=False))
    assert ask_length((cut_off, mentions[1]), CENTER_DISTANCE, seeded(7)) is None


def test_in_front_is_nearer() -> None:
    near = Mention("the red mark", "red", 50.0, 40.0, depth_m=1.0)
    far = Mention("the blue mark", "blue", 10.0, 40.0, depth_m=3.0)
    for number in range(20):
        sample = compare_mentions(near, far, FRONT_BEHIND, seeded(7, number))
        asks_front = "front" in sample.question
        if sample.answer in ("yes", "no"):
            assert (sample.answer == "yes") == asks_front
        else:
            assert sample.answer == ("red" if asks_front else "blue")


def test_batch_points_at_the_keywords(pictures: AnnotatedImages) -> None:
    dataset = make_dataset(pictures)
    batch = dataset[2]
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    sequence, token = batch["mention_at"].unbind(1)
    keywords = tokenizer.convert_ids_to_tokens(batch["input_ids"][sequence, token])
    assert {word.removeprefix("▁") for word in keywords} <= set(MARK_COLOURS)
    class_names = (*pictures.categories, *MARK_COLOURS)
    places = batch["mention_position"][:, :2].tolist()
    for word, number, (u, v) in zip(keywords, sequence, places, strict=True):
        patch = int(v * 8) * 8 + int(u * 8)
        shown = batch["patch_classes"][number]
        assert word.removeprefix("▁") in {class_names[shown[patch]], class_names[shown.max()]} | {
            class_names[class_id] for class_id in shown
        }
    answers = batch["input_ids"][batch["labels"] != IGNORE_INDEX]
    known = {"▁yes", "▁no", "</s>", *(f"▁{colour}" for colour in MARK_COLOURS)}
    known |= {"▁", *"0123456789.", "▁m", "▁cm", *(f"▁{word}" for word in number_words())}
    assert set(tokenizer.convert_ids_to_tokens(answers)) <= known


def test_samples_of_one_image_do_not_attend_to_each_other() -> None:
    segments = torch.tensor([[0, 0, 1, 1, 2, 2, -1]])
    allowed = packed_attention_mask(segments)[0, 0].int().tolist()
    assert allowed == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize("list_fraction", [0.0, 1.0])
def test_a_list_stands_behind_the_questions_of_its_picture(
    pictures: AnnotatedImages, list_fraction: float
) -> None:
    batch = make_dataset(pictures, list_fraction=list_fraction)[2]
    has_list = batch["is_list"].any(dim=1)
    assert bool(has_list.all()) == bool(has_list.any()) == bool(list_fraction)
    is_answer = batch["labels"] != IGNORE_INDEX
    assert (is_answer & ~batch["is_list"]).any(dim=1).all()
    for segments, is_list in zip(batch["segments"], batch["is_list"], strict=True):
        assert (segments[is_list] == segments.max()).all()


@pytest.mark.parametrize("named_fraction", [0.0, 1.0])
def test_answers_look_at_the_object_and_the_words_they_mean(
    pictures: AnnotatedImages, named_fraction: float
) -> None:
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    yes, no = (tokenizer.convert_tokens_to_ids(f"▁{word}") for word in ("yes", "no"))
    dataset = make_dataset(pictures, named_fraction=named_fraction)
    num_words = num_lengths = 0
    for step in range(len(dataset)):
        batch = dataset[step]
        ids, labels = batch["input_ids"], batch["labels"]
        for sequence, token, repeated in batch["copy_at"].tolist():
            assert repeated < token
            assert ids[sequence, repeated] == labels[sequence, token + 1]
            assert batch["segments"][sequence, repeated] == batch["segments"][sequence, token]
        copied = {(sequence, token) for sequence, token, _ in batch["copy_at"].tolist()}
        mentions = batch["mention_at"].tolist()
        pairs = {sample: (first, second) for first, second, sample in batch["pairs"].tolist()}
        chosen = {(sequence, token): word for sequence, token, word in batch["choose_at"].tolist()}
        for sample, (sequence, token) in enumerate(batch["answer_at"].tolist()):
            answer = labels[sequence, token + 1]
            if batch["relation_holds"][sample].isnan():
                own = batch["segments"][sequence, token]
                of_sample = [
                    (row, word)
                    for row, word in mentions
                    if row == sequence and batch["segments"][row, word] == own
                ]
                asks_for_length = not batch["log_length"][sample].isnan()
                assert ((sequence, token) in chosen) == asks_for_length
                if asks_for_length:
                    assert (sequence, chosen[sequence, token]) == of_sample[-1]
                    num_lengths += 1
                assert (sequence, token) not in copied
                continue
            first, second = pairs[sample]
            meant = first if batch["relation_holds"][sample] else second
            assert [sequence, chosen[sequence, token]] == mentions[meant]
            if answer in (yes, no):
                assert (answer == yes) == (meant == first)
            assert ((sequence, token) in copied) == (answer not in (yes, no))
            num_words += (sequence, token) in copied
    assert num_words > 5
    assert num_lengths > 5


def test_last_layer_starts_by_writing_what_it_reads() -> None:
    size = TinyVlmConfig()
    model = make_model(size, make_processor(size), seed=3)
    attention = model.model.language_model.layers[COPYING_LAYER].self_attn
    written = attention.o_proj.weight @ attention.v_proj.weight
    expected = COPYING_SCALE * torch.eye(size.text_width)
    torch.testing.assert_close(written, expected, atol=1e-5, rtol=0)


def test_questions_leave_the_vision_tower_as_it_is(pictures: AnnotatedImages) -> None:
    dataset = make_dataset(pictures, list_fraction=1.0)
    size = TinyVlmConfig()
    model = make_model(size, make_processor(size), seed=3)
    model.set_attn_implementation({"text_config": "eager"})
    learner = PretrainModel(model, size, dataset.class_word_weights, seed=3).train()
    losses, _ = learner(**dataset[1])
    sum(losses.values()).backward()
    assert not any(part.grad is not None for part in model.model.vision_tower.parameters())
    assert model.get_input_embeddings().weight.grad.abs().max() > 0
    patches = PatchDataset(
        pictures,
        size,
        steps=1,
        images_per_step=2,
        num_classes=len(dataset.class_word_weights),
        seed=3,
    )
    losses, _ = learner(**patches[0])
    sum(losses.values()).backward()
    assert model.model.vision_tower.stem.weight.grad.abs().max() > 0


def test_batches_depend_on_seed_and_step_alone(pictures: AnnotatedImages) -> None:
    first, second = (
        make_dataset(pictures, named_fraction=0.5),
        make_dataset(pictures, named_fraction=0.5),
    )
    second[0]
    for name, value in first[3].items():
        assert torch.equal(value.nan_to_num(-1), second[3][name].nan_to_num(-1)), name
    assert not torch.equal(first[3]["pixel_values"], first[4]["pixel_values"])


def test_names_come_after_marks(pictures: AnnotatedImages) -> None:
    dataset = PretrainDataset(
        pictures,
        make_processor(TinyVlmConfig()).tokenizer,
        TinyVlmConfig(),
        steps=40,
        images_per_step=4,
        questions_per_image=6,
        named_fraction=1.0,
        rise=(4, 20),
        seed=7,
    )
    tokenizer = make_processor(TinyVlmConfig()).tokenizer

    def marked_fraction(step: int) -> float:
        batch = dataset[step]
        sequence, token = batch["mention_at"].unbind(1)
        words = tokenizer.convert_ids_to_tokens(batch["input_ids"][sequence, token])
        return float(np.mean([word.removeprefix("▁") in MARK_COLOURS for word in words]))

    assert marked_fraction(0) == marked_fraction(4) == 1
    assert np.mean([marked_fraction(step) for step in range(20, 24)]) < 0.7


def run_pretraining(folder: Path, shard: Path, *, steps: int = 6) -> dict[str, torch.Tensor]:
    experiment = PretrainExperiment(
        name="tiny",
        views=(shard,),
        out=folder,
        seed=7,
        settings=TinyBaseSettings(
            patch_steps=steps // 2, patch_batch_size=4, steps=steps - steps // 2, batch_size=8
        ),
        save_minutes=1e-6,
    )
    experiment.train()
    return load_file(experiment.result / "tiny/model.safetensors")


def test_killed_pretraining_resumes_to_the_same_weights(
    tmp_path: Path, shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = run_pretraining(tmp_path / "whole", shard)
    steps_done = []
    original = pretrain.PretrainTrainer.training_step

    def interrupting_step(
        self: pretrain.PretrainTrainer, *arguments: object, **more: object
    ) -> torch.Tensor:
        steps_done.append(self.state.global_step)
        if len(steps_done) == 5:
            raise KeyboardInterrupt
        return original(self, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(pretrain.PretrainTrainer, "training_step", interrupting_step)
        with pytest.raises(KeyboardInterrupt):
            run_pretraining(tmp_path / "cut", shard)
        assert not (tmp_path / "cut/checkpoints/result").exists()
        newest = max((tmp_path / "cut/checkpoints").glob("checkpoint-*"))
        # A checkpoint that was not finished is passed over.
        (newest / "complete").unlink()
        resumed = run_pretraining(tmp_path / "cut", shard)
    assert steps_done[:5] == [0, 1, 2, 3, 4]
    assert steps_done[5] == 3
    for name, value in uninterrupted.items():
        assert torch.equal(value, resumed[name]), name
    metrics = [
        json.loads((tmp_path / run / "checkpoints/result/tiny.metrics.json").read_text())
        for run in ("whole", "cut")
    ]
    assert metrics[0] == metrics[1]


def test_non_finite_loss_stops_pretraining(
    tmp_path: Path, shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pretrain.LOSS_WEIGHTS, "patch_label", float("nan"))
    with pytest.raises(UserError, match="loss became nan at step 1; lower the learning rate"):
        run_pretraining(tmp_path, shard, steps=2)
    assert not (tmp_path / "checkpoints/result").exists()
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))
