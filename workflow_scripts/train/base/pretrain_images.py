"""Images of view shards at the tiny base's resolution, with the class of each pixel.

All images are held in memory as bytes. Only views of one split are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS, draw_marks, mark_pixel, mark_radius_px
from workflow_scripts.common.label_text import is_confusable
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import (
    Camera,
    invert,
    rotation_about_up,
    transform,
    wrap_deg,
    yaw_pitch_deg,
)
from workflow_scripts.sources.readers.procthor_assets import nameable_categories

# Objects below this fraction of the image are not asked about (vqa: 150 of 336 x 336 pixels).
MIN_AREA_FRACTION = 150 / 336**2
# Numbers of objects in an image are bytes.
MAX_OBJECTS = 255
_SUBPIXEL_STEPS = 4


@dataclass(frozen=True)
class ObjectPoint:
    """An object in an image.

    Attributes:
        category: Its category.
        u: Column where its mark would be drawn, pixels.
        v: Row where its mark would be drawn, pixels.
        center_m: Centre of its box in the world.
        size_m: Size of its box along its own axes.
        yaw_deg: Yaw of its box.
        camera_depth_m: Depth of its centre along the camera's axis.
        camera_distance_m: Distance of its centre from the camera.
        level_center_m: Its centre in the level camera frame: origin at the camera, x to the right,
            y ahead, z up.
        level_yaw_deg: Yaw of its box in that frame.
        box: What is visible of it: left, top, right, bottom as fractions of the image.
        is_whole: Whether the image shows all of it.
        has_unique_name: Whether no other object in view could be meant by its name.
    """

    category: str
    u: float
    v: float
    center_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_deg: float
    camera_depth_m: float
    camera_distance_m: float
    level_center_m: tuple[float, float, float]
    level_yaw_deg: float
    box: tuple[float, float, float, float]
    is_whole: bool
    has_unique_name: bool

    def mirrored(self, side_px: int) -> "ObjectPoint":
        """Return the object as the mirrored image shows it, without a place in the world."""
        left, top, right, bottom = self.box
        x, y, z = self.level_center_m
        return replace(
            self,
            u=side_px - self.u,
            level_center_m=(-x, y, z),
            level_yaw_deg=-self.level_yaw_deg,
            box=(1 - right, top, 1 - left, bottom),
        )


@dataclass(frozen=True)
class AnnotatedImages:
    """Images and what they show.

    Attributes:
        rgb: u8 [n, side, side, 3].
        label_map: u8 [n, side, side], index into `categories`; 0 has no name.
        depth_m: f16 [n, side, side], planar depth; 0 where nothing was hit.
        center_offset: f16 [n, side, side, 2], from each pixel to the middle of what is visible of
            its object: columns, then rows, as fractions of the side.
        object_map: u8 [n, side, side], 1 + index into the image's `object_points`; 0 is none of
            them.
        object_points: Objects of each image, at most 255.
        cameras: Camera of each image before it was scaled.
        categories: Names of the classes.
    """

    rgb: np.ndarray
    label_map: np.ndarray
    depth_m: np.ndarray
    center_offset: np.ndarray
    object_map: np.ndarray
    object_points: tuple[tuple[ObjectPoint, ...], ...]
    cameras: tuple[Camera, ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rgb)


def categories() -> tuple[str, ...]:
    """Return the classes of pixels in a fixed order; the first has no name."""
    return ("", *nameable_categories())


def read_annotated_images(
    shards: Sequence[Path],
    *,
    side_px: int,
    split: str = "train",
    max_images: int | None = None,
    allow_empty: bool = False,
) -> AnnotatedImages:
    """Read a split's views of shards, scaled to squares as the processor scales them.

    Of more than `max_images` views, that many are read, at even steps over all of them: neighbours
    show the same room.
    """
    names = categories()
    category_ids = {name: number for number, name in enumerate(names)}
    chosen = _chosen_views(shards, split=split, max_images=max_images)
    count = sum(len(views) for _, views in chosen)
    if not count and not allow_empty:
        raise UserError(
            f"no view of split {split!r} in {len(shards)} shards, so there is nothing to train on; "
            f"raise sources.*.num_houses or splits.{split}"
        )
    shape = (count, side_px, side_px)
    images = AnnotatedImages(
        rgb=np.zeros((*shape, 3), np.uint8),
        label_map=np.zeros(shape, np.uint8),
        depth_m=np.zeros(shape, np.float16),
        center_offset=np.zeros((*shape, 2), np.float16),
        object_map=np.zeros(shape, np.uint8),
        object_points=(),
        cameras=(),
        categories=names,
    )
    object_points: list[tuple[ObjectPoint, ...]] = []
    cameras: list[Camera] = []
    for path, views in progress(chosen, desc="read views"):
        shard = ViewShard.open(path)
        rows = {(row.scene_id, row.instance): row for row in shard.objects.itertuples(index=False)}
        visible_rows: dict[int, list[Any]] = {}
        for row in shard.visibility.itertuples(index=False):
            visible_rows.setdefault(row.view, []).append(row)
        for view in views:
            number, visible = len(cameras), visible_rows.get(view, ())
            image = Image.fromarray(shard.rgb(view))
            images.rgb[number] = image.resize((side_px, side_px), Image.Resampling.BICUBIC)
            instance = _sample_nearest(shard.instance(view), side_px)
            table = np.zeros(65536, dtype=np.uint8)
            for row in visible:
                category = rows[row.scene_id, row.instance].category
                table[row.instance] = category_ids.get(category, 0)
            images.label_map[number] = table[instance]
            images.depth_m[number] = np.nan_to_num(_sample_nearest(shard.depth_m(view), side_px))
            images.center_offset[number] = _center_offsets(instance)
            cameras.append(shard.camera(view))
            points = _object_points(instance, visible, rows, cameras[-1])
            number_of = np.zeros(65536, dtype=np.uint8)
            for point_number, instance_id in enumerate(points, start=1):
                number_of[instance_id] = point_number
            images.object_map[number] = number_of[instance]
            object_points.append(tuple(points.values()))
    return replace(images, object_points=tuple(object_points), cameras=tuple(cameras))


def _chosen_views(
    shards: Sequence[Path], *, split: str, max_images: int | None
) -> list[tuple[Path, list[int]]]:
    """Return the views of a split that are read, by shard."""
    views = [
        (path, int(view.view))
        for path in shards
        for view in ViewShard.open(path).views.itertuples(index=False)
        if view.split == split
    ]
    if max_images is not None and len(views) > max_images:
        views = [views[number * len(views) // max_images] for number in range(max_images)]
    return [(path, [view for _, view in group]) for path, group in groupby(views, itemgetter(0))]


def _sample_nearest(values: np.ndarray, side_px: int) -> np.ndarray:
    """Sample the nearest pixel's value at a resolution of `side_px` squared."""
    rows, columns = (
        ((np.arange(side_px) + 0.5) * size / side_px).astype(int) for size in values.shape
    )
    sampled: np.ndarray = values[rows[:, None], columns]
    return sampled


