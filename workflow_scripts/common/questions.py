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
        ("box", pa.list_(pa.float64())),
        ("rle", pa.string()),
    ]
)
# `truth` is a text or a number, and a Parquet column has one type: texts stand in `truth`,
# numbers in `truth_value`, the other one is null.
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
        ("images", pa.list_(pa.string())),
        ("width_px", pa.int64()),
        ("height_px", pa.int64()),
        ("family", pa.string()),
        ("form", pa.string()),
        ("kind", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("answer_type", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("options", pa.list_(pa.string())),
        ("truth", pa.string()),
        ("truth_value", pa.float64()),
        ("unit", pa.string()),
        ("tolerance", pa.float64()),
        ("margin", pa.float64()),
        ("margin_unit", pa.string()),
        ("sigma", pa.float64()),
        ("frame", pa.string()),
        ("evidence", pa.map_(pa.string(), pa.float64())),
        ("evidence_source", pa.string()),
        ("difficulty", pa.string()),
        ("reasoning", pa.string()),
        ("seed", pa.int64()),
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
            is_number = not isinstance(question.truth, str)
            row["truth_value"] = row["truth"] if is_number else None
            row["truth"] = None if is_number else row["truth"]
            row["evidence"] = list(row["evidence"].items())
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
                    number = row.pop("truth_value")
                    row["truth"] = row["truth"] if number is None else number
                    row["evidence"] = dict(row["evidence"])
                    yield Question.model_validate(row)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{path}: cannot be read as a table of questions: {error}. "
            "Remove it and run its rule again."
        ) from error
