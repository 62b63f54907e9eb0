"""Stray Scanner: the first frame of its video, K per frame, confidence, faulty rows."""

from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room
from testing.scan_layouts.pictures import matrix_text
from testing.scan_layouts.stray_scanner import (
    drop_first_frame_in_edit_list,
    write_stray_scanner,
)
from tests.sources.readers.scans.checks import assert_is_room, colour_error, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans import video
from workflow_scripts.sources.readers.scans.base import usable_frames
from workflow_scripts.sources.readers.scans.stray_scanner import StrayScannerReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(8, colour_size_px=(192, 144))


@pytest.mark.parametrize("own_intrinsics", [False, True])
def test_a_scan_comes_back(own_intrinsics: bool, room: PosedRoom, tmp_path: Path) -> None:
    pytest.importorskip("av")
    target = write_stray_scanner(tmp_path, room, own_intrinsics=own_intrinsics)
    if own_intrinsics:
        # The one K is that of the last frame: rows that have their own do not need it.
        (target / "camera_matrix.csv").write_text(matrix_text(2 * room.colour_intrinsics))
    scan = open_only(StrayScannerReader(), tmp_path)
    assert_is_room(scan, room)
    assert [frame.timestamp_s for frame in scan.frames] == pytest.approx(room.times_s.tolist())
    scan.close()


@pytest.mark.parametrize("as_npy", [False, True])
def test_pictures_stand_for_a_video(as_npy: bool, room: PosedRoom, tmp_path: Path) -> None:
    write_stray_scanner(tmp_path, room, as_pictures=True, as_npy=as_npy)
    assert_is_room(open_only(StrayScannerReader(), tmp_path), room)


def test_the_first_frame_is_kept_that_the_edit_list_drops(
    room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av")
    target = write_stray_scanner(tmp_path, room)
    drop_first_frame_in_edit_list(target / "rgb.mp4")
    scan = open_only(StrayScannerReader(), tmp_path)
    assert_is_room(scan, room)
    scan.close()
    # With the edit list, every picture is that of the frame after it.
    monkeypatch.setattr(video, "_OPTIONS", {})
    scan = open_only(StrayScannerReader(), tmp_path)
    assert colour_error(scan.frames[0], np.eye(4)) > 10
    scan.close()


def test_frames_of_a_video_come_in_any_order(room: PosedRoom, tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_stray_scanner(tmp_path, room)
    scan = open_only(StrayScannerReader(), tmp_path)
    for number in (5, 2, 2, 7, 0, 6):
        assert colour_error(scan.frames[number], np.eye(4)) < 8
    scan.close()
    assert colour_error(scan.frames[1], np.eye(4)) < 8
    scan.close()


def test_depth_of_least_confidence_is_none(room: PosedRoom, tmp_path: Path) -> None:
    write_stray_scanner(tmp_path, room, as_pictures=True)
    frame = open_only(StrayScannerReader(), tmp_path).frames[0]
    assert frame.load_depth_m is not None
    depth_m = frame.load_depth_m()
    assert np.isnan(depth_m[0]).all()
    assert np.isfinite(depth_m[1:]).all()


def test_faulty_rows_have_a_reason(room: PosedRoom, tmp_path: Path) -> None:
    target = write_stray_scanner(tmp_path, room, as_pictures=True)
    lines = (target / "odometry.csv").read_text().splitlines()
    words = lines[2].split(", ")
    lines[2] = ", ".join([*words[:2], "nan", *words[3:]])
    words = lines[3].split(", ")
    lines[3] = ", ".join([*words[:5], "0", "0", "0", "0"])
    lines.append(lines[1])
    (target / "odometry.csv").write_text("\n".join(lines))
    (target / "depth/000003.png").unlink()
    (target / "rgb/000004.jpg").unlink()
    scan = open_only(StrayScannerReader(), tmp_path)
    assert len(scan.frames) == len(room) + 1
    texts = ["", "not finite", "not finite", "no depth map", "no picture", "", "", "", "twice"]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
        assert bool(text) == bool(frame.reason)


def test_rows_after_the_end_of_the_video_have_a_reason(room: PosedRoom, tmp_path: Path) -> None:
    pytest.importorskip("av")
    target = write_stray_scanner(tmp_path, room)
    with (target / "odometry.csv").open("a") as file:
        file.write("101.0, 000008, 0, 0, 0, 0, 0, 0, 1\n")
    scan = open_only(StrayScannerReader(), tmp_path)
    assert len(list(usable_frames(scan))) == len(room)
    assert "8 frames" in scan.frames[-1].reason
    scan.close()


def test_a_video_that_does_not_decode_is_one_line(room: PosedRoom, tmp_path: Path) -> None:
    pytest.importorskip("av")
    target = write_stray_scanner(tmp_path, room)
    content = (target / "rgb.mp4").read_bytes()
    for broken in (b"", b"no video", content[: len(content) // 2]):
        (target / "rgb.mp4").write_bytes(broken)
        with pytest.raises(UserError, match=r"rgb\.mp4: cannot be read as a video") as error:
            open_only(StrayScannerReader(), tmp_path)
        assert "\n" not in str(error.value)
    start = content.index(b"mdat")
    damaged = content[: start + 8] + bytes(2000) + content[start + 2008 :]
    (target / "rgb.mp4").write_bytes(damaged)
    scan = open_only(StrayScannerReader(), tmp_path)
    errors = 0
    for frame in scan.frames:
        try:
            frame.load_rgb()
        except UserError:
            errors += 1
    assert errors
    scan.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column timestamp"),
        ("timestamp, frame, x, y\n1, 2, 3, 4\n", "no column z"),
        ("timestamp, frame, x, y, z, qx, qy, qz, qw\n", "no rows"),
        ("timestamp, frame, x, y, z, qx, qy, qz, qw\n1, 2, 3\n", "line 2 has 3 values"),
        ("timestamp, frame, x, y, z, qx, qy, qz, qw\n1,0,a,0,0,0,0,0,1\n", "'a' is not a number"),
    ],
)
def test_faulty_odometry_is_one_line(
    text: str, message: str, room: PosedRoom, tmp_path: Path
) -> None:
    target = write_stray_scanner(tmp_path, room, as_pictures=True)
    (target / "odometry.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        open_only(StrayScannerReader(), tmp_path)
