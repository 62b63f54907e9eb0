"""The interface of an importer, and how it reads the rows of a benchmark's file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import parse_json, read_text
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
        self, rows: list[Row], images: Path, pictures: Path, *, num_frames: int
    ) -> Iterator[EvalItem | SkippedRow]:
        """Yield an item, or why there is none, for every row in order."""
        ...


class UnusableRow(Exception):
    """Why a row cannot be asked; caught row by row."""


def read_rows(path: Path) -> list[Row]:
    """Read a JSON array of objects, or JSON lines; `UserError` names the place that is broken."""
    if path.exists() and not path.is_file():
        raise UserError(
            f"{path}: no regular file (a folder, pipe or device), so no benchmark is read from it"
        )
    text = read_text(path)
    if text.lstrip().startswith("["):
        rows: Any = _json(text, path)
    else:
        lines = enumerate(text.split("\n"), start=1)
        rows = [_json(line, f"{path}, line {number}") for number, line in lines if line.strip()]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(
            f"{path}: holds no list of objects; a benchmark is a JSON array of objects, or one "
            "object a line"
        )
    return list(rows)


def _json(text: str, where: Path | str) -> Any:
    try:
        return parse_json(text, where)
    except UserError as error:
        raise UserError(
            f"{error}. A benchmark is a JSON array of objects, or one object a line."
        ) from None


def field(row: Row, *names: str) -> Any:
    """Return a (nested) field of a row; `UnusableRow` says which one is missing."""
    value: Any = row
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise UnusableRow(f"field {'.'.join(names)!r} is missing")
        value = value[name]
    return value
