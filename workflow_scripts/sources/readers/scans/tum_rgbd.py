"""TUM RGB-D: lists of pictures and depth maps with times, and a trajectory of its own times.

`rgb.txt`, `depth.txt` (time, file) and `groundtruth.txt` (time, position, quaternion x y z w) are
of different times: a picture takes the nearest depth map, and the pose between its neighbours at
the time of the depth map. Depth counts 1/5000 m. The camera is in no file: `intrinsics.txt` (fx fy
cx cy, perhaps the depth's units a metre) beside the lists, or known by the sequence's name.
"""

import re
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text
from workflow_scripts.geometry.pose_conventions import (
    intrinsics_at_size,
    intrinsics_from_whole_pixels,
    pose_from_quaternion,
    poses_at,
)
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import FolderReader, is_file
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
    nearest_in_time,
)
from workflow_scripts.sources.readers.scans.number_files import (
    left_out_lines,
    parse_numbers,
    read_number_rows,
    read_rows,
)
from workflow_scripts.sources.readers.scans.pictures import common_size_px, file_depth, file_rgb

UNITS_A_METRE = 5000.0
PAIR_TOLERANCE_S = 0.04
POSE_TOLERANCE_S = 0.02
MAX_POSE_GAP_S = 0.25
# fx, fy, cx, cy of the data set's three cameras, with pixel centres at whole numbers.
_KNOWN = {
    "1": (517.3, 516.5, 318.6, 255.3),
    "2": (520.9, 521.0, 325.1, 249.7),
    "3": (535.4, 539.2, 320.1, 247.6),
}
_LISTS = ("rgb.txt", "depth.txt", "groundtruth.txt")


class TumReader(FolderReader):
    """Reads a sequence; pictures without a depth map or pose near in time have a reason."""

    name = "tum_rgbd"
    looks_for = f"a folder is needed with {', '.join(_LISTS)} and the pictures that they name"

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has the lists of pictures and poses."""
        return (folder / _LISTS[0]).is_file() and (folder / _LISTS[2]).is_file()

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a sequence; `UserError` if its camera is not known."""
        folder = entry.path
        k, per_metre, warnings = _camera(folder)
        colour_s, colour_names = _read_list(folder / _LISTS[0])
        has_depth = (folder / _LISTS[1]).is_file()
        depth_s, depth_names = _read_list(folder / _LISTS[1]) if has_depth else (np.zeros(0), [])
        rows, problems = read_number_rows(folder / _LISTS[2], 8)
        warnings = [*warnings, *left_out_lines(problems)]
        matches = nearest_in_time(colour_s, depth_s, tolerance_s=PAIR_TOLERANCE_S)
        times_s = np.array(
            [depth_s[matches[i]] if i in matches else time for i, time in enumerate(colour_s)]
        )
        poses = poses_at(
            times_s,
            rows[:, 0],
            pose_from_quaternion(rows[:, 1:4], rows[:, 4:8]),
            tolerance_s=POSE_TOLERANCE_S,
            max_gap_s=MAX_POSE_GAP_S,
        )
        sizes = {
            kind: common_size_px(paths)
            for kind, names in (("colour", colour_names), ("depth", depth_names))
            if (paths := [folder / name for name in names if is_file(folder / name)])
        }
        frames: list[ScanFrame] = []
        for index, (name, time_s) in enumerate(zip(colour_names, colour_s, strict=True)):
            frame_id, path = Path(name).stem, folder / name
            depth_name = depth_names[matches[index]] if index in matches else None
            reason = ""
            if not is_file(path):
                reason = f"picture {name} is missing"
            elif has_depth and depth_name is None:
                reason = f"no depth map within {PAIR_TOLERANCE_S:g} s"
            elif depth_name is not None and not is_file(folder / depth_name):
                reason = f"depth map {depth_name} is missing"
            elif poses[index] is None:
                reason = f"no pose within {POSE_TOLERANCE_S:g} s"
            if reason:
                frames.append(missing_frame(frame_id, reason, timestamp_s=float(time_s)))
                continue
            colour = CameraModel(k, sizes["colour"])
            depth, load_depth_m = None, None
            if depth_name is not None:
                depth_k = intrinsics_at_size(k, sizes["colour"], sizes["depth"])
                depth = CameraModel(depth_k, sizes["depth"])
                load_depth_m = file_depth(
                    folder / depth_name, unit_m=1 / per_metre, size_px=sizes["depth"]
                )
            frames.append(
                make_frame(
                    frame_id,
                    pose=poses[index],
                    colour=colour,
                    depth=depth,
                    load_rgb=file_rgb(path, colour.size_px),
                    load_depth_m=load_depth_m,
                    load_encoded_rgb=path.read_bytes,
                    timestamp_s=float(time_s),
                )
            )
        return make_scan(entry.scan_id, frames, where=folder, has_gravity=True, warnings=warnings)


def _read_list(path: Path) -> tuple[np.ndarray, list[str]]:
    """Return times f64 [n] in seconds and names of files, in the order of time."""
    rows = read_rows(path, 2)
    if not rows:
        raise UserError(f"{path}: no lines of time and file")
    times = np.array(
        [parse_numbers(words[0], f"{path}: line {number}")[0] for number, words in rows]
    )
    order = np.argsort(times, kind="stable")
    return times[order], [rows[index][1][1] for index in order]


def _camera(folder: Path) -> tuple[np.ndarray, float, list[str]]:
    """Return K [3, 3], units of depth a metre, and a warning where K was guessed by name."""
    path = folder / "intrinsics.txt"
    if path.is_file():
        numbers = parse_numbers(read_text(path), path)
        if len(numbers) == 9:
            numbers = numbers[[0, 4, 2, 5]]
        if len(numbers) not in (4, 5):
            raise UserError(
                f"{path}: {len(numbers)} numbers; fx fy cx cy are needed, and perhaps how many "
                "units of depth are a meter"
            )
        per_metre = float(numbers[4]) if len(numbers) == 5 else UNITS_A_METRE
        if not (np.isfinite(per_metre) and per_metre > 0):
            raise UserError(f"{path}: {per_metre:g} units a meter must be above 0")
        return _matrix(*numbers[:4]), per_metre, []
    match = re.search(r"(?:freiburg|fr)([123])(?!\d)", folder.name)
    if match is None:
        raise UserError(
            f"{folder}: TUM's files have no camera: write 'fx fy cx cy' into {path.name} beside "
            "rgb.txt (pixel centers at whole numbers, as OpenCV has them)"
        )
    warning = f"K is that of TUM's camera freiburg{match[1]}, by the folder's name"
    return _matrix(*_KNOWN[match[1]]), UNITS_A_METRE, [warning]


def _matrix(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    return intrinsics_from_whole_pixels(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]))
