"""EmbodiedScan's info files: pickles that list the frames and boxes of many scans.

`data_list[]` has `sample_idx`, `axis_align_matrix`, `cam2img`, `depth_cam2img`, `images[]`
(`img_path`, `depth_path`, `cam2global`, perhaps `cam2img`) and `instances[]` (`bbox_3d`,
`bbox_label_3d`, `bbox_id`). Paths are relative to the folder of the data, where the pickle or its
folder lies. A pose is `axis_align_matrix @ cam2global`. A pickle is read without running anything
in it.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.pose_conventions import intrinsics_from_whole_pixels
from workflow_scripts.geometry.rotation_conventions import rotation_from_zxy_euler
from workflow_scripts.geometry.upright_boxes import enclosing_upright_box
from workflow_scripts.sources.readers.safe_unpickler import read_pickle
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame, ScanObject
from workflow_scripts.sources.readers.scans.folders import (
    is_file,
    natural_key,
    place_of,
    scan_id_of,
)
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.pictures import (
    common_size_px,
    file_depth,
    file_rgb,
    picture_size_px,
    sampled,
)
from workflow_scripts.sources.readers.scans.scannet_annotation import aligned_pose

PATTERN = "embodiedscan_infos_*.pkl"
# Units of depth a metre by the data set, which is the first part of `sample_idx`.
_UNITS_A_METRE = {"matterport3d": 4000.0}
_DEFAULT_UNITS = 1000.0
_LEVELS = ("", "..", "../..", "data", "../data")


class EmbodiedScanReader:
    """Reads the scans that one or more info files list."""

    name = "embodiedscan"
    looks_for = f"a file {PATTERN} is needed, with the pictures that it names beside or above it"

    def matches(self, path: Path) -> bool:
        """Say whether a path is an info file or has one in it or in a folder below it."""
        return bool(_info_files(path))

    def list_scans(self, path: Path) -> list[ScanEntry]:
        """Return the scans of all info files; names have the data set in front."""
        files = _info_files(path)
        if not files:
            raise UserError(f"{path}: no scan of format {self.name}: {self.looks_for}")
        entries: dict[str, ScanEntry] = {}
        for file in files:
            for name in _scans(file):
                scan_id = scan_id_of(name)
                entries.setdefault(scan_id, ScanEntry(scan_id, file, place_of(name.split("/")[-1])))
        return sorted(entries.values(), key=lambda entry: natural_key(entry.scan_id))

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a scan; pictures that are missing are rows with a reason."""
        scans = _scans(entry.path)
        name = next((name for name in scans if scan_id_of(name) == entry.scan_id), None)
        if name is None:
            raise UserError(f"{entry.path}: no scan {entry.scan_id!r}")
        item = scans[name]
        where = f"{entry.path}: {name}"
        alignment = _matrix(item.get("axis_align_matrix", np.eye(4)), (4, 4), where)
        images = item.get("images")
        if not isinstance(images, list) or not images:
            raise UserError(f"{where}: no list 'images'")
        units = _UNITS_A_METRE.get(name.split("/")[0], _DEFAULT_UNITS)
        frames = _Frames(entry.path, where, item, alignment, 1 / units)
        objects, warnings = _objects(item, _categories(entry.path), where)
        listed = [item.get("sample_idx") for item in _read(entry.path)["data_list"]]
        if listed.count(name) > 1:
            warnings.append(f"{where} is listed {listed.count(name)} times; the first one counts")
        return make_scan(
            entry.scan_id,
            [frames.frame(index, image) for index, image in enumerate(images)],
            where=where,
            has_gravity=True,
            objects=objects,
            warnings=warnings,
        )


def _info_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.match(PATTERN) else []
    return sorted(path.glob(PATTERN)) or sorted(path.glob(f"*/{PATTERN}"))


