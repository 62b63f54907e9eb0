"""Turn a frame of a scan into a view: colour, depth and instances on one grid of pixels."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera, back_project
from workflow_scripts.sources.readers.scans.base import InstancePoints, ScanFrame
from workflow_scripts.views.frame import Frame

POINT_REACH_M = (0.05, 0.15)
"""A pixel is of the instance of the nearest annotated point that is no farther away than 1.5 times
the distance between neighbouring points, which is kept between these limits."""
_SAMPLED_POINTS = 20_000
_SAME_SURFACE = 1.05
"""Neighbouring pixels whose depths differ by a smaller factor show one surface."""
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
    meets the depth picture, whose K may differ. Between pixels of one surface the inverse of
    depth is interpolated, which is exact on planes; at edges the nearest pixel is taken.

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
            f"the color picture is {width} x {height} pixels, K is for "
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
    grid = _DepthGrid.of(frame, intrinsics, content, (height_px, width_px))
    depth_m = np.array(frame.load_depth_m(), dtype=np.float64)
    _require_shape(depth_m, frame, "depth")
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    view_depth = grid.interpolate(depth_m)
    if np.isnan(view_depth).all():
        raise UserError("no pixel has depth")
    instance = np.zeros((height_px, width_px), np.uint16)
    if frame.load_instance is not None:
        ids = frame.load_instance()
        _require_shape(ids, frame, "instance")
        instance = np.where(grid.is_inside, grid.nearest(ids), 0).astype(np.uint16)
    camera = Camera(width_px, height_px, intrinsics, np.asarray(frame.world_from_camera))
    return ScanView(Frame(picture, view_depth.astype(np.float32), instance), camera, content)


@dataclass(frozen=True)
class _DepthGrid:
    """Where the rays of a view's rows and columns meet the depth picture.

    `row` f64 [h] and `column` f64 [w] count pixels of the depth picture from the centre of its
    first; `is_inside` [h, w] says where the rays meet it.
    """

    row: np.ndarray
    column: np.ndarray
    is_inside: np.ndarray

    @classmethod
    def of(
        cls,
        frame: ScanFrame,
        intrinsics: np.ndarray,
        content: tuple[int, int, int, int],
        shape: tuple[int, int],
    ) -> "_DepthGrid":
        """Follow the rays of a view with K `intrinsics`, picture `content` and (height, width)."""
        k = np.asarray(frame.depth_intrinsics, dtype=np.float64)
        x = (np.arange(shape[1]) + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
        y = (np.arange(shape[0]) + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
        # Rounded, so that equal grids stay equal.
        column = np.round(x * k[0, 0] + k[0, 2] - 0.5, 6)
        row = np.round(y * k[1, 1] + k[1, 2] - 0.5, 6)
        width, height = frame.depth_size_px
        is_column = (column > -0.5) & (column < width - 0.5)
        is_row = (row > -0.5) & (row < height - 0.5)
        is_column[: content[0]] = is_column[content[2] :] = False
        is_row[: content[1]] = is_row[content[3] :] = False
        return cls(row, column, is_row[:, None] & is_column[None, :])

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """Return the values [h, w] of the nearest pixels; outside those of the border."""
        rows = np.clip(np.floor(self.row + 0.5).astype(int), 0, len(values) - 1)
        columns = np.clip(np.floor(self.column + 0.5).astype(int), 0, values.shape[1] - 1)
        picked: np.ndarray = values[rows[:, None], columns[None, :]]
        return picked

    def interpolate(self, depth_m: np.ndarray) -> np.ndarray:
        """Return depth [h, w]: of the surface between four pixels, or of the nearest one."""
        top, left = np.floor(self.row).astype(int), np.floor(self.column).astype(int)
        down, right = (self.row - top)[:, None], (self.column - left)[None, :]
        height, width = depth_m.shape
        rows = [np.clip(top + step, 0, height - 1)[:, None] for step in (0, 1)]
        columns = [np.clip(left + step, 0, width - 1)[None, :] for step in (0, 1)]
        inverse = 1.0 / depth_m
        near = [[inverse[row, column] for column in columns] for row in rows]
        upper = near[0][0] * (1 - right) + near[0][1] * right
        lower = near[1][0] * (1 - right) + near[1][1] * right
        blended = 1.0 / (upper * (1 - down) + lower * down)
        corners = np.stack([*near[0], *near[1]])
        # NaN compares as False: a corner without depth is no surface.
        is_surface = corners.max(axis=0) < _SAME_SURFACE * corners.min(axis=0)
        depth = np.where(is_surface, blended, self.nearest(depth_m))
        depth[~self.is_inside] = np.nan
        return depth


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
        sample = points.points_m[:: max(1, len(points.points_m) // _SAMPLED_POINTS)]
        spacing_m, _ = self._tree.query(sample, k=2)
        # The farthest neighbours are those of stray points.
        typical_m = np.quantile(spacing_m[:, 1], 0.9) if len(points.points_m) > 1 else 0.0
        self._reach_m = float(np.clip(1.5 * typical_m, *POINT_REACH_M))
        self._instance = np.append(points.instance.astype(np.uint16), np.uint16(0))

    def of_view(self, view: ScanView) -> np.ndarray:
        """Return u16 [height, width]; every second pixel is looked up, its neighbours follow."""
        depth_m = view.frame.depth_m
        camera = view.camera
        world = back_project(depth_m, camera.intrinsics, camera.world_from_camera)
        coarse = world[::_STRIDE, ::_STRIDE].reshape(-1, 3)
        is_known = np.isfinite(coarse).all(axis=1)
        ids = np.zeros(len(coarse), np.uint16)
        _, nearest = self._tree.query(coarse[is_known], distance_upper_bound=self._reach_m)
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
