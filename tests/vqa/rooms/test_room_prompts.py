"""Tables of prompts and answers about rooms, and their pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.layouts.records import random_record
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.questions import Question, read_questions
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_json, read_records
from workflow_scripts.common.view_shard import write_views
from workflow_scripts.config.reconstruction import (
    LayoutTextSettings,
    PictureParts,
    RoomPromptSettings,
)
from workflow_scripts.experiments.reconstruction import ReconstructionSettings
from workflow_scripts.layouts.answer_format import read_answer, target_layout
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import write_rooms
from workflow_scripts.vqa.rooms import merge_prompts, write_prompts
from workflow_scripts.vqa.rooms.room_pictures import (
    FAR_M,
    choose_marks,
    darken_by_depth,
    draw_room,
    far_share,
)

SPLITS = ("train", "val", "test")
HEIGHT, WIDTH = 240, 320


def records() -> list[RoomRecord]:
    """Return four views of a house in every split, one of them from the top."""
    made = []
    for number in range(12):
        record = random_record(number)
        made.append(
            record.model_copy(
                update={
                    "view": number,
                    "split": SPLITS[number % 3],
                    "scene_id": f"house-{number:06d}",
                    "policy": "top_down" if number >= 9 else "corner",
                    "image": f"procthor/0000.room_images/{record.view_id}.jpg",
                }
            )
        )
    return made


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of results with records and views of random colours and depths."""
    root = tmp_path_factory.mktemp("results")
    made = records()
    rng = np.random.default_rng(0)
    (root / "views/procthor").mkdir(parents=True)
    (root / "vqa/procthor").mkdir(parents=True)
    write_views(
        root / "views/procthor/0000.zarr",
        {
            "rgb": rng.integers(90, 170, (len(made), HEIGHT, WIDTH, 3), dtype=np.uint8),
            "depth_m": rng.uniform(0.5, 8, (len(made), HEIGHT, WIDTH)).astype(np.float32),
            "instance": np.zeros((len(made), HEIGHT, WIDTH), dtype=np.uint16),
            "intrinsics": np.tile(np.eye(3), (len(made), 1, 1)),
            "world_from_camera": np.tile(np.eye(4), (len(made), 1, 1)),
        },
        attributes={"source": "procthor"},
    )
    write_rooms(root / "vqa/procthor/0000.rooms.parquet", made)
    return root


def prompts(shard: Path, experiment: str, **settings: object) -> Path:
    """Write and merge the prompts of an experiment; return its folder."""
    chosen = ReconstructionSettings.parse(settings)
    values = {
        key: getattr(chosen, key) for key in RoomPromptSettings.model_fields if key != "split"
    }
    prompt_settings = RoomPromptSettings(**values, split="test")
    out = shard / "vqa/rooms" / experiment
    (out / "procthor").mkdir(parents=True)
    write_prompts.main(
        rooms=shard / "vqa/procthor/0000.rooms.parquet",
        views=shard / "views/procthor/0000.zarr",
        training=out / "procthor/0000.training.jsonl",
        scored=out / "procthor/0000.scored.jsonl",
        pictures=out / "procthor/0000.pictures",
        dropped=out / "procthor/0000.dropped.jsonl",
        settings=prompt_settings,
        seed=7,
    )
    merge_prompts.main(
        training=[out / "procthor/0000.training.jsonl"],
        scored=[out / "procthor/0000.scored.jsonl"],
        dropped=[out / "procthor/0000.dropped.jsonl"],
        out=out,
        settings=prompt_settings,
    )
    return out


def rows(folder: Path, name: str) -> list[Question]:
    return list(read_questions(folder / f"{name}.parquet"))