def _read(path: Path) -> Mapping[str, Any]:
    return _read_once(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read_once(path: Path, _: int) -> Mapping[str, Any]:
    content = read_pickle(path.read_bytes(), name=str(path), kind="info file of EmbodiedScan")
    if not isinstance(content, dict) or not isinstance(content.get("data_list"), list):
        raise UserError(f"{path}: no list 'data_list'")
    return content


def _scans(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the scans of an info file by `sample_idx`; the first of a name counts."""
    scans: dict[str, Mapping[str, Any]] = {}
    for index, item in enumerate(_read(path)["data_list"]):
        name = item.get("sample_idx") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise UserError(f"{path}: data_list[{index}] has no sample_idx")
        scans.setdefault(name, item)
    return scans


def _categories(path: Path) -> dict[int, str]:
    """Return the names of categories by their number."""
    info = _read(path).get("metainfo")
    names = info.get("categories") if isinstance(info, dict) else None
    if not isinstance(names, dict):
        return {}
    return {int(number): str(name) for name, number in names.items()}


def _matrix(values: Any, shape: tuple[int, int], where: str) -> np.ndarray:
    try:
        matrix = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape not in (shape, (4, 4)):
        raise UserError(f"{where}: a matrix of shape {matrix.shape}, not {shape[0]} x {shape[1]}")
    return matrix[: shape[0], : shape[1]]


class _Frames:
    """Makes the frames of one scan."""

    def __init__(
        self, path: Path, where: str, item: Mapping[str, Any], alignment: np.ndarray, unit_m: float
    ) -> None:
        self.path, self.where, self.item = path, where, item
        self.alignment, self.unit_m = alignment, unit_m
        self._root: Path | None = None
        self._sizes: dict[str, tuple[int, int]] = {}
        images = sampled([image for image in item["images"] if isinstance(image, dict)])
        for kind, key in (("colour", "img_path"), ("depth", "depth_path")):
            paths = [file for image in images if (file := self._found(image.get(key))) is not None]
            if paths:
                self._sizes[kind] = common_size_px(paths)

    def frame(self, index: int, image: Any) -> ScanFrame:
        """Return the frame of an entry of `images`."""
        name = image.get("img_path") if isinstance(image, dict) else None
        frame_id = Path(name).stem if isinstance(name, str) and name else f"{index:05d}"
        try:
            if not isinstance(name, str) or not name:
                raise UserError("no img_path")
            return self._frame(frame_id, name, image)
        except UserError as error:
            return missing_frame(frame_id, f"images[{index}]: {error}")

    def _frame(self, frame_id: str, name: str, image: Mapping[str, Any]) -> ScanFrame:
        picture = self._file(name)
        k = self._k(image, "cam2img")
        colour = CameraModel(k, self._size("colour", picture))
        depth_name = image.get("depth_path")
        depth, load_depth_m = None, None
        if isinstance(depth_name, str) and depth_name:
            depth_map = self._file(depth_name)
            size_px = self._size("depth", depth_map)
            depth = CameraModel(self._k(image, "depth_cam2img"), size_px)
            load_depth_m = file_depth(depth_map, unit_m=self.unit_m, size_px=size_px)
        pose = _matrix(image.get("cam2global"), (4, 4), "cam2global")
        return make_frame(
            frame_id,
            pose=aligned_pose(self.alignment, pose),
            colour=colour,
            depth=depth,
            load_rgb=file_rgb(picture, colour.size_px),
            load_depth_m=load_depth_m,
            load_encoded_rgb=picture.read_bytes,
        )

    def _k(self, image: Mapping[str, Any], key: str) -> np.ndarray:
        """Return K of a frame: its own, else the scan's; depth without one has the colour's."""
        values = image.get(key, self.item.get(key))
        if values is None and key == "depth_cam2img":
            return self._k(image, "cam2img")
        return intrinsics_from_whole_pixels(_matrix(values, (3, 3), key))

    def _size(self, kind: str, path: Path) -> tuple[int, int]:
        if kind not in self._sizes:
            self._sizes[kind] = picture_size_px(path)
        return self._sizes[kind]

    def _found(self, name: Any) -> Path | None:
        try:
            return self._file(name) if isinstance(name, str) and name else None
        except UserError:
            return None

    def _file(self, name: str) -> Path:
        roots = [self._root] if self._root else [self.path.parent / level for level in _LEVELS]
        for root in roots:
            path = root / name
            if is_file(path):
                self._root = root
                return path
        raise UserError(f"{name} is missing below {(self._root or self.path.parent)}")


def _objects(
    item: Mapping[str, Any], categories: Mapping[int, str], where: str
) -> tuple[tuple[ScanObject, ...], list[str]]:
    """Return the boxes of a scan as upright ones, and what is wrong with those left out."""
    listed = item.get("instances")
    objects: list[ScanObject] = []
    warnings: list[str] = []
    used: set[int] = set()
    for index, instance in enumerate(listed if isinstance(listed, list) else []):
        try:
            box = np.array(instance["bbox_3d"], dtype=np.float64).reshape(9)
            label, number = int(instance["bbox_label_3d"]), int(instance.get("bbox_id", index))
        except (KeyError, TypeError, ValueError, AttributeError):
            warnings.append(f"{where}: instances[{index}] has no bbox_3d of 9 numbers with a label")
            continue
        if not np.isfinite(box).all() or (box[3:6] <= 0).any() or not 0 <= number < 65535:
            warnings.append(f"{where}: instances[{index}] has size {box[3:6].tolist()}")
            continue
        if number in used:
            warnings.append(f"{where}: bbox_id {number} is listed twice; the first one counts")
            continue
        used.add(number)
        centre, size, yaw_deg = enclosing_upright_box(
            box[:3], box[3:6], rotation_from_zxy_euler(box[6:])
        )
        objects.append(
            ScanObject(
                instance=number + 1,
                object_id=str(number),
                label=categories.get(label, "object"),
                centre_m=(float(centre[0]), float(centre[1]), float(centre[2])),
                size_m=(float(size[0]), float(size[1]), float(size[2])),
                yaw_deg=yaw_deg,
            )
        )
    return tuple(objects), warnings
