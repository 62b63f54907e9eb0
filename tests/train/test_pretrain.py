"""Lessons are true to their pictures, only training houses are seen, a killed course goes on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.synthetic import living_room_scene, write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.marks import MARK_COLOURS, draw_marks
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.train import pretrain
from workflow_scripts.train.lessons import (
    IGNORED,
    LEFT_RIGHT,
    Lessons,
    Mention,
    ask,
    attention,
    patch_words,
)
from workflow_scripts.train.pictures import Pictures, Stamps, read_pictures
from workflow_scripts.train.tiny import Size, make_processor


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boxes, cameras = living_room_scene(width_px=120, height_px=100)
    brighter = [replace(box, colour=(250, 250, 250)) for box in boxes]
    scenes = {"a": (boxes, cameras), "b": (brighter, cameras), "c": (boxes, cameras)}
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return write_shard(path, scenes, splits={"a": "train", "b": "test", "c": "val"})


@pytest.fixture(scope="module")
def pictures(shard: Path) -> Pictures:
    return read_pictures([shard], side_px=96)


def lessons_of(pictures: Pictures, *, named_share: float = 0.0) -> Lessons:
    return Lessons(
        pictures,
        make_processor(Size()).tokenizer,
        Size(),
        steps=5,
        pictures_per_step=4,
        questions_per_picture=3,
        named_share=named_share,
        seed=7,
    )


def test_reads_the_training_split_alone(shard: Path, pictures: Pictures) -> None:
    assert len(pictures) == 2
    assert pictures.rgb.shape == (2, 96, 96, 3)
    test = read_pictures([shard], side_px=96, split="test")
    assert test.rgb.mean() > pictures.rgb.mean() + 20
    categories = {spot.category for spots in pictures.spots for spot in spots}
    assert {"Sofa", "DiningTable"} <= categories <= {"Sofa", "DiningTable", "Vase", "FloorLamp"}
    with pytest.raises(UserError, match="nothing to train on"):
        read_pictures([], side_px=96)


def test_spot_of_an_object_lies_on_it(pictures: Pictures) -> None:
    for number, spots in enumerate(pictures.spots):
        for spot in spots:
            shown = pictures.shows[number, int(spot.v), int(spot.u)]
            assert pictures.categories[shown] == spot.category


def test_stamped_marks_look_like_marks_drawn_large_and_scaled() -> None:
    rng = np.random.default_rng(3)
    ground = Image.fromarray(rng.integers(60, 200, (8, 8, 3), dtype=np.uint8))
    large = np.asarray(ground.resize((336, 336), Image.Resampling.BICUBIC))
    places = [("red", (100.0, 120.0)), ("blue", (60.5, 250.2)), ("yellow", (280.0, 290.0))]
    small = Image.fromarray(draw_marks(large, places)).resize((96, 96), Image.Resampling.BICUBIC)
    stamped = np.asarray(Image.fromarray(large).resize((96, 96), Image.Resampling.BICUBIC)).copy()
    stamps = Stamps(96)
    for colour, (u, v) in places:
        stamps.paste(stamped, colour, u * 96 / 336, v * 96 / 336)
    difference = np.abs(stamped.astype(int) - np.asarray(small))
    touched = difference.max(axis=2) > 0
    assert touched.mean() < 0.06
    assert difference[touched].mean() < 16


def test_mark_at_the_border_is_cut_off_not_wrapped() -> None:
    rgb = np.zeros((96, 96, 3), np.uint8)
    Stamps(96).paste(rgb, "red", 1.0, 95.0)
    assert rgb[95, 0, 0] == 255
    assert rgb[:, 50:].max() == 0


@pytest.mark.parametrize("flip", [False, True])
def test_answers_follow_from_places(flip: bool) -> None:
    red = Mention("the red mark", "red", 70.0 if flip else 10.0, 40.0)
    blue = Mention("the blue mark", "blue", 40.0, 40.0)
    for number in range(40):
        lesson = ask(red, blue, LEFT_RIGHT, seeded(7, number))
        left = "blue" if flip else "red"
        right = "red" if flip else "blue"
        if lesson.answer in ("yes", "no"):
            assert (lesson.answer == "yes") == (("left" in lesson.question) != flip)
        else:
            assert lesson.answer == (left if "left" in lesson.question else right)
        for end, colour in zip(lesson.ends, ("red", "blue"), strict=True):
            assert lesson.question[:end].endswith(colour)


def test_answers_are_balanced() -> None:
    one, other = Mention("the red mark", "red", 1, 1), Mention("the blue mark", "blue", 9, 9)
    answers = [ask(one, other, LEFT_RIGHT, seeded(7, number)).answer for number in range(800)]
    for answer in ("yes", "no", "red", "blue"):
        assert 150 < answers.count(answer) < 250


def test_patches_are_named_by_what_they_show(pictures: Pictures) -> None:
    lessons = lessons_of(pictures)
    tokenizer = make_processor(Size()).tokenizer
    words = patch_words(tokenizer, pictures.categories)
    shows = np.zeros((1, 96, 96), np.uint8)
    table = pictures.categories.index("CoffeeTable")
    shows[0, 12:24, 24:36] = table
    # A mark's few pixels win over the rest of their patch: 36 x 5 > 108.
    shows[0, 12:18, 36:42] = len(pictures.categories) + list(MARK_COLOURS).index("blue")
    named = lessons.patches(shows)[0]
    assert named[8 + 2] == table
    assert words[table, tokenizer.convert_tokens_to_ids("▁coffee")] == 0.5
    blue = words[named[8 + 3]]
    assert blue.argmax() == tokenizer.convert_tokens_to_ids("▁blue")
    assert (named == 0).sum() == 62
    assert words[0].sum() == 0


def test_batch_points_at_the_telling_words(pictures: Pictures) -> None:
    lessons = lessons_of(pictures)
    batch = lessons[2]
    tokenizer = make_processor(Size()).tokenizer
    sequence, token = batch["mention_at"].unbind(1)
    told = tokenizer.convert_ids_to_tokens(batch["input_ids"][sequence, token])
    assert {word.removeprefix("▁") for word in told} <= set(MARK_COLOURS)
    things = (*pictures.categories, *MARK_COLOURS)
    for word, number, (u, v) in zip(told, sequence, batch["mention_uv"].tolist(), strict=True):
        patch = int(v * 8) * 8 + int(u * 8)
        shown = batch["patch_words"][number]
        assert word.removeprefix("▁") in {things[shown[patch]], things[shown.max()]} | {
            things[thing] for thing in shown
        }
    answers = batch["input_ids"][batch["labels"] != IGNORED]
    known = {"▁yes", "▁no", "</s>", *(f"▁{colour}" for colour in MARK_COLOURS)}
    assert set(tokenizer.convert_ids_to_tokens(answers)) <= known


def test_lessons_of_one_picture_do_not_see_each_other() -> None:
    segments = torch.tensor([[0, 0, 1, 1, 2, 2, -1]])
    allowed = attention(segments)[0, 0].int().tolist()
    assert allowed == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 0, 1],
    ]


def test_batches_depend_on_seed_and_step_alone(pictures: Pictures) -> None:
    first, second = lessons_of(pictures, named_share=0.5), lessons_of(pictures, named_share=0.5)
    second[0]
    for name, value in first[3].items():
        assert torch.equal(value, second[3][name]), name
    assert not torch.equal(first[3]["pixel_values"], first[4]["pixel_values"])


def pretrained(folder: Path, shard: Path, *, steps: int = 6) -> dict[str, torch.Tensor]:
    pretrain.main(
        views=[shard],
        out=folder / "tiny",
        checkpoints=folder / "checkpoints",
        metrics=folder / "metrics.json",
        curves=folder / "curves.png",
        steps=steps,
        batch_size=8,
        save_minutes=1e-6,
    )
    return load_file(folder / "tiny/model.safetensors")


def test_killed_course_goes_on_to_the_same_weights(
    tmp_path: Path, shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pretrained(tmp_path / "whole", shard)
    steps_done = []
    original = pretrain.CourseTrainer.training_step

    def killed(self: pretrain.CourseTrainer, *arguments: object, **more: object) -> torch.Tensor:
        steps_done.append(self.state.global_step)
        if len(steps_done) == 5:
            raise KeyboardInterrupt
        return original(self, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(pretrain.CourseTrainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrained(tmp_path / "cut", shard)
        assert not (tmp_path / "cut/tiny").exists()
        newest = max((tmp_path / "cut/checkpoints").glob("checkpoint-*"))
        # A checkpoint that was not finished is passed over.
        (newest / "complete").unlink()
        resumed = pretrained(tmp_path / "cut", shard)
    assert steps_done[:5] == [0, 1, 2, 3, 4]
    assert steps_done[5] == 3
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    metrics = [
        json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("whole", "cut")
    ]
    assert metrics[0] == metrics[1]


def test_loss_that_is_no_number_stops_the_course(
    tmp_path: Path, shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pretrain.WEIGHTS, "answer", float("nan"))
    with pytest.raises(UserError, match="loss became nan at step 1; lower the learning rate"):
        pretrained(tmp_path, shard, steps=2)
    assert not (tmp_path / "tiny").exists()
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))
