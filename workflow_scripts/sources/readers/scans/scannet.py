"""ScanNet as folders: `posed_images/<scan>` of EmbodiedScan and mmdetection3d, and the export.

Depth counts millimetres, poses map an OpenCV camera to the world, pixel centres of K are at whole
numbers, and a pose of -inf says that tracking was lost. `axisAlignment` is applied.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.pose_conventions import intrinsics_from_whole_pixels
from workflow_scripts.sources.readers.scans.base import Scan, ScanEntry, ScanFrame
from workflow_scripts.sources.readers.scans.folders import (
    PICTURE_SUFFIXES,
    FolderReader,
    files_by_stem,
    natural_key,
)
from workflow_scripts.sources.readers.scans.frames import (
    CameraModel,
    make_frame,
    make_scan,
    missing_frame,
)
from workflow_scripts.sources.readers.scans.number_files import read_intrinsics, read_matrix
from workflow_scripts.sources.readers.scans.pictures import common_size_px, file_depth, file_rgb
from workflow_scripts.sources.readers.scans.scannet_annotation import (
    aligned_pose,
    read_alignment,
    read_annotation,
)

DEPTH_UNIT_M = 0.001
_POSED_INTRINSICS = ("intrinsic.txt", "depth_intrinsic.txt")
_EXPORTED_INTRINSICS = ("intrinsic/intrinsic_color.txt", "intrinsic/intrinsic_depth.txt")


class ScanNetReader(FolderReader):
    """Reads both folders, with mesh and annotation where they are beside it or in `scans/`."""

    name = "scannet"
    looks_for = (
        "a folder is needed with NNNNN.jpg, NNNNN.png, NNNNN.txt, intrinsic.txt and "
        "depth_intrinsic.txt (posed_images), or with color/, depth/, pose/ and intrinsic/ (export)"
    )

    def is_scan(self, folder: Path) -> bool:
        """Say whether a folder has the export's parts or those of `posed_images`."""
        return _is_export(folder) or any((folder / name).is_file() for name in _POSED_INTRINSICS)

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a scan; frames without one of their files are rows with a reason."""
        folder = entry.path
        alignment, warnings = read_alignment(folder, folder.name)
        annotation = read_annotation(folder, folder.name, alignment)
        return make_scan(
            entry.scan_id,
            _frames(folder, alignment),
            where=folder,
            has_gravity=True,
            objects=annotation.objects,
            load_points=annotation.load_points,
            warnings=(*warnings, *annotation.warnings),
        )


def _is_export(folder: Path) -> bool:
    return (folder / "color").is_dir() and (folder / "pose").is_dir()


def _frames(folder: Path, alignment: np.ndarray) -> list[ScanFrame]:
    if _is_export(folder):
        colour_files = files_by_stem(folder / "color", PICTURE_SUFFIXES)
        depth_files = files_by_stem(folder / "depth", (".png",))
        pose_files = files_by_stem(folder / "pose", (".txt",))
        k_names = _EXPORTED_INTRINSICS
    else:
        # Colour is JPEG here: NNNNN.png is the depth map.
        colour_files = files_by_stem(folder, (".jpg", ".jpeg"))
        depth_files = files_by_stem(folder, (".png",))
        pose_files = files_by_stem(folder, (".txt",))
        for name in _POSED_INTRINSICS:
            pose_files.pop(Path(name).stem, None)
        # The scan's own <scan>.txt may lie beside its frames.
        pose_files.pop(folder.name, None)
        k_names = _POSED_INTRINSICS
    if not colour_files:
        raise UserError(f"{folder}: no color pictures; a .jpg is needed for each frame")
    colour, depth = _cameras(folder, k_names, colour_files, depth_files)
    stems = sorted({*colour_files, *depth_files, *pose_files}, key=natural_key)
    frames = []
    for stem in stems:
        if stem not in colour_files:
            frames.append(missing_frame(stem, f"no color picture {stem}.jpg"))
            continue
        frames.append(_frame(stem, colour_files, depth_files, pose_files, alignment, colour, depth))
    return frames


def _cameras(
    folder: Path,
    k_names: tuple[str, str],
    colour_files: Mapping[str, Path],
    depth_files: Mapping[str, Path],
) -> tuple[CameraModel, CameraModel | None]:
    """Return K of colour and of depth, at the sizes of the first picture of each."""
    paths = [folder / name for name in k_names]
    if not paths[0].is_file():
        raise UserError(f"{paths[0]}: missing; it has the camera matrix of the color pictures")
    size = common_size_px(list(colour_files.values()))
    colour = CameraModel(intrinsics_from_whole_pixels(read_intrinsics(paths[0])), size)
    if not depth_files:
        return colour, None
    if not paths[1].is_file():
        raise UserError(f"{paths[1]}: missing; it has the camera matrix of the depth maps")
    size = common_size_px(list(depth_files.values()))
    return colour, CameraModel(intrinsics_from_whole_pixels(read_intrinsics(paths[1])), size)


def _frame(
    stem: str,
    colour_files: Mapping[str, Path],
    depth_files: Mapping[str, Path],
    pose_files: Mapping[str, Path],
    alignment: np.ndarray,
    colour: CameraModel,
    depth: CameraModel | None,
) -> ScanFrame:
    reason, pose = "", None
    if stem not in pose_files:
        reason = f"no pose {stem}.txt"
    else:
        try:
            pose = aligned_pose(alignment, read_matrix(pose_files[stem], 4, 4))
        except UserError as error:
            reason = str(error)
    depth_file = depth_files.get(stem)
    if depth is not None and depth_file is None:
        reason = reason or f"no depth map {stem}.png"
    picture = colour_files[stem]
    return make_frame(
        stem,
        pose=pose,
        colour=colour,
        depth=depth,
        load_rgb=file_rgb(picture, colour.size_px),
        load_depth_m=file_depth(depth_file, unit_m=DEPTH_UNIT_M, size_px=depth.size_px)
        if depth_file is not None and depth is not None
        else None,
        load_encoded_rgb=picture.read_bytes,
        reason=reason,
    )
