"""Turn the rooms that R2D3 released into room records: one for each picture.

    python -m workflow_scripts.layouts.import_r2d3 --data final_data.json --images images \\
        --out r2d3

writes r2d3/rooms.parquet, r2d3/pictures.csv (paths relative to the folder of pictures) and
r2d3/skipped.jsonl. What the list leaves out is put back: the camera stands 0.676 m above the
agent's position (1.576 m) and looks 30 degrees down, as the house's agent does; children have keys
of their own; sizes are those of ProcTHOR's assets. Rooms of one house share a split.
"""

import csv
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.image_decoding import decode_image
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.common.storage import write_records, write_text
from workflow_scripts.config.splits import SplitsSettings
from workflow_scripts.layouts.r2d3_list import (
    R2D3Room,
    R2D3View,
    iterate_json_list,
    read_room,
)
from workflow_scripts.layouts.r2d3_room import CameraSettings, RoomTruth, ViewPicture, view_record
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import write_rooms
from workflow_scripts.sources.readers.house_corners import without_repeated_corners

log = logging.getLogger(__name__)
SOURCE = "r2d3"
MAX_PIXELS = 100_000_000
COLUMNS = ("view_id", "split", "image", "mask_image")


class ImportSettings(CameraSettings):
    """How the rooms of R2D3 are read."""

    splits: SplitsSettings = Field(
        SplitsSettings(), description="shares of the splits; a house has one split"
    )


DEFAULT = ImportSettings()


@dataclass
class ImportedRooms:
    """Reads the rooms of a list, and keeps account of what is left out.

    Attributes:
        folder: folder of the pictures.
        settings: camera, visibility, splits.
        pictures: a row of `COLUMNS` for every record so far.
        skipped: what was left out so far.
    """

    folder: Path
    settings: ImportSettings
    pictures: list[tuple[str, str, str, str]] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    _errors: ItemErrors = field(default_factory=ItemErrors)
    _view_ids: set[str] = field(default_factory=set)

    def records(self, path: Path) -> Iterator[RoomRecord]:
        """Yield a record for every picture that can be used; `UserError` if there is none."""
        for number, entry in enumerate(progress(iterate_json_list(path), desc="rooms")):
            try:
                room = read_room(entry, number)
                house = without_repeated_corners(room.house)
                identity = content_hash(house)
                truth = RoomTruth.read(room, house)
            except Exception as error:
                self._skip(number, "room", error)
                continue
            for item, reason in (*room.lost, *truth.lost):
                self._skip(number, item, UserError(reason))
            for view in room.views:
                try:
                    yield self._record(room, truth, view, identity)
                except Exception as error:
                    self._skip(number, view.image[-80:], error)
        if not self.pictures:
            self._errors.require_some(0)
            reasons = most_common_reasons(item.reason for item in self.skipped)
            raise UserError(f"{path}: no room can be used: {reasons or 'the list is empty'}")

    def _record(
        self, room: R2D3Room, truth: RoomTruth, view: R2D3View, identity: str
    ) -> RoomRecord:
        image = find_picture(self.folder, view.image)
        if image is None:
            raise UserError(f"no such picture in {self.folder}")
        rgb = decode_image(
            (self.folder / image).read_bytes(), min_side_px=8, max_pixels=MAX_PIXELS
        ).rgb
        mask_image = find_picture(self.folder, view.mask_image) or ""
        masks = None
        if mask_image:
            content = (self.folder / mask_image).read_bytes()
            masks = decode_image(content, min_side_px=8, max_pixels=MAX_PIXELS).rgb
            if masks.shape != rgb.shape:
                raise UserError(
                    f"its mask picture has {masks.shape[1]} x {masks.shape[0]} pixels, "
                    f"it has {rgb.shape[1]} x {rgb.shape[0]}"
                )
        example = Path(image).parent.name
        example = example if example.startswith("example_") else f"example_{room.number}"
        view_id = f"{example}-{view.corner}"
        if view_id in self._view_ids:
            raise UserError(f"{view_id} occurs twice in the list")
        record = view_record(
            truth,
            view,
            ViewPicture(image, rgb.shape[1], rgb.shape[0], masks),
            settings=self.settings,
            source=SOURCE,
            scene_id=f"house-{identity[:16]}",
            split=assign_split(identity, self.settings.splits.model_dump()),
            number=len(self.pictures),
            view_id=view_id,
        )
        self._view_ids.add(view_id)
        self.pictures.append((view_id, record.split, image, mask_image))
        return record

    def _skip(self, number: int, item: str, error: Exception) -> None:
        reason = self._errors.reason(error, f"room {number}, {item}")
        self.skipped.append(
            SkippedItem(source=SOURCE, scene_id=f"room {number}", item=item, reason=reason)
        )


def find_picture(folder: Path, stored: str) -> str | None:
    """Return the path of a picture relative to its folder, None if it is not there.

    The list has absolute paths of another machine: the longest end of the path that exists in the
    folder is taken. A bare file name is not enough where the path has folders, for pictures of
    all rooms have the same few names.
    """
    parts = [part for part in stored.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    for start in range(max(1, len(parts) - 1)):
        relative = "/".join(parts[start:])
        try:
            if (folder / relative).is_file():
                return relative
        except (OSError, ValueError):  # a name that the system does not allow
            return None
    return None


def main(*, data: Path, images: Path, out: Path, settings: ImportSettings = DEFAULT) -> None:
    """Turn the rooms that R2D3 released into room records.

    Args:
        data: The JSON list, nine values a room.
        images: Folder of the pictures and their masks.
        out: Folder to write: rooms.parquet, pictures.csv, skipped.jsonl.
        settings: Camera, visibility and splits.
    """
    for path, is_there in ((data, data.is_file()), (images, images.is_dir())):
        if not is_there:
            raise UserError(f"{path}: no such {'file' if path == data else 'folder'}")
    rooms = ImportedRooms(images, settings)
    write_rooms(out / "rooms.parquet", rooms.records(data))
    write_text(out / "pictures.csv", _table(rooms.pictures))
    write_records(out / "skipped.jsonl", rooms.skipped)
    for item in rooms.skipped[:10]:
        log.warning("%s, %s: %s", item.scene_id, item.item, item.reason)
    without = sum(not mask_image for *_, mask_image in rooms.pictures)
    if without:
        log.warning(
            "%d of %d pictures have no mask picture: what they show follows from names and boxes",
            without,
            len(rooms.pictures),
        )
    log.info("%d pictures of rooms, %d left out", len(rooms.pictures), len(rooms.skipped))


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    text = io.StringIO()
    writer: Any = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    run(main)