def test_our_layout_on_plain_pictures(shard: Path) -> None:
    folder = prompts(shard, "ours")
    assert {name: len(rows(folder, name)) for name in ("train", "val", "scored")} == {
        "train": 3,
        "val": 3,
        "scored": 3,
    }
    by_id = {record.view_id: record for record in records()}
    for name in ("train", "val", "scored"):
        for row in rows(folder, name):
            record = by_id[row.view_id]
            assert row.split == record.split == {"scored": "test"}.get(name, name)
            assert row.image == record.image
            settings = LayoutTextSettings()
            target = target_layout(record, settings)
            read = read_answer(row.answer, settings, record)
            assert [box.label for box in read.boxes] == [box.label for box in target.boxes]
            assert "focal" in row.question
            assert row.answer_type == "layout"
    assert list((folder / "procthor/0000.pictures").iterdir()) == []
    (left_out,) = read_records(folder / "procthor/0000.dropped.jsonl", DroppedQuestions)
    assert (left_out.reason, left_out.count) == ("view of policy top_down", 3)
    # The tables are read by training and answering like any others.
    assert QuestionTable(folder / "train.parquet", columns=("image", "answer"))[0]["answer"]


def test_a_visual_point_is_shown_in_training_alone(shard: Path) -> None:
    folder = prompts(shard, "point", mode="visual_point")
    by_id = {record.view_id: record for record in records()}
    for row in rows(folder, "train"):
        record = by_id[row.view_id]
        (marked,) = row.referents
        item = next(one for one in record.objects if one.object_id == marked.object_id)
        assert item.pixels
        assert marked.pixel == item.mark_px
        # The published point is the object's centre, in the program's whole centimetres.
        x, y, z = (round(100 * value) for value in item.centre_m)
        assert row.question.endswith(f"The red mark is at [{x}, {z}, {y}].")
        with Image.open(shard / "vqa" / row.image) as picture:
            u, v = marked.pixel
            assert picture.getpixel((int(u), int(v))) == pytest.approx(MARK_COLOURS["red"], abs=12)
    stored = RoomPromptSettings.parse(read_json(folder / "settings.json"))
    assert stored.train_input.picture.marks == 1
    assert stored.test_input.picture.marks == 0
    for row in rows(folder, "scored"):
        assert "mark" not in row.question
        assert row.image == by_id[row.view_id].image
        assert row.referents == []


def test_depth_is_shown_in_training_and_when_scored(shard: Path) -> None:
    folder = prompts(shard, "depth", mode="depth")
    for name in ("train", "scored"):
        for row in rows(folder, name):
            assert row.image.startswith("rooms/depth/procthor/0000.pictures/")
            with Image.open(shard / "vqa" / row.image) as picture:
                assert np.asarray(picture).mean() < 110
            assert "Camera: at [" in row.question


def test_equal_runs_write_equal_bytes(shard: Path) -> None:
    first = prompts(shard, "again-a", mode="visual_point")
    second = prompts(shard, "again-b", mode="visual_point")
    for name in ("procthor/0000.training.jsonl", "procthor/0000.scored.jsonl"):
        text = (first / name).read_text().replace("again-a", "again-b")
        assert text == (second / name).read_text()
    names = sorted(path.name for path in (first / "procthor/0000.pictures").iterdir())
    assert names
    for name in names:
        pictures = (one / "procthor/0000.pictures" / name for one in (first, second))
        assert len({path.read_bytes() for path in pictures}) == 1


def test_nothing_to_score_is_an_error_with_its_reasons(shard: Path) -> None:
    with pytest.raises(UserError, match=r"no view can be scored: .*view of policy corner"):
        prompts(shard, "none", view_policies=["random"])


def from_pictures(folder: Path, name: str, **settings: object) -> list[Question]:
    """Write prompts of records whose pictures lie in a folder, without views; return the rows."""
    chosen = ReconstructionSettings.parse(settings)
    names = set(RoomPromptSettings.model_fields) - {"split"}
    write_prompts.main(
        rooms=folder / "rooms.parquet",
        images=folder / "images",
        training=folder / f"{name}.jsonl",
        scored=folder / f"{name}.scored.jsonl",
        pictures=folder / "images" / name,
        dropped=folder / f"{name}.dropped.jsonl",
        settings=RoomPromptSettings(**{name: getattr(chosen, name) for name in names}),
        seed=7,
    )
    return read_records(folder / f"{name}.jsonl", Question)


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """Return a folder with records, of which no surface is known, and their pictures."""
    (tmp_path / "images").mkdir()
    made = []
    for number, record in enumerate(records()[:6]):
        name = f"{number}.png"
        Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90)).save(tmp_path / "images" / name)
        objects = tuple(item.model_copy(update={"mark_m": None}) for item in record.objects)
        made.append(record.model_copy(update={"image": name, "objects": objects}))
    write_rooms(tmp_path / "rooms.parquet", made)
    return tmp_path


