"""What is wrong in published annotations is a row with a reason, or one clear error."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.vqa.scans.annotations.small_files import (
    annotated_scans,
    multi3drefer,
    read,
    scan_without,
    scanqa,
    scanrefer,
    sqa3d_annotation,
    sqa3d_question,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.language_files import read_entries
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScans

GOOD = scanrefer("0", "9", object_name="table", description="the table")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (scanrefer("57"), "object 57 is not one of the scan's 5 objects"),
        # Ids have a gap: no other object takes its place.
        (scanrefer("2"), "object 2 is not one of the scan's 5 objects"),
        (scanrefer(None), "no 'object_id'"),
        (scanrefer(True), "'object_id' is True; an id is a whole number or a text"),
        (scanrefer(1.5), "'object_id' is 1.5"),
        (scanrefer([1]), r"'object_id' is \[1\]"),
        (scanrefer(" "), "'object_id' is ' '"),
        (scanrefer(ann_id={}), "'ann_id' is {}"),
        (scanrefer(description="  "), "'description' is empty"),
        (scanrefer(description=7), "'description' is 7, not a text"),
        (scanrefer(description=None), "no 'description'"),
        (scanrefer(object_name=""), "'object_name' is empty"),
        (scanrefer(scene_id=None), "no 'scene_id'"),
        (scanrefer(scene_id=12), "'scene_id' is 12, not a text"),
        ("a text", "'a text' is not an entry with fields"),
        (None, "None is not an entry"),
        (scanrefer("0", "9", object_name="table"), "annotation 9 of object 0 of scene0000_00 is"),
    ],
)
def test_an_entry_that_cannot_be_used_is_a_row(tmp_path: Path, entry: Any, reason: str) -> None:
    for dataset in ("scanrefer", "scan2cap"):
        samples, file = read(tmp_path, dataset, [GOOD, entry])
        assert len(samples) == 1
        (row,) = file.skipped
        assert row.item == f"{dataset}.train entry 1"
        assert re.match(reason, row.reason), row.reason


@pytest.mark.parametrize("object_id", ["1", 1, 1.0, " 1 ", "01", "1.0"])
def test_ids_are_numbers_or_texts(tmp_path: Path, object_id: Any) -> None:
    (sample,), file = read(tmp_path, "scanrefer", [scanrefer(object_id, ann_id=object_id)])
    assert sample.targets == [2]
    assert sample.sample_id.endswith("-1-1")
    assert not file.skipped


def test_equal_ids_of_other_types_are_one_id(tmp_path: Path) -> None:
    samples, file = read(tmp_path, "scanrefer", [scanrefer("1", "0"), scanrefer(1, 0)])
    assert len(samples) == 1
    assert "listed twice; the first one counts" in file.skipped[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "桌子旁边的椅子",
        "стул рядом со столом",
        "الكرسي بجانب الطاولة",
        "🪑 next to the desk",
        "a\u2028b",
    ],
)
def test_descriptions_in_other_scripts_stay_as_they_are(tmp_path: Path, text: str) -> None:
    (sample,), _ = read(tmp_path, "scanrefer", [scanrefer(description=f" {text}\n")])
    assert sample.text == text
    (caption,), _ = read(tmp_path, "scan2cap", [scanrefer(description=text)])
    assert caption.answer == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps([GOOD, scanrefer()])[:-30], "not valid JSON"),
        ("", "not valid JSON"),
        ({"scene0000_00": [GOOD]}, "a list of entries is needed, not an object of 'scene0000_00'"),
        ({}, "a list of entries is needed"),
        ("3", "a list of entries is needed, not int"),
        ("[]", "the file has no entries"),
        ([scanrefer("57")], "none of 1 entries can be used: 1 times: object 57"),
    ],
)
def test_a_file_of_no_use_is_an_error_that_names_it(
    tmp_path: Path, content: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, "scanrefer", content)
    assert "scanrefer_train_0.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_scans_that_are_not_there_are_rows_and_all_of_them_an_error(tmp_path: Path) -> None:
    away = [scanrefer(str(n), scene_id="scene0707_00") for n in range(3)]
    samples, file = read(tmp_path, "scanrefer", [GOOD, *away])
    assert len(samples) == 1
    (row,) = file.skipped
    assert (row.scene_id, row.item) == ("scene0707_00", "scanrefer.train 3 entries")
    assert row.reason == "the scan is not among the 2 scans of the source"
    with pytest.raises(UserError, match=r"none of 3 entries can be used: .* not among the 2 scans"):
        read(tmp_path, "scanrefer", away)


def test_a_scan_that_could_not_be_read_is_a_row_with_its_reason(tmp_path: Path) -> None:
    usable = annotated_scans().scans[1]
    scans = AnnotatedScans([scan_without("frames are missing"), usable])
    entries = [scanrefer(), scanrefer(scene_id="scene0011_00")]
    samples, file = read(tmp_path, "scanrefer", entries, split="val", scans=scans)
    assert len(samples) == 1
    assert [row.reason for row in file.skipped] == ["frames are missing"]


def test_a_scan_without_annotated_objects_says_so(tmp_path: Path) -> None:
    usable = annotated_scans().scans[1]
    empty = scan_without("")
    entries = [scanqa(["yes"]), scanqa(["no"], "q-2", scene_id="scene0011_00")]
    samples, _ = read(tmp_path, "scanqa", entries, scans=AnnotatedScans([empty]))
    assert [s.referents for s in samples] == [[]]
    with pytest.raises(UserError, match="the scan has no objects"):
        read(tmp_path, "scanrefer", [scanrefer()], scans=AnnotatedScans([empty, usable]))


@pytest.mark.parametrize("split", ["train", "val"])
def test_nothing_is_trained_on_that_is_scored_elsewhere(tmp_path: Path, split: Any) -> None:
    scans = annotated_scans(splits=("test", "train"))
    entries = [scanrefer(), scanrefer(scene_id="scene0011_00")]
    samples, file = read(tmp_path, "scanrefer", entries, split=split, scans=scans)
    (sample,) = samples
    # A scan that one data set validates on and another one scores is held out of training.
    expected = {"train": "scans-scene0011_00", "val": "scans-scene0000_00"}
    assert sample.scene_id == expected[split]
    assert "would leak" in file.skipped[0].reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (multi3drefer([1], "zt_w_d"), "1 objects do not fit 'eval_type' 'zt_w_d'"),
        (multi3drefer([], "mt"), "0 objects do not fit"),
        (multi3drefer([1, 3], "st_w_d"), "2 objects do not fit"),
        (multi3drefer([1], "st"), "'eval_type' is 'st'; allowed: mt, st_w_d"),
        (multi3drefer([1, 57], "mt"), "object 57 is not one of the scan's 5 objects"),
        (multi3drefer([1, None], "mt"), "'object_ids' is None"),
        (multi3drefer(None, "mt"), "no 'object_ids'"),
        (multi3drefer([1], "st_w_d", 5), "annotation 5 of scene0000_00 is listed twice"),
    ],
)
def test_multi3drefer_entries_that_cannot_be_used(
    tmp_path: Path, entry: dict[str, Any], reason: str
) -> None:
    good = multi3drefer([0], "st_wo_d", 5)
    samples, file = read(tmp_path, "multi3drefer", [good, entry])
    assert len(samples) == 1
    assert reason in file.skipped[0].reason


def test_scanqa_keeps_what_can_be_used(tmp_path: Path) -> None:
    entries = [
        scanqa(["", "chair", None], "q-0", object_ids=[1, 57]),
        scanqa([], "q-1"),
        scanqa(["  "], "q-2"),
        scanqa("brown", "q-3"),
        scanqa(["x"], "q-3"),
        {**scanqa([], "q-4"), "answers": None},
        scanqa(["x"], 5, object_ids=None),
    ]
    samples, file = read(tmp_path, "scanqa", entries)
    assert [(s.sample_id, s.answer) for s in samples] == [
        ("scans-scanqa-train-q-0-0", "chair"),
        ("scans-scanqa-train-q-3-0", "brown"),
        ("scans-scanqa-train-5-0", "x"),
    ]
    assert samples[0].referents == [2]
    assert [row.reason for row in file.skipped] == [
        "'answer' is empty",
        "'answer' is None, not a text",
        "object 57 is not one of the scan's 5 objects; the question is kept without it",
        "question q-1 has no answers; a test set without answers cannot be scored",
        "'answer' is empty",
        "question q-2: every answer is empty or no text",
        "question q-3 is listed twice; the first one counts",
        "question q-4 has no answers; a test set without answers cannot be scored",
    ]


def test_a_test_set_without_answers_is_an_error(tmp_path: Path) -> None:
    entry = {key: value for key, value in scanqa([]).items() if key != "answers"}
    scans = annotated_scans(splits=("test", "test"))
    with pytest.raises(UserError, match=r"scanqa_test_0\.json: none of 1 entries .* no answers"):
        read(tmp_path, "scanqa", [entry], split="test", scans=scans)


def test_sqa3d_questions_and_annotations_that_do_not_fit(tmp_path: Path) -> None:
    questions = [
        sqa3d_question(1),
        sqa3d_question(2),
        sqa3d_question(3, alternative_situation=["", "I sit."]),
        sqa3d_question(3),
        sqa3d_question(4, situation=""),
        sqa3d_question(5),
        sqa3d_question(6, alternative_situation=None),
    ]
    annotations: list[Any] = [
        sqa3d_annotation("1", scene_id="scene0011_00"),
        sqa3d_annotation("3"),
        sqa3d_annotation(3, answers=[{"answer": "other"}]),
        sqa3d_annotation(4),
        sqa3d_annotation(5, answers=[{"answer": ""}]),
        sqa3d_annotation(6, answers=["plain"]),
        sqa3d_annotation(99),
        17,
    ]
    samples, file = read(tmp_path, "sqa3d", {"questions": questions}, {"annotations": annotations})
    assert [(s.sample_id.rsplit("train-")[-1], s.situation, s.answer) for s in samples] == [
        ("3-0", "I am facing the table.", "chair"),
        ("3-1", "I sit.", "chair"),
        ("6-0", "I am facing the table.", "plain"),
    ]
    assert [row.reason for row in file.skipped] == [
        "question 3 is annotated twice; the first one counts",
        "17 is not an entry with fields",
        "no such question",
        "question 1 is annotated in another scan, scene0011_00",
        "question 2 has no entry in sqa3d_train_1.json",
        "'alternative_situation' is empty",
        "question 3 is listed twice; the first one counts",
        "'situation' is empty",
        "'answer' is empty",
        "question 5: every answer is empty or no text",
    ]


def test_sqa3d_needs_both_files_as_published(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"sqa3d_train_1\.json: an object with a list 'annotations'"
    ):
        read(tmp_path, "sqa3d", {"questions": [sqa3d_question()]}, {"questions": []})


_TWO = [scanrefer(), scanrefer("3", "1", description="стул у стола")]
_LIST = json.dumps(_TWO, ensure_ascii=False)
_LINES = "".join(f"{json.dumps(entry)}\n" for entry in _TWO)


@pytest.mark.parametrize(
    "content",
    [
        _LIST.encode("utf-8-sig"),
        _LIST.encode("utf-16"),
        json.dumps(_TWO, indent=1).replace("\n", "\r\n").encode(),
        _LINES.encode(),
        _LINES.replace("\n", "\r\n\r\n").encode(),
        gzip.compress(_LIST.encode()),
        gzip.compress(_LINES.encode()),
    ],
    ids=["mark", "UTF-16", "CRLF", "lines", "CRLF lines", "gzip", "gzip of lines"],
)
def test_files_that_other_programs_saved_are_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    entries = read_entries(path)
    assert [entry["description"] for entry in entries] == [e["description"] for e in _TWO]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(_LIST.encode())[:-12], "damaged or cut-off gzip file"),
        (_LINES.encode() + b'{"scene_id": "scene', "line 3: not valid JSON"),
        (b"", "not valid JSON"),
        (b"\0" * 64, "not valid JSON"),
    ],
    ids=["cut gzip", "cut line", "empty", "zeros"],
)
def test_damaged_files_are_one_line_that_names_them(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_entries(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
