"""`transforms.json` of nerfstudio, instant-ngp and ScanNet++, with depth maps where it names them.

Poses map an OpenGL camera to a world with Z up; K is in pixels with centres at halves. Distorted
pictures are made those of a pinhole. Poses that nerfstudio rescaled (`applied_scale`) are made
metric again; a reconstruction by COLMAP alone never was.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.lens_distortion import LensDistortion, undistort
from workflow_scripts.geometry.pose_conventions import intrinsics_at_size, world_from_camera
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import FolderReader, entries_of, is_file
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.pictures import (
    common_size_px,
    file_depth,
    file_rgb,
    picture_size_px,
    sampled,
)

FILE_NAMES = ("transforms.json", "transforms_undistorted.json", "transforms_train.json")
PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE")
LENSES = ("OPENCV", "SIMPLE_RADIAL", "RADIAL", "OPENCV_FISHEYE", *PINHOLES)
DEPTH_UNIT_M = 0.001
_PICTURE_ENDINGS = ("", ".png", ".jpg", ".jpeg", ".JPG")
_FOLDERS_OF_PICTURES = (
    "",
    "images",
    "../resized_images",
    "../resized_undistorted_images",
    "../../rgb",
)


@dataclass(frozen=True)
class _Lens:
    """A camera of the file: K and size as written, distortion."""

    camera: CameraModel
    distortion: LensDistortion


class NerfstudioReader(FolderReader):
    """Reads a `transforms.json` and the pictures and depth maps that it names."""

    name = "nerfstudio"
    looks_for = f"a file {FILE_NAMES[0]} is needed, with 'frames' of file_path, transform_matrix"

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has such a file."""
        return _file_in(folder) is not None

    def matches(self, path: Path) -> bool:
        """Say whether a path is such a file, or has one in or below it."""
        return (path.is_file() and path.name in FILE_NAMES) or super().matches(path)

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return one scan for each folder that has such a file."""
        if path.is_file() and path.suffix == ".json":
            return [
                ScanEntry(entry.scan_id, path) for entry in entries_of(path.parent, [path.parent])
            ]
        return super().list_scans(path)

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a scan; frames whose files are missing are rows with a reason."""
        path = entry.path if entry.path.is_file() else _file_in(entry.path)
        if path is None:
            raise UserError(f"{entry.path}: no {FILE_NAMES[0]}")
        content = parse_json(read_text(path), path)
        frames = content.get("frames") if isinstance(content, dict) else None
        if not isinstance(frames, list) or not frames:
            raise UserError(f"{path}: no list 'frames'")
        scale, warnings = _applied_scale(content, path)
        warnings += _unread_parts(content, frames)
        rows = _Rows(path, content, scale)
        return make_scan(
            entry.scan_id,
            [rows.frame(index, frame) for index, frame in enumerate(frames)],
            where=path,
            has_gravity=True,
            warnings=warnings,
        )


def _file_in(folder: Path) -> Path | None:
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


def _frame_names(frames: list[Any]) -> dict[str, str]:
    """Return the name of each picture: its stem, or its path where two folders have that stem."""
    listed = [item.get("file_path") for item in frames if isinstance(item, dict)]
    paths = {path for path in listed if isinstance(path, str) and path}
    stems = Counter(Path(path).stem for path in paths)
    long = {path: Path(path).with_suffix("").as_posix().strip("./") for path in paths}
    return {
        path: Path(path).stem if stems[Path(path).stem] == 1 else long[path].replace("/", "-")
        for path in paths
    }


def _applied_scale(content: Mapping[str, Any], path: Path) -> tuple[float, list[str]]:
    """Return by what positions are to be divided."""
    scale = content.get("applied_scale", 1.0)
    if not is_finite_number(scale) or scale <= 0:
        raise UserError(f"{path}: applied_scale {scale!r} must be a number above 0")
    if abs(scale - 1) < 1e-9:
        return 1.0, []
    return float(scale), [f"poses were scaled by {scale:.6g} (applied_scale); this is undone"]


def _unread_parts(content: Mapping[str, Any], frames: list[Any]) -> list[str]:
    """Return warnings about what the file has and scans have no use for."""
    warnings = []
    held_out = content.get("test_frames")
    if isinstance(held_out, list) and held_out:
        warnings.append(f"{len(held_out)} test_frames are not read: they are kept for tests")
    masks = sum(isinstance(item, dict) and item.get("mask_path") is not None for item in frames)
    if masks:
        warnings.append(f"{masks} frames have a mask_path, which is not used")
    return warnings


