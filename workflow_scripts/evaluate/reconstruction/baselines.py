"""Answers that need no model: the training room that fits best, and boxes from masks and depth.

- retrieval: the layout of the training view whose floor, seen from its camera, is most like the
  floor seen from this camera (IoU of both polygons in the level camera frame), in that frame. It
  looks at no picture.
- measured: the boxes that stage pointclouds measures from true masks and depth, with the true
  categories of the masks: what can be known of what is seen, without a model.
"""

from collections.abc import Collection, Mapping, Sequence
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
from workflow_scripts.evaluate.reconstruction.room_tables import (
    TrainingView,
    ViewKey,
    floor_from_camera,
    read_views,
)
from workflow_scripts.geometry.cameras import FloatArray, rotation_about_up
from workflow_scripts.layouts.answer_format import is_shown, with_visibility
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout
from workflow_scripts.layouts.room_layout import change_frame, room_layout
from workflow_scripts.layouts.room_record import RoomRecord

NUM_CANDIDATES = 64


class Retrieval:
    """Find the training view whose floor fits best; views of the same house are never taken.

    Of all training views, the `NUM_CANDIDATES` whose floors reach most nearly as far to the left,
    right, back, front and down are compared exactly; equal ones are taken in the order of their
    ids.
    """

    def __init__(self, training: Sequence[TrainingView]) -> None:
        self._views = sorted(training, key=lambda view: view.key)
        self._polygons = np.array([_polygon(view.floor_m) for view in self._views], dtype=object)
        extents = [_extent(view.floor_m) for view in self._views]
        self._tree = KDTree(np.array(extents)) if extents else None

    def nearest(self, record: RoomRecord) -> TrainingView | None:
        """Return the training view that fits a record best; None without any of another house."""
        if self._tree is None:
            return None
        floor = floor_from_camera(record)
        count = min(NUM_CANDIDATES, len(self._views))
        _, found = self._tree.query(_extent(floor), k=count)
        house = (record.source, record.scene_id)
        views = [(row, self._views[row]) for row in np.sort(np.atleast_1d(found))]
        others = [row for row, view in views if (view.source, view.scene_id) != house]
        if not others:
            return None
        polygon, candidates = _polygon(floor), self._polygons[others]
        shared = shapely.area(shapely.intersection(polygon, candidates))
        union = shapely.area(polygon) + shapely.area(candidates) - shared
        iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        best: TrainingView = self._views[others[int(np.argmax(iou))]]
        return best

    def answers(
        self, records: Sequence[RoomRecord], names: CategoryNames, settings: LayoutTextSettings
    ) -> list[PredictedRoom | None]:
        """Return the layouts of the nearest training views as if these cameras had seen them."""
        nearest = [self.nearest(record) for record in records]
        found = read_views([view for view in nearest if view is not None])
        return [
            None if view is None else _seen_here(found[view.key], record, names, settings)
            for view, record in zip(nearest, records, strict=True)
        ]


def _seen_here(
    training: RoomRecord, record: RoomRecord, names: CategoryNames, settings: LayoutTextSettings
) -> PredictedRoom:
    """Return what a training view shows, from the camera of another record."""
    layout = room_layout(
        with_visibility(training, settings),
        "level_camera",
        objects=settings.objects,
        phrases=settings.phrases,
    )
    return predicted_room(change_frame(layout, record, SCORED_FRAME), names)


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

    def __init__(self, tables: Sequence[Path], wanted: Collection[ViewKey]) -> None:
        """Read the rows of the views that are wanted."""
        self._rows: dict[tuple[str, str], dict[str, tuple[object, ...]]] = {}
        for path in tables:
            gravity = read_table(path.with_name(path.name.replace(".measured.", ".gravity.")))
            posed = gravity[(gravity["source"] == "pose") & gravity["accepted"]]
            names = {
                view: name
                for view, name in zip(posed["view"], posed["view_id"], strict=True)
                if (path.parent.name, name) in wanted
            }
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
            if is_shown(item, settings) and item.object_id in rows
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
