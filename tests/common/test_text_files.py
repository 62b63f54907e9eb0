"""Text of users is read in every Unicode encoding, refused in any other; JSON by the same rule."""

import codecs
import json

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import MAX_DEPTH, parse_json, read_text

TEXT = '{"a": "Küche, 椅子 🪑"}\n'
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16": b"",
    "utf-32": b"",
    "utf-16-le": b"",
    "utf-16-be": b"",
    "utf-16-be with a mark": codecs.BOM_UTF16_BE,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_unicode_encoding_is_read(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_bytes(ENCODINGS[encoding] + TEXT.encode(encoding.split()[0]))
    assert read_text(path) == TEXT


def test_latin_1_is_refused_with_file_and_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"a": 1}\n{"a": "Küche"}\n'.encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.jsonl: line 2 is not UTF-8 .*Latin-1.*iconv"):
        read_text(path)


def test_utf_16_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(TEXT.encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"a\.json: damaged UTF-16 text"):
        read_text(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: cannot be read: No such file"):
        read_text(tmp_path / "none.json")


def test_json_of_bytes():
    assert parse_json(b"\xef\xbb\xbf[1]", "a") == [1]
    assert parse_json(json.dumps({"a": {"1": [1.5, None, "x"]}}), "a") == {
        "a": {"1": [1.5, None, "x"]}
    }


ABSURD = {
    "brackets": "[" * 100_000,
    "closed brackets": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000,
    "just too deep": "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    "400 digits": '{"a": [' + "9" * 400 + "]}",
    "5000 digits": '{"a": ' + "9" * 5000 + "}",
    "half of a pair": '{"a": "\\ud83e"}',
    "half of a pair in a key": '{"\\udc00": 1}',
    "cut off": '{"a": ',
    "nothing": "",
}


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_values_that_no_later_step_could_hold_are_one_error(text):
    with pytest.raises(UserError, match=r"^where: ") as error:
        parse_json(text, "where")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_values_at_the_limits_are_read():
    parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "where")
    parse_json("9" * 300, "where")
    parse_json('"\\ud83e\\ude91"', "where")
