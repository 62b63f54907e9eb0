"""What a benchmark's file may name: pictures in its own folder, of a kind and size that is read."""

import os
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests.evaluate.benchmarks.sample_rows import SPATIAL, VSI, write_pictures
from tests.evaluate.benchmarks.test_import_benchmark import run_import
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.benchmarks import benchmark_files


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder of pictures, with another folder beside it that is none of its business."""
    write_pictures(tmp_path / "outside")
    return write_pictures(tmp_path / "images")


def spatial_reason(tmp_path: Path, images: Path, file: str) -> str:
    """Return why a row that names a file is skipped; the row beside it is asked."""
    rows = [{**SPATIAL[2], "image_info": {"file_path": file}}, SPATIAL[2]]
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, images)
    assert len(items) == len(skipped) == 1
    return skipped[0].reason


def vsi_reason(tmp_path: Path, images: Path, dataset: str, scene: str) -> str:
    rows = [{**VSI[0], "dataset": dataset, "scene_name": scene}, VSI[0]]
    items, skipped = run_import(tmp_path, "vsi-bench", rows, images)
    assert len(items) == len(skipped) == 1
    return skipped[0].reason


@pytest.mark.parametrize(
    "file", ["../outside/a/b.jpg", "a/../../outside/a/b.jpg", "{}/outside/a/b.jpg", "link.jpg",
             "folder/b.jpg", "chain.jpg", "{}/images/a/b.jpg", "../images/../outside/a/b.jpg"],
)  # fmt: skip
def test_a_picture_outside_of_the_folder_is_not_read(
    tmp_path: Path, images: Path, file: str
) -> None:
    (images / "link.jpg").symlink_to(tmp_path / "outside/a/b.jpg")
    (images / "chain.jpg").symlink_to("link.jpg")
    (images / "folder").symlink_to("../outside/a")
    assert "lies outside of the folder" in spatial_reason(tmp_path, images, file.format(tmp_path))


@pytest.mark.parametrize(
    ("dataset", "scene"),
    [
        ("..", "outside/scannet/scene0001_00"),
        ("../outside/scannet", "scene0001_00"),
        ("scannet", "../../outside/scannet/scene0001_00"),
        ("{}/outside/scannet", "scene0001_00"),
        ("scannet", "{}/outside/scannet/scene0001_00"),
        ("linked", "scene0001_00"),
        ("scannet", "video"),
    ],
)
def test_a_video_outside_of_the_folder_is_not_read(
    tmp_path: Path, images: Path, dataset: str, scene: str
) -> None:
    (images / "linked").symlink_to(tmp_path / "outside/scannet")
    (tmp_path / "outside.mp4").write_bytes(b"secret")
    (images / "scannet/video.mp4").symlink_to(tmp_path / "outside.mp4")
    reason = vsi_reason(tmp_path, images, dataset.format(tmp_path), scene.format(tmp_path))
    assert "its video lies outside of the folder" in reason


def test_a_frame_outside_of_the_folder_is_not_read(tmp_path: Path, images: Path) -> None:
    frames = images / "scannet/other"
    frames.mkdir()
    (frames / "0.jpg").symlink_to(tmp_path / "outside/a/b.jpg")
    assert "frame 0.jpg lies outside" in vsi_reason(tmp_path, images, "scannet", "other")


def test_links_inside_of_the_folder_and_a_folder_that_is_a_link_are_read(
    tmp_path: Path, images: Path
) -> None:
    (images / "c.jpg").symlink_to("a/b.jpg")
    (tmp_path / "linked").symlink_to("images")
    rows = [
        {**SPATIAL[2], "image_info": {"file_path": file}}
        for file in ("c.jpg", "a/../c.jpg", "./a//b.jpg")
    ]
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, tmp_path / "linked")
    assert (len(items), skipped) == (3, [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pipe.jpg", "picture pipe.jpg is not a regular file"),
        ("a", "picture a is not a regular file"),
        ("", "is not a regular file"),
        ("circle.jpg", "picture circle.jpg cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("\0.jpg", "cannot be read"),
        ("a/b.jpg/c.jpg", "cannot be read"),
        ("socket.jpg", "picture socket.jpg is not a regular file"),
    ],
)
def test_what_is_no_file_is_not_opened(
    tmp_path: Path, images: Path, name: str, reason: str
) -> None:
    import socket

    os.mkfifo(images / "pipe.jpg")
    (images / "circle.jpg").symlink_to("circle.jpg")
    with socket.socket(socket.AF_UNIX) as unix, pytest.MonkeyPatch.context() as patch:
        patch.chdir(images)
        unix.bind("socket.jpg")
        assert reason in spatial_reason(tmp_path, images, name)


def test_a_device_is_not_opened(tmp_path: Path, images: Path) -> None:
    try:
        os.mknod(images / "zero.jpg", 0o20666, os.makedev(1, 5))
    except (OSError, AttributeError):
        pytest.skip("devices can be made by root alone")
    assert "picture zero.jpg is not a regular file" in spatial_reason(tmp_path, images, "zero.jpg")


def test_frames_and_videos_that_are_pipes_are_not_opened(tmp_path: Path, images: Path) -> None:
    (images / "scannet/other").mkdir()
    os.mkfifo(images / "scannet/other/0.jpg")
    os.mkfifo(images / "scannet/pipe.mp4")
    assert "frame 0.jpg is not a regular file" in vsi_reason(tmp_path, images, "scannet", "other")
    assert "video pipe.mp4 is not a regular file" in vsi_reason(tmp_path, images, "scannet", "pipe")
    assert "cannot be read" in vsi_reason(tmp_path, images, "scannet", "x" * 5000)


def test_a_benchmark_that_is_a_pipe_is_refused(tmp_path: Path, images: Path) -> None:
    from workflow_scripts.evaluate.benchmarks.importer import read_rows

    os.mkfifo(tmp_path / "benchmark.jsonl")
    for path in (tmp_path / "benchmark.jsonl", images, Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            read_rows(path)


def huge_png(path: Path, width_px: int, height_px: int) -> None:
    """Write a small PNG file of one colour with any number of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    header = width_px.to_bytes(4, "big") + height_px.to_bytes(4, "big") + b"\x08\0\0\0\0"
    content = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


