"""Draw scans from above: what their frames show, walls and furniture, the camera's path.

The path runs from blue to red in time. A chosen frame is a triangle that opens where the camera
looked, with its place in the order of choosing.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import colormaps
from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import heading_vector
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.geometry.voxel_coverage import voxel_centres_m

if TYPE_CHECKING:
    from workflow_scripts.common.scan_frames import ChosenFrame

TILE_PX, MARGIN_PX, TITLE_PX = 760, 20, 46
COLUMNS, MAX_PLANS = 2, 12
_OVERSAMPLING = 2
_ABOVE_FLOOR_M = (0.15, 2.0)
"""Heights of what is drawn as seen: floors and ceilings would cover everything."""
_FRUSTUM_M = 0.55
_BACKGROUND, _TEXT, _MUTED = (252, 252, 250), (32, 34, 38), (120, 124, 130)
_SEEN, _WALL, _FURNITURE, _CHOSEN = (205, 212, 222), (60, 60, 66), (246, 240, 226), (30, 30, 34)


@dataclass(frozen=True)
class ScanPlan:
    """What the plan of a scan shows, in world metres.

    Attributes:
        title: a line above it.
        note: a smaller line.
        seen_m: f64 [n, 2], voxels that the frames show.
        voxel_m: their side.
        outlines_m: outlines [4, 2] of furniture and of walls.
        is_wall: which of the outlines are walls.
        path_m: f64 [f, 2], the camera in the order of time; NaN where it is not known.
        chosen: (position [2], yaw in degrees, field of view in degrees, rank) of chosen frames.
    """

    title: str
    note: str
    seen_m: np.ndarray
    voxel_m: float
    outlines_m: list[np.ndarray]
    is_wall: list[bool]
    path_m: np.ndarray
    chosen: list[tuple[np.ndarray, float, float, int]]

    @classmethod
    def of(
        cls,
        shard: ViewShard,
        rows: pd.DataFrame,
        frames: "Sequence[ChosenFrame]",
        keys: np.ndarray,
        voxel_m: float,
    ) -> "ScanPlan":
        """Collect what is drawn of a scan: its views' rows, chosen frames and voxels."""
        scene_id = str(rows.scene_id.iloc[0])
        centres = voxel_centres_m(keys, voxel_m)
        floor_m = float(np.quantile(centres[:, 2], 0.02)) if len(centres) else 0.0
        above = centres[:, 2] - floor_m
        is_shown = (above > _ABOVE_FLOOR_M[0]) & (above < _ABOVE_FLOOR_M[1])
        objects = shard.objects[shard.objects.scene_id == scene_id]
        drawn = objects[(objects.kind == "object") | (objects.category == "wall")]
        seen = np.unique(centres[is_shown, :2], axis=0)
        outlines, is_wall = [], []
        for row in drawn.itertuples():
            corners = box_corners(
                (row.x_m, row.y_m, row.z_m), (row.width_m, row.depth_m, row.height_m), row.yaw_deg
            )[:, :2]
            if len(seen) and not _is_near(corners, seen):
                continue
            outlines.append(_ring(corners))
            is_wall.append(row.category == "wall")
        by_view = rows.set_index("view")
        chosen = []
        for frame in frames:
            camera = shard.camera(frame.view)
            width_px = camera.width_px
            fov_deg = float(np.rad2deg(2 * np.arctan(width_px / 2 / camera.intrinsics[0, 0])))
            yaw_deg = float(by_view.yaw_deg.loc[frame.view])
            chosen.append((camera.position_m[:2], yaw_deg, fov_deg, frame.rank))
        best = max(frames, key=lambda frame: frame.rank)
        surface = (
            ""
            if np.isnan(best.surface_coverage)
            else f", {100 * best.surface_coverage:.0f} % of the surface"
        )
        note = (
            f"{len(frames)} of {len(rows)} frames by {best.strategy}: {100 * best.coverage:.0f} % "
            f"of what all frames show{surface}"
        )
        path = np.array([shard.camera(int(view)).position_m[:2] for view in rows["view"]])
        room_types = ", ".join(dict.fromkeys(rows.room_type.astype(str)))
        return cls(
            title=f"{scene_id}  {room_types}",
            note=note,
            seen_m=seen,
            voxel_m=voxel_m,
            outlines_m=outlines,
            is_wall=is_wall,
            path_m=path.reshape(-1, 2),
            chosen=chosen,
        )


def _is_near(corners: np.ndarray, seen: np.ndarray) -> bool:
    """Say whether a box meets the rectangle around what is seen."""
    low, high = seen.min(axis=0) - 0.2, seen.max(axis=0) + 0.2
    return bool((corners.max(axis=0) >= low).all() and (corners.min(axis=0) <= high).all())


