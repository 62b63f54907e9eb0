"""Hash every photo of a shard: whether it can be decoded, its size, bytes and appearance."""

import hashlib
import logging
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.image_decoding import UnusableImage, decode_image
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.scenes.images.contact_sheet import Thumbnail, draw_contact_sheet, thumbnail
from workflow_scripts.scenes.images.fingerprint import fingerprint
from workflow_scripts.sources.images import PhotoHashSettings
from workflow_scripts.sources.readers.photo_files import PhotoFile, read_photos
from workflow_scripts.sources.readers.photo_records import PhotoHash

log = logging.getLogger(__name__)


def hash_photo(
    photo: PhotoFile, *, min_side_px: int, max_pixels: int
) -> tuple[PhotoHash, np.ndarray | None]:
    """Return the row of a photo and its pixels u8 [h, w, 3], None if it cannot be used."""
    reason, rgb, focal_px = photo.reason, None, None
    if not reason:
        try:
            picture = decode_image(photo.content, min_side_px=min_side_px, max_pixels=max_pixels)
            rgb, focal_px = picture.rgb, picture.focal_px
        except UnusableImage as error:
            reason = str(error)
        # A decoder may raise anything for bytes that nobody has seen.
        except Exception as error:
            reason = ItemErrors().reason(error, photo.origin)
    # A photo without bytes still needs a name of its own.
    identity = photo.content or photo.origin.encode()
    height, width = rgb.shape[:2] if rgb is not None else (0, 0)
    row = PhotoHash(
        index=photo.index,
        origin=photo.origin,
        stem=photo.stem,
        sha256=hashlib.sha256(identity).hexdigest(),
        fingerprint=fingerprint(rgb) if rgb is not None else "",
        width_px=width,
        height_px=height,
        focal_px=float("nan") if focal_px is None else focal_px,
        reason=reason,
    )
    return row, rgb


def main(*, start: int, stop: int, out: Path, picture: Path, settings: PhotoHashSettings) -> None:
    """Write a table of `PhotoHash` for the photos [start, stop), and a sheet of thumbnails.

    Args:
        start: index of the first photo.
        stop: index after the last photo.
        out: the table to write.
        picture: the PNG to write.
        settings: where the photos are, and which can be used.
    """
    rows, thumbnails = [], []
    files = read_photos(
        settings.photos,
        column=settings.column,
        dataset_split=settings.dataset_split,
        ignore_folders=settings.ignore_folders,
        start=start,
        stop=stop,
    )
    for file in progress(files, desc="photos", total=stop - start):
        row, rgb = hash_photo(
            file, min_side_px=settings.min_side_px, max_pixels=settings.max_pixels
        )
        if row.reason:
            log.warning("%s left out: %s", row.origin, row.reason)
        rows.append(row)
        thumbnails.append(
            Thumbnail(row.origin, None if rgb is None else thumbnail(rgb), row.reason)
        )
    draw_contact_sheet(
        picture, thumbnails, caption=f"{Path(settings.photos).name}: photos {start} to {stop - 1}"
    )
    write_table(out, records_to_frame(rows, PhotoHash))
    log.info("%d photos, %d left out", len(rows), sum(bool(row.reason) for row in rows))


if __name__ == "__main__":
    run(main)