class _Rows:
    """Makes the frames of one file."""

    def __init__(self, path: Path, content: Mapping[str, Any], scale: float) -> None:
        self.path, self.content, self.scale = path, content, scale
        # Settings of nerfstudio and of instant-ngp: metres that a number in a depth map counts.
        unit = content.get(
            "depth_unit_scale_factor", content.get("integer_depth_scale", DEPTH_UNIT_M)
        )
        if not is_finite_number(unit) or unit <= 0:
            raise UserError(f"{path}: depth_unit_scale_factor {unit!r} must be a number above 0")
        self.unit_m = float(unit)
        self._names = _frame_names(content["frames"])
        listed = [item for item in content["frames"] if isinstance(item, dict)]
        pictures = [self._picture(str(item.get("file_path") or "")) for item in sampled(listed)]
        there = [picture for picture in pictures if picture is not None]
        self._stored_px = common_size_px(there) if there else None
        named = [found for item in listed if (found := self._depth_map(item)) is not None]
        maps = [depth_map for depth_map in sampled(named) if is_file(depth_map)]
        self._depth_px = common_size_px(maps) if maps else None

    def frame(self, index: int, item: Any) -> ScanFrame:
        """Return a frame; what is wrong with its entry becomes its reason."""
        name = item.get("file_path") if isinstance(item, dict) else None
        frame_id = self._names.get(name) if isinstance(name, str) else None
        frame_id = frame_id or f"{index:05d}"
        try:
            if not isinstance(name, str) or not name:
                raise UserError("no file_path")
            return self._frame(frame_id, name, item)
        except UserError as error:
            return missing_frame(frame_id, f"frames[{index}]: {error}")

    def _frame(self, frame_id: str, name: str, item: Mapping[str, Any]) -> ScanFrame:
        picture = self._picture(name)
        if picture is None:
            raise UserError(f"picture {name} is missing")
        if self._stored_px is None:
            self._stored_px = picture_size_px(picture)
        lens = self._lens({**self.content, **item}, self._stored_px)
        camera, use_exif = _camera_of_picture(lens.camera, self._stored_px)
        load_rgb = file_rgb(picture, camera.size_px, use_exif=use_exif)
        depth_path = self._depth_map(item)
        depth, load_depth_m, reason = None, None, ""
        if depth_path is not None:
            if is_file(depth_path):
                if self._depth_px is None:
                    self._depth_px = picture_size_px(depth_path)
                depth = CameraModel(
                    intrinsics_at_size(camera.intrinsics, camera.size_px, self._depth_px),
                    self._depth_px,
                )
                load_depth_m = file_depth(
                    depth_path,
                    unit_m=self.unit_m,
                    float_unit_m=self.unit_m,
                    size_px=self._depth_px,
                )
            else:
                missing = item.get("depth_file_path") or item.get("depth_path")
                reason = f"depth map {missing} is missing"
        if item.get("is_bad") is True:
            reason = "is_bad: its picture is blurred"
        if not lens.distortion.is_pinhole:
            load_rgb = partial(_undistorted, load_rgb, camera, lens.distortion, False)
            if load_depth_m is not None and depth is not None:
                load_depth_m = partial(_undistorted, load_depth_m, depth, lens.distortion, True)
        is_original = lens.distortion.is_pinhole and not use_exif
        return make_frame(
            frame_id,
            pose=self._pose(item.get("transform_matrix")),
            colour=camera,
            depth=depth,
            load_rgb=load_rgb,
            load_depth_m=load_depth_m,
            load_encoded_rgb=picture.read_bytes if is_original else None,
            timestamp_s=_number(item, "timestamp", _number(item, "time", math.nan)),
            reason=reason,
        )

    def _depth_map(self, item: Mapping[str, Any]) -> Path | None:
        """Return the path of a frame's depth map, None if the file names none."""
        name = item.get("depth_file_path") or item.get("depth_path")
        return self.path.parent / name if isinstance(name, str) else None

    def _picture(self, name: str) -> Path | None:
        for folder in _FOLDERS_OF_PICTURES:
            for ending in _PICTURE_ENDINGS:
                path = self.path.parent / folder / f"{name}{ending}"
                if is_file(path):
                    return path
        return None

    def _pose(self, matrix: Any) -> np.ndarray:
        try:
            pose = np.array(matrix, dtype=np.float64)
        except (TypeError, ValueError):
            pose = np.zeros(0)
        if pose.shape == (3, 4):
            pose = np.vstack([pose, [0, 0, 0, 1]])
        if pose.shape != (4, 4):
            raise UserError("transform_matrix must be 4 x 4 numbers")
        if not np.isfinite(pose).all():
            return pose
        pose = world_from_camera(pose, up="z", camera="opengl")
        pose[:3, 3] /= self.scale
        return pose

    def _lens(self, values: Mapping[str, Any], stored_px: tuple[int, int]) -> _Lens:
        """Return the camera of a frame: its own values win over those of the file."""
        model = values.get("camera_model", "OPENCV")
        if model not in LENSES:
            raise UserError(f"camera_model {model!r} is not read; allowed: {', '.join(LENSES)}")
        width, height = _number(values, "w", stored_px[0]), _number(values, "h", stored_px[1])
        if min(width, height) < 1:
            raise UserError(f"size {width:g} x {height:g}")
        fx, fy = _focal(values, width, height)
        k = np.array(
            [
                [fx, 0, _number(values, "cx", width / 2)],
                [0, fy, _number(values, "cy", height / 2)],
                [0, 0, 1.0],
            ]
        )
        camera = CameraModel(k, (int(width), int(height)))
        if model in PINHOLES:
            return _Lens(camera, LensDistortion())
        radial = tuple(_number(values, f"k{power}", 0.0) for power in (1, 2, 3, 4))
        tangential = (_number(values, "p1", 0.0), _number(values, "p2", 0.0))
        is_fisheye = model == "OPENCV_FISHEYE" or values.get("is_fisheye") is True
        return _Lens(
            camera,
            LensDistortion(
                "fisheye" if is_fisheye else "opencv",
                (radial[0], radial[1], radial[2], radial[3]),
                (0.0, 0.0) if is_fisheye else tangential,
            ),
        )