def _ring(corners: np.ndarray) -> np.ndarray:
    """Return the four corners of a box seen from above, in order around it."""
    unique = np.unique(np.round(corners, 6), axis=0)
    middle = unique.mean(axis=0)
    ring: np.ndarray = unique[np.argsort(np.arctan2(*(unique - middle).T[::-1]))]
    return ring


def draw_scan_plans(path: Path, plans: Sequence[ScanPlan]) -> None:
    """Write the plans of the first scans of a shard side by side (PNG)."""
    shown = plans[:MAX_PLANS]
    columns = min(COLUMNS, max(len(shown), 1))
    rows = -(-max(len(shown), 1) // columns)
    sheet = Image.new("RGB", (columns * TILE_PX, rows * TILE_PX), _BACKGROUND)
    for index, plan in enumerate(shown):
        corner = (index % columns * TILE_PX, index // columns * TILE_PX)
        sheet.paste(draw_scan_plan(plan), corner)
    if not shown:
        text = "No frame was chosen: see the skipped items."
        ImageDraw.Draw(sheet).text((MARGIN_PX, 90), text, font=font(15), fill=_MUTED)
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


def draw_scan_plan(plan: ScanPlan, *, size_px: int = TILE_PX) -> Image.Image:
    """Draw a scan on a square."""
    scale = _OVERSAMPLING
    side = size_px * scale
    picture = Image.new("RGB", (side, side), _BACKGROUND)
    pen = ImageDraw.Draw(picture, "RGBA")
    margin, title = MARGIN_PX * scale, TITLE_PX * scale
    pen.text((margin, 8 * scale), plan.title, font=font(16 * scale), fill=_TEXT)
    pen.text((margin, 28 * scale), plan.note, font=font(12 * scale), fill=_MUTED)
    known = plan.path_m[np.isfinite(plan.path_m).all(axis=1)]
    extent = np.concatenate([plan.seen_m.reshape(-1, 2), known])
    if not len(extent):
        return picture.resize((size_px, size_px), Image.Resampling.LANCZOS)
    low, high = extent.min(axis=0) - 0.3, extent.max(axis=0) + 0.3
    space = np.array([side - 2 * margin, side - 2 * margin - title])
    px_per_m = float((space / (high - low)).min())
    origin = np.array([margin, title + margin]) + (space - px_per_m * (high - low)) / 2

    def px(points_m: np.ndarray) -> list[tuple[float, float]]:
        points = np.asarray(points_m, dtype=float).reshape(-1, 2)
        x = origin[0] + (points[:, 0] - low[0]) * px_per_m
        y = origin[1] + (high[1] - points[:, 1]) * px_per_m
        return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]

    for outline, is_wall in zip(plan.outlines_m, plan.is_wall, strict=True):
        if not is_wall:
            pen.polygon(px(outline), fill=_FURNITURE, outline=_MUTED)
    half = max(1.0, plan.voxel_m / 2 * px_per_m)
    for x, y in px(plan.seen_m):
        pen.rectangle((x - half, y - half, x + half, y + half), fill=(*_SEEN, 170))
    for outline, is_wall in zip(plan.outlines_m, plan.is_wall, strict=True):
        if is_wall:
            pen.polygon(px(outline), fill=_WALL)
    _draw_path(pen, px(known), width=3 * scale)
    for position, yaw_deg, fov_deg, rank in plan.chosen:
        left, right = (
            position + _FRUSTUM_M * heading_vector(yaw_deg + turn)[:2]
            for turn in (fov_deg / 2, -fov_deg / 2)
        )
        corners = px(np.stack([position, left, right]))
        pen.polygon(corners, fill=(240, 190, 60, 90), outline=_CHOSEN)
        x, y = corners[0]
        radius = 8 * scale
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_CHOSEN)
        pen.text((x, y), str(rank + 1), font=font(10 * scale), fill=(255, 255, 255), anchor="mm")
    return picture.resize((size_px, size_px), Image.Resampling.LANCZOS)


def _draw_path(pen: ImageDraw.ImageDraw, points: list[tuple[float, float]], *, width: int) -> None:
    """Draw a line from blue to red."""
    for index, (start, end) in enumerate(itertools.pairwise(points)):
        red, green, blue, _ = colormaps["coolwarm"](index / max(len(points) - 2, 1))
        colour = (round(255 * red), round(255 * green), round(255 * blue))
        pen.line([start, end], fill=colour, width=width)
