"""`transforms.json`: variants of K, lenses, portrait pictures, scaled poses, faulty frames."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room, trace_rays
from testing.scan_layouts.nerfstudio import camera_keys, write_nerfstudio
from testing.scan_layouts.pictures import jpeg, png
from tests.sources.readers.scans.checks import assert_is_room, open_only
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.lens_distortion import LensDistortion
from workflow_scripts.sources.readers.scans.base import Scan, usable_frames
from workflow_scripts.sources.readers.scans.nerfstudio import NerfstudioReader
from workflow_scripts.views.scans.scan_checks import pose_warnings


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(6)


def edited(target: Path, change: Callable[[dict[str, Any]], object]) -> Scan:
    """Return the scan after a change of its file."""
    path = target / "transforms.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return open_only(NerfstudioReader(), target)


def test_a_scan_comes_back(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)
    for path in (tmp_path, target, target / "transforms.json"):
        scan = open_only(NerfstudioReader(), path)
        assert_is_room(scan, room)
        assert scan.scan_id == "my_room"
        assert [frame.frame_id for frame in scan.frames][:2] == ["frame_00001", "frame_00002"]
        assert not scan.warnings


def test_each_frame_may_have_its_own_camera(room: PosedRoom, tmp_path: Path) -> None:
    other = make_room(6, focal_share=0.9)
    mixed = replace(
        room,
        colour=np.concatenate([room.colour[:3], other.colour[3:]]),
        depth_m=np.concatenate([room.depth_m[:3], other.depth_m[3:]]),
    )
    target = write_nerfstudio(tmp_path, mixed)

    def own_cameras(content: dict[str, Any]) -> None:
        for key in ("fl_x", "fl_y", "cx", "cy"):
            del content[key]
        for index, frame in enumerate(content["frames"]):
            of = room if index < 3 else other
            frame.update(camera_keys(of.colour_intrinsics, of.colour_size_px))

    scan = edited(target, own_cameras)
    assert_is_room(scan, mixed)
    assert scan.frames[0].depth_intrinsics[0, 0] != scan.frames[5].depth_intrinsics[0, 0]


def test_an_angle_of_view_stands_for_the_focal_length(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)
    width, height = room.colour_size_px

    def angles(content: dict[str, Any]) -> None:
        content["camera_angle_x"] = 2 * math.atan(0.5 * width / content.pop("fl_x"))
        content["camera_angle_y"] = 2 * math.atan(0.5 * height / content.pop("fl_y"))

    assert_is_room(edited(target, angles), room)


def test_rescaled_poses_become_metric_again(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)

    def rescale(content: dict[str, Any]) -> None:
        content["applied_scale"] = 0.25
        for frame in content["frames"]:
            for row in range(3):
                frame["transform_matrix"][row][3] *= 0.25

    scan = edited(target, rescale)
    assert_is_room(scan, room)
    assert any("applied_scale" in warning for warning in scan.warnings)


@pytest.mark.parametrize("key", ["depth_unit_scale_factor", "integer_depth_scale"])
def test_depth_in_another_unit(key: str, room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room, **{key: 0.00025})
    for index in range(len(room)):
        path = target / f"depth/{index + 1:05d}.png"
        path.write_bytes(png(room.depth_counts(4000)[index]))
    assert_is_room(open_only(NerfstudioReader(), tmp_path), room, unit_m=0.00025)


def test_depth_in_npy_counts_the_same_unit(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)

    def as_arrays(content: dict[str, Any]) -> None:
        for index, frame in enumerate(content["frames"]):
            frame["depth_file_path"] = f"depth/{index}.npy"
            np.save(target / f"depth/{index}.npy", 1000 * room.depth_m[index].astype("f4"))

    assert_is_room(edited(target, as_arrays), room)


@pytest.mark.parametrize(
    "lens",
    [
        LensDistortion("opencv", (-0.08, 0.01, 0.0, 0.0), (0.004, -0.003)),
        LensDistortion("fisheye", (0.03, -0.005, 0.001, 0.0)),
    ],
)
def test_distorted_pictures_become_those_of_a_pinhole(lens: LensDistortion, tmp_path: Path) -> None:
    room = make_room(4, colour_size_px=(96, 72), depth_size_px=(96, 72))
    k = room.colour_intrinsics
    columns, rows = np.meshgrid(np.arange(96) + 0.5, np.arange(72) + 0.5)
    wanted = (columns - k[0, 2]) / k[0, 0], (rows - k[1, 2]) / k[1, 1]
    x, y = wanted[0].copy(), wanted[1].copy()
    for _ in range(100):
        shown = lens.distort(x, y)
        x, y = x + 0.5 * (wanted[0] - shown[0]), y + 0.5 * (wanted[1] - shown[1])
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    seen = [trace_rays(rays @ pose[:3, :3].T, pose[:3, 3]) for pose in room.poses]
    distorted = replace(
        room,
        colour=np.array([colour for _, _, colour in seen]),
        depth_m=np.array([depth for depth, _, _ in seen]),
    )
    target = write_nerfstudio(
        tmp_path,
        distorted,
        camera_model="OPENCV_FISHEYE" if lens.model == "fisheye" else "OPENCV",
        **{f"k{power}": value for power, value in enumerate(lens.radial, start=1)},
        p1=lens.tangential[0],
        p2=lens.tangential[1],
    )
    scan = open_only(NerfstudioReader(), target)
    for frame, depth_m, colour in zip(scan.frames, room.depth_m, room.colour, strict=True):
        assert frame.load_encoded_rgb is None
        assert frame.load_depth_m is not None
        loaded, rgb = frame.load_depth_m(), frame.load_rgb()
        is_valid = np.isfinite(loaded)
        assert is_valid.mean() > 0.8
        # Depth is that of the nearest pixel: exact where the surface is smooth.
        relative = np.abs(loaded - depth_m)[is_valid] / depth_m[is_valid]
        assert np.quantile(relative, 0.9) < 0.02
        assert np.abs(rgb.astype(int) - colour)[is_valid].mean() < 4


def test_portrait_pictures_that_exif_turns(tmp_path: Path) -> None:
    room = make_room(4, colour_size_px=(72, 96), depth_size_px=(48, 64))
    target = write_nerfstudio(tmp_path, room)
    for index in range(len(room)):
        # Stored on its side; orientation 6 says "turn clockwise to view".
        path = target / f"images/frame_{index + 1:05d}.jpg"
        path.write_bytes(jpeg(np.rot90(room.colour[index]).copy(), exif_orientation=6))
    scan = open_only(NerfstudioReader(), target)
    assert_is_room(scan, room)
    assert scan.frames[0].load_encoded_rgb is None


def test_an_orientation_in_exif_of_pictures_that_fit_k_is_not_followed(
    room: PosedRoom, tmp_path: Path
) -> None:
    target = write_nerfstudio(tmp_path, room)
    for index in range(len(room)):
        path = target / f"images/frame_{index + 1:05d}.jpg"
        path.write_bytes(jpeg(room.colour[index], exif_orientation=3))
    assert_is_room(open_only(NerfstudioReader(), target), room)


def test_scaled_pictures_scale_their_camera(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room, w=192, h=144)

    def double(content: dict[str, Any]) -> None:
        for key in ("fl_x", "fl_y", "cx", "cy"):
            content[key] *= 2

    assert_is_room(edited(target, double), room)


def test_faulty_frames_are_rows_with_a_reason(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)

    def spoil(content: dict[str, Any]) -> None:
        frames = content["frames"]
        frames[1]["file_path"] = "images/none.jpg"
        frames[2]["transform_matrix"] = [[1, 2], [3, 4]]
        frames[3]["depth_file_path"] = "depth/none.png"
        frames[4]["transform_matrix"][0][3] = float("nan")
        frames[5]["is_bad"] = True
        frames.append(dict(frames[0]))
        frames.append("text")
        frames.append({**frames[0], "file_path": "images/frame_00006.jpg", "fl_x": "wide"})

    scan = edited(target, spoil)
    reasons = [frame.reason for frame in scan.frames]
    assert reasons[0] == ""
    texts = ["missing", "4 x 4", "missing", "not finite", "blurred", "twice", "file_path", "fl_x"]
    for reason, text in zip(reasons[1:], texts, strict=True):
        assert text in reason
    assert len({frame.frame_id for frame in scan.frames}) == len(scan.frames)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("frames"), "no list 'frames'"),
        (lambda content: content.update(frames=[]), "no list 'frames'"),
        (lambda content: content.update(camera_model="EQUIRECTANGULAR"), "EQUIRECTANGULAR"),
        (lambda content: content.pop("fl_x") and content.pop("fl_y"), "camera_angle_x"),
        (lambda content: content.update(applied_scale=0), "applied_scale"),
        (lambda content: content.update(integer_depth_scale=-1), "depth_unit_scale_factor"),
        (lambda content: content.update(fl_x=-5), "focal lengths"),
        (lambda content: content.update(w=500, h=100), "the camera is of 500 x 100"),
        (lambda content: content.update(cx=5000), "principal point"),
    ],
)
def test_a_faulty_file_is_one_line(change, message: str, room: PosedRoom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message) as error:
        edited(write_nerfstudio(tmp_path, room), change)
    assert "\n" not in str(error.value)
    assert "transforms.json" in str(error.value)


def test_pictures_of_two_folders_may_have_one_name(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)
    (target / "images/right").mkdir()
    pictures = target / "images"
    (pictures / "frame_00002.jpg").rename(pictures / "right/frame_00001.jpg")

    def move(content: dict[str, Any]) -> None:
        content["frames"][1]["file_path"] = "./images/right/frame_00001.jpg"

    scan = edited(target, move)
    assert_is_room(scan, room)
    names = ["images-frame_00001", "images-right-frame_00001", "frame_00003"]
    assert [frame.frame_id for frame in scan.frames[:3]] == names


def poses_of(scan: Scan) -> list[np.ndarray]:
    return [frame.world_from_camera for frame in scan.frames if frame.world_from_camera is not None]


def test_one_frame_and_equal_poses(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)

    def same(content: dict[str, Any]) -> None:
        for frame in content["frames"]:
            frame["transform_matrix"] = content["frames"][0]["transform_matrix"]

    scan = edited(target, same)
    assert len(list(usable_frames(scan))) == len(room)
    assert any("poses are equal" in w for w in pose_warnings(poses_of(scan)))
    scan = edited(target, lambda content: content.update(frames=content["frames"][:1]))
    assert len(list(usable_frames(scan))) == 1
    assert not scan.warnings


def test_pictures_of_scannetpp_lie_beside(room: PosedRoom, tmp_path: Path) -> None:
    target = write_nerfstudio(tmp_path, room)
    dslr = tmp_path / "abc123/dslr"
    dslr.mkdir(parents=True)
    (target / "images").rename(dslr / "resized_images")
    target.rename(dslr / "nerfstudio")

    def short(content: dict[str, Any]) -> None:
        content["has_mask"] = True
        content["test_frames"] = []
        for frame in content["frames"]:
            frame["file_path"] = Path(frame["file_path"]).name

    assert_is_room(edited(dslr / "nerfstudio", short), room)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"file_path": "a" * 5000}, "is missing"),
        ({"depth_file_path": "a" * 5000}, "is missing"),
        ({"file_path": "a\0b"}, "is missing"),
        ({"fl_x": 1e-9, "fl_y": 1e-9}, "which no camera"),
        ({"fl_x": 1e12, "fl_y": 1e12}, "which no camera"),
        ({"transform_matrix": np.diag([1e300, 1, 1, 1]).tolist()}, "no rotation"),
        ({"transform_matrix": [[1, 0, 0, 1e300], *np.eye(4)[1:].tolist()]}, "from the origin"),
    ],
)
def test_values_that_no_scan_has_are_reasons(change, reason: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    target = write_nerfstudio(tmp_path, make_room(3))
    content = json.loads((target / "transforms.json").read_text())
    content["frames"][1] |= change
    (target / "transforms.json").write_text(json.dumps(content))
    scan = open_only(NerfstudioReader(), tmp_path)
    assert len(list(usable_frames(scan))) == 2
    assert reason in scan.frames[1].reason
