"""Objects from files: boxes of detectors, masks that are lifted and merged, faulty ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room, walk
from testing.scan_layouts.phones import write_arkitscenes
from testing.scan_layouts.pictures import png
from testing.scan_layouts.scannet import write_posed_images
from tests.sources.readers.scans.checks import open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.mask_lifting import LiftingSettings
from workflow_scripts.sources.readers.scans.annotation_files import MaskFolder, read_boxes
from workflow_scripts.sources.readers.scans.arkitscenes import ARKitScenesReader
from workflow_scripts.sources.readers.scans.lift_scan import with_boxes, with_masks
from workflow_scripts.sources.readers.scans.scannet import ScanNetReader

BOX = [1.0, 2, 3, 0.5, 0.6, 0.7]


@pytest.mark.parametrize(
    ("content", "yaw_deg"),
    [
        ([BOX], 0),
        ([[*BOX, np.pi / 6]], 30),
        ([{"label": "chair", "box": BOX, "yaw_deg": 20}], 20),
        ([{"category": "chair", "bbox_3d": [*BOX, np.pi / 6, 0, 0]}], 30),
        ([{"class": "chair", "center": BOX[:3], "size": BOX[3:], "heading": np.pi / 4}], 45),
        ({"scannet/scene0000_00": [BOX], "scannet/scene0000_01": []}, 0),
        ({"boxes": [BOX]}, 0),
    ],
)
def test_boxes_of_many_writers(content, yaw_deg: float, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    boxes = read_boxes(path, "scene0000_00")
    (box,) = boxes.objects
    assert not boxes.left_out
    np.testing.assert_allclose([*box.centre_m, *box.size_m], BOX, atol=1e-9)
    assert box.yaw_deg == pytest.approx(yaw_deg)
    assert box.label in ("chair", "object")


def test_faulty_boxes_are_left_out_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    boxes = [
        BOX,
        [*BOX[:5], -0.1],
        [*BOX[:5], 0],
        [*BOX[:5], float("nan")],
        BOX[:5],
        "text",
        {"label": "chair"},
        {"label": "chair", "box": BOX, "score": 0.1},
        BOX,
    ]
    path.write_text(json.dumps(boxes))
    result = read_boxes(path, "any", min_score=0.3)
    assert [scan_object.instance for scan_object in result.objects] == [1, 9]
    texts = ["above 0", "above 0", "finite", "5 numbers", "finite", "no box", "score 0.1"]
    for reason, text in zip(result.left_out, texts, strict=True):
        assert text in reason
    path.write_text('{"scene1": []}')
    with pytest.raises(UserError, match="no boxes of scan 'scene2'"):
        read_boxes(path, "scene2")
    path.write_text('{"boxes": 3}')
    with pytest.raises(UserError, match="must be a list"):
        read_boxes(path, "scene2")


def write_masks(
    folder: Path, room: PosedRoom, frame_ids: list[str], *, turns: int = 0, repeat: int = 1
) -> None:
    """Write masks whose ids are drawn anew for every frame."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    for index, frame_id in enumerate(frame_ids):
        numbers = np.r_[0, rng.permutation(250)[: len(BOXES)] + 1].astype(np.uint8)
        ids = numbers[np.rot90(room.instance[index], turns)]
        ids = ids.repeat(repeat, axis=0).repeat(repeat, axis=1)
        (folder / f"{frame_id}.png").write_bytes(png(ids))
        labels = {str(numbers[n]): {"class": box[0]} for n, box in enumerate(BOXES, start=1)}
        (folder / f"{frame_id}.json").write_text(json.dumps(labels))


@pytest.mark.parametrize("repeat", [1, 2])
def test_masks_without_identity_become_objects_of_a_scan(repeat: int, tmp_path: Path) -> None:
    room = make_room(16, colour_size_px=(192, 144), depth_size_px=(96, 72))
    write_posed_images(tmp_path, room)
    scan = open_only(ScanNetReader(), tmp_path)
    # Masks of the size of depth, or of the colour picture.
    write_masks(tmp_path / "masks", room, [f.frame_id for f in scan.frames], repeat=repeat)
    lifted = with_masks(scan, MaskFolder(tmp_path / "masks"), LiftingSettings(min_frames=3))
    assert sorted(item.label for item in lifted.objects) == sorted(box[0] for box in BOXES)
    assert lifted.load_points is not None
    points = lifted.load_points()
    assert set(points.instance.tolist()) == {item.instance for item in lifted.objects}
    # One number is one object in all frames.
    true_of: dict[int, set[int]] = {}
    for frame, ids in zip(lifted.frames, room.instance, strict=True):
        assert frame.load_instance is not None
        instance = frame.load_instance()
        assert instance.shape == ids.shape
        for number in np.unique(instance[instance > 0]):
            true, counts = np.unique(ids[instance == number], return_counts=True)
            true_of.setdefault(int(number), set()).add(int(true[counts.argmax()]))
    assert all(len(true) == 1 for true in true_of.values())
    assert len(true_of) == len(lifted.objects)


