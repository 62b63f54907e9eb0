"""Write files and Zarr shards whole or not at all, and read them with clear errors.

What later stages read is written with a checksum (`checksums.py`) and compared when it is read.
"""

import glob
import io
import json
import math
import os
import platform
import shutil
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import google_crc32c
import numpy as np
import pandas as pd
import zarr
from pydantic import BaseModel, ValidationError
from zarr.codecs import BytesCodec, Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore

from workflow_scripts.common import checksums, kept_outputs
from workflow_scripts.common.errors import UserError, validation_problems

Model = TypeVar("Model", bound=BaseModel)
_STALE_AFTER_S = 24 * 3600
_CRC_BYTES = 4


@contextmanager
def atomic_write(path: Path, *, checksum: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; rename it to `path` only if the block succeeds.

    Works for a file and for a folder, so `path` is never half-written. The temporary name is
    this process's own: a job that outlived a killed Snakemake and the job that replaces it never
    write into each other's file. What killed runs left behind is removed.

    `checksum` writes one beside it, for results that are read again. A process that is killed
    between the two renames leaves a pair that does not fit, in an output that Snakemake knows to
    be incomplete; files that resume a job are therefore written without.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    host = platform.node()
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        if _is_stale_partial(old, host):
            remove(old)
    partial = path.with_name(f".{path.name}.{host}-{os.getpid()}.partial")
    try:
        yield partial
        if checksum:
            text = checksums.describe_checksum(partial, path.name)
            write_text(checksums.checksum_path(path), text)
        if path.is_dir():
            remove(path)
        os.replace(partial, path)
        kept_outputs.written.append(path)
    finally:
        remove(partial)


def _is_stale_partial(partial: Path, host: str) -> bool:
    """Return whether no process writes a temporary file any more.

    Here that is known from the process; on another node of a cluster only from its age.
    """
    owner, _, pid = partial.name.removesuffix(".partial").rpartition("-")
    if not owner.endswith(f".{host}"):
        return time.time() - partial.stat().st_mtime > _STALE_AFTER_S
    return int(pid) == os.getpid() or not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, checksum: bool = False) -> None:
    """Write a text file whole."""
    with atomic_write(path, checksum=checksum) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any, *, checksum: bool = False) -> None:
    """Write JSON whole: UTF-8, sorted keys, two-space indent, final newline."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(path, text, checksum=checksum)


def read_json(path: Path) -> Any:
    """Read JSON; `UserError` names the file and the place where it is broken.

    A file that was written with a checksum is compared with it.
    """
    checksums.check_if_recorded(path)
    try:
        return json.loads(path.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON: {error}") from error


def write_records(path: Path, records: Iterable[BaseModel], *, checksum: bool = True) -> None:
    """Write typed records whole, one JSON object a line, keys in the model's order."""
    with (
        atomic_write(path, checksum=checksum) as partial,
        partial.open("w", encoding="utf-8") as file,
    ):
        for record in records:
            file.write(record.model_dump_json() + "\n")


def read_records(path: Path, model: type[Model]) -> list[Model]:
    """Read typed records; `UserError` names the file if it is not what was written."""
    try:
        content = checksums.read_checked_bytes(path)
    except UserError:
        # The line that does not fit says more, where there is one.
        if path.is_file():
            _parse_records(path.read_bytes(), path, model)
        raise
    return _parse_records(content, path, model)


def iterate_records(path: Path, model: type[Model]) -> Iterator[Model]:
    """Yield typed records one by one, so that a file of any size can be read; errors are the same.

    The file is compared with its checksum first.
    """
    try:
        checksums.check_file(path)
    except UserError:
        read_records(path, model)
        raise
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            yield _parse_record(line.removesuffix(b"\n"), path, model, number)


def _parse_records(content: bytes, path: Path, model: type[Model]) -> list[Model]:
    """Return the records of a file's bytes; `UserError` names the line and what does not fit."""
    # Not splitlines: sentences may hold other line separators of Unicode.
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    return [_parse_record(line, path, model, number) for number, line in enumerate(lines, start=1)]


def _parse_record(line: bytes, path: Path, model: type[Model], number: int) -> Model:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        problems = "; ".join(validation_problems(error))
        raise checksums.damaged(
            path, f"not a {model.__name__} record: {problems:.300}", line=number
        ) from error


