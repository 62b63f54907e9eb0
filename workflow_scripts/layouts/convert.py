"""Convert a layout of a room from one format to another.

    python -m workflow_scripts.layouts.convert --layout room.txt --read spatiallm \\
        --out room.json --write qwen3vl --camera camera.json

`camera.json` is the sidecar of a camera's boxes: fx, fy, cx, cy or K, width, height and, to convert
between the room and the camera, world_from_camera [4, 4]; angle_unit and angle_axes say how the
angles of boxes are written.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.storage import write_json, write_text
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.camera_file import read_camera_file
from workflow_scripts.geometry.cameras import FloatArray, invert
from workflow_scripts.layouts.camera_boxes import (
    GEMINI,
    QWEN3VL,
    RADIANS,
    AngleUnit,
    CameraBoxConvention,
    read_camera_boxes,
    sidecar,
    write_camera_boxes,
)
from workflow_scripts.layouts.entries import says_empty
from workflow_scripts.layouts.layout import (
    UPRIGHT_FRAMES,
    FormatProblem,
    LayoutFrame,
    RoomLayout,
    floor_within,
    level_camera_from_world,
    transform_layout,
)
from workflow_scripts.layouts.object_list import (
    ObjectListStyle,
    read_object_list,
    write_object_list,
)
from workflow_scripts.layouts.omni3d import (
    NO_PICTURE,
    Omni3DImage,
    read_dataset,
    write_dataset,
)
from workflow_scripts.layouts.r2d3 import read_program, write_program
from workflow_scripts.layouts.spatiallm import read_script, write_script
from workflow_scripts.sources.readers.procthor_assets import assets

log = logging.getLogger(__name__)

Format = Literal["object_list", "r2d3", "spatiallm", "qwen3vl", "gemini", "radians", "omni3d"]
UprightFrame = Literal["world", "level_camera"]
CONVENTIONS = {"qwen3vl": QWEN3VL, "gemini": GEMINI, "radians": RADIANS}
IN_CAMERA = (*CONVENTIONS, "omni3d")
_BOXES_ALONE = ("floors", "walls", "doors", "windows")
# What each format has no words for.
UNSAID: Mapping[str, tuple[str, ...]] = {
    "object_list": _BOXES_ALONE,
    "r2d3": ("doors", "sizes of objects"),
    "spatiallm": (),
    **dict.fromkeys(IN_CAMERA, _BOXES_ALONE),
}


@dataclass(frozen=True)
class LayoutCamera:
    """A camera with its picture's size, and how angles of boxes beside it are written."""

    intrinsics: FloatArray
    width_px: int
    height_px: int
    world_from_camera: FloatArray | None
    angle_unit: AngleUnit | None
    angle_axes: str | None


def read_layout_camera(path: Path) -> LayoutCamera:
    """Read a camera's file; `UserError` names the file and what is wrong."""
    camera = read_camera_file(path)
    width_px = _pixels("width", camera.width_px, path)
    height_px = _pixels("height", camera.height_px, path)
    unit, axes = camera.values.get("angle_unit"), camera.values.get("angle_axes")
    if unit is not None and unit not in get_args(AngleUnit):
        raise UserError(f"{path}: angle_unit {allowed_values(str(unit), get_args(AngleUnit))}")
    if axes is not None and (not isinstance(axes, str) or sorted(axes) != ["x", "y", "z"]):
        raise UserError(f"{path}: angle_axes is {axes!r}; it must be x, y and z in some order")
    pose = camera.world_from_camera
    return LayoutCamera(camera.intrinsics, width_px, height_px, pose, unit, axes)


def _pixels(name: str, side: float | None, path: Path) -> int:
    if side is None or side != int(side):
        raise UserError(f"{path}: {name} is {json.dumps(side)}; it must be pixels, above 0")
    return int(side)


