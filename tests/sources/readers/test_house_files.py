"""Counting and digesting files of houses by their bytes."""

import gzip
import json
import time

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.house_files import (
    count_houses,
    house_shard_digests,
    read_house_lines,
)


def test_counts_lines_but_no_blank_ones(tmp_path):
    path = tmp_path / "houses.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}\n{"a": 3}')
    assert count_houses(path) == 3
    assert [number for number, _ in read_house_lines(path)] == [1, 3, 4]


@pytest.mark.parametrize("name", ["h.jsonl", "h.json"])
def test_a_gzip_file_is_known_by_its_bytes(tmp_path, name):
    house = b'{"rooms": [], "schema": "1.0.0"}'
    path = tmp_path / name
    path.write_bytes(gzip.compress(house))
    assert list(read_house_lines(path)) == [(1, house)]
    path.write_bytes(gzip.compress(house)[:-6])
    with pytest.raises(UserError, match="cut off or not a gzip file"):
        list(read_house_lines(path))


def test_gzip_and_plain_text_agree(tmp_path):
    text = "".join(json.dumps({"house": index}) + "\n" for index in range(10))
    plain, packed = tmp_path / "h.jsonl", tmp_path / "h.jsonl.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert count_houses(packed) == count_houses(plain) == 10
    assert house_shard_digests(packed, 4) == house_shard_digests(plain, 4)


def test_a_house_added_changes_only_its_shard(tmp_path):
    path = tmp_path / "h.jsonl"
    path.write_text("".join(f"{index}\n" for index in range(10)))
    before = house_shard_digests(path, 4)
    path.write_text("".join(f"{index}\n" for index in range(11)))
    after = house_shard_digests(path, 4)
    assert len(before) == len(after) == 3
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_a_missing_last_newline_changes_no_digest(tmp_path):
    path = tmp_path / "h.jsonl"
    path.write_text("1\n2\n")
    before = house_shard_digests(path, 4)
    path.write_text("1\n2")
    assert house_shard_digests(path, 4) == before


def test_one_json_file_is_one_house_and_a_list_is_many(tmp_path):
    path = tmp_path / "h.json"
    path.write_text(json.dumps({"rooms": []}, indent=2))
    assert count_houses(path) == 1
    path.write_text(json.dumps([{"rooms": []}, {}]))
    assert count_houses(path) == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.jsonl", None, "no such file"),
        ("houses.csv", b"1,2", "named .jsonl"),
        ("empty.jsonl", b"\n\n", "0 houses"),
        ("empty.json", b"", "0 houses"),
        ("not.jsonl.gz", b"plain text\n", "gzip"),
        ("list.json", b'[{"rooms": []}, ', "not valid JSON"),
        ("cut.jsonl.gz", gzip.compress(bytes(range(256)) * 64)[:-20], "cut off"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_a_user_error(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as error:
        count_houses(path)
    assert str(path) in str(error.value)


def test_a_folder_is_no_file_of_houses(tmp_path):
    (tmp_path / "h.jsonl").mkdir()
    with pytest.raises(UserError, match="no such file"):
        count_houses(tmp_path / "h.jsonl")


def test_ten_thousand_houses_take_seconds(tmp_path):
    path = tmp_path / "h.jsonl.gz"
    line = json.dumps({"objects": [{"position": index / 7} for index in range(700)]}) + "\n"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(line for _ in range(10_000))
    start = time.process_time()
    assert count_houses(path) == 10_000
    assert len(house_shard_digests(path, 128)) == 79
    assert time.process_time() - start < 8


HOUSES = [{"rooms": ["Küche"]}, {"rooms": []}]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["h.jsonl", "h.jsonl.gz", "h.json"])
def test_every_unicode_encoding_gives_the_same_houses_and_digests(tmp_path, name, encoding):
    texts = [json.dumps(house, ensure_ascii=False) for house in HOUSES]
    text = f"[{', '.join(texts)}]" if name.endswith(".json") else "\n".join(texts)
    path, plain = tmp_path / name, tmp_path / f"plain-{name}"
    for file, content in ((path, text.encode(encoding)), (plain, text.encode())):
        file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [json.loads(line) for _, line in read_house_lines(path)] == HOUSES
    assert count_houses(path) == 2
    assert house_shard_digests(path, 1) == house_shard_digests(plain, 1)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("h.json", '{"rooms": ["Küche"]}'.encode("latin-1"), "line 1 is not UTF-8.*Latin-1"),
        ("h.json", b"[" * 100_000, "levels of brackets"),
        ("h.json", b'[{"seed": ' + b"9" * 400 + b"}]", "400 digits"),
        ("h.json", '[{"id": 1}]'.encode("utf-16")[:-1], "damaged UTF-16"),
        ("h.jsonl", '{"id": 1}\n{"id": 2}'.encode("utf-16")[:-1], "damaged utf-16"),
    ],
)
def test_text_that_is_none_is_a_line_that_names_the_file(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=says) as error:
        count_houses(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
