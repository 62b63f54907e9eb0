"""What lies beside photos: depth, cameras, poses; whatever is wrong has a reason, never a guess."""

import json

import numpy as np
import pytest
from PIL import Image

from testing.photos import write_json
from workflow_scripts.geometry.cameras import world_from_camera
from workflow_scripts.sources.readers.sidecar_files import (
    CAMERA_SUFFIXES,
    DEPTH_ENDINGS,
    DEPTH_SUFFIXES,
    UnusableSidecar,
    find_sidecar,
)
from workflow_scripts.views.images.sidecars import read_camera, read_depth

SIZE = {"width_px": 8, "height_px": 4}


def depth_of(path, **changes):
    return read_depth(path, **{"depth_unit_m": 0.001, **SIZE, **changes})


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".npz"])
def test_whole_numbers_count_the_unit(tmp_path, suffix):
    values = np.arange(32, dtype=np.uint16).reshape(4, 8) * 1000
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, depth=values)
    elif suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    depth = depth_of(path)
    assert depth.dtype == np.float32
    assert np.isnan(depth[0, 0])
    np.testing.assert_allclose(depth.ravel()[1:], np.arange(1, 32), rtol=1e-6)


def test_floating_point_numbers_are_metres(tmp_path):
    np.save(tmp_path / "a.npy", np.full((4, 8), 2.5))
    assert (depth_of(tmp_path / "a.npy") == 2.5).all()


def test_depth_far_away_does_not_wrap(tmp_path):
    """65.535 m is where 16 bits of millimetres end; a larger unit goes on."""
    Image.fromarray(np.full((4, 8), 65535, np.uint16)).save(tmp_path / "a.png")
    assert depth_of(tmp_path / "a.png", depth_unit_m=0.01).max() == pytest.approx(655.35)


def test_what_is_no_depth_is_nan(tmp_path):
    values = np.full((4, 8), 2.0)
    values[0, :5] = [np.nan, np.inf, -np.inf, 0.0, -3.0]
    np.save(tmp_path / "a.npy", values)
    depth = depth_of(tmp_path / "a.npy")
    assert np.isnan(depth[0, :5]).all()
    assert np.isfinite(depth).sum() == 27


def test_65535_marks_pixels_without_depth(tmp_path):
    values = np.full((4, 8), 2000, np.uint16)
    values[0] = 65535
    Image.fromarray(values).save(tmp_path / "a.png")
    depth = depth_of(tmp_path / "a.png")
    assert np.isnan(depth[0]).all()
    assert (depth[1:] == 2).all()
    np.save(tmp_path / "a.npy", values.astype(np.float32) / 30000)
    assert np.isfinite(depth_of(tmp_path / "a.npy")).all()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((4, 8), 2300.0), r"beyond 2\.3e\+03 m; set .*depth_float_unit_m: 0\.001 if"),
        (np.full((4, 8), 230.0), r"depth_float_unit_m: 0\.001 .* 0\.01 if its"),
        (np.full((4, 8), 3, np.uint16), r"within 0\.003 m; set .*depth_unit_m: 1 if its"),
        (np.full((4, 8), 10**7, np.int32), "depth_unit_m to the meters"),
        (np.full((4, 8), 65535, np.uint16), "every pixel is 65535"),
        (np.linspace(0.001, 1, 32).reshape(4, 8), "from 0 to 1: relative depth"),
    ],
)
def test_depth_of_another_unit_names_the_unit_to_set(tmp_path, values, reason):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(UnusableSidecar, match=rf"depth: a\.npy.*{reason}"):
        depth_of(tmp_path / "a.npy")


def test_the_unit_of_floating_point_numbers_can_be_set(tmp_path):
    np.save(tmp_path / "a.npy", np.full((4, 8), 2300.0))
    depth = depth_of(tmp_path / "a.npy", depth_float_unit_m=0.001)
    np.testing.assert_allclose(depth, 2.3, rtol=1e-6)


