"""Draw the clouds of a shard: one row a scene, seen obliquely and from above."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workflow_scripts.common.cloud_shard import Cloud, SceneCloud
from workflow_scripts.common.records import BoxRow
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.geometry.cameras import world_from_camera
from workflow_scripts.geometry.upright_boxes import box_corners

PANEL_PX = (560, 420)
OVERSAMPLING = 2
MAX_SCENES = 8
MARGIN_PX = 24
BACKGROUND = (255, 255, 255)
FOREGROUND = (40, 44, 52)
UNKNOWN = (205, 205, 205)


@dataclass(frozen=True)
class ParallelProjection:
    """A parallel projection: rows of `axes` [3, 3] are right, down and away from the viewer."""

    axes: np.ndarray
    low: np.ndarray
    scale_px: float
    offset_px: np.ndarray

    @classmethod
    def fit(
        cls, points: np.ndarray, *, pitch_deg: float, yaw_deg: float, size: tuple[int, int]
    ) -> "ParallelProjection":
        """Fit all points into a panel of `size` (width, height) pixels."""
        axes = world_from_camera((0, 0, 0), yaw_deg=yaw_deg, pitch_deg=pitch_deg)[:3, :3].T
        seen = points @ axes[:2].T
        low, high = seen.min(axis=0), seen.max(axis=0)
        room = np.array(size) - 2 * MARGIN_PX * OVERSAMPLING
        scale = float(np.min(room / np.maximum(high - low, 1e-3)))
        return cls(axes, low, scale, (np.array(size) - (high - low) * scale) / 2)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Return x, y [n, 2] in pixels."""
        result: np.ndarray = (points @ self.axes[:2].T - self.low) * self.scale_px + self.offset_px
        return result


def draw_clouds(
    path: Path,
    clouds: Sequence[Cloud],
    scenes: Sequence[SceneCloud],
    boxes: Sequence[BoxRow],
    *,
    voxel_m: float,
) -> None:
    """Write a PNG: oblique in colour, from above in colour, from above by instance with boxes."""
    shown = [(cloud, scene) for cloud, scene in zip(clouds, scenes, strict=True) if len(cloud)][
        :MAX_SCENES
    ]
    width, height = PANEL_PX
    sheet = Image.new("RGB", (3 * width, max(len(shown), 1) * height), BACKGROUND)
    for number, (cloud, scene) in enumerate(shown):
        scene_boxes = [
            box for box in boxes if box.scene_id == scene.scene_id and box.kind == "object"
        ]
        panels = _panels(cloud, scene_boxes, voxel_m=voxel_m)
        for column, panel in enumerate(panels):
            sheet.paste(panel, (column * width, number * height))
        title = f"{scene.scene_id}   {len(cloud):,} points from {scene.num_views} views"
        if scene.floor is not None:
            title += f"   floor {scene.floor.offset_m:z.3f} m, {scene.floor.inlier_share:.0%}"
        ImageDraw.Draw(sheet).text(
            (MARGIN_PX, number * height + 6), title, FOREGROUND, font=ImageFont.load_default(15)
        )
    if not shown:
        ImageDraw.Draw(sheet).text(
            (MARGIN_PX, MARGIN_PX),
            "no points in this shard",
            FOREGROUND,
            font=ImageFont.load_default(15),
        )
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


def _panels(cloud: Cloud, boxes: Sequence[BoxRow], *, voxel_m: float) -> list[Image.Image]:
    """Return the three panels of a scene."""
    size = (PANEL_PX[0] * OVERSAMPLING, PANEL_PX[1] * OVERSAMPLING)
    points = cloud.point_m.astype(np.float64)
    instance_colours = _instance_colours(cloud.instance, {box.instance for box in boxes})
    panels = []
    for pitch_deg, yaw_deg, colours in (
        (-38.0, 30.0, cloud.colour),
        (-90.0, 0.0, cloud.colour),
        (-90.0, 0.0, instance_colours),
    ):
        projection = ParallelProjection.fit(points, pitch_deg=pitch_deg, yaw_deg=yaw_deg, size=size)
        facing = _faces_viewer(cloud, projection.axes[2])
        image = _splat(points[facing], colours[facing], projection, size, voxel_m=voxel_m)
        panel = Image.fromarray(image)
        if colours is instance_colours:
            _draw_boxes(panel, boxes, projection)
        elif pitch_deg == -90.0:
            _draw_scale_bar(panel, projection)
        panels.append(panel.resize(PANEL_PX, Image.Resampling.LANCZOS))
    return panels


