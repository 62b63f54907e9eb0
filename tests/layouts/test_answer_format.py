"""Answers in every format say the true layout, and prompts say what their settings name."""

import numpy as np
import pytest

from tests.layouts.records import random_record
from workflow_scripts.config.reconstruction import LayoutTextSettings, PromptParts
from workflow_scripts.geometry.cameras import rotation_about_up, transform
from workflow_scripts.layouts.answer_format import read_answer, target_layout, write_answer
from workflow_scripts.layouts.object_list import vocabulary
from workflow_scripts.layouts.room_layout import camera_pose, frame_from_world
from workflow_scripts.layouts.room_prompt import MarkedPoint, room_prompt

ALL_PARTS = PromptParts(
    floor_polygon=True,
    intrinsics=True,
    position=True,
    height=True,
    yaw=True,
    pitch=True,
    fov=True,
)
LAYOUTS = [
    LayoutTextSettings.parse({"format": name, "frame": frame, "objects": objects})
    for name, frame in (
        ("object_list", "level_camera"),
        ("object_list", "room"),
        ("object_list", "world"),
        ("r2d3", "world"),
        ("r2d3", "room"),
        ("spatiallm", "level_camera"),
        ("qwen3vl", "opencv_camera"),
    )
    for objects in ("all", "visible")
]


@pytest.mark.parametrize("settings", LAYOUTS, ids=lambda one: f"{one.format}-{one.frame}")
@pytest.mark.parametrize("seed", range(4))
def test_an_answer_says_the_true_layout(settings: LayoutTextSettings, seed: int) -> None:
    record = random_record(seed)
    target = target_layout(record, settings)
    read = read_answer(write_answer(target, settings, record), settings, record)
    assert read.problems == ()
    assert len(read.boxes) == len(target.boxes) == (6 if settings.objects == "all" else 4)
    for a, b in zip(read.boxes, target.boxes, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=0.051)
    assert read.frame == settings.frame


def test_labels_are_nouns() -> None:
    settings = LayoutTextSettings()
    labels = {box.label for box in target_layout(random_record(1), settings).boxes}
    assert labels == {"chair", "side table", "bed"}


def test_visible_objects_are_those_with_enough_pixels_near_to_far() -> None:
    record = random_record(3)
    boxes = target_layout(record, LayoutTextSettings(min_pixels=100)).boxes
    distances = [float(np.linalg.norm(box.centre_m)) for box in boxes]
    assert len(boxes) == 4
    assert distances == sorted(distances)
    assert target_layout(record, LayoutTextSettings(min_pixels=101)).boxes == ()
    assert len(target_layout(record, LayoutTextSettings(max_objects=2)).boxes) == 2


def test_what_stands_on_others_can_be_left_out() -> None:
    record = random_record(0)
    keys = {
        include: {
            box.key
            for box in target_layout(
                record, LayoutTextSettings(objects="all", include_children=include)
            ).boxes
        }
        for include in (True, False)
    }
    assert keys[True] - keys[False] == {"Painting|3"}


def test_a_parent_that_is_left_out_is_no_parent() -> None:
    settings = LayoutTextSettings.parse({"format": "r2d3", "objects": "all", "max_objects": 4})
    record = random_record(0)
    child = target_layout(record, settings).boxes[3]
    assert child.parent == "Bed|0"
    visible = target_layout(record, LayoutTextSettings(max_objects=4))
    assert {box.parent for box in visible.boxes} == {""}


@pytest.mark.parametrize("frame", ["level_camera", "room"])
def test_every_word_of_a_prompt_for_lists_is_known(frame: str) -> None:
    settings = LayoutTextSettings.parse({"frame": frame})
    marks = [MarkedPoint("red", np.array(random_record(2).objects[1].centre_m))]
    text = room_prompt(random_record(2), settings, ALL_PARTS, marks)
    words = set(text.lower().replace(",", " ").replace(":", " ").replace(". ", " ").split())
    numbers = {word.rstrip(".") for word in words if word[0] in "-0123456789"}
    assert numbers
    assert numbers <= set(vocabulary())


def test_camera_and_mark_are_in_the_frame_of_the_answer() -> None:
    record = random_record(5)
    point = np.array(record.objects[2].centre_m)
    for settings in LAYOUTS[::2]:
        parts = PromptParts(position=True, yaw=True)
        text = room_prompt(record, settings, parts, [MarkedPoint("red", point)])
        said = transform(frame_from_world(record, settings.frame), point)
        numbers = text.split("red mark is at ")[1].strip(".[]").replace(",", " ").split()
        values = np.array(numbers, dtype=float)
        if settings.format == "r2d3":
            values = values[[0, 2, 1]] / 100
        np.testing.assert_allclose(values, said, atol=0.051)


def test_the_yaw_of_a_camera_turns_with_the_frame() -> None:
    record = random_record(6)
    yaw = PromptParts(yaw=True)

    def said(**layout: str) -> float:
        text = room_prompt(record, LayoutTextSettings.parse(layout), yaw)
        return float(text.split("yaw ")[1].rstrip("."))

    ahead = camera_pose(record)[:2, 2]
    ahead = ahead / np.linalg.norm(ahead)
    assert said(frame="level_camera") == 0
    in_world = rotation_about_up(said(format="spatiallm", frame="world"))[:2, 1]
    np.testing.assert_allclose(in_world, ahead, atol=0.02)
    clockwise = np.deg2rad(said(format="r2d3"))
    np.testing.assert_allclose([np.sin(clockwise), np.cos(clockwise)], ahead, atol=0.02)


def test_prompts_word_for_word() -> None:
    record = random_record(0).model_copy(
        update={
            "floor_polygon_m": ((1.0, 2.0), (1.0, 6.0), (4.0, 6.0), (4.0, 2.0)),
            "world_from_camera": tuple(
                np.array(
                    [[1, 0, 0, 2.5], [0, 0, 1, 2.5], [0, -1, 0, 1.5], [0, 0, 0, 1]], dtype=float
                ).ravel()
            ),
            "pitch_deg": -12.4,
        }
    )
    in_room = LayoutTextSettings.parse({"frame": "room", "objects": "all"})
    assert room_prompt(record, in_room, ALL_PARTS) == (
        "Write all objects of the room.\n"
        "Floor corners: 0.0 0.0, 0.0 4.0, 3.0 4.0, 3.0 0.0.\n"
        "Camera: focal 65 87 middle 50 50 at 1.5 0.5 height 1.5 yaw 0 pitch down 12 view 60."
    )
    program = LayoutTextSettings.parse({"format": "r2d3", "objects": "all"})
    published = PromptParts(floor_polygon=True, position=True, yaw=True)
    assert room_prompt(record, program, published) == (
        "Write all objects of the room as a program with places in whole centimeters and "
        "rotations in degrees.\n"
        "Floor corners: [100, 200], [100, 600], [400, 600], [400, 200].\n"
        "Camera: at [250, 250] yaw 0."
    )
    assert room_prompt(record, LayoutTextSettings(), PromptParts()) == (
        "Write the objects seen, near to far."
    )


@pytest.mark.parametrize("settings", LAYOUTS, ids=lambda one: f"{one.format}-{one.frame}")
def test_help_names_the_frame_and_shows_the_form(settings: LayoutTextSettings) -> None:
    text = room_prompt(random_record(0), settings, PromptParts(format_help=True))
    assert len(text) < 800
    key = {"object_list": "at 1.2", "r2d3": "obj_0", "spatiallm": "Bbox(", "qwen3vl": "bbox_3d"}
    assert key[settings.format] in text
