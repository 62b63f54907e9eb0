"""Turn a frame of a scan into a view: colour, depth and instances on one grid of pixels."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera, back_project
from workflow_scripts.sources.readers.scans.base import InstancePoints, ScanFrame
from workflow_scripts.views.frame import Frame

POINT_REACH_M = 0.05
"""A pixel is of the instance of an annotated point that is no farther away than this."""
_STRIDE = 2
_DARK, _BRIGHT = 5, 250


@dataclass(frozen=True)
class ScanView:
    """A view that came from a frame: `content_px` is [x0, y0, x1, y1] of the picture, ends
    exclusive; around it are bars."""

    frame: Frame
    camera: Camera
    content_px: tuple[int, int, int, int]


def scaled_size(size_px: tuple[int, int], longest_side_px: int) -> tuple[int, int]:
    """Return (width, height) with a longest side of at most so many pixels, never larger."""
    scale = min(1.0, longest_side_px / max(size_px))
    return max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))


def scan_view(frame: ScanFrame, *, size_px: tuple[int, int]) -> ScanView:
    """Return a frame as a view of (width, height) pixels; colour is scaled, with grey bars.

    The view has the colour picture's camera; each pixel takes depth and instance where its ray
    meets the depth picture, whose K may differ. Depth is not interpolated.

    Raises `UserError` for a frame without pose, depth, or any pixel with depth.
    """
    if frame.reason:
        raise UserError(frame.reason)
    if frame.world_from_camera is None or frame.load_depth_m is None:
        raise UserError("no depth" if frame.load_depth_m is None else "no usable pose")
    width_px, height_px = size_px
    rgb = frame.load_rgb()
    height, width = rgb.shape[:2]
    if (width, height) != tuple(frame.colour_size_px):
        raise UserError(
            f"the colour picture is {width} x {height} pixels, K is for "
            f"{frame.colour_size_px[0]} x {frame.colour_size_px[1]}"
        )
    scale = min(width_px / width, height_px / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    x0, y0 = (width_px - inner[0]) // 2, (height_px - inner[1]) // 2
    content = (x0, y0, x0 + inner[0], y0 + inner[1])
    picture = np.full((height_px, width_px, 3), 128, np.uint8)
    scaled = Image.fromarray(rgb).resize(inner, Image.Resampling.BOX)
    picture[content[1] : content[3], content[0] : content[2]] = np.asarray(scaled)
    intrinsics = np.array(frame.colour_intrinsics, dtype=np.float64)
    intrinsics[0] *= inner[0] / width
    intrinsics[1] *= inner[1] / height
    intrinsics[:2, 2] += (x0, y0)
    rows, columns, is_inside = _depth_pixels(frame, intrinsics, content, (height_px, width_px))
    depth_m = np.asarray(frame.load_depth_m(), dtype=np.float32)
    _require_shape(depth_m, frame, "depth")
    view_depth = np.where(is_inside, depth_m[rows[:, None], columns[None, :]], np.nan)
    view_depth[~(np.isfinite(view_depth) & (view_depth > 0))] = np.nan
    if np.isnan(view_depth).all():
        raise UserError("no pixel has depth")
    instance = np.zeros((height_px, width_px), np.uint16)
    if frame.load_instance is not None:
        ids = frame.load_instance()
        _require_shape(ids, frame, "instance")
        instance = np.where(is_inside, ids[rows[:, None], columns[None, :]], 0).astype(np.uint16)
    camera = Camera(width_px, height_px, intrinsics, np.asarray(frame.world_from_camera))
    return ScanView(Frame(picture, view_depth.astype(np.float32), instance), camera, content)


def _depth_pixels(
    frame: ScanFrame,
    intrinsics: np.ndarray,
    content: tuple[int, int, int, int],
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows [h] and columns [w] of the depth picture, and where they lie in it [h, w]."""
    width, height = frame.depth_size_px
    k = np.asarray(frame.depth_intrinsics, dtype=np.float64)
    x = (np.arange(shape[1]) + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (np.arange(shape[0]) + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    # A hair more, so that a pixel's own centre stays in it.
    columns = np.floor(x * k[0, 0] + k[0, 2] + 1e-6).astype(np.int64)
    rows = np.floor(y * k[1, 1] + k[1, 2] + 1e-6).astype(np.int64)
    is_column = (columns >= 0) & (columns < width)
    is_row = (rows >= 0) & (rows < height)
    is_column[: content[0]] = is_column[content[2] :] = False
    is_row[: content[1]] = is_row[content[3] :] = False
    inside = is_row[:, None] & is_column[None, :]
    return np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1), inside


def _require_shape(values: np.ndarray, frame: ScanFrame, name: str) -> None:
    width, height = frame.depth_size_px
    if values.shape != (height, width):
        raise UserError(
            f"the {name} picture is {values.shape[1]} x {values.shape[0]} pixels, expected "
            f"{width} x {height}"
        )


class PointInstances:
    """Instances of pixels by annotated points near to what the pixels show."""

    def __init__(self, points: InstancePoints) -> None:
        self._tree = cKDTree(points.points_m)
        self._instance = np.append(points.instance.astype(np.uint16), np.uint16(0))

    def of_view(self, view: ScanView) -> np.ndarray:
        """Return u16 [height, width]; every second pixel is looked up, its neighbours follow."""
        depth_m = view.frame.depth_m
        camera = view.camera
        world = back_project(depth_m, camera.intrinsics, camera.world_from_camera)
        coarse = world[::_STRIDE, ::_STRIDE].reshape(-1, 3)
        is_known = np.isfinite(coarse).all(axis=1)
        ids = np.zeros(len(coarse), np.uint16)
        _, nearest = self._tree.query(coarse[is_known], distance_upper_bound=POINT_REACH_M)
        ids[is_known] = self._instance[nearest]
        height, width = depth_m.shape
        small = ids.reshape(-(-height // _STRIDE), -(-width // _STRIDE))
        full = small.repeat(_STRIDE, axis=0).repeat(_STRIDE, axis=1)[:height, :width]
        return np.where(np.isnan(depth_m), 0, full).astype(np.uint16)


@dataclass(frozen=True)
class PictureQuality:
    """How sharp and how well exposed a picture is.

    `sharpness`: variance of the Laplacian of the grey picture (0 to 255), low where it is
    blurred or shows little. `dark_share`, `bright_share`: pixels at most 5, at least 250.
    """

    sharpness: float
    brightness: float
    dark_share: float
    bright_share: float


def picture_quality(rgb: np.ndarray) -> PictureQuality:
    """Measure a picture u8 [height, width, 3]."""
    grey = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian = around - 4 * inner
    return PictureQuality(
        sharpness=float(laplacian.var()) if laplacian.size else 0.0,
        brightness=float(grey.mean()),
        dark_share=float((grey <= _DARK).mean()),
        bright_share=float((grey >= _BRIGHT).mean()),
    )
