"""What a view shows, as facts: which objects, where, how big, of which colour."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from shapely import Polygon

from workflow_scripts.common.colours import colour_name
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.records import ViewRow
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import (
    heading_vector,
    rotation_about_up,
    yaw_pitch_deg,
)
from workflow_scripts.geometry.upright_box import UprightBox
from workflow_scripts.geometry.upright_boxes import box_corners

OPENINGS = ("door", "doorframe", "window")
MIN_IMAGE_SHARE = 0.0005
MIN_FRACTION_VISIBLE = 0.15
_OPENING_REACH_M = 0.3


@dataclass(frozen=True)
class VisibleObject(UprightBox):
    """An object or opening in a view.

    `right_m` and `ahead_m` are horizontal: how far its centre lies to the right of the camera
    and ahead of it. In a view from above they are right and up in the picture. `x0_px`, `x1_px`
    are the columns its pixels span.
    """

    object_id: str
    category: str
    parent_id: str
    centre_m: np.ndarray
    size_m: np.ndarray
    yaw_deg: float
    pixels: int
    x0_px: int
    x1_px: int
    right_m: float
    ahead_m: float
    colour: str = ""

    @property
    def noun(self) -> str:
        return phrase(self.category)

    def gap_m(self, other: "VisibleObject") -> float:
        """Return the horizontal distance between the boxes of two objects."""
        return float(self.footprint.distance(other.footprint))


@dataclass(frozen=True)
class RoomFacts:
    """A room as one view shows it; objects with most pixels come first.

    `size_m` is width and depth of the room's bounding rectangle, None if the shard has no
    floor for it. `left_m, right_m, near_m, far_m` bound it in the camera's horizontal axes.
    """

    room_type: str
    width_px: int
    size_m: tuple[float, float] | None
    bounds_m: tuple[float, float, float, float] | None
    objects: tuple[VisibleObject, ...] = ()
    openings: tuple[VisibleObject, ...] = ()
    children: dict[str, list[VisibleObject]] = field(default_factory=dict)

    @property
    def furniture(self) -> list[VisibleObject]:
        """The objects that stand on no other visible object."""
        supported_ids = {obj.object_id for group in self.children.values() for obj in group}
        return [obj for obj in self.objects if obj.object_id not in supported_ids]


def room_facts(shard: ViewShard, row: ViewRow, rgb: np.ndarray) -> RoomFacts:
    """Read from the shard's tables and masks what a view shows of its room."""
    camera, mask = shard.camera(row.view), shard.instance(row.view)
    yaw_deg, _ = yaw_pitch_deg(camera.world_from_camera)
    right, ahead = rotation_about_up(yaw_deg)[:, 0], heading_vector(yaw_deg)
    objects = shard.objects[shard.objects["scene_id"] == row.scene_id]
    seen = shard.visibility[shard.visibility["view"] == row.view].merge(
        objects, on=["scene_id", "instance"]
    )
    min_pixels = max(20.0, MIN_IMAGE_SHARE * mask.size)
    is_clear = (seen["pixels"] >= min_pixels) & (seen["fraction_visible"] >= MIN_FRACTION_VISIBLE)
    floor = objects[(objects["category"] == "floor") & (objects["room_id"] == row.room_id)]
    visible_objects: list[VisibleObject] = []
    openings: list[VisibleObject] = []
    ordered = seen[is_clear].sort_values(["pixels", "instance"], ascending=[False, True])
    for object_row in ordered.itertuples(index=False):
        centre_m = np.array([object_row.x_m, object_row.y_m, object_row.z_m])
        is_object = object_row.kind == "object"
        if not is_object and object_row.category not in OPENINGS:
            continue
        if is_object and object_row.room_id not in ("", row.room_id):
            continue
        offset_m = centre_m - camera.position_m
        box = np.s_[object_row.y0 : object_row.y1, object_row.x0 : object_row.x1]
        obj = VisibleObject(
            object_id=object_row.object_id,
            category=object_row.category,
            parent_id=object_row.parent_id,
            centre_m=centre_m,
            size_m=np.array([object_row.width_m, object_row.depth_m, object_row.height_m]),
            yaw_deg=object_row.yaw_deg,
            pixels=int(object_row.pixels),
            x0_px=int(object_row.x0),
            x1_px=int(object_row.x1),
            right_m=float(offset_m @ right),
            ahead_m=float(offset_m @ ahead),
            colour=colour_name(rgb[box], mask[box] == object_row.instance) if is_object else "",
        )
        if is_object:
            visible_objects.append(obj)
        elif not len(floor) or _touches_room(obj, _rectangle(floor.iloc[0])):
            openings.append(obj)
    shown = {obj.object_id for obj in visible_objects}
    children: dict[str, list[VisibleObject]] = {}
    for obj in visible_objects:
        if obj.parent_id in shown:
            children.setdefault(obj.parent_id, []).append(obj)
    size_m = bounds_m = None
    if len(floor):
        corners = _rectangle(floor.iloc[0]) - camera.position_m[:2]
        size_m = (float(floor.iloc[0]["width_m"]), float(floor.iloc[0]["depth_m"]))
        across, along = corners @ right[:2], corners @ ahead[:2]
        bounds_m = (across.min(), across.max(), along.min(), along.max())
    return RoomFacts(
        room_type=phrase(row.room_type) if row.room_type else "room",
        width_px=mask.shape[1],
        size_m=size_m,
        bounds_m=bounds_m,
        objects=tuple(visible_objects),
        openings=tuple(openings),
        children=children,
    )


def _rectangle(floor: pd.Series) -> np.ndarray:
    """Return the corners [4, 2] of a floor, in order."""
    centre = np.array([floor["x_m"], floor["y_m"], 0.0])
    size = np.array([floor["width_m"], floor["depth_m"], 0.0])
    return box_corners(centre, size, float(floor["yaw_deg"]))[[0, 2, 6, 4], :2]


def _touches_room(opening: VisibleObject, rectangle: np.ndarray) -> bool:
    """Return whether an opening lies in or at a room: doors belong to two rooms, rows name one."""
    return bool(opening.footprint.distance(Polygon(rectangle)) <= _OPENING_REACH_M)