def read_layout(
    path: Path,
    file_format: Format,
    camera: LayoutCamera | None,
    *,
    image_id: int | None = None,
    frame: UprightFrame = "world",
) -> RoomLayout:
    """Read a layout in its format's own frame; `UserError` if nothing in it can be read."""
    text = read_text(path)
    size_px = (camera.width_px, camera.height_px) if camera else (0, 0)
    if file_format == "object_list":
        layout = read_object_list(text, frame=frame, width_px=size_px[0], height_px=size_px[1])
    elif file_format == "r2d3":
        layout = _with_asset_sizes(read_program(text))
    elif file_format == "spatiallm":
        layout = read_script(text, frame=frame)
    elif file_format == "omni3d":
        return _read_omni3d(parse_json(text, path), path, image_id)
    else:
        layout = read_camera_boxes(text, _convention(file_format, camera))
    if not layout.boxes and not layout.walls and not says_empty(text):
        reasons = "; ".join(f"{p.position}: {p.reason}" for p in layout.problems[:3])
        raise UserError(
            f"{path}: no object or wall in format {file_format}" + f" ({reasons})" * bool(reasons)
        )
    return layout


def _read_omni3d(dataset: Any, path: Path, image_id: int | None) -> RoomLayout:
    """Return the layout of a picture of a data set, the first by default."""
    if not isinstance(dataset, dict):
        raise UserError(
            f"{path}: no pictures; a data set of Omni3D is a JSON object with images, categories "
            "and annotations"
        )
    layouts = read_dataset(dataset)
    lost = layouts.pop(NO_PICTURE, RoomLayout(frame="opencv_camera")).problems
    chosen = next(iter(layouts), None) if image_id is None else image_id
    if chosen not in layouts:
        numbers = ", ".join(str(number) for number in list(layouts)[:10]) or "none"
        raise UserError(f"{path}: no picture {chosen}; its pictures are {numbers}")
    layout = layouts[chosen]
    if len(layouts) > 1 and image_id is None:
        log.warning("%s: %d pictures; only %s is converted", path, len(layouts), chosen)
    return dataclasses.replace(layout, problems=(*layout.problems, *lost))


def main(
    *,
    layout: Path,
    read: Format,
    out: Path,
    write: Format,
    camera: Path | None = None,
    image_id: int | None = None,
    phrases: bool = False,
    frame: UprightFrame = "world",
) -> None:
    """Convert a layout of a room; what cannot be read is reported and left out.

    Args:
        layout: File to read.
        read: Its format.
        out: File to write.
        write: Its format.
        camera: JSON of the camera, needed for and by formats in a camera's frame.
        image_id: Number of the picture in an Omni3D data set; the first by default.
        phrases: Call objects by their label, not by their asset, in a program.
        frame: What an object list or a script is in, or is written in: the world of the camera's
            pose, or the level frame at the camera.
    """
    camera_file = None if camera is None else read_layout_camera(camera)
    room = read_layout(layout, read, camera_file, image_id=image_id, frame=frame)
    room = _in_frame_of(room, write, camera_file, frame)
    if write == "r2d3":
        room = _with_floor(room)
    complete = [box for box in room.boxes if np.isfinite(box.size_m).all()]
    if write != "r2d3" and len(complete) < len(room.boxes):
        lost = tuple(
            FormatProblem(box.key, f"asset {box.label!r} is not in ProcTHOR's table: no size")
            for box in room.boxes
            if not np.isfinite(box.size_m).all()
        )
        room = dataclasses.replace(room, boxes=tuple(complete), problems=(*room.problems, *lost))
    for problem in room.problems:
        log.warning("%s: %s: %s", layout, problem.position, problem.reason)
    for what in _unsaid(room, write):
        log.warning("%s: format %s has no %s", layout, write, what)
    _write(out, room, write, camera_file, phrases=phrases)
    log.info("%s: %d objects, %d left out", out, len(room.boxes), len(room.problems))


def _unsaid(room: RoomLayout, file_format: Format) -> list[str]:
    """Return what a layout has and a format cannot say."""
    kinds = {"door": 0, "window": 0}
    for opening in room.openings:
        kinds[opening.kind] += 1
    counts = {
        "floors": int(len(room.floor_polygon_m) > 0),
        "walls": len(room.walls),
        "doors": kinds["door"],
        "windows": kinds["window"],
        "sizes of objects": sum(bool(np.isfinite(box.size_m).all()) for box in room.boxes),
    }
    return [f"{name}: {counts[name]} left out" for name in UNSAID[file_format] if counts[name]]


