"""A room's truth and what was predicted of it, in one frame, with categories in one spelling."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.storage import iterate_records
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reply_markup import without_thinking
from workflow_scripts.layouts.answer_format import is_shown, noun, read_answer, target_layout
from workflow_scripts.layouts.entries import says_empty
from workflow_scripts.layouts.layout import LayoutFrame, RoomLayout, floor_within
from workflow_scripts.layouts.room_layout import change_frame, room_layout
from workflow_scripts.layouts.room_record import RoomRecord

SCORED_FRAME: LayoutFrame = "world"


@dataclass(frozen=True)
class TrueRoom:
    """The truth: record, all objects in the world frame, and which of them the view shows [n].

    `is_target` [n] are those that an answer is to say; `phrases` are what objects are called by:
    captions of assets, nouns where there are none. `is_marked` [n] are those whose place the
    prompt says; they are not among the visible ones.
    """

    record: RoomRecord
    layout: RoomLayout
    visible: np.ndarray
    is_target: np.ndarray
    phrases: tuple[str, ...] = ()
    is_marked: np.ndarray | None = None

    @cached_property
    def target(self) -> RoomLayout:
        """Return the layout with the objects that an answer is to say."""
        if self.is_target.all():
            return self.layout
        pairs = zip(self.layout.boxes, self.is_target, strict=True)
        return replace(self.layout, boxes=tuple(box for box, is_target in pairs if is_target))

    @cached_property
    def hidden(self) -> np.ndarray:
        """Return the objects [n] that are neither visible nor marked."""
        hidden: np.ndarray = ~self.visible
        return hidden if self.is_marked is None else hidden & ~self.is_marked

    @cached_property
    def marked(self) -> RoomLayout:
        """Return the layout with the marked objects alone."""
        flags = np.zeros(len(self.layout.boxes), dtype=bool)
        flags = flags if self.is_marked is None else self.is_marked
        pairs = zip(self.layout.boxes, flags, strict=True)
        return replace(self.layout, boxes=tuple(box for box, is_marked in pairs if is_marked))

    @property
    def house(self) -> str:
        """Return the unit of resampling."""
        return f"{self.record.source}/{self.record.scene_id}"


@dataclass(frozen=True)
class PredictedRoom:
    """A prediction in the world frame; nothing in it where it could not be read.

    `num_left_out` counts entries that were no objects, repeated earlier ones or were cut off;
    `phrases` are the labels of the boxes as they were written.
    """

    layout: RoomLayout
    is_read: bool = True
    num_left_out: int = 0
    reason: str = ""
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoomPair:
    """A room and one prediction of it."""

    true: TrueRoom
    predicted: PredictedRoom


def true_room(
    record: RoomRecord,
    names: CategoryNames,
    settings: LayoutTextSettings,
    *,
    marked: Collection[str] = (),
) -> TrueRoom:
    """Return the truth of a record.

    `settings` say which objects an answer is to say, `marked` (object ids) of which the prompt says
    the place.
    """
    layout = room_layout(record, SCORED_FRAME)
    visible = np.array([is_shown(item, settings) for item in record.objects], dtype=bool)
    phrases = tuple(item.phrase or noun(item.category) for item in record.objects)
    keys = {box.key for box in target_layout(record, settings).boxes}
    is_target = np.array([item.object_id in keys for item in record.objects], dtype=bool)
    is_marked = np.array([item.object_id in marked for item in record.objects], dtype=bool)
    return TrueRoom(
        record,
        with_categories(layout, names),
        visible & ~is_marked,
        is_target,
        phrases,
        is_marked,
    )


def unread(reason: str) -> PredictedRoom:
    """Return a prediction of which nothing can be read."""
    return PredictedRoom(RoomLayout(frame=SCORED_FRAME), is_read=False, reason=reason)


def read_prediction(
    text: str,
    settings: LayoutTextSettings,
    record: RoomRecord,
    names: CategoryNames,
    *,
    reason: str = "",
) -> PredictedRoom:
    """Read a reply; `reason` says why there is none.

    A reply that says nothing at all is unread; one that says that there is nothing is not.
    """
    if reason:
        return unread(reason)
    text = without_thinking(text)
    layout = read_answer(text, settings, record)
    says_nothing = not (layout.boxes or layout.walls or len(layout.floor_polygon_m))
    if says_nothing and not says_empty(text):
        first = layout.problems[0].reason if layout.problems else "no entry of the format"
        return replace(unread(first), num_left_out=len(layout.problems))
    if settings.format == "r2d3" and not settings.phrases:
        layout = with_assets(layout, names)
    layout = change_frame(layout, record, SCORED_FRAME)
    if not len(layout.floor_polygon_m):
        layout = replace(layout, floor_polygon_m=floor_within(layout.walls))
    return predicted_room(layout, names, num_left_out=len(layout.problems))


def predicted_room(
    layout: RoomLayout, names: CategoryNames, *, num_left_out: int = 0
) -> PredictedRoom:
    """Return a prediction from its layout in the world frame."""
    return PredictedRoom(
        with_categories(layout, names),
        num_left_out=num_left_out,
        phrases=tuple(box.label for box in layout.boxes),
    )


def with_categories(layout: RoomLayout, names: CategoryNames) -> RoomLayout:
    """Return a layout whose labels are categories."""
    boxes = tuple(replace(box, label=names.category(box.label)) for box in layout.boxes)
    return replace(layout, boxes=boxes)


def with_assets(layout: RoomLayout, names: CategoryNames) -> RoomLayout:
    """Fill in the sizes of assets where they are known, and call each by its category."""
    boxes = []
    for box in layout.boxes:
        if not box.asset_id:  # a line of words among those of assets
            boxes.append(box)
            continue
        category, size_m = names.asset(box.asset_id)
        size = box.size_m if size_m is None else np.array(size_m)
        boxes.append(replace(box, label=category, size_m=size))
    return replace(layout, boxes=tuple(boxes))


def read_replies(paths: Sequence[Path], question_ids: Sequence[str]) -> Mapping[str, Prediction]:
    """Return the reply to every question by its id.

    Raises `UserError` for a question without a reply or with two, and for a reply to another one.
    """
    known = set(question_ids)
    replies: dict[str, Prediction] = {}
    again = f"Remove {', '.join(map(str, paths))} and run the rule again."
    for path in paths:
        for row in iterate_records(path, Prediction):
            if row.question_id in replies:
                raise UserError(f"{path}: {row.question_id} is answered twice. {again}")
            if row.question_id not in known:
                raise UserError(f"{path}: {row.question_id} is not a room that is scored. {again}")
            replies[row.question_id] = row
    missing = sorted(known - replies.keys())
    if missing:
        raise UserError(
            f"{', '.join(map(str, paths))}: {len(missing)} of {len(known)} rooms have no answer, "
            f"the first is {missing[0]}. {again}"
        )
    return replies