def test_of_several_arrays_the_one_called_depth_is_read(tmp_path):
    depth, other = np.full((4, 8), 2.0), np.ones((4, 8))
    np.savez(tmp_path / "a.npz", confidence=other, depth=depth)
    assert (depth_of(tmp_path / "a.npz") == 2).all()
    for names in ({"first": depth, "second": other}, {"depth": depth, "depth_m": other}, {}):
        np.savez(tmp_path / "a.npz", **names)
        with pytest.raises(UnusableSidecar, match=r"a\.npz has \d arrays .*'depth'"):
            depth_of(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((4, 8)), "no pixel with a finite depth"),
        (np.full((4, 8), np.nan), "no pixel with a finite depth"),
        (np.full((4, 8), np.inf), "no pixel with a finite depth"),
        (np.full((4, 8), -1.0), "no pixel with a finite depth"),
        (np.full((4, 8), 1e300), "no pixel with a finite depth"),
        (np.ones((8, 4)), "is 4 x 8, the upright photo 8 x 4"),
        (np.ones((4, 8, 3)), "has shape"),
        (np.ones(8), "has shape"),
        (np.ones((0, 8)), "has shape"),
        (np.ones((4, 8), np.uint8), "8 bits"),
        (np.ones((4, 8), bool), "8 bits"),
        (np.ones((4, 8), complex), "not numbers"),
        (np.full((4, 8), "x"), "not numbers"),
        (np.array([[None] * 8] * 4), "broken"),
    ],
)
def test_depth_that_cannot_be_used(tmp_path, values, reason):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(UnusableSidecar, match=rf"depth: a\.npy.*{reason}"):
        depth_of(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", DEPTH_SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x93NUMPY\x01\x00", b"PK\x03\x04"])
def test_broken_depth_files(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnusableSidecar, match=r"depth: .* is broken"):
        depth_of(path)


def test_an_extra_axis_of_one_is_no_matter(tmp_path):
    np.save(tmp_path / "a.npy", np.full((1, 4, 8), 2.0))
    assert depth_of(tmp_path / "a.npy").shape == (4, 8)


def test_companions_have_the_stem_of_the_photo(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below/a.b.npy").write_bytes(b"x")
    assert find_sidecar(tmp_path, "below/a.b", DEPTH_SUFFIXES) == tmp_path / "below/a.b.npy"
    assert find_sidecar(tmp_path, "below/a", DEPTH_SUFFIXES) is None
    assert find_sidecar(None, "a", DEPTH_SUFFIXES) is None
    one = write_json(tmp_path / "camera.json", {})
    assert find_sidecar(one, "anything", CAMERA_SUFFIXES) == one


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("IMG_1.NPY", "img_1"),
        ("Below/A.Png", "below/a"),
        ("a_depth.npy", "a"),
        ("A_Depth.PNG", "a"),
        ("a-depth.tiff", "a"),
        ("Ku\u0308che.npy", "K\u00fcche"),
        ("a.jpg.npy", "a.jpg"),
    ],
)
def test_companions_match_in_any_case_and_with_what_they_are_after_the_name(tmp_path, name, stem):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert find_sidecar(tmp_path, stem, DEPTH_SUFFIXES, DEPTH_ENDINGS) == path
    assert find_sidecar(tmp_path, f"{stem}2", DEPTH_SUFFIXES, DEPTH_ENDINGS) is None


def test_the_exact_name_wins_and_two_others_are_ambiguous(tmp_path):
    for name in ("A.npy", "a.npy", "B.npy", "b.NPY"):
        (tmp_path / name).write_bytes(b"x")
    assert find_sidecar(tmp_path, "a", DEPTH_SUFFIXES) == tmp_path / "a.npy"
    with pytest.raises(UnusableSidecar, match=r"ambiguous: B\.npy and b\.NPY"):
        find_sidecar(tmp_path, "b", DEPTH_SUFFIXES)


CAMERA = {"fx": 10, "fy": 11, "cx": 4, "cy": 2}


@pytest.mark.parametrize(
    "content",
    [
        CAMERA,
        {"K": [[10, 0, 4], [0, 11, 2], [0, 0, 1]]},
        {"intrinsics": [10, 0, 4, 0, 11, 2, 0, 0, 1]},
        {"fx": 20, "fy": 22, "cx": 8, "cy": 4, "width": 16, "height": 8},
    ],
)
def test_cameras_in_json(tmp_path, content):
    camera = read_camera(write_json(tmp_path / "a.json", content), **SIZE)
    np.testing.assert_allclose(camera.intrinsics, [[10, 0, 4], [0, 11, 2], [0, 0, 1]])
    assert camera.world_from_camera is None


