"""Record3D: an `.r3d` file (a zip), or the folder that it unpacks to.

`metadata` is JSON: K by columns, w, h (colour), dw, dh (depth), `poses` [qx qy qz qw x y z] of an
OpenGL camera in a world with Y up, `perFrameIntrinsicCoeffs` [fx fy cx cy]. `rgbd/N.jpg`,
`rgbd/N.depth` (float32 metres, compressed with LZFSE), `rgbd/N.conf` (0 to 2).
"""

import threading
import zipfile
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
from workflow_scripts.sources.readers.scans.folders import FolderReader, entries_of
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.lzfse import decompress
from workflow_scripts.sources.readers.scans.pictures import decode_rgb, metric_depth

LEAST_CONFIDENCE = 1
_METADATA, _FRAMES, _ENDING = "metadata", "rgbd", ".r3d"


class Record3DReader(FolderReader):
    """Reads `.r3d` files and folders that they were unpacked to."""

    name = "record3d"
    looks_for = "a file <name>.r3d is needed, or a folder with metadata and rgbd/"

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has `.r3d` files or is one that was unpacked."""
        return _is_unpacked(folder) or any(path.suffix == _ENDING for path in folder.iterdir())

    def matches(self, path: Path) -> bool:
        """Say whether a path is an `.r3d` file, or has one in or below it."""
        return (path.is_file() and path.suffix == _ENDING) or super().matches(path)

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return one scan for each file or unpacked folder."""
        if path.is_file() and path.suffix == _ENDING:
            return entries_of(path, [path], suffix=_ENDING)
        paths: list[Path] = []
        for entry in super().list_scans(path):
            folder = entry.path
            paths += [folder] if _is_unpacked(folder) else sorted(folder.glob(f"*{_ENDING}"))
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


def _is_unpacked(folder: Path) -> bool:
    return (folder / _METADATA).is_file() and (folder / _FRAMES).is_dir()


class _Files:
    """The files of a recording by name, in a zip or in a folder."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        self._zip: zipfile.ZipFile | None = None
        self._prefix = ""
        if path.is_dir():
            inner = (path / _FRAMES).iterdir()
            self.names = {f"{_FRAMES}/{file.name}" for file in inner} | {_METADATA}
            return
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: cannot be read as an .r3d file ({error})") from None
        names = self._zip.namelist()
        found = next((name for name in names if PurePosixPath(name).name == _METADATA), "")
        self._prefix = found.removesuffix(_METADATA)
        self.names = {
            name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix)
        }

    def read(self, name: str) -> bytes:
        """Return a file's bytes; `UserError` if it is missing or damaged."""
        try:
            if self._zip is None:
                return (self.path / name).read_bytes()
            with self._lock:
                return self._zip.read(f"{self._prefix}{name}")
        except (OSError, KeyError, zipfile.BadZipFile, ValueError, EOFError) as error:
            raise UserError(f"{self.path}: {name} cannot be read ({error})") from None

    def close(self) -> None:
        """Close the zip; closing it twice is no error."""
        if self._zip is not None:
            self._zip.close()


class _Frames:
    """Makes the frames of one recording."""

    def __init__(self, files: _Files, path: Path) -> None:
        self.files, self.path = files, path
        if _METADATA not in files.names:
            raise UserError(f"{path}: no file {_METADATA}; is it a recording of Record3D?")
        where = f"{path}: {_METADATA}"
        content: Any = parse_json(files.read(_METADATA), where)
        if not isinstance(content, dict):
            raise UserError(f"{where}: not a JSON object")
        self.size_px = _size(content, ("w", "h"), where)
        self.depth_px = _size(content, ("dw", "dh"), where)
        self.poses = _table(content.get("poses"), 7, f"{where}: poses")
        self.own_k = _table(content.get("perFrameIntrinsicCoeffs"), 4, f"{where}: intrinsics")
        self.times: Any = content.get("frameTimestamps") or []
        self.fps: Any = content.get("fps")
        k = content.get("K")
        self.k = None
        if isinstance(k, list) and len(k) == 9 and all(is_finite_number(item) for item in k):
            self.k = np.array(k, dtype=np.float64).reshape(3, 3).T
        elif not len(self.own_k):
            raise UserError(f"{where}: no K of 9 numbers and no perFrameIntrinsicCoeffs")
        stems = [PurePosixPath(name).stem for name in files.names if name.endswith(".jpg")]
        numbers = [int(stem) for stem in stems if stem.isdecimal()]
        self.count = max([len(self.poses), *(number + 1 for number in numbers)])

    def frame(self, index: int) -> ScanFrame:
        """Return frame number `index`."""
        frame_id, time_s = f"{index:05d}", self._time_s(index)
        names = {kind: f"{_FRAMES}/{index}.{kind}" for kind in ("jpg", "depth", "conf")}
        if names["jpg"] not in self.files.names:
            return missing_frame(frame_id, f"no picture {names['jpg']}", timestamp_s=time_s)
        if index >= len(self.poses):
            return missing_frame(frame_id, "no pose in the metadata", timestamp_s=time_s)
        k = self.k
        if index < len(self.own_k):
            fx, fy, cx, cy = self.own_k[index]
            k = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
        if k is None:
            return missing_frame(frame_id, "no intrinsics in the metadata", timestamp_s=time_s)
        has_depth = names["depth"] in self.files.names
        pose = pose_from_quaternion(self.poses[index, 4:], self.poses[index, :4])
        depth = CameraModel(intrinsics_at_size(k, self.size_px, self.depth_px), self.depth_px)
        return make_frame(
            frame_id,
            pose=world_from_camera(pose, up="y", camera="opengl"),
            colour=CameraModel(k, self.size_px),
            depth=depth if has_depth else None,
            load_rgb=partial(self._rgb, names["jpg"]),
            load_depth_m=partial(self._depth_m, names["depth"], names["conf"])
            if has_depth
            else None,
            load_encoded_rgb=partial(self.files.read, names["jpg"]),
            timestamp_s=time_s,
        )

    def _time_s(self, index: int) -> float:
        if index < len(self.times) and is_finite_number(self.times[index]):
            return float(self.times[index])
        if is_finite_number(self.fps) and self.fps > 0:
            return index / float(self.fps)
        return float("nan")

    def _rgb(self, name: str) -> np.ndarray:
        return decode_rgb(self.files.read(name), f"{self.path}: {name}", self.size_px)

    def _depth_m(self, name: str, confidence_name: str) -> np.ndarray:
        where = f"{self.path}: {name}"
        width, height = self.depth_px
        content = decompress(self.files.read(name), where, size=4 * width * height)
        depth_m = metric_depth(np.frombuffer(content, "<f4").reshape(height, width), unit_m=1.0)
        if confidence_name not in self.files.names:
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
