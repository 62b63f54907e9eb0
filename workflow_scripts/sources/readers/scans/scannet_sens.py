"""ScanNet's .sens files, version 4: one file that holds all frames of a scan.

Little-endian: u32 version; u64 length and bytes of the sensor's name; four 4 x 4 f32 matrices
(colour intrinsics and extrinsics, depth intrinsics and extrinsics); i32 compression of colour
(0 raw, 1 PNG, 2 JPEG) and of depth (0 raw, 1 zlib, 2 occi); u32 width and height of colour and of
depth; f32 numbers a metre; u64 frames. A frame: 4 x 4 f32 camera to world, u64 times of colour and
depth, u64 sizes of colour and depth, their bytes.
"""

import os
import stat
import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.pose_conventions import intrinsics_from_whole_pixels
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import FolderReader, entries_of
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.pictures import decode_rgb, depth_of_zlib, metric_depth
from workflow_scripts.sources.readers.scans.scannet_annotation import (
    aligned_pose,
    read_alignment,
    read_annotation,
)

VERSION = 4
COLOUR_RAW, COLOUR_PNG, COLOUR_JPEG = 0, 1, 2
DEPTH_RAW, DEPTH_ZLIB = 0, 1
MICROSECONDS = 1e-6
MAX_FRAMES = 10_000_000
FRAME_HEADER = struct.Struct("<16f4Q")
_MATRICES = struct.Struct("<64f")
_SIZES = struct.Struct("<2i4IfQ")
_MAX_NAME_BYTES = 4096


@dataclass(frozen=True)
class SensHeader:
    """What a .sens file says of all of its frames; sizes are (width, height)."""

    colour_intrinsics: np.ndarray
    depth_intrinsics: np.ndarray
    colour_compression: int
    depth_compression: int
    colour_size_px: tuple[int, int]
    depth_size_px: tuple[int, int]
    depth_unit_m: float
    num_frames: int
    first_frame: int