def _center_offsets(instance: np.ndarray) -> np.ndarray:
    """Return f16 [side, side, 2]: from each pixel to the mean pixel with its id, over the side."""
    side = len(instance)
    _, ids = np.unique(instance, return_inverse=True)
    ids = ids.reshape(-1)
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    sums = np.stack([np.bincount(ids, weights=pixels[:, axis]) for axis in range(2)], axis=-1)
    centers = sums / np.bincount(ids)[:, None]
    offsets: np.ndarray = ((centers[ids] - pixels) / side).reshape(side, side, 2)
    return offsets.astype(np.float16)


def _object_points(
    instance: np.ndarray, visible_rows: Sequence[Any], rows: dict[Any, Any], camera: Camera
) -> dict[int, ObjectPoint]:
    """Return the objects that are large enough by instance.

    Objects of photos have no box in 3D (NaN): nothing can be learned about their places.
    """
    visible = [(rows[row.scene_id, row.instance], row.truncated) for row in visible_rows]
    objects = [(row, truncated) for row, truncated in visible if row.kind == "object"]
    camera_from_world = invert(camera.world_from_camera)
    camera_yaw_deg, _ = yaw_pitch_deg(camera.world_from_camera)
    level_from_world = rotation_about_up(-camera_yaw_deg)
    side = len(instance)
    points: dict[int, ObjectPoint] = {}
    for row, truncated in objects:
        mask = instance == row.instance
        if mask.mean() < MIN_AREA_FRACTION:
            continue
        lines, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = lines[0], columns[0]
        u, v = mark_pixel(mask[top : lines[-1] + 1, left : columns[-1] + 1])
        others = [other for other, _ in objects if other is not row]
        is_unique = not any(is_confusable(row.category, other.category) for other in others)
        center_m = (row.x_m, row.y_m, row.z_m)
        if not np.isfinite(center_m).all():
            continue
        in_camera_m = transform(camera_from_world, center_m)
        x_m, y_m, z_m = level_from_world @ (center_m - camera.world_from_camera[:3, 3])
        points[row.instance] = ObjectPoint(
            category=row.category,
            u=left + u,
            v=top + v,
            center_m=center_m,
            size_m=(row.width_m, row.depth_m, row.height_m),
            yaw_deg=row.yaw_deg,
            camera_depth_m=float(in_camera_m[2]),
            camera_distance_m=float(np.linalg.norm(in_camera_m)),
            level_center_m=(float(x_m), float(y_m), float(z_m)),
            level_yaw_deg=wrap_deg(row.yaw_deg - camera_yaw_deg),
            box=(left / side, top / side, (columns[-1] + 1) / side, (lines[-1] + 1) / side),
            is_whole=not truncated,
            has_unique_name=is_unique,
        )
        if len(points) == MAX_OBJECTS:
            break
    return points


