"""Whatever a layout holds, every format gives it back to half of its own steps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.layouts.camera_boxes import (
    GEMINI,
    QWEN3VL,
    RADIANS,
    read_camera_boxes,
    write_camera_boxes,
)
from workflow_scripts.layouts.layout import (
    LayoutBox,
    LayoutFrame,
    RoomLayout,
    level_camera_from_world,
    transform_layout,
)
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
from workflow_scripts.layouts.omni3d import Omni3DImage, read_dataset, write_dataset
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.spatiallm import read_script, write_script

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
LABELS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
# Sizes of ProcTHOR's assets go down to 4 mm.
SIZES = st.floats(0.001, 20)
PLACES = st.floats(-90, 90)
ANGLES = st.floats(-180, 180)


@st.composite
def boxes(draw: st.DrawFn, *, upright: bool) -> tuple[LayoutBox, ...]:
    """Return boxes far enough apart that no two are the same when they are written."""
    rooms = draw(st.lists(st.tuples(LABELS, PLACES, PLACES, ANGLES), max_size=5))
    made = []
    for number, (label, x, z, angle) in enumerate(rooms):
        rotation = rotation_about_up(angle)
        if not upright:
            turn = [angle, draw(st.floats(-80, 80)), draw(ANGLES)]
            rotation = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
        made.append(
            LayoutBox(
                label=label,
                centre_m=np.array([x, 20.0 * number - 40, z]),
                size_m=np.array([draw(SIZES) for _ in range(3)]),
                rotation=rotation,
                key=f"{label}|{number}",
                parent=f"{rooms[0][0]}|0" if number in (1, 3) else "",
                asset_id=f"Asset \\'{number}",
            )
        )
    return tuple(made)


def assert_agree(
    read: RoomLayout, written: RoomLayout, *, metres: float, degrees: float, size_step: float = 0.0
) -> None:
    assert read.problems == ()
    assert len(read.boxes) == len(written.boxes)
    slack = 1e-9
    for a, b in zip(read.boxes, written.boxes, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=metres + slack, rtol=0)
        turn = Rotation.from_matrix(a.rotation.T @ b.rotation).magnitude()
        assert np.rad2deg(turn) <= degrees + 1e-6
        if np.isfinite(a.size_m).all():
            sizes = np.maximum(b.size_m, size_step)
            np.testing.assert_allclose(a.size_m, sizes, atol=metres + slack, rtol=0)


def camera_of(yaw_deg: float, pitch_deg: float) -> Camera:
    return Camera.look(
        np.array([3.0, -2.0, 1.5]),
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=640,
        height_px=480,
        vertical_fov_deg=60,
    )


@pytest.mark.parametrize("frame", ["world", "room", "level_camera"])
@EXAMPLES
@given(made=boxes(upright=True), step=st.sampled_from([0.1, 0.05, 0.01]))
def test_object_lists(frame: LayoutFrame, made: tuple[LayoutBox, ...], step: float) -> None:
    layout = RoomLayout(frame=frame, boxes=made)
    text = write_object_list(layout, ObjectListStyle(precision_m=step, yaw_step_deg=5))
    read = read_object_list(text, frame=frame)
    assert_agree(read, layout, metres=step / 2, degrees=2.5, size_step=step)


@pytest.mark.parametrize("frame", ["world", "room", "level_camera"])
@EXAMPLES
@given(made=boxes(upright=True))
def test_scripts(frame: LayoutFrame, made: tuple[LayoutBox, ...]) -> None:
    layout = RoomLayout(frame=frame, boxes=made)
    read = read_script(write_script(layout), frame=frame)
    assert_agree(read, layout, metres=0.5e-4, degrees=0.003, size_step=1e-4)


@pytest.mark.parametrize("phrases", [False, True])
@EXAMPLES
@given(made=boxes(upright=True))
def test_programs(phrases: bool, made: tuple[LayoutBox, ...]) -> None:
    layout = RoomLayout(frame="world", boxes=made)
    read = read_program(write_program(layout, phrases=phrases))
    assert_agree(read, layout, metres=0.005, degrees=0.5)
    names = [box.label if phrases else box.asset_id for box in layout.boxes]
    assert [box.label for box in read.boxes] == names
    if not phrases:
        keys = {box.key: read.boxes[number].key for number, box in enumerate(layout.boxes)}
        assert [box.parent for box in read.boxes] == [
            keys.get(box.parent, "") for box in layout.boxes
        ]


@pytest.mark.parametrize("convention", [QWEN3VL, GEMINI, RADIANS])
@EXAMPLES
@given(made=boxes(upright=False))
def test_boxes_of_cameras(convention, made: tuple[LayoutBox, ...]) -> None:
    layout = RoomLayout(frame="opencv_camera", boxes=made)
    read = read_camera_boxes(write_camera_boxes(layout, convention), convention)
    # Three angles, each kept to half of its step.
    assert_agree(read, layout, metres=0.005, degrees=1.5, size_step=0.01)
    assert [box.label for box in read.boxes] == [box.label for box in layout.boxes]


@EXAMPLES
@given(made=boxes(upright=False))
def test_data_sets(made: tuple[LayoutBox, ...]) -> None:
    layout = RoomLayout(frame="opencv_camera", boxes=made)
    image = Omni3DImage(3, "3.png", 640, 480, camera_of(0, 0).intrinsics, layout)
    labels = sorted({box.label for box in made})
    read = read_dataset(json.loads(json.dumps(write_dataset([image], labels))))[3]
    assert_agree(read, layout, metres=1e-9, degrees=1e-5)


@EXAMPLES
@given(made=boxes(upright=True), yaw=ANGLES, pitch=st.floats(-89, 89))
def test_upright_and_camera_frames_through_every_format(made, yaw, pitch) -> None:
    """From the world to a camera's boxes and back through the level frame, in both directions."""
    world = RoomLayout(frame="world", boxes=made)
    pose = camera_of(yaw, pitch).world_from_camera
    seen = transform_layout(world, np.linalg.inv(pose), "opencv_camera")
    read = read_camera_boxes(write_camera_boxes(seen))
    level = transform_layout(read, level_camera_from_world(pose) @ pose, "level_camera")
    text = write_object_list(level, ObjectListStyle(precision_m=0.01, yaw_step_deg=1))
    back = read_object_list(text, frame="level_camera")
    back = transform_layout(back, np.linalg.inv(level_camera_from_world(pose)), "world")
    one_step = tuple(replace(box, size_m=np.maximum(box.size_m, 0.01)) for box in made)
    for a, b in zip(back.boxes, one_step, strict=True):
        # Half a step of either format, along each of three axes.
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=0.01 * np.sqrt(3))
        np.testing.assert_allclose(a.size_m, b.size_m, atol=0.01)
