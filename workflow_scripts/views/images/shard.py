"""Write the view shard of the photos that passed the filter, with objects as instances.

Writes `{shard}.zarr`, three tables, `{shard}.skipped.jsonl`, `{shard}.dropped.jsonl`,
`{shard}.credits.csv` and a contact sheet `{shard}.png`, each atomically.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from workflow_scripts.common import coco_rle
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import (
    ObjectRow,
    SkippedItem,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import (
    read_records,
    read_table,
    write_records,
    write_table,
)
from workflow_scripts.common.view_shard import ViewShard, sibling_path, table_path, write_views
from workflow_scripts.geometry.cameras import Camera, yaw_pitch_deg
from workflow_scripts.sources.images import MaskSizeSettings
from workflow_scripts.sources.readers.photo_records import (
    Photo,
    PhotoDropCount,
    PhotoFilterRow,
    PhotoMaskRow,
    PhotoReadRow,
)
from workflow_scripts.views.contact_sheet import draw_contact_sheet
from workflow_scripts.views.credits import write_credits
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.images.photo_tables import read_filter_rows, read_photo_rows
from workflow_scripts.views.images.proposal_filter import border_sides
from workflow_scripts.views.visibility import mask_box

log = logging.getLogger(__name__)
DEFAULT = MaskSizeSettings()

COVERED = "covered: other objects hide all but too few of its pixels"


@dataclass
class PhotoRows:
    """Rows of the shard so far."""

    views: list[ViewRow] = field(default_factory=list)
    objects: list[ObjectRow] = field(default_factory=list)
    visibility: list[VisibilityRow] = field(default_factory=list)
    contents: list[list[int]] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        return {one.name: len(getattr(self, one.name)) for one in fields(self)}

    def cut(self, counts: Mapping[str, int]) -> None:
        """Remove all rows after so many of each kind."""
        for name, count in counts.items():
            del getattr(self, name)[count:]


def rasterise_instances(masks: Sequence[PhotoMaskRow], *, shape: tuple[int, int]) -> np.ndarray:
    """Return instances u16 [h, w]: where masks overlap the smaller one is on top."""
    instance = np.zeros(shape, dtype=np.uint16)
    for row in sorted(masks, key=lambda row: (-row.pixels, row.instance)):
        mask = coco_rle.decode(row.rle_counts, height=row.rle_height, width=row.rle_width)
        if mask.shape != shape:
            raise UserError(f"a mask of {mask.shape} pixels in a frame of {shape}: localise again")
        instance[mask] = row.instance
    return instance


def visibility_row(
    view: int, row: PhotoReadRow, instance: np.ndarray, number: int
) -> VisibilityRow:
    """Describe an instance's mask; its occlusion in a photo is unknown, so 1 is assumed."""
    mask = instance == number
    x0, y0, x1, y1 = mask_box(mask)
    content = mask[row.content_y0 : row.content_y1, row.content_x0 : row.content_x1]
    return VisibilityRow(
        view=view,
        scene_id=row.scene_id,
        instance=number,
        pixels=int(np.count_nonzero(mask)),
        fraction_visible=1.0,
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        truncated=border_sides(content) > 0,
    )


def object_row(row: PhotoReadRow, number: int, label: str) -> ObjectRow:
    """Return an object of a photo: its label is known, its box in the world is not."""
    unknown = dict.fromkeys(
        ("x_m", "y_m", "z_m", "width_m", "depth_m", "height_m", "yaw_deg"), math.nan
    )
    return ObjectRow(
        scene_id=row.scene_id,
        instance=number,
        object_id=f"{label}|{number}",
        category=label,
        kind="object",
        asset_id="",
        parent_id="",
        room_id="",
        **unknown,
    )


def view_row(
    view: int, row: PhotoReadRow, camera: Camera, *, source: str, num_objects: int
) -> ViewRow:
    """Describe a photo as a view: the only one of its scene, and so the best."""
    yaw_deg, pitch_deg = yaw_pitch_deg(camera.world_from_camera)
    return ViewRow(
        view=view,
        view_id=f"{row.scene_id}-000",
        scene_id=row.scene_id,
        source=source,
        split=row.split,
        room_id="",
        room_type="",
        policy="photo",
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        vertical_fov_deg=camera.vertical_fov_deg,
        intrinsics_source=row.intrinsics_source,
        pose_source=row.pose_source,
        num_visible_objects=num_objects,
        is_best=True,
    )


def add_view(
    photo_rows: PhotoRows,
    spool: FrameSpool,
    shard: ViewShard,
    row: PhotoReadRow,
    masks: Sequence[PhotoMaskRow],
    *,
    source: str,
    min_pixels: int,
) -> None:
    """Add a photo with the objects that have enough pixels where masks overlap."""
    instance = rasterise_instances(
        [mask for mask in masks if mask.instance], shape=shard.image_shape
    )
    view = len(spool)
    num_objects = 0
    for mask in masks:
        reason = mask.reason
        if not reason and np.count_nonzero(instance == mask.instance) < min_pixels:
            instance[instance == mask.instance] = 0
            reason = COVERED
        if reason:
            item = f"object {mask.label}".strip()
            photo_rows.skipped.append(
                SkippedItem(source=source, scene_id=row.scene_id, item=item, reason=reason)
            )
            continue
        num_objects += 1
        photo_rows.objects.append(object_row(row, mask.instance, mask.label))
        photo_rows.visibility.append(visibility_row(view, row, instance, mask.instance))
    camera = shard.camera(row.view)
    described = view_row(view, row, camera, source=source, num_objects=num_objects)
    # Last what can fail: a frame in the spool stays there.
    spool.add(Frame(shard.rgb(row.view), shard.depth_m(row.view), instance), camera)
    photo_rows.views.append(described)
    photo_rows.contents.append([row.content_x0, row.content_y0, row.content_x1, row.content_y1])


