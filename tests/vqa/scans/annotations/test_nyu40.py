"""ScanNet's table of classes, and which objects are unique by it."""

from pathlib import Path

import pytest

from tests.vqa.scans.annotations.small_files import CLASSES, LABELS, scanrefer, write
from workflow_scripts.common.errors import UserError
from workflow_scripts.vqa.scans.annotations.nyu40 import (
    class_of,
    read_classes,
    unique_or_multiple,
)


def test_the_table_of_scannet(tmp_path: Path) -> None:
    rows = LABELS + '13\t1/2" pipe\tpipe\t2\t\n14\t\t\t\t\n'
    assert read_classes(write(tmp_path / "labels.tsv", rows)) == CLASSES


@pytest.mark.parametrize(
    ("object_name", "number"),
    [("office_chair", 5), ("chair", 5), ("lamp", 39), ("piano", 39), ("unheard_of", 39)],
)
def test_names_outside_the_benchmark_are_one_class(object_name: str, number: int) -> None:
    assert class_of(object_name, CLASSES) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no columns 'raw_category' and 'nyu40id'"),
        ("", "no columns"),
        ("raw_category\tnyu40id\n", "the table has no rows"),
        ("raw_category\tnyu40id\nchair\tfive\n", "line 2: nyu40id is 'five'"),
    ],
)
def test_a_table_of_no_use_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_classes(write(tmp_path / "labels.tsv", text))


def test_entries_that_cannot_be_read_count_for_nothing() -> None:
    entries = [scanrefer("1"), scanrefer(None), scanrefer("3", object_name=None), 5]
    assert unique_or_multiple(entries, CLASSES)("scene0000_00", "chair") == "unique"


def test_one_object_that_is_described_twice_is_unique() -> None:
    entries = [scanrefer("1", "0"), scanrefer(1, "1", object_name="office_chair")]
    assert unique_or_multiple(entries, CLASSES)("scene0000_00", "chair") == "unique"