def test_cameras_of_four_rows_and_with_commas(tmp_path):
    four = [[10, 0, 4, 0], [0, 11, 2, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert read_camera(write_json(tmp_path / "a.json", {"K": four}), **SIZE).intrinsics[1, 1] == 11
    for text in (
        "10 0 4 0\n0 11 2 0\n0 0 1 0\n0 0 0 1\n",
        "[[10, 0, 4],\n [0, 11, 2],\n [0, 0, 1]]",
    ):
        (tmp_path / "a.txt").write_text(text)
        camera = read_camera(tmp_path / "a.txt", **SIZE)
        np.testing.assert_allclose(camera.intrinsics, [[10, 0, 4], [0, 11, 2], [0, 0, 1]])


def test_a_principal_point_far_from_the_middle_needs_the_size(tmp_path):
    content = {**CAMERA, "cx": 7, "width": 8, "height": 4}
    assert read_camera(write_json(tmp_path / "a.json", content), **SIZE).intrinsics[0, 2] == 7


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_cameras_of_every_unicode_encoding(tmp_path, encoding):
    (tmp_path / "a.json").write_text(json.dumps(CAMERA), encoding=encoding)
    assert read_camera(tmp_path / "a.json", **SIZE).intrinsics[1, 1] == 11
    (tmp_path / "a.TXT").write_text("10 0 4\n0 11 2\n0 0 1\n", encoding=encoding)
    assert read_camera(tmp_path / "a.TXT", **SIZE).intrinsics[1, 1] == 11


def test_cameras_in_text_and_with_a_pose(tmp_path):
    (tmp_path / "a.txt").write_text("10 0 4\n0 11 2\n\n0 0 1\n")
    assert read_camera(tmp_path / "a.txt", **SIZE).intrinsics[1, 1] == 11
    pose = world_from_camera((1, 2, 1.5), yaw_deg=30, pitch_deg=-20)
    path = write_json(tmp_path / "a.json", {**CAMERA, "world_from_camera": pose.tolist()})
    np.testing.assert_allclose(read_camera(path, **SIZE).world_from_camera, pose)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "must have fx"),
        ([], "not a JSON object"),
        ({"fx": 0, "cx": 1, "cy": 1}, "not a pinhole"),
        ({"fx": -5, "cx": 1, "cy": 1}, "not a pinhole"),
        ({"fx": "wide", "cx": 1, "cy": 1}, "must have fx"),
        ({"fx": None, "cx": 1, "cy": 1}, "must have fx"),
        ({"K": [[1, 2], [3, 4]]}, "must have fx"),
        ({"K": [[10, 5, 4], [0, 10, 2], [0, 0, 1]]}, "not a pinhole"),
        ({"K": [[10, 0, 4], [0, 10, 2], [0, 0, 2]]}, "not a pinhole"),
        ({**CAMERA, "cx": 4000}, "principal point"),
        ({"fx": 2.5, "fy": 5, "cx": 1, "cy": 1}, "is normalized"),
        ({"fx": 0.8, "cx": 0.5, "cy": 0.5}, "is normalized"),
        ({"fx": 2.5, "cx": 1.1, "cy": 0.5}, "far from the middle.*'width' and 'height'"),
        ({"fx": 20, "cx": 8, "cy": 4}, "far from the middle.*'width' and 'height'"),
        ({**CAMERA, "fx": 10**400}, "broken"),
        ({**CAMERA, "fx": True}, "must have fx.*true is not a number"),
        ({"K": [[10, 0, 4, 1], [0, 11, 2, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "must have fx"),
        ({**CAMERA, "fx": 0.042, "fy": 0.042}, "focal length of 0.042 px.*not in millimetres"),
        ({**CAMERA, "width": 10**300, "height": 1}, r"is of a 1e\+300 x 1 image"),
        ({**CAMERA, "width": 80, "height": 80}, "is of a 80 x 80 image"),
        ({**CAMERA, "width": 0, "height": 0}, "has size"),
        ({**CAMERA, "width": "8", "height": 4}, "has size"),
        ({**CAMERA, "world_from_camera": [1, 2]}, "not a 4 x 4"),
        ({**CAMERA, "world_from_camera": [[2, 0, 0, 0]] * 4}, "not a rigid transform"),
        (
            {**CAMERA, "world_from_camera": np.diag([1, 1, -1, 1]).tolist()},
            "not a rigid transform",
        ),
    ],
)
def test_cameras_that_cannot_be_used(tmp_path, content, reason):
    with pytest.raises(UnusableSidecar, match=reason):
        read_camera(write_json(tmp_path / "a.json", content), **SIZE)


@pytest.mark.parametrize("text", ["", "{", "1 2 3", "a b c", "\x00", "[" * 5000, '{"fx": NaN}'])
@pytest.mark.parametrize("suffix", CAMERA_SUFFIXES)
def test_broken_camera_files(tmp_path, suffix, text):
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    with pytest.raises(UnusableSidecar):
        read_camera(path, **SIZE)


def test_numbers_that_json_does_not_have(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**CAMERA, "fx": float("nan")}))
    with pytest.raises(UnusableSidecar, match="not a pinhole"):
        read_camera(tmp_path / "a.json", **SIZE)
