"""The command that converts layouts, as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.layouts.rooms import in_camera, random_layout
from workflow_scripts.layouts.camera_boxes import read_camera_boxes, write_camera_boxes
from workflow_scripts.layouts.omni3d import read_dataset
from workflow_scripts.layouts.r2d3 import read_program
from workflow_scripts.layouts.spatiallm import read_script, write_script


def convert(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workflow_scripts.layouts.convert", *arguments]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(root)},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a script of a room, a camera in it, and the camera's boxes."""
    layout = random_layout(4)
    seen, camera = in_camera(layout, 4)
    (tmp_path / "room.txt").write_text(write_script(layout))
    k = camera.intrinsics
    notes = {
        "fx": k[0, 0],
        "fy": k[1, 1],
        "cx": k[0, 2],
        "cy": k[1, 2],
        "width": 640,
        "height": 480,
    }
    (tmp_path / "flat.json").write_text(json.dumps(notes))
    pose = {"world_from_camera": camera.world_from_camera.tolist()}
    (tmp_path / "camera.json").write_text(json.dumps(notes | pose))
    (tmp_path / "boxes.json").write_text(write_camera_boxes(seen))
    return tmp_path


def test_a_script_becomes_boxes_and_comes_back(folder: Path) -> None:
    to_camera = ("--read", "spatiallm", "--layout", "room.txt", "--camera", "camera.json")
    done = convert(folder, *to_camera, "--write", "qwen3vl", "--out", "out.json")
    assert done.returncode == 0, done.stderr
    assert read_camera_boxes((folder / "out.json").read_text()).problems == ()
    notes = json.loads((folder / "out.camera.json").read_text())
    assert notes["angle_unit"] == "pi"
    back = convert(
        folder,
        *("--read", "qwen3vl", "--layout", "out.json", "--camera", "out.camera.json"),
        *("--write", "spatiallm", "--out", "back.txt"),
    )
    assert back.returncode == 0, back.stderr
    first, second = (read_script((folder / name).read_text()) for name in ("room.txt", "back.txt"))
    for a, b in zip(first.boxes, second.boxes, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=0.01)
        assert abs((a.yaw_deg - b.yaw_deg + 180) % 360 - 180) < 0.5
    omni = convert(folder, *to_camera, "--write", "omni3d", "--out", "omni.json")
    assert omni.returncode == 0, omni.stderr
    assert len(read_dataset(json.loads((folder / "omni.json").read_text()))[0].boxes) == 6


def test_programs_get_their_sizes_from_the_table_of_assets(folder: Path) -> None:
    (folder / "program.txt").write_text(
        "polygon: [[0, 0, 0], [0, 0, 400], [300, 0, 400], [300, 0, 0]]\n"
        "obj_0: ['Bed_4', [120, 40, 80], [0, 90, 0]]\n"
        "obj_1: ['No_Such_Asset', [120, 40, 80], [0, 90, 0]]\n"
    )
    done = convert(
        folder,
        *("--read", "r2d3", "--layout", "program.txt", "--write", "spatiallm", "--out", "p.txt"),
    )
    assert done.returncode == 0, done.stderr
    assert "No_Such_Asset' is not in ProcTHOR's table" in done.stderr
    (bed,) = read_script((folder / "p.txt").read_text()).boxes
    assert bed.label == "bed"
    assert bed.size_m.min() > 0.2
    back = convert(
        folder, *("--read", "spatiallm", "--layout", "p.txt", "--write", "r2d3", "--out", "q.txt")
    )
    assert back.returncode == 0, back.stderr
    assert read_program((folder / "q.txt").read_text()).boxes[0].yaw_deg == pytest.approx(-90)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--read", "spatiallm", "--layout", "none.txt"), "none.txt"),
        (("--read", "spatiallm", "--layout", "room.txt"), "give --camera"),
        (
            ("--read", "spatiallm", "--layout", "room.txt", "--camera", "flat.json"),
            "world_from_camera",
        ),
        (
            ("--read", "qwen3vl", "--layout", "room.txt", "--camera", "camera.json"),
            "no object or wall",
        ),
        (("--read", "omni3d", "--layout", "boxes.json", "--camera", "camera.json"), "no picture"),
        (("--read", "spatiallm", "--layout", "room.txt", "--camera", "bad.json"), "fx is -1"),
        (("--read", "spatiallm", "--layout", "room.txt", "--camera", "tilt.json"), "no rigid pose"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    camera = json.loads((folder / "camera.json").read_text())
    (folder / "bad.json").write_text(json.dumps(camera | {"fx": -1}))
    (folder / "tilt.json").write_text(
        json.dumps(camera | {"world_from_camera": np.ones((4, 4)).tolist()})
    )
    done = convert(folder, *arguments, "--write", "qwen3vl", "--out", "out.json")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize("frame", ["world", "level_camera"])
def test_a_list_of_objects_goes_to_the_camera_and_back(folder: Path, frame: str) -> None:
    to_list = ("--read", "qwen3vl", "--layout", "boxes.json", "--camera", "camera.json")
    done = convert(
        folder, *to_list, "--write", "object_list", "--out", "list.txt", "--frame", frame
    )
    assert done.returncode == 0, done.stderr
    to_boxes = ("--read", "object_list", "--layout", "list.txt", "--camera", "camera.json")
    done = convert(folder, *to_boxes, "--write", "qwen3vl", "--out", "back.json", "--frame", frame)
    assert done.returncode == 0, done.stderr
    before, after = (
        read_camera_boxes((folder / name).read_text()).boxes for name in ("boxes.json", "back.json")
    )
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=0.02)


