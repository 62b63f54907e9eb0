"""Give a scan the objects of files: boxes of a detector, or masks that are lifted and merged."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import back_project, rotation_about_up
from workflow_scripts.geometry.mask_lifting import LiftedObject, LiftingSettings, MaskLifter
from workflow_scripts.sources.readers.scans.annotation_files import (
    BoxFile,
    MaskFolder,
    read_boxes,
)
from workflow_scripts.sources.readers.scans.base import InstancePoints, Scan, ScanFrame, ScanObject

BOX_MARGIN_M = 0.02
FLOOR_M = 0.03


def with_files(
    scan: Scan,
    *,
    boxes: Path | None,
    masks: Path | None,
    min_score: float = 0.0,
    settings: LiftingSettings | None = None,
) -> Scan:
    """Return a scan with the objects of the user's files; as it is without such files.

    `boxes` is a JSON file, or a folder of `<scan_id>.json`; `masks` a folder of masks, or of one
    such folder for each scan.
    """
    if boxes is not None:
        path = boxes / f"{scan.scan_id}.json" if boxes.is_dir() else boxes
        return with_boxes(scan, read_boxes(path, scan.scan_id, min_score=min_score))
    if masks is not None:
        inner = masks / scan.scan_id
        return with_masks(scan, MaskFolder(inner if inner.is_dir() else masks), settings)
    return scan


def with_boxes(scan: Scan, boxes: BoxFile) -> Scan:
    """Return a scan whose objects are those of a file of boxes.

    A pixel belongs to the smallest box that its point is in; 3 cm above the bottom of a box count
    as the floor that it stands on.
    """
    warnings = list(scan.warnings)
    if boxes.left_out:
        warnings.append(f"left out: {len(boxes.left_out)} boxes; the first: {boxes.left_out[0]}")
    frames = [
        frame
        if frame.reason or frame.load_depth_m is None
        else replace(frame, load_instance=partial(_instances_of_boxes, frame, boxes.objects))
        for frame in scan.frames
    ]
    return replace(
        scan,
        frames=tuple(frames),
        objects=boxes.objects,
        load_points=None,
        warnings=tuple(warnings),
        left_out=boxes.left_out,
    )


def _instances_of_boxes(frame: ScanFrame, objects: tuple[ScanObject, ...]) -> np.ndarray:
    assert frame.load_depth_m is not None
    assert frame.world_from_camera is not None
    depth_m = frame.load_depth_m()
    points = back_project(depth_m, frame.depth_intrinsics, frame.world_from_camera)
    instance = np.zeros(depth_m.shape, np.uint16)
    # The smallest is written last.
    for item in sorted(objects, key=lambda item: -float(np.prod(item.size_m))):
        offset = (points - item.centre_m) @ rotation_about_up(item.yaw_deg)
        half = np.array(item.size_m) / 2
        is_inside = (np.abs(offset) <= half + BOX_MARGIN_M).all(axis=-1)
        is_inside &= offset[..., 2] > min(FLOOR_M, half[2]) - half[2]
        instance[is_inside] = item.instance
    return instance


def with_masks(scan: Scan, masks: MaskFolder, settings: LiftingSettings | None = None) -> Scan:
    """Return a scan whose objects are merged from the masks of its frames.

    Frames are read one at a time. The `load_instance` of a frame with masks returns them with the
    numbers of the objects; masks that belong to none are 0. A frame whose masks cannot be used has
    none, and a warning says why.
    """
    lifter = MaskLifter(settings)
    usable = [frame for frame in scan.frames if not frame.reason and frame.load_depth_m is not None]
    if not usable:
        raise UserError(f"scan {scan.scan_id}: masks are lifted with depth, which no frame has")
    masks.require_frames(usable)
    warnings = []
    others = masks.without_frame(scan.frames)
    if others:
        warnings.append(f"{len(others)} files of masks belong to no frame; the first: {others[0]}")
    for index, frame in enumerate(scan.frames):
        if frame.reason or frame.load_depth_m is None or frame.world_from_camera is None:
            continue
        try:
            of_frame = masks.masks(frame)
            if of_frame is not None:
                lifter.add(
                    index,
                    of_frame,
                    frame.load_depth_m(),
                    frame.depth_intrinsics,
                    frame.world_from_camera,
                )
        except (UserError, OSError) as error:
            warnings.append(f"frame {frame.frame_id}: no masks: {error}")
    lifted = lifter.objects()
    if lifter.left_out:
        first, number, reason = lifter.left_out[0]
        warnings.append(
            f"{len(lifter.left_out)} masks belong to no object; the first one, {number} of frame "
            f"{scan.frames[first].frame_id}: {reason}"
        )
    numbers: dict[int, dict[int, int]] = {}
    for instance, lifted_object in enumerate(lifted, start=1):
        for index, number in lifted_object.masks:
            numbers.setdefault(index, {})[number] = instance
    frames = [
        replace(frame, load_instance=_instances(frame, masks, numbers.get(index, {})))
        if masks.has(frame)
        else replace(frame, load_instance=None)
        for index, frame in enumerate(scan.frames)
    ]
    return replace(
        scan,
        frames=tuple(frames),
        objects=tuple(_object(instance, item) for instance, item in enumerate(lifted, start=1)),
        load_points=partial(_points, lifted),
        warnings=(*scan.warnings, *warnings),
    )


def _object(instance: int, lifted: LiftedObject) -> ScanObject:
    centre, size = lifted.centre_m, lifted.size_m
    return ScanObject(
        instance=instance,
        object_id=f"object-{instance:04d}",
        label=lifted.label or "object",
        centre_m=(float(centre[0]), float(centre[1]), float(centre[2])),
        size_m=(float(size[0]), float(size[1]), float(size[2])),
        yaw_deg=lifted.yaw_deg,
    )


def _points(lifted: list[LiftedObject]) -> InstancePoints:
    points = [item.points_m for item in lifted] or [np.zeros((0, 3))]
    numbers = [
        np.full(len(item.points_m), instance, dtype=np.uint16)
        for instance, item in enumerate(lifted, start=1)
    ]
    return InstancePoints(
        np.concatenate(points), np.concatenate(numbers) if numbers else np.zeros(0, np.uint16)
    )


def _instances(
    frame: ScanFrame, masks: MaskFolder, numbers: dict[int, int]
) -> Callable[[], np.ndarray]:
    def load() -> np.ndarray:
        width, height = frame.depth_size_px
        of_frame = masks.masks(frame) if numbers else None
        if of_frame is None:
            return np.zeros((height, width), np.uint16)
        table = np.zeros(1 << 16, np.uint16)
        for number, instance in numbers.items():
            table[number] = instance
        result: np.ndarray = table[of_frame.ids]
        return result

    return load
