"""ScanRefer's unique and multiple objects: by NYU40 class, among the objects of one file.

An object is unique if the annotations of its split name no other object of its class in the scan.
Classes are the 20 of ScanNet's benchmark; every other name is of class 39 ("other furniture").
Nothing is written back: whoever needs the type asks this function.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import read_text
from workflow_scripts.vqa.scans.annotations.entries import Entry

BENCHMARK_CLASSES = frozenset((*range(1, 13), 14, 16, 24, 28, 33, 34, 36, 39))
OTHER_CLASS = 39
_NAME, _CLASS = "raw_category", "nyu40id"
QuestionTypeOf = Callable[[str, str], Literal["unique", "multiple"]]


def read_classes(path: Path) -> dict[str, int]:
    """Return the NYU40 class of every name in `scannetv2-labels.combined.tsv`.

    Raises:
        UserError: The table cannot be read, or a class is no number.
    """
    rows = csv.DictReader(read_text(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = rows.fieldnames or ()
    if _NAME not in columns or _CLASS not in columns:
        raise UserError(
            f"{path}: no columns {_NAME!r} and {_CLASS!r} (it has {', '.join(columns):.80}); give "
            "scannetv2-labels.combined.tsv of ScanNet"
        )
    classes: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        name, value = (row[_NAME] or "").strip(), (row[_CLASS] or "").strip()
        if not name or not value:
            continue
        if not value.isdecimal():
            raise UserError(f"{path}: line {number}: {_CLASS} is {value!r}, not a whole number")
        classes.setdefault(name, int(value))
    if not classes:
        raise UserError(f"{path}: the table has no rows")
    return classes


def class_of(object_name: str, classes: dict[str, int]) -> int:
    """Return the class of an object by ScanRefer's name, which has underscores for blanks."""
    number = classes.get(object_name.replace("_", " ").strip(), OTHER_CLASS)
    return number if number in BENCHMARK_CLASSES else OTHER_CLASS


def unique_or_multiple(entries: Iterable[Any], classes: dict[str, int]) -> QuestionTypeOf:
    """Return a function of (scan, object name) that says whether the name's object is unique.

    All readable entries of the file count, whether or not their scan is used.
    """
    objects: dict[tuple[str, int], set[str]] = defaultdict(set)
    for value in entries:
        try:
            entry = Entry.read(value)
            key = (entry.scan, class_of(entry.text("object_name"), classes))
            objects[key].add(entry.identifier("object_id"))
        except UserError:
            continue  # a row of its own, where entries become samples

    def type_of(scan: str, object_name: str) -> Literal["unique", "multiple"]:
        same_class = objects[scan, class_of(object_name, classes)]
        return "unique" if len(same_class) == 1 else "multiple"

    return type_of