def _write(
    out: Path, room: RoomLayout, file_format: Format, camera: LayoutCamera | None, *, phrases: bool
) -> None:
    if file_format == "r2d3":
        write_text(out, write_program(room, phrases=phrases))
    elif file_format == "spatiallm":
        write_text(out, write_script(room))
    elif file_format == "object_list":
        size_px = (camera.width_px, camera.height_px) if camera else (0, 0)
        style = ObjectListStyle(precision_m=0.01, yaw_step_deg=1)
        text = write_object_list(room, style, width_px=size_px[0], height_px=size_px[1])
        write_text(out, text)
    else:
        assert camera is not None
        if file_format == "omni3d":
            image = Omni3DImage(0, "", camera.width_px, camera.height_px, camera.intrinsics, room)
            labels = sorted({box.label for box in room.boxes})
            write_json(out, write_dataset([image], labels))
            return
        convention = _convention(file_format, camera)
        write_text(out, write_camera_boxes(room, convention))
        notes: dict[str, Any] = sidecar(
            camera.intrinsics,
            width_px=camera.width_px,
            height_px=camera.height_px,
            convention=convention,
        )
        if camera.world_from_camera is not None:
            notes["world_from_camera"] = camera.world_from_camera.tolist()
        write_json(out.with_name(f"{out.stem}.camera.json"), notes)


def _in_frame_of(
    room: RoomLayout, file_format: Format, camera: LayoutCamera | None, upright: UprightFrame
) -> RoomLayout:
    wants_camera = file_format in IN_CAMERA
    if wants_camera and camera is None:
        raise UserError(f"format {file_format} is in the camera's frame: give --camera")
    if wants_camera == (room.frame not in UPRIGHT_FRAMES):
        return room
    if camera is None or camera.world_from_camera is None:
        raise UserError(
            "the room's frame and the camera's differ: give --camera with world_from_camera"
        )
    frame: LayoutFrame = room.frame if wants_camera else upright
    if file_format == "r2d3":
        frame = "world"
    pose = camera.world_from_camera
    from_camera = level_camera_from_world(pose) @ pose if frame == "level_camera" else pose
    if wants_camera:
        return transform_layout(room, invert(from_camera), "opencv_camera")
    return transform_layout(room, from_camera, frame)


def _with_floor(layout: RoomLayout) -> RoomLayout:
    """Fill in the floor from walls that enclose one; without it, a program has no windows."""
    if not len(layout.floor_polygon_m):
        layout = dataclasses.replace(layout, floor_polygon_m=floor_within(layout.walls))
    if len(layout.floor_polygon_m):
        return layout
    lost = tuple(
        FormatProblem(opening.kind, "its wall is none of a floor: the walls do not close")
        for opening in layout.openings
        if opening.kind == "window"
    )
    return dataclasses.replace(layout, openings=(), problems=(*layout.problems, *lost))


def _with_asset_sizes(layout: RoomLayout) -> RoomLayout:
    """Fill in the sizes of assets, and call each by its category."""
    table = assets()
    boxes = []
    for box in layout.boxes:
        asset = table.get(box.asset_id)
        if asset is not None:
            size = np.array(asset.size_m)
            boxes.append(dataclasses.replace(box, label=asset.category, size_m=size))
        else:
            boxes.append(box)
    return dataclasses.replace(layout, boxes=tuple(boxes))


def _convention(file_format: str, camera: LayoutCamera | None) -> CameraBoxConvention:
    convention = CONVENTIONS[file_format]
    if camera is None:
        return convention
    return dataclasses.replace(
        convention,
        angle_unit=camera.angle_unit or convention.angle_unit,
        angle_axes=camera.angle_axes or convention.angle_axes,
    )


if __name__ == "__main__":
    run(main)