class MarkSprites:
    """Marks drawn once for every colour and sub-pixel shift, to be pasted into many images."""

    def __init__(self, side_px: int) -> None:
        radius = mark_radius_px(side_px)
        self._half_size_px = int(np.ceil(radius)) + 1
        size = 2 * self._half_size_px + 1
        black, white = (np.full((side_px, side_px, 3), value, np.uint8) for value in (0, 255))
        self._sprites: dict[tuple[str, int, int], tuple[np.ndarray, np.ndarray]] = {}
        for colour in MARK_COLOURS:
            for row in range(_SUBPIXEL_STEPS):
                for column in range(_SUBPIXEL_STEPS):
                    centre = (
                        self._half_size_px + (column + 0.5) / _SUBPIXEL_STEPS,
                        self._half_size_px + (row + 0.5) / _SUBPIXEL_STEPS,
                    )
                    on_black, on_white = (
                        draw_marks(background, [(colour, centre)])[:size, :size].astype(np.float32)
                        for background in (black, white)
                    )
                    background_weight = (on_white - on_black).mean(axis=2, keepdims=True) / 255
                    self._sprites[colour, row, column] = (on_black, background_weight)

    def paste(self, rgb: np.ndarray, colour: str, u: float, v: float) -> None:
        """Draw a mark into u8 [side, side, 3], in place."""
        row, column = int(v), int(u)
        foreground, background_weight = self._sprites[
            colour, int((v - row) * _SUBPIXEL_STEPS), int((u - column) * _SUBPIXEL_STEPS)
        ]
        top, left = row - self._half_size_px, column - self._half_size_px
        height, width = rgb.shape[:2]
        y0, y1 = max(top, 0), min(top + len(foreground), height)
        x0, x1 = max(left, 0), min(left + len(foreground), width)
        inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        patch = rgb[y0:y1, x0:x1]
        patch[:] = np.rint(patch * background_weight[inside] + foreground[inside]).astype(np.uint8)
