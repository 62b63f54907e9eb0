"""EmbodiedScan's info files: poses, boxes, and pickles that would run code."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room
from testing.scan_layouts.embodiedscan import info_of, write_embodiedscan, write_infos
from tests.sources.readers.scans.checks import assert_is_room, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.base import usable_frames
from workflow_scripts.sources.readers.scans.embodiedscan import EmbodiedScanReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(5)


def test_a_scan_comes_back(room: PosedRoom, tmp_path: Path) -> None:
    data = write_embodiedscan(tmp_path, room)
    for path in (data, data / "embodiedscan_infos_train.pkl", tmp_path):
        scan = open_only(EmbodiedScanReader(), path)
        assert_is_room(scan, room)
        assert scan.scan_id == "scannet-scene0000_00"
        assert [item.object_id for item in scan.objects] == ["0", "2", "4", "6"]
        for item, (_, low, high) in zip(scan.objects, BOXES, strict=True):
            assert item.yaw_deg == pytest.approx(30)
            np.testing.assert_allclose(item.size_m, np.array(high) - np.array(low))
    assert [item.label for item in scan.objects] == ["table", "chair", "cabinet", "table"]


def test_info_files_may_lie_in_a_folder_of_their_own(room: PosedRoom, tmp_path: Path) -> None:
    data = write_embodiedscan(tmp_path, room)
    (data / "embodiedscan").mkdir()
    name = "embodiedscan_infos_train.pkl"
    (data / name).rename(data / "embodiedscan" / name)
    assert_is_room(open_only(EmbodiedScanReader(), data / "embodiedscan"), room)


class RunsCode:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def test_a_pickle_that_runs_code_runs_nothing(
    room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_infos(tmp_path, [{**info_of(room), "axis_align_matrix": RunsCode()}])
    with pytest.raises(UserError, match="Do not trust this file") as error:
        EmbodiedScanReader().list_scans(tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable info file"),
        (b"text", "not a readable info file"),
        (pickle.dumps([1, 2]), "no list 'data_list'"),
        (pickle.dumps({"data_list": [{}]}), "no sample_idx"),
        (pickle.dumps({"data_list": [1]}), "no sample_idx"),
    ],
)
def test_a_faulty_info_file_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "embodiedscan_infos_val.pkl").write_bytes(content)
    with pytest.raises(UserError, match=message):
        EmbodiedScanReader().list_scans(tmp_path)


def test_faulty_frames_and_boxes(room: PosedRoom, tmp_path: Path) -> None:
    data = write_embodiedscan(tmp_path, room)
    info = info_of(room)
    images, instances = info["images"], info["instances"]
    images[0]["img_path"] = "scannet/none.jpg"
    images[1]["cam2global"] = np.eye(3)
    images[2]["cam2global"] = np.full((4, 4), -np.inf)
    images[3] = "text"
    instances[0]["bbox_3d"][3] = -1.0
    instances[1]["bbox_3d"] = [1, 2]
    instances[3]["bbox_id"] = instances[2]["bbox_id"]
    write_infos(data, [info])
    scan = open_only(EmbodiedScanReader(), data)
    texts = ["missing", "cam2global", "not finite", "no img_path", ""]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
    assert len(list(usable_frames(scan))) == 1
    assert len(scan.objects) == 1
    assert len(scan.warnings) == 3


def test_scans_of_several_files_are_listed_once(room: PosedRoom, tmp_path: Path) -> None:
    for name, scans in {
        "train": ("scene0001_00", "scene0001_01"),
        "val": ("scene0001_00",),
    }.items():
        write_infos(tmp_path, [info_of(room, scan) for scan in scans], name=name)
    entries = EmbodiedScanReader().list_scans(tmp_path)
    assert [entry.scan_id for entry in entries] == ["scannet-scene0001_00", "scannet-scene0001_01"]
    assert {entry.place for entry in entries} == {"scene0001"}
