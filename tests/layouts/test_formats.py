"""Layouts written and read in every format, exact to its decimals, and hostile text."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.layouts.rooms import in_camera, random_layout
from workflow_scripts.geometry.box_overlap import pairwise_iou
from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.geometry.rotation_conventions import rotation_from_unity_euler
from workflow_scripts.layouts.camera_boxes import (
    GEMINI,
    QWEN3VL,
    RADIANS,
    CameraBoxConvention,
    read_camera_boxes,
    rotation_from_camera_euler,
    sidecar,
    write_camera_boxes,
)
from workflow_scripts.layouts.layout import (
    LayoutBox,
    RoomLayout,
    level_camera_from_world,
    room_from_world,
    transform_layout,
)
from workflow_scripts.layouts.omni3d import (
    Omni3DImage,
    read_dataset,
    write_dataset,
    write_predictions,
)
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.spatiallm import read_script, write_script

SEEDS = range(8)


def turned_by_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.rad2deg(Rotation.from_matrix(a.T @ b).magnitude()))


def assert_boxes_agree(
    read: RoomLayout, written: RoomLayout, *, metres: float, degrees: float, sizes: bool = True
) -> None:
    assert read.problems == ()
    assert len(read.boxes) == len(written.boxes)
    for a, b in zip(read.boxes, written.boxes, strict=True):
        np.testing.assert_allclose(a.centre_m, b.centre_m, atol=metres)
        if sizes:
            np.testing.assert_allclose(a.size_m, b.size_m, atol=metres)
        assert turned_by_deg(a.rotation, b.rotation) <= degrees


# Programs of R2D3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_program_keeps_centimetres_and_degrees(seed: int) -> None:
    layout = random_layout(seed)
    text = write_program(layout)
    read = read_program(text)
    assert_boxes_agree(read, layout, metres=0.005 + 1e-9, degrees=0.5 + 1e-6, sizes=False)
    np.testing.assert_allclose(read.floor_polygon_m, layout.floor_polygon_m, atol=0.005 + 1e-9)
    assert [wall.material for wall in read.walls] == [wall.material for wall in layout.walls]
    assert read.floor_material == "Wood"
    (window,) = read.openings
    np.testing.assert_allclose(window.centre_m, layout.openings[1].centre_m, atol=0.015)
    assert (window.asset_id, window.wall) == ("Window_1", 1)
    # What was read is written as the same text: nothing more is lost.
    assert write_program(read) == text


def test_children_have_keys_of_their_own() -> None:
    layout = random_layout(1)
    text = write_program(layout)
    assert "child_0: ['Bed_1'" in text
    assert "child_1: ['Bed_2'" in text
    assert [box.parent for box in read_program(text).boxes].count("obj_0") == 2
    assert "child" not in write_program(layout, include_children=False)


def test_published_programs_with_colliding_keys_lose_no_child() -> None:
    text = """polygon: ((0, 0, 0), (0, 0, 400), (300, 0, 400), (300, 0, 0))
obj_0: ('Bed_4', (120, 40, 80), (0, 90, 0))
child_0: ('Pillow_1', (120, 70, 60), (0, 90, 0), 'obj_0')
obj_1: ('Desk_2', (20, 40, 300), (0, 0, 0))
child_0: ('Lamp_1', (20, 90, 300), (0, 0, 0), 'obj_1')
 ###"""
    layout = read_program(text)
    assert [(box.key, box.asset_id, box.parent) for box in layout.boxes] == [
        ("obj_0", "Bed_4", ""),
        ("child_0", "Pillow_1", "obj_0"),
        ("obj_1", "Desk_2", ""),
        ("child_1", "Lamp_1", "obj_1"),
    ]
    # AI2-THOR's z is our y; its yaw is clockwise.
    np.testing.assert_allclose(layout.boxes[0].centre_m, [1.2, 0.8, 0.4])
    assert layout.boxes[0].yaw_deg == pytest.approx(-90)


def test_whole_centimetres_are_rounded_not_cut() -> None:
    # 0.29 * 100 is 28.999999999999996, which the published text cuts to 28.
    box = LayoutBox(
        "x", np.array([0.29, 0.57, 0.125]), np.ones(3), np.eye(3), key="a", asset_id="X"
    )
    text = write_program(RoomLayout(frame="world", boxes=(box,)))
    assert text == "obj_0: ['X', [29, 12, 57], [0, 0, 0]]\n"  # 12.5: half to even


def test_phrases_at_places() -> None:
    layout = random_layout(2, count=3)
    text = write_program(layout, phrases=True)
    assert "obj_0: bed at location [" in text
    read = read_program(text)
    assert [box.label for box in read.boxes] == ["bed", "side table", "a lamp, green"]
    assert_boxes_agree(read, layout, metres=0.005 + 1e-9, degrees=0.5 + 1e-6, sizes=False)


