"""Read the photos of a shard with their sidecar files: upright, letterboxed, with cameras."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_decoding import DecodedImage, decode_image
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import SkippedItem, records_to_frame
from workflow_scripts.common.storage import read_records, write_records, write_table
from workflow_scripts.common.view_shard import write_views
from workflow_scripts.geometry.cameras import Camera, world_from_camera
from workflow_scripts.sources.images import PhotoReadSettings
from workflow_scripts.sources.readers.photo_files import PhotoFile, read_photos, require_folder
from workflow_scripts.sources.readers.photo_records import Photo, PhotoReadRow
from workflow_scripts.sources.readers.sidecar_files import (
    CAMERA_ENDINGS,
    CAMERA_SUFFIXES,
    DEPTH_ENDINGS,
    DEPTH_SUFFIXES,
    UnusableSidecar,
    find_sidecar,
)
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.sidecars import UserCamera, read_camera, read_depth

log = logging.getLogger(__name__)

LEVEL_POSE = world_from_camera((0.0, 0.0, 0.0), yaw_deg=0.0, pitch_deg=0.0)
"""The pose of a photo without one: the camera at the origin, level, looking along world +Y."""


@dataclass(frozen=True)
class PhotoFrame:
    """A photo in the frame, with its camera and where that comes from."""

    frame: Frame
    camera: Camera
    box: Letterbox
    intrinsics_source: str
    pose_source: str
    has_depth: bool


def default_intrinsics(*, width_px: int, height_px: int, fov_deg: float) -> np.ndarray:
    """Return K [3, 3] of a pinhole camera with `fov_deg` along the image's longer side."""
    focal_px = 0.5 * max(width_px, height_px) / np.tan(np.deg2rad(fov_deg) / 2)
    return pinhole(focal_px, width_px=width_px, height_px=height_px)


def pinhole(focal_px: float, *, width_px: int, height_px: int) -> np.ndarray:
    """Return K [3, 3] with square pixels and the principal point in the middle."""
    return np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1.0]])


def read_photo(image: DecodedImage, stem: str, settings: PhotoReadSettings) -> PhotoFrame:
    """Fit a photo and its sidecars into the frame; `UnusableSidecar` if one is invalid.

    The camera is the user's, else from EXIF's focal length, else the configured default.
    """
    height, width = image.rgb.shape[:2]
    size = {"width_px": width, "height_px": height}
    shape = (settings.height_px, settings.width_px)
    user_camera: UserCamera | None = None
    cameras = _folder(settings.intrinsics)
    if path := find_sidecar(cameras, stem, CAMERA_SUFFIXES, CAMERA_ENDINGS):
        user_camera = read_camera(path, **size)
    if user_camera is not None:
        k, source = user_camera.intrinsics, "given"
    elif image.focal_px is not None:
        k, source = pinhole(image.focal_px, **size), "exif"
    else:
        k, source = default_intrinsics(**size, fov_deg=settings.default_fov_deg), "default"
    box = Letterbox.fit(**size, frame_width_px=shape[1], frame_height_px=shape[0])
    depth_m = np.full(shape, np.nan, np.float32)
    path = find_sidecar(_folder(settings.depth), stem, DEPTH_SUFFIXES, DEPTH_ENDINGS)
    if path is not None:
        unit_m, float_unit_m = settings.depth_unit_m, settings.depth_float_unit_m
        user_depth_m = read_depth(
            path, depth_unit_m=unit_m, depth_float_unit_m=float_unit_m, **size
        )
        depth_m = box.nearest(user_depth_m, bar=np.nan)
    pose = user_camera.world_from_camera if user_camera is not None else None
    camera = Camera(
        settings.width_px,
        settings.height_px,
        box.intrinsics(k),
        LEVEL_POSE if pose is None else pose,
    )
    frame = Frame(box.rgb(image.rgb), depth_m, np.zeros(shape, np.uint16))
    return PhotoFrame(
        frame, camera, box, source, "none" if pose is None else "given", has_depth=path is not None
    )


