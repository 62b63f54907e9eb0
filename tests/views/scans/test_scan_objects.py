"""Objects of a scan from the files of a detector reach the shard: boxes, and masks merged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room
from testing.scan_layouts.pictures import png
from testing.scan_layouts.stray_scanner import write_stray_scanner
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.base import PlanContext
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import READERS, detect_format
from workflow_scripts.sources.scan_settings import ScanViewSettings
from workflow_scripts.sources.scans import ScansSettings, plan_scans, scan_files
from workflow_scripts.views.scans import read_scans

SCAN = "8653a2142b"


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(16, depth_size_px=(96, 72))


def read(folder: Path, room: PosedRoom, **settings: Any) -> ViewShard:
    """Write a scan, read it with the objects of files."""
    path = write_stray_scanner(folder, room, as_pictures=True)
    scene = ScanScene(
        **{"source": "scans", "scene_id": f"scans-{SCAN}", "split": "train", "house": None},
        **{"origin": "tests", "format": "stray_scanner", "name": SCAN, "path": str(path)},
    )
    write_records(folder / "scenes.jsonl", [scene])
    read_scans.main(
        scenes=folder / "scenes.jsonl",
        out=folder / "0000.zarr",
        settings=ScanViewSettings.parse({"min_pixels": 20, **settings}),
    )
    return ViewShard.open(folder / "0000.zarr")


def assert_objects_are_seen(shard: ViewShard, room: PosedRoom) -> None:
    """Check that pixels of objects are those of the room's boxes, for nearly all of them."""
    assert sorted(shard.objects.category) == sorted(box[0] for box in BOXES)
    assert set(shard.visibility.instance) == set(shard.objects.instance)
    true_of: dict[int, list[np.ndarray]] = {}
    for view in range(len(shard)):
        instance = shard.instance(view)
        for number in np.unique(instance[instance > 0]):
            true_of.setdefault(int(number), []).append(room.instance[view][instance == number])
    for number, parts in true_of.items():
        true, counts = np.unique(np.concatenate(parts), return_counts=True)
        assert counts.max() > 0.9 * counts.sum()
        label = shard.objects.category[shard.objects.instance == number].item()
        assert BOXES[int(true[counts.argmax()]) - 1][0] == label


def test_masks_of_frames(room: PosedRoom, tmp_path: Path) -> None:
    folder = tmp_path / "masks" / SCAN
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index, ids in enumerate(room.instance):
        numbers = np.r_[0, rng.permutation(99)[: len(BOXES)] + 1].astype(np.uint8)
        (folder / f"{index:06d}.png").write_bytes(png(numbers[ids]))
        labels = {str(numbers[n]): box[0] for n, box in enumerate(BOXES, start=1)}
        (folder / f"{index:06d}.json").write_text(json.dumps(labels))
    shard = read(tmp_path, room, masks=str(tmp_path / "masks"))
    assert_objects_are_seen(shard, room)


def test_boxes_of_a_detector(room: PosedRoom, tmp_path: Path) -> None:
    # The world of the scan is the room's: gravity is the same and ARKit's origin is ours here.
    boxes = [
        {"label": label, "center": ((np.array(low) + high) / 2).tolist(), "score": 0.9}
        | {"size": (np.array(high) - low).tolist()}
        for label, low, high in BOXES
    ]
    boxes.append({"label": "ghost", "box": [1, 1, 1, 1, 1, 1], "score": 0.2})
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({SCAN: boxes, "other": []}))
    shard = read(tmp_path, room, boxes=str(path), min_box_score=0.5)
    assert_objects_are_seen(shard, room)
    warnings = shard.group.attrs["warnings"]
    assert "score 0.2" in str(warnings)
    skipped = read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)
    assert [row.item for row in skipped if "score 0.2" in row.reason] == ["object"]


def test_settings_of_objects(room: PosedRoom, tmp_path: Path) -> None:
    path = write_stray_scanner(tmp_path / "scans", room, as_pictures=True)
    given = {"format": "stray_scanner", "path": str(path)}
    with pytest.raises(UserError, match="one of the two"):
        ScansSettings.parse({**given, "boxes": "a.json", "masks": "b"})
    settings = ScansSettings.parse({**given, "masks": str(tmp_path / "masks")})
    context = PlanContext("scans", {}, tmp_path)
    with pytest.raises(UserError, match=r"sources\.scans\.masks: .*no such file"):
        plan_scans(settings, context)
    (tmp_path / "masks").mkdir()
    before = plan_scans(settings, context).digests
    (tmp_path / "masks/000000.png").write_bytes(png(np.zeros((2, 2), np.uint8)))
    assert plan_scans(settings, context).digests != before, "changed masks are read again"
    assert str(tmp_path / "masks") in scan_files(settings)


def test_what_is_no_scan_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(UserError) as error:
        detect_format(tmp_path)
    text = str(error.value)
    assert "\n" not in text
    for name in (*READERS, "transforms.json", "odometry.csv", "groundtruth.txt", "keyframes/"):
        assert name in text
    with pytest.raises(UserError, match="no such file or folder"):
        detect_format(tmp_path / "nowhere")