def _focal(values: Mapping[str, Any], width: float, height: float) -> tuple[float, float]:
    """Return fx, fy of a frame: `fl_x`, `fl_y`, or the angles of view of instant-ngp."""
    fx, fy = _number(values, "fl_x", 0.0), _number(values, "fl_y", 0.0)
    angle_x = _number(values, "camera_angle_x", 0.0)
    angle_y = _number(values, "camera_angle_y", 0.0)
    if not fx and 0 < angle_x < math.pi:
        fx = 0.5 * width / math.tan(angle_x / 2)
    if not fy and 0 < angle_y < math.pi:
        fy = 0.5 * height / math.tan(angle_y / 2)
    if not (fx or fy):
        raise UserError("no fl_x and no camera_angle_x")
    return fx or fy, fy or fx


def _number(values: Mapping[str, Any], key: str, default: float) -> float:
    value = values.get(key)
    if value is None:
        return default
    if not is_finite_number(value):
        raise UserError(f"{key} {value!r:.40} is not a number")
    return float(value)


def _camera_of_picture(camera: CameraModel, stored_px: tuple[int, int]) -> tuple[CameraModel, bool]:
    """Return the camera at the size of the stored pictures, and whether EXIF turns them first.

    K is of pictures of `w` x `h`. Pictures may be scaled, or stored on their side with a note in
    EXIF that a viewer follows, as portrait pictures of phones are.
    """
    width, height = camera.size_px
    if stored_px == camera.size_px:
        return camera, False
    if stored_px == (height, width):
        return camera, True
    if abs(stored_px[0] / stored_px[1] / (width / height) - 1) > 0.02:
        raise UserError(
            f"pictures are {stored_px[0]} x {stored_px[1]}, the camera is of {width} x {height}"
        )
    return (
        CameraModel(intrinsics_at_size(camera.intrinsics, camera.size_px, stored_px), stored_px),
        False,
    )


def _undistorted(
    load: Any, camera: CameraModel, distortion: LensDistortion, is_nearest: bool
) -> np.ndarray:
    return undistort(load(), camera.intrinsics, distortion, nearest=is_nearest)
