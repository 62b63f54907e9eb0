"""A layout of a room: floor, walls, doors, windows and the oriented boxes of its objects.

Frames (`LayoutFrame`):

- world: right-handed, Z up, metres, as everywhere.
- room: the world's axes, origin in the least corner of the floor polygon's extent, on the floor.
- level_camera: origin at the camera, x right, y ahead, z up; the world turned about its Z axis.
- opencv_camera: x right, y down, z ahead, as the camera looks.

A box's own axes are x to its width, y out of its front, z up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from workflow_scripts.geometry.box_overlap import OrientedBoxes
from workflow_scripts.geometry.cameras import FloatArray, transform

LayoutFrame = Literal["world", "room", "level_camera", "opencv_camera"]
CORNER_GAP_M = 0.05
MAX_CORNERS = 200
"""Of a floor; rooms have some dozen, and what crosses itself in thousands cannot be measured."""
SaidRotation = Literal["all", "one_number", "nothing"]
UPRIGHT_FRAMES: tuple[LayoutFrame, ...] = ("world", "room", "level_camera")


@dataclass(frozen=True)
class LayoutBox:
    """An object: centre [3] and size (width, depth, height) in metres, rotation [3, 3].

    Attributes:
        label: category or phrase.
        size_m: NaN where a format has no sizes.
        key: name of the entry in its format, unique in a layout.
        parent: key of the box that carries it, or "".
        asset_id: asset of the simulator, or "".
        box_2d_px: where it is seen, (x0, y0, x1, y1) in pixels, or None.
        said_rotation: what its text says of its rotation: all; one_number, where a program of R2D3
            has a yaw instead of three angles; or nothing, and `rotation` is none.
    """

    label: str
    centre_m: FloatArray
    size_m: FloatArray
    rotation: FloatArray
    key: str = ""
    parent: str = ""
    asset_id: str = ""
    box_2d_px: tuple[float, float, float, float] | None = None
    said_rotation: SaidRotation = "all"

    @property
    def yaw_deg(self) -> float:
        """Return the yaw counter-clockwise about the frame's Z axis, in an upright frame."""
        return float(np.rad2deg(np.arctan2(self.rotation[1, 0], self.rotation[0, 0])))


@dataclass(frozen=True)
class LayoutWall:
    """A wall: its visible face runs from `start_m` to `end_m` [3] along the floor."""

    start_m: FloatArray
    end_m: FloatArray
    height_m: float
    thickness_m: float = 0.0
    material: str = ""

    @property
    def length_m(self) -> float:
        """Return its length along the floor."""
        return float(np.linalg.norm(self.end_m - self.start_m))


@dataclass(frozen=True)
class LayoutOpening:
    """A door or window in a wall: centre [3], width and height in metres."""

    kind: Literal["door", "window"]
    wall: int
    centre_m: FloatArray
    width_m: float
    height_m: float
    asset_id: str = ""


@dataclass(frozen=True)
class FormatProblem:
    """Something that a reader left out of a layout: where it stands, and why."""

    position: str
    reason: str


@dataclass(frozen=True)
class RoomLayout:
    """A layout in one frame.

    Attributes:
        frame: the frame of every coordinate.
        floor_polygon_m: corners [n, 3] of the floor, clockwise seen from above, or [0, 3].
        boxes: objects in the order of their text.
        problems: what a reader left out.
    """

    frame: LayoutFrame
    boxes: tuple[LayoutBox, ...] = ()
    walls: tuple[LayoutWall, ...] = ()
    openings: tuple[LayoutOpening, ...] = ()
    floor_polygon_m: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    floor_material: str = ""
    problems: tuple[FormatProblem, ...] = ()

    @cached_property
    def oriented_boxes(self) -> OrientedBoxes:
        """Return all boxes as arrays."""
        return oriented_boxes(self.boxes)

    @cached_property
    def yaws_deg(self) -> FloatArray:
        """Return the yaws [n] of all boxes, as `LayoutBox.yaw_deg`."""
        turns = self.oriented_boxes.rotation
        result: FloatArray = np.rad2deg(np.arctan2(turns[:, 1, 0], turns[:, 0, 0]))
        return result

    @cached_property
    def said_yaws_deg(self) -> FloatArray:
        """Return the yaws [n] of all boxes; NaN where the text says nothing of it."""
        is_said = [box.said_rotation != "nothing" for box in self.boxes]
        return np.where(np.array(is_said, dtype=bool), self.yaws_deg, np.nan)


def oriented_boxes(boxes: Sequence[LayoutBox]) -> OrientedBoxes:
    """Return boxes as arrays: centres and sizes [n, 3], rotations [n, 3, 3]."""
    return OrientedBoxes(
        np.array([box.centre_m for box in boxes], dtype=np.float64).reshape(-1, 3),
        np.array([box.size_m for box in boxes], dtype=np.float64).reshape(-1, 3),
        np.array([box.rotation for box in boxes], dtype=np.float64).reshape(-1, 3, 3),
    )


def transform_layout(layout: RoomLayout, a_from_b: FloatArray, frame: LayoutFrame) -> RoomLayout:
    """Return a layout in frame a, from one in frame b and the rigid transform [4, 4]."""
    return replace(
        layout,
        frame=frame,
        boxes=tuple(
            replace(
                box,
                centre_m=transform(a_from_b, box.centre_m),
                rotation=a_from_b[:3, :3] @ box.rotation,
            )
            for box in layout.boxes
        ),
        walls=tuple(
            replace(
                wall,
                start_m=transform(a_from_b, wall.start_m),
                end_m=transform(a_from_b, wall.end_m),
            )
            for wall in layout.walls
        ),
        openings=tuple(
            replace(opening, centre_m=transform(a_from_b, opening.centre_m))
            for opening in layout.openings
        ),
        floor_polygon_m=transform(a_from_b, layout.floor_polygon_m),
    )


def room_from_world(floor_polygon_m: FloatArray) -> FloatArray:
    """Return the transform [4, 4] into the room frame of a floor polygon [n, 3] in the world."""
    result = np.eye(4)
    result[:3, 3] = -np.asarray(floor_polygon_m).min(axis=0)
    return result


def level_camera_from_world(world_from_camera: FloatArray) -> FloatArray:
    """Return the transform [4, 4] into the level frame of a camera [4, 4].

    A camera that looks straight up or down has no direction ahead but that of its picture's top
    or bottom, which is taken.
    """
    ahead = world_from_camera[:2, 2]
    if np.linalg.norm(ahead) < 1e-6:
        ahead = -world_from_camera[:2, 1] * np.sign(-world_from_camera[2, 2])
    ahead = ahead / np.linalg.norm(ahead)
    result = np.eye(4)
    result[:3, :3] = [[ahead[1], -ahead[0], 0.0], [ahead[0], ahead[1], 0.0], [0.0, 0.0, 1.0]]
    result[:3, 3] = -result[:3, :3] @ world_from_camera[:3, 3]
    return result


def floor_within(walls: Sequence[LayoutWall]) -> FloatArray:
    """Return the floor [n, 3] that walls enclose if each begins where the last one ends.

    Nothing [0, 3] if they do not close, or if there are more than `MAX_CORNERS`.
    """
    if not 3 <= len(walls) <= MAX_CORNERS:
        return np.zeros((0, 3))
    starts = np.array([wall.start_m for wall in walls])
    ends = np.array([wall.end_m for wall in walls])
    gaps = np.linalg.norm(ends - np.roll(starts, -1, axis=0), axis=1)
    return starts if (gaps <= CORNER_GAP_M).all() else np.zeros((0, 3))