def _faces_viewer(cloud: Cloud, away: np.ndarray) -> np.ndarray:
    """Return the mask of points whose surface faces the viewer: walls in front open up.

    Without normals only what is near the ceiling is cut off.
    """
    mask: np.ndarray
    if cloud.normal is not None:
        mask = cloud.normal @ away < 0.05
    else:
        height = cloud.point_m[:, 2]
        mask = height < np.quantile(height, 0.995) - 0.3
    return mask


def _splat(
    points: np.ndarray,
    colours: np.ndarray,
    projection: ParallelProjection,
    size: tuple[int, int],
    *,
    voxel_m: float,
) -> np.ndarray:
    """Paint points as squares of a voxel's size, the nearest last, with shaded depth edges."""
    width, height = size
    image = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)
    depth = np.full((height, width), np.nan)
    distance = points @ projection.axes[2]
    order = np.argsort(-distance, kind="stable")
    x, y = np.rint(projection.pixels(points[order])).astype(np.int64).T
    colours, distance = colours[order], distance[order]
    radius = int(np.clip(np.ceil(0.62 * voxel_m * projection.scale_px), 1, 12))
    offsets = range(-radius, radius + 1)
    # A point's rank is its depth order, so that overlapping squares keep the nearest one.
    rank = np.zeros(height * width, dtype=np.int64)
    ranks = np.arange(1, len(points) + 1)
    for dy in offsets:
        for dx in offsets:
            inside = (x + dx >= 0) & (x + dx < width) & (y + dy >= 0) & (y + dy < height)
            pixel = ((y + dy) * width + x + dx)[inside]
            np.maximum.at(rank, pixel, ranks[inside])
    painted = np.flatnonzero(rank)
    image.reshape(-1, 3)[painted] = colours[rank[painted] - 1]
    depth.reshape(-1)[painted] = distance[rank[painted] - 1]
    result: np.ndarray = (image * _edge_shade(depth)[..., None]).astype(np.uint8)
    return result


def _edge_shade(distance: np.ndarray, *, reach_px: int = 3, strength: float = 1.2) -> np.ndarray:
    """Return a factor in (0, 1] that darkens what lies behind a near neighbour.

    Eye-dome lighting (Boucheny 2009), which gives unlit points a readable shape.
    """
    far = np.where(np.isnan(distance), np.inf, distance)
    drop = np.zeros_like(far)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbour = np.roll(far, (dy * reach_px, dx * reach_px), axis=(0, 1))
        with np.errstate(invalid="ignore"):
            drop += np.clip(far - neighbour, 0, 0.5)
    return np.where(np.isnan(distance), 1.0, np.exp(-strength * np.nan_to_num(drop) / 4))


def _instance_colours(instance: np.ndarray, objects: set[int]) -> np.ndarray:
    """Return u8 [n, 3]: a distinct hue for each object, grey for structure."""
    palette = np.full((int(instance.max(initial=0)) + 1, 3), UNKNOWN, dtype=np.uint8)
    for number, index in enumerate(sorted(objects)):
        # Steps of the golden angle never come close to an earlier hue.
        hue = (number * 0.618034) % 1.0
        value = (0.95, 0.75, 0.85)[number % 3]
        palette[index] = _hsv_to_rgb(hue, 0.62, value)
    result: np.ndarray = palette[instance]
    return result


def _hsv_to_rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """Turn hue, saturation and value in [0, 1] into sRGB bytes."""
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _draw_boxes(
    panel: Image.Image, boxes: Sequence[BoxRow], projection: ParallelProjection
) -> None:
    """Outline the footprint of each measured box and name the large ones."""
    pen = ImageDraw.Draw(panel)
    font = ImageFont.load_default(11 * OVERSAMPLING)
    for box in boxes:
        corners = box_corners(
            (box.x_m, box.y_m, box.z_m), (box.width_m, box.depth_m, box.height_m), box.yaw_deg
        )
        outline = projection.pixels(corners[[1, 3, 7, 5]])
        loop = [tuple(corner) for corner in [*outline, outline[0]]]
        pen.line(loop, fill=FOREGROUND, width=OVERSAMPLING, joint="curve")
        if min(box.width_m, box.depth_m) * projection.scale_px > 34 * OVERSAMPLING:
            pen.text(tuple(outline.mean(axis=0)), box.category, FOREGROUND, font=font, anchor="mm")


def _draw_scale_bar(panel: Image.Image, projection: ParallelProjection) -> None:
    """Draw a bar one metre long in the lower left corner."""
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(11 * OVERSAMPLING)
    left, bottom = OVERSAMPLING * 6, panel.height - OVERSAMPLING * 6
    right = left + projection.scale_px
    pen.line([(left, bottom), (right, bottom)], fill=FOREGROUND, width=2 * OVERSAMPLING)
    pen.text((right + 3 * OVERSAMPLING, bottom), "1 m", FOREGROUND, font=font, anchor="lm")
