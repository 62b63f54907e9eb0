"""What ScanNet has beside a scan's frames: `axisAlignment`, and the annotation of its mesh.

`<scan>.aggregation.json` has groups of segments (objects), `<scan>_vh_clean_2.0.010000.segs.json`
the segment of every vertex of `<scan>_vh_clean_2.ply`. Ids may have gaps: an object is known by
its id, never by its place in a list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.geometry.cameras import transform
from workflow_scripts.sources.readers.scans.base import InstancePoints, ScanObject
from workflow_scripts.sources.readers.scans.number_files import parse_numbers
from workflow_scripts.sources.readers.scans.ply_vertices import read_ply_vertices

MAX_INSTANCE = 65535
MAX_SEGMENT = 1 << 62
_AGGREGATIONS = ("{}.aggregation.json", "{}_vh_clean.aggregation.json")
_SEGMENTS = ("{}_vh_clean_2.0.010000.segs.json",)
_MESHES = ("{}_vh_clean_2.ply", "{}_vh_clean_2.labels.ply")


@dataclass(frozen=True)
class Annotation:
    """Objects of a scan, their points, and what could not be used of the annotation."""

    objects: tuple[ScanObject, ...] = ()
    load_points: Callable[[], InstancePoints] | None = None
    warnings: tuple[str, ...] = ()


def _near(folder: Path, scan: str) -> list[Path]:
    """Return where the files of a scan may lie: with its frames, or in ScanNet's own folders."""
    parents = (folder, folder.parent, folder.parent.parent)
    below = [parent / name / scan for parent in parents for name in (".", "scans", "scans_test")]
    return [folder, *below]


def find_file(folder: Path, scan: str, patterns: tuple[str, ...]) -> Path | None:
    """Return the first file of a scan that fits one of the names, None if there is none."""
    candidates = (
        place / pattern.format(scan) for place in _near(folder, scan) for pattern in patterns
    )
    return next((path for path in candidates if path.is_file()), None)


def read_alignment(folder: Path, scan: str) -> tuple[np.ndarray, list[str]]:
    """Return `axisAlignment` [4, 4] of a scan, and a warning if there is none (unit matrix)."""
    path = find_file(folder, scan, ("{}.txt",))
    if path is None:
        return np.eye(4), [
            f"{scan}.txt is missing, so that axisAlignment is not applied: walls are not along "
            "the axes"
        ]
    for line in read_text(path).splitlines():
        key, _, value = line.partition("=")
        if key.strip() != "axisAlignment":
            continue
        numbers = parse_numbers(value, f"{path}: axisAlignment")
        if len(numbers) != 16 or not np.isfinite(numbers).all():
            raise UserError(f"{path}: axisAlignment has {len(numbers)} numbers; 16 are needed")
        return numbers.reshape(4, 4), []
    return np.eye(4), [f"{path.name} has no axisAlignment (test scans have none)"]


def aligned_pose(alignment: np.ndarray, camera_to_world: np.ndarray) -> np.ndarray:
    """Return the pose in the aligned frame; one that is not finite stays so, without a warning."""
    if not np.isfinite(camera_to_world).all():
        return np.full((4, 4), np.nan)
    result: np.ndarray = alignment @ camera_to_world
    return result


