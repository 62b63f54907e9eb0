"""The true layout of a room, from its record, in any frame; and the record's camera."""

from typing import Literal

import numpy as np

from workflow_scripts.geometry.cameras import Camera, FloatArray, invert
from workflow_scripts.layouts.layout import (
    LayoutBox,
    LayoutFrame,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
    level_camera_from_world,
    room_from_world,
    transform_layout,
)
from workflow_scripts.layouts.room_record import RoomObject, RoomRecord

ObjectChoice = Literal["all", "visible"]


def room_layout(
    record: RoomRecord,
    frame: LayoutFrame,
    *,
    objects: ObjectChoice = "all",
    include_children: bool = True,
    phrases: bool = False,
    open_walls: bool = False,
) -> RoomLayout:
    """Return the layout of a room.

    Args:
        record: The room and the view.
        frame: Frame of the layout.
        objects: All objects in the order of the record, or those that the view shows well enough,
            near to far (distance of their centre from the camera).
        include_children: Whether what stands on other objects is part of it.
        phrases: Call objects by the caption of their asset where there is one.
        open_walls: Whether passages count as walls, so that wall i is edge i of the floor, as
            programs of R2D3 number them. They are drawn by nobody.

    A box's key is its object's id. `parent` is "" where the parent is not part of the layout.
    """
    chosen = [
        item
        for item in record.objects
        if (objects == "all" or item.is_visible) and (include_children or not item.parent_id)
    ]
    if objects == "visible":
        chosen.sort(key=lambda item: (camera_distance_m(record, item), item.object_id))
    keys = {item.object_id for item in chosen}
    kept = [i for i, wall in enumerate(record.walls) if open_walls or not wall.is_open]
    numbers = {wall: number for number, wall in enumerate(kept)}
    floor_z = record.floor_z_m
    layout = RoomLayout(
        frame="world",
        boxes=tuple(_box(item, keys, phrases=phrases) for item in chosen),
        walls=tuple(
            LayoutWall(
                np.array([*record.walls[i].start_m, floor_z]),
                np.array([*record.walls[i].end_m, floor_z]),
                record.walls[i].height_m,
                material=record.walls[i].material,
            )
            for i in kept
        ),
        openings=tuple(
            LayoutOpening(
                opening.kind,
                numbers[opening.wall],
                np.array(opening.centre_m),
                opening.width_m,
                opening.height_m,
                asset_id=opening.asset_id,
            )
            for opening in record.openings
            if opening.wall in numbers
        ),
        floor_polygon_m=floor_corners_m(record),
        floor_material=record.floor_material,
    )
    return change_frame(layout, record, frame)


def change_frame(layout: RoomLayout, record: RoomRecord, frame: LayoutFrame) -> RoomLayout:
    """Return a layout of the record's room, true or predicted, in another frame."""
    if layout.frame == frame:
        return layout
    a_from_b = frame_from_world(record, frame) @ invert(frame_from_world(record, layout.frame))
    return transform_layout(layout, a_from_b, frame)


def frame_from_world(record: RoomRecord, frame: LayoutFrame) -> FloatArray:
    """Return the rigid transform [4, 4] from the world into a frame of the record."""
    if frame == "world":
        return np.eye(4)
    if frame == "room":
        return room_from_world(floor_corners_m(record))
    pose = camera_pose(record)
    return level_camera_from_world(pose) if frame == "level_camera" else invert(pose)


def floor_corners_m(record: RoomRecord) -> FloatArray:
    """Return the corners [n, 3] of the floor in the world, clockwise seen from above."""
    corners = np.array(record.floor_polygon_m, dtype=np.float64).reshape(-1, 2)
    return np.column_stack([corners, np.full(len(corners), record.floor_z_m)])


def camera_pose(record: RoomRecord) -> FloatArray:
    """Return `world_from_camera` [4, 4], OpenCV axes."""
    return np.array(record.world_from_camera, dtype=np.float64).reshape(4, 4)


def camera_intrinsics(record: RoomRecord) -> FloatArray:
    """Return K [3, 3] in pixels."""
    fx, fy, cx, cy = record.intrinsics
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def record_camera(record: RoomRecord) -> Camera:
    """Return the camera of the view."""
    return Camera(record.width_px, record.height_px, camera_intrinsics(record), camera_pose(record))


def camera_distance_m(record: RoomRecord, item: RoomObject) -> float:
    """Return how far the centre of an object is from the camera."""
    return float(np.linalg.norm(np.array(item.centre_m) - camera_pose(record)[:3, 3]))


def _box(item: RoomObject, keys: set[str], *, phrases: bool) -> LayoutBox:
    return LayoutBox(
        label=item.phrase if phrases and item.phrase else item.category,
        centre_m=np.array(item.centre_m, dtype=np.float64),
        size_m=np.array(item.size_m, dtype=np.float64),
        rotation=np.array(item.rotation, dtype=np.float64).reshape(3, 3),
        key=item.object_id,
        parent=item.parent_id if item.parent_id in keys else "",
        asset_id=item.asset_id,
        box_2d_px=item.box_px,
    )
