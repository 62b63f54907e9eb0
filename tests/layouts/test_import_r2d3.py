"""R2D3's own list: what it leaves out is restored, what is broken is a row, nothing leaks."""

import copy
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.layouts.r2d3_files import (
    CHAIR,
    PROGRAM,
    TABLE,
    convert,
    entry,
    original_house,
    save_pictures,
    vec,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.geometry.cameras import project
from workflow_scripts.layouts.import_r2d3 import DEFAULT, find_picture
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.r2d3_list import iterate_json_list
from workflow_scripts.layouts.room_layout import record_camera, room_layout
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.sources.readers.procthor_assets import assets

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("r2d3")
    for number in range(3):
        save_pictures(folder / "images", number)
    return folder, *convert(folder, [entry(n, house=n // 2) for n in range(3)])


def test_every_picture_has_a_record_and_relative_paths(converted):
    folder, records, skipped = converted
    assert not skipped
    assert [record.view_id for record in records] == [
        f"example_{number}-{corner}" for number in range(3) for corner in "02"
    ]
    with (folder / "out/pictures.csv").open() as file:
        rows = list(csv.DictReader(file))
    for record, row in zip(records, rows, strict=True):
        assert (row["view_id"], row["split"]) == (record.view_id, record.split)
        assert not Path(record.image).is_absolute()
        assert (folder / "images" / record.image).is_file()
        assert (folder / "images" / row["mask_image"]).is_file()
        assert row["image"] == record.image


def test_the_camera_is_where_it_was(converted):
    record = converted[1][1]
    camera = record_camera(record)
    assert camera.position_m == pytest.approx([3.0, 0.5, 1.576])
    assert (record.camera_height_m, record.pitch_deg) == pytest.approx((1.576, -30))
    # Corner 2 has Unity's yaw 47: between +z (our +y) and +x.
    forward = camera.world_from_camera[:3, 2]
    level = np.cos(np.deg2rad(30))
    expected = [level * np.sin(np.deg2rad(47)), level * np.cos(np.deg2rad(47)), -0.5]
    assert forward == pytest.approx(expected)
    assert record.intrinsics == pytest.approx((40, 40, 40, 40))
    # A point straight ahead on the floor is in the middle of the picture.
    distance = 1.576 / 0.5
    pixel, _ = project(
        camera.position_m + distance * forward, camera.intrinsics, camera.world_from_camera
    )
    assert pixel == pytest.approx([40, 40])


def test_children_have_keys_of_their_own_and_sizes_come_from_assets(converted):
    record = converted[1][0]
    ids = [item.object_id for item in record.objects]
    assert len(set(ids)) == len(ids) == 5
    parents = {item.object_id: item.parent_id for item in record.objects}
    mugs = [item for item in record.objects if item.category == "Mug"]
    assert [parents[mug.object_id] for mug in mugs] == ["obj_0", "obj_0", "obj_1"]
    for item in record.objects:
        assert item.size_m == assets()[item.asset_id].size_m
    table = record.objects[0]
    assert table.centre_m == pytest.approx((4.0, 2.0, 0.4))
    assert table.yaw_deg == pytest.approx(-90)
    # The program is written again with the same centimetres.
    layout = room_layout(record, "world", open_walls=True)
    again = read_program(write_program(layout))
    original = read_program(PROGRAM)
    for one, other in zip(again.boxes, original.boxes, strict=True):
        assert one.centre_m == pytest.approx(other.centre_m)
        assert one.rotation == pytest.approx(other.rotation, abs=1e-9)
    assert again.openings[0].centre_m == pytest.approx(original.openings[0].centre_m)
    assert [wall.material for wall in again.walls] == ["A", "B", "C", "D"]


def test_the_mask_picture_says_what_is_visible(converted):
    record = converted[1][0]
    seen = {item.object_id: item for item in record.objects if item.pixels}
    by_place = {item.centre_m: item for item in record.objects}
    drawn_mug = by_place[(3.0, 1.0, 0.95)]
    assert set(seen) == {"obj_0", "obj_1", drawn_mug.object_id}
    table = seen["obj_0"]
    assert table.box_px == (10, 20, 60, 50)
    assert table.pixels == 30 * 50 - 16
    assert table.is_visible
    assert not table.truncated
    column, row = (int(value) for value in table.mark_px)
    assert 20 <= row < 50
    assert 10 <= column < 60
    assert not (30 <= row < 34 and 30 <= column < 34)
    assert seen["obj_1"].truncated
    assert (drawn_mug.pixels, drawn_mug.is_visible) == (16, False)


def test_the_room_is_that_of_the_original_house(converted):
    for record in converted[1]:
        assert (record.room_id, record.room_type) == ("room|2", "Kitchen")
        assert record.ceiling_height_m == 8
        assert [wall.material for wall in record.walls] == ["A", "B", "C", "D"]
        assert record.openings[0].wall == 1


def test_rooms_of_a_house_share_its_split_and_equal_houses_theirs(converted, tmp_path):
    by_scene = {}
    for record in converted[1]:
        by_scene.setdefault(record.scene_id, set()).add(record.split)
    assert len(by_scene) == 2
    assert all(len(splits) == 1 for splits in by_scene.values())
    expected = assign_split(content_hash(original_house(0)), DEFAULT.splits.model_dump())
    assert converted[1][0].split == expected
    many = [entry(number, house=number % 20, corners=("0",)) for number in range(40)]
    for number in range(40):
        save_pictures(tmp_path / "images", number, ("0",), masks=False)
    records, _ = convert(tmp_path, many)
    splits = {record.scene_id: record.split for record in records}
    assert all(splits[record.scene_id] == record.split for record in records)
    assert len(splits) == 20
    assert len(set(splits.values())) > 1


def test_without_mask_pictures_names_say_what_is_visible(tmp_path):
    save_pictures(tmp_path / "images", 0, masks=False)
    records, skipped = convert(tmp_path, [entry(0)])
    assert not skipped
    visible = [item.asset_id for item in records[0].objects if item.is_visible]
    assert visible == [TABLE]
    assert records[0].objects[0].box_px is None


def test_a_program_of_phrases_has_its_assets_from_the_list(tmp_path):
    program = PROGRAM.replace(
        f"obj_1: ['{CHAIR}', [300, 45, 100], [0, 359, 0]]",
        "obj_1: a red chair at location [300, 45, 100] with rotation [0, 359, 0]",
    )
    save_pictures(tmp_path / "images", 0)
    records, _ = convert(tmp_path, [entry(0, program=program)])
    chair = next(item for item in records[0].objects if item.category == "Chair")
    assert (chair.asset_id, chair.phrase) == (CHAIR, "a red chair")


def broken(kind: str) -> list:
    item = entry(1)
    if kind == "eight values":
        return item[:8]
    if kind == "object":
        return {"program": PROGRAM}
    if kind == "program number":
        item[0] = 7
    elif kind == "cut program":
        item[0] = PROGRAM[:-60]
    elif kind == "no polygon":
        item[0] = PROGRAM.partition("\n")[2].partition("window")[0]
    elif kind == "code":
        item[0] = "obj_0: __import__('os').system('true')"
    elif kind == "crossing":
        item[0] = PROGRAM.replace("[200, 0, 400], [600, 0, 400]", "[600, 0, 400], [200, 0, 400]")
    elif kind == "no picture":
        item[4] = ["/cluster/images/train/example_99/0.png"] * 2
    elif kind == "climbing path":
        item[4] = ["/x/../../images/train/example_0/0.png"] * 2
    elif kind == "no camera":
        item[3] = {}
    elif kind == "camera without yaw":
        item[3] = {name: [vec(1, 0.9, 1), None] for name in "02"}
    elif kind == "NaN position":
        item[3] = {name: [vec(float("nan"), 0.9, 1), vec(0, 0, 0)] for name in "02"}
    elif kind == "no walls":
        item[1] = {"walls": [], "objects": []}
    elif kind == "same again":
        return entry(0)
    return item


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("eight values", "a list of 8, not a list of 9"),
        ("object", "is dict, not a list of 9"),
        ("program number", "program text is int, not str"),
        ("cut program", "its program is broken: line 1"),
        ("no polygon", "no polygon"),
        ("code", "its program is broken"),
        ("crossing", "not a simple polygon"),
        ("no picture", "no such picture"),
        ("climbing path", "no such picture"),
        ("no camera", "'; there are none"),
        ("camera without yaw", "no yaw"),
        ("NaN position", "must be a finite number"),
        ("no walls", "no wall with a height"),
        ("same again", "occurs twice"),
    ],
)
def test_a_broken_room_is_a_row_and_alone_an_error(tmp_path, kind, reason):
    for number in (0, 1):
        save_pictures(tmp_path / "images", number)
    bad = broken(kind)
    records, skipped = convert(tmp_path, [entry(0), bad])
    assert [record.view_id for record in records] == ["example_0-0", "example_0-2"]
    assert skipped
    assert all(item.scene_id == "room 1" and reason in item.reason for item in skipped)
    if kind != "same again":
        before = sorted((tmp_path / "out").iterdir())
        content = (tmp_path / "out/rooms.parquet").read_bytes()
        with pytest.raises(UserError, match="no room can be used"):
            convert(tmp_path, [bad])
        assert sorted((tmp_path / "out").iterdir()) == before
        assert (tmp_path / "out/rooms.parquet").read_bytes() == content


def test_an_unknown_asset_is_a_row_and_the_room_stays(tmp_path):
    save_pictures(tmp_path / "images", 0)
    item = entry(0, program=PROGRAM.replace(CHAIR, "Throne_7"))
    item[8] = {}
    records, skipped = convert(tmp_path, [item])
    assert [one.item for one in skipped] == ["obj_1"]
    assert "Throne_7" in skipped[0].reason
    orphan = next(one for one in records[0].objects if one.centre_m[0] == 3.0)
    assert (orphan.category, orphan.parent_id) == ("Mug", "")


@pytest.mark.parametrize("change", ["closed", "doubled", "reversed"])
def test_the_polygon_may_be_closed_doubled_or_reversed(tmp_path, change):
    corners = ["[200, 0, 0]", "[200, 0, 400]", "[600, 0, 400]", "[600, 0, 0]"]
    materials = ["'A'", "'B'", "'C'", "'D'"]
    wall = 1
    if change == "closed":
        corners, materials = [*corners, corners[0]], [*materials, "'X'"]
    elif change == "doubled":
        corners = [corner for corner in corners for _ in range(2)]
        materials = [name for material in materials for name in ("'X'", material)]
        wall = 3
    else:
        corners, materials = corners[::-1], ["'C'", "'B'", "'A'", "'D'"]
    program = PROGRAM.replace(PROGRAM.splitlines()[0], f"polygon: [{', '.join(corners)}]")
    program = program.replace("['A', 'B', 'C', 'D']", f"[{', '.join(materials)}]")
    program = program.replace(", 1]\n", f", {wall}]\n")
    save_pictures(tmp_path / "images", 0)
    (record, _), skipped = convert(tmp_path, [entry(0, program=program)])
    assert not skipped
    walls = {(wall.start_m, wall.end_m): wall.material for wall in record.walls}
    assert walls == {
        ((2.0, 0.0), (2.0, 4.0)): "A",
        ((2.0, 4.0), (6.0, 4.0)): "B",
        ((6.0, 4.0), (6.0, 0.0)): "C",
        ((6.0, 0.0), (2.0, 0.0)): "D",
    }
    window = record.openings[0]
    assert record.walls[window.wall].material == "B"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[[1, 2", '[["polygon', "not json", "[1 2"],
)
def test_a_file_that_is_no_list_is_one_line(tmp_path, text):
    with pytest.raises(UserError, match=r"final\.json: "):
        convert(tmp_path, text)


def test_an_empty_list_is_an_error(tmp_path):
    with pytest.raises(UserError, match="the list is empty"):
        convert(tmp_path, [])


def test_a_list_is_read_a_chunk_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("workflow_scripts.layouts.r2d3_list._CHUNK", 7)
    values = [[1, "two ] , [", {"three": [3, 33]}], [], "four, ]", 55555555555, None, [entry(0)]]
    for indent in (None, 1):
        (tmp_path / "list.json").write_text(json.dumps(values, indent=indent))
        assert list(iterate_json_list(tmp_path / "list.json")) == values
    (tmp_path / "list.json").write_text(json.dumps(values)[:-1])
    with pytest.raises(UserError, match=r"list\.json: not valid JSON in room 5"):
        list(iterate_json_list(tmp_path / "list.json"))


def test_pictures_are_found_by_the_longest_end_of_their_path(tmp_path):
    for name in ("images/train/example_1/0.png", "example_1/0.png", "0.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    stored = "/data/someone/images/train/example_1/0.png"
    assert find_picture(tmp_path, stored) == "images/train/example_1/0.png"
    assert find_picture(tmp_path, "C:\\data\\example_1\\0.png") == "example_1/0.png"
    assert find_picture(tmp_path, "/elsewhere/example_2/0.png") is None
    assert find_picture(tmp_path, "0.png") == "0.png"
    for name in ("", "../0.png", "a/../../0.png", "x" * 5000, "a\0b/0.png"):
        assert find_picture(tmp_path, name) is None


def test_the_command_as_a_user_runs_it(tmp_path):
    save_pictures(tmp_path / "images", 0)
    (tmp_path / "final.json").write_text(json.dumps([entry(0)]))
    command = [sys.executable, "-m", "workflow_scripts.layouts.import_r2d3"]
    command += ["--images", "images", "--out", "out", "--pitch-deg", "0", "--data"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [*command, "final.json"], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    assert [record.pitch_deg for record in read_rooms(tmp_path / "out/rooms.parquet")] == [0, 0]
    result = subprocess.run(
        [*command, "none.json"], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert (result.returncode, result.stderr) == (1, "error: none.json: no such file\n")


def test_the_list_is_not_changed(tmp_path):
    content = [entry(0)]
    before = copy.deepcopy(content)
    save_pictures(tmp_path / "images", 0)
    convert(tmp_path, content)
    assert content == before