def write_table(path: Path, rows: pd.DataFrame) -> None:
    """Write a Parquet table whole (zstd, no index)."""
    with atomic_write(path, checksum=True) as partial:
        rows.to_parquet(partial, index=False, compression="zstd")


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a Parquet table, or some columns; `UserError` if it is not what was written."""
    content = checksums.read_checked_bytes(path)
    try:
        return pd.read_parquet(io.BytesIO(content), columns=list(columns) if columns else None)
    except (OSError, ValueError) as error:
        raise checksums.damaged(path, f"cannot be read as Parquet: {error}") from error


class ShardWriter:
    """Fill a Zarr v3 group, one Zarr shard file per array; used inside `atomic_write(path)`.

    The chunk is the unit of reading (one row of the first axis by default), the shard the unit
    of writing: each array is written with one call, by one process. Every chunk ends with a
    CRC-32C of its bytes.
    """

    def __init__(self, path: Path, attributes: Mapping[str, Any]) -> None:
        self.group = zarr.create_group(store=path, zarr_format=3, attributes=dict(attributes))

    def add(
        self,
        name: str,
        values: np.ndarray,
        *,
        dims: tuple[str, ...],
        attributes: Mapping[str, Any] | None = None,
        rows_per_chunk: int = 1,
        compression_level: int = 1,
    ) -> None:
        """Write one array whole. `dims` name its axes; `attributes` say unit and frame.

        `compression_level` is zstd's; 0 stores plain bytes.
        """
        if len(dims) != values.ndim:
            raise ValueError(f"{name}: {len(dims)} dimension names for {values.ndim} axes")
        rows = max(values.shape[0], 1) if values.ndim else 1
        chunk = min(max(rows_per_chunk, 1), rows)
        tail = tuple(max(size, 1) for size in values.shape[1:])
        shard = -(-rows // chunk) * chunk
        compressors = [ZstdCodec(level=compression_level)] if compression_level else []
        array = self.group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            chunks=(chunk, *tail),
            # Sharding an array of one chunk would only copy it; without, and uncompressed, the
            # file is the array's plain bytes and a checksum (see `_read_uncompressed_rows`).
            shards=(shard, *tail) if shard > chunk else None,
            serializer=BytesCodec(),
            compressors=[*compressors, Crc32cCodec()],
            fill_value=0,
            dimension_names=dims,
            attributes=dict(attributes or {}),
            # A chunk that happens to be all zeros is stored too, so that a missing shard file
            # can only mean damage, never "all zero".
            config={"write_empty_chunks": True},
        )
        if values.size:
            array[...] = values


def open_shard(path: Path) -> zarr.Group:
    """Open a Zarr group for reading; `UserError` if it is missing or not what was written.

    Metadata is compared whole, arrays by their size and their table of chunks; the chunks
    themselves are compared as they are read.
    """
    checksums.check_folder(path)
    try:
        return zarr.open_group(store=path, mode="r", zarr_format=3)
    except (OSError, ValueError, KeyError) as error:
        raise checksums.damaged(path, f"cannot be read as a Zarr group: {error}") from error


def arrays_by_name(group: zarr.Group) -> "dict[str, zarr.Array[Any]]":
    """Return the arrays of a group by name, without a warning of what else lies there."""
    with warnings.catch_warnings():
        # Snakemake leaves its time stamp in every folder that is an output.
        warnings.filterwarnings("ignore", message=r"Object at \.snakemake_timestamp")
        return dict(group.arrays())


def read_array(
    group: "zarr.Group | Mapping[str, zarr.Array[Any]]", name: str, index: Any = ...
) -> np.ndarray:
    """Read (part of) an array; `UserError` names the shard if its file is cut or garbled.

    A dict of opened arrays saves finding the array again at every read.
    """
    try:
        array = group[name]
    except KeyError as error:
        place = group.store if isinstance(group, zarr.Group) else "shard"
        raise UserError(f"{place}: no array {name!r}; remove it and run the workflow again") from (
            error
        )
    try:
        values = _read_uncompressed_rows(array, index)  # type: ignore[arg-type]
        if values is None:
            values = np.asarray(array[index])
        # Zarr says "little-endian" out loud, which Open3D's tensors do not understand.
        return values.view(values.dtype.newbyteorder("="))
    except Exception as error:  # codecs raise many types for damaged bytes
        root = Path(getattr(array.store, "root", str(array.store)))
        raise checksums.damaged(root, f"array {name!r} is damaged: {error}") from error


def _read_uncompressed_rows(array: "zarr.Array[Any]", index: Any) -> np.ndarray | None:
    """Read rows of an array that lies on disk as one uncompressed chunk, None for any other.

    Several times faster than through Zarr, which copies the whole file to get at some rows.
    """
    codecs = [type(codec) for codec in array.metadata.codecs]  # type: ignore[union-attr]
    is_plain = (
        isinstance(array.store, LocalStore)
        and codecs == [BytesCodec, Crc32cCodec]
        and array.chunks == array.shape
        and array.size > 0
    )
    is_rows = index is ... or (isinstance(index, slice) and index.step in (None, 1))
    if not (is_plain and is_rows):
        return None
    key = array.metadata.encode_chunk_key((0,) * array.ndim)
    file = Path(array.store.root) / array.path / key  # type: ignore[attr-defined]
    status = file.stat()
    if status.st_size != array.nbytes + _CRC_BYTES:
        raise ValueError(f"{status.st_size} bytes instead of {array.nbytes + _CRC_BYTES}")
    start, stop, _ = (slice(None) if index is ... else index).indices(array.shape[0])
    shape = (max(stop - start, 0), *array.shape[1:])
    row_bytes = array.nbytes // array.shape[0]
    if shape[0] == array.shape[0]:
        content = np.fromfile(file, np.uint8)
        _check_crc32c(content)
        return content[:-_CRC_BYTES].view(array.dtype).reshape(shape)
    _check_chunk_file(file, status.st_mtime_ns, status.st_size)
    rows = np.fromfile(file, array.dtype, math.prod(shape), offset=start * row_bytes)
    return rows.reshape(shape)


# Once for each file: the rows of a shard are read scene by scene.
@lru_cache(maxsize=256)
def _check_chunk_file(file: Path, mtime_ns: int, size: int) -> None:
    _check_crc32c(np.fromfile(file, np.uint8))


def _check_crc32c(content: np.ndarray) -> None:
    """Compare the bytes of a chunk u8 [n] with the CRC-32C in the last four; `ValueError`."""
    stored = int.from_bytes(content[-_CRC_BYTES:].tobytes(), "little")
    if google_crc32c.value(cast(Any, content[:-_CRC_BYTES])) != stored:
        raise ValueError("its checksum does not fit its bytes")
