"""Answers that need no model: the training room that fits best, and boxes from masks and depth.

- retrieval: the layout of the training view whose floor, seen from its camera, is most like the
  floor seen from this camera (IoU of both polygons in the level camera frame), in that frame. It
  looks at no picture.
- measured: the boxes that stage pointclouds measures from true masks and depth, with the true
  categories of the masks: what can be known of what is seen, without a model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from scipy.spatial import KDTree

from workflow_scripts.common.storage import read_table
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reconstruction.room_pair import (
    SCORED_FRAME,
    PredictedRoom,
    predicted_room,
)
from workflow_scripts.geometry.cameras import FloatArray, rotation_about_up, transform
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout, level_camera_from_world
from workflow_scripts.layouts.room_layout import (
    camera_pose,
    change_frame,
    floor_corners_m,
    room_layout,
)
from workflow_scripts.layouts.room_record import RoomRecord

NUM_CANDIDATES = 64


class Retrieval:
    """Find the training view whose floor fits best; views of the same house are never taken.

    Of all training views, the `NUM_CANDIDATES` whose floors reach most nearly as far to the left,
    right, back, front and down are compared exactly; equal ones are taken in the order of their
    ids.
    """

    def __init__(self, training: Sequence[RoomRecord]) -> None:
        self._records = sorted(training, key=lambda record: record.view_id)
        floors = [_floor_from_camera(record) for record in self._records]
        self._polygons = np.array([_polygon(floor) for floor in floors], dtype=object)
        extents = np.array([_extent(floor) for floor in floors]).reshape(-1, 5)
        self._tree = KDTree(extents) if floors else None

    def nearest(self, record: RoomRecord) -> RoomRecord | None:
        """Return the training view that fits a record best; None without any of another house."""
        if self._tree is None:
            return None
        floor = _floor_from_camera(record)
        count = min(NUM_CANDIDATES, len(self._records))
        _, rows = self._tree.query(_extent(floor), k=count)
        rows = np.sort(np.atleast_1d(rows))
        house = (record.source, record.scene_id)
        rows = np.array(
            [row for row in rows if _house(self._records[row]) != house], dtype=np.int64
        )
        if not len(rows):
            return None
        polygon, candidates = _polygon(floor), self._polygons[rows]
        shared = shapely.area(shapely.intersection(polygon, candidates))
        union = shapely.area(polygon) + shapely.area(candidates) - shared
        iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        best: RoomRecord = self._records[rows[int(np.argmax(iou))]]
        return best

    def answer(
        self, record: RoomRecord, names: CategoryNames, settings: LayoutTextSettings
    ) -> PredictedRoom | None:
        """Return the layout of the nearest training view as if this camera had seen it."""
        nearest = self.nearest(record)
        if nearest is None:
            return None
        layout = room_layout(
            nearest, "level_camera", objects=settings.objects, phrases=settings.phrases
        )
        return predicted_room(change_frame(layout, record, SCORED_FRAME), names)


def _house(record: RoomRecord) -> tuple[str, str]:
    return (record.source, record.scene_id)


def _floor_from_camera(record: RoomRecord) -> FloatArray:
    """Return the floor's corners [n, 3] in the level camera frame."""
    return transform(level_camera_from_world(camera_pose(record)), floor_corners_m(record))


def _extent(floor_m: FloatArray) -> FloatArray:
    """Return how far a floor reaches: least and largest x and y, and its height."""
    if not len(floor_m):
        return np.zeros(5)
    return np.array([*floor_m[:, :2].min(axis=0), *floor_m[:, :2].max(axis=0), floor_m[0, 2]])


def _polygon(floor_m: FloatArray) -> shapely.Geometry:
    if len(floor_m) < 3:
        return shapely.Polygon()
    return shapely.make_valid(shapely.Polygon(floor_m[:, :2]))


class MeasuredBoxes:
    """Boxes of the tables `results/pointclouds/{source}/{shard}.measured.parquet`.

    Only views whose pose is the simulator's are measured in the world frame; others have none.
    """

    def __init__(self, tables: Sequence[Path]) -> None:
        self._rows: dict[tuple[str, str], dict[str, tuple[object, ...]]] = {}
        for path in tables:
            gravity = read_table(path.with_name(path.name.replace(".measured.", ".gravity.")))
            posed = gravity[(gravity["source"] == "pose") & gravity["accepted"]]
            names = dict(zip(posed["view"], posed["view_id"], strict=True))
            rows = read_table(path)
            chosen = rows["view"].isin(list(names)) & (rows["reason"] == "")
            for row in rows[chosen & (rows["kind"] == "object")].itertuples(index=False):
                key = (path.parent.name, names[row.view])
                self._rows.setdefault(key, {})[row.object_id] = row
            for name in names.values():
                self._rows.setdefault((path.parent.name, name), {})

    def answer(
        self, record: RoomRecord, names: CategoryNames, settings: LayoutTextSettings
    ) -> PredictedRoom | None:
        """Return the measured boxes of what a view shows of its room; None if it has no table."""
        rows = self._rows.get((record.source, record.view_id))
        if rows is None:
            return None
        boxes = [
            _box(rows[item.object_id], (settings.phrases and item.phrase) or item.category)
            for item in record.objects
            if item.is_visible and item.object_id in rows
        ]
        layout = RoomLayout(frame=SCORED_FRAME, boxes=tuple(boxes))
        return predicted_room(layout, names)


def _box(row: object, label: str) -> LayoutBox:
    values: Mapping[str, float] = row._asdict()  # type: ignore[attr-defined]
    size = np.array([values["width_m"], values["depth_m"], values["height_m"]])
    return LayoutBox(
        label=label,
        centre_m=np.array([values["x_m"], values["y_m"], values["z_m"]]),
        size_m=size,
        rotation=rotation_about_up(values["yaw_deg"]),
    )
