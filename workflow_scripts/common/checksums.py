"""Checksums of result files: written beside every result, compared by whoever reads it.

`.checksums/{name}.json` beside a result says what its bytes are: size and SHA-256 of the file, or
of every file of a folder. A file that was changed, cut, replaced by that of another shard or
deleted from its folder is then noticed, whatever its format.

Chunks of Zarr arrays carry a CRC-32C of their own (codec `crc32c`), so that a part of an array
is checked without reading all of it. When a folder is opened, small files (metadata) are compared
whole; of larger ones the size and the last bytes, where the table of chunks lies.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import DamagedResultError

FOLDER = ".checksums"
SCHEMA_VERSION = 1
SMALL_BYTES = 1 << 16
"""Files of a folder up to this size are compared whole when the folder is opened."""
_TAIL_BYTES = 1 << 12
_OTHER_BYTES = "its bytes are not those that were written"
_MAX_LEVELS = 3
_MODEL_ENDINGS = frozenset({".safetensors", ".bin", ".json", ".jinja", ".txt", ".model"})
_SYSTEM_FILES = frozenset({"Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class FileChecksum:
    """Size and SHA-256 of a file, and SHA-256 of its last 4 KiB.

    `sha256` is '' of a large file of a Zarr group: its chunks carry their own checksums.
    """

    bytes: int
    sha256: str
    tail_sha256: str


def checksum_path(path: Path) -> Path:
    """Return where the checksum of a file or folder lies."""
    return path.parent / FOLDER / f"{path.name}.json"


def describe_checksum(path: Path, name: str) -> str:
    """Return the JSON text that says what the bytes of a file or folder are.

    `name` is the name that the result will have, `path` where it lies now.
    """
    content: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "name": name}
    if path.is_dir():
        is_zarr = (path / "zarr.json").is_file()
        content["files"] = {
            file: asdict(_measure(path / file, has_chunk_sums=is_zarr)) for file in _files_of(path)
        }
    else:
        content["file"] = asdict(_measure(path))
    return _to_text(content)


def damaged(path: Path, what: str, *, line: int | None = None) -> DamagedResultError:
    """Return the error for a result that cannot be used, with the way to make it again."""
    if not path.exists():
        return DamagedResultError(f"{path}: {what}; run the workflow again, which makes it")
    where = str(path) if line is None else f"{path}, line {line}"
    recursive = "-r " if path.is_dir() else ""
    return DamagedResultError(
        f"{where}: {what}. To make it again: 'rm {recursive}{shlex.quote(str(path))}', then run "
        "the workflow again"
    )


def read_checked_bytes(path: Path) -> bytes:
    """Return the bytes of a result file; `UserError` if they are not those that were written."""
    expected = _expected_file(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from None
    if len(content) != expected.bytes:
        raise damaged(path, f"damaged: {len(content)} bytes, {expected.bytes} were written")
    if hashlib.sha256(content).hexdigest() != expected.sha256:
        raise damaged(path, f"damaged or replaced: {_OTHER_BYTES}")
    return content


def check_file(path: Path) -> None:
    """Compare a result file with its checksum, block by block; `UserError` if they differ."""
    _compare(path, path, _expected_file(path), is_whole=True)


def check_folder(path: Path, *, is_whole: bool = False) -> None:
    """Compare a result folder with its checksums; `UserError` names what differs.

    Every file must be there, and no other. Without `is_whole`, files larger than `SMALL_BYTES`
    are compared by their size and their last bytes only.
    """
    expected = _expected_files(path)
    present = set(_files_of(path)) if path.is_dir() else set()
    for file in sorted(set(expected) - present):
        array, _, part = file.partition("/")
        raise damaged(path, f"{array!r} has lost {part}" if part else f"{file} has been lost")
    for file in sorted(present - set(expected)):
        raise damaged(path, f"{file} does not belong to it")
    for file, checksum in expected.items():
        _compare(path, path / file, checksum, is_whole=is_whole)


def read_file_of_result(path: Path) -> bytes:
    """Return the bytes of one file of a result folder; `UserError` if they are others.

    A folder without a checksum is not a result of the workflow and is not checked. An `OSError`
    is left to the caller, who knows what the file is for.
    """
    content = path.read_bytes()
    for folder in list(path.parents)[:_MAX_LEVELS]:
        record = checksum_path(folder)
        if folder.name and record.is_file():
            name = path.relative_to(folder).as_posix()
            expected = _expected_files_cached(folder, record.stat().st_mtime_ns).get(name)
            if expected is None:
                raise damaged(folder, f"{name} does not belong to it")
            if hashlib.sha256(content).hexdigest() != expected.sha256:
                raise damaged(folder, f"{name} is damaged or replaced: {_OTHER_BYTES}")
            break
    return content


def check_if_recorded(path: Path) -> None:
    """Compare a file or folder that may also be the user's own: without a checksum, nothing."""
    if checksum_path(path).is_file():
        if path.is_dir():
            check_folder(path, is_whole=True)
        else:
            check_file(path)


