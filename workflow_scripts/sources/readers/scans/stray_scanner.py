"""Stray Scanner, an app of phones with LiDAR: video, depth maps, odometry.

Poses map an OpenCV camera to ARKit's world with Y up. K is of the video's size: one for all
frames, or, in files since April 2026, one a row of `odometry.csv`. Depth counts millimetres;
confidence is 0, 1 or 2, and depth of confidence 0 is not used.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text
from workflow_scripts.geometry.pose_conventions import (
    intrinsics_at_size,
    pose_from_quaternion,
    world_from_camera,
)
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import (
    PICTURE_SUFFIXES,
    FolderReader,
    files_by_stem,
)
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.number_files import parse_numbers, read_intrinsics
from workflow_scripts.sources.readers.scans.pictures import (
    common_size_px,
    confident_depth,
    file_depth,
    file_rgb,
)
from workflow_scripts.sources.readers.scans.video import VideoFrames

DEPTH_UNIT_M = 0.001
LEAST_CONFIDENCE = 1
_ODOMETRY, _VIDEO, _PICTURES = "odometry.csv", "rgb.mp4", "rgb"
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
_INTRINSICS = ("fx", "fy", "cx", "cy")


class StrayScannerReader(FolderReader):
    """Reads a folder of the app; pictures in a folder `rgb/` stand for a video."""

    name = "stray_scanner"
    looks_for = "a folder is needed with odometry.csv, rgb.mp4, camera_matrix.csv and depth/"

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has odometry and a video."""
        has_colour = (folder / _VIDEO).is_file() or (folder / _PICTURES).is_dir()
        return has_colour and (folder / _ODOMETRY).is_file()

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a scan; rows of the odometry without picture or depth map have a reason."""
        folder = entry.path
        rows = _read_odometry(folder / _ODOMETRY)
        pictures = files_by_stem(folder / _PICTURES, PICTURE_SUFFIXES)
        if pictures:
            size_px = common_size_px(list(pictures.values()))
            colour = {int(stem): path for stem, path in pictures.items() if stem.isdecimal()}
            frames = _Frames(folder, size_px, None, colour)
            return make_scan(
                entry.scan_id,
                frames.of_rows(rows),
                where=folder,
                has_gravity=True,
            )
        video = VideoFrames(folder / _VIDEO)
        try:
            frames = _Frames(folder, video.size_px, video, {})
            return make_scan(
                entry.scan_id,
                frames.of_rows(rows),
                where=folder,
                has_gravity=True,
                close=video.close,
            )
        except Exception:
            video.close()
            raise


@dataclass(frozen=True)
class _Row:
    """A row of the odometry by the names of its columns; empty values are NaN."""

    values: dict[str, float]
    problem: str = ""


def _read_odometry(path: Path) -> list[_Row]:
    """Return the rows; one that is faulty, such as the last of a file that is cut off, says why."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    names = [name.strip() for name in lines[0].split(",")] if lines else []
    missing = [name for name in ("timestamp", "frame", *_POSE) if name not in names]
    if missing:
        raise UserError(f"{path}: its first line has no column {', '.join(missing)}")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        values = [value.strip() or "nan" for value in line.split(",")]
        try:
            if len(values) < max(names.index(name) for name in _POSE) + 1:
                raise UserError(
                    f"{path}: line {number} has {len(values)} values for {len(names)} columns"
                )
            numbers = parse_numbers(" ".join(values), f"{path}: line {number}")
            rows.append(_Row(dict(zip(names, numbers.tolist(), strict=False))))
        except UserError as error:
            rows.append(_Row({}, str(error)))
    if not rows:
        raise UserError(f"{path}: no rows of poses")
    return rows


class _Frames:
    """Makes the frames of one scan."""

    def __init__(
        self,
        folder: Path,
        size_px: tuple[int, int],
        video: VideoFrames | None,
        pictures: dict[int, Path],
    ) -> None:
        self.size_px, self.video, self.pictures = size_px, video, pictures
        depth = files_by_stem(folder / "depth", (".png", ".npy"))
        confidence = files_by_stem(folder / "confidence", (".png",))
        self.depth = {int(stem): path for stem, path in depth.items() if stem.isdecimal()}
        self.confidence = {int(stem): path for stem, path in confidence.items() if stem.isdecimal()}
        self.depth_px = common_size_px(list(depth.values())) if depth else (0, 0)
        path = folder / "camera_matrix.csv"
        self.k, self.k_problem = None, "no camera_matrix.csv and no fx in odometry.csv"
        if path.is_file():
            try:
                self.k = read_intrinsics(path)
            except UserError as error:
                self.k_problem = str(error)

    def of_rows(self, rows: list[_Row]) -> list[ScanFrame]:
        """Return the frames of all rows, and those of pictures and depth maps without a row."""
        frames = [
            missing_frame(f"row-{index}", row.problem) if row.problem else self.frame(row.values)
            for index, row in enumerate(rows)
        ]
        known = {row.values.get("frame") for row in rows}
        of_video = range(self.video.num_frames if self.video is not None else 0)
        others = {*self.pictures, *self.depth, *of_video} - known
        return frames + [
            missing_frame(f"{number:06d}", "no row in odometry.csv") for number in sorted(others)
        ]

    def frame(self, row: dict[str, float]) -> ScanFrame:
        """Return the frame of a row of the odometry."""
        if not (math.isfinite(row["frame"]) and row["frame"] >= 0):
            return missing_frame("unnumbered", "the row of odometry.csv has no frame number")
        number = int(row["frame"])
        frame_id = f"{number:06d}"
        k = self._intrinsics(row)
        if k is None:
            return missing_frame(frame_id, self.k_problem)
        if self.video is not None and number >= self.video.num_frames:
            return missing_frame(frame_id, f"the video has {self.video.num_frames} frames only")
        if self.video is None and number not in self.pictures:
            return missing_frame(frame_id, f"no picture {frame_id}.jpg in {_PICTURES}/")
        path, reason, load_depth_m, depth = self.depth.get(number), "", None, None
        if path is not None:
            depth = CameraModel(intrinsics_at_size(k, self.size_px, self.depth_px), self.depth_px)
            # Older versions of the app wrote .npy, of the same unit.
            load = file_depth(
                path, unit_m=DEPTH_UNIT_M, float_unit_m=DEPTH_UNIT_M, size_px=self.depth_px
            )
            load_depth_m = confident_depth(
                load, self.confidence.get(number), minimum=LEAST_CONFIDENCE
            )
        elif self.depth:
            reason = f"no depth map {frame_id}.png"
        pose = pose_from_quaternion(
            [row[axis] for axis in _POSE[:3]], [row[axis] for axis in _POSE[3:]]
        )
        picture = self.pictures.get(number)
        return make_frame(
            frame_id,
            pose=world_from_camera(pose, up="y", camera="opencv"),
            colour=CameraModel(k, self.size_px),
            depth=depth,
            load_rgb=partial(self.video.rgb, number)
            if self.video is not None
            else file_rgb(self.pictures[number], self.size_px),
            load_depth_m=load_depth_m,
            load_encoded_rgb=picture.read_bytes if picture is not None else None,
            timestamp_s=row["timestamp"],
            reason=reason,
        )

    def _intrinsics(self, row: dict[str, float]) -> np.ndarray | None:
        """Return K at the size of the video: the row's own, else that of the scan."""
        fx, fy, cx, cy = (row.get(name, math.nan) for name in _INTRINSICS)
        if all(math.isfinite(value) for value in (fx, fy, cx, cy)):
            return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
        return self.k
