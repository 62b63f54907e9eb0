"""Replica as NICE-SLAM rendered it: `results/frameNNNNNN.jpg`, `depthNNNNNN.png`, `traj.txt`.

Depth counts 1/6553.5 m unless `cam_params.json` has another scale; poses map an OpenCV camera to a
world with Z up; pixel centres of K are at whole numbers.
"""

from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.pose_conventions import intrinsics_from_whole_pixels
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import FolderReader, files_by_stem
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.number_files import read_number_rows
from workflow_scripts.sources.readers.scans.pictures import common_size_px, file_depth, file_rgb

UNITS_A_METRE = 6553.5
_CAMERA = "cam_params.json"


class ReplicaReader(FolderReader):
    """Reads a rendered room; a line of `traj.txt` is the pose of the frame of its number."""

    name = "replica"
    looks_for = (
        f"a folder is needed with traj.txt and results/, and {_CAMERA} in it or in the folder above"
    )

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has a trajectory and results."""
        return (folder / "traj.txt").is_file() and (folder / "results").is_dir()

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a room; frames without picture, depth or pose have a reason."""
        folder = entry.path
        camera, per_metre = _read_camera(folder)
        table, problems = read_number_rows(folder / "traj.txt", 16)
        poses = table.reshape(-1, 4, 4)
        pictures = _numbered(folder / "results", "frame", (".jpg", ".jpeg", ".png"))
        depth_maps = _numbered(folder / "results", "depth", (".png",))
        stored_px = common_size_px(list(pictures.values())) if pictures else camera.size_px
        if stored_px != camera.size_px:
            raise UserError(
                f"{folder}: pictures are {stored_px[0]} x {stored_px[1]}, the camera of {_CAMERA} "
                f"is of {camera.size_px[0]} x {camera.size_px[1]}"
            )
        frames: list[ScanFrame] = []
        for number in sorted({*pictures, *depth_maps, *range(len(poses))}):
            frame_id, picture = f"{number:06d}", pictures.get(number)
            depth_map = depth_maps.get(number)
            if picture is None:
                frames.append(missing_frame(frame_id, f"no picture frame{frame_id}.jpg"))
                continue
            reason = problems.get(number, "")
            if number >= len(poses):
                reason = f"traj.txt has {len(poses)} poses only"
            elif depth_maps and depth_map is None:
                reason = f"no depth map depth{frame_id}.png"
            frames.append(
                make_frame(
                    frame_id,
                    pose=poses[number] if number < len(poses) else None,
                    colour=camera,
                    depth=camera if depth_map is not None else None,
                    load_rgb=file_rgb(picture, camera.size_px),
                    load_depth_m=file_depth(depth_map, unit_m=1 / per_metre, size_px=camera.size_px)
                    if depth_map is not None
                    else None,
                    load_encoded_rgb=picture.read_bytes,
                    reason=reason,
                )
            )
        return make_scan(entry.scan_id, frames, where=folder, has_gravity=True)


def _numbered(folder: Path, prefix: str, suffixes: tuple[str, ...]) -> dict[int, Path]:
    files = files_by_stem(folder, suffixes)
    numbers = {stem.removeprefix(prefix): path for stem, path in files.items() if prefix in stem}
    return {int(number): path for number, path in numbers.items() if number.isdecimal()}


def _read_camera(folder: Path) -> tuple[CameraModel, float]:
    """Return the camera of all frames, and the units of depth a metre."""
    path = next(
        (place / _CAMERA for place in (folder, folder.parent) if (place / _CAMERA).is_file()), None
    )
    if path is None:
        raise UserError(f"{folder}: no {_CAMERA} in it or in {folder.parent}")
    content: Any = parse_json(read_text(path), path)
    values = content.get("camera") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise UserError(f"{path}: no 'camera' with w, h, fx, fy, cx, cy, scale")
    numbers = {}
    for key in ("w", "h", "fx", "fy", "cx", "cy", "scale"):
        value = values.get(key, UNITS_A_METRE if key == "scale" else None)
        if not is_finite_number(value):
            raise UserError(f"{path}: camera.{key} {value!r:.40} is not a number")
        numbers[key] = float(value)
    if min(numbers["w"], numbers["h"], numbers["scale"]) <= 0:
        raise UserError(f"{path}: camera.w, camera.h and camera.scale must be above 0")
    k = np.array(
        [[numbers["fx"], 0, numbers["cx"]], [0, numbers["fy"], numbers["cy"]], [0, 0, 1.0]]
    )
    size_px = (int(numbers["w"]), int(numbers["h"]))
    return CameraModel(intrinsics_from_whole_pixels(k), size_px), numbers["scale"]