def test_rooms_of_others_need_no_views(imported: Path) -> None:
    plain = from_pictures(imported, "plain", mode="ft")
    assert [row.image for row in plain] == ["0.png", "1.png", "3.png", "4.png"]
    marked = from_pictures(imported, "marked", mode="visual_point")
    assert all(row.image.startswith("marked/") for row in marked)
    for row in marked:
        (mark,) = row.referents
        assert mark.pixel is not None
        with Image.open(imported / "images" / row.image) as picture:
            u, v = mark.pixel
            assert picture.getpixel((int(u), int(v))) == pytest.approx(MARK_COLOURS["red"], abs=12)


def test_a_lost_picture_costs_its_row(imported: Path) -> None:
    (imported / "images/0.png").unlink()
    rows_left = from_pictures(imported, "marked", mode="visual_point")
    assert len(rows_left) == 3
    (left_out,) = read_records(imported / "marked.dropped.jsonl", DroppedQuestions)
    assert "0.png: picture cannot be read" in left_out.reason


def test_depth_and_pictures_elsewhere_are_refused_without_views(imported: Path) -> None:
    with pytest.raises(UserError, match="--views is missing: depth"):
        from_pictures(imported, "depth", mode="depth")
    with pytest.raises(UserError, match=r"--pictures .* must lie below"):
        from_pictures(imported, "../elsewhere", mode="ft")


def test_the_published_share_of_darkness() -> None:
    # Of the published values, at relative inverse depths 1, 2, 3, 5, 10, 50 and 500.
    published = [1.0, 0.5, 0.33, 0.2, 0.1, 0.02, 0.0]
    depths = FAR_M / np.array([1, 2, 3, 5, 10, 50, 500])
    np.testing.assert_allclose(far_share(depths), published, atol=0.006)
    assert far_share(np.array([np.nan, 0.0, 99.0])).tolist() == [1.0, 1.0, 1.0]
    assert far_share(np.array([0.001]))[0] == pytest.approx(0.0)


@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 40, 200), (90, 160, 60)])
def test_depth_darkens_and_keeps_the_colour(colour: tuple[int, int, int]) -> None:
    rgb = np.full((4, 4, 3), colour, dtype=np.uint8)
    near = darken_by_depth(rgb, np.full((4, 4), 0.02))
    np.testing.assert_allclose(near.astype(int), rgb.astype(int), atol=4)
    dark = darken_by_depth(rgb, np.full((4, 4), 3.0))
    before, after = (
        np.asarray(Image.fromarray(one).convert("YCbCr"), dtype=float)[0, 0] for one in (rgb, dark)
    )
    assert after[0] == pytest.approx(before[0] * (1 - 0.85 * 0.3), abs=2)
    np.testing.assert_allclose(after[1:], before[1:], atol=3)
    assert np.argmax(dark[0, 0]) == np.argmax(colour)


def test_marks_are_on_different_visible_objects() -> None:
    record = random_record(4)
    parts = PictureParts(marks=4)
    layout = LayoutTextSettings()
    marks = choose_marks(record, parts, layout, np.random.default_rng(1))
    assert [mark.colour for mark in marks] == list(MARK_COLOURS)
    assert len({mark.item.object_id for mark in marks}) == 4
    assert all(mark.item.is_visible for mark in marks)
    for mark in marks:
        assert tuple(mark.point_m) == mark.item.mark_m
    hidden = choose_marks(
        record, parts, LayoutTextSettings(min_pixels=101), np.random.default_rng(1)
    )
    assert hidden == []
    rgb = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert draw_room(rgb, None, []) is rgb
