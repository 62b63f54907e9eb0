"""Questions as a Parquet table, one row a `Question`, written and read a batch at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Question

_REFERENT = pa.struct(
    [
        ("instance", pa.int64()),
        ("object_id", pa.string()),
        ("category", pa.string()),
        ("phrase", pa.string()),
        ("mark", pa.string()),
        ("pixel", pa.list_(pa.float64())),
    ]
)
# `truth` is one of the choices or a length, and a Parquet column has one type: the choice stands
# in `truth`, the length in `truth_m`, the other one is null.
SCHEMA = pa.schema(
    [
        ("schema_version", pa.int64()),
        ("question_id", pa.string()),
        ("source", pa.string()),
        ("scene_id", pa.string()),
        ("split", pa.string()),
        ("view", pa.int64()),
        ("view_id", pa.string()),
        ("image", pa.string()),
        ("family", pa.string()),
        ("form", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("answer_type", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("truth", pa.string()),
        ("truth_m", pa.float64()),
        ("margin", pa.float64()),
        ("margin_unit", pa.string()),
        ("referents", pa.list_(_REFERENT)),
    ]
)


class QuestionTable:
    """Write questions to a Parquet file batch by batch; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def add(self, questions: Iterable[Question]) -> None:
        """Append questions as one row group; nothing is written for none."""
        rows = []
        for question in questions:
            row = question.model_dump()
            is_length = question.answer_type == "metres"
            row["truth_m"] = row["truth"] if is_length else None
            row["truth"] = None if is_length else row["truth"]
            rows.append(row)
        if rows:
            self._writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))

    def __enter__(self) -> "QuestionTable":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()


def read_questions(path: Path) -> Iterator[Question]:
    """Yield the questions of a Parquet table in order; `UserError` if it is damaged."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    length_m = row.pop("truth_m")
                    row["truth"] = row["truth"] if length_m is None else length_m
                    yield Question.model_validate(row)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{path}: cannot be read as a table of questions: {error}. "
            "Remove it and run its rule again."
        ) from error
