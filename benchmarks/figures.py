"""A measured figure, printed beside its limit or its rival, and kept for README."""

import csv
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

FILE_VARIABLE = "SIGHTLINE_FIGURES"
"""`benchmarks.run` names in it the CSV file to which every benchmark adds its figures."""


@dataclass(frozen=True)
class Figure:
    """What was measured, and what it is to be compared with ('' for nothing)."""

    name: str
    measured: str
    reference: str = ""


def report_figures(benchmark: str, figures: Sequence[Figure]) -> None:
    """Print figures as a table; add them to the file of `benchmarks.run` if it is running."""
    rows = [("figure", "measured", "beside it"), *(astuple(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    if path := os.environ.get(FILE_VARIABLE):
        with Path(path).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows((benchmark, *astuple(figure)) for figure in figures)


COLUMNS = ("benchmark", *(field.name for field in fields(Figure)))
