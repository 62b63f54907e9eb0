"""ScanNet's three layouts: read back what was written, and what damaged files cost."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room
from testing.scan_layouts import scannet as writer
from testing.scan_layouts.pictures import jpeg, matrix_text, png
from tests.sources.readers.scans.checks import assert_is_room, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.base import ScanReader, usable_frames
from workflow_scripts.sources.readers.scans.ply_vertices import read_ply_vertices
from workflow_scripts.sources.readers.scans.scannet import ScanNetReader
from workflow_scripts.sources.readers.scans.scannet_sens import SensReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(8)


LAYOUTS = [
    (SensReader, writer.write_sens),
    (ScanNetReader, writer.write_posed_images),
    (ScanNetReader, writer.write_export),
]


@pytest.mark.parametrize(("reader", "write"), LAYOUTS)
def test_a_scan_comes_back(reader, write, room: PosedRoom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path, room)
    scan = open_only(reader(), tmp_path)
    assert_is_room(scan, room)
    assert scan.scan_id == "scene0000_00"
    assert scan.has_gravity
    assert not scan.warnings
    scan.close()


def test_colour_bytes_of_sens_are_the_original_ones(room: PosedRoom, tmp_path: Path) -> None:
    writer.write_sens(tmp_path, room)
    scan = open_only(SensReader(), tmp_path)
    for frame, colour, time_s in zip(scan.frames, room.colour, room.times_s, strict=True):
        assert frame.load_encoded_rgb is not None
        assert frame.load_encoded_rgb() == jpeg(colour)
        assert frame.timestamp_s == pytest.approx(time_s, abs=1e-5)


def test_raw_depth_of_sens_is_read(room: PosedRoom, tmp_path: Path) -> None:
    target = writer.write_sens(tmp_path, room)
    (target / "scene0000_00.sens").write_bytes(writer.sens_bytes(room, depth_compression=0))
    assert_is_room(open_only(SensReader(), target / "scene0000_00.sens"), room)


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_cut_off_sens_keeps_its_frames_and_says_what_is_missing(
    share: float, room: PosedRoom, tmp_path: Path
) -> None:
    target = writer.write_sens(tmp_path, room)
    content = writer.sens_bytes(room)
    (target / "scene0000_00.sens").write_bytes(content[: int(share * len(content))])
    scan = open_only(SensReader(), tmp_path)
    assert len(scan.frames) == len(room)
    usable = list(usable_frames(scan))
    assert 0 < len(usable) < len(room)
    for frame in scan.frames[len(usable) :]:
        assert "cut off" in frame.reason
    usable[-1].load_rgb()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:100], "cut off"),
        (lambda content: b"", "cut off"),
        (lambda content: struct.pack("<I", 3) + content[4:], "version 3"),
        (lambda content: content[:4] + struct.pack("<Q", 1 << 50) + content[12:], "damaged"),
        (lambda content: content[:283] + struct.pack("<i", 7) + content[287:], "compression 7"),
        (lambda content: content[:287] + struct.pack("<i", 2) + content[291:], "compression 2"),
        (lambda content: content[:311] + struct.pack("<Q", 1 << 60) + content[319:], "it says"),
        (lambda content: content[:319], "none of 8 frames"),
    ],
)
def test_a_damaged_sens_is_one_line(change, message: str, room: PosedRoom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    target = writer.write_sens(tmp_path, room)
    (target / "scene0000_00.sens").write_bytes(change(writer.sens_bytes(room)))
    with pytest.raises(UserError, match=message) as error:
        open_only(SensReader(), tmp_path)
    assert "\n" not in str(error.value)
    assert "scene0000_00.sens" in str(error.value)


def test_damaged_depth_of_sens_is_an_error_of_its_frame(room: PosedRoom, tmp_path: Path) -> None:
    target = writer.write_sens(tmp_path, room)
    content = writer.sens_bytes(room)
    depth = zlib.compress(room.depth_mm[2].astype("<u2").tobytes())
    (target / "scene0000_00.sens").write_bytes(content.replace(depth, b"x" * len(depth)))
    frames = list(usable_frames(open_only(SensReader(), tmp_path)))
    for index, frame in enumerate(frames):
        assert frame.load_depth_m is not None
        if index == 2:
            with pytest.raises(UserError, match="frame 00002: depth cannot be decompressed"):
                frame.load_depth_m()
        else:
            frame.load_depth_m()


def test_lost_tracking_is_a_row_with_its_reason(room: PosedRoom, tmp_path: Path) -> None:
    target = writer.write_posed_images(tmp_path, room)
    (target / "00010.txt").write_text(matrix_text(np.full((4, 4), -np.inf)))
    (target / "00020.txt").write_text("1 2 3\n")
    (target / "00030.txt").write_text(matrix_text(np.diag([2.0, 2, 2, 1])))
    (target / "00040.txt").write_text(matrix_text(np.diag([1.0, 1, -1, 1])))
    (target / "00050.png").unlink()
    (target / "00060.jpg").unlink()
    (target / "00070.txt").unlink()
    scan = open_only(ScanNetReader(), tmp_path)
    reasons = {frame.frame_id: frame.reason for frame in scan.frames}
    assert reasons.pop("00000") == ""
    for frame_id, text in {
        "00010": "not finite",
        "00020": "3 numbers",
        "00030": "scaled",
        "00040": "left-handed",
        "00050": "no depth map",
        "00060": "no color picture",
        "00070": "no pose",
    }.items():
        assert text in reasons.pop(frame_id)
    assert not reasons


def test_pictures_of_another_size_are_errors_of_their_frame(
    room: PosedRoom, tmp_path: Path
) -> None:
    target = writer.write_posed_images(tmp_path, room)
    (target / "00010.jpg").write_bytes(jpeg(room.colour[1][:30]))
    (target / "00020.png").write_bytes(png(room.depth_mm[2][:30]))
    (target / "00030.png").write_bytes(b"not a picture")
    frames = open_only(ScanNetReader(), tmp_path).frames
    with pytest.raises(UserError, match="one size"):
        frames[1].load_rgb()
    for frame, message in ((frames[2], "one size"), (frames[3], "cannot be decoded")):
        assert frame.load_depth_m is not None
        with pytest.raises(UserError, match=message):
            frame.load_depth_m()


def test_a_scan_without_alignment_says_so(room: PosedRoom, tmp_path: Path) -> None:
    writer.write_posed_images(tmp_path, room)
    (tmp_path / "scans/scene0000_00/scene0000_00.txt").unlink()
    scan = open_only(ScanNetReader(), tmp_path)
    assert_is_room(scan, room, aligned=writer.ALIGNMENT)
    assert any("axisAlignment" in warning for warning in scan.warnings)


def test_zero_is_no_depth_and_a_scan_without_depth_is_read(room: PosedRoom, tmp_path: Path) -> None:
    target = writer.write_posed_images(tmp_path, room)
    depth_mm = room.depth_mm[0].copy()
    depth_mm[:5], depth_mm[5:10] = 0, 65535
    (target / "00000.png").write_bytes(png(depth_mm))
    frame = open_only(ScanNetReader(), tmp_path).frames[0]
    assert frame.load_depth_m is not None
    depth_m = frame.load_depth_m()
    assert np.isnan(depth_m[:10]).all()
    assert np.isfinite(depth_m[10:]).all()
    for path in [*target.glob("*.png"), target / "depth_intrinsic.txt"]:
        path.unlink()
    scan = open_only(ScanNetReader(), tmp_path)
    assert all(frame.load_depth_m is None and not frame.reason for frame in scan.frames)
    assert any("no depth" in warning for warning in scan.warnings)


@pytest.mark.parametrize("layout", ["sens", "posed_images"])
def test_objects_are_known_by_their_ids(layout: str, room: PosedRoom, tmp_path: Path) -> None:
    write = writer.write_sens if layout == "sens" else writer.write_posed_images
    reader: ScanReader = SensReader() if layout == "sens" else ScanNetReader()
    write(tmp_path, room)
    writer.write_annotation(tmp_path / "scans/scene0000_00", first_id=3)
    scan = open_only(reader, tmp_path)
    assert [scan_object.object_id for scan_object in scan.objects] == ["3", "5", "7", "9"]
    assert [scan_object.instance for scan_object in scan.objects] == [4, 6, 8, 10]
    for scan_object, (label, low, high) in zip(scan.objects, BOXES, strict=True):
        assert scan_object.label == label
        np.testing.assert_allclose(
            scan_object.centre_m, (np.array(low) + np.array(high)) / 2, atol=1e-5
        )
        np.testing.assert_allclose(scan_object.size_m, np.array(high) - np.array(low), atol=1e-5)
    assert scan.load_points is not None
    points = scan.load_points()
    assert points.points_m.shape == (len(points.instance), 3)
    assert set(points.instance.tolist()) == {0, 4, 6, 8, 10}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda groups: groups.append(dict(groups[0])), "listed twice"),
        (lambda groups: groups[0].update(objectId=-4), "objectId -4"),
        (lambda groups: groups[0].update(objectId=70000), "objectId 70000"),
        (lambda groups: groups[0].update(segments=None), "segments must be"),
        (lambda groups: groups[0].update(segments=[10**30]), "segments must be"),
        (lambda groups: groups[0].update(segments=[12345]), "has no vertices"),
    ],
)
def test_a_faulty_annotation_costs_objects_not_frames(  # type: ignore[no-untyped-def]
    change, message: str, room: PosedRoom, tmp_path: Path
) -> None:
    writer.write_posed_images(tmp_path, room)
    writer.write_annotation(tmp_path / "scans/scene0000_00")
    path = tmp_path / "scans/scene0000_00/scene0000_00.aggregation.json"
    content = json.loads(path.read_text())
    change(content["segGroups"])
    path.write_text(json.dumps(content))
    scan = open_only(ScanNetReader(), tmp_path)
    assert len(list(usable_frames(scan))) == len(room)
    assert len(scan.objects) == (3 if "vertices" in message else 0)
    assert any(message in warning for warning in scan.warnings)


def test_segments_of_another_mesh_are_not_used(room: PosedRoom, tmp_path: Path) -> None:
    writer.write_posed_images(tmp_path, room)
    folder = tmp_path / "scans/scene0000_00"
    writer.write_annotation(folder)
    (folder / "scene0000_00_vh_clean_2.ply").write_bytes(writer.ply_bytes(np.zeros((5, 3))))
    scan = open_only(ScanNetReader(), tmp_path)
    assert not scan.objects
    assert any("not of one scan" in warning for warning in scan.warnings)
    (folder / "scene0000_00_vh_clean_2.ply").unlink()
    assert any("is missing" in warning for warning in open_only(ScanNetReader(), tmp_path).warnings)


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_vertices_of_a_mesh(kind: str, tmp_path: Path) -> None:
    points = np.random.default_rng(3).uniform(-5, 5, (40, 3))
    path = tmp_path / "mesh.ply"
    path.write_bytes(writer.ply_bytes(points, kind=kind))
    np.testing.assert_allclose(read_ply_vertices(path), points, atol=1e-6)
    path.write_bytes(writer.ply_bytes(points, kind=kind)[:400])
    with pytest.raises(UserError, match="cut off"):
        read_ply_vertices(path)


def test_several_scans_are_listed_in_natural_order(room: PosedRoom, tmp_path: Path) -> None:
    for scan in ("scene0010_00", "scene0002_01", "scene0002_00"):
        writer.write_posed_images(tmp_path, room, scan)
    entries = ScanNetReader().list_scans(tmp_path)
    assert [entry.scan_id for entry in entries] == ["scene0002_00", "scene0002_01", "scene0010_00"]
    assert [entry.place for entry in entries] == ["scene0002", "scene0002", "scene0010"]
    with pytest.raises(UserError, match=r"color/.*export"):
        ScanNetReader().list_scans(tmp_path / "scans")
