"""The JSON of Omni3D: data sets of 3D boxes, and predictions, for its public evaluators.

Boxes are in the OpenCV frame of their picture's camera, metres: `center_cam`, `dimensions` (width,
height, length), `R_cam` and the corners `bbox3D_cam`, near face before far face of a box that is
not turned, each from its upper left corner clockwise. Length lies along the box's x axis, height
along y (down), width along z.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.rotation_conventions import OURS_FROM_CAMERA_BOX
from workflow_scripts.layouts.layout import FormatProblem, LayoutBox, RoomLayout
from workflow_scripts.layouts.text_values import MAX_NUMBER, shorten

# Signs of the corners along the box's x, y and z axes.
_CORNERS = np.array(
    [
        *([-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1]),
        *([-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]),
    ]
)
MIN_DEPTH_M = 1e-3


@dataclass(frozen=True)
class Omni3DImage:
    """A picture: file, size in pixels and K [3, 3], with its layout in frame opencv_camera.

    `visible_fraction` and `pixels` are of each box; without them every box counts as seen whole.
    """

    image_id: int
    file_path: str
    width_px: int
    height_px: int
    intrinsics: FloatArray
    layout: RoomLayout
    visible_fraction: tuple[float, ...] = ()
    pixels: tuple[int, ...] = ()


def write_dataset(
    images: Sequence[Omni3DImage], categories: Sequence[str], *, name: str = "sightline"
) -> dict[str, Any]:
    """Return a data set: images, categories numbered in their order, annotations."""
    numbers = {category: number for number, category in enumerate(categories)}
    annotations: list[dict[str, Any]] = []
    for image in images:
        for index, box in enumerate(image.layout.boxes):
            annotation = _geometry(box, image)
            seen = image.visible_fraction[index] if image.visible_fraction else 1.0
            annotation |= {
                "id": len(annotations),
                "image_id": image.image_id,
                "dataset_id": 0,
                "category_id": numbers.get(box.label, -1),
                "category_name": box.label,
                "valid3D": True,
                "bbox2D_tight": list(box.box_2d_px) if box.box_2d_px else [-1, -1, -1, -1],
                "visibility": round(float(seen), 4),
                "segmentation_pts": image.pixels[index] if image.pixels else -1,
                "lidar_pts": -1,
                "depth_error": -1,
            }
            annotations.append(annotation)
    return {
        "info": {"id": 0, "source": name, "name": name, "split": "", "version": "1"},
        "images": [
            {
                "id": image.image_id,
                "dataset_id": 0,
                "width": image.width_px,
                "height": image.height_px,
                "file_path": image.file_path,
                "K": np.asarray(image.intrinsics).tolist(),
            }
            for image in images
        ],
        "categories": [{"id": i, "name": label} for label, i in numbers.items()],
        "annotations": annotations,
    }


def write_predictions(
    images: Sequence[Omni3DImage], categories: Sequence[str]
) -> list[dict[str, Any]]:
    """Return predictions; a box of a vision-language model has no score, so 1 stands there.

    Their order is that of the text, which breaks the ties of equal scores. A box of a category
    that is not in the list cannot be said.
    """
    numbers = {category: number for number, category in enumerate(categories)}
    predictions = []
    for image in images:
        for box in image.layout.boxes:
            if box.label not in numbers:
                continue
            geometry = _geometry(box, image)
            x0, y0, x1, y1 = geometry["bbox2D_trunc"]
            predictions.append(
                {
                    "image_id": image.image_id,
                    "category_id": numbers[box.label],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "score": 1.0,
                    "depth": geometry["center_cam"][2],
                    "bbox3D": geometry["bbox3D_cam"],
                    "center_cam": geometry["center_cam"],
                    "dimensions": geometry["dimensions"],
                    "pose": geometry["R_cam"],
                }
            )
    return predictions


def read_dataset(dataset: Mapping[str, Any]) -> dict[int, RoomLayout]:
    """Return the layout of every picture of a data set by its number.

    An annotation without valid geometry is a problem of its picture's layout.
    """
    layouts: dict[int, RoomLayout] = {}
    for image in _mappings(dataset.get("images")):
        layouts[_integer(image.get("id"))] = RoomLayout(frame="opencv_camera")
    names = {
        _integer(category.get("id")): str(category.get("name"))
        for category in _mappings(dataset.get("categories"))
    }
    for number, annotation in enumerate(_mappings(dataset.get("annotations"))):
        image_id = _integer(annotation.get("image_id"))
        layout = layouts.get(image_id, RoomLayout(frame="opencv_camera"))
        label = annotation.get("category_name") or names.get(
            _integer(annotation.get("category_id"))
        )
        read = _read_geometry(annotation, str(label or "unknown"), key=str(annotation.get("id")))
        if isinstance(read, str):
            problem = FormatProblem(f"annotation {annotation.get('id', number)}", read)
            layouts[image_id] = replace(layout, problems=(*layout.problems, problem))
        else:
            layouts[image_id] = replace(layout, boxes=(*layout.boxes, read))
    return layouts


def _geometry(box: LayoutBox, image: Omni3DImage) -> dict[str, Any]:
    rotation = box.rotation @ OURS_FROM_CAMERA_BOX
    size = np.abs(OURS_FROM_CAMERA_BOX.T @ box.size_m)  # along the box's x, y, z
    corners = box.centre_m + (_CORNERS * size / 2) @ rotation.T
    depth = corners[:, 2]
    in_front = np.maximum(depth, MIN_DEPTH_M)[:, None]
    pixels = (corners / in_front) @ np.asarray(image.intrinsics).T
    x0, y0 = pixels[:, :2].min(axis=0)
    x1, y1 = pixels[:, :2].max(axis=0)
    projected = [float(x0), float(y0), float(x1), float(y1)]
    inside = [
        float(np.clip(x0, 0, image.width_px)),
        float(np.clip(y0, 0, image.height_px)),
        float(np.clip(x1, 0, image.width_px)),
        float(np.clip(y1, 0, image.height_px)),
    ]
    whole = max((x1 - x0) * (y1 - y0), 1e-9)
    part = (inside[2] - inside[0]) * (inside[3] - inside[1])
    return {
        "center_cam": box.centre_m.tolist(),
        "dimensions": [float(size[2]), float(size[1]), float(size[0])],
        "R_cam": rotation.tolist(),
        "bbox3D_cam": corners.tolist(),
        "bbox2D_proj": projected,
        "bbox2D_trunc": inside,
        "truncation": round(float(1 - part / whole), 4),
        "behind_camera": bool((depth <= MIN_DEPTH_M).any()),
    }


def _read_geometry(annotation: Mapping[str, Any], label: str, *, key: str) -> LayoutBox | str:
    shapes = {"center_cam": (3,), "dimensions": (3,), "R_cam": (3, 3)}
    arrays = {}
    for name, shape in shapes.items():
        try:
            array = np.array(annotation.get(name), dtype=np.float64)
        except (TypeError, ValueError):
            return f"{name} is {shorten(str(annotation.get(name)))}"
        if array.shape != shape or not (np.abs(array) <= MAX_NUMBER).all():
            return f"{name} is {shorten(str(annotation.get(name)))}, not numbers of shape {shape}"
        arrays[name] = array
    width, height, length = arrays["dimensions"]
    if min(width, height, length) <= 0:
        return f"dimensions {[width, height, length]} must be above 0"
    turn = arrays["R_cam"]
    if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-3 or np.linalg.det(turn) < 0:
        return "R_cam is no rotation"
    box_2d = annotation.get("bbox2D_tight")
    has_box = isinstance(box_2d, list) and len(box_2d) == 4 and box_2d[0] != -1
    return LayoutBox(
        label=label,
        centre_m=arrays["center_cam"],
        size_m=np.abs(OURS_FROM_CAMERA_BOX @ np.array([length, height, width])),
        rotation=turn @ OURS_FROM_CAMERA_BOX.T,
        key=key,
        box_2d_px=tuple(float(value) for value in box_2d) if has_box else None,  # type: ignore[arg-type, union-attr]
    )


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return (
        [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
    )


def _integer(value: Any) -> int:
    return value if isinstance(value, int) else -1