def test_masks_turn_with_their_pictures(tmp_path: Path) -> None:
    lying = make_room(16, poses=walk(16, roll_deg=90), depth_size_px=(96, 72))
    write_arkitscenes(tmp_path, lying)
    scan = open_only(ARKitScenesReader(), tmp_path)
    assert scan.frames[0].quarter_turns == 3
    write_masks(tmp_path / "masks", lying, [frame.frame_id for frame in scan.frames])
    lifted = with_masks(scan, MaskFolder(tmp_path / "masks"), LiftingSettings(min_frames=3))
    # Turned the other way, no mask would lie on its object.
    assert sorted(item.label for item in lifted.objects) == ["chair", "chair", "table"]
    for item in lifted.objects:
        distances = [
            np.abs(np.array(item.centre_m) - (np.array(low) + np.array(high)) / 2).max()
            for label, low, high in BOXES
            if label == item.label
        ]
        assert min(distances) < 0.2
    assert not any("no masks" in warning for warning in lifted.warnings)


def test_faulty_masks_cost_their_frame(tmp_path: Path) -> None:
    room = make_room(8)
    write_posed_images(tmp_path, room)
    scan = open_only(ScanNetReader(), tmp_path)
    ids = [frame.frame_id for frame in scan.frames]
    folder = tmp_path / "masks"
    write_masks(folder, room, ids)
    (folder / f"{ids[0]}.png").write_bytes(b"no picture")
    (folder / f"{ids[1]}.png").write_bytes(png(np.zeros((10, 10), np.uint8)))
    (folder / f"{ids[2]}.png").write_bytes(png(np.zeros((48, 64, 3), np.uint8)))
    (folder / f"{ids[3]}.json").write_text('{"one": "chair"}')
    (folder / f"{ids[4]}.png").unlink()
    lifted = with_masks(scan, MaskFolder(folder))
    warnings = [warning for warning in lifted.warnings if "no masks" in warning]
    texts = ["cannot be read", "10 x 10", "one channel", "not the id of a mask"]
    for warning, text in zip(warnings, texts, strict=True):
        assert text in warning
    assert lifted.frames[0].load_instance is not None
    assert not lifted.frames[0].load_instance().any()
    assert lifted.objects


def test_a_folder_without_masks_of_the_scan_is_an_error(tmp_path: Path) -> None:
    room = make_room(3)
    write_posed_images(tmp_path, room)
    scan = open_only(ScanNetReader(), tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        MaskFolder(tmp_path / "masks")
    (tmp_path / "masks").mkdir()
    with pytest.raises(UserError, match="no masks"):
        MaskFolder(tmp_path / "masks")
    (tmp_path / "masks/other.png").write_bytes(png(np.zeros((4, 4), np.uint8)))
    with pytest.raises(UserError, match=r"00000\.png, not other\.png"):
        with_masks(scan, MaskFolder(tmp_path / "masks"))


def test_boxes_replace_the_objects_of_a_scan(tmp_path: Path) -> None:
    write_posed_images(tmp_path, make_room(3))
    scan = open_only(ScanNetReader(), tmp_path)
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps([BOX, [*BOX[:5], -1]]))
    changed = with_boxes(scan, read_boxes(path, scan.scan_id))
    assert len(changed.objects) == 1
    assert any("left out" in warning for warning in changed.warnings)


def test_boxes_whose_values_are_of_another_type_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    boxes = [
        {"box": BOX, "score": "0.9"},
        {"box": BOX, "yaw_deg": "30"},
        {"box": BOX, "heading": None, "label": 5},
        {"box": BOX, "label": ["chair"]},
        [*BOX[:3], 1e300, 1, 1],
        [1e300, *BOX[1:]],
        {"box": BOX, "id": "a", "label": "two\nlines"},
        {"box": BOX, "id": "a"},
    ]
    path.write_text(json.dumps(boxes))
    read = read_boxes(path, "scene0000_00")
    texts = ["score '0.9'", "yaw_deg '30'", "label ['chair']", "in meters", "in meters"]
    for reason, text in zip(read.left_out, texts, strict=True):
        assert text in reason
    assert [item.label for item in read.objects] == ["5", "two lines", "object"]
    assert [item.object_id for item in read.objects] == ["2", "a", "a-2"]
    path.write_text("{}")
    with pytest.raises(UserError, match="it is empty"):
        read_boxes(path, "scene0000_00")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["chair"], "entry 0 has no id"),
        ({"1": 5}, "the name of mask 1 is 5"),
        ({"one": "chair"}, "not the id of a mask"),
        (None, "must be an object by id"),
    ],
)
def test_faulty_names_of_masks_are_one_line(labels: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    (tmp_path / "0.png").write_bytes(png(np.zeros((4, 4), np.uint8)))
    with pytest.raises(UserError, match=message):
        MaskFolder(tmp_path)


def test_masks_without_a_frame_are_named(tmp_path: Path) -> None:
    room = make_room(4)
    write_posed_images(tmp_path, room)
    scan = open_only(ScanNetReader(), tmp_path)
    write_masks(tmp_path / "masks", room, [frame.frame_id for frame in scan.frames])
    (tmp_path / "masks/elsewhere.png").write_bytes(png(np.ones((48, 64), np.uint8)))
    lifted = with_masks(scan, MaskFolder(tmp_path / "masks"))
    assert any("1 files of masks belong to no frame" in text for text in lifted.warnings)