class SensFile:
    """A .sens file open for reading; frames may be read from several threads."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        self.path = path
        self.size = os.fstat(self._descriptor).st_size
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise UserError(f"{path}: a folder, not a file")
            self.header = self._read_header()
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; closing it twice is no error."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, start: int, count: int) -> bytes:
        """Return `count` bytes from `start`; `UserError` if the file ends before."""
        if start + count > self.size:
            raise UserError(
                f"{self.path}: cut off: it ends at byte {self.size}, byte {start + count} is "
                "needed; copy it again"
            )
        return os.pread(self._descriptor, count, start)

    def _read_header(self) -> SensHeader:
        version = int.from_bytes(self.read(0, 4), "little")
        if version != VERSION:
            raise UserError(
                f"{self.path}: version {version} of .sens; version {VERSION} is read. Is it a "
                "ScanNet file?"
            )
        name_bytes = int.from_bytes(self.read(4, 8), "little")
        if name_bytes > _MAX_NAME_BYTES:
            raise UserError(f"{self.path}: damaged: the sensor's name has {name_bytes} bytes")
        start = 12 + name_bytes
        matrices = np.array(_MATRICES.unpack(self.read(start, _MATRICES.size)))
        colour_k, colour_pose, depth_k, depth_pose = matrices.reshape(4, 4, 4)
        if np.abs(colour_pose - depth_pose).max() > 1e-3:
            raise UserError(
                f"{self.path}: color and depth have different extrinsics; register depth to "
                "color first (ScanNet's own files have none)"
            )
        start += _MATRICES.size
        colour, depth, *sizes, per_metre, count = _SIZES.unpack(self.read(start, _SIZES.size))
        start += _SIZES.size
        if colour not in (COLOUR_RAW, COLOUR_PNG, COLOUR_JPEG):
            raise UserError(f"{self.path}: color compression {colour} is not read (0, 1 or 2 is)")
        if depth not in (DEPTH_RAW, DEPTH_ZLIB):
            raise UserError(
                f"{self.path}: depth compression {depth} is not read (0 raw and 1 zlib are)"
            )
        if not (np.isfinite(per_metre) and per_metre > 0):
            raise UserError(f"{self.path}: damaged: depth has {per_metre:g} units a meter")
        if count > MAX_FRAMES:
            raise UserError(f"{self.path}: damaged: it says it has {count} frames")
        return SensHeader(
            intrinsics_from_whole_pixels(colour_k[:3, :3]),
            intrinsics_from_whole_pixels(depth_k[:3, :3]),
            colour,
            depth,
            (sizes[0], sizes[1]),
            (sizes[2], sizes[3]),
            1.0 / per_metre,
            count,
            start,
        )

    def rgb(self, start: int, count: int, frame_id: str) -> np.ndarray:
        """Return u8 [height, width, 3] of colour bytes."""
        content = self.read(start, count)
        width, height = self.header.colour_size_px
        if self.header.colour_compression == COLOUR_RAW:
            if count != width * height * 3:
                raise UserError(f"{self.path}: frame {frame_id}: {count} bytes of raw color")
            return np.frombuffer(content, np.uint8).reshape(height, width, 3)
        return decode_rgb(content, f"{self.path}: frame {frame_id}", (width, height))

    def depth_m(self, start: int, count: int, frame_id: str) -> np.ndarray:
        """Return f32 [height, width] in metres of depth bytes."""
        content = self.read(start, count)
        size, unit_m = self.header.depth_size_px, self.header.depth_unit_m
        name = f"{self.path}: frame {frame_id}"
        if self.header.depth_compression == DEPTH_ZLIB:
            return depth_of_zlib(content, name, size_px=size, unit_m=unit_m)
        if count != 2 * size[0] * size[1]:
            raise UserError(f"{name}: {count} bytes of raw depth")
        return metric_depth(np.frombuffer(content, "<u2").reshape(size[::-1]), unit_m=unit_m)


class SensReader(FolderReader):
    """Reads .sens files with what lies beside them: `<scan>.txt` and the annotation."""

    name = "scannet_sens"
    looks_for = "a file <scan>.sens is needed"

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has a .sens file."""
        return any(path.suffix == ".sens" for path in folder.iterdir())

    def matches(self, path: Path) -> bool:
        """Say whether a path is a .sens file or has one in or below it."""
        return (path.is_file() and path.suffix == ".sens") or super().matches(path)

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return one scan for each .sens file."""
        if path.is_file() and path.suffix == ".sens":
            return entries_of(path, [path], suffix=".sens")
        folders = [entry.path for entry in super().list_scans(path)]
        files = [file for folder in folders for file in sorted(folder.glob("*.sens"))]
        return entries_of(path, files, suffix=".sens")

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a .sens file; frames after the place where it is cut off are rows with a reason."""
        file = SensFile(entry.path)
        try:
            name = entry.path.stem
            alignment, warnings = read_alignment(entry.path.parent, name)
            annotation = read_annotation(entry.path.parent, name, alignment)
            return make_scan(
                entry.scan_id,
                self._frames(file, alignment),
                where=entry.path,
                has_gravity=True,
                objects=annotation.objects,
                load_points=annotation.load_points,
                close=file.close,
                warnings=(*warnings, *annotation.warnings),
            )
        except Exception:
            file.close()
            raise

    def _frames(self, file: SensFile, alignment: np.ndarray) -> list[ScanFrame]:
        header = file.header
        colour = CameraModel(header.colour_intrinsics, header.colour_size_px)
        depth = CameraModel(header.depth_intrinsics, header.depth_size_px)
        frames: list[ScanFrame] = []
        start = header.first_frame
        for number in range(header.num_frames):
            frame_id = f"{number:05d}"
            end = start + FRAME_HEADER.size
            values = (
                FRAME_HEADER.unpack(file.read(start, FRAME_HEADER.size))
                if (end <= file.size)
                else None
            )
            if values is None or end + values[18] + values[19] > file.size:
                missing = header.num_frames - number
                reason = (
                    f"the file is cut off: it ends before frame {number} of {header.num_frames}"
                )
                frames += [
                    missing_frame(f"{number + index:05d}", reason) for index in range(missing)
                ]
                break
            colour_time_us, _, colour_bytes, depth_bytes = values[16:]
            pose = np.array(values[:16]).reshape(4, 4)
            is_encoded = header.colour_compression in (COLOUR_PNG, COLOUR_JPEG)
            frames.append(
                make_frame(
                    frame_id,
                    pose=aligned_pose(alignment, pose),
                    colour=colour,
                    depth=depth,
                    load_rgb=partial(file.rgb, end, colour_bytes, frame_id),
                    load_depth_m=partial(file.depth_m, end + colour_bytes, depth_bytes, frame_id),
                    load_encoded_rgb=partial(file.read, end, colour_bytes) if is_encoded else None,
                    timestamp_s=colour_time_us * MICROSECONDS,
                )
            )
            start = end + colour_bytes + depth_bytes
        return frames
