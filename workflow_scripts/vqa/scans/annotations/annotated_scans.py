"""The scans that annotations are about: their split, their objects and what may be chosen.

An object is known by its `object_id`, as its data set wrote it, never by its place in a list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Split
from workflow_scripts.geometry.aligned_boxes import aligned_boxes, box_iou
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.language_files import scan_aliases

Box = tuple[float, float, float, float, float, float]
#: A proposal is outside of a scan if it is so far from all of its objects.
OUTSIDE_M = 1.0


@dataclass(frozen=True)
class AnnotatedObject:
    """An object of a scan: its number in masks, and its box along the world's axes."""

    object_id: str
    instance: int
    category: str
    box: Box


@dataclass(frozen=True)
class AnnotatedScan:
    """A scan of the source.

    Attributes:
        scene_id: its name in the workflow.
        name: its name in its files.
        split: the split of its scene.
        objects: annotated objects by `object_id`.
        predicted: boxes [n, 6] of a detector; None where its objects' boxes are chosen from.
        num_outside: boxes of the detector that were left out, because they are outside of the scan.
        reason: why nothing can be asked about it, '' if something can.
    """

    scene_id: str
    name: str
    split: Split
    objects: Mapping[str, AnnotatedObject]
    predicted: np.ndarray | None = None
    reason: str = ""
    num_outside: int = 0

    def object(self, object_id: str) -> AnnotatedObject:
        """Return an object; `UserError` if the scan has none of that id."""
        if object_id in self.objects:
            return self.objects[object_id]
        if not self.objects:
            raise UserError(
                f"object {object_id}: the scan has no objects; the files of its annotated mesh are "
                "missing or damaged"
            )
        raise UserError(f"object {object_id} is not one of the scan's {len(self.objects)} objects")

    def object_of_box(self, box: Box, *, min_iou: float) -> AnnotatedObject | None:
        """Return the object whose box overlaps most with one, None below an IoU."""
        items = list(self.objects.values())
        if not items:
            return None
        iou = box_iou(np.array([box]), np.array([item.box for item in items]))[0]
        best = int(np.argmax(iou))
        return items[best] if iou[best] >= min_iou else None

    @cached_property
    def proposals(self) -> np.ndarray:
        """Boxes [n, 6] that may be chosen."""
        if self.predicted is not None:
            return self.predicted
        return np.array([item.box for item in self.objects.values()]).reshape(-1, 6)

    def best_proposal(self, box: Box) -> tuple[Box | None, float]:
        """Return the proposal that overlaps most with a box, and its IoU; None if there is none."""
        if not len(self.proposals):
            return None, 0.0
        iou = box_iou(np.array([box]), self.proposals)[0]
        best = int(np.argmax(iou))
        x, y, z, dx, dy, dz = self.proposals[best].tolist()
        return (x, y, z, dx, dy, dz), float(iou[best])


class AnnotatedScans:
    """The scans of a source by the names that annotations use."""

    def __init__(self, scans: Iterable[AnnotatedScan]) -> None:
        self.scans = tuple(scans)
        self._by_name: dict[str, AnnotatedScan] = {}
        for place in (0, 1):  # whole names win over their last parts
            for scan in self.scans:
                for alias in scan_aliases(scan.name)[place : place + 1]:
                    self._by_name.setdefault(alias, scan)

    def get(self, name: str) -> AnnotatedScan | None:
        """Return a scan by the name in its files."""
        return self._by_name.get(name)


def read_scans(
    scenes: Iterable[ScanScene],
    objects: pd.DataFrame,
    with_views: set[str],
    predicted: Mapping[str, np.ndarray],
) -> list[AnnotatedScan]:
    """Return the scans of a source.

    Args:
        scenes: their scenes.
        objects: rows of `ObjectRow` of all of them.
        with_views: the scenes that have views.
        predicted: a detector's boxes [n, 6] by scan; those of training scans are not used.
    """
    by_scene = {str(scene): rows for scene, rows in objects.groupby("scene_id")}
    scans = []
    for scene in scenes:
        rows = by_scene.get(scene.scene_id, objects.iloc[:0])
        name = scene.name or scene.scene_id
        boxes = next((predicted[each] for each in scan_aliases(name) if each in predicted), None)
        reason = scene.skipped or ""
        if not reason and scene.scene_id not in with_views:
            reason = "no frame of the scan can be used; see the skipped rows of its views"
        objects_by_id = {item.object_id: item for item in objects_of(rows)}
        offered = None if scene.split == "train" else boxes
        num_outside = 0
        if offered is not None and objects_by_id:
            is_inside = _is_inside(offered, np.array([i.box for i in objects_by_id.values()]))
            num_outside = int((~is_inside).sum())
            offered = offered[is_inside]
        scans.append(
            AnnotatedScan(
                scene_id=scene.scene_id,
                name=name,
                split=scene.split,
                objects=objects_by_id,
                predicted=offered,
                reason=reason,
                num_outside=num_outside,
            )
        )
    return scans


def _is_inside(boxes: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Return which boxes [n, 6] reach to where a scan's objects [m, 6] are, or near it."""
    low = (objects[:, :3] - objects[:, 3:] / 2).min(axis=0) - OUTSIDE_M
    high = (objects[:, :3] + objects[:, 3:] / 2).max(axis=0) + OUTSIDE_M
    reaches = (boxes[:, :3] + boxes[:, 3:] / 2 >= low) & (boxes[:, :3] - boxes[:, 3:] / 2 <= high)
    result: np.ndarray = reaches.all(axis=1)
    return result


def objects_of(rows: pd.DataFrame) -> list[AnnotatedObject]:
    """Return the objects of rows of `ObjectRow`; those without a finite box are left out."""
    boxes = aligned_boxes(
        rows[["x_m", "y_m", "z_m"]].to_numpy(float),
        rows[["width_m", "depth_m", "height_m"]].to_numpy(float),
        rows["yaw_deg"].to_numpy(float),
    )
    result = []
    for row, box in zip(rows.itertuples(), boxes.tolist(), strict=True):
        if np.isfinite(box).all():
            x, y, z, dx, dy, dz = box
            result.append(
                AnnotatedObject(
                    object_id=str(row.object_id),
                    instance=int(row.instance),
                    category=str(row.category),
                    box=(x, y, z, dx, dy, dz),
                )
            )
    return result
