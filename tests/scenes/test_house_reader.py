"""Houses are read by index, one at a time; what is broken is said."""

import gzip
import json
import sys
import types

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.scenes.house_reader import read_houses


def write(path, lines):
    text = "\n".join(lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


@pytest.mark.parametrize("name", ["h.jsonl", "h.jsonl.gz"])
def test_a_range_of_lines(tmp_path, name):
    houses = write(tmp_path / name, [json.dumps({"n": n}) for n in range(9)])
    entries = list(read_houses(houses, start=3, stop=6))
    assert [entry.content for entry in entries] == [{"n": 3}, {"n": 4}, {"n": 5}]
    assert [entry.index for entry in entries] == [3, 4, 5]
    assert entries[0].origin == f"{name}:4"


def test_broken_json_in_a_line_is_an_entry_with_a_reason(tmp_path):
    houses = write(tmp_path / "h.jsonl", ['{"n": 0}', '{"n": 1', '{"n": 2}'])
    entries = list(read_houses(houses, start=0, stop=3))
    assert [bool(entry.reason) for entry in entries] == [False, True, False]
    assert "not valid JSON" in entries[1].reason


def test_one_json_file(tmp_path):
    path = tmp_path / "house.json"
    path.write_text(json.dumps({"n": 5}, indent=1))
    assert [entry.content for entry in read_houses(str(path), start=0, stop=1)] == [{"n": 5}]


def test_fewer_houses_than_wanted_is_a_user_error(tmp_path):
    houses = write(tmp_path / "h.jsonl", ["{}"] * 4)
    with pytest.raises(UserError, match="houses 2 to 5 are wanted but only 2 of them"):
        list(read_houses(houses, start=2, stop=6))


def test_a_file_cut_off_is_a_user_error(tmp_path):
    path = tmp_path / "h.jsonl.gz"
    lines = [json.dumps({"n": n, "x": [n * 0.37] * 50}) for n in range(200)]
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-100])
    with pytest.raises(UserError, match="cut off"):
        list(read_houses(str(path), start=0, stop=200))


def test_procthor_10k_follows_its_splits(monkeypatch):
    data = {"train": [{"n": 0}, {"n": 1}], "val": [json.dumps({"n": 2})], "test": [{"n": 3}]}
    stand_in = types.SimpleNamespace(load_dataset=lambda name: data)
    monkeypatch.setitem(sys.modules, "prior", stand_in)
    entries = list(read_houses("procthor-10k", start=1, stop=4))
    assert [entry.content["n"] for entry in entries] == [1, 2, 3]
    assert entries[1].origin == "procthor-10k:val[0]"


def test_procthor_10k_without_network_says_so(monkeypatch):
    def fail(name):
        raise ConnectionError("no route to host")

    monkeypatch.setitem(sys.modules, "prior", types.SimpleNamespace(load_dataset=fail))
    with pytest.raises(UserError, match=r"no route to host.*network.*\.jsonl"):
        list(read_houses("procthor-10k", start=0, stop=1))


def test_procthor_10k_without_the_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "prior", None)
    with pytest.raises(UserError, match="pip install prior"):
        list(read_houses("procthor-10k", start=0, stop=1))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"a": "Küche"}'.encode("latin-1"), "not UTF-8"),
        (b"[" * 100_000, "levels of brackets"),
        (b'{"a": ' + b"9" * 400 + b"}", "400 digits"),
        (b'{"a": ' + b"9" * 9000 + b"}", "too many digits"),
        (b'{"a": "\\ud83e"}', "surrogate"),
    ],
    ids=["latin-1", "brackets", "400 digits", "9000 digits", "half of a pair"],
)
def test_an_absurd_line_costs_itself_alone(tmp_path, line, says):
    path = tmp_path / "h.jsonl"
    path.write_bytes(b'{"n": 0}\n' + line + b'\n{"n": 2}\n')
    first, absurd, last = read_houses(str(path), start=0, stop=3)
    assert (first.content, last.content) == ({"n": 0}, {"n": 2})
    assert says in absurd.reason
    json.dumps(absurd.content).encode()
