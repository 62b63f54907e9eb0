"""Rows of a split's table of questions, read on demand: the table is never read whole.

Training, answering and scoring read `results/vqa/{split}.parquet` through it. The file is
memory-mapped, and the few columns that are needed are decoded a row group at a time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.checksums import check_file, damaged
from workflow_scripts.common.questions import (
    DIGEST_KEY,
    REASONING_KEY,
    SCHEMA,
    Reasoning,
    merge_truth,
)

Row = dict[str, Any]
# Row groups that a table keeps decoded: about 1 MB each.
NUM_CACHED_GROUPS = 16
UNREADABLE = "cannot be read as a table of questions"


class QuestionTable(Sequence[Row]):
    """The rows of a Parquet table of questions, as dicts of some columns.

    With the column "truth" a row has its text or number under that name. Rows near each other are
    cheap to read one after the other: they stand in one row group. Copies in other processes
    (forked or pickled) read the file for themselves.

    Attributes:
        path: The table.
        columns: The columns that rows have.
    """

    def __init__(self, path: Path, *, columns: Sequence[str], families: Sequence[str] = ()) -> None:
        """Open a table; `families` keeps the rows of these families, without any all are kept.

        Raises `UserError` if the table is damaged or of another version.
        """
        check_file(path)
        self.path = path
        self.columns = tuple(columns)
        with_number = ["truth_value"] if "truth" in self.columns else []
        self._stored_columns = [*self.columns, *with_number]
        self._file = open_table(path)
        metadata = self._file.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        # First row of every row group, and the number of rows behind the last.
        self._group_starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._kept_rows = self._rows_of(families) if families else None
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_cache": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _file=open_table(state["path"]))

    @property
    def reasoning(self) -> Reasoning:
        """Return whether answers are taught with their steps."""
        return table_reasoning(self._file)

    def __len__(self) -> int:
        return int(self._group_starts[-1]) if self._kept_rows is None else len(self._kept_rows)

    def __getitem__(self, index: Any) -> Any:
        """Return a row, or the rows of a slice as a list."""
        if isinstance(index, slice):
            return list(self.rows(*index.indices(len(self))[:2]))[:: index.step]
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        row = self._stored_row(int(index) % len(self))
        group = int(np.searchsorted(self._group_starts, row, side="right")) - 1
        values = self._group(group).slice(row - int(self._group_starts[group]), 1)
        return merge_truth(values.to_pylist()[0])

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Yield the rows from `start` to before `stop`, one row group decoded at a time."""
        stop = len(self) if stop is None else stop
        while start < stop:
            row = self._stored_row(start)
            group = int(np.searchsorted(self._group_starts, row, side="right")) - 1
            first, behind = (int(bound) for bound in self._group_starts[group : group + 2])
            if self._kept_rows is None:
                end = min(stop, behind)
                part = self._group(group).slice(row - first, end - start)
            else:
                end = min(stop, int(np.searchsorted(self._kept_rows, behind)))
                part = self._group(group).take(pa.array(self._kept_rows[start:end] - first))
            yield from map(merge_truth, part.to_pylist())
            start = end

    def codes(self, column: str) -> tuple[np.ndarray, pa.Array]:
        """Return a column of texts as (code of every row [n] int32, text of every code).

        Equal texts have equal codes, so 3 million names of pictures are 12 MB and the names.
        """
        codes, texts = read_codes(self.path, column)
        return codes if self._kept_rows is None else codes[self._kept_rows], texts

    def _rows_of(self, families: Sequence[str]) -> np.ndarray:
        codes, names = read_codes(self.path, "family")
        is_kept = np.isin(names.to_numpy(zero_copy_only=False), list(families))
        return np.flatnonzero(is_kept[codes]) if len(names) else np.empty(0, dtype=np.int64)

    def _stored_row(self, index: int) -> int:
        return index if self._kept_rows is None else int(self._kept_rows[index])

    def _group(self, group: int) -> pa.Table:
        if group in self._cache:
            self._cache.move_to_end(group)
            return self._cache[group]
        try:
            # One thread: ranks and loader workers share the cores, and forks have no pool.
            rows = self._file.read_row_group(group, columns=self._stored_columns, use_threads=False)
        except (OSError, pa.ArrowInvalid) as error:
            raise damaged(self.path, f"{UNREADABLE}: {error}") from error
        self._cache[group] = rows
        if len(self._cache) > NUM_CACHED_GROUPS:
            self._cache.popitem(last=False)
        return rows


def open_table(path: Path, *, texts_as_codes: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a table of questions memory-mapped; `UserError` if it is damaged or another table."""
    try:
        file = pq.ParquetFile(
            path,
            memory_map=True,
            read_dictionary=list(texts_as_codes),
            page_checksum_verification=True,
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise damaged(path, f"{UNREADABLE}: {error}") from error
    names = file.schema_arrow.names
    if names != SCHEMA.names:
        different = sorted(set(names) ^ set(SCHEMA.names))
        raise damaged(
            path,
            "not a table of questions of this version; columns differ: "
            f"{', '.join(different) or 'their order'}",
        )
    return file


def read_codes(path: Path, column: str) -> tuple[np.ndarray, pa.Array]:
    """Return a column of texts of a whole table as (codes [n] int32, text of every code)."""
    try:
        values = open_table(path, texts_as_codes=[column]).read([column], use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise damaged(path, f"{UNREADABLE}: {error}") from error
    chunks = values.unify_dictionaries()[column].chunks
    if not chunks:
        return np.empty(0, dtype=np.int32), pa.array([], pa.string())
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
    return codes.astype(np.int32, copy=False), cast(pa.Array, chunks[0].dictionary)


def table_reasoning(file: pq.ParquetFile) -> Reasoning:
    """Return how the answers of an open table are taught."""
    stored: Mapping[bytes, bytes] = file.metadata.metadata or {}
    return cast(Reasoning, stored.get(REASONING_KEY, b"none").decode())


def count_questions(path: Path) -> int:
    """Return how many rows a table has; `UserError` if it is not what was written."""
    check_file(path)
    return int(open_table(path).metadata.num_rows)


def content_digest(path: Path) -> str:
    """Return the digest of a table's rows that its writer stored; nothing but it is read.

    A table without one (written by another program) is read once to make its digest.
    """
    stored = open_table(path).metadata.metadata or {}
    if DIGEST_KEY in stored:
        return str(stored[DIGEST_KEY].decode())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
