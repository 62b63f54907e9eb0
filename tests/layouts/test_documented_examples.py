"""The examples of docs/reconstruction.md are what the code writes and reads."""

import re
from pathlib import Path

import numpy as np

from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.layouts.camera_boxes import read_camera_boxes, write_camera_boxes
from workflow_scripts.layouts.layout import level_camera_from_world, transform_layout
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.spatiallm import read_script, write_script

PAGE = (Path(__file__).parents[2] / "docs/reconstruction.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## One room in every format")[2].partition("\n## ")[0]
LIST, PROGRAM, SCRIPT, BOXES = re.findall(r"```(?:text|json)\n(.*?)```", SECTION, re.DOTALL)
CAMERA = Camera.look(
    [2.5, 3.5, 1.5], yaw_deg=150, pitch_deg=-20, width_px=100, height_px=100, vertical_fov_deg=60
)


def test_programs_and_lists_come_back_letter_by_letter() -> None:
    assert write_program(read_program(PROGRAM)) == PROGRAM
    shown = read_object_list(LIST, width_px=100, height_px=100)
    assert write_object_list(shown, ObjectListStyle(), width_px=100, height_px=100) == LIST
    # The example leaves two walls out, so that its third is wall_3.
    again = write_script(read_script(SCRIPT)).replace("wall_1", "wall_3")
    assert again == SCRIPT


def test_all_examples_are_of_one_bed() -> None:
    script = read_script(SCRIPT)
    program = read_program(PROGRAM)
    np.testing.assert_allclose(program.boxes[0].centre_m, script.boxes[0].centre_m)
    np.testing.assert_allclose(program.boxes[0].rotation, script.boxes[0].rotation, atol=1e-5)
    level = level_camera_from_world(CAMERA.world_from_camera)
    style = ObjectListStyle(fields=("centre", "size", "yaw"))
    text = write_object_list(transform_layout(script, level, "level_camera"), style)
    assert text == re.sub(r" box( \d+){4}", "", LIST.splitlines()[0]) + "\n"
    camera_from_world = np.linalg.inv(CAMERA.world_from_camera)
    seen = transform_layout(script, camera_from_world, "opencv_camera")
    written = write_camera_boxes(seen).replace("[\n", "[").replace("\n]", "]")
    assert written == BOXES
    assert read_camera_boxes(BOXES).problems == ()
