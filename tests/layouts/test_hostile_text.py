"""Text that no format wrote: cut off, repeated, hostile; what is whole is kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.layouts.rooms import in_camera, random_layout
from workflow_scripts.layouts.camera_boxes import read_camera_boxes, write_camera_boxes
from workflow_scripts.layouts.entries import box_identity
from workflow_scripts.layouts.layout import LayoutWall, RoomLayout, floor_within
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
from workflow_scripts.layouts.omni3d import Omni3DImage, read_dataset, write_dataset
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.spatiallm import read_script, write_script

GOOD = {
    "list": "bed at 1 2 0.4 size 2 1 0.8 yaw 90;",
    "program": "obj_0: ['Bed_4', [120, 40, 80], [0, 90, 0]]",
    "script": "bbox_0=Bbox(bed,1,2,0.4,0,2,1,0.8)",
    "boxes": '[{"bbox_3d": [0, 0, 2, 1, 1, 1, 0, 0, 0], "label": "bed"}',
}
READERS: dict[str, Callable[[str], RoomLayout]] = {
    "list": read_object_list,
    "program": read_program,
    "script": read_script,
    "boxes": read_camera_boxes,
}
HOSTILE = [
    "",
    "no layout at all",
    "obj_1: ['Bed_4', [120, 40, 80], [0, 90",
    "bed at 1 2",
    "bed at 1 2 nan",
    "bed at 1 2 ٣",  # digits of another script
    "bed at 1 2 1e999 size 1 1 1",
    "bed at 1 2 3 size 1 0 1",
    "at 1 2 3",
    "bed at 1 2 3 yaw 9" + "0" * 50,
    f"{'bed ' * 100} at 1 2 3",
    "at " * 50_000,
    "obj_1: ['Bed_4', [nan, 40, 80], [0, 90, 0]]",
    "obj_1: ['Bed_4', [1e999, 40, 80], [0, 90, 0]]",
    f"obj_1: ['Bed_4', [{'9' * 400}, 40, 80], [0, 90, 0]]",
    "obj_1: ['Bed_4', [١٢, 40, 80], [0, 90, 0]]",  # digits of another script
    "obj_1: " + "[" * 100_000,
    "obj_1: __import__('os').system('true')",
    "obj_1: !!python/object/apply:os.system ['true']",
    "polygon: [[0, 0, 0]]",
    "polygon: 7",
    "window_0: ['W', [1, 2, 3], [[0, 0, 0], [1, 1, 0]], 99]",
    "bbox_1=Bbox(bed,1,2,0.4,0,2,1,-0.8)",
    "bbox_1=Bbox(bed,1,2,0.4,0,2,1)",
    "bbox_1=Bbox(,1,2,0.4,0,2,1,1)",
    "bbox_1=Bbox(bed,1,2,inf,0,2,1,1)",
    "door_0=Door(wall_9,1,2,3,1,2)",
    "bbox_1=Bbox(" + "(" * 100_000,
    ',{"bbox_3d": [0, 0, NaN, 1, 1, 1, 0, 0, 0], "label": "bed"}',
    ',{"bbox_3d": [0, 0, 2, 1, 0, 1, 0, 0, 0], "label": "bed"}',
    ',{"bbox_3d": [0, 0, 2], "label": "bed"}',
    ',{"bbox_3d": [0, 0, true, 1, 1, 1, 0, 0, 0], "label": "bed"}',
    ',{"bbox_3d": [0, 0, 2, 1, 1, 1, 0, 0, 0], "label": 7}',
    ',{"label": "bed"}',
    ",{" * 50_000,
    ',{"bbox_3d": ' + "[" * 100_000,
    ',{"bbox_3d": [0, 0, ' + "9" * 5000 + ', 1, 1, 1, 0, 0, 0], "label": "bed"}',
    '"\\',
]


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_whole_is_kept_and_the_rest_is_a_problem(name: str, hostile: str) -> None:
    read = READERS[name]
    layout = read(f"{GOOD[name]}\n{hostile}\n")
    assert len(layout.boxes) == 1
    assert len(read(hostile).boxes) == 0
    if hostile.strip():
        assert len(layout.problems) <= 1 + hostile.count("{")


@pytest.mark.parametrize("name", READERS)
def test_a_loop_at_the_end_is_one_object(name: str) -> None:
    repeated = "\n".join(
        GOOD[name].replace("obj_0", f"obj_{n}").replace("bbox_0", f"bbox_{n}").lstrip("[")
        + ("," if name == "boxes" else "")
        for n in range(500)
    )
    layout = READERS[name](repeated + "\n" + GOOD[name][:20])
    assert len(layout.boxes) == 1
    assert len(layout.problems) == 500


@pytest.mark.parametrize("name", READERS)
def test_every_cut_keeps_what_is_whole(name: str) -> None:
    world = random_layout(5)
    camera = in_camera(world, 5)[0]
    text = {
        "list": write_object_list(world, ObjectListStyle()),
        "program": write_program(world),
        "script": write_script(world),
        "boxes": write_camera_boxes(camera),
    }[name]
    complete = READERS[name](text)
    counts = [len(READERS[name](text[:length]).boxes) for length in range(0, len(text), 7)]
    assert counts == sorted(counts)
    assert counts[-1] in (len(complete.boxes), len(complete.boxes) - 1)


@pytest.mark.parametrize("name", READERS)
def test_a_cut_at_any_character_invents_nothing(name: str) -> None:
    world = random_layout(6, count=3)
    text = {
        "list": write_object_list(world, ObjectListStyle()),
        "program": write_program(world, phrases=True),
        "script": write_script(world),
        "boxes": write_camera_boxes(in_camera(world, 6)[0]),
    }[name]
    complete = [box_identity(box) for box in READERS[name](text).boxes]
    for length in range(len(text)):
        kept = [box_identity(box) for box in READERS[name](text[:length]).boxes]
        assert kept == complete[: len(kept)], text[:length]


@pytest.mark.parametrize("name", READERS)
def test_a_text_that_is_too_long_says_so(name: str) -> None:
    layout = READERS[name](GOOD[name] + "\n" * 1_000_001)
    assert len(layout.boxes) == 1
    assert "only 1000000 of" in layout.problems[-1].reason


@pytest.mark.parametrize("name", READERS)
def test_every_code_fence_is_read_and_prose_around_them_is_not(name: str) -> None:
    second = GOOD[name].replace("bed", "sofa").replace("Bed_4", "Sofa_1").replace("_0", "_1")
    text = f"Here:\n```text\n{GOOD[name]}\n```\nand\n```\n{second}\n```\nDone: (1, 2)."
    layout = READERS[name](text)
    assert len(layout.boxes) == 2
    assert layout.problems == ()
    assert len(READERS[name](f"```{GOOD[name]}```").boxes) == 1
    assert len(READERS[name](f"```\n```\n{GOOD[name]}").boxes) == 1


@pytest.mark.parametrize("comment", ["# a bed", "// (a bed)"])
@pytest.mark.parametrize("name", READERS)
def test_comments_are_not_read(name: str, comment: str) -> None:
    layout = READERS[name](f"{comment}\n{GOOD[name]}  {comment}\n{comment}\n")
    assert (len(layout.boxes), layout.problems) == (1, ())


@pytest.mark.parametrize(
    "line",
    [
        "- obj_0: ['Bed_4', (120, 40, 80), (0, 90, 0)]",
        "OBJ_0: ['Bed_4', [120, 40, 80), (0, 90, 0]]",
        "1. a bed at location (120, 40, 80).",
        "obj_0: a bed at location [120, 40, 80], with rotation [0, 90, 0]",
    ],
)
def test_programs_as_chat_models_write_them(line: str) -> None:
    layout = read_program(f"### The room\n{line}\n###Human: And now?\n{line}\n")
    (box,) = layout.boxes
    np.testing.assert_allclose(box.centre_m, [1.2, 0.8, 0.4])
    assert [problem.reason for problem in layout.problems] == ["what follows ### is not read"]


def test_headings_of_markdown_are_no_end() -> None:
    text = "### Floor\npolygon: [[0, 0, 0], [0, 0, 4], [3, 0, 4]]\n### Objects\n" + GOOD["program"]
    layout = read_program(text + "\n###")
    assert (len(layout.boxes), len(layout.walls), layout.problems) == (1, 3, ())


def test_a_floor_of_thousands_of_corners_is_a_problem() -> None:
    corners = ", ".join(f"[{n % 97}, 0, {n * n % 89}]" for n in range(3000))
    layout = read_program(f"polygon: [{corners}]\n{GOOD['program']}")
    assert (len(layout.boxes), len(layout.floor_polygon_m)) == (1, 0)
    assert "3000 corners, more than 200" in layout.problems[0].reason
    walls = [
        LayoutWall(np.array([n, 0.0, 0.0]), np.array([(n + 1) % 300, 0.0, 0.0]), 2.5)
        for n in range(300)
    ]
    assert len(floor_within(walls)) == 0
    assert len(floor_within(walls[:2])) == 0


def test_walls_of_one_name_both_stay() -> None:
    walls = "wall_0=Wall(0,0,0,0,4,0,2.5,0.1)\nwall_0=Wall(0,4,0,3,4,0,2.5,0.1)\n"
    layout = read_script(walls + "door_0=Door(wall_0,0,2,1,0.9,2)\n" + walls)
    assert len(layout.walls) == 2
    assert layout.openings[0].wall == 0
    assert len(layout.problems) == 2


@pytest.mark.parametrize(
    "line",
    [
        "wall_1=Wall(0,0,0,0,4,0,-2.5,0.1)",
        "wall_1=Wall(0,0,0,0,4,0,2.5,-0.1)",
        "door_1=Door(wall_0,0,2,1,-0.9,2)",
        "window_1=Window(wall_0,0,2,1,0.9,0)",
        "window_0: ['W', [1, 2, 3], [[0, 0, 0], [1, 1, 0]], 0.5]",
    ],
)
def test_walls_and_openings_have_sizes_above_zero(line: str) -> None:
    walls = "wall_0=Wall(0,0,0,0,4,0,2.5,0.1)\n" if "=" in line else "polygon: [[0, 0, 0]]\n"
    layout = (read_script if "=" in line else read_program)(walls + line)
    assert layout.openings == ()
    assert layout.problems[-1].position == "line 2"


def test_an_object_that_holds_objects_is_read_beside_them() -> None:
    inner = '{"bbox_3d": [0, 0, 3, 1, 1, 1, 0, 0, 0], "label": "pillow"}'
    outer = f'[{{"bbox_3d": [0, 0, 2, 1, 1, 1, 0, 0, 0], "children": [{inner}], "label": "bed"}}]'
    assert [box.label for box in read_camera_boxes(outer).boxes] == ["pillow", "bed"]
    (problem,) = read_camera_boxes(outer[:-2]).problems
    assert "is cut off" in problem.reason


@pytest.mark.parametrize(
    "text", ["９", "－1", "1，2", "nan", "inf", "1e7", "0x10", "1_0", "½", "①"]
)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_number_of_ascii_digits_is_a_problem(name: str, text: str) -> None:
    number = {"list": "1", "program": "120", "script": "1", "boxes": "2"}[name]
    bad = GOOD[name].replace(f" {number}", f" {text}", 1)
    bad = bad.replace(f",{number},", f",{text},", 1).replace(f"[{number},", f"[{text},", 1)
    assert bad != GOOD[name]
    layout = READERS[name](bad)
    assert (layout.boxes, len(layout.problems)) == ((), 1)


def test_annotations_of_omni3d_are_read_strictly() -> None:
    layout, camera = in_camera(random_layout(0), 0)
    image = Omni3DImage(0, "0.png", 9, 9, camera.intrinsics, layout)
    values = [None, True, "1", {}, [1], ["٣"] * 3, [10**400] * 3, [[1] * 3] * 2, [float("inf")] * 4]
    for key in ("center_cam", "dimensions", "R_cam", "bbox2D_tight", "image_id", "category_name"):
        for value in values:
            dataset = write_dataset([image], ["bed", "side table", "a lamp, green"])
            dataset["annotations"][0] |= {key: value, "category_id": None}
            read = read_dataset(dataset)
            is_allowed = (key, value) in [("bbox2D_tight", None), ("category_name", "1")]
            assert sum(len(room.problems) for room in read.values()) == 1 - is_allowed, (key, value)
            assert sum(len(room.boxes) for room in read.values()) == 5 + is_allowed
    dataset |= {"annotations": [7, *dataset["annotations"][1:]], "images": ["x"], "categories": 7}
    assert [p.position for p in read_dataset(dataset)[-1].problems] == [
        "images[0]",
        "annotations[0]",
    ]


def test_ten_thousand_objects_are_the_end() -> None:
    lines = [f"bbox_{n}=Bbox(bed,{n % 1000},{n // 1000},0.4,0,2,1,1)" for n in range(10_050)]
    layout = read_script("\n".join(lines))
    assert len(layout.boxes) == 10_000
    assert "only 10000 entries" in layout.problems[-1].reason


def test_this_file_reads_nothing_of_others() -> None:
    source = (Path(__file__).parents[2] / "workflow_scripts/layouts").glob("*.py")
    for path in source:
        assert "eval(" not in path.read_text()
        assert "yaml" not in path.read_text()
