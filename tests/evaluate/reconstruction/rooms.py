"""Files of an experiment that reconstructs rooms, as the workflow lays them out, for tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.layouts.records import random_record
from workflow_scripts.common.checksums import checksum_path, describe_checksum
from workflow_scripts.common.questions import Question, QuestionTableWriter
from workflow_scripts.common.records import GravityRow, MeasuredRow, Prediction, records_to_frame
from workflow_scripts.common.storage import atomic_write, write_records, write_table, write_text
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.geometry.gravity import axes_from_pose, gravity_row
from workflow_scripts.layouts.answer_format import target_layout, write_answer
from workflow_scripts.layouts.room_layout import camera_pose
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import write_rooms

CONDITIONS = ("image", "blind", "blank")
Reply = Callable[[RoomRecord], str]


@dataclass(frozen=True)
class RoomRun:
    """Files of one experiment below a folder."""

    folder: Path
    records: tuple[RoomRecord, ...]

    @property
    def scored(self) -> list[RoomRecord]:
        """Return the records that are scored."""
        return [record for record in self.records if record.split == "test"]

    def predictions(self, condition: str) -> Path:
        """Return the file of the answers under a condition."""
        return self.folder / f"evaluate/rooms/predictions.{condition}.000.jsonl"

    def arguments(self) -> dict[str, object]:
        """Return the arguments of the scorer but its settings."""
        return {
            "questions": self.folder / "vqa/rooms/rooms/scored.parquet",
            "rooms": [self.folder / "vqa/procthor/0000.rooms.parquet"],
            **{name: [self.predictions(name)] for name in CONDITIONS},
            "experiment": "rooms",
            "seed": 0,
            "out": self.folder / "evaluate/rooms/scores.parquet",
            "images": self.folder / "vqa",
            "plans": self.folder / "evaluate/rooms/rooms.png",
        }

    def answer(self, condition: str, reply: Reply, refused: Sequence[str] = ()) -> None:
        """Write the answers under a condition; none to the `refused` views."""
        rows = [
            Prediction(
                experiment="rooms",
                condition=condition,
                question_id=question_id(record),
                text=reply(record),
                reason="the server refused" if record.view_id in refused else "",
            )
            for record in self.scored
        ]
        write_records(self.predictions(condition), rows)


def question_id(record: RoomRecord) -> str:
    return f"{record.source}-{record.view_id}"


def truth(settings: LayoutTextSettings) -> Reply:
    """Return a reply that says the truth in a format."""
    return lambda record: write_answer(target_layout(record, settings), settings, record)


def room_records(num_train: int, num_test: int, *, num_objects: int = 6) -> tuple[RoomRecord, ...]:
    """Return records of rooms, each of a house of its own."""
    records = []
    for number in range(num_train + num_test):
        record = random_record(number, num_objects=num_objects)
        # An asset has one size.
        objects = tuple(
            item.model_copy(update={"asset_id": f"{item.asset_id}_{number}"})
            for item in record.objects
        )
        split = "train" if number < num_train else "test"
        records.append(record.model_copy(update={"split": split, "objects": objects}))
    return tuple(records)


def write_run(folder: Path, records: Sequence[RoomRecord]) -> RoomRun:
    """Write records, questions and pictures of an experiment; no answers."""
    run = RoomRun(folder, tuple(records))
    write_rooms(folder / "vqa/procthor/0000.rooms.parquet", records)
    questions = folder / "vqa/rooms/rooms/scored.parquet"
    with atomic_write(questions, checksum=True) as partial, QuestionTableWriter(partial) as table:
        table.add([_question(record) for record in run.scored])
    for record in run.scored:
        path = folder / "vqa" / record.image
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (record.width_px, record.height_px), (150, 170, 190)).save(path)
        write_text(checksum_path(path), describe_checksum(path, path.name))
    return run


def write_measured(run: RoomRun) -> Path:
    """Write tables of measured objects: every visible one as it is, but half as deep."""
    rows, frames = [], []
    for record in run.records:
        names = {"view": record.view, "view_id": record.view_id, "scene_id": record.scene_id}
        axes = axes_from_pose(camera_pose(record))
        frames.append(gravity_row(axes, **names, source="pose", camera_height_m=1.5))
        rows += [_measured(record, item) for item in record.objects if item.is_visible]
    folder = run.folder / "pointclouds/procthor"
    write_table(folder / "0000.measured.parquet", records_to_frame(rows, MeasuredRow))
    write_table(folder / "0000.gravity.parquet", records_to_frame(frames, GravityRow))
    return folder / "0000.measured.parquet"


def _measured(record: RoomRecord, item) -> MeasuredRow:
    plain = {int: 0, float: 0.0, bool: False, str: ""}
    values = {
        name: plain.get(field.annotation, "object")
        for name, field in MeasuredRow.model_fields.items()
    }
    values |= {"view": record.view, "scene_id": record.scene_id, "instance": item.instance}
    values |= {"object_id": item.object_id, "label": item.category, "yaw_deg": item.yaw_deg}
    values |= dict(zip(("x_m", "y_m", "z_m"), item.centre_m, strict=True))
    width, depth, height = item.size_m
    values |= {"width_m": width, "depth_m": depth / 2, "height_m": height}
    return MeasuredRow.model_validate(values)


def _question(record: RoomRecord) -> Question:
    return Question(
        question_id=question_id(record),
        source=record.source,
        scene_id=record.scene_id,
        split=record.split,
        view=record.view,
        view_id=record.view_id,
        image=record.image,
        width_px=record.width_px,
        height_px=record.height_px,
        family="reconstruction",
        form="named",
        question="Which objects are in the room?",
        answer="none;",
        answer_type="choice",
        choices=[],
        truth="none;",
        margin=0.0,
        margin_unit="",
        seed=0,
        referents=[],
    )
