"""Read the sidecar files of a photo: its depth map, its camera, its masks.

A sidecar has the photo's stem ("shelf/0012.jpg" -> "shelf/0012.png") in a separate folder and
refers to the upright photo, as a viewer shows it. A missing sidecar is no error; an invalid one is
an `UnusableSidecar`, never a guess.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.errors import UserError

DEPTH_SUFFIXES = (".png", ".npy", ".npz", ".tif", ".tiff")
CAMERA_SUFFIXES = (".json", ".txt")
_ASPECT_TOLERANCE = 0.02


class UnusableSidecar(UserError):
    """Why a sidecar cannot be used; the message is written to a table."""


@dataclass(frozen=True)
class UserCamera:
    """K [3, 3] in pixels of the upright photo and, if known, the pose [4, 4]."""

    intrinsics: np.ndarray
    world_from_camera: np.ndarray | None


def find_sidecar(folder: Path | None, stem: str, suffixes: Sequence[str]) -> Path | None:
    """Return the sidecar of a stem, None if there is none; a file serves all photos."""
    if folder is None:
        return None
    if folder.is_file():
        return folder
    for suffix in suffixes:
        # Not with_suffix: "room.1" has no suffix.
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            return path
    return None


def read_depth(path: Path, *, depth_unit_m: float, width_px: int, height_px: int) -> np.ndarray:
    """Return planar depth in metres, f32 [h, w]; NaN where it is not a finite number above 0.

    Whole numbers (16-bit PNG, integer arrays) count `depth_unit_m`, floating-point ones metres.
    The size may differ from the photo's, the aspect ratio may not.
    """
    values = _read_array(path)
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values.reshape([size for size in values.shape if size != 1] or [1, 1])
    if values.ndim != 2 or not values.size:
        raise UnusableSidecar(f"depth: {path.name} has shape {values.shape}, not [height, width]")
    if values.dtype in (np.uint8, np.bool_):
        raise UnusableSidecar(f"depth: {path.name} has 8 bits, too few for depth; use 16")
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise UnusableSidecar(f"depth: {path.name} holds {values.dtype}, not numbers")
    height, width = values.shape
    if abs(width / height / (width_px / height_px) - 1) > _ASPECT_TOLERANCE:
        raise UnusableSidecar(
            f"depth: {path.name} is {width} x {height}, the upright photo {width_px} x {height_px}"
        )
    unit_m = 1.0 if np.issubdtype(values.dtype, np.floating) else depth_unit_m
    with np.errstate(over="ignore", invalid="ignore"):
        depth_m = (values.astype(np.float64) * unit_m).astype(np.float32)
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    if np.isnan(depth_m).all():
        raise UnusableSidecar(f"depth: {path.name} has no pixel with a finite depth above 0")
    return depth_m


def _read_array(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            array: np.ndarray = np.load(path, allow_pickle=False)
            return array
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                array = file[file.files[0]]
                return array
        with Image.open(path) as image:
            return np.asarray(image)
    except Exception as error:  # decoders raise many types for damaged bytes
        raise UnusableSidecar(f"depth: {path.name} is broken ({error})") from error


def read_camera(path: Path, *, width_px: int, height_px: int) -> UserCamera:
    """Read a camera: JSON (fx, fy, cx, cy or K; width, height; world_from_camera), or a 3 x 3 text.

    The centre of the first pixel is (0.5, 0.5). With `width` and `height`, K is of an image of
    that size and is scaled to the photo's. `world_from_camera` [4, 4] is of an OpenCV camera in a
    world in metres with Z up.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            content: Any = {
                "K": [
                    [float(word) for word in line.split()]
                    for line in text.splitlines()
                    if line.strip()
                ]
            }
        else:
            content = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableSidecar(f"intrinsics: {path.name} is broken ({error})") from error
    if not isinstance(content, dict):
        raise UnusableSidecar(f"intrinsics: {path.name} is not a JSON object")
    k = _intrinsics(content, path.name)
    source_width, source_height = content.get("width", width_px), content.get("height", height_px)
    for side in (source_width, source_height):
        if not isinstance(side, int | float) or not np.isfinite(side) or side <= 0:
            raise UnusableSidecar(
                f"intrinsics: {path.name} has size {source_width} x {source_height}"
            )
    if abs(source_width / source_height / (width_px / height_px) - 1) > _ASPECT_TOLERANCE:
        raise UnusableSidecar(
            f"intrinsics: {path.name} is of a {source_width} x {source_height} image, "
            f"the upright photo is {width_px} x {height_px}"
        )
    k = np.diag([width_px / source_width, height_px / source_height, 1.0]) @ k
    if not (0 <= k[0, 2] <= width_px and 0 <= k[1, 2] <= height_px):
        raise UnusableSidecar(
            f"intrinsics: {path.name} has its principal point ({k[0, 2]:g}, {k[1, 2]:g}) outside "
            f"the {width_px} x {height_px} photo; add 'width' and 'height' if it is of another size"
        )
    return UserCamera(k, _pose(content, path.name))


def _intrinsics(content: dict[str, Any], name: str) -> np.ndarray:
    matrix = next((content[key] for key in ("K", "intrinsics") if key in content), None)
    try:
        if matrix is None:
            fx = float(content["fx"])
            fy = float(content.get("fy", fx))
            k = np.array([[fx, 0, content["cx"]], [0, fy, content["cy"]], [0, 0, 1]], np.float64)
        else:
            k = np.array(matrix, dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableSidecar(
            f"intrinsics: {name} must have fx, fy, cx, cy or a 3 x 3 matrix K ({error})"
        ) from error
    is_pinhole = (
        np.isfinite(k).all()
        and min(k[0, 0], k[1, 1]) > 0
        and np.allclose(k[2], [0, 0, 1])
        and abs(k[0, 1]) <= 1e-6 * k[0, 0]
        and k[1, 0] == 0
    )
    if not is_pinhole:
        raise UnusableSidecar(f"intrinsics: {name} is not a pinhole camera: {k.tolist()}")
    return k


def _pose(content: dict[str, Any], name: str) -> np.ndarray | None:
    if content.get("world_from_camera") is None:
        return None
    try:
        pose = np.array(content["world_from_camera"], dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError) as error:
        raise UnusableSidecar(f"pose: {name}: world_from_camera is not a 4 x 4 matrix") from error
    rotation = pose[:3, :3]
    is_rigid = (
        np.isfinite(pose).all()
        and np.allclose(pose[3], [0, 0, 0, 1])
        and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4)
        and np.linalg.det(rotation) > 0
    )
    if not is_rigid:
        raise UnusableSidecar(f"pose: {name}: world_from_camera is not a rigid transform")
    return pose
