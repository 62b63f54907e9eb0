"""The interface of an importer, and how it reads the rows of a benchmark's file."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import json_problem, parse_json, read_text, unusable_value
from workflow_scripts.evaluate.eval_items import EvalItem

Row = dict[str, Any]


@dataclass(frozen=True)
class SkippedRow:
    """A row that cannot be asked."""

    name: str
    reason: str


class Importer(Protocol):
    """Turns the rows of a benchmark's file into items, and writes the pictures that they name."""

    def __call__(
        self, rows: list[Row | SkippedRow], images: Path, pictures: Path, *, num_frames: int
    ) -> Iterator[EvalItem | SkippedRow]:
        """Yield an item, or why there is none, for every row in order."""
        ...


class UnusableRow(Exception):
    """Why a row cannot be asked; caught row by row."""


# What an absurd value in a row can raise where nobody looked for it.
_ROW_ERRORS = (
    *(ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError),
    *(MemoryError, RecursionError),
)
_MAX_ID_CHARACTERS = 80
_NO_OBJECT = "no JSON object"
_NEXT_OBJECT = re.compile(r",\s*(?P<object>\{)")
_FORM = "a benchmark is a JSON array of objects, or one object a line"


def row_name(number: int, row: Row | SkippedRow) -> str:
    """Return the name of a row: its place in the file and its own id."""
    own = number if isinstance(row, SkippedRow) else row.get("id", number)
    return f"{number:06d}-{own!s:.{_MAX_ID_CHARACTERS}}"


def import_row(
    row: Row | SkippedRow, name: str, read_item: Callable[[Row, str], EvalItem]
) -> EvalItem | SkippedRow:
    """Return a row's item, or why there is none, whatever reading it raises.

    A `UserError` is about more than this row and goes on.
    """
    if isinstance(row, SkippedRow):
        return row
    try:
        return read_item(row, name)
    except UserError:
        raise
    except UnusableRow as error:
        return SkippedRow(name, str(error))
    except _ROW_ERRORS as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        return SkippedRow(name, f"cannot be read ({type(error).__name__}: {reason:.200})")


def read_rows(path: Path) -> list[Row | SkippedRow]:
    """Read a JSON array of objects, or JSON lines; what is no object is a `SkippedRow`.

    `UserError` names the file, and the place that is broken, if it is neither.
    """
    if path.exists() and not path.is_file():
        raise UserError(
            f"{path}: not a regular file (a folder, pipe or device); give the benchmark's file"
        )
    text = read_text(path)
    if text.lstrip().startswith("["):
        rows = _rows_of_array(text, path)
    else:
        lines = enumerate(text.split("\n"), start=1)
        rows = [_row_of_line(line, f"line {number}") for number, line in lines if line.strip()]
    is_broken = [isinstance(row, SkippedRow) and row.reason != _NO_OBJECT for row in rows]
    if not any(isinstance(row, dict) for row in rows) and not any(is_broken):
        raise UserError(f"{path}: holds no list of objects; {_FORM}")
    return rows


def _rows_of_array(text: str, path: Path) -> list[Row | SkippedRow]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        try:
            values = parse_json(text, path)
        except UserError as error:
            rows = _rows_of_broken_array(text)
            if not any(isinstance(row, dict) for row in rows):
                raise UserError(f"{error}. {_FORM.capitalize()}.") from None
            return rows
    return [_checked_row(value, f"row {number}") for number, value in enumerate(values)]


def _rows_of_broken_array(text: str) -> list[Row | SkippedRow]:
    """Read what rows can be read of an array; nothing of one that does not end.

    Behind a broken row the next one begins at the next object behind a comma.
    """
    rows: list[Row | SkippedRow] = []
    if not text.rstrip().endswith("]"):
        return rows
    decoder = json.JSONDecoder()
    start = _skip_space(text, text.index("[") + 1)
    while start < len(text) and text[start] != "]":
        name = f"row {len(rows)}"
        try:
            value, end = decoder.raw_decode(text, start)
            end = _skip_space(text, end)
            if text[end] not in ",]":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, end)
            rows.append(_checked_row(value, name))
            start = end if text[end] == "]" else _skip_space(text, end + 1)
        except (ValueError, RecursionError) as error:
            rows.append(SkippedRow(name, f"not valid JSON: {json_problem(error)}"))
            following = _NEXT_OBJECT.search(text, max(getattr(error, "pos", start), start))
            start = len(text) if following is None else following.start("object")
    return rows


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _row_of_line(line: str, name: str) -> Row | SkippedRow:
    try:
        return _checked_row(parse_json(line, name), name)
    except UserError as error:
        return SkippedRow(name, str(error))


def _checked_row(value: Any, name: str) -> Row | SkippedRow:
    if not isinstance(value, dict):
        return SkippedRow(name, _NO_OBJECT)
    problem = unusable_value(value)
    return SkippedRow(name, problem) if problem else value


def field(row: Row, *names: str) -> Any:
    """Return a (nested) field of a row; `UnusableRow` says which one is missing."""
    value: Any = row
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise UnusableRow(f"field {'.'.join(names)!r} is missing")
        value = value[name]
    return value