def read_annotation(folder: Path, scan: str, alignment: np.ndarray) -> Annotation:
    """Return the annotated objects of a scan; none if its files are missing.

    A file that is damaged, or does not fit the mesh, leaves the scan without objects and with a
    warning: frames can be used without them.
    """
    paths = [find_file(folder, scan, names) for names in (_AGGREGATIONS, _SEGMENTS, _MESHES)]
    aggregation, segments, mesh = paths
    if aggregation is None and segments is None:
        return Annotation()
    if aggregation is None or segments is None or mesh is None:
        names = (_AGGREGATIONS[0], _SEGMENTS[0], _MESHES[0])
        missing = [
            name.format(scan) for name, path in zip(names, paths, strict=True) if path is None
        ]
        return Annotation(warnings=(f"no objects: {', '.join(missing)} is missing",))
    try:
        points, warnings = _vertices(aggregation, segments, mesh, alignment)
        groups = _groups(aggregation)
    except UserError as error:
        return Annotation(warnings=(f"no objects: {error}",))
    objects: list[ScanObject] = []
    for group in groups.values():
        mine = points.points_m[points.instance == group.instance]
        if not len(mine):
            warnings.append(f"object {group.object_id} ({group.label}) has no vertices")
            continue
        low, high = mine.min(axis=0), mine.max(axis=0)
        centre, size = (low + high) / 2, high - low
        objects.append(
            ScanObject(
                instance=group.instance,
                object_id=group.object_id,
                label=group.label,
                centre_m=(float(centre[0]), float(centre[1]), float(centre[2])),
                size_m=(float(size[0]), float(size[1]), float(size[2])),
            )
        )

    def load_points() -> InstancePoints:
        return _vertices(aggregation, segments, mesh, alignment)[0]

    return Annotation(tuple(objects), load_points, tuple(warnings))


@dataclass(frozen=True)
class _Group:
    instance: int
    object_id: str
    label: str
    segments: frozenset[int]


def _groups(path: Path) -> dict[int, _Group]:
    """Return the objects of an aggregation by id."""
    content = parse_json(read_text(path), path)
    listed: Any = content.get("segGroups") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise UserError(f"{path}: no list 'segGroups'")
    groups: dict[int, _Group] = {}
    for index, item in enumerate(listed):
        where = f"{path}: segGroups[{index}]"
        number = item.get("objectId", item.get("id")) if isinstance(item, dict) else None
        if (
            isinstance(number, bool)
            or not isinstance(number, int)
            or not 0 <= number < MAX_INSTANCE
        ):
            raise UserError(f"{where}: objectId {number!r} is not a whole number from 0 to 65534")
        parts = item.get("segments")
        if not _are_segments(parts):
            raise UserError(f"{where}: segments must be a list of whole numbers")
        if number in groups:
            raise UserError(f"{where}: objectId {number} is listed twice")
        label = str(item.get("label", "")).strip()
        groups[number] = _Group(number + 1, str(number), label or "object", frozenset(parts))
    return groups


def _are_segments(values: Any) -> TypeGuard[list[int]]:
    """Say whether a value is a list of whole numbers that an array holds."""
    return isinstance(values, list) and all(
        isinstance(value, int) and abs(value) < MAX_SEGMENT for value in values
    )


def _vertices(
    aggregation: Path, segments: Path, mesh: Path, alignment: np.ndarray
) -> tuple[InstancePoints, list[str]]:
    """Return the mesh's vertices in the aligned frame with their objects, and warnings."""
    content = parse_json(read_text(segments), segments)
    listed = content.get("segIndices") if isinstance(content, dict) else None
    if not _are_segments(listed):
        raise UserError(f"{segments}: no list 'segIndices' of whole numbers")
    points = transform(alignment, read_ply_vertices(mesh))
    if len(listed) != len(points):
        raise UserError(
            f"{segments}: {len(listed)} segments for {len(points)} vertices of {mesh.name}; they "
            "are not of one scan"
        )
    of_vertex = np.asarray(listed, dtype=np.int64)
    instance = np.zeros(len(points), dtype=np.uint16)
    warnings: list[str] = []
    num_shared = 0
    for group in _groups(aggregation).values():
        mine = np.isin(of_vertex, np.fromiter(group.segments, dtype=np.int64))
        num_shared += int((mine & (instance > 0)).sum())
        instance[mine & (instance == 0)] = group.instance
    if num_shared:
        warnings.append(f"{num_shared} vertices belong to two objects; the first one keeps them")
    return InstancePoints(points, instance), warnings
