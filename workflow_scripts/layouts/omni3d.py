"""The JSON of Omni3D: data sets of 3D boxes, and predictions, for its public evaluators.

Boxes are in the OpenCV frame of their picture's camera, metres: `center_cam`, `dimensions` (width,
height, length), `R_cam` and the corners `bbox3D_cam`, near face before far face of a box that is
not turned, each from its upper left corner clockwise. Length lies along the box's x axis, height
along y (down), width along z.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.rotation_conventions import OURS_FROM_CAMERA_BOX
from workflow_scripts.layouts.layout import FormatProblem, LayoutBox, RoomLayout
from workflow_scripts.layouts.text_values import MAX_ENTRIES, MAX_NUMBER, shorten

# Signs of the corners along the box's x, y and z axes.
_CORNERS = np.array(
    [
        *([-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1]),
        *([-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]),
    ]
)
MIN_DEPTH_M = 1e-3
NO_PICTURE = -1
MAX_LABEL = 200
_SHAPES = {"center_cam": (3,), "dimensions": (3,), "R_cam": (3, 3)}


@dataclass(frozen=True)
class Omni3DImage:
    """A picture: file, size in pixels and K [3, 3], with its layout in frame opencv_camera.

    `visible_fraction` and `pixels` are of each box; without them every box counts as seen whole. A
    fraction of NaN is written as unknown.
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
                "id": len(annotations) + 1,  # COCO's evaluators take 0 for no match
                "image_id": image.image_id,
                "dataset_id": 0,
                "category_id": numbers.get(box.label, -1),
                "category_name": box.label,
                "valid3D": True,
                "bbox2D_tight": list(box.box_2d_px) if box.box_2d_px else [-1, -1, -1, -1],
                "visibility": -1 if np.isnan(seen) else round(float(seen), 4),
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

    An annotation without valid geometry is a problem of its picture's layout; what says of no
    picture is one of the layout `NO_PICTURE`.
    """
    boxes: dict[int, list[LayoutBox]] = defaultdict(list)
    problems: dict[int, list[FormatProblem]] = defaultdict(list)
    image_ids = []
    for position, image in _entries(dataset, "images"):
        image_id = _integer(image.get("id"))
        if image_id == NO_PICTURE:
            problems[NO_PICTURE].append(FormatProblem(position, "has no id of 0 or more"))
        else:
            image_ids.append(image_id)
    names = {
        _integer(category.get("id")): _label(category.get("name"))
        for _, category in _entries(dataset, "categories")
    }
    for position, annotation in _entries(dataset, "annotations"):
        image_id = _integer(annotation.get("image_id"))
        label = _label(annotation.get("category_name"))
        label = label or names.get(_integer(annotation.get("category_id")), "")
        read = _read_geometry(annotation, label, key=str(annotation.get("id"))[:MAX_LABEL])
        if image_id == NO_PICTURE:
            read = f"image_id is {shorten(str(annotation.get('image_id')))}, no number of a picture"
        if isinstance(read, str):
            problems[image_id].append(FormatProblem(position, read))
        elif len(boxes[image_id]) >= MAX_ENTRIES:
            reason = f"only {MAX_ENTRIES} boxes of a picture are read"
            problems[image_id].append(FormatProblem(position, reason))
        else:
            boxes[image_id].append(read)
    return {
        image_id: RoomLayout(
            frame="opencv_camera",
            boxes=tuple(boxes[image_id]),
            problems=tuple(problems[image_id]),
        )
        for image_id in dict.fromkeys([*image_ids, *boxes, *problems])
    }


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
    if not label:
        return "neither category_name nor category_id says what it is"
    arrays = {}
    for name, shape in _SHAPES.items():
        array = _numbers(annotation.get(name), shape)
        if array is None:
            return f"{name} is {shorten(str(annotation.get(name)))}, not numbers of shape {shape}"
        arrays[name] = array
    box_2d = annotation.get("bbox2D_tight")
    sides = None if box_2d is None else _numbers(box_2d, (4,))
    if box_2d is not None and sides is None:
        return f"bbox2D_tight is {shorten(str(box_2d))}, not four numbers"
    width, height, length = arrays["dimensions"]
    if min(width, height, length) <= 0:
        return f"dimensions {[width, height, length]} must be above 0"
    turn = arrays["R_cam"]
    if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-3 or np.linalg.det(turn) < 0:
        return "R_cam is no rotation"
    left, top, right, bottom = (-1.0,) * 4 if sides is None else sides.tolist()
    return LayoutBox(
        label=label,
        centre_m=arrays["center_cam"],
        size_m=np.abs(OURS_FROM_CAMERA_BOX @ np.array([length, height, width])),
        rotation=turn @ OURS_FROM_CAMERA_BOX.T,
        key=key,
        box_2d_px=None if left == -1 else (left, top, right, bottom),
    )


def _numbers(value: Any, shape: tuple[int, ...]) -> FloatArray | None:
    """Return a list of finite numbers, or of lists of them, of a shape; None for anything else."""
    flat = [value]
    for length in shape:
        if not all(isinstance(item, list) and len(item) == length for item in flat):
            return None
        flat = [inner for item in flat for inner in item]
    if not all(is_finite_number(item) and abs(item) <= MAX_NUMBER for item in flat):
        return None
    return np.array(flat, dtype=np.float64).reshape(shape)


def _entries(dataset: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (position, entry) of a list of a data set; what is no object has no keys."""
    values = dataset.get(name)
    for number, entry in enumerate(values if isinstance(values, list) else []):
        yield f"{name}[{number}]", entry if isinstance(entry, Mapping) else {}


def _label(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) <= MAX_LABEL else ""


def _integer(value: Any) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_number else NO_PICTURE
