"""Where photos lie: a folder, or a data set of the package `datasets`; counted and read.

Counting and digests look at names, sizes and times only, never into a picture, because they run
whenever Snakemake parses the workflow.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.shards import scenes_per_shard

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff"),
    # Listed although they cannot be used, so that none is left out without a word.
    *(".gif", ".heic", ".heif", ".avif"),
)
MIN_PHOTOS_PER_SHARD = 64


@dataclass(frozen=True)
class PhotoFile:
    """The bytes of one photo, or why there are none.

    `origin` is the path below the folder, or "name:split[row]" of a data set; `stem` is what its
    companions (depth, masks, intrinsics) are called.
    """

    index: int
    origin: str
    stem: str
    content: bytes
    reason: str = ""


def is_hub_id(photos: str) -> bool:
    """Return whether photos come from the hub: no file has this path, and it has an id's form."""
    return (
        not Path(photos).exists() and photos.count("/") == 1 and not photos.startswith((".", "/"))
    )


def is_saved_dataset(path: Path) -> bool:
    """Return whether a folder was written by `save_to_disk`."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def require_folder(folder: str | None, key: str) -> None:
    """Raise `UserError` for a folder of sidecar files (depth, cameras, masks) that is missing."""
    if folder is not None and not Path(folder).exists():
        raise UserError(
            f"{key}: {folder} does not exist; give a folder whose files are called like the "
            "photos, or null"
        )


def count_photos(photos: str, *, dataset_split: str, num_photos: int | None) -> int:
    """Return how many photos a run takes: all that there are, or the first `num_photos`."""
    available = _available(photos, dataset_split)
    if available is None and num_photos is None:
        raise UserError(
            "sources.images.num_photos: null, but how many photos "
            f"{photos} has is not known before it is loaded; give a number"
        )
    return min(number for number in (available, num_photos) if number is not None)


def _available(photos: str, dataset_split: str) -> int | None:
    """Return how many photos there are, None if only the hub knows."""
    path = Path(photos)
    if is_hub_id(photos):
        return None
    if is_saved_dataset(path):
        return _count_rows(split_folder(path, dataset_split))
    num_photos = len(list_folder(path))
    if not num_photos:
        raise UserError(f"{path}: no photo in it. Photos are files named {', '.join(SUFFIXES)}.")
    return num_photos


def photos_per_shard(num_photos: int, setting: int | str) -> int:
    """Return the shard size; "auto" is the smallest power of two, at least 64, for 128 shards."""
    auto = max(scenes_per_shard(num_photos, "auto"), MIN_PHOTOS_PER_SHARD)
    return auto if setting == "auto" else int(setting)


def photo_shard_digests(
    photos: str, *, dataset_split: str, num_photos: int, photos_per_shard: int
) -> list[str]:
    """Return a digest of what each shard's photos are: only changed shards run again.

    Of a folder: names, sizes and times of the shard's files. Of a saved data set: its
    fingerprint. Of the hub: nothing is known.
    """
    path = Path(photos)
    starts = range(0, num_photos, photos_per_shard)
    if is_hub_id(photos):
        return [""] * len(starts)
    if is_saved_dataset(path):
        state = _state(split_folder(path, dataset_split))
        return [str(state.get("_fingerprint", ""))] * len(starts)
    files = list_folder(path)[:num_photos]
    return [
        hashlib.sha256(repr(files[start : start + photos_per_shard]).encode()).hexdigest()
        for start in starts
    ]


def list_folder(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return (path below the folder, bytes, time) of every photo in it, at any depth, sorted.

    Names that begin with a dot are not photos. A folder that did not change is read once.
    """
    if not path.is_dir():
        raise UserError(
            f"{path}: no such folder of photos. Correct sources.images.photos: a folder of photos, "
            "a folder written by datasets' save_to_disk, or a data set's id on the hub "
            "(owner/name)."
        )
    return _list_folder(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _list_folder(path: Path, _: int) -> tuple[tuple[str, int, int], ...]:
    photos = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                file = Path(folder, name)
                if not file.exists():
                    photos.append((file.relative_to(path).as_posix(), 0, 0))
                    continue
                state = file.stat()
                photos.append((file.relative_to(path).as_posix(), state.st_size, state.st_mtime_ns))
    return tuple(sorted(photos))


def folder_digests(folders: Iterable[str | None]) -> str:
    """Return a digest of the names, sizes and times of all files in folders; None has none."""
    states = []
    for number, folder in enumerate(folders):
        if folder is None:
            continue
        top = Path(folder)
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        for file in files:
            if file.is_file():
                state = file.stat()
                name = file.relative_to(top).as_posix()
                states.append((number, name, state.st_size, state.st_mtime_ns))
    return hashlib.sha256(repr(states).encode()).hexdigest() if states else ""


def read_photos(
    photos: str, *, column: str, dataset_split: str, start: int, stop: int
) -> Iterator[PhotoFile]:
    """Yield the photos [start, stop) one at a time; one that cannot be read has a reason."""
    path = Path(photos)
    if not is_hub_id(photos) and not is_saved_dataset(path):
        files = list_folder(path)
        _check_range(photos, len(files), stop)
        for index in range(start, stop):
            yield _from_file(path, index, files[index][0])
    else:
        yield from _from_dataset(photos, column, dataset_split, start, stop)


def _from_file(folder: Path, index: int, name: str) -> PhotoFile:
    stem = Path(name).with_suffix("").as_posix()
    try:
        return PhotoFile(index, name, stem, (folder / name).read_bytes())
    except OSError as error:
        return PhotoFile(index, name, stem, b"", f"cannot be read: {error.strerror}")


def _from_dataset(
    photos: str, column: str, dataset_split: str, start: int, stop: int
) -> Iterator[PhotoFile]:
    """Read rows of a data set without decoding them, so that EXIF is still there."""
    rows = _load_dataset(photos, dataset_split)
    if column not in rows.column_names:
        raise UserError(
            f"sources.images.column: {column!r} is not in {photos}; "
            f"{allowed_values(column, rows.column_names)}"
        )
    _check_range(photos, len(rows), stop)
    import datasets

    if isinstance(rows.features[column], datasets.Image):
        rows = rows.cast_column(column, datasets.Image(decode=False))
    name = Path(photos).name if Path(photos).exists() else photos
    for index in range(start, stop):
        origin, stem = f"{name}:{dataset_split}[{index}]", f"{index:06d}"
        value = rows[index][column]
        if isinstance(value, dict):
            stem = Path(value.get("path") or stem).stem
            value = value.get("bytes") or value.get("path")
        yield _from_value(index, origin, stem, value)


def _from_value(index: int, origin: str, stem: str, value: object) -> PhotoFile:
    if isinstance(value, bytes) and value:
        return PhotoFile(index, origin, stem, value)
    if isinstance(value, str) and value:
        file = Path(value)
        try:
            return PhotoFile(index, origin, file.stem, file.read_bytes())
        except OSError as error:
            return PhotoFile(index, origin, stem, b"", f"{value}: {error.strerror}")
    return PhotoFile(index, origin, stem, b"", "no picture in this row")


def _load_dataset(photos: str, dataset_split: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"sources.images.photos: {photos} needs the package 'datasets', which cannot be "
            f"imported: {error}. Install it, or give a folder of photos."
        ) from error
    try:
        if is_saved_dataset(Path(photos)):
            return datasets.load_from_disk(str(split_folder(Path(photos), dataset_split)))
        return datasets.load_dataset(photos, split=dataset_split)
    except Exception as error:  # datasets lets errors of the hub, Arrow and fsspec through
        raise UserError(
            f"sources.images.photos: {photos} (split {dataset_split}) cannot be loaded "
            f"({type(error).__name__}: {error}). Correct the name or sources.images.dataset_split; "
            "a data set of the hub needs the network the first time."
        ) from error


def split_folder(path: Path, dataset_split: str) -> Path:
    """Return the folder of one split of a saved data set."""
    if not (path / "dataset_dict.json").is_file():
        return path
    splits = _json(path / "dataset_dict.json").get("splits", [])
    if dataset_split not in splits:
        raise UserError(
            f"sources.images.dataset_split: {dataset_split!r} is not in {path}; "
            f"{allowed_values(dataset_split, splits)}"
        )
    return path / dataset_split


def _count_rows(folder: Path) -> int:
    """Count the rows of a saved data set from its Arrow files' headers."""
    import pyarrow as pa

    state = _state(folder)
    files = state.get("_indices_files") or state.get("_data_files") or []
    rows = 0
    for file in files:
        try:
            with pa.memory_map(str(folder / file["filename"])) as source:
                rows += sum(batch.num_rows for batch in pa.ipc.open_stream(source))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise UserError(
                f"{folder}: not a whole data set ({error}). Write it again with save_to_disk."
            ) from error
    if not rows:
        raise UserError(f"{folder}: a data set without rows")
    return rows


def _state(folder: Path) -> dict[str, Any]:
    return _json(folder / "state.json")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a saved data set ({error}). Write it again with save_to_disk."
        ) from error
    return content if isinstance(content, dict) else {}


def _check_range(photos: str, available: int, stop: int) -> None:
    if stop > available:
        raise UserError(
            f"{photos}: {stop} photos are wanted but only {available} are there. "
            "Lower sources.images.num_photos, or set it to null for all."
        )
