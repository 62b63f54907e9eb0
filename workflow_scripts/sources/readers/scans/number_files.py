"""Text files of numbers: matrices, trajectories, tables of cameras."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text


def parse_numbers(text: str, where: object) -> np.ndarray:
    """Return the numbers f64 [n] of a text, split at blanks, commas and semicolons."""
    words = text.replace(",", " ").replace(";", " ").split()
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise UserError(f"{where}: {wrong!r:.40} is not a number") from None


def read_matrix(path: Path, rows: int, columns: int) -> np.ndarray:
    """Return a matrix [rows, columns] of a text file; `UserError` if it has other numbers."""
    values = parse_numbers(read_text(path), path)
    if len(values) != rows * columns:
        raise UserError(f"{path}: {len(values)} numbers; {rows} x {columns} are needed")
    return values.reshape(rows, columns)


def read_intrinsics(path: Path) -> np.ndarray:
    """Return K [3, 3] of a text file of 3 x 3, 3 x 4 or 4 x 4 numbers."""
    values = parse_numbers(read_text(path), path)
    if len(values) not in (9, 12, 16):
        raise UserError(f"{path}: {len(values)} numbers; K has 9 (3 x 3) or 16 (4 x 4)")
    return values.reshape(3 if len(values) < 16 else 4, -1)[:3, :3]


def read_rows(path: Path, least: int) -> list[tuple[int, list[str]]]:
    """Return (line number, words) of a table's lines; lines that begin with "#" are left out.

    A line of fewer than `least` words is an error that names it.
    """
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < least:
            raise UserError(f"{path}: line {number} has {len(words)} values; {least} are needed")
        rows.append((number, words))
    return rows


def read_number_rows(path: Path, least: int) -> tuple[np.ndarray, dict[int, str]]:
    """Return f64 [n, least] of a table, the first `least` numbers of every line, and problems.

    A faulty line, such as the last one of a file that is cut off, is a row of NaN; the problem is
    given by the number of its row. `UserError` if every line is faulty.
    """
    rows = read_rows(path, 0)
    table = np.full((len(rows), least), np.nan)
    problems: dict[int, str] = {}
    for index, (number, words) in enumerate(rows):
        where = f"{path}: line {number}"
        try:
            if len(words) < least:
                raise UserError(f"{where} has {len(words)} values; {least} are needed")
            table[index] = parse_numbers(" ".join(words[:least]), where)
        except UserError as error:
            problems[index] = str(error)
    if rows and len(problems) == len(rows):
        raise UserError(problems[0])
    return table, problems


def left_out_lines(problems: Mapping[int, str]) -> list[str]:
    """Return a warning about the faulty lines of a table, none if there are none."""
    first = next(iter(problems.values()), "")
    return [f"{len(problems)} faulty lines are left out; the first one: {first}"] if first else []


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
