"""Write prompts, answers and pictures about the rooms of a shard for an experiment.

A row is a question about a view: the prompt, the room in the experiment's format as its answer,
and a picture, plain or with marks or depth. Rows for training and rows that are scored may be told
and shown different things. Rooms of others (`layouts/import_r2d3.py`) have pictures and no views:

    python -m workflow_scripts.vqa.rooms.write_prompts --rooms r2d3/rooms.parquet --images images \\
        --training train.jsonl --scored test.jsonl --pictures images/marked \\
        --dropped dropped.jsonl --seed 7
"""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.reconstruction import InputSettings, RoomPromptSettings
from workflow_scripts.layouts.answer_format import target_layout, write_answer
from workflow_scripts.layouts.room_prompt import room_prompt
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.vqa.drawing import save_jpeg
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.rooms.room_pictures import Mark, choose_marks, draw_room

log = logging.getLogger(__name__)
DEFAULT = RoomPromptSettings()
FAMILY = "reconstruction"


@dataclass(frozen=True)
class PromptWriter:
    """Makes rows and draws their pictures.

    Attributes:
        settings: what is written, told and shown.
        root: folder that names of pictures are relative to.
        shard: the views; true depth is read from it. None: there are pictures alone.
        depth: the views with the depth of an estimator, if one is wanted.
        pictures: folder for the drawn pictures.
        prefix: the folder's name in rows, relative to the root.
        seed: seed of the workflow.
    """

    settings: RoomPromptSettings
    root: Path
    shard: ViewShard | None
    depth: ViewShard | None
    pictures: Path
    prefix: str
    seed: int

    def rows(self, record: RoomRecord) -> tuple[Question | None, Question | None]:
        """Return the row for training and the row that is scored; None where a view has none."""
        settings = self.settings
        answer = write_answer(target_layout(record, settings.layout), settings.layout, record)
        if not answer.strip():
            raise UserError(f"format {settings.layout.format} has nothing to write of the room")
        training = scored = None
        if record.split != "test":
            training = self._row(record, answer, settings.train_input, use="training")
        if record.split == settings.split:
            scored = self._row(record, answer, settings.test_input, use="scored")
        return training, scored

    def _row(self, record: RoomRecord, answer: str, given: InputSettings, *, use: str) -> Question:
        layout = self.settings.layout
        rng = seeded(self.seed, "marks of rooms", record.source, record.view_id, use)
        marks = choose_marks(record, given.picture, layout, rng)
        return Question(
            question_id=f"{record.source}-{record.view_id}",
            source=record.source,
            scene_id=record.scene_id,
            split=record.split,
            view=record.view,
            view_id=record.view_id,
            image=self._picture(record, given, marks, use),
            width_px=record.width_px,
            height_px=record.height_px,
            family=FAMILY,
            form="marked" if marks else "named",
            question=room_prompt(record, layout, given.prompt, [mark.in_prompt for mark in marks]),
            answer=answer.strip(),
            answer_type="layout",
            choices=[],
            truth=answer.strip(),
            margin=0.0,
            margin_unit="",
            seed=self.seed,
            referents=[_referent(mark) for mark in marks],
        )

    def _picture(
        self, record: RoomRecord, given: InputSettings, marks: list[Mark], use: str
    ) -> str:
        """Return the name of the picture: the plain one, or one that is drawn here."""
        is_overlaid = given.picture.depth == "luminance"
        if not marks and not is_overlaid:
            return record.image
        depth_m = None
        if is_overlaid:
            is_true = given.picture.depth_source == "truth"
            views = self.shard if is_true else self.depth
            assert views is not None
            depth_m = views.depth_m(record.view)
        name = f"{record.view_id}-{use}.jpg"
        save_jpeg(self.pictures / name, draw_room(self._rgb(record), depth_m, marks))
        return f"{self.prefix}/{name}"

    def _rgb(self, record: RoomRecord) -> np.ndarray:
        """Return the plain picture, u8 [height, width, 3]."""
        if self.shard is not None:
            return self.shard.rgb(record.view)
        path = self.root / record.image
        try:
            with Image.open(path) as picture:
                return np.asarray(picture.convert("RGB"))
        except OSError as error:
            raise UserError(f"{path}: picture cannot be read: {error}") from error


def _referent(mark: Mark) -> Referent:
    item = mark.item
    return Referent(
        instance=item.instance,
        object_id=item.object_id,
        category=item.category,
        phrase=f"the {mark.colour} mark",
        mark=mark.colour,
        pixel=mark.pixel,
        box=item.box_px,
    )


def main(
    *,
    rooms: Path,
    training: Path,
    scored: Path,
    pictures: Path,
    dropped: Path,
    seed: int,
    settings: RoomPromptSettings = DEFAULT,
    views: Path | None = None,
    depth: Path | None = None,
    images: Path | None = None,
) -> None:
    """Write the prompts of a shard.

    Args:
        rooms: records, `results/vqa/{source}/{shard}.rooms.parquet`.
        training: rows of training and validation houses, one record a line.
        scored: rows of the houses that are scored, one record a line.
        pictures: folder for pictures that are drawn; it lies below `images`.
        dropped: views without a row and why, counted, one record a line.
        seed: seed of the workflow.
        settings: what is written, told and shown.
        views: the shard, `results/views/{source}/{shard}.zarr`; without it, the records' pictures
            are read, and no depth can be shown.
        depth: depth of an estimator; without it, the simulator's.
        images: folder that the names of pictures are relative to; without it, the grandparent of
            `rooms`, `results/vqa`.
    """
    root = (images or rooms.resolve().parents[1]).resolve()
    if not pictures.resolve().is_relative_to(root):
        raise UserError(f"--pictures {pictures}: must lie below {root}, as all pictures of rows do")
    inputs = (settings.train_input, settings.test_input)
    if views is None and any(given.picture.depth != "none" for given in inputs):
        raise UserError("--views is missing: depth can only be shown of views, not of pictures")
    shard = None if views is None else ViewShard.open(views)
    counts: Counter[tuple[str, str]] = Counter()
    errors, kept = ItemErrors(), 0
    for_training: list[Question] = []
    for_scoring: list[Question] = []
    with atomic_write(pictures, checksum=True) as folder:
        folder.mkdir()
        writer = PromptWriter(
            settings=settings,
            root=root,
            shard=shard,
            depth=ViewShard.open(views, depth=depth) if views and depth else shard,
            pictures=folder,
            prefix=pictures.resolve().relative_to(root).as_posix(),
            seed=seed,
        )
        for record in progress(read_rooms(rooms), desc="rooms"):
            if record.policy not in settings.view_policies:
                counts[record.source, f"view of policy {record.policy}"] += 1
                continue
            try:
                of_training, of_scoring = writer.rows(record)
            except Exception as error:
                counts[record.source, errors.reason(error, record.view_id)] += 1
                continue
            kept += 1
            for_training += [] if of_training is None else [of_training]
            for_scoring += [] if of_scoring is None else [of_scoring]
        if counts:
            errors.require_some(kept)
    write_records(training, for_training)
    write_records(scored, for_scoring)
    write_records(
        dropped,
        drop_records(
            {(source, FAMILY, "", reason): count for (source, reason), count in counts.items()}
        ),
    )
    log.info("%d rows for training, %d scored", len(for_training), len(for_scoring))


if __name__ == "__main__":
    run(main)
