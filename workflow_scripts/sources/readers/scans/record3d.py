"""Record3D: an `.r3d` file (a zip), the folder that it unpacks to, or the export "EXR + RGB".

`metadata` (of the export `metadata.json`) is JSON: K by columns, w, h (colour), dw, dh (depth),
`poses` [qx qy qz qw x y z] of an OpenGL camera in a world with Y up, `perFrameIntrinsicCoeffs` [fx
fy cx cy]. A recording has `rgbd/N.jpg`, `rgbd/N.depth` (float32 metres, compressed with LZFSE) and
`rgbd/N.conf` (0 to 2), the export `rgb/N.jpg` (or .png) and `depth/N.exr` in metres.
"""

import threading
import zipfile
import zlib
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json
from workflow_scripts.geometry.pose_conventions import (
    intrinsics_at_size,
    pose_from_quaternion,
    world_from_camera,
)
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.exr import exr_size_px
from workflow_scripts.sources.readers.scans.folders import FolderReader, entries_of
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.lzfse import decompress
from workflow_scripts.sources.readers.scans.pictures import (
    decode_depth,
    decode_rgb,
    metric_depth,
    sampled,
)

LEAST_CONFIDENCE = 1
_ENDING = ".r3d"
# What a file is by its folder and its ending; its stem is the number of the frame.
_KINDS = {
    ("rgbd", ".jpg"): "picture",
    ("rgbd", ".depth"): "depth",
    ("rgbd", ".conf"): "confidence",
    ("rgb", ".jpg"): "picture",
    ("rgb", ".jpeg"): "picture",
    ("rgb", ".png"): "picture",
    ("depth", ".exr"): "depth",
}
_METADATA = ("metadata", "metadata.json")
MAX_FRAMES = 1_000_000
_ZIP_ERRORS = (
    OSError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)


class Record3DReader(FolderReader):
    """Reads `.r3d` files, folders that they were unpacked to, and exports with EXR files."""

    name = "record3d"
    looks_for = (
        "a file <name>.r3d is needed, or a folder with metadata and rgbd/, or with metadata.json, "
        "rgb/ and depth/ (export EXR + RGB)"
    )

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has `.r3d` files, or is one that was unpacked or exported."""
        return _is_folder_of_frames(folder) or any(
            path.suffix == _ENDING for path in folder.iterdir()
        )

    def matches(self, path: Path) -> bool:
        """Say whether a path is an `.r3d` file, or has one in or below it."""
        return (path.is_file() and path.suffix == _ENDING) or super().matches(path)

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return one scan for each file or folder."""
        if path.is_file() and path.suffix == _ENDING:
            return entries_of(path, [path], suffix=_ENDING)
        paths: list[Path] = []
        for entry in super().list_scans(path):
            folder = entry.path
            is_one = _is_folder_of_frames(folder)
            paths += [folder] if is_one else sorted(folder.glob(f"*{_ENDING}"))
        return entries_of(path, paths, suffix=_ENDING)

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a recording; frames without picture, depth or pose have a reason."""
        files = _Files(entry.path)
        try:
            frames = _Frames(files, entry.path)
            return make_scan(
                entry.scan_id,
                [frames.frame(index) for index in range(frames.count)],
                where=entry.path,
                has_gravity=True,
                close=files.close,
            )
        except Exception:
            files.close()
            raise


def _is_folder_of_frames(folder: Path) -> bool:
    is_unpacked = (folder / "metadata").is_file() and (folder / "rgbd").is_dir()
    is_export = (folder / "metadata.json").is_file() and (folder / "rgb").is_dir()
    return is_unpacked or (is_export and (folder / "depth").is_dir())


class _Files:
    """The files of a recording, in a zip or in a folder.

    `names` has the name of every file by (kind, number of the frame).
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            folders = [path / folder for folder in dict.fromkeys(name for name, _ in _KINDS)]
            inner = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
            all_names = [f"{file.parent.name}/{file.name}" for file in inner]
            all_names += [name for name in _METADATA if (path / name).is_file()]
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except (OSError, zipfile.BadZipFile) as error:
                raise UserError(f"{path}: cannot be read as an .r3d file ({error})") from None
            all_names = self._zip.namelist()
        self.metadata = next(
            (name for name in all_names if PurePosixPath(name).name in _METADATA), ""
        )
        self.names: dict[tuple[str, int], str] = {}
        for name in all_names:
            file = PurePosixPath(name)
            kind = _KINDS.get((file.parent.name, file.suffix.lower()))
            if kind is not None and file.stem.isdecimal():
                self.names[kind, int(file.stem)] = name

    def read(self, name: str) -> bytes:
        """Return a file's bytes; `UserError` if it is missing or damaged."""
        try:
            if self._zip is None:
                return (self.path / name).read_bytes()
            with self._lock:
                return self._zip.read(name)
        except _ZIP_ERRORS as error:
            raise UserError(f"{self.path}: {name} cannot be read ({error})") from None

    def close(self) -> None:
        """Close the zip; closing it twice is no error."""
        if self._zip is not None:
            self._zip.close()


