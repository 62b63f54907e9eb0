"""Turn some of the rooms that a model wrote into houses that can be drawn.

A reply that cannot be read is an empty room: what it missed is then missing in its picture, too.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.reconstruction import LayoutTextSettings, RebuildSettings
from workflow_scripts.evaluate.reconstruction.room_pair import read_replies
from workflow_scripts.evaluate.reply_markup import without_thinking
from workflow_scripts.layouts.answer_format import read_answer
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.rebuild import FORMAT_PARTS, rebuild_house
from workflow_scripts.layouts.rebuilt_view import RebuiltView
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms

log = logging.getLogger(__name__)
MAX_PROBLEMS = 20


def choose_rooms(count: int, wanted: int) -> list[int]:
    """Return the numbers of at most `wanted` of `count` rooms, at equal steps."""
    wanted = min(count, wanted)
    return [int((number + 0.5) * count / wanted) for number in range(wanted)]


def rebuilt_view(
    reply: Prediction, record: RoomRecord, layout: LayoutTextSettings, errors: ItemErrors
) -> RebuiltView:
    """Return the house of a reply, and what of it is left out."""
    problems = [reply.reason] if reply.reason else []
    room = RoomLayout(frame="world")
    house, skipped = None, None
    try:
        if not reply.reason:
            room = read_answer(without_thinking(reply.text), layout, record)
        problems += [f"{problem.position}: {problem.reason}" for problem in room.problems]
        is_empty = not (room.boxes or room.walls or len(room.floor_polygon_m))
        parts = () if is_empty else FORMAT_PARTS.get(layout.format, ())
        rebuilt = rebuild_house(room, record, parts=parts)
        house = rebuilt.house
        problems += [f"{problem.position}: {problem.reason}" for problem in rebuilt.problems]
    except Exception as error:
        skipped = errors.reason(error, record.view_id)
    return RebuiltView(
        source=record.source,
        scene_id=record.scene_id,
        split=record.split,
        room_id=record.room_id,
        room_type=record.room_type,
        view=record.view,
        view_id=record.view_id,
        policy=record.policy,
        width_px=record.width_px,
        height_px=record.height_px,
        intrinsics=record.intrinsics,
        world_from_camera=record.world_from_camera,
        house=house,
        skipped=skipped,
        problems=tuple(problems[:MAX_PROBLEMS]),
    )


def find_records(
    questions: Path, rooms: Sequence[Path], count: int
) -> tuple[list[str], dict[str, RoomRecord]]:
    """Return the ids of all questions, and the records of the chosen ones by question id."""
    rows = list(QuestionTable(questions, columns=("question_id", "source", "view_id")))
    if not rows:
        raise UserError(f"{questions}: no rooms to rebuild")
    chosen = [rows[number] for number in choose_rooms(len(rows), count)]
    wanted = {(row["source"], row["view_id"]): row["question_id"] for row in chosen}
    found: dict[str, RoomRecord] = {}
    for path in rooms:
        for record in read_rooms(path):
            key = (record.source, record.view_id)
            if key in wanted:
                found[wanted[key]] = record
    missing = [question_id for question_id in wanted.values() if question_id not in found]
    if missing:
        raise UserError(
            f"{questions}: {missing[0]} is about a view of which no table of rooms has a record; "
            "run the rules of stage vqa again"
        )
    return [row["question_id"] for row in rows], {
        question_id: found[question_id] for question_id in wanted.values()
    }


def main(
    *, questions: Path, rooms: list[Path], image: list[Path], out: Path, settings: RebuildSettings
) -> None:
    """Rebuild some of the rooms that a model wrote.

    Args:
        questions: Parquet table of the prompts that were answered.
        rooms: Tables of room records of every shard.
        image: Predictions of the model that saw the pictures.
        out: File to write: one `RebuiltView` a line.
        settings: Format of the replies, number of rooms.
    """
    question_ids, records = find_records(questions, rooms, settings.rebuilt_rooms)
    replies = read_replies(image, question_ids)
    errors = ItemErrors()
    views = [
        rebuilt_view(replies[question_id], record, settings.layout, errors)
        for question_id, record in records.items()
    ]
    errors.require_some(sum(view.house is not None for view in views))
    write_records(out, views)
    num_problems = int(np.sum([len(view.problems) for view in views]))
    log.info("%d rooms rebuilt, %d entries left out", len(views), num_problems)


if __name__ == "__main__":
    run(main)
