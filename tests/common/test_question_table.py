"""A table of questions is read row by row, and says itself whether its rows have changed."""

import hashlib
import pickle
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.vqa.export.questions import question, width, write_questions
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.question_table import (
    NUM_CACHED_GROUPS,
    QuestionTable,
    content_digest,
)
from workflow_scripts.common.questions import (
    Question,
    QuestionTableWriter,
    Reasoning,
    read_questions,
)
from workflow_scripts.common.storage import atomic_write

COLUMNS = ("question_id", "image", "question", "truth")


def many(count: int) -> list[Question]:
    """Return questions about views with three each; every third has a number for its truth."""
    return [
        (width if number % 3 == 2 else question)(number, view=number // 3)
        for number in range(count)
    ]


def write_batches(
    path: Path, batches: list[list[Question]], *, reasoning: Reasoning = "none"
) -> Path:
    with (
        atomic_write(path, checksum=True) as partial,
        QuestionTableWriter(partial, reasoning=reasoning) as rows,
    ):
        for batch in batches:
            rows.add(batch)
    return path


def expected_rows(questions: list[Question]) -> list[dict[str, object]]:
    return [{name: getattr(one, name) for name in COLUMNS} for one in questions]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 100 questions in row groups of 7 and less."""
    monkeypatch.setattr("workflow_scripts.common.questions.ROWS_PER_GROUP", 7)
    questions = many(100)
    batches = [questions[start : start + 20] for start in range(0, 100, 20)]
    return write_batches(tmp_path / "train.parquet", batches)


@pytest.mark.parametrize("families", [(), ("width",), ("left_right", "width"), ("taller",)])
def test_rows_are_those_of_the_table(table: Path, families: tuple[str, ...]) -> None:
    kept = [one for one in read_questions(table) if not families or one.family in families]
    expected = expected_rows(kept)
    rows = QuestionTable(table, columns=COLUMNS, families=families)
    assert len(rows) == len(expected)
    assert list(rows.rows()) == list(rows) == expected
    assert [rows[number] for number in range(len(rows))] == expected
    assert rows[5:23] == expected[5:23]
    assert rows[::4] == expected[::4]
    assert list(pickle.loads(pickle.dumps(rows))) == expected
    codes, texts = rows.codes("image")
    assert [texts[code].as_py() for code in codes.tolist()] == [one.image for one in kept]
    with pytest.raises(IndexError):
        rows[len(rows)]


def test_a_row_decodes_its_row_group_alone_and_few_stay_decoded(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = []
    read = pq.ParquetFile.read_row_group

    def count_groups(file: pq.ParquetFile, group: int, **options: object) -> object:
        groups.append(group)
        assert set(options["columns"]) == {*COLUMNS, "truth_value"}  # type: ignore[call-overload]
        return read(file, group, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", count_groups)
    rows = QuestionTable(table, columns=COLUMNS)
    assert rows[99]["question_id"].endswith("-99")
    assert rows[98]["question_id"].endswith("-98")
    assert groups == [14]
    monkeypatch.setattr("workflow_scripts.common.question_table.NUM_CACHED_GROUPS", 2)
    for number in (0, 30, 60, 0):
        rows[number]
    assert groups == [14, 0, 4, 9, 0]
    assert NUM_CACHED_GROUPS > 2


def test_the_digest_is_stored_and_follows_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write_questions(tmp_path / "one.parquet", many(20))
    batches = write_batches(tmp_path / "batches.parquet", [many(20)[:3], many(20)[3:]])
    other = write_questions(tmp_path / "other.parquet", [*many(19), width(19, answer="1.81 m")])
    taught = write_batches(tmp_path / "taught.parquet", [many(20)], reasoning="written")
    digest = content_digest(one)
    assert len(digest) == 64
    assert content_digest(batches) == digest
    assert content_digest(other) != digest
    assert content_digest(taught) != digest
    assert QuestionTable(taught, columns=COLUMNS).reasoning == "written"

    def refuse(*_: object) -> None:
        raise AssertionError("the table was read")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    assert content_digest(one) == digest


def test_a_table_that_another_program_wrote_is_read_for_its_digest(tmp_path: Path) -> None:
    path = write_questions(tmp_path / "a.parquet", many(4))
    rows = pq.read_table(path).replace_schema_metadata(None)
    pq.write_table(rows, path)
    digest = content_digest(path)
    pq.write_table(rows.slice(1), path)
    assert content_digest(path) != digest


def test_bits_that_change_while_a_table_is_used_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training reads for days what was compared with its checksum when it began."""
    monkeypatch.setattr("workflow_scripts.common.question_table.check_file", lambda path: None)
    path = write_questions(tmp_path / "a.parquet", many(60))
    columns = list(Question.model_fields)
    rows = list(QuestionTable(path, columns=columns))
    whole = path.read_bytes()
    problems = []
    offsets = range(4, pq.read_metadata(path).row_group(0).total_byte_size // 2, 211)
    for offset in offsets:
        garbled = bytearray(whole)
        garbled[offset] ^= 1
        path.write_bytes(bytes(garbled))
        try:
            assert list(QuestionTable(path, columns=columns)) == rows
        except UserError as error:
            problems.append(str(error))
    # The others lie in statistics of columns, which nobody reads.
    assert len(problems) > 0.6 * len(offsets)
    assert all(f"{path}: cannot be read as a table" in problem for problem in problems)


def test_a_damaged_table_and_one_of_another_version_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_questions(tmp_path / "a.parquet", many(4))
    whole = path.read_bytes()
    for garbled in (whole[: len(whole) // 2], whole[:300] + b"?" + whole[301:]):
        path.write_bytes(garbled)
        with pytest.raises(UserError, match=re.escape(f"{path}: damaged")):
            QuestionTable(path, columns=COLUMNS)
    monkeypatch.setattr("workflow_scripts.common.question_table.check_file", lambda path: None)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=re.escape(f"{path}: cannot be read as a table")):
        QuestionTable(path, columns=COLUMNS)
    path.write_bytes(whole)
    pq.write_table(pq.read_table(path).drop_columns(["sigma"]), path)
    with pytest.raises(UserError, match=r"a\.parquet: not a table.*differ: sigma.*workflow again"):
        QuestionTable(path, columns=COLUMNS)