def _folder(path: str | None) -> Path | None:
    return None if path is None else Path(path)


def photo_row(view: int, photo: Photo, photo_frame: PhotoFrame) -> PhotoReadRow:
    """Describe a photo that was read."""
    box = photo_frame.box
    return PhotoReadRow(
        view=view,
        scene_id=photo.scene_id,
        split=photo.split,
        index=photo.index,
        origin=photo.origin,
        stem=photo.stem,
        width_px=box.width_px,
        height_px=box.height_px,
        content_x0=box.x0,
        content_y0=box.y0,
        content_x1=box.x1,
        content_y1=box.y1,
        intrinsics_source=photo_frame.intrinsics_source,
        pose_source=photo_frame.pose_source,
        has_depth=photo_frame.has_depth,
    )


def skipped(photo: Photo, item: str, reason: str) -> SkippedItem:
    """Record a photo, or a sidecar, that is skipped."""
    log.warning("%s (%s): %s skipped: %s", photo.scene_id, photo.origin, item, reason)
    return SkippedItem(source=photo.source, scene_id=photo.scene_id, item=item, reason=reason)


def decode_photo(file: PhotoFile, photo: Photo) -> DecodedImage:
    """Decode a photo; `UnusableSidecar` if its file changed since the photos were listed."""
    if file.reason:
        raise UnusableSidecar(f"missing: {file.reason}")
    if hashlib.sha256(file.content).hexdigest() != photo.sha256:
        raise UnusableSidecar("changed: not the file that was there when photos were listed")
    return decode_image(file.content, min_side_px=1, max_pixels=photo.width_px * photo.height_px)


def main(*, scenes: Path, out: Path, settings: PhotoReadSettings) -> None:
    """Write `{shard}.read.zarr` with its table of `PhotoReadRow`, and the skipped items.

    Args:
        scenes: JSON lines of `Photo` records.
        out: the Zarr group to write, `{shard}.read.zarr`.
        settings: where the photos and their sidecar files are, and the frame's size.
    """
    for key in ("depth", "intrinsics"):
        require_folder(getattr(settings, key), f"sources.images.{key}")
    records = read_records(scenes, Photo)
    if not records:
        raise UserError(f"{scenes} has no photo; run the rule that wrote it again")
    rows: list[PhotoReadRow] = []
    skipped_rows: list[SkippedItem] = []
    first, last = records[0].index, records[-1].index
    files = read_photos(
        settings.photos,
        column=settings.column,
        dataset_split=settings.dataset_split,
        ignore_folders=settings.ignore_folders,
        start=first,
        stop=last + 1,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with FrameSpool(out.parent, width_px=settings.width_px, height_px=settings.height_px) as spool:
        pairs = zip(records, files, strict=True)
        errors = ItemErrors()
        for photo, file in progress(pairs, desc="photos", total=len(records)):
            if photo.skipped:
                continue
            try:
                photo_frame = read_photo(decode_photo(file, photo), photo.stem, settings)
            except Exception as error:
                skipped_rows.append(skipped(photo, "photo", errors.reason(error, photo.stem)))
                continue
            if settings.depth is not None and not photo_frame.has_depth:
                skipped_rows.append(
                    skipped(photo, "depth", f"missing: no depth map is called {photo.stem!r}")
                )
            if settings.intrinsics is not None and photo_frame.intrinsics_source != "given":
                skipped_rows.append(
                    skipped(photo, "intrinsics", f"missing: no camera is called {photo.stem!r}")
                )
            view = spool.add(photo_frame.frame, photo_frame.camera)
            rows.append(photo_row(view, photo, photo_frame))
        errors.require_some(len(rows))
        write_table(out.with_suffix(".parquet"), records_to_frame(rows, PhotoReadRow))
        write_records(out.with_suffix(".skipped.jsonl"), skipped_rows)
        write_views(out, spool.arrays(), attributes={"source": records[0].source})
    log.info("%d photos read, %d skipped", len(rows), len(records) - len(rows))


if __name__ == "__main__":
    run(main)
