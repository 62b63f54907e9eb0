"""Polycam's raw export: `keyframes/` with pictures, cameras, depth and confidence by time.

A camera is `t_00` ... `t_23`, camera to ARKit's world with Y up, of an OpenGL camera, and K of its
picture. Pictures and cameras that Polycam corrected are preferred; they have black borders, which
are cut off with the depth there. Depth counts millimetres; confidence is 0, 127 or 255.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.pose_conventions import intrinsics_at_size, world_from_camera
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import (
    PICTURE_SUFFIXES,
    FolderReader,
    files_by_stem,
    natural_key,
)
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.pictures import (
    common_size_px,
    confident_depth,
    file_depth,
    file_rgb,
)

DEPTH_UNIT_M = 0.001
LEAST_CONFIDENCE = 1
BORDER_PX = 15
"""Width of the black border of corrected pictures."""
MICROSECONDS = 1e-6
_POSE_KEYS = [f"t_{row}{column}" for row in range(3) for column in range(4)]


class PolycamReader(FolderReader):
    """Reads an unpacked raw export."""

    name = "polycam"
    looks_for = (
        "a folder is needed with keyframes/ that has images/ and cameras/ (or corrected_images/ "
        "and corrected_cameras/) and depth/"
    )

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has keyframes with cameras."""
        keyframes = folder / "keyframes"
        return (keyframes / "cameras").is_dir() or (keyframes / "corrected_cameras").is_dir()

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open an export; pictures without camera or depth map have a reason."""
        folder = entry.path / "keyframes"
        prefix = "corrected_" if (folder / "corrected_cameras").is_dir() else ""
        pictures = files_by_stem(folder / f"{prefix}images", PICTURE_SUFFIXES)
        if not pictures:
            raise UserError(f"{folder / f'{prefix}images'}: no pictures")
        keyframes = _Keyframes(folder, prefix, pictures)
        return make_scan(
            entry.scan_id,
            [keyframes.frame(stem) for stem in keyframes.stems],
            where=folder,
            has_gravity=True,
        )


class _Keyframes:
    """Makes the frames of one export."""

    def __init__(self, folder: Path, prefix: str, pictures: dict[str, Path]) -> None:
        self.pictures = pictures
        self.cameras = files_by_stem(folder / f"{prefix}cameras", (".json",))
        self.depth = files_by_stem(folder / "depth", (".png",))
        self.confidence = files_by_stem(folder / "confidence", (".png",))
        self.stored_px = common_size_px(list(pictures.values()))
        self.depth_px = common_size_px(list(self.depth.values())) if self.depth else (0, 0)
        self.stems = sorted({*pictures, *self.cameras, *self.depth}, key=natural_key)
        self.depth_border, self.border = 0, 0
        if prefix:
            # The same strip of both, in whole pixels of the coarser one.
            ratio = self.stored_px[0] / self.depth_px[0] if self.depth else 1.0
            self.depth_border = int(np.ceil(BORDER_PX / ratio)) if self.depth else 0
            self.border = int(np.rint(self.depth_border * ratio)) if self.depth else BORDER_PX

    def frame(self, stem: str) -> ScanFrame:
        """Return the frame of a time stamp."""
        time_s = float(stem) * MICROSECONDS if stem.isdecimal() else float("nan")
        if stem not in self.pictures:
            return missing_frame(stem, f"no picture {stem}.jpg", timestamp_s=time_s)
        if stem not in self.cameras:
            return missing_frame(stem, f"no camera {stem}.json", timestamp_s=time_s)
        try:
            camera, pose = _read_camera(self.cameras[stem])
        except UserError as error:
            return missing_frame(stem, str(error), timestamp_s=time_s)
        if camera.size_px != self.stored_px:
            k = intrinsics_at_size(camera.intrinsics, camera.size_px, self.stored_px)
            camera = CameraModel(k, self.stored_px)
        picture, path = self.pictures[stem], self.depth.get(stem)
        load_rgb = file_rgb(picture, self.stored_px)
        load_depth_m, depth, reason = None, None, ""
        if path is not None:
            depth = CameraModel(
                intrinsics_at_size(camera.intrinsics, self.stored_px, self.depth_px), self.depth_px
            )
            load_depth_m = confident_depth(
                file_depth(path, unit_m=DEPTH_UNIT_M, size_px=self.depth_px),
                self.confidence.get(stem),
                minimum=LEAST_CONFIDENCE,
            )
        elif self.depth:
            reason = f"no depth map {stem}.png"
        if self.border:
            load_rgb = partial(_inner, load_rgb, self.border)
            camera = _inner_camera(camera, self.border)
            if load_depth_m is not None and depth is not None:
                load_depth_m = partial(_inner, load_depth_m, self.depth_border)
                depth = _inner_camera(depth, self.depth_border)
        return make_frame(
            stem,
            pose=world_from_camera(pose, up="y", camera="opengl"),
            colour=camera,
            depth=depth,
            load_rgb=load_rgb,
            load_depth_m=load_depth_m,
            load_encoded_rgb=None if self.border else picture.read_bytes,
            timestamp_s=time_s,
            reason=reason,
        )


def _read_camera(path: Path) -> tuple[CameraModel, np.ndarray]:
    content: Any = parse_json(read_text(path), path.name)
    keys = (*_POSE_KEYS, "fx", "fy", "cx", "cy", "width", "height")
    values = {}
    for key in keys:
        value = content.get(key) if isinstance(content, dict) else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UserError(f"{path.name}: {key} {value!r:.40} is not a number")
        values[key] = float(value)
    if not all(is_finite_number(values[key]) and values[key] >= 1 for key in ("width", "height")):
        raise UserError(f"{path.name}: size {values['width']:g} x {values['height']:g}")
    pose = np.vstack([np.array([values[key] for key in _POSE_KEYS]).reshape(3, 4), [0, 0, 0, 1]])
    k = np.array([[values["fx"], 0, values["cx"]], [0, values["fy"], values["cy"]], [0, 0, 1.0]])
    return CameraModel(k, (int(values["width"]), int(values["height"]))), pose


def _inner(load: Callable[[], np.ndarray], border: int) -> np.ndarray:
    picture = load()
    return picture[border : picture.shape[0] - border, border : picture.shape[1] - border]


def _inner_camera(camera: CameraModel, border: int) -> CameraModel:
    k = camera.intrinsics.copy()
    k[:2, 2] -= border
    width, height = camera.size_px
    return CameraModel(k, (width - 2 * border, height - 2 * border))
