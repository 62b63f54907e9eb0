"""The Parquet table of room records: nested columns, one row a room and view, floats kept exactly.

The columns follow from the model: a tuple is a list, a record a struct, what may be None nullable.
"""

import io
import itertools
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from workflow_scripts.common.checksums import damaged, read_checked_bytes
from workflow_scripts.common.errors import validation_problems
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.layouts.room_record import RoomRecord

_ROWS_PER_GROUP = 500
_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def write_rooms(path: Path, records: Iterable[RoomRecord]) -> None:
    """Write a table of rooms whole, with its checksum; an empty one has its columns, too.

    Records are taken some hundred at a time, so that a generator of any length can be written.
    """
    with (
        atomic_write(path, checksum=True) as partial,
        pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer,
    ):
        for batch in _batches(records, _ROWS_PER_GROUP):
            rows = [record.model_dump() for record in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def read_rooms(path: Path) -> list[RoomRecord]:
    """Read a table of rooms; `UserError` if it is damaged or another table."""
    content = read_checked_bytes(path)
    try:
        table = pq.read_table(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise damaged(path, f"cannot be read as Parquet: {error}") from error
    if not table.schema.equals(SCHEMA):
        ours = dict(zip(SCHEMA.names, SCHEMA.types, strict=True))
        theirs = dict(zip(table.schema.names, table.schema.types, strict=True))
        differ = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        raise damaged(
            path,
            "not a table of rooms of this version; columns differ: "
            f"{', '.join(differ) or 'their order'}",
        )
    return [_parse(row, path, number) for number, row in enumerate(table.to_pylist(), start=1)]


def _batches(records: Iterable[RoomRecord], size: int) -> Iterator[list[RoomRecord]]:
    left = iter(records)
    while batch := list(itertools.islice(left, size)):
        yield batch


def _parse(row: dict[str, Any], path: Path, number: int) -> RoomRecord:
    try:
        return RoomRecord.model_validate(row)
    except ValidationError as error:
        problems = "; ".join(validation_problems(error))
        raise damaged(path, f"row {number} is no room: {problems:.300}") from error


def _arrow_type(annotation: Any) -> pa.DataType:
    """Return the column type of a field of a record."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return _SCALARS[type(arguments[0])]
    if origin is types.UnionType:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _arrow_type(inner)
    if origin is tuple:
        return pa.list_(_arrow_type(arguments[0]))
    return pa.struct(_fields(annotation))


def _fields(model: type[BaseModel]) -> list[pa.Field]:
    return [
        pa.field(name, _arrow_type(field.annotation)) for name, field in model.model_fields.items()
    ]


SCHEMA = pa.schema(_fields(RoomRecord))
