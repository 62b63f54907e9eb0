"""What a model is told before it writes a room: the task, and what is known of room and camera.

Places and lengths are in the frame, unit and rounding of the answer, so that they can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.config.reconstruction import LayoutTextSettings, PromptParts
from workflow_scripts.geometry.cameras import (
    FloatArray,
    transform,
    unity_from_world,
    unity_from_yaw,
    yaw_pitch_deg,
)
from workflow_scripts.layouts.object_list import number_word, yaw_word
from workflow_scripts.layouts.room_layout import camera_pose, floor_corners_m, frame_from_world
from workflow_scripts.layouts.room_record import RoomRecord

_CENTIMETRES = 100.0
_HUNDREDTHS = 100.0


@dataclass(frozen=True)
class MarkedPoint:
    """A mark of the picture: its colour, and the 3D point [3] in the world that goes with it."""

    colour: str
    point_m: FloatArray


def room_prompt(
    record: RoomRecord,
    layout: LayoutTextSettings,
    parts: PromptParts,
    marks: Sequence[MarkedPoint] = (),
) -> str:
    """Return the prompt for an answer about a view, one sentence a line."""
    write = _Numbers(layout, frame_from_world(record, layout.frame))
    lines = [_task(layout)]
    if parts.floor_polygon:
        corners = [write.on_floor(corner) for corner in floor_corners_m(record)]
        lines.append(f"Floor corners: {', '.join(corners)}.")
    camera = " ".join(_camera_words(record, parts, write))
    if camera:
        lines.append(f"Camera: {camera}.")
    if parts.format_help:
        lines.append(format_help(layout))
    lines += [f"The {mark.colour} mark is at {write.point(mark.point_m)}." for mark in marks]
    return "\n".join(lines)


_FORMATS: Mapping[str, str] = {
    "object_list": "",
    "r2d3": " as a program with places in whole centimeters and rotations in degrees",
    "spatiallm": " as a layout script of walls, doors, windows and boxes in meters",
    "qwen3vl": ' as JSON with "bbox_3d" and "label", in the frame of the camera',
}


_FRAMES: Mapping[str, str] = {
    "world": "Coordinates are those of the floor corners, z is up.",
    "room": "The origin is the least x and y of the room's floor, z is up.",
    "level_camera": "The origin is the camera: x is right, y is ahead along the floor, z is up; "
    "what is below the camera has a negative z.",
    "opencv_camera": "The origin is the camera: x is right, y is down, z is ahead.",
}


def format_help(layout: LayoutTextSettings) -> str:
    """Return how an answer is written, for a model that was not trained on it."""
    if layout.format == "object_list":
        words = {
            "box_2d": "box LEFT TOP RIGHT BOTTOM in hundredths of the picture's width and height",
            "centre": "at X Y Z, its center in meters",
            "size": "size WIDTH DEPTH HEIGHT in meters",
            "yaw": "yaw DEGREES, counter-clockwise seen from above, 0 if its front is to +y",
        }
        said = "; ".join(words[name] for name in words if name in layout.fields)
        example = {
            "box_2d": " box 12 30 25 61",
            "centre": " at 1.2 3.4 -0.5",
            "size": " size 0.5 0.5 0.9",
            "yaw": " yaw 30",
        }
        line = "chair" + "".join(example[name] for name in example if name in layout.fields)
        text = f"One object a line, a noun and then: {said}. For example: {line};"
    elif layout.format == "r2d3":
        text = (
            "One object a line: obj_0: ['NAME', [x, y, z], [0, yaw, 0]] in whole centimeters and "
            "degrees, x right, y up, z ahead, yaw clockwise seen from above."
        )
        return text
    elif layout.format == "spatiallm":
        text = (
            "Lines such as wall_0=Wall(ax,ay,az,bx,by,bz,height,thickness), "
            "door_0=Door(wall_0,x,y,z,width,height), window_0=Window(wall_0,x,y,z,width,height), "
            "bbox_0=Bbox(class,x,y,z,yaw,width,depth,height) in meters and radians."
        )
    else:
        text = (
            'A list such as [{"bbox_3d": [x, y, z, x_size, y_size, z_size, roll, pitch, yaw], '
            '"label": "chair"}]: center and sizes in meters, angles divided by 180 degrees.'
        )
    return f"{text} {_FRAMES[layout.frame]}"


def _task(layout: LayoutTextSettings) -> str:
    which = (
        "the objects seen, near to far"
        if layout.objects == "visible"
        else "all objects of the room"
    )
    return f"Write {which}{_FORMATS[layout.format]}."


def _camera_words(record: RoomRecord, parts: PromptParts, write: "_Numbers") -> list[str]:
    pose = camera_pose(record)
    words = []
    if parts.intrinsics:
        words.append(write.intrinsics(record))
    if parts.position:
        words.append(f"at {write.on_floor(pose[:3, 3])}")
    if parts.height:
        words.append(f"height {write.length(record.camera_height_m)}")
    if parts.yaw:
        words.append(f"yaw {write.yaw(pose)}")
    if parts.pitch:
        pitch = round(record.pitch_deg)
        words.append(f"pitch {'down' if pitch < 0 else 'up'} {abs(pitch)}")
    if parts.fov:
        words.append(f"view {round(record.vertical_fov_deg)}")
    return words


@dataclass(frozen=True)
class _Numbers:
    """Writes world coordinates as the answer's format does; `frame_from_world` is [4, 4]."""

    layout: LayoutTextSettings
    frame_from_world: FloatArray

    def point(self, point_m: FloatArray) -> str:
        """Write a point of the world [3]."""
        here = transform(self.frame_from_world, np.asarray(point_m, dtype=np.float64))
        if self.layout.format == "r2d3":
            return str(np.rint(unity_from_world(here) * _CENTIMETRES).astype(int).tolist())
        return " ".join(self.length(value) for value in here)

    def on_floor(self, point_m: FloatArray) -> str:
        """Write where a point of the world [3] is on the floor; three numbers where z is ahead."""
        here = transform(self.frame_from_world, np.asarray(point_m, dtype=np.float64))
        if self.layout.format == "r2d3":
            return str(np.rint(here[:2] * _CENTIMETRES).astype(int).tolist())
        shown = here if self.layout.frame == "opencv_camera" else here[:2]
        return " ".join(self.length(value) for value in shown)

    def length(self, value_m: float) -> str:
        """Write a length."""
        if self.layout.format == "r2d3":
            return str(round(value_m * _CENTIMETRES))
        is_list = self.layout.format == "object_list"
        return number_word(float(value_m), self.layout.precision_m if is_list else 0.01)

    def yaw(self, pose: FloatArray) -> str:
        """Write the direction of a camera in the answer's frame and sense of rotation."""
        yaw_deg, _ = yaw_pitch_deg(self.frame_from_world @ pose)
        if self.layout.format == "r2d3":
            return str(round(unity_from_yaw(yaw_deg)) % 360)
        is_list = self.layout.format == "object_list"
        return yaw_word(yaw_deg, self.layout.yaw_step_deg if is_list else 1)

    def intrinsics(self, record: RoomRecord) -> str:
        """Write K: of an object list in hundredths of the picture, as its boxes; else in pixels."""
        fx, fy, cx, cy = record.intrinsics
        width, height = record.width_px, record.height_px
        if self.layout.format == "object_list":
            shares = np.array([fx / width, fy / height, cx / width, cy / height])
            numbers = np.rint(_HUNDREDTHS * shares).astype(int)
            return f"focal {numbers[0]} {numbers[1]} middle {numbers[2]} {numbers[3]}"
        return f"fx {fx:.1f} fy {fy:.1f} cx {cx:.1f} cy {cy:.1f} picture {width} x {height}"
