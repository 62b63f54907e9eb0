"""What a view shows that can be asked about: the objects as the camera sees them.

World and camera frames as in `common/cameras.py`; pixels are (u, v) with pixel centres at +0.5.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from shapely import Polygon

from workflow_scripts.common.cameras import Camera, FloatArray, box_corners, invert, transform
from workflow_scripts.common.marks import MARK_COLOURS, mark_pixel, mark_radius_px
from workflow_scripts.common.names import VAGUE, confusable
from workflow_scripts.common.views import ViewShard

# Marks closer than this many radii would touch, or nearly.
MARK_SPACING_RADII = 2.5
# An object must be this many times larger than its mark to be seen around it.
SEEN_AROUND_MARK = 2.0
STEEPEST_LEVEL_DEG = 60.0


@dataclass(frozen=True, eq=False)
class Seen:
    """An object in a view: its oriented box, and where it is for the camera.

    `size_m` is width, depth, height along its own axes. `mark_px` is where its mark goes,
    `middle_px` the middle of the visible part's bounding box. `centre_camera_m` is in the camera
    frame; `nearest_depth_m` is the smallest planar depth of the box's corners.
    """

    instance: int
    object_id: str
    category: str
    centre_m: FloatArray
    size_m: tuple[float, float, float]
    yaw_deg: float
    pixels: int
    truncated: bool
    mark_px: tuple[float, float]
    middle_px: tuple[float, float]
    centre_camera_m: FloatArray
    nearest_depth_m: float

    @cached_property
    def footprint(self) -> Polygon:
        """Return the box seen from above, in world x and y."""
        corners = box_corners(self.centre_m, self.size_m, self.yaw_deg)[:, :2]
        return Polygon(corners[[0, 2, 6, 4]])


@dataclass(frozen=True)
class Sight:
    """A view and what can be asked about in it; `dropped` counts objects by (form, reason).

    `nameable` are the objects that a bare noun tells apart from everything else in view.
    """

    camera: Camera
    objects: tuple[Seen, ...]
    nameable: tuple[Seen, ...]
    dropped: Counter[tuple[str, str]]

    @property
    def is_level(self) -> bool:
        """Say whether up in the room is up in the picture."""
        steepness = abs(float(self.camera.world_from_camera[2, 2]))
        return steepness <= math.sin(math.radians(STEEPEST_LEVEL_DEG))

    @property
    def shorter_side_px(self) -> int:
        return min(self.camera.width_px, self.camera.height_px)


class Sights:
    """The views of a shard, one by one; its tables are sorted out once."""

    def __init__(self, shard: ViewShard, *, min_pixels: int, min_fraction_visible: float) -> None:
        self._shard = shard
        self._min_pixels = min_pixels
        self._min_fraction_visible = min_fraction_visible
        self._objects = {
            (row.scene_id, row.instance): row
            for row in shard.objects.itertuples(index=False)
            if row.kind == "object"
        }
        self._visible: dict[int, list[Any]] = {}
        for row in shard.visibility.itertuples(index=False):
            if (row.scene_id, row.instance) in self._objects:
                self._visible.setdefault(row.view, []).append(row)

    def of(self, view: int) -> Sight:
        """Return what can be asked about in a view."""
        camera = self._shard.camera(view)
        visible = self._visible.get(view, [])
        dropped: Counter[tuple[str, str]] = Counter()
        instance = self._shard.instance(view) if visible else None
        objects = []
        for row in visible:
            if row.pixels < self._min_pixels:
                dropped["", "object too small in the picture"] += 1
            elif row.fraction_visible < self._min_fraction_visible:
                dropped["", "object mostly hidden"] += 1
            else:
                objects.append(
                    _seen(row, self._objects[row.scene_id, row.instance], instance, camera)
                )
        categories = Counter(self._objects[row.scene_id, row.instance].category for row in visible)
        nameable = []
        for seen in objects:
            reason = _why_not_named(seen.category, categories)
            if reason:
                dropped["named", reason] += 1
            else:
                nameable.append(seen)
        return Sight(camera, tuple(objects), tuple(nameable), dropped)


def _seen(row: Any, box: Any, instance: np.ndarray, camera: Camera) -> Seen:
    mask = instance[row.y0 : row.y1, row.x0 : row.x1] == row.instance
    column, line = mark_pixel(mask)
    centre_m = np.array([box.x_m, box.y_m, box.z_m])
    size_m = (box.width_m, box.depth_m, box.height_m)
    camera_from_world = invert(camera.world_from_camera)
    corners = transform(camera_from_world, box_corners(centre_m, size_m, box.yaw_deg))
    return Seen(
        instance=row.instance,
        object_id=box.object_id,
        category=box.category,
        centre_m=centre_m,
        size_m=size_m,
        yaw_deg=box.yaw_deg,
        pixels=row.pixels,
        truncated=bool(row.truncated),
        mark_px=(row.x0 + column, row.y0 + line),
        middle_px=((row.x0 + row.x1) / 2, (row.y0 + row.y1) / 2),
        centre_camera_m=transform(camera_from_world, centre_m),
        nearest_depth_m=float(corners[:, 2].min()),
    )


def _why_not_named(category: str, visible: Mapping[str, int]) -> str:
    if category in VAGUE:
        return "object without a telling name"
    if visible[category] > 1:
        return "another object of that name in view"
    if any(other != category and confusable(category, other) for other in visible):
        return "an object of a similar name in view"
    return ""


def place_marks(
    objects: Sequence[Seen], *, width_px: int, height_px: int, rng: np.random.Generator
) -> dict[str, Seen]:
    """Choose which objects get which mark: two to four apart from one another, or none.

    Colours and objects are drawn at random, so a colour tells nothing about an answer. A mark
    lies wholly inside the picture.
    """
    radius = mark_radius_px(min(width_px, height_px))
    chosen: list[Seen] = []
    for index in rng.permutation(len(objects)):
        u, v = objects[index].mark_px
        inside = radius <= u <= width_px - radius and radius <= v <= height_px - radius
        apart = all(
            math.dist((u, v), other.mark_px) > MARK_SPACING_RADII * radius for other in chosen
        )
        if inside and apart and len(chosen) < len(MARK_COLOURS):
            chosen.append(objects[index])
    colours = [list(MARK_COLOURS)[index] for index in rng.permutation(len(MARK_COLOURS))]
    return dict(zip(colours, chosen, strict=False)) if len(chosen) > 1 else {}


def seen_around_mark(seen: Seen, *, shorter_side_px: int) -> bool:
    """Say whether enough of an object stays in view when its mark lies on it."""
    disc = math.pi * mark_radius_px(shorter_side_px) ** 2
    return seen.pixels >= SEEN_AROUND_MARK * disc
