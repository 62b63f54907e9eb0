"""TUM RGB-D and Replica: units of depth, times that do not match, K from elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room
from testing.scan_layouts.pictures import jpeg
from testing.scan_layouts.slam import write_replica, write_tum
from tests.sources.readers.scans.checks import assert_is_room, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.base import usable_frames
from workflow_scripts.sources.readers.scans.replica import ReplicaReader
from workflow_scripts.sources.readers.scans.tum_rgbd import TumReader


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(6, colour_size_px=(64, 48))


def test_tum_comes_back(room: PosedRoom, tmp_path: Path) -> None:
    write_tum(tmp_path, room)
    assert_is_room(open_only(TumReader(), tmp_path), room, unit_m=1 / 5000)


def test_depth_of_another_size_has_its_own_camera(tmp_path: Path) -> None:
    room = make_room(4)
    write_tum(tmp_path, room)
    assert_is_room(open_only(TumReader(), tmp_path), room, unit_m=1 / 5000)


def test_other_units_of_depth(room: PosedRoom, tmp_path: Path) -> None:
    target = write_tum(tmp_path, room, per_metre=1000)
    path = target / "intrinsics.txt"
    path.write_text(path.read_text().strip() + " 1000\n")
    assert_is_room(open_only(TumReader(), tmp_path), room)
    write_replica(tmp_path, room)
    assert_is_room(open_only(ReplicaReader(), tmp_path), room, unit_m=1 / 6553.5)


def test_poses_are_those_of_the_depth_maps_times(room: PosedRoom, tmp_path: Path) -> None:
    target = write_tum(tmp_path, room)
    lines = (target / "groundtruth.txt").read_text().splitlines()
    before, after = [], []
    # The same pose before and after each depth map: between them it is the same.
    for line in lines[2:]:
        time_s, rest = line.split(" ", 1)
        before.append(f"{float(time_s) - 0.01:.6f} {rest}")
        after.append(f"{float(time_s) + 0.02:.6f} {rest}")
    mixed = [line for pair in zip(after, before, strict=True) for line in pair]
    (target / "groundtruth.txt").write_text("\n".join([*lines[:2], *mixed]))
    assert_is_room(open_only(TumReader(), tmp_path), room, unit_m=1 / 5000)


def test_what_has_no_partner_in_time_is_a_row_with_its_reason(
    room: PosedRoom, tmp_path: Path
) -> None:
    target = write_tum(tmp_path, room)
    depth = (target / "depth.txt").read_text().splitlines()
    (target / "depth.txt").write_text("\n".join([*depth[:3], *depth[4:]]))
    poses = (target / "groundtruth.txt").read_text().splitlines()
    far = [f"{float(line.split()[0]) + 5:.6f} {line.split(' ', 1)[1]}" for line in poses[6:]]
    (target / "groundtruth.txt").write_text("\n".join([*poses[:6], *far]))
    (target / "rgb" / f"{room.times_s[2] - 0.012:.6f}.png").unlink()
    scan = open_only(TumReader(), tmp_path)
    texts = ["", "no depth map within", "is missing", "", "no pose within", "no pose within"]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
        assert bool(text) == bool(frame.reason)


@pytest.mark.parametrize("name", ["rgbd_dataset_freiburg1_room", "fr3_office", "freiburg2_desk"])
def test_the_camera_of_tum_is_known_by_name(name: str, room: PosedRoom, tmp_path: Path) -> None:
    target = write_tum(tmp_path, room, name=name)
    (target / "intrinsics.txt").unlink()
    with pytest.raises(UserError, match="far outside"):
        # K of 640 x 480 does not fit these small pictures.
        open_only(TumReader(), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "write 'fx fy cx cy' into intrinsics.txt"),
        ("1 2 3", "3 numbers"),
        ("500 500 32 24 0", "units a meter"),
        ("-5 5 32 24", "focal lengths"),
        ("a b c d", "'a' is not a number"),
    ],
)
def test_a_faulty_camera_of_tum_is_one_line(
    text: str | None, message: str, room: PosedRoom, tmp_path: Path
) -> None:
    target = write_tum(tmp_path, room)
    (target / "intrinsics.txt").unlink()
    if text is not None:
        (target / "intrinsics.txt").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        open_only(TumReader(), tmp_path)
    assert "\n" not in str(error.value)


def test_replica_with_fewer_poses_or_pictures(room: PosedRoom, tmp_path: Path) -> None:
    target = write_replica(tmp_path, room)
    lines = (target / "traj.txt").read_text().splitlines()
    (target / "traj.txt").write_text("\n".join(lines[:4]))
    (target / "results/frame000001.jpg").unlink()
    (target / "results/depth000002.png").unlink()
    scan = open_only(ReplicaReader(), tmp_path)
    texts = ["", "no picture", "no depth map", "", "4 poses only", "4 poses only"]
    for frame, text in zip(scan.frames, texts, strict=True):
        assert text in frame.reason
    assert len(list(usable_frames(scan))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fx": None}, "camera.fx None"),
        ({"scale": 0}, "above 0"),
        ({"w": 100}, "pictures are 64 x 48"),
    ],
)
def test_a_faulty_camera_of_replica_is_one_line(  # type: ignore[no-untyped-def]
    change, message: str, room: PosedRoom, tmp_path: Path
) -> None:
    write_replica(tmp_path, room)
    content = json.loads((tmp_path / "cam_params.json").read_text())
    content["camera"].update(change)
    (tmp_path / "cam_params.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        open_only(ReplicaReader(), tmp_path)


def test_five_thousand_frames_are_listed_without_decoding(
    room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write_replica(tmp_path, room)
    line = (target / "traj.txt").read_text().splitlines()[0]
    (target / "traj.txt").write_text(f"{line}\n" * 5000)
    for number in range(6, 5000):
        (target / f"results/frame{number:06d}.jpg").write_bytes(b"not decoded")
        (target / f"results/depth{number:06d}.png").write_bytes(b"not decoded")
    (target / "results/frame000000.jpg").write_bytes(jpeg(room.colour[0]))
    monkeypatch.setattr("PIL.Image.Image.load", lambda *_: pytest.fail("a picture was decoded"))
    scan = open_only(ReplicaReader(), tmp_path)
    assert len(list(usable_frames(scan))) == 5000
    assert np.isfinite(scan.frames[4999].depth_intrinsics).all()
