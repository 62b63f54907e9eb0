"""Boxes of vision-language models: JSON lists of nine numbers and a label, in a camera's frame.

    [{"bbox_3d": [0.3, 0.5, 2.1, 0.6, 0.9, 0.5, 0.0, 0.25, 0.0], "label": "chair"}]

Numbers are centre x, y, z and sizes along the box's own x, y, z in metres, then the rotations about
the camera's x, y and z axes, applied in this order about fixed axes: R = Rz Ry Rx. The frame is
OpenCV's (x right, y down, z ahead); with no rotation the box's y axis points down, so that the
second size is the height. Qwen3-VL divides angles by pi, Gemini writes degrees and `box_3d`, and
others radians. The sidecar says which, and K.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.rotation_conventions import OURS_FROM_CAMERA_BOX
from workflow_scripts.layouts.entries import box_identity, limited, read_entries, without_fences
from workflow_scripts.layouts.json_objects import json_objects, parse_object
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout
from workflow_scripts.layouts.text_values import MAX_NUMBER, ValueProblem, shorten

AngleUnit = Literal["pi", "rad", "deg"]
_RADIANS = {"pi": np.pi, "rad": 1.0, "deg": np.pi / 180}
KEYS = ("bbox_3d", "box_3d")
MAX_LABEL = 200


@dataclass(frozen=True)
class CameraBoxConvention:
    """How a system writes boxes.

    Attributes:
        key: name of the nine numbers.
        angle_unit: pi (the number times pi is radians), rad or deg.
        angle_axes: the camera's axes of the last three numbers, in the order of application.
        decimals: decimals of centres and sizes.
        angle_decimals: decimals of angles.
    """

    key: str = "bbox_3d"
    angle_unit: AngleUnit = "pi"
    angle_axes: str = "xyz"
    decimals: int = 2
    angle_decimals: int = 3


QWEN3VL = CameraBoxConvention()
GEMINI = CameraBoxConvention(key="box_3d", angle_unit="deg", angle_decimals=0)
RADIANS = CameraBoxConvention(angle_unit="rad")


def write_camera_boxes(layout: RoomLayout, convention: CameraBoxConvention = QWEN3VL) -> str:
    """Return the boxes of a layout in a camera's frame as JSON, one object a line.

    Values are rounded, halves to even; a size is one step at least.
    """
    if layout.frame != "opencv_camera":
        raise ValueError(f"boxes are written in frame opencv_camera, not {layout.frame}")
    rows = []
    for box in layout.boxes:
        size = np.maximum(np.abs(OURS_FROM_CAMERA_BOX.T @ box.size_m), 10.0**-convention.decimals)
        numbers = [*np.round([*box.centre_m, *size], convention.decimals)]
        angles = camera_euler(box.rotation, convention)
        numbers += [*np.round(angles, convention.angle_decimals)]
        values = [float(number) + 0.0 for number in numbers]
        rows.append(json.dumps({convention.key: values, "label": box.label}, ensure_ascii=False))
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def sidecar(
    intrinsics: FloatArray,
    *,
    width_px: int,
    height_px: int,
    convention: CameraBoxConvention = QWEN3VL,
) -> dict[str, Any]:
    """Return what a reader of the boxes must know: camera, frame, units, order of the angles."""
    return {
        "frame": "opencv_camera",
        "axes": "x right, y down, z ahead",
        "unit": "m",
        "size_axes": "the box's own x, y (down without rotation), z",
        "angle_unit": convention.angle_unit,
        "angle_axes": convention.angle_axes,
        "rotation": "about fixed axes of the camera, in the order of angle_axes",
        "fx": float(intrinsics[0, 0]),
        "fy": float(intrinsics[1, 1]),
        "cx": float(intrinsics[0, 2]),
        "cy": float(intrinsics[1, 2]),
        "width": width_px,
        "height": height_px,
    }


def read_camera_boxes(text: str, convention: CameraBoxConvention = QWEN3VL) -> RoomLayout:
    """Read boxes; what is no box is a problem of the layout, never an error.

    The list may stand in code fences, among prose, or be cut off: whole objects before the cut
    are kept. Where there are fences, prose around them is not read.
    """

    def read(entry: str) -> LayoutBox:
        return _read_box(parse_object(entry), convention)

    text, cut = limited(text)
    boxes, problems = read_entries(json_objects(without_fences(text), KEYS), read, box_identity)
    return RoomLayout(frame="opencv_camera", boxes=tuple(boxes), problems=(*problems, *cut))


def camera_euler(rotation: FloatArray, convention: CameraBoxConvention = QWEN3VL) -> FloatArray:
    """Return the three angles of a box of ours with a rotation [3, 3] in the camera's frame."""
    theirs = np.asarray(rotation) @ OURS_FROM_CAMERA_BOX
    angles = Rotation.from_matrix(theirs).as_euler(convention.angle_axes)
    result: FloatArray = angles / _RADIANS[convention.angle_unit]
    return result


def rotation_from_camera_euler(
    angles: FloatArray, convention: CameraBoxConvention = QWEN3VL
) -> FloatArray:
    """Return the rotation [3, 3] of a box of ours from three angles."""
    radians = np.asarray(angles) * _RADIANS[convention.angle_unit]
    theirs = Rotation.from_euler(convention.angle_axes, radians).as_matrix()
    result: FloatArray = theirs @ OURS_FROM_CAMERA_BOX.T
    return result


def _read_box(entry: dict[str, Any], convention: CameraBoxConvention) -> LayoutBox:
    numbers = next((entry[key] for key in (convention.key, *KEYS) if key in entry), None)
    if not isinstance(numbers, list) or len(numbers) != 9:
        raise ValueProblem(f"{shorten(str(entry))} has no nine numbers at {convention.key!r}")
    if not all(is_finite_number(n) and abs(n) <= MAX_NUMBER for n in numbers):
        raise ValueProblem(f"{shorten(str(numbers))} are no nine numbers up to {MAX_NUMBER:g}")
    label = entry.get("label")
    if not isinstance(label, str) or not label.strip() or len(label) > MAX_LABEL:
        raise ValueProblem(f"{shorten(str(entry))} has no label")
    values = np.array(numbers, dtype=np.float64)
    if (values[3:6] <= 0).any():
        raise ValueProblem(f"{label} has sizes {values[3:6].tolist()}, which must be above 0")
    return LayoutBox(
        label=label.strip(),
        centre_m=values[:3],
        size_m=np.abs(OURS_FROM_CAMERA_BOX @ values[3:6]),
        rotation=rotation_from_camera_euler(values[6:], convention),
    )
