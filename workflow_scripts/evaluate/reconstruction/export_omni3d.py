"""Write the scored rooms of an experiment and its answers as JSON of Omni3D, for its evaluators.

    python -m workflow_scripts.evaluate.reconstruction.export_omni3d --experiment rooms \\
        --rooms results/vqa/*/*.rooms.parquet --out omni3d

writes omni3d/truth.json, a data set with every object of every scored room (how much of it is seen
is its `visibility`; objects without a pixel have `segmentation_pts` 0, so that evaluators ignore
them), and omni3d/predictions.json, a list in the order of the answers, with score 1.
"""

import dataclasses
import logging
from collections import Counter
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Condition
from workflow_scripts.common.storage import read_json, write_json
from workflow_scripts.config.reconstruction import LayoutTextSettings, RoomPromptSettings
from workflow_scripts.evaluate.reconstruction.room_pair import read_prediction, read_replies
from workflow_scripts.evaluate.reconstruction.room_tables import RoomTables
from workflow_scripts.evaluate.reconstruction.score import (
    ScoredRoom,
    read_questions,
    scored_rooms,
)
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.omni3d import Omni3DImage, write_dataset, write_predictions
from workflow_scripts.layouts.room_layout import camera_intrinsics, change_frame

log = logging.getLogger(__name__)


def true_image(room: ScoredRoom, number: int) -> Omni3DImage:
    """Return the picture of a room with its true objects."""
    record = room.true.record
    return Omni3DImage(
        image_id=number,
        file_path=room.image,
        width_px=record.width_px,
        height_px=record.height_px,
        intrinsics=camera_intrinsics(record),
        layout=change_frame(room.true.layout, record, "opencv_camera"),
        visible_fraction=tuple(item.fraction_visible for item in record.objects),
        pixels=tuple(item.pixels for item in record.objects),
    )


def with_sizes(layout: RoomLayout) -> RoomLayout:
    """Return a layout without the boxes whose size is not known."""
    boxes = tuple(box for box in layout.boxes if np.isfinite(box.size_m).all())
    return dataclasses.replace(layout, boxes=boxes)


def read_layout_settings(path: Path) -> LayoutTextSettings:
    """Return how the answers of an experiment are written, from its tables' settings."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; is this an experiment of kind reconstruction?")
    return RoomPromptSettings.parse(read_json(path)).layout


def main(
    *,
    experiment: str,
    rooms: list[Path],
    out: Path,
    results: Path = Path("results"),
    condition: Condition = "image",
) -> None:
    """Write truth and predictions of an experiment as JSON of Omni3D.

    Args:
        experiment: Name of an experiment of kind reconstruction that has answered.
        rooms: Tables of room records of every shard.
        out: Folder to write: truth.json, predictions.json.
        results: Folder of the workflow's results.
        condition: Which answers: image, blind or blank.
    """
    tables_folder = results / "vqa" / "rooms" / experiment
    layout = read_layout_settings(tables_folder / "settings.json")
    questions = tables_folder / "scored.parquet"
    answers = sorted((results / "evaluate" / experiment).glob(f"predictions.{condition}.*.jsonl"))
    if not answers:
        raise UserError(
            f"{results / 'evaluate' / experiment}: no predictions.{condition}.*.jsonl; answer "
            f"first: snakemake results/evaluate/{experiment}/scores.parquet"
        )
    rows = read_questions(questions)
    tables = RoomTables(rooms, {(row["source"], row["view_id"]) for row in rows})
    scored = scored_rooms(questions, rows, tables, layout)
    replies = read_replies(answers, [room.question_id for room in scored])
    images = [true_image(room, number) for number, room in enumerate(scored)]
    predicted = []
    for room, image in zip(scored, images, strict=True):
        record, reply = room.true.record, replies[room.question_id]
        found = read_prediction(reply.text, layout, record, tables.names, reason=reply.reason)
        boxes = with_sizes(change_frame(found.layout, record, "opencv_camera"))
        predicted.append(dataclasses.replace(image, layout=boxes, visible_fraction=(), pixels=()))
    categories = sorted({box.label for image in images for box in image.layout.boxes})
    others = Counter(box.label for image in predicted for box in image.layout.boxes)
    for category in categories:
        others.pop(category, None)
    write_json(out / "truth.json", write_dataset(images, categories, name=experiment))
    write_json(out / "predictions.json", write_predictions(predicted, categories))
    if others:
        named = ", ".join(name for name, _ in others.most_common(5))
        log.warning("%d predictions of no true category: %s", others.total(), named)
    log.info("%s: %d pictures, %d categories", out, len(images), len(categories))


if __name__ == "__main__":
    run(main)