class _Frames:
    """Makes the frames of one recording."""

    def __init__(self, files: _Files, path: Path) -> None:
        self.files, self.path = files, path
        if not files.metadata:
            raise UserError(f"{path}: no file metadata; is it a recording of Record3D?")
        where = f"{path}: {files.metadata}"
        content: Any = parse_json(files.read(files.metadata), where)
        if not isinstance(content, dict):
            raise UserError(f"{where}: not a JSON object")
        self.size_px = _size(content, ("w", "h"), where)
        self.poses = _table(content.get("poses"), 7, f"{where}: poses")
        self.own_k = _table(content.get("perFrameIntrinsicCoeffs"), 4, f"{where}: intrinsics")
        times = content.get("frameTimestamps")
        self.times: list[Any] = times if isinstance(times, list) else []
        self.fps: Any = content.get("fps")
        k = content.get("K")
        self.k = None
        if isinstance(k, list) and len(k) == 9 and all(is_finite_number(item) for item in k):
            self.k = np.array(k, dtype=np.float64).reshape(3, 3).T
        elif not len(self.own_k):
            raise UserError(f"{where}: no K of 9 numbers and no perFrameIntrinsicCoeffs")
        numbers = [number for _, number in files.names]
        self.has_depth = any(kind == "depth" for kind, _ in files.names)
        self.depth_px = self._depth_size(content, where) if self.has_depth else (0, 0)
        self.count = max([len(self.poses), *(number + 1 for number in numbers)])
        if self.count > MAX_FRAMES:
            raise UserError(f"{path}: frame number {self.count - 1} of at most {MAX_FRAMES}")

    def _depth_size(self, content: dict[str, Any], where: str) -> tuple[int, int]:
        """Return (width, height) of depth: that of EXR files, else what the metadata say."""
        names = [name for (kind, _), name in sorted(self.files.names.items()) if kind == "depth"]
        sizes = []
        for name in sampled([name for name in names if name.endswith(".exr")]):
            try:
                sizes.append(exr_size_px(self.files.read(name), f"{self.path}: {name}"))
            except UserError as error:
                problem = error
        if sizes:
            return max(sizes, key=sizes.count)
        if names[0].endswith(".exr"):
            raise problem
        return _size(content, ("dw", "dh"), where)

    def frame(self, index: int) -> ScanFrame:
        """Return frame number `index`."""
        frame_id, time_s = f"{index:05d}", self._time_s(index)
        picture = self.files.names.get(("picture", index))
        depth_map = self.files.names.get(("depth", index))
        if picture is None:
            return missing_frame(frame_id, f"no picture {index}.jpg", timestamp_s=time_s)
        if index >= len(self.poses):
            return missing_frame(frame_id, "no pose in the metadata", timestamp_s=time_s)
        k = self.k
        if index < len(self.own_k):
            fx, fy, cx, cy = self.own_k[index]
            k = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
        if k is None:
            return missing_frame(frame_id, "no intrinsics in the metadata", timestamp_s=time_s)
        pose = pose_from_quaternion(self.poses[index, 4:], self.poses[index, :4])
        depth, load_depth_m, reason = None, None, ""
        if depth_map is not None:
            depth = CameraModel(intrinsics_at_size(k, self.size_px, self.depth_px), self.depth_px)
            load_depth_m = partial(self._depth_m, depth_map, index)
        elif self.has_depth:
            reason = f"no depth map of number {index}"
        return make_frame(
            frame_id,
            pose=world_from_camera(pose, up="y", camera="opengl"),
            colour=CameraModel(k, self.size_px),
            depth=depth,
            load_rgb=partial(self._rgb, picture),
            load_depth_m=load_depth_m,
            load_encoded_rgb=partial(self.files.read, picture),
            timestamp_s=time_s,
            reason=reason,
        )

    def _time_s(self, index: int) -> float:
        if index < len(self.times) and is_finite_number(self.times[index]):
            return float(self.times[index])
        if is_finite_number(self.fps) and self.fps > 0:
            return index / float(self.fps)
        return float("nan")

    def _rgb(self, name: str) -> np.ndarray:
        return decode_rgb(self.files.read(name), f"{self.path}: {name}", self.size_px)

    def _depth_m(self, name: str, index: int) -> np.ndarray:
        where = f"{self.path}: {name}"
        content = self.files.read(name)
        if name.endswith(".exr"):
            return decode_depth(content, where, unit_m=1.0, size_px=self.depth_px)
        width, height = self.depth_px
        content = decompress(content, where, size=4 * width * height)
        depth_m = metric_depth(np.frombuffer(content, "<f4").reshape(height, width), unit_m=1.0)
        confidence_name = self.files.names.get(("confidence", index))
        if confidence_name is None:
            return depth_m
        where = f"{self.path}: {confidence_name}"
        content = decompress(self.files.read(confidence_name), where, size=width * height)
        confidence = np.frombuffer(content, np.uint8).reshape(height, width)
        return np.where(confidence >= LEAST_CONFIDENCE, depth_m, np.float32(np.nan))


def _size(content: dict[str, Any], keys: tuple[str, str], where: str) -> tuple[int, int]:
    """Return (width, height) of two keys."""
    width, height = (content.get(key) for key in keys)
    if type(width) is not int or type(height) is not int or min(width, height) < 1:
        raise UserError(
            f"{where}: {' and '.join(keys)} are {width!r:.20} and {height!r:.20}; whole numbers "
            "above 0 are needed"
        )
    return width, height


def _table(values: Any, columns: int, where: str) -> np.ndarray:
    """Return numbers [n, columns] of a list of lists; none for None."""
    if values is None:
        return np.zeros((0, columns))
    try:
        table = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.ndim != 2 or table.shape[1] != columns:
        raise UserError(f"{where}: not a list of {columns} numbers a frame")
    return table
