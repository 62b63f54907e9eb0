"""The two commands: records, pictures, balance, determinism, and what bad input gives."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from testing.box_scenes import Box, living_room_scene, room, write_shard
from tests.vqa import generation
from workflow_scripts.common.answer_text import format_metres, parse_choice, parse_metres
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.questions import read_questions
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records, write_records, write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import MergeSettings
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa import generate_questions, merge
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.question_types.comparison import Comparison
from workflow_scripts.vqa.question_types.ranking import Ranking

SPLITS = {"a": "train", "b": "train", "c": "test"}


def furnished(seed):
    """Return a room with six things of six kinds in places drawn by lot, and three cameras."""
    rng = np.random.default_rng(seed)
    kinds = ["Sofa", "Fridge", "DiningTable", "FloorLamp", "Bed", "Television", "Box"]
    boxes = room(6.0, 5.0)
    for place, kind in enumerate(rng.permutation(kinds)):
        width, depth, height = rng.uniform(0.3, 0.8, 3)
        centre = (0.6 + 0.8 * place, float(rng.uniform(1.8, 4.5)), float(height / 2))
        boxes.append(Box(str(kind), centre, (width, depth, height)))
    cameras = [
        Camera.look(
            (3.0, 0.2, 1.6),
            yaw_deg=yaw_deg,
            pitch_deg=-10.0,
            width_px=160,
            height_px=160,
            vertical_fov_deg=90.0,
        )
        for yaw_deg in (-10.0, 0.0, 10.0)
    ]
    return boxes, cameras


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    scenes = {name: furnished(number) for number, name in enumerate(SPLITS)}
    return write_shard(tmp_path_factory.mktemp("views") / "0000.zarr", scenes, splits=SPLITS)


def generate_for_shard(views, folder: Path, **settings):
    some = {"min_pixels": 40, "min_fraction_visible": 0.1, **settings}
    return generation.generate_for_shard(views, folder / "procthor", **some)[0]


@pytest.fixture(scope="module")
def generated(views, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vqa")
    return folder, generate_for_shard(views, folder)


def test_every_family_is_asked_and_every_question_has_its_picture(generated):
    folder, questions = generated
    assert len({(question.family, question.form) for question in questions}) >= 18
    assert max(Counter(question.view_id for question in questions).values()) <= 24
    for name in {question.image for question in questions}:
        with Image.open(folder / name) as picture:
            assert picture.size == (160, 160)


def test_no_question_is_asked_twice(generated):
    _, questions = generated
    texts = [(question.image, question.question) for question in questions]
    assert len(texts) == len(set(texts))
    assert len({question.question_id for question in questions}) == len(questions)


def test_yes_no_questions_are_kept_and_balanced_in_every_family(generated):
    _, questions = generated
    counts = Counter(
        (question.split, question.family, question.form, question.truth)
        for question in questions
        if merge.is_yes_no(question)
    )
    for split, family, form, _ in list(counts):
        yes, no = (counts[split, family, form, truth] for truth in ("yes", "no"))
        # One each for the two words (left, right) of a family.
        assert abs(yes - no) <= 2, (split, family, form)


def test_the_order_of_mention_does_not_tell_the_choice(generated):
    _, questions = generated
    compared = {family.name for family in FAMILIES if isinstance(family, Comparison)}
    which = [
        question
        for question in questions
        if question.kind == "which" and question.family in compared
    ]
    counts = Counter(
        (question.split, question.family, question.form, question.truth == question.choices[0])
        for question in which
    )
    for split, family, form, _ in list(counts):
        cell = (split, family, form)
        assert abs(counts[*cell, True] - counts[*cell, False]) <= 2, cell


def test_answers_are_the_truth_and_not_in_the_question(generated):
    _, questions = generated
    for question in questions:
        if question.answer_type == "metres":
            assert question.answer == format_metres(question.truth)
            assert parse_metres(question.answer) == pytest.approx(
                question.truth, abs=question.tolerance
            )
            assert not re.search(r"\d", question.question)
        elif question.answer_type in ("choice", "multiple_choice"):
            assert question.answer == question.truth
            assert question.truth in question.choices
        if merge.is_yes_no(question):
            assert not re.search(r"\b(yes|no)\b", question.question.lower())
        elif question.kind == "which":
            for choice in question.choices:
                word = rf"(?<!\w){re.escape(choice.lower())}(?!\w)"
                assert len(re.findall(word, question.question.lower())) == 1, question.question


def test_sentences_are_scored_like_short_answers(views, tmp_path):
    for one in generate_for_shard(views, tmp_path, answer_style="sentence"):
        if one.answer_type == "metres":
            assert parse_metres(one.answer) == pytest.approx(one.truth, abs=one.tolerance)
        elif one.answer_type == "choice":
            assert parse_choice(one.answer, one.choices) == one.truth
        elif one.answer_type == "multiple_choice":
            assert one.answer.startswith(f"{one.truth}: ")


def test_text_is_grammatical(generated):
    _, questions = generated
    for question in questions:
        assert re.fullmatch(r"[A-Z<].*[?.]", question.question)
        assert "  " not in question.question
        assert "{" not in question.question
        assert not re.search(r"\bthe the\b|\ba the\b", question.question)
        for referent in question.referents:
            assert referent.phrase.lower() in question.question.lower()


def test_marked_positions_follow_from_the_marks_alone(generated):
    _, questions = generated
    axis = {"left_right": 0, "image_above_below": 1, "above_below": 1}
    checked = 0
    for question in questions:
        if question.form != "marked" or question.family not in axis:
            continue
        first, second = question.referents
        lower = first.pixel[axis[question.family]] < second.pixel[axis[question.family]]
        words = r"\b(left|above|higher)\b"
        says = bool(re.search(words, question.question)) == lower
        expected = (
            ("yes" if says else "no") if merge.is_yes_no(question) else question.choices[not says]
        )
        assert question.truth == expected, question.question
        checked += 1
    assert checked > 3


def test_marks_lie_on_their_object_apart_and_are_drawn(generated, views):
    folder, questions = generated
    from workflow_scripts.common.view_shard import ViewShard

    opened = ViewShard.open(views)
    radius = mark_radius_px(160)
    for one in (question for question in questions if question.form == "marked"):
        places = [np.array(referent.pixel) for referent in one.referents]
        if len(places) == 2:
            assert np.linalg.norm(places[0] - places[1]) > 2.5 * radius
        with Image.open(folder / one.image) as picture:
            pixels = np.asarray(picture, dtype=int)
        for referent in one.referents:
            column, row = (int(value) for value in referent.pixel)
            assert opened.instance(one.view)[row, column] == referent.instance
            assert np.abs(pixels[row, column] - MARK_COLOURS[referent.mark]).max() < 40


def test_margins_drop_ties_and_count_them(views, tmp_path):
    strict = generate_for_shard(views, tmp_path, margin_m=1.0, margin_ratio=0.5, margin_image=0.3)
    compared = {family.name for family in FAMILIES if isinstance(family, Comparison | Ranking)}
    for one in (question for question in strict if question.family in compared):
        assert one.margin >= {"m": 1.0, "ratio": 0.5, "px": 0.3 * 160}.get(one.margin_unit, 0)
    dropped = read_records(tmp_path / "procthor/0000.dropped.jsonl", DroppedQuestions)
    ties = [record for record in dropped if record.reason == "too close to call"]
    assert sum(one.count for one in ties) > 10


def test_equal_things_are_a_tie_even_without_margins(tmp_path):
    twins = [Box(kind, (x, 3.0, 0.5), (0.5, 0.5, 1.0)) for kind, x in (("Bed", -1), ("Box", 1))]
    camera = furnished(0)[1][1]
    moved = [Box(one.category, (one.centre_m[0] + 3, 3.0, 0.5), one.size_m) for one in twins]
    views = write_shard(tmp_path / "t.zarr", {"a": (moved, [camera])})
    questions = generate_for_shard(views, tmp_path, margin_m=0, margin_ratio=0, margin_image=0)
    families = {question.family for question in questions if question.answer_type == "choice"}
    assert "left_right" in families
    assert not families & {"wider", "taller", "bigger", "above_below", "tallest", "highest"}


def test_only_unmistakable_names_are_used(tmp_path):
    boxes, cameras = furnished(1)
    names = {"Sofa": "ArmChair", "Fridge": "Sofa", "Bed": "Television"}
    boxes = [
        Box(names.get(b.category, b.category), b.centre_m, b.size_m, kind=b.kind) for b in boxes
    ]
    views = write_shard(tmp_path / "t.zarr", {"a": (boxes, cameras[1:2])})
    questions = generate_for_shard(views, tmp_path)
    named = {
        ref.phrase
        for question in questions
        if question.form == "named"
        for ref in question.referents
    }
    assert named
    # An armchair could be taken for a sofa; of two televisions each has its own name.
    assert not named & {"the sofa", "the armchair", "the television"}
    assert not {phrase for phrase in named if "sofa" in phrase}
    marked = {
        ref.category
        for question in questions
        if question.form == "marked"
        for ref in question.referents
    }
    assert marked


def test_sizes_of_cut_off_things_are_not_asked(tmp_path):
    boxes, cameras = living_room_scene(160, 160)
    near = Box("Bed", (0.3, 0.9, 0.4), (1.0, 1.0, 0.8))
    views = write_shard(tmp_path / "t.zarr", {"a": ([*boxes, near], cameras)})
    sized = {"wider", "taller", "bigger", "width", "height", "minimum_distance"}
    for one in generate_for_shard(views, tmp_path, questions_per_view=500):
        if one.family in sized:
            assert "Bed" not in {referent.category for referent in one.referents}


def test_a_view_from_above_asks_nothing_about_heights_or_depth(tmp_path):
    views = write_shard(tmp_path / "t.zarr", {"a": living_room_scene(160, 160)})
    families = {one.family for one in generate_for_shard(views, tmp_path) if one.view == 1}
    assert "left_right" in families
    assert not families & {"above_below", "front_behind", "taller", "bigger", "height"}


def test_the_same_input_gives_the_same_bytes_and_another_seed_other_questions(
    views, generated, tmp_path
):
    folder, _ = generated
    again = generate_for_shard(views, tmp_path / "again")
    for path in sorted(folder.rglob("*.*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes()
    other = generate_for_shard(views, tmp_path / "other", seed=8)
    assert [one.question for one in other] != [one.question for one in again]


def test_one_form_only(views, tmp_path):
    questions = generate_for_shard(views, tmp_path, forms=("named",))
    assert {question.form for question in questions} == {"named"}
    assert not list((tmp_path / "procthor/0000.images").glob("*-marked.jpg"))


def test_a_shard_without_views_of_things_gives_empty_files_and_a_gallery(tmp_path):
    views = write_shard(tmp_path / "t.zarr", {"a": (room(), furnished(0)[1])})
    assert generate_for_shard(views, tmp_path) == []
    assert (tmp_path / "procthor/0000.png").stat().st_size > 0


def merged(folder, split, *shards):
    merge.main(shards=list(shards), out=folder, settings=MergeSettings(), seed=7)
    entries = json.loads((folder / f"{split}.json").read_text())
    return entries, list(read_questions(folder / f"{split}.parquet"))


def test_merged_splits_are_llava_json_and_the_same_questions_as_a_table(generated):
    folder, questions = generated
    path = folder / "procthor/0000.jsonl"
    by_id = {question.question_id: question for question in questions}
    for split in ("train", "val", "test"):
        entries, rows = merged(folder, split, path)
        assert [entry["id"] for entry in entries] == [one.question_id for one in rows]
        assert {one.split for one in rows} <= {split}
        for entry, row in zip(entries, rows, strict=True):
            assert row == by_id[row.question_id]
            assert set(entry) == {"id", "image", "conversations"}
            human, gpt = entry["conversations"]
            assert human == {"from": "human", "value": f"<image>\n{row.question}"}
            assert gpt == {"from": "gpt", "value": row.answer}
            assert (folder / entry["image"]).is_file()
        truths = Counter((o.family, o.form, o.truth) for o in rows if merge.is_yes_no(o))
        for family, form, _ in truths:
            assert truths[family, form, "yes"] == truths[family, form, "no"]
    assert entries


def test_a_scene_in_two_splits_is_refused(generated, tmp_path):
    _, questions = generated
    strayed = questions[0].model_copy(update={"split": "test", "question_id": "other"})
    write_records(tmp_path / "x.jsonl", [questions[0], strayed])
    with pytest.raises(UserError, match=r"scene 'a' .* is in split 'test' and in 'train'"):
        merged(tmp_path, "train", tmp_path / "x.jsonl")
    assert not (tmp_path / "train.json").exists()


def test_a_question_that_stands_twice_is_refused(generated, tmp_path):
    write_records(tmp_path / "x.jsonl", [generated[1][0], generated[1][0]])
    with pytest.raises(UserError, match="twice"):
        merged(tmp_path, "train", tmp_path / "x.jsonl")


def command(module, *flags):
    return subprocess.run(
        [sys.executable, "-m", f"workflow_scripts.vqa.{module}", *map(str, flags)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("damage", ["missing", "no instance data", "no table"])
def test_a_damaged_shard_gives_one_clear_line_and_no_half_file(views, tmp_path, damage):
    copy = tmp_path / "0000.zarr"
    if damage != "missing":
        shutil.copytree(views, copy)
        for table in views.parent.glob("*.parquet"):
            shutil.copy(table, tmp_path)
        shutil.copytree(views.parent / ".checksums", tmp_path / ".checksums")
    if damage == "no instance data":
        shutil.rmtree(copy / "instance/c")
    if damage == "no table":
        (tmp_path / "0000.objects.parquet").unlink()
    out = tmp_path / "out/procthor"
    flags = ["--views", copy, "--out", out / "0.jsonl", "--images", out / "0.images"]
    ended = command(
        "generate_questions", *flags, "--dropped", out / "0.d.jsonl", "--picture", out / "0.png",
        "--seed", 7,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert re.search(r"^error: .*0000", ended.stderr, re.MULTILINE)
    assert not out.exists() or not list(out.iterdir())


def test_a_cut_line_is_named(generated, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(generated[1][0].model_dump_json()[:-20] + "\n")
    ended = command(
        "merge", "--shards", path, "--out", tmp_path / "merged", "--seed", 7,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "x.jsonl, line 1" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_view_that_cannot_be_asked_about_costs_only_itself(views, tmp_path, monkeypatch):
    whole, broken = (
        generate_questions.generate_view_questions,
        ViewShard.open(views).views.view_id[1],
    )

    def generate(shard, row, view_context, generator, **settings):
        if row.view_id == broken:
            raise IndexError("index 7 is out of bounds")
        return whole(shard, row, view_context, generator, **settings)

    monkeypatch.setattr(generate_questions, "generate_view_questions", generate)
    questions, dropped = generation.generate_for_shard(views, tmp_path / "procthor")
    assert questions
    assert 1 not in {question.view for question in questions}
    reason = "view left out: IndexError: index 7 is out of bounds"
    assert [row.count for row in dropped if row.reason == reason] == [1]


def test_only_chosen_frames_are_asked_about(views, tmp_path):
    frames = tmp_path / "0000.frames.parquet"
    write_table(frames, pd.DataFrame({"view": [0, 4]}))
    questions, _ = generation.generate_for_shard(views, tmp_path / "scans", frames=frames)
    assert {question.view for question in questions} == {0, 4}
