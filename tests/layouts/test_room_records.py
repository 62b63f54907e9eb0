"""Room records: their table keeps every value, their layouts go through all frames unharmed."""

import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.layouts.records import random_record
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_table
from workflow_scripts.geometry.cameras import project, transform
from workflow_scripts.layouts.layout import LayoutFrame, RoomLayout
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.room_layout import (
    camera_distance_m,
    camera_intrinsics,
    camera_pose,
    change_frame,
    frame_from_world,
    record_camera,
    room_layout,
)
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms, write_rooms

SEEDS = range(12)
FRAMES: tuple[LayoutFrame, ...] = ("room", "level_camera", "opencv_camera")


def _fields(record: RoomRecord) -> str:
    """Return every value: the text of a float is exact, and NaN equals NaN."""
    return repr(record)


def test_a_table_returns_every_value(tmp_path):
    records = [random_record(seed, num_objects=seed % 5) for seed in SEEDS]
    records.append(records[0].model_copy(update={"walls": (), "openings": ()}))
    odd = math.nextafter(0.1, 1.0)
    records.append(records[1].model_copy(update={"floor_z_m": odd, "room_type": "Küche „A“"}))
    write_rooms(tmp_path / "0000.rooms.parquet", records)
    assert [_fields(r) for r in read_rooms(tmp_path / "0000.rooms.parquet")] == [
        _fields(r) for r in records
    ]


def test_an_empty_table_is_a_table(tmp_path):
    write_rooms(tmp_path / "rooms.parquet", [])
    assert read_rooms(tmp_path / "rooms.parquet") == []
    assert "objects" in pq.read_schema(tmp_path / "rooms.parquet").names


def test_the_same_records_have_the_same_bytes(tmp_path):
    for name in "ab":
        write_rooms(tmp_path / name, [random_record(seed) for seed in SEEDS])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("change", ["flip", "cut", "replace", "missing", "column", "value"])
def test_a_damaged_or_foreign_table_is_refused(tmp_path, change):
    path = tmp_path / "0000.rooms.parquet"
    write_rooms(path, [random_record(1)])
    content = bytearray(path.read_bytes())
    if change == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif change == "cut":
        path.write_bytes(content[:-20])
    elif change == "replace":
        path.write_bytes(b"rooms")
    elif change == "missing":
        path.unlink()
    elif change == "column":
        write_table(path, pd.DataFrame({"scene_id": ["house"]}))
    else:
        bad = random_record(1).model_copy(update={"world_from_camera": (1.0,)})
        write_rooms(path, [bad])
    with pytest.raises(UserError, match=r"0000\.rooms\.parquet"):
        read_rooms(path)


def _numbers(layout: RoomLayout) -> np.ndarray:
    arrays = [layout.floor_polygon_m]
    arrays += [np.stack([box.centre_m, box.size_m, *box.rotation]) for box in layout.boxes]
    arrays += [np.stack([wall.start_m, wall.end_m]) for wall in layout.walls]
    arrays += [opening.centre_m[None] for opening in layout.openings]
    return np.concatenate(arrays)


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_frames_there_and_back(seed, tilted):
    record = random_record(seed, tilted=tilted)
    world = room_layout(record, "world")
    for frame in FRAMES:
        layout = room_layout(record, frame)
        assert layout.frame == frame
        back = change_frame(layout, record, "world")
        np.testing.assert_allclose(_numbers(back), _numbers(world), atol=1e-12)
        for other in FRAMES:
            np.testing.assert_allclose(
                _numbers(change_frame(layout, record, other)),
                _numbers(room_layout(record, other)),
                atol=1e-12,
            )
    assert room_layout(record, "room").floor_polygon_m.min(axis=0) == pytest.approx([0, 0, 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_frames_are_those_of_the_camera(seed):
    record = random_record(seed)
    pose, camera = camera_pose(record), record_camera(record)
    ahead = np.array([pose[:3, 3] + 2 * pose[:3, 2], pose[:3, 3] + [0, 0, 1]])
    level = transform(frame_from_world(record, "level_camera"), ahead)
    assert level[0, 0] == pytest.approx(0, abs=1e-9)
    assert level[0, 1] > 0
    assert level[1] == pytest.approx([0, 0, 1])
    boxes = room_layout(record, "opencv_camera").boxes
    world = room_layout(record, "world").boxes
    pixels, depth = project(np.array([b.centre_m for b in world]), camera.intrinsics, pose)
    k = camera_intrinsics(record)
    for box, pixel, z in zip(boxes, pixels, depth, strict=True):
        assert box.centre_m[2] == pytest.approx(z)
        if z > 0:
            assert (k @ box.centre_m)[:2] / z == pytest.approx(pixel)


def test_visible_objects_come_near_to_far():
    for seed in SEEDS:
        record = random_record(seed)
        layout = room_layout(record, "level_camera", objects="visible")
        distances = [float(np.linalg.norm(box.centre_m)) for box in layout.boxes]
        assert distances == sorted(distances)
        assert {box.key for box in layout.boxes} == {
            item.object_id for item in record.objects if item.is_visible
        }
        nearest = min(
            (item for item in record.objects if item.is_visible),
            key=lambda item: camera_distance_m(record, item),
        )
        assert layout.boxes[0].box_2d_px == nearest.box_px


def test_all_objects_keep_their_order_and_their_parents():
    record = random_record(3)
    everything = room_layout(record, "world")
    assert [box.key for box in everything.boxes] == [item.object_id for item in record.objects]
    assert everything.boxes[3].parent == "Bed|0"
    tops = room_layout(record, "world", include_children=False)
    assert [box.key for box in tops.boxes] == [
        item.object_id for item in record.objects if not item.parent_id
    ]
    # Number 0 is hidden: its child has no parent among the visible ones.
    hidden = record.model_copy(
        update={
            "objects": (
                record.objects[0],
                record.objects[3].model_copy(update={"is_visible": True}),
            )
        }
    )
    assert [box.parent for box in room_layout(hidden, "world", objects="visible").boxes] == [""]


def test_phrases_stand_for_categories_where_there_are_some():
    record = random_record(0)
    labels = [box.label for box in room_layout(record, "world", phrases=True).boxes]
    assert labels[:2] == ["a thing, number 0", "Chair"]


def test_openings_count_the_walls_that_a_layout_has():
    record = random_record(0)
    drawn = room_layout(record, "world")
    assert (len(drawn.walls), drawn.openings[0].wall) == (3, 2)
    every = room_layout(record, "world", open_walls=True)
    assert (len(every.walls), every.openings[0].wall) == (4, 3)
    for layout in (drawn, every):
        assert layout.walls[layout.openings[0].wall].material == "Paint3"
    back = read_program(write_program(every), wall_height_m=2.7)
    np.testing.assert_allclose(back.openings[0].centre_m, every.openings[0].centre_m, atol=0.011)
