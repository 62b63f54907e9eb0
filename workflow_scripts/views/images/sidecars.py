"""Read the sidecar files of a photo: its depth map, its camera, its masks.

A sidecar has the photo's stem ("shelf/0012.jpg" -> "shelf/0012.png", see sidecar_files.py) and
refers to the upright photo, as a viewer shows it. A missing sidecar is no error; an invalid one is
an `UnusableSidecar`, never a guess.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.geometry.camera_file import CameraFileError, read_camera_file
from workflow_scripts.sources.readers.sidecar_files import UnusableSidecar
from workflow_scripts.views.images.depth_plausibility import NO_DEPTH, implausible_depth_reason

_ASPECT_TOLERANCE = 0.02
_DEPTH_ARRAYS = ("depth", "depth_m")
_PLAUSIBLE_FOV_DEG = (1.0, 170.0)
_MIDDLE = (0.25, 0.75)
"""Where the principal point of a camera without its picture's size must lie, as shares of it."""


@dataclass(frozen=True)
class UserCamera:
    """K [3, 3] in pixels of the upright photo and, if known, the pose [4, 4]."""

    intrinsics: np.ndarray
    world_from_camera: np.ndarray | None


def read_depth(
    path: Path,
    *,
    depth_unit_m: float,
    width_px: int,
    height_px: int,
    depth_float_unit_m: float = 1.0,
) -> np.ndarray:
    """Return planar depth in metres, f32 [h, w]; NaN where it is not a finite number above 0.

    Whole numbers (16-bit PNG, integer arrays) count `depth_unit_m`, floating-point ones
    `depth_float_unit_m`. 65535 beside other 16-bit numbers marks a pixel without depth. The size
    may differ from the photo's, the aspect ratio may not.
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
    is_float = bool(np.issubdtype(values.dtype, np.floating))
    unit_m = depth_float_unit_m if is_float else depth_unit_m
    with np.errstate(over="ignore", invalid="ignore"):
        depth_m = (values.astype(np.float64) * unit_m).astype(np.float32)
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    if not is_float and values.max() == NO_DEPTH and values.min() != NO_DEPTH:
        depth_m[values == NO_DEPTH] = np.nan
    if np.isnan(depth_m).all():
        raise UnusableSidecar(f"depth: {path.name} has no pixel with a finite depth above 0")
    reason = implausible_depth_reason(depth_m, unit_m=unit_m, is_float=is_float)
    if reason:
        raise UnusableSidecar(f"depth: {path.name}: {reason}")
    return depth_m


def _read_array(path: Path) -> np.ndarray:
    try:
        suffix = path.suffix.lower()
        if suffix == ".npy":
            array: np.ndarray = np.load(path, allow_pickle=False)
            return array
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                array = file[_depth_array(path, file.files)]
                return array
        with Image.open(path) as image:
            return np.asarray(image)
    except UnusableSidecar:
        raise
    except Exception as error:  # decoders raise many types for damaged bytes
        raise UnusableSidecar(f"depth: {path.name} is broken ({error})") from error


def _depth_array(path: Path, names: list[str]) -> str:
    """Return the name of the array that is the depth: the only one, or the one called depth."""
    called = [name for name in names if name in _DEPTH_ARRAYS]
    if len(names) != 1 and len(called) != 1:
        raise UnusableSidecar(
            f"depth: {path.name} has {len(names)} arrays ({', '.join(names[:8])}); call the one to "
            "be read 'depth'"
        )
    return names[0] if len(names) == 1 else called[0]


def read_camera(path: Path, *, width_px: int, height_px: int) -> UserCamera:
    """Read a camera: JSON (fx, fy, cx, cy or K; width, height; world_from_camera), or a 3 x 3 text.

    The centre of the first pixel is (0.5, 0.5). With `width` and `height`, K is of an image of
    that size and is scaled to the photo's. `world_from_camera` [4, 4] is of an OpenCV camera in a
    world in metres with Z up.
    """
    try:
        camera = read_camera_file(path)
    except CameraFileError as error:
        raise UnusableSidecar(f"{error.part}: {path.name} {error.problem}") from error
    k = camera.intrinsics
    source_width = width_px if camera.width_px is None else camera.width_px
    source_height = height_px if camera.height_px is None else camera.height_px
    if abs(source_width / source_height / (width_px / height_px) - 1) > _ASPECT_TOLERANCE:
        raise UnusableSidecar(
            f"intrinsics: {path.name} is of a {source_width:g} x {source_height:g} image, "
            f"the upright photo is {width_px} x {height_px}"
        )
    k = np.diag([width_px / source_width, height_px / source_height, 1.0]) @ k
    if not (0 <= k[0, 2] <= width_px and 0 <= k[1, 2] <= height_px):
        raise UnusableSidecar(
            f"intrinsics: {path.name} has its principal point ({k[0, 2]:g}, {k[1, 2]:g}) outside "
            f"the {width_px} x {height_px} photo; add 'width' and 'height' if it is of another size"
        )
    across, down = k[0, 2] / width_px, k[1, 2] / height_px
    is_sized = camera.width_px is not None and camera.height_px is not None
    if not is_sized and not (_MIDDLE[0] <= min(across, down) and max(across, down) <= _MIDDLE[1]):
        raise UnusableSidecar(
            f"intrinsics: {path.name} has its principal point ({k[0, 2]:g}, {k[1, 2]:g}) far from "
            f"the middle of the {width_px} x {height_px} photo; add 'width' and 'height' of the "
            "image that it is of (of this one if it is right)"
        )
    fov_deg = float(np.rad2deg(2 * np.arctan(0.5 * width_px / k[0, 0])))
    if not _PLAUSIBLE_FOV_DEG[0] <= fov_deg <= _PLAUSIBLE_FOV_DEG[1]:
        raise UnusableSidecar(
            f"intrinsics: {path.name} has a focal length of {k[0, 0]:g} px, a field of view of "
            f"{fov_deg:.3g} degrees over the photo's width; give fx and fy in pixels, not in "
            "millimetres"
        )
    return UserCamera(k, camera.world_from_camera)
