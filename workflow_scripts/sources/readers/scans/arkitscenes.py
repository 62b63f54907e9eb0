"""ARKitScenes (3dod, and the same folders of raw): small pictures, LiDAR depth, trajectory.

A line of `lowres_wide.traj` is time, rotation vector and translation of world to camera; a
`.pincam` file (w h fx fy cx cy) belongs to every picture. Times of pictures, depth maps and
cameras differ by milliseconds. Depth counts millimetres.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.pose_conventions import (
    intrinsics_at_size,
    pose_from_axis_angle,
    poses_at,
    world_from_camera,
)
from workflow_scripts.geometry.upright_boxes import enclosing_upright_box
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame, ScanObject
from workflow_scripts.sources.readers.scans.folders import FolderReader, files_by_stem
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
)
from workflow_scripts.sources.readers.scans.pictures import (
    common_size_px,
    confident_depth,
    file_depth,
    file_rgb,
)

DEPTH_UNIT_M = 0.001
LEAST_CONFIDENCE = 1
PAIR_TOLERANCE_S = 0.01
POSE_TOLERANCE_S = 0.02
MAX_POSE_GAP_S = 0.25
_TRAJECTORY = "lowres_wide.traj"
_PICTURES = (".png", ".jpg")
_TIME = re.compile(r"(\d+\.\d+|\d+)$")


class ARKitScenesReader(FolderReader):
    """Reads one video; its boxes are the objects."""

    name = "arkitscenes"
    looks_for = (
        "a folder <id> is needed with <id>_frames/ that has lowres_wide/, lowres_depth/, "
        "lowres_wide_intrinsics/ and lowres_wide.traj"
    )

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has a trajectory, in itself or in `<id>_frames`."""
        return (_frames_folder(folder) / _TRAJECTORY).is_file()

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a video; pictures without depth, camera or pose near in time have a reason."""
        objects, warnings = _read_boxes(entry.path)
        frames, notes = _read_frames(_frames_folder(entry.path))
        return make_scan(
            entry.scan_id,
            frames,
            where=entry.path,
            has_gravity=True,
            objects=objects,
            warnings=[*warnings, *notes],
        )


def _frames_folder(folder: Path) -> Path:
    inner = folder / f"{folder.name}_frames"
    return inner if inner.is_dir() else folder


def _timed(folder: Path, suffixes: tuple[str, ...]) -> tuple[np.ndarray, list[Path]]:
    """Return times f64 [n] in seconds, which the names end with, and files, in order of time."""
    timed: list[tuple[float, Path]] = []
    for stem, path in files_by_stem(folder, suffixes).items():
        match = _TIME.search(stem)
        if match:
            timed.append((float(match[1]), path))
    timed.sort()
    return np.array([time for time, _ in timed]), [path for _, path in timed]


def _read_frames(folder: Path) -> tuple[list[ScanFrame], list[str]]:
    """Return the frames of a video, and warnings."""
    colour_s, pictures = _timed(folder / "lowres_wide", _PICTURES)
    depth_s, depth_maps = _timed(folder / "lowres_depth", (".png",))
    camera_s, camera_files = _timed(folder / "lowres_wide_intrinsics", (".pincam",))
    confidence_s, confidence_files = _timed(folder / "confidence", (".png",))
    if not pictures:
        raise UserError(f"{folder / 'lowres_wide'}: no pictures")
    pairs = {"tolerance_s": PAIR_TOLERANCE_S}
    depth_of = nearest_in_time(colour_s, depth_s, **pairs)
    camera_of = nearest_in_time(colour_s, camera_s, **pairs)
    confidence_of = nearest_in_time(colour_s, confidence_s, **pairs)
    rows, problems = read_number_rows(folder / _TRAJECTORY, 7)
    poses = world_from_camera(
        pose_from_axis_angle(rows[:, 1:4], rows[:, 4:7]),
        up="z",
        camera="opencv",
        is_world_to_camera=True,
    )
    at_pictures = poses_at(
        colour_s, rows[:, 0], poses, tolerance_s=POSE_TOLERANCE_S, max_gap_s=MAX_POSE_GAP_S
    )
    stored_px = common_size_px(pictures)
    depth_px = common_size_px(depth_maps) if depth_maps else (0, 0)
    frames = [
        missing_frame(stem, "no time at the end of the picture's name")
        for stem in files_by_stem(folder / "lowres_wide", _PICTURES)
        if not _TIME.search(stem)
    ]
    for index, (picture, time_s) in enumerate(zip(pictures, colour_s, strict=True)):
        reason = ""
        if index not in camera_of:
            reason = f"no .pincam within {PAIR_TOLERANCE_S:g} s"
        elif depth_maps and index not in depth_of:
            reason = f"no depth map within {PAIR_TOLERANCE_S:g} s"
        elif at_pictures[index] is None:
            reason = f"no pose within {POSE_TOLERANCE_S:g} s"
        camera = None
        if not reason:
            try:
                camera = _read_pincam(camera_files[camera_of[index]], stored_px)
            except UserError as error:
                reason = str(error)
        if camera is None:
            frames.append(missing_frame(picture.stem, reason, timestamp_s=float(time_s)))
            continue
        load_depth_m, depth = None, None
        if index in depth_of:
            depth = CameraModel(
                intrinsics_at_size(camera.intrinsics, stored_px, depth_px), depth_px
            )
            load_depth_m = confident_depth(
                file_depth(depth_maps[depth_of[index]], unit_m=DEPTH_UNIT_M, size_px=depth_px),
                confidence_files[confidence_of[index]] if index in confidence_of else None,
                minimum=LEAST_CONFIDENCE,
            )
        frames.append(
            make_frame(
                picture.stem,
                pose=at_pictures[index],
                colour=camera,
                depth=depth,
                load_rgb=file_rgb(picture, stored_px),
                load_depth_m=load_depth_m,
                load_encoded_rgb=picture.read_bytes,
                timestamp_s=float(time_s),
            )
        )
    return frames, left_out_lines(problems)


def _read_pincam(path: Path, stored_px: tuple[int, int]) -> CameraModel:
    numbers = parse_numbers(read_text(path), path)
    if len(numbers) != 6:
        raise UserError(f"{path.name}: {len(numbers)} numbers; w h fx fy cx cy are needed")
    width, height, fx, fy, cx, cy = numbers.tolist()
    if (int(width), int(height)) != stored_px:
        raise UserError(
            f"{path.name}: of {width:g} x {height:g}, pictures are {stored_px[0]} x {stored_px[1]}"
        )
    return CameraModel(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), stored_px)


def _read_boxes(folder: Path) -> tuple[tuple[ScanObject, ...], list[str]]:
    """Return the annotated boxes, and what is wrong with those that are left out."""
    path = folder / f"{folder.name}_3dod_annotation.json"
    if not path.is_file():
        return (), []
    try:
        content: Any = parse_json(read_text(path), path)
    except UserError as error:
        # Frames can be used without objects.
        return (), [f"no objects: {error}"]
    listed = content.get("data") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        return (), [f"no objects: {path.name} has no list 'data'"]
    objects: list[ScanObject] = []
    warnings: list[str] = []
    for index, item in enumerate(listed):
        try:
            box = item["segments"]["obbAligned"]
            centre = np.array(box["centroid"], dtype=np.float64).reshape(3)
            size = np.array(box["axesLengths"], dtype=np.float64).reshape(3)
            axes = np.array(box["normalizedAxes"], dtype=np.float64).reshape(3, 3)
            label = str(item["label"])
        except (KeyError, TypeError, ValueError):
            warnings.append(f"{path.name}: data[{index}] has no segments.obbAligned that is a box")
            continue
        if not np.isfinite([*centre, *size, *axes.ravel()]).all() or (size <= 0).any():
            warnings.append(f"{path.name}: data[{index}] ({label}) has size {size.tolist()}")
            continue
        # A row of normalizedAxes is an axis of the box.
        centre, size, yaw_deg = enclosing_upright_box(centre, size, axes.T)
        objects.append(
            ScanObject(
                instance=index + 1,
                object_id=str(item.get("uid", index)),
                label=label.replace("_", " "),
                centre_m=(float(centre[0]), float(centre[1]), float(centre[2])),
                size_m=(float(size[0]), float(size[1]), float(size[2])),
                yaw_deg=yaw_deg,
            )
        )
    return tuple(objects), warnings