@pytest.mark.parametrize("euler", [(0, 30, 0), (20, 0, 0), (0, 0, -75), (10, -100, 35)])
def test_euler_angles_of_ai2thor(euler: tuple[float, float, float]) -> None:
    """Turn by z, then x, then y, in the left-handed frame, by hand."""
    x, y, z = np.deg2rad(euler)
    rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    exchange = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    expected = exchange @ ry @ rx @ rz @ exchange
    np.testing.assert_allclose(rotation_from_unity_euler(euler), expected, atol=1e-12)


# Scripts of SpatialLM


@pytest.mark.parametrize("seed", SEEDS)
def test_a_script_keeps_four_decimals(seed: int) -> None:
    layout = random_layout(seed)
    text = write_script(layout)
    read = read_script(text)
    assert_boxes_agree(read, layout, metres=5.1e-5, degrees=0.003)
    assert [box.label for box in read.boxes][:3] == ["bed", "side table", "a lamp green"]
    for a, b in zip(read.walls, layout.walls, strict=True):
        np.testing.assert_allclose([*a.start_m, *a.end_m], [*b.start_m, *b.end_m], atol=5.1e-5)
        assert (a.height_m, a.thickness_m) == (2.6, 0.1)
    kinds = {(o.kind, o.wall, o.width_m, o.height_m) for o in read.openings}
    assert kinds == {("window", 1, 0.8, 1.0), ("door", 2, 0.9, 2.0)}
    assert write_script(read) == text


def test_a_script_as_published() -> None:
    layout = read_script(
        "<|layout_s|>wall_0=Wall(0,0,0,3,0,0,2.5,0)\n"
        "door_0=Door(wall_0,1.5,0,1,0.9,2)\n"
        "bbox_0=Bbox(dining_table,1,2,0.4,1.5707963,2,1,0.8)<|layout_e|>"
    )
    assert layout.problems == ()
    assert layout.boxes[0].label == "dining table"
    assert layout.boxes[0].yaw_deg == pytest.approx(90, abs=1e-5)
    assert layout.openings[0].wall == 0


def test_a_script_cannot_say_a_tilted_frame() -> None:
    layout, _ = in_camera(random_layout(0), 0)
    with pytest.raises(ValueError, match="upright frame, not opencv_camera"):
        write_script(layout)


# Boxes of vision-language models


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("convention", "degrees"),
    [(QWEN3VL, 0.3), (GEMINI, 1.5), (RADIANS, 0.1), (CameraBoxConvention(angle_axes="zxy"), 0.3)],
)
def test_camera_boxes_keep_their_decimals(
    seed: int, convention: CameraBoxConvention, degrees: float
) -> None:
    layout, _ = in_camera(random_layout(seed, upright=seed % 2 == 0), seed)
    text = write_camera_boxes(layout, convention)
    read = read_camera_boxes(text, convention)
    assert_boxes_agree(read, layout, metres=0.005 + 1e-9, degrees=degrees)
    assert write_camera_boxes(read, convention) == text


def test_the_second_size_is_the_height_and_the_middle_angle_the_heading() -> None:
    """A camera that looks level along the world's +Y sees a chair from behind, then turned."""
    camera = Camera.look(
        [0, 0, 1], yaw_deg=0, pitch_deg=0, width_px=100, height_px=100, vertical_fov_deg=90
    )
    for yaw, heading in ((0.0, 0.0), (-30.0, 30.0)):  # clockwise from above is about +y, down
        box = LayoutBox("chair", np.array([0, 2, 0.5]), np.array([0.4, 0.6, 1.0]), np.eye(3))
        box = LayoutBox("chair", box.centre_m, box.size_m, rotation_about_up(yaw))
        layout = RoomLayout(frame="world", boxes=(box,))
        layout = transform_layout(layout, np.linalg.inv(camera.world_from_camera), "opencv_camera")
        (entry,) = json.loads(write_camera_boxes(layout, GEMINI))
        np.testing.assert_allclose(entry["box_3d"], [0, 0.5, 2, 0.4, 1.0, 0.6, 0, heading, 0])


