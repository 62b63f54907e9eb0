"""Read the file of a pinhole camera that a user supplies: intrinsics, size, pose."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.cameras import FloatArray

_MAX_NORMALISED_FOCAL = 20.0
_RIGID_TOLERANCE = 1e-3
_SEPARATORS = re.compile(r"[,;\[\]]")


class CameraFileError(UserError):
    """Why a camera's file cannot be used: the file, the part of it, and the problem."""

    def __init__(self, path: Path, part: Literal["intrinsics", "pose"], problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.part = part
        self.problem = problem


@dataclass(frozen=True)
class CameraFile:
    """What a camera's file says.

    Attributes:
        intrinsics: K [3, 3] in pixels of an image of the size below; the centre of the first
            pixel is (0.5, 0.5).
        width_px: Width of that image, None if the file does not say it.
        height_px: Height of that image, None if the file does not say it.
        world_from_camera: Pose [4, 4] of an OpenCV camera in a world in metres with Z up; None
            if the file has none.
        values: All that the file holds, for keys of one format alone.
    """

    intrinsics: FloatArray
    width_px: float | None
    height_px: float | None
    world_from_camera: FloatArray | None
    values: dict[str, Any]


def read_camera_file(path: Path) -> CameraFile:
    """Read a camera: JSON (fx, fy, cx, cy or K; width, height; world_from_camera), or a text of K.

    K has 3 x 3 numbers, or 4 x 4 of which the last row and column say nothing.

    Raises `CameraFileError`.
    """
    try:
        values = _read_values(path)
    except ValueError as error:
        raise CameraFileError(path, "intrinsics", f"is broken ({error})") from error
    if not isinstance(values, dict):
        raise CameraFileError(
            path, "intrinsics", "is not a JSON object with fx, fy, cx, cy, width and height"
        )
    k = _intrinsics(values, path)
    width_px, height_px = values.get("width"), values.get("height")
    if not all(side is None or _is_side(side) for side in (width_px, height_px)):
        raise CameraFileError(path, "intrinsics", f"has size {width_px} x {height_px}")
    if max(k[0, 2], k[1, 2]) <= 1 and max(k[0, 0], k[1, 1]) < _MAX_NORMALISED_FOCAL:
        raise CameraFileError(
            path,
            "intrinsics",
            f"is normalized (principal point {k[0, 2]:g}, {k[1, 2]:g}); multiply fx and cx by the "
            "photo's width, fy and cy by its height",
        )
    return CameraFile(k, width_px, height_px, _pose(values, path), values)


def _read_values(path: Path) -> Any:
    text = read_text(path)
    if path.suffix.lower() != ".txt":
        return parse_json(text, path.name)
    rows = [_SEPARATORS.sub(" ", line).split() for line in text.splitlines()]
    return {"K": [[float(word) for word in row] for row in rows if row]}


def _is_side(value: Any) -> bool:
    return is_finite_number(value) and value > 0


def _intrinsics(values: dict[str, Any], path: Path) -> FloatArray:
    matrix = next((values[key] for key in ("K", "intrinsics") if key in values), None)
    try:
        if matrix is None:
            fx, fy = values["fx"], values.get("fy", values["fx"])
            matrix = [[fx, 0, values["cx"]], [0, fy, values["cy"]], [0, 0, 1]]
        _refuse_other_than_numbers(matrix)
        k = np.array(matrix, dtype=np.float64)
        if k.size == 16 and np.allclose(k.reshape(4, 4)[[3, 0, 1, 2], [3, 3, 3, 3]], [1, 0, 0, 0]):
            k = k.reshape(4, 4)[:3, :3]
        k = k.reshape(3, 3)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problem = f"must have fx, fy, cx, cy or a 3 x 3 matrix K ({error})"
        raise CameraFileError(path, "intrinsics", problem) from error
    is_pinhole = (
        np.isfinite(k).all()
        and min(k[0, 0], k[1, 1]) > 0
        and np.allclose(k[2], [0, 0, 1])
        and abs(k[0, 1]) <= 1e-6 * k[0, 0]
        and k[1, 0] == 0
    )
    if not is_pinhole:
        problem = (
            f"is not a pinhole camera: fx is {k[0, 0]:g}, fy is {k[1, 1]:g}, K is {k.tolist()}; "
            "it needs finite numbers, fx and fy above 0, and no skew"
        )
        raise CameraFileError(path, "intrinsics", problem)
    return k


def _refuse_other_than_numbers(value: Any) -> None:
    """Refuse what NumPy would take for a number: true, null."""
    if isinstance(value, bool) or value is None:
        raise TypeError(f"{json.dumps(value)} is not a number")
    if isinstance(value, list):
        for inner in value:
            _refuse_other_than_numbers(inner)


def _pose(values: dict[str, Any], path: Path) -> FloatArray | None:
    if values.get("world_from_camera") is None:
        return None
    try:
        pose = np.array(values["world_from_camera"], dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError, OverflowError) as error:
        problem = "has a world_from_camera that is not a 4 x 4 matrix"
        raise CameraFileError(path, "pose", problem) from error
    rotation = pose[:3, :3]
    is_rigid = (
        np.isfinite(pose).all()
        and np.allclose(pose[3], [0, 0, 0, 1])
        and np.allclose(rotation @ rotation.T, np.eye(3), atol=_RIGID_TOLERANCE)
        and np.linalg.det(rotation) > 0
    )
    if not is_rigid:
        problem = (
            "has a world_from_camera that is no rigid pose, not a rigid transform: its axes must "
            "be unit vectors at right angles, and right-handed"
        )
        raise CameraFileError(path, "pose", problem)
    return pose
