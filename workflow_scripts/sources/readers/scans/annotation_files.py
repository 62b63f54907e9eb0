"""Objects of a scan from files of any detector: boxes in JSON, or a picture of masks per frame.

Boxes: a list of boxes, or an object with one list for each scan. A box is a list of numbers or an
object with `label` and either `box` (or `bbox_3d`) or `center` and `size`. Six numbers are centre
and size; a seventh is the yaw in radians; nine end with Euler angles z, x, y in radians.
Masks: `<frame>.png` or `.npy` of ids (0 = none) with `<frame>.json` or one `labels.json` that names
them: {"1": "chair"}, {"1": {"class": "chair"}} or [{"id": 1, "label": "chair"}].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.numbers import is_finite_number
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.mask_lifting import FrameMasks
from workflow_scripts.geometry.pose_conventions import MAX_DISTANCE_M
from workflow_scripts.geometry.rotation_conventions import rotation_from_zxy_euler
from workflow_scripts.geometry.upright_boxes import enclosing_upright_box
from workflow_scripts.sources.readers.scans.base import ScanFrame, ScanObject
from workflow_scripts.sources.readers.scans.folders import files_by_stem

MASK_SUFFIXES = (".png", ".npy")
MAX_OBJECTS = 65535
MAX_SIZE_M = 1000.0
_LABEL_KEYS = ("label", "category", "class", "name")
_BOX_KEYS = ("box", "bbox_3d", "bbox", "obb")
_CENTRE_KEYS = ("center", "centre", "centroid", "position")
_SIZE_KEYS = ("size", "dimensions", "extent")


@dataclass(frozen=True)
class BoxFile:
    """Boxes of a scan, and why others of its file were left out."""

    objects: tuple[ScanObject, ...]
    left_out: tuple[str, ...]


def read_boxes(path: Path, scan_id: str, *, min_score: float = 0.0) -> BoxFile:
    """Return the boxes of a scan; those of another scan in the same file are not its own.

    A box that is not finite, has a size of zero or less, or a score below `min_score`, is left out
    with its reason. `UserError` if the file has no boxes of the scan.
    """
    listed = _boxes_of(parse_json(read_text(path), path), scan_id, path)
    objects: list[ScanObject] = []
    left_out: list[str] = []
    used: dict[str, int] = {}
    for index, item in enumerate(listed):
        where = f"{path.name}: box {index}"
        try:
            if index >= MAX_OBJECTS:
                raise UserError(f"a scan has at most {MAX_OBJECTS} objects")
            score = item.get("score") if isinstance(item, dict) else None
            score = 1.0 if score is None else score
            if not is_finite_number(score):
                raise UserError(f"score {score!r:.40} is not a number")
            if score < min_score:
                left_out.append(f"{where}: score {score:g} is below {min_score:g}")
                continue
            found = _object(item, index)
            times = used[found.object_id] = used.get(found.object_id, 0) + 1
            if times > 1:
                found = replace(found, object_id=f"{found.object_id}-{times}")
            objects.append(found)
        except UserError as error:
            left_out.append(f"{where}: {error}")
    return BoxFile(tuple(objects), tuple(left_out))


def _boxes_of(content: Any, scan_id: str, path: Path) -> list[Any]:
    if isinstance(content, dict):
        names = [name for name in content if name.rsplit("/", 1)[-1] == scan_id]
        plain = [name for name in ("boxes", "objects", "instances") if name in content]
        key = next(iter([*names, *plain]), None)
        if key is None:
            known = f"it has {', '.join(sorted(content)[:3])}, ..." if content else "it is empty"
            raise UserError(f"{path}: no boxes of scan {scan_id!r} ({known})")
        content = content[key]
    if not isinstance(content, list):
        raise UserError(f"{path}: boxes of a scan must be a list")
    return content


def _object(item: Any, index: int) -> ScanObject:
    """Return a box; `UserError` says what is wrong with it."""
    values: Mapping[str, Any] = item if isinstance(item, dict) else {"box": item}
    numbers = _first(values, _BOX_KEYS)
    if numbers is None:
        centre, size = _first(values, _CENTRE_KEYS), _first(values, _SIZE_KEYS)
        if not (isinstance(centre, list) and isinstance(size, list)):
            raise UserError("no box, and no center and size")
        numbers = [*centre, *size]
    if not isinstance(numbers, list) or not all(is_finite_number(number) for number in numbers):
        raise UserError(f"{numbers!s:.60} are not finite numbers")
    if len(numbers) not in (6, 7, 9):
        raise UserError(f"{len(numbers)} numbers; 6, 7 or 9 are read")
    box = np.array(numbers, dtype=np.float64)
    if (box[3:6] <= 0).any():
        raise UserError(f"size {box[3:6].tolist()} must be above 0")
    if (box[3:6] > MAX_SIZE_M).any() or (np.abs(box[:3]) > MAX_DISTANCE_M).any():
        raise UserError(f"{box[:6].tolist()} is not the box of an object in meters")
    centre_m, size_m, yaw_deg = box[:3], box[3:6], 0.0
    if len(box) == 9:
        centre_m, size_m, yaw_deg = enclosing_upright_box(
            centre_m, size_m, rotation_from_zxy_euler(box[6:])
        )
    elif len(box) == 7:
        yaw_deg = float(np.rad2deg(box[6]))
    for key, degrees in (("heading", 180 / np.pi), ("yaw_deg", 1.0)):
        if values.get(key) is not None:
            if not is_finite_number(values[key]):
                raise UserError(f"{key} {values[key]!r:.40} is not a number")
            yaw_deg = float(values[key]) * degrees
    label = _first(values, _LABEL_KEYS)
    if label is not None and not isinstance(label, str | int):
        raise UserError(f"label {label!r:.40} is not a text")
    number = values.get("id")
    return ScanObject(
        instance=index + 1,
        object_id=str(index if number is None else number),
        label=" ".join(str("" if label is None else label).split()) or "object",
        centre_m=(float(centre_m[0]), float(centre_m[1]), float(centre_m[2])),
        size_m=(float(size_m[0]), float(size_m[1]), float(size_m[2])),
        yaw_deg=yaw_deg,
    )


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((values[key] for key in keys if values.get(key) is not None), None)


class MaskFolder:
    """A folder of masks, one file for each frame that has any."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder of masks")
        self.folder = folder
        self._files = files_by_stem(folder, MASK_SUFFIXES)
        if not self._files:
            raise UserError(f"{folder}: no masks; <frame>.png or <frame>.npy is needed")
        shared = folder / "labels.json"
        self._labels = _read_labels(shared) if shared.is_file() else {}

    def has(self, frame: ScanFrame) -> bool:
        """Say whether a frame has a file of masks."""
        return frame.frame_id in self._files

    def without_frame(self, frames: Sequence[ScanFrame]) -> list[str]:
        """Return the names of the files that belong to none of some frames."""
        known = {frame.frame_id for frame in frames}
        return [path.name for stem, path in self._files.items() if stem not in known]

    def require_frames(self, frames: list[ScanFrame]) -> None:
        """Raise `UserError` if no file belongs to one of some frames."""
        if not any(frame.frame_id in self._files for frame in frames):
            raise UserError(
                f"{self.folder}: no file belongs to a frame of the scan; a mask is called like its "
                f"frame, {frames[0].frame_id}.png, not {next(iter(self._files.values())).name}"
            )

    def masks(self, frame: ScanFrame) -> FrameMasks | None:
        """Return the masks of a frame at the size of its depth, None if it has none.

        A file may have the size of the colour picture, of depth, or of either before frames of a
        phone on its side were turned.
        """
        path = self._files.get(frame.frame_id)
        if path is None:
            return None
        ids = np.rot90(_read_ids(path), frame.quarter_turns)
        labels = path.with_suffix(".json")
        named = _read_labels(labels) if labels.is_file() else self._labels
        size_px = (ids.shape[1], ids.shape[0])
        if size_px == frame.depth_size_px:
            return FrameMasks(ids, named)
        if size_px != frame.colour_size_px:
            raise UserError(
                f"{path}: {size_px[0]} x {size_px[1]}; the picture is "
                f"{frame.colour_size_px[0]} x {frame.colour_size_px[1]}, its depth "
                f"{frame.depth_size_px[0]} x {frame.depth_size_px[1]}"
            )
        return FrameMasks(_at_depth(ids, frame), named)


