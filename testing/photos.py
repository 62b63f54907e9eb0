"""Photos, companions and shards of photos for tests."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.records import ViewRow, records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import table_path, write_views
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.sources.readers.photo_records import Photo, PhotoReadRow
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.read import LEVEL_POSE, default_intrinsics


def picture(width_px: int = 96, height_px: int = 64, *, seed: int = 0) -> np.ndarray:
    """Return u8 [h, w, 3] of soft blobs; another seed looks different."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(
        Image.fromarray(coarse).resize((width_px, height_px), Image.Resampling.BICUBIC)
    )


def encoded(rgb: np.ndarray, *, kind: str = "PNG", exif: Image.Exif | None = None) -> bytes:
    """Return a picture's bytes in a format."""
    file = io.BytesIO()
    options = {} if exif is None else {"exif": exif}
    Image.fromarray(rgb).save(file, format=kind, **options)
    return file.getvalue()


def exif_of(*, orientation: int = 1, focal_35mm: float | None = None) -> Image.Exif:
    """Return EXIF tags as a camera writes them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if focal_35mm is not None:
        exif.get_ifd(0x8769)[0xA405] = focal_35mm
    return exif


def read_row(view: int, box: Letterbox, **changes: object) -> PhotoReadRow:
    """Return the row of a photo that was read."""
    values: dict[str, object] = {
        "view": view,
        "scene_id": f"images-{view:012x}",
        "split": "train",
        "index": view,
        "origin": f"{view}.png",
        "stem": str(view),
        "width_px": box.width_px,
        "height_px": box.height_px,
        "content_x0": box.x0,
        "content_y0": box.y0,
        "content_x1": box.x1,
        "content_y1": box.y1,
        "intrinsics_source": "default",
        "pose_source": "none",
        "has_depth": False,
    }
    return PhotoReadRow(**{**values, **changes})


def photo(index: int = 0, **changes: object) -> Photo:
    """Return a scene of source images."""
    values: dict[str, object] = {
        "source": "images",
        "scene_id": f"images-{index:012x}",
        "split": "train",
        "origin": f"{index}.png",
        "index": index,
        "stem": str(index),
        "sha256": "0" * 64,
        "fingerprint": "0" * 32,
        "group": "0" * 16,
        "width_px": 96,
        "height_px": 64,
        "focal_px": None,
    }
    return Photo(**{**values, **changes})


def write_photo_shard(
    path: Path,
    *,
    sizes: Sequence[tuple[int, int]],
    intrinsics_sources: Sequence[str],
    own_depth: Sequence[int] = (),
    side_px: int = 64,
) -> Path:
    """Write a view shard of photos of several sizes in a square frame; no objects."""
    arrays: dict[str, list[np.ndarray]] = {
        name: [] for name in ("rgb", "depth_m", "instance", "intrinsics", "world_from_camera")
    }
    views, contents = [], []
    for view, (width, height) in enumerate(sizes):
        box = Letterbox.fit(
            width_px=width, height_px=height, frame_width_px=side_px, frame_height_px=side_px
        )
        depth = np.full((height, width), 1.5 + view if view in own_depth else np.nan, np.float32)
        k = box.intrinsics(default_intrinsics(width_px=width, height_px=height, fov_deg=60))
        arrays["rgb"].append(box.rgb(picture(width, height, seed=view)))
        arrays["depth_m"].append(box.nearest(depth, bar=np.nan))
        arrays["instance"].append(np.zeros((side_px, side_px), np.uint16))
        arrays["intrinsics"].append(k)
        arrays["world_from_camera"].append(LEVEL_POSE)
        contents.append([box.x0, box.y0, box.x1, box.y1])
        views.append(
            ViewRow(
                view=view,
                view_id=f"images-{view}-000",
                scene_id=f"images-{view}",
                source="images",
                split="train",
                room_id="",
                room_type="",
                policy="photo",
                yaw_deg=0,
                pitch_deg=0,
                vertical_fov_deg=Camera(side_px, side_px, k, LEVEL_POSE).vertical_fov_deg,
                intrinsics_source=intrinsics_sources[view],
                pose_source="none",
                num_visible_objects=0,
                is_best=True,
            )
        )
    write_views(
        path,
        {name: np.stack(values) for name, values in arrays.items()},
        attributes={"source": "images", "backend": "photos", "content_px": contents},
    )
    write_table(table_path(path, "views"), records_to_frame(views, ViewRow))
    return path


def write_json(path: Path, content: object) -> Path:
    """Write JSON as a user would, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def add_photo(folder: Path, name: str, seed: int) -> None:
    """Write a photo with depth and a mask into a project's folders `photos`, `depth`, `masks`."""
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "depth").mkdir(exist_ok=True)
    (folder / f"photos/{name}.png").write_bytes(encoded(picture(96, 64, seed=seed)))
    np.save(folder / f"depth/{name}.npy", np.full((64, 96), 2.0 + seed, np.float32))
    outline = [[20, 20, 60, 20, 60, 50, 20, 50]]
    write_json(folder / f"masks/{name}.json", [{"label": "box", "segmentation": outline}])
