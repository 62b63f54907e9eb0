"""ARKitScenes, Polycam, Record3D: world to camera, borders, K by columns, phones on their side."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room, surface_distance_m, walk
from testing.scan_layouts.exr import NONE, PIZ, RLE, ZIP, ZIPS, exr_bytes
from testing.scan_layouts.phones import (
    write_arkitscenes,
    write_polycam,
    write_record3d,
    write_record3d_export,
)
from testing.scan_layouts.pictures import png
from tests.sources.readers.scans.checks import assert_is_room, cloud_of, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.pose_conventions import turned_pose
from workflow_scripts.sources.readers.scans.arkitscenes import ARKitScenesReader
from workflow_scripts.sources.readers.scans.base import detect_format, usable_frames
from workflow_scripts.sources.readers.scans.lzfse import compress_stored, decompress
from workflow_scripts.sources.readers.scans.polycam import PolycamReader
from workflow_scripts.sources.readers.scans.record3d import Record3DReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(6)


def test_arkitscenes_comes_back(room: PosedRoom, tmp_path: Path) -> None:
    write_arkitscenes(tmp_path, room)
    scan = open_only(ARKitScenesReader(), tmp_path)
    assert scan.scan_id == "41048190"
    assert_is_room(scan, room)
    assert not scan.warnings
    for scan_object, (label, low, high) in zip(scan.objects, BOXES, strict=True):
        assert scan_object.label == label
        assert scan_object.yaw_deg == pytest.approx(30)
        np.testing.assert_allclose(scan_object.size_m, np.array(high) - np.array(low))


def test_arkitscenes_without_partners_in_time(room: PosedRoom, tmp_path: Path) -> None:
    frames = write_arkitscenes(tmp_path, room) / "41048190_frames"
    sorted((frames / "lowres_depth").iterdir())[1].unlink()
    (frames / "lowres_wide_intrinsics/41048190_100.197.pincam").unlink()
    (frames / "lowres_wide_intrinsics/41048190_100.297.pincam").write_text("64 48 1 2")
    lines = (frames / "lowres_wide.traj").read_text().splitlines()
    (frames / "lowres_wide.traj").write_text("\n".join([*lines[:4], lines[5]]))
    scan = open_only(ARKitScenesReader(), tmp_path)
    texts = ["", "no depth map", "no .pincam", "4 numbers", "", ""]
    # The pose of frame 4 follows from its neighbours, 0.2 s apart.
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
        assert bool(text) == bool(frame.reason)


def test_boxes_of_no_size_are_left_out_with_a_warning(room: PosedRoom, tmp_path: Path) -> None:
    target = write_arkitscenes(tmp_path, room)
    path = target / "41048190_3dod_annotation.json"
    content = json.loads(path.read_text())
    content["data"][0]["segments"]["obbAligned"]["axesLengths"] = [1, -1, 1]
    content["data"][1]["segments"] = {}
    path.write_text(json.dumps(content))
    scan = open_only(ARKitScenesReader(), tmp_path)
    assert len(scan.objects) == 2
    assert len(scan.warnings) == 2
    assert [scan_object.instance for scan_object in scan.objects] == [3, 4]


@pytest.mark.parametrize("roll_deg", [90, -90, 180])
def test_a_phone_on_its_side_gives_upright_pictures(roll_deg: float, tmp_path: Path) -> None:
    lying = make_room(6, poses=walk(6, roll_deg=roll_deg))
    write_arkitscenes(tmp_path, lying)
    scan = open_only(ARKitScenesReader(), tmp_path)
    text = "upside down" if roll_deg == 180 else "lie on their side"
    assert any(text in warning for warning in scan.warnings)
    turns = int(-roll_deg // 90) % 4
    upright = walk(6)
    for frame, pose, colour in zip(scan.frames, upright, lying.colour, strict=True):
        np.testing.assert_allclose(frame.world_from_camera, pose, atol=1e-5)
        rgb = frame.load_rgb()
        assert rgb.shape[1::-1] == frame.colour_size_px
        np.testing.assert_array_equal(rgb, np.rot90(colour, turns))
        assert surface_distance_m(cloud_of(frame)).max() < 0.01
    assert turned_pose(lying.poses[0], turns) == pytest.approx(upright[0], abs=1e-9)


@pytest.mark.parametrize("corrected", [False, True])
def test_polycam_comes_back(corrected: bool, tmp_path: Path) -> None:
    room = make_room(5, colour_size_px=(256, 192), depth_size_px=(64, 48))
    write_polycam(tmp_path, room, corrected=corrected)
    scan = open_only(PolycamReader(), tmp_path)
    assert scan.scan_id == "living-room"
    assert [frame.timestamp_s for frame in scan.frames] == pytest.approx(room.times_s.tolist())
    if not corrected:
        assert_is_room(scan, room)
        return
    for frame, pose in zip(usable_frames(scan), room.poses, strict=True):
        np.testing.assert_allclose(frame.world_from_camera, pose, atol=1e-5)
        rgb = frame.load_rgb()
        assert rgb.shape == (192 - 32, 256 - 32, 3)
        assert rgb.min() > 0, "no black border"
        assert frame.load_depth_m is not None
        assert frame.load_depth_m().shape == (40, 56)
        assert surface_distance_m(cloud_of(frame)).max() < 0.01


def test_polycam_faults(room: PosedRoom, tmp_path: Path) -> None:
    keyframes = write_polycam(tmp_path, room) / "keyframes"
    cameras = sorted((keyframes / "cameras").iterdir())
    cameras[0].unlink()
    cameras[1].write_text("{}")
    cameras[2].write_text("{")
    content = json.loads(cameras[3].read_text())
    cameras[3].write_text(json.dumps({**content, "t_00": float("nan")}))
    sorted((keyframes / "depth").iterdir())[4].unlink()
    sorted((keyframes / "confidence").iterdir())[5].write_bytes(png(np.zeros((4, 4), np.uint8)))
    scan = open_only(PolycamReader(), tmp_path)
    texts = ["no camera", "t_00 None", "not valid JSON", "not finite", "no depth map", ""]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
    load = scan.frames[5].load_depth_m
    assert load is not None
    with pytest.raises(UserError, match="confidence"):
        load()


@pytest.mark.parametrize("as_folder", [False, True])
@pytest.mark.parametrize("own_intrinsics", [False, True])
def test_record3d_comes_back(as_folder: bool, own_intrinsics: bool, tmp_path: Path) -> None:
    # Portrait, as the app records.
    room = make_room(5, colour_size_px=(72, 96), depth_size_px=(48, 64))
    write_record3d(tmp_path, room, as_folder=as_folder, own_intrinsics=own_intrinsics)
    scan = open_only(Record3DReader(), tmp_path)
    assert scan.scan_id == "room"
    assert_is_room(scan, room, unit_m=1e-6)
    assert np.isnan(scan.frames[0].load_depth_m()[0, 0])  # type: ignore[misc]
    scan.close()


def test_record3d_of_frames_past_ten_are_in_order(tmp_path: Path) -> None:
    room = make_room(12, colour_size_px=(48, 36), depth_size_px=(24, 18))
    write_record3d(tmp_path, room)
    scan = open_only(Record3DReader(), tmp_path)
    assert [frame.frame_id for frame in scan.frames][9:] == ["00009", "00010", "00011"]
    np.testing.assert_allclose(scan.frames[10].world_from_camera, room.poses[10], atol=1e-6)
    scan.close()


def test_a_matrix_that_is_not_read_by_columns_is_noticed(tmp_path: Path) -> None:
    room = make_room(4, colour_size_px=(72, 96), depth_size_px=(48, 64))
    target = write_record3d(tmp_path, room, as_folder=True, own_intrinsics=False)
    content = json.loads((target / "metadata").read_text())
    k = room.colour_intrinsics.copy()
    k[:2, 2] = [48, 36]
    (target / "metadata").write_text(json.dumps({**content, "K": k.T.ravel().tolist()}))
    with pytest.raises(UserError, match="that of a picture of 96 x 72"):
        open_only(Record3DReader(), tmp_path)


def test_record3d_faults(room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write_record3d(tmp_path, room, as_folder=True)
    content = json.loads((target / "metadata").read_text())
    content["poses"] = content["poses"][:5]
    content["poses"][1] = [0, 0, 0, 0, 1, 2, 3]
    (target / "metadata").write_text(json.dumps(content))
    (target / "rgbd/2.jpg").unlink()
    (target / "rgbd/3.depth").write_bytes(compress_stored(b"short"))
    (target / "rgbd/4.depth").write_bytes(b"bvx2" + bytes(40))
    scan = open_only(Record3DReader(), tmp_path)
    texts = ["", "not finite", "no picture", "", "", "no pose"]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
    monkeypatch.setitem(sys.modules, "liblzfse", None)
    for number, message in ((3, "5 bytes"), (4, "needs the package pyliblzfse")):
        load = scan.frames[number].load_depth_m
        assert load is not None
        with pytest.raises(UserError, match=message):
            load()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("w", 0, "whole numbers above 0"),
        ("poses", [[1, 2], [3, 4]], "7 numbers a frame"),
        ("poses", "text", "7 numbers a frame"),
        ("poses", [], "7 numbers a frame"),
        ("perFrameIntrinsicCoeffs", [[1]], "4 numbers a frame"),
    ],
)
def test_faulty_metadata_is_one_line(  # type: ignore[no-untyped-def]
    key: str, value, message: str, room: PosedRoom, tmp_path: Path
) -> None:
    target = write_record3d(tmp_path, room, as_folder=True)
    content = json.loads((target / "metadata").read_text())
    (target / "metadata").write_text(json.dumps({**content, key: value}))
    with pytest.raises(UserError, match=message):
        open_only(Record3DReader(), tmp_path)


def test_a_damaged_zip_is_one_line(room: PosedRoom, tmp_path: Path) -> None:
    path = write_record3d(tmp_path, room)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"cannot be read as an \.r3d file"):
        open_only(Record3DReader(), path)


def test_streams_of_lzfse() -> None:
    assert decompress(compress_stored(b"abc"), "x", size=3) == b"abc"
    for content in (b"", b"bvx-", compress_stored(b"abc")[:9], compress_stored(b"abc")[:-4]):
        with pytest.raises(UserError, match="cut off"):
            decompress(content, "x", size=3)
    with pytest.raises(UserError, match="not compressed"):
        decompress(b"PK\x03\x04....", "x", size=3)
    with pytest.raises(UserError, match="3 bytes; 4 are needed"):
        decompress(compress_stored(b"abc"), "x", size=4)


@pytest.mark.parametrize("compression", [NONE, RLE, ZIPS, ZIP])
def test_the_export_of_record3d_comes_back(compression: int, tmp_path: Path) -> None:
    room = make_room(11, colour_size_px=(72, 96), depth_size_px=(48, 64))
    write_record3d_export(tmp_path / "kitchen", room, compression=compression)
    assert detect_format(tmp_path) == "record3d"
    scan = open_only(Record3DReader(), tmp_path)
    assert_is_room(scan, room, unit_m=1e-6)
    assert [frame.frame_id for frame in scan.frames][9:] == ["00009", "00010"]


def test_faults_of_the_export_of_record3d(
    room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write_record3d_export(tmp_path, room)
    (target / "depth/0.exr").write_bytes(b"")
    (target / "depth/1.exr").unlink()
    (target / "rgb/2.jpg").unlink()
    other = exr_bytes({"R": np.ones((4, 4), "<f4")})
    (target / "depth/3.exr").write_bytes(other)
    depth_m = room.depth_m[4].astype("<f4")
    (target / "depth/4.exr").write_bytes(exr_bytes({"R": depth_m}, compression=PIZ))
    scan = open_only(Record3DReader(), tmp_path)
    texts = ["", "no depth map of number 1", "no picture", "", "", ""]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
        assert bool(text) == bool(frame.reason)
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    for number, message in ((0, "not an OpenEXR"), (3, "4 x 4"), (4, "pip install OpenEXR")):
        load = scan.frames[number].load_depth_m
        assert load is not None
        with pytest.raises(UserError, match=message):
            load()


def test_depth_that_is_compressed_is_read(room: PosedRoom, tmp_path: Path) -> None:
    library = pytest.importorskip("liblzfse", reason="pyliblzfse is not installed")
    write_record3d(tmp_path, room, compress=library.compress)
    scan = open_only(Record3DReader(), tmp_path)
    assert_is_room(scan, room, unit_m=1e-6)
    scan.close()


def test_a_faulty_annotation_of_arkitscenes_costs_objects_not_frames(
    room: PosedRoom, tmp_path: Path
) -> None:
    target = write_arkitscenes(tmp_path, room)
    (target / "41048190_3dod_annotation.json").write_text("{")
    scan = open_only(ARKitScenesReader(), tmp_path)
    assert len(list(usable_frames(scan))) == len(room)
    assert not scan.objects
    assert any("no objects" in warning for warning in scan.warnings)


def test_faulty_lines_of_a_trajectory_are_left_out(room: PosedRoom, tmp_path: Path) -> None:
    target = write_arkitscenes(tmp_path, room)
    path = target / "41048190_frames/lowres_wide.traj"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1][:20]]))
    (target / "41048190_frames/lowres_wide/cover.png").write_bytes(b"x")
    scan = open_only(ARKitScenesReader(), tmp_path)
    assert len(list(usable_frames(scan))) == len(room) - 1
    reasons = [frame.reason for frame in scan.frames if frame.reason]
    assert any("no time at the end" in reason for reason in reasons)
    assert any("no pose within" in reason for reason in reasons)
    assert any("1 faulty lines are left out" in warning for warning in scan.warnings)


def test_cameras_and_depth_without_a_picture_are_rows(room: PosedRoom, tmp_path: Path) -> None:
    keyframes = write_polycam(tmp_path, room) / "keyframes"
    first = sorted((keyframes / "images").iterdir())[0]
    first.unlink()
    scan = open_only(PolycamReader(), tmp_path)
    assert scan.frames[0].reason == f"no picture {first.name}"
    assert len(list(usable_frames(scan))) == len(room) - 1