def _at_depth(ids: np.ndarray, frame: ScanFrame) -> np.ndarray:
    """Return ids of the colour picture at the pixels of depth, along the same rays."""
    k, k_depth = frame.colour_intrinsics, frame.depth_intrinsics
    width, height = frame.depth_size_px
    x = (np.arange(width) + 0.5 - k_depth[0, 2]) / k_depth[0, 0]
    y = (np.arange(height) + 0.5 - k_depth[1, 2]) / k_depth[1, 1]
    columns = np.floor(x * k[0, 0] + k[0, 2]).astype(int)
    rows = np.floor(y * k[1, 1] + k[1, 2]).astype(int)
    is_column = (columns >= 0) & (columns < ids.shape[1])
    is_row = (rows >= 0) & (rows < ids.shape[0])
    result = np.zeros((height, width), dtype=ids.dtype)
    result[np.ix_(is_row, is_column)] = ids[np.ix_(rows[is_row], columns[is_column])]
    return result


def _read_ids(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            ids = np.load(path, allow_pickle=False)
        else:
            with Image.open(path) as image:
                ids = np.asarray(image)
    except Exception as error:  # decoders raise many types for damaged bytes
        raise UserError(f"{path}: cannot be read ({error})") from None
    if ids.ndim != 2 or ids.dtype.kind not in "biu" or (ids.size and ids.max() > 65535):
        raise UserError(
            f"{path}: masks are whole numbers from 0 to 65535 in one channel, not {ids.dtype} of "
            f"shape {ids.shape}"
        )
    result: np.ndarray = ids.astype(np.uint16)
    return result


def _read_labels(path: Path) -> dict[int, str]:
    content: Any = parse_json(read_text(path), path)
    if isinstance(content, list):
        for index, item in enumerate(content):
            if not isinstance(item, dict) or "id" not in item:
                raise UserError(f"{path}: entry {index} has no id and label")
        content = {str(item["id"]): item for item in content}
    if not isinstance(content, dict):
        raise UserError(f"{path}: names of masks must be an object by id, or a list with id, label")
    labels: dict[int, str] = {}
    for key, value in content.items():
        if not key.isdecimal():
            raise UserError(f"{path}: {key!r:.40} is not the id of a mask")
        name = _first(value, _LABEL_KEYS) if isinstance(value, dict) else value
        if name is not None and not isinstance(name, str):
            raise UserError(f"{path}: the name of mask {key} is {name!r:.40}, not a text")
        if name is not None and name.strip():
            labels[int(key)] = name.strip()
    return labels
