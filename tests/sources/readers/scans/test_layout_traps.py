"""Traps of the layouts: units, order, cameras and folders that one reads wrongly without notice."""

import builtins
import json
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room
from testing.scan_layouts.embodiedscan import info_of, write_embodiedscan, write_infos
from testing.scan_layouts.nerfstudio import write_nerfstudio
from testing.scan_layouts.phones import write_arkitscenes, write_polycam
from testing.scan_layouts.pictures import jpeg, png
from testing.scan_layouts.scannet import whole_pixels, write_export
from tests.sources.readers.scans.checks import assert_is_room, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.arkitscenes import ARKitScenesReader
from workflow_scripts.sources.readers.scans.base import Scan, detect_format
from workflow_scripts.sources.readers.scans.embodiedscan import EmbodiedScanReader
from workflow_scripts.sources.readers.scans.nerfstudio import NerfstudioReader
from workflow_scripts.sources.readers.scans.polycam import PolycamReader
from workflow_scripts.sources.readers.scans.scannet import ScanNetReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(4)


def first_depth(scan: Scan) -> np.ndarray:
    load = scan.frames[0].load_depth_m
    assert load is not None
    return load()


def test_names_without_zeros_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    room = make_room(12, colour_size_px=(48, 36), depth_size_px=(24, 18))
    write_export(tmp_path, room)
    scan = open_only(ScanNetReader(), tmp_path)
    assert [frame.frame_id for frame in scan.frames] == [str(number) for number in range(12)]
    np.testing.assert_allclose(scan.frames[10].world_from_camera, room.poses[10], atol=1e-5)


def test_every_picture_of_embodiedscan_may_have_its_own_camera(
    room: PosedRoom, tmp_path: Path
) -> None:
    data = write_embodiedscan(tmp_path, room)
    info = info_of(room)
    for image in info["images"]:
        image["cam2img"] = whole_pixels(room.colour_intrinsics)
        image["depth_cam2img"] = whole_pixels(room.depth_intrinsics)
    info["cam2img"] = info["depth_cam2img"] = whole_pixels(1.3 * room.colour_intrinsics)
    write_infos(data, [info])
    assert_is_room(open_only(EmbodiedScanReader(), data), room)


def test_depth_of_matterport_counts_quarters_of_a_millimetre(
    room: PosedRoom, tmp_path: Path
) -> None:
    data = write_embodiedscan(tmp_path, room)
    for index, path in enumerate(sorted(data.glob("scannet/posed_images/*/*.png"))):
        path.write_bytes(png(room.depth_counts(4000)[index]))
    write_infos(data, [{**info_of(room), "sample_idx": "matterport3d/house/region0"}])
    assert_is_room(open_only(EmbodiedScanReader(), data), room)


def test_info_files_win_over_the_folders_that_they_name(room: PosedRoom, tmp_path: Path) -> None:
    assert detect_format(write_embodiedscan(tmp_path, room)) == "embodiedscan"


def test_a_scan_that_an_info_file_lists_twice_says_so(room: PosedRoom, tmp_path: Path) -> None:
    data = write_embodiedscan(tmp_path, room)
    write_infos(data, [info_of(room), info_of(room)])
    scan = open_only(EmbodiedScanReader(), data)
    assert any("listed 2 times" in warning for warning in scan.warnings)


class Call:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    "call",
    [
        Call(builtins.eval, "open('ran', 'w')"),
        Call(builtins.exec, "open('ran', 'w')"),
        Call(os.mkdir, "ran"),
        Call(subprocess.Popen, ["touch", "ran"]),
        Call(getattr, "text", "format"),
        Call(pickle.loads, pickle.dumps(Call(os.mkdir, "ran"))),
    ],
    ids=lambda call: call.call[0].__name__,
)
def test_no_pickle_runs_anything(
    call: Call, room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_infos(tmp_path, [{**info_of(room), "ego2global": [call]}])
    with pytest.raises(UserError, match="Do not trust this file"):
        EmbodiedScanReader().list_scans(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_of_many_levels_is_one_line(tmp_path: Path) -> None:
    content = b"]" * 100_001 + b"a" * 100_000 + b"."  # lists in lists
    (tmp_path / "embodiedscan_infos_val.pkl").write_bytes(content)
    with pytest.raises(UserError, match="embodiedscan_infos_val"):
        EmbodiedScanReader().list_scans(tmp_path)


def test_parts_of_a_transforms_file_that_are_not_read_are_named(
    room: PosedRoom, tmp_path: Path
) -> None:
    target = write_nerfstudio(tmp_path, room)
    content = json.loads((target / "transforms.json").read_text())
    content["test_frames"] = content["frames"][:1]
    content["frames"][0]["mask_path"] = "masks/0.png"
    (target / "transforms.json").write_text(json.dumps(content))
    warnings = open_only(NerfstudioReader(), tmp_path).warnings
    assert any("1 test_frames are not read" in warning for warning in warnings)
    assert any("1 frames have a mask_path" in warning for warning in warnings)


def test_depth_of_no_confidence_is_none_of_medium_is_kept(room: PosedRoom, tmp_path: Path) -> None:
    write_polycam(tmp_path / "polycam", room)
    depth_m = first_depth(open_only(PolycamReader(), tmp_path / "polycam"))
    assert np.isnan(depth_m[0, :4]).tolist() == [True, False, True, False]
    target = write_arkitscenes(tmp_path / "arkit", room)
    confidence = np.full(room.depth_m.shape[1:], 2, np.uint8)
    confidence[0, :4] = [0, 1, 0, 2]
    folder = target / "41048190_frames/confidence"
    folder.mkdir()
    for time_s in room.times_s:
        (folder / f"41048190_{time_s + 0.002:.3f}.png").write_bytes(png(confidence))
    depth_m = first_depth(open_only(ARKitScenesReader(), tmp_path / "arkit"))
    assert np.isnan(depth_m[0, :4]).tolist() == [True, False, True, False]


def test_corrected_pictures_of_polycam_win_over_the_others(tmp_path: Path) -> None:
    room = make_room(3, colour_size_px=(192, 144))
    keyframes = write_polycam(tmp_path, room, corrected=True) / "keyframes"
    for name in ("images", "cameras"):
        (keyframes / name).mkdir()
    for path in (keyframes / "corrected_images").iterdir():
        (keyframes / "images" / path.name).write_bytes(jpeg(np.zeros((144, 192, 3), np.uint8)))
        (keyframes / f"cameras/{path.stem}.json").write_text("{}")
    scan = open_only(PolycamReader(), tmp_path)
    assert all(not frame.reason for frame in scan.frames)
    assert scan.frames[0].load_rgb().max() > 50
