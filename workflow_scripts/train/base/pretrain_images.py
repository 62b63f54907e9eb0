"""Images of view shards at the tiny base's resolution, with the class of each pixel.

All images are held in memory as bytes. Only views of one split are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS, draw_marks, mark_pixel, mark_radius_px
from workflow_scripts.common.label_text import is_confusable
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.readers.procthor_assets import read_database

# Objects below this fraction of the image are not asked about (vqa: 150 of 336 x 336 pixels).
MIN_AREA_FRACTION = 150 / 336**2
STRUCTURE_CATEGORIES = ("ceiling", "door", "doorway", "floor", "wall", "window")
_SUBPIXEL_STEPS = 4


@dataclass(frozen=True)
class ObjectPoint:
    """An object in an image.

    Attributes:
        category: Its category.
        u: Column where its mark would be drawn, pixels.
        v: Row where its mark would be drawn, pixels.
        z_m: Height in the room.
        has_unique_name: Whether no other object in view could be meant by its name.
    """

    category: str
    u: float
    v: float
    z_m: float
    has_unique_name: bool


@dataclass(frozen=True)
class AnnotatedImages:
    """Images and what they show.

    Attributes:
        rgb: u8 [n, side, side, 3].
        label_map: u8 [n, side, side], index into `categories`; 0 has no name.
        object_points: Objects of each image.
        categories: Names of the classes.
    """

    rgb: np.ndarray
    label_map: np.ndarray
    object_points: tuple[tuple[ObjectPoint, ...], ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rgb)


def categories() -> tuple[str, ...]:
    """Return the classes of pixels in a fixed order; the first has no name."""
    return ("", *STRUCTURE_CATEGORIES, *sorted(read_database("asset-database")))


def read_annotated_images(
    shards: Sequence[Path], *, side_px: int, split: str = "train", allow_empty: bool = False
) -> AnnotatedImages:
    """Read a split's views of shards, scaled to squares as the processor scales them."""
    names = categories()
    category_ids = {name: number for number, name in enumerate(names)}
    rgb, label_map, object_points = [], [], []
    for path in progress(shards, desc="read views"):
        shard = ViewShard.open(path)
        rows = {(row.scene_id, row.instance): row for row in shard.objects.itertuples(index=False)}
        visible_rows: dict[int, list[Any]] = {}
        for row in shard.visibility.itertuples(index=False):
            visible_rows.setdefault(row.view, []).append(row)
        for view in shard.views.itertuples(index=False):
            if view.split != split:
                continue
            image = Image.fromarray(shard.rgb(view.view))
            image = image.resize((side_px, side_px), Image.Resampling.BICUBIC)
            rgb.append(np.asarray(image))
            instance = _downsample_ids(shard.instance(view.view), side_px)
            table = np.zeros(65536, dtype=np.uint8)
            for row in visible_rows.get(view.view, ()):
                category = rows[row.scene_id, row.instance].category
                table[row.instance] = category_ids.get(category, 0)
            label_map.append(table[instance])
            object_points.append(_object_points(instance, visible_rows.get(view.view, ()), rows))
    if not rgb and allow_empty:
        empty = np.zeros((0, side_px, side_px), np.uint8)
        return AnnotatedImages(np.stack([empty] * 3, axis=-1), empty, (), names)
    if not rgb:
        raise UserError(
            f"no view of split {split!r} in {len(shards)} shards, so there is nothing to train on; "
            f"raise sources.*.num_houses or splits.{split}"
        )
    return AnnotatedImages(np.stack(rgb), np.stack(label_map), tuple(object_points), names)


def _downsample_ids(instance: np.ndarray, side_px: int) -> np.ndarray:
    """Sample the nearest pixel's id at a resolution of `side_px` squared."""
    rows, columns = (
        ((np.arange(side_px) + 0.5) * size / side_px).astype(int) for size in instance.shape
    )
    sampled: np.ndarray = instance[rows[:, None], columns]
    return sampled


def _object_points(
    instance: np.ndarray, visible_rows: Sequence[Any], rows: dict[Any, Any]
) -> tuple[ObjectPoint, ...]:
    in_view = [rows[row.scene_id, row.instance] for row in visible_rows]
    objects = [row for row in in_view if row.kind == "object"]
    points = []
    for row in objects:
        mask = instance == row.instance
        if mask.mean() < MIN_AREA_FRACTION:
            continue
        lines, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = lines[0], columns[0]
        u, v = mark_pixel(mask[top : lines[-1] + 1, left : columns[-1] + 1])
        others = [other for other in objects if other is not row]
        is_unique = not any(is_confusable(row.category, other.category) for other in others)
        points.append(ObjectPoint(row.category, left + u, top + v, row.z_m, is_unique))
    return tuple(points)


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
