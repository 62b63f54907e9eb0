"""Lists of objects: written and read, exact to their steps, in words of a small vocabulary."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.layouts.rooms import random_layout
from workflow_scripts.layouts.layout import (
    LayoutBox,
    RoomLayout,
    room_from_world,
    transform_layout,
)
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    number_word,
    read_object_list,
    vocabulary,
    write_object_list,
    yaw_word,
)

SEEDS = range(8)


def turned_by_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.rad2deg(Rotation.from_matrix(a.T @ b).magnitude()))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("metres", "degrees"), [(0.1, 15), (0.01, 1), (0.25, 30), (1.0, 90)])
def test_a_list_keeps_its_steps(seed: int, metres: float, degrees: int) -> None:
    world = random_layout(seed)
    layout = transform_layout(world, room_from_world(world.floor_polygon_m), "room")
    style = ObjectListStyle(precision_m=metres, yaw_step_deg=degrees)
    text = write_object_list(layout, style)
    read = read_object_list(text, frame="room")
    assert read.problems == ()
    for a, b in zip(read.boxes, layout.boxes, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=metres / 2 + 1e-9)
        expected = np.maximum(b.size_m, metres)
        np.testing.assert_allclose(a.size_m, expected, atol=metres / 2 + 1e-9)
        assert turned_by_deg(a.rotation, b.rotation) <= degrees / 2 + 1e-6
    assert [box.label for box in read.boxes][:3] == ["bed", "side table", "a lamp green"]
    assert write_object_list(read, style) == text


@pytest.mark.parametrize("seed", SEEDS)
def test_every_word_of_a_list_but_labels_is_in_the_vocabulary(seed: int) -> None:
    world = random_layout(seed)
    layout = transform_layout(world, room_from_world(world.floor_polygon_m), "room")
    style = ObjectListStyle()
    words = vocabulary(style)
    assert len(words) == len(set(words))
    text = write_object_list(layout, style).replace(";", " ;")
    labels = {"bed", "side", "table", "a", "lamp", "green"}
    assert set(text.split()) <= {*words, *labels}
    assert {"-15.0", "0.0", "15.0", "180", "-165", "100"} <= set(words)
    assert not {"-0.0", "-180"} & set(words)


def test_boxes_of_the_picture_are_hundredths_and_come_back() -> None:
    box = LayoutBox("chair", np.zeros(3), np.ones(3), np.eye(3), box_2d_px=(32.0, 48, 320, 480.4))
    text = write_object_list(
        RoomLayout("level_camera", (box,)), ObjectListStyle(), width_px=640, height_px=480
    )
    assert text == "chair box 5 10 50 100 at 0.0 0.0 0.0 size 1.0 1.0 1.0 yaw 0;\n"
    (read,) = read_object_list(text, width_px=640, height_px=480).boxes
    assert read.box_2d_px == (32.0, 48.0, 320.0, 480.0)
    assert read_object_list(text).boxes[0].box_2d_px is None


def test_fields_are_said_only_where_they_are_wanted() -> None:
    layout = RoomLayout(
        "level_camera", (LayoutBox("box", np.array([1.04, 2, -0.04]), np.ones(3), np.eye(3)),)
    )
    text = write_object_list(layout, ObjectListStyle(fields=("centre",)))
    assert text == "box at 1.0 2.0 0.0;\n"
    (read,) = read_object_list(text).boxes
    assert read.label == "box"
    assert np.isnan(read.size_m).all()
    sized = read_object_list("box box 1 2 3 4 at 1 2 3 size 1 1 1;", width_px=100, height_px=100)
    assert (sized.boxes[0].label, sized.boxes[0].box_2d_px) == ("box", (1, 2, 3, 4))


def test_a_list_as_a_chat_model_may_write_it() -> None:
    text = """Here it is:
```
- Side table at (1.2, 3.4, 0.5) size (0.5, 0.5, 0.9), yaw: 30
- Bed at 1, 2, 0.4
```"""
    read = read_object_list(text)
    assert [box.label for box in read.boxes] == ["side table", "bed"]
    assert read.boxes[0].yaw_deg == pytest.approx(30)
    assert read.problems == ()


def test_an_empty_room_is_said_and_read() -> None:
    text = write_object_list(RoomLayout("room"), ObjectListStyle())
    assert text == "none;\n"
    read = read_object_list(text)
    assert (read.boxes, read.problems) == ((), ())


def test_numbers_have_the_decimals_of_their_step() -> None:
    assert number_word(1.26, 0.05) == "1.25"
    assert number_word(-0.04, 0.1) == "0.0"
    assert number_word(17.0, 10.0) == "20"
    assert [yaw_word(yaw, 15) for yaw in (-180, 172.6, -172.6, 7, 359)] == [
        "180", "180", "180", "0", "0"
    ]  # fmt: skip