def test_what_a_format_cannot_say_is_reported(folder: Path) -> None:
    to_program = ("--read", "spatiallm", "--layout", "room.txt", "--write", "r2d3")
    done = convert(folder, *to_program, "--out", "program.txt")
    assert done.returncode == 0, done.stderr
    assert "format r2d3 has no doors: 1 left out" in done.stderr
    assert "format r2d3 has no sizes of objects: 6 left out" in done.stderr
    # The floor follows from the walls, so that the window has a wall to be on.
    program = read_program((folder / "program.txt").read_text())
    assert (len(program.walls), len(program.openings), program.problems) == (4, 1, ())
    camera = ("--camera", "camera.json", "--out", "boxes2.json")
    done = convert(folder, *to_program[:4], "--write", "qwen3vl", *camera)
    assert "format qwen3vl has no walls: 4 left out" in done.stderr
    assert "format qwen3vl has no windows: 1 left out" in done.stderr
    lines = (folder / "room.txt").read_text().splitlines()
    (folder / "open.txt").write_text("\n".join(lines[1:]))
    done = convert(
        folder, "--read", "spatiallm", "--layout", "open.txt", *to_program[4:], "--out", "open.out"
    )
    assert "the walls do not close" in done.stderr
    assert read_program((folder / "open.out").read_text()).problems == ()


def test_a_room_that_is_said_to_be_empty_is_converted(folder: Path) -> None:
    (folder / "none.txt").write_text("none;\n")
    (folder / "none.json").write_text("```json\n[]\n```")
    camera = ("--camera", "camera.json")
    for name, file_format in (("none.txt", "object_list"), ("none.json", "qwen3vl")):
        for other, text in (("qwen3vl", "[]\n"), ("object_list", "none;\n")):
            done = convert(
                folder,
                *("--read", file_format, "--layout", name, *camera),
                *("--write", other, "--out", "out.txt"),
            )
            assert done.returncode == 0, done.stderr
            assert (folder / "out.txt").read_text() == text
    (folder / "none.txt").write_text("I see nothing.\n")
    done = convert(
        folder,
        *("--read", "object_list", "--layout", "none.txt", "--write", "r2d3", "--out", "x.txt"),
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_list_of_predictions_is_no_data_set(folder: Path) -> None:
    (folder / "list.json").write_text("[]")
    done = convert(
        folder,
        *("--read", "omni3d", "--layout", "list.json", "--write", "qwen3vl", "--out", "x.json"),
        *("--camera", "camera.json"),
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: list.json: no pictures; a data set of Omni3D is a JSON object with images, "
        "categories and annotations\n"
    )
