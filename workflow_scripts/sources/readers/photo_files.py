"""Where photos lie: a folder, or a data set of the package `datasets`; counted and read.

Counting and digests look at names, sizes and times only, never into a picture, because they run
whenever Snakemake parses the workflow.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.hub_names import is_hub_id
from workflow_scripts.common.shards import scenes_per_shard
from workflow_scripts.common.text_files import parse_json, read_text
from workflow_scripts.sources.readers.photo_folder import (
    SUFFIXES,
    ListedFile,
    list_photos,
    name_key,
    photo_stems,
    shown,
    walk_files,
)

MIN_PHOTOS_PER_SHARD = 64


@dataclass(frozen=True)
class PhotoFile:
    """The bytes of one photo, or why there are none.

    `origin` is the path below the folder, or "name:split[row]" of a data set; `stem` is what its
    companions (depth, masks, intrinsics) are called; no two photos share it.
    """

    index: int
    origin: str
    stem: str
    content: bytes
    reason: str = ""


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


def count_photos(
    photos: str, *, dataset_split: str, num_photos: int | None, ignore_folders: Sequence[str] = ()
) -> int:
    """Return how many photos a run takes: all that there are, or the first `num_photos`."""
    available = _available(photos, dataset_split, ignore_folders)
    if available is None and num_photos is None:
        raise UserError(
            "sources.images.num_photos: null, but how many photos "
            f"{photos} has is not known before it is loaded; give a number. If it is to be a "
            "folder, there is no folder of this name here"
        )
    return min(number for number in (available, num_photos) if number is not None)


def _available(photos: str, dataset_split: str, ignore_folders: Sequence[str]) -> int | None:
    """Return how many photos there are, None if only the hub knows."""
    path = Path(photos)
    if is_hub_id(photos):
        return None
    if is_saved_dataset(path):
        return _count_rows(split_folder(path, dataset_split))
    num_photos = len(list_folder(path, ignore_folders))
    if not num_photos:
        raise UserError(f"{path}: no photo in it. Photos are files named {', '.join(SUFFIXES)}.")
    return num_photos


def photos_per_shard(num_photos: int, setting: int | str) -> int:
    """Return the shard size; "auto" is the smallest power of two, at least 64, for 128 shards."""
    auto = max(scenes_per_shard(num_photos, "auto"), MIN_PHOTOS_PER_SHARD)
    return auto if setting == "auto" else int(setting)


def photo_shard_digests(
    photos: str,
    *,
    dataset_split: str,
    num_photos: int,
    photos_per_shard: int,
    ignore_folders: Sequence[str] = (),
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
    files = [tuple(file) for file in list_folder(path, ignore_folders)[:num_photos]]
    return [
        hashlib.sha256(repr(files[start : start + photos_per_shard]).encode()).hexdigest()
        for start in starts
    ]


def list_folder(path: Path, ignore_folders: Sequence[str] = ()) -> tuple[ListedFile, ...]:
    """Return every photo in a folder, at any depth, in natural order of their names.

    Folders below it that hold no photos (depth maps, masks) are named in `ignore_folders`. A
    folder that did not change is read once.
    """
    if not path.is_dir():
        raise UserError(
            f"{path}: no such folder of photos. Correct sources.images.photos: a folder of photos, "
            "a folder written by datasets' save_to_disk, or a data set's id on the hub "
            "(owner/name)."
        )
    without = frozenset(Path(folder).resolve() for folder in ignore_folders)
    return _list_folder(path, without, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _list_folder(path: Path, without: frozenset[Path], _: int) -> tuple[ListedFile, ...]:
    return tuple(list_photos(path, without=without))


def folder_digests(folders: Iterable[str | None]) -> str:
    """Return a digest of the names, sizes and times of all files in folders; None has none."""
    states: list[tuple[int, str, int, int]] = []
    for number, folder in enumerate(folders):
        if folder is None:
            continue
        top = Path(folder)
        if top.is_file():
            state = top.stat()
            states.append((number, ".", state.st_size, state.st_mtime_ns))
        elif top.is_dir():
            states += [(number, *file) for file in walk_files(top)]
    return hashlib.sha256(repr(states).encode()).hexdigest() if states else ""


def read_photos(
    photos: str,
    *,
    column: str,
    dataset_split: str,
    start: int,
    stop: int,
    ignore_folders: Sequence[str] = (),
) -> Iterator[PhotoFile]:
    """Yield the photos [start, stop) one at a time; one that cannot be read has a reason."""
    path = Path(photos)
    if not is_hub_id(photos) and not is_saved_dataset(path):
        names = [file.name for file in list_folder(path, ignore_folders)]
        _check_range(photos, len(names), stop)
        stems = photo_stems(names)
        for index in range(start, stop):
            yield _from_file(path, index, names[index], stems[index])
    else:
        yield from _from_dataset(photos, column, dataset_split, start, stop)


def _from_file(folder: Path, index: int, name: str, stem: str) -> PhotoFile:
    path = folder / name
    try:
        if name.endswith("/"):
            os.listdir(path)
            reason = "could not be read when the photos were listed"
        elif path.exists() and not path.is_file():
            reason = "not a file: a pipe, device or folder has this name"
        else:
            return PhotoFile(index, shown(name), stem, path.read_bytes())
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    what = "a folder that " if name.endswith("/") else ""
    return PhotoFile(index, shown(name), stem, b"", f"{what}{reason}")


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
    num_rows = _rows_per_stem(rows, column)
    for index in range(start, stop):
        origin, stem = f"{name}:{dataset_split}[{index}]", f"{index:06d}"
        value = rows[index][column]
        if isinstance(value, dict):
            path, value = value.get("path"), value.get("bytes") or value.get("path")
        else:
            path = value if isinstance(value, str) else None
        if path and num_rows[name_key(Path(path).stem)] == 1:
            stem = shown(Path(path).stem)
        yield _from_value(index, origin, stem, value)


def _rows_per_stem(rows: Any, column: str) -> Counter[str]:
    """Count the rows whose files have the same name in different folders, or but for the ending."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows.data.column(column)
    if pa.types.is_struct(values.type):
        values = pc.struct_field(values, "path")
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return Counter()
    return Counter(name_key(Path(path).stem) for path in values.to_pylist() if path)


def _from_value(index: int, origin: str, stem: str, value: object) -> PhotoFile:
    if isinstance(value, bytes) and value:
        return PhotoFile(index, origin, stem, value)
    if isinstance(value, str) and value:
        file = Path(value)
        try:
            if file.exists() and not file.is_file():
                reason = "not a file: a pipe, device or folder has this name"
                return PhotoFile(index, origin, stem, b"", f"{value}: {reason}")
            return PhotoFile(index, origin, stem, file.read_bytes())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return PhotoFile(index, origin, stem, b"", f"{value!r:.200}: {reason}")
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
        content = parse_json(read_text(path), path)
    except UserError as error:
        raise UserError(
            f"{error}: not a saved data set. Write it again with save_to_disk."
        ) from None
    return content if isinstance(content, dict) else {}


def _check_range(photos: str, available: int, stop: int) -> None:
    if stop > available:
        raise UserError(
            f"{photos}: {stop} photos are wanted but only {available} are there. "
            "Lower sources.images.num_photos, or set it to null for all."
        )