@pytest.mark.parametrize("size", [(10_001, 10_000), (60_000, 60_000)])
@pytest.mark.filterwarnings("ignore:Image size")
def test_pictures_of_too_many_pixels_are_not_decoded(
    tmp_path: Path, images: Path, size: tuple[int, int]
) -> None:
    huge_png(images / "huge.png", *size)
    (images / "scannet/other").mkdir()
    huge_png(images / "scannet/other/0.png", *size)
    assert "pixels" in spatial_reason(tmp_path, images, "huge.png")
    assert "pixels" in vsi_reason(tmp_path, images, "scannet", "other")


def test_files_of_too_many_bytes_are_not_opened(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (images / "large.jpg").open("wb") as file:
        file.truncate(benchmark_files.MAX_PICTURE_BYTES + 1)
    assert "bytes, more than" in spatial_reason(tmp_path, images, "large.jpg")


def test_videos_whose_names_clean_to_one_keep_their_own_frames(
    tmp_path: Path, images: Path
) -> None:
    names = (("a-b", "c"), ("a", "b-c"), ("a", "b c"), ("a", "b/c"))
    for level, (dataset, scene) in enumerate(names):
        (images / dataset / scene).mkdir(parents=True, exist_ok=True)
        Image.new("L", (64, 64), 60 * level).save(images / dataset / scene / "0.png")
    rows = [{**VSI[0], "dataset": dataset, "scene_name": scene} for dataset, scene in names]
    items, skipped = run_import(tmp_path, "vsi-bench", rows, images)
    assert not skipped
    for level, item in enumerate(items):
        with Image.open(tmp_path / "pictures" / item.images[0]) as picture:
            assert abs(picture.getpixel((32, 32))[0] - 60 * level) < 4