def check_model(folder: Path) -> None:
    """Compare the files of a trained model with their checksums; `UserError` names what differs.

    Cards, pictures and descriptions may be edited. A folder without checksums is the user's own.
    """
    check_if_recorded(folder)
    for record in sorted((folder / FOLDER).glob("*.json")):
        file = folder / record.name.removesuffix(".json")
        if file.suffix in _MODEL_ENDINGS:
            check_file(file)


# A folder of pictures is read picture by picture.
@lru_cache(maxsize=32)
def _expected_files_cached(folder: Path, mtime_ns: int) -> dict[str, FileChecksum]:
    return _expected_files(folder)


def _to_text(content: dict[str, Any]) -> str:
    """Return the text of a checksum file, which ends with the SHA-256 of what stands before."""
    text = json.dumps(content, indent=1, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text.removesuffix("\n}") + f',\n "this_sha256": "{digest}"\n}}\n'


def _files_of(folder: Path) -> Iterator[str]:
    """Yield the relative paths of the files of a folder, sorted.

    Without hidden ones: Snakemake's time stamp, what file managers and network disks leave.
    """
    names = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [
            Path(root, name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".") and name not in _SYSTEM_FILES
        ]
    yield from sorted(names)


def _measure(path: Path, *, has_chunk_sums: bool = False) -> FileChecksum:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_left_to_chunks = has_chunk_sums and size > SMALL_BYTES
        whole = "" if is_left_to_chunks else hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(max(size - _TAIL_BYTES, 0))
        tail = hashlib.sha256(file.read()).hexdigest()
    return FileChecksum(size, whole, tail)


def _compare(result: Path, file: Path, expected: FileChecksum, *, is_whole: bool) -> None:
    name = "" if file == result else f"{file.relative_to(result).as_posix()} is "
    try:
        size = file.stat().st_size
        if size != expected.bytes:
            raise damaged(result, f"{name}damaged: {size} bytes, {expected.bytes} were written")
        only_tail = not expected.sha256 or (size > SMALL_BYTES and not is_whole)
        measured = _measure(file, has_chunk_sums=only_tail)
    except OSError as error:
        problem = f"{file.name} cannot be read: {error.strerror}"
        raise damaged(result, problem if result.exists() else "is missing") from None
    is_equal = (
        measured == expected if measured.sha256 else (measured.tail_sha256 == expected.tail_sha256)
    )
    if not is_equal:
        raise damaged(result, f"{name}damaged or replaced: {_OTHER_BYTES}")


def _expected_file(path: Path) -> FileChecksum:
    content = _read_content(path)
    try:
        return FileChecksum(**content["file"])
    except (KeyError, TypeError):
        raise damaged(path, f"its checksum {checksum_path(path)} is damaged") from None


def _expected_files(path: Path) -> dict[str, FileChecksum]:
    content = _read_content(path)
    try:
        return {file: FileChecksum(**values) for file, values in content["files"].items()}
    except (KeyError, TypeError, AttributeError):
        raise damaged(path, f"its checksum {checksum_path(path)} is damaged") from None


def _read_content(path: Path) -> dict[str, Any]:
    """Read a checksum file; `UserError` if there is none, or it is damaged or another's."""
    file = checksum_path(path)
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        problem = (
            "is missing"
            if not path.exists()
            else (f"has no checksum {file}, so it was made by an earlier version or lost a part")
        )
        raise damaged(path, problem) from None
    except (OSError, UnicodeDecodeError):
        raise damaged(path, f"its checksum {file} is damaged") from None
    try:
        content = json.loads(text)
        del content["this_sha256"]
        is_ours = (content["schema_version"], content["name"]) == (SCHEMA_VERSION, path.name)
        is_whole = _to_text(content) == text
    except (ValueError, KeyError, TypeError, RecursionError):
        is_ours = is_whole = False
    if not is_ours or not is_whole:
        raise damaged(path, f"its checksum {file} is damaged or that of another file")
    return dict(content)