def test_angles_stand_upright_in_a_tilted_camera() -> None:
    """R = Rz Ry Rx of the three numbers: an object on the floor has the camera's own up axis."""
    layout, camera = in_camera(random_layout(3), 3)
    read = read_camera_boxes(write_camera_boxes(layout))
    up_in_camera = camera.world_from_camera[:3, :3].T @ [0, 0, 1]
    for box in read.boxes:
        assert np.rad2deg(np.arccos(box.rotation[:, 2] @ up_in_camera)) < 0.5
    a, b, c = 0.1, 0.2, -0.3
    rx, ry, rz = (
        Rotation.from_euler(axis, v * np.pi).as_matrix()
        for axis, v in zip("xyz", (a, b, c), strict=True)
    )
    theirs = rotation_from_camera_euler(np.array([a, b, c])) @ np.array(
        [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    )
    np.testing.assert_allclose(theirs, rz @ ry @ rx, atol=1e-12)


def test_the_sidecar_says_what_a_reader_must_know() -> None:
    _, camera = in_camera(random_layout(0), 0)
    notes = sidecar(camera.intrinsics, width_px=640, height_px=480, convention=GEMINI)
    assert notes["angle_unit"] == "deg"
    assert notes["angle_axes"] == "xyz"
    assert (notes["width"], notes["cx"], notes["frame"]) == (640, 320.0, "opencv_camera")
    assert notes["fx"] == camera.intrinsics[0, 0]


def test_lists_in_fences_in_objects_and_in_prose() -> None:
    entry = '{"bbox_3d": [0, 0, 2, 1, 1, 1, 0, 0, 0], "label": "ta}ble \\"x\\""}'
    for text in (
        f"```json\n[{entry}]\n```",
        f"Here they are:\n[{entry}]\nDone.",
        f'{{"objects": [{entry}]}}',
        f'```json\n[{entry},\n{{"bbox_3d": [0, 0,',
    ):
        (box,) = read_camera_boxes(text).boxes
        assert box.label == 'ta}ble "x"'


# Omni3D


@pytest.mark.parametrize("seed", SEEDS)
def test_omni3d_keeps_everything_but_the_walls(seed: int) -> None:
    layout, camera = in_camera(random_layout(seed, upright=False), seed)
    image = Omni3DImage(7, "images/7.png", 640, 480, camera.intrinsics, layout)
    dataset = json.loads(json.dumps(write_dataset([image], ["bed", "side table"])))
    read = read_dataset(dataset)[7]
    assert_boxes_agree(read, layout, metres=1e-9, degrees=1e-5)
    assert [box.label for box in read.boxes] == [box.label for box in layout.boxes]
    for annotation, box in zip(dataset["annotations"], layout.boxes, strict=True):
        corners = np.array(annotation["bbox3D_cam"])
        np.testing.assert_allclose(corners.mean(axis=0), box.centre_m, atol=1e-9)
        width, height, length = annotation["dimensions"]
        turn = np.array(annotation["R_cam"])
        np.testing.assert_allclose(corners[1] - corners[0], turn[:, 0] * length, atol=1e-9)
        np.testing.assert_allclose(corners[3] - corners[0], turn[:, 1] * height, atol=1e-9)
        np.testing.assert_allclose(corners[4] - corners[0], turn[:, 2] * width, atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1)


def test_omni3d_predictions_have_no_unknown_categories_and_equal_scores() -> None:
    layout, camera = in_camera(random_layout(0), 0)
    image = Omni3DImage(1, "1.png", 640, 480, camera.intrinsics, layout)
    predictions = write_predictions([image], ["bed"])
    assert [p["category_id"] for p in predictions] == [0, 0]
    assert {p["score"] for p in predictions} == {1.0}


def test_omni3d_annotations_that_are_no_boxes_are_problems() -> None:
    layout, camera = in_camera(random_layout(0), 0)
    dataset = write_dataset([Omni3DImage(1, "1.png", 9, 9, camera.intrinsics, layout)], ["bed"])
    for number, change in enumerate(
        (
            {"dimensions": [1, 1, -1]},
            {"center_cam": [0, float("nan"), 1]},
            {"R_cam": [[2, 0], [0, 1]]},
        )
    ):
        dataset["annotations"][number] |= change
    read = read_dataset(dataset)[1]
    assert len(read.boxes) == 3
    assert len(read.problems) == 3


# Frames


@pytest.mark.parametrize("seed", SEEDS)
def test_frames_are_rigid_and_lead_back(seed: int) -> None:
    layout = random_layout(seed, upright=False)
    _, camera = in_camera(layout, seed)
    room = room_from_world(layout.floor_polygon_m)
    level = level_camera_from_world(camera.world_from_camera)
    for a_from_world, frame in ((room, "room"), (level, "level_camera")):
        moved = transform_layout(layout, a_from_world, frame)  # type: ignore[arg-type]
        back = transform_layout(moved, np.linalg.inv(a_from_world), "world")
        assert_boxes_agree(back, layout, metres=1e-9, degrees=1e-5)
        np.testing.assert_allclose(
            pairwise_iou(moved.oriented_boxes, moved.oriented_boxes), 1, atol=1e-8
        )
        assert a_from_world[2, 2] == 1
    assert transform_layout(layout, room, "room").floor_polygon_m.min() == pytest.approx(0)
    # The level frame looks where the camera looks, and does not tilt with it.
    ahead = level[:3, :3] @ camera.world_from_camera[:3, 2]
    assert ahead[0] == pytest.approx(0, abs=1e-9)
    assert ahead[1] > 0
    np.testing.assert_allclose(
        level[:3, :3] @ camera.world_from_camera[:3, 3] + level[:3, 3], 0, atol=1e-9
    )


def test_a_camera_that_looks_straight_down_has_its_picture_s_top_ahead() -> None:
    for yaw in (0.0, 70.0, -160.0):
        for pitch in (-90.0, 90.0):
            camera = Camera.look(
                [1, 2, 3],
                yaw_deg=yaw,
                pitch_deg=pitch,
                width_px=9,
                height_px=9,
                vertical_fov_deg=60,
            )
            level = level_camera_from_world(camera.world_from_camera)
            np.testing.assert_allclose(
                level[:3, :3], rotation_about_up(yaw).T, atol=1e-6, err_msg=f"{yaw} {pitch}"
            )