def drop_counts(
    source: str,
    photos: Sequence[Photo],
    unreadable_photos: Sequence[SkippedItem],
    filter_rows: Sequence[PhotoFilterRow],
    object_reasons: Sequence[str],
) -> list[PhotoDropCount]:
    """Count what each step dropped by reason (the part before the colon) and what it kept."""
    steps = [
        ("scenes", "photo", [photo.skipped or "" for photo in photos]),
        (
            "read",
            "photo",
            [row.reason for row in unreadable_photos if row.item == "photo"]
            + [""] * len(filter_rows),
        ),
        ("filter", "photo", [row.reason for row in filter_rows]),
        ("localise", "object", list(object_reasons)),
    ]
    rows = []
    for step, unit, reasons in steps:
        counts = Counter(reason.split(":")[0] for reason in reasons)
        remaining = counts.pop("", 0)
        rows += [
            PhotoDropCount(source=source, step=step, unit=unit, reason=reason, count=count)
            for reason, count in [*sorted(counts.items()), ("", remaining)]
        ]
    return rows


def main(
    *,
    scenes: Path,
    photo_frames: Path,
    filter_table: Path,
    masks: Path,
    out: Path,
    settings: MaskSizeSettings = DEFAULT,
) -> None:
    """Write the view shard of the photos that passed the filter.

    Args:
        scenes: JSON lines of `Photo` records.
        photo_frames: the photos, `{shard}.read.zarr`.
        filter_table: table of `PhotoFilterRow` of those photos.
        masks: table of `PhotoMaskRow` of the photos that passed the filter.
        out: the Zarr group to write, `{shard}.zarr`; its tables and images are written beside it.
        settings: an object with fewer pixels, once smaller ones cover it, is left out.
    """
    min_pixels = settings.min_pixels
    photos = read_records(scenes, Photo)
    if not photos:
        raise UserError(f"{scenes} has no photo; run the rule that wrote it again")
    source = photos[0].source
    rows = read_photo_rows(photo_frames)
    filter_rows = read_filter_rows(filter_table, photo_frames, rows)
    masks_of: dict[str, list[PhotoMaskRow]] = {}
    for values in read_table(masks).to_dict("records"):
        masks_of.setdefault(values["scene_id"], []).append(PhotoMaskRow(**values))
    unreadable_photos = read_records(photo_frames.with_suffix(".skipped.jsonl"), SkippedItem)
    shard = ViewShard.open(photo_frames)
    height, width = shard.image_shape
    photo_rows = PhotoRows()
    errors = ItemErrors()
    photo_rows.skipped += [
        SkippedItem(source=source, scene_id=photo.scene_id, item="photo", reason=photo.skipped)
        for photo in photos
        if photo.skipped
    ]
    photo_rows.skipped += unreadable_photos
    out.parent.mkdir(parents=True, exist_ok=True)
    with FrameSpool(out.parent, width_px=width, height_px=height) as spool:
        pairs = zip(rows, filter_rows, strict=True)
        for row, result in progress(pairs, desc="views", total=len(rows)):
            if result.reason:
                photo_rows.skipped.append(
                    SkippedItem(
                        source=source, scene_id=row.scene_id, item="photo", reason=result.reason
                    )
                )
                continue
            photo_masks = masks_of.get(row.scene_id, [])
            kept = photo_rows.counts()
            try:
                add_view(
                    photo_rows, spool, shard, row, photo_masks, source=source, min_pixels=min_pixels
                )
            except UserError:
                raise
            except Exception as error:
                photo_rows.cut(kept)
                reason = f"failed: {errors.reason(error, row.scene_id)}"
                photo_rows.skipped.append(
                    SkippedItem(source=source, scene_id=row.scene_id, item="photo", reason=reason)
                )
        errors.require_some(len(photo_rows.views))
        write_table(table_path(out, "views"), records_to_frame(photo_rows.views, ViewRow))
        write_table(table_path(out, "objects"), records_to_frame(photo_rows.objects, ObjectRow))
        write_table(
            table_path(out, "visibility"), records_to_frame(photo_rows.visibility, VisibilityRow)
        )
        write_records(sibling_path(out, "skipped.jsonl"), photo_rows.skipped)
        reasons = [row.reason for row in photo_rows.skipped if row.item.startswith("object")]
        reasons += [""] * len(photo_rows.objects)
        counts = drop_counts(source, photos, unreadable_photos, filter_rows, reasons)
        write_records(sibling_path(out, "dropped.jsonl"), counts)
        attributes = {"source": source, "backend": "photos", "content_px": photo_rows.contents}
        write_views(out, spool.arrays(), attributes=attributes)
    write_credits(sibling_path(out, "credits.csv"), [])
    draw_contact_sheet(sibling_path(out, "png"), ViewShard.open(out), min_pixels=min_pixels)
    log.info(
        "%d photos: %d views, %d objects",
        len(photos),
        len(photo_rows.views),
        len(photo_rows.objects),
    )


if __name__ == "__main__":
    run(main)
