"""The tables of room records of a run: what is scored is kept, training views are read on demand.

A run of many houses has more records than fit into memory, so of a training view only its floor as
its camera sees it is kept, and where the record lies.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.geometry.cameras import FloatArray, transform
from workflow_scripts.layouts.answer_format import noun
from workflow_scripts.layouts.layout import level_camera_from_world
from workflow_scripts.layouts.room_layout import camera_pose, floor_corners_m
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms

ViewKey = tuple[str, str]


@dataclass(frozen=True)
class TrainingView:
    """A view of a training house: where its record lies, its floor in the level camera frame."""

    path: Path
    source: str
    scene_id: str
    view_id: str
    policy: str
    floor_m: FloatArray

    @property
    def key(self) -> ViewKey:
        """Return source and view id."""
        return (self.source, self.view_id)


def view_key(record: RoomRecord) -> ViewKey:
    """Return what a view is known by: source and view id."""
    return (record.source, record.view_id)


def floor_from_camera(record: RoomRecord) -> FloatArray:
    """Return the floor's corners [n, 3] in the level camera frame."""
    return transform(level_camera_from_world(camera_pose(record)), floor_corners_m(record))


def training_view(record: RoomRecord, path: Path) -> TrainingView:
    """Return a record without its objects."""
    return TrainingView(
        path,
        record.source,
        record.scene_id,
        record.view_id,
        record.policy,
        floor_from_camera(record),
    )


class RoomTables:
    """Read the tables of a run once.

    Attributes:
        scored: records of the views that are scored, by source and view id.
        training: all other views of training houses.
        names: the categories of all rooms.
        phrases: how often an object is called (phrase, category, asset).
    """

    def __init__(self, paths: Sequence[Path], scored: Collection[ViewKey]) -> None:
        """Read the tables; `UserError` for a view that occurs twice."""
        self.scored: dict[ViewKey, RoomRecord] = {}
        self.training: list[TrainingView] = []
        self.names = CategoryNames()
        self.phrases: Counter[tuple[str, str, str]] = Counter()
        seen: set[ViewKey] = set()
        for path in progress(paths, desc="tables of rooms", total=len(paths)):
            for record in read_rooms(path):
                key = view_key(record)
                if key in seen:
                    raise UserError(
                        f"{path}: view {record.view_id} occurs twice; remove the tables of "
                        "rooms and run their rules again"
                    )
                seen.add(key)
                self.names.add(record)
                self.phrases.update(
                    (item.phrase or noun(item.category), item.category, item.asset_id)
                    for item in record.objects
                )
                if key in scored:
                    self.scored[key] = record
                elif record.split == "train":
                    self.training.append(training_view(record, path))


def read_views(views: Sequence[TrainingView]) -> dict[ViewKey, RoomRecord]:
    """Return the records of some training views by their keys; each table is read once."""
    wanted = {view.key for view in views}
    return {
        view_key(record): record
        for path in dict.fromkeys(view.path for view in views)
        for record in read_rooms(path)
        if view_key(record) in wanted
    }
