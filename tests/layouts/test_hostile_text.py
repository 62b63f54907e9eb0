"""Text that no format wrote: cut off, repeated, hostile; what is whole is kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.layouts.rooms import in_camera, random_layout
from workflow_scripts.layouts.camera_boxes import read_camera_boxes, write_camera_boxes
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
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
