"""One damaged, odd or missing file costs its frame only, in every layout and at every place."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room
from testing.scan_layouts.embodiedscan import write_embodiedscan
from testing.scan_layouts.nerfstudio import write_nerfstudio
from testing.scan_layouts.phones import write_arkitscenes, write_polycam
from testing.scan_layouts.pictures import jpeg, png
from testing.scan_layouts.scannet import write_export, write_posed_images
from testing.scan_layouts.slam import write_replica, write_tum
from testing.scan_layouts.stray_scanner import write_stray_scanner
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.base import Scan, load_reader, usable_frames
from workflow_scripts.sources.readers.scans.folders import require_one_layout

Write = Callable[[Path, PosedRoom], Path]


def write_stray_pictures(folder: Path, room: PosedRoom) -> Path:
    return write_stray_scanner(folder, room, as_pictures=True)


#: Layout, writer, pictures, depth maps.
LAYOUTS = [
    ("scannet", write_posed_images, "posed_images/*/*.jpg", "posed_images/*/*.png"),
    ("scannet", write_export, "*/color/*", "*/depth/*"),
    ("nerfstudio", write_nerfstudio, "*/images/*", "*/depth/*"),
    ("stray_scanner", write_stray_pictures, "*/rgb/*", "*/depth/*"),
    ("tum_rgbd", write_tum, "*/rgb/*", "*/depth/*"),
    ("replica", write_replica, "*/results/frame*", "*/results/depth*"),
    ("arkitscenes", write_arkitscenes, "*/*/lowres_wide/*", "*/*/lowres_depth/*"),
    ("polycam", write_polycam, "*/keyframes/images/*", "*/keyframes/depth/*"),
    ("embodiedscan", write_embodiedscan, "data/scannet/*/*/*.jpg", "data/scannet/*/*/*.png"),
]


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def of_another_size(path: Path) -> None:
    if path.suffix == ".jpg":
        path.write_bytes(jpeg(np.zeros((10, 14, 3), np.uint8)))
    else:
        is_depth = "depth" in path.as_posix() or "posed_images" in path.as_posix()
        shape, dtype = ((10, 14), np.uint16) if is_depth else ((10, 14, 3), np.uint8)
        path.write_bytes(png(np.ones(shape, dtype)))


CHANGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "text": lambda path: path.write_bytes(b"Caf\xe9"),
    "another size": of_another_size,
    "folder": as_folder,
    "link to itself": as_loop,
    "missing": lambda path: path.unlink(),
}


def frames_that_load(scan: Scan) -> tuple[int, list[str]]:
    """Return how many frames load, and one line for each of the others."""
    count, lines = 0, []
    for frame in scan.frames:
        try:
            if frame.reason:
                raise UserError(frame.reason)
            frame.load_rgb()
            assert frame.load_depth_m is not None
            frame.load_depth_m()
            count += 1
        except UserError as error:
            lines.append(str(error))
    return count, lines


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return make_room(3, colour_size_px=(48, 36), depth_size_px=(48, 36))


@pytest.mark.parametrize(
    ("layout", "write", "pictures", "depth_maps"),
    LAYOUTS,
    ids=lambda item: getattr(item, "__name__", item),
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_picture_or_depth_map_costs_its_frame(
    layout: str,
    write: Write,
    pictures: str,
    depth_maps: str,
    place: int,
    room: PosedRoom,
    tmp_path: Path,
) -> None:
    write(tmp_path, room)
    root = tmp_path / "data" if layout == "embodiedscan" else tmp_path
    for pattern in (pictures, depth_maps):
        path = sorted(tmp_path.glob(pattern))[place]
        content = path.read_bytes()
        for name, change in CHANGES.items():
            change(path)
            reader = load_reader(layout)
            (entry,) = reader.list_scans(root)
            count, lines = frames_that_load(reader.open_scan(entry))
            # A picture that ARKitScenes lacks is no frame: it pairs pictures with what is near.
            num_rows = 0 if (layout, pattern, name) == ("arkitscenes", pictures, "missing") else 1
            assert (count, len(lines)) == (len(room) - 1, num_rows), (name, pattern, lines)
            assert all("\n" not in line and " at 0x" not in line for line in lines)
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            path.unlink(missing_ok=True)
            path.write_bytes(content)


def test_scans_of_another_layout_are_not_lost_silently(room: PosedRoom, tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, room)
    require_one_layout(tmp_path, "nerfstudio")
    write_stray_pictures(tmp_path / "phone", room)
    with pytest.raises(UserError, match=r"nerfstudio \(1\) and of stray_scanner \(1, .*8653"):
        require_one_layout(tmp_path, "nerfstudio")


def test_a_scan_in_two_layouts_is_no_error(room: PosedRoom, tmp_path: Path) -> None:
    write_posed_images(tmp_path, room)
    (tmp_path / "scans/scene0000_00/scene0000_00.sens").write_bytes(b"")
    require_one_layout(tmp_path, "scannet")


@pytest.mark.parametrize("line", ["", "101.0, 0000", "101.0, 000003, a, 0, 0, 0, 0, 0, 1"])
def test_an_odometry_that_is_cut_off_costs_its_last_frame(
    line: str, room: PosedRoom, tmp_path: Path
) -> None:
    target = write_stray_pictures(tmp_path, room)
    rows = (target / "odometry.csv").read_text().splitlines()
    (target / "odometry.csv").write_text("\n".join([*rows[:-1], line]))
    reader = load_reader("stray_scanner")
    (entry,) = reader.list_scans(tmp_path)
    scan = reader.open_scan(entry)
    assert len(list(usable_frames(scan))) == len(room) - 1
    assert scan.frames[-1].frame_id == "000002"
    assert scan.frames[-1].reason == "no row in odometry.csv"
    if line:
        assert "line 4" in scan.frames[-2].reason


@pytest.mark.parametrize("write", [write_tum, write_replica])
def test_faulty_lines_of_poses_cost_their_frame(
    write: Write, room: PosedRoom, tmp_path: Path
) -> None:
    target = write(tmp_path, room)
    path = target / ("traj.txt" if write is write_replica else "groundtruth.txt")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1][:25]]))
    reader = load_reader("replica" if write is write_replica else "tum_rgbd")
    (entry,) = reader.list_scans(tmp_path)
    scan = reader.open_scan(entry)
    assert len(list(usable_frames(scan))) == len(room) - 1
    text = "values" if write is write_replica else "no pose"
    assert text in scan.frames[-1].reason
    if write is write_tum:
        assert any("1 faulty lines" in warning for warning in scan.warnings)
