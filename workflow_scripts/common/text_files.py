"""Read text that users wrote, whatever program saved it, and the JSON in it.

UTF-8 with or without a byte-order mark, UTF-16 and UTF-32 are read. Bytes that are none of these
(Latin-1, for one) are refused, because a guess would change names without a word.
"""

import gzip
import json
import math
import zlib
from json import detect_encoding
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError

_GZIP = b"\x1f\x8b"
MAX_DEPTH = 100
"""Levels of lists and objects in a value; Python's own limit is some hundreds above it."""


def text_encoding(head: bytes) -> str:
    """Return the encoding of a text by its first four bytes: its mark, else where zeros lie."""
    encoding = detect_encoding(head)
    is_marked = encoding in ("utf-8-sig", "utf-16", "utf-32")
    is_ascii = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head if byte)
    return encoding if is_marked or is_ascii else "utf-8"


def decode_text(content: bytes, where: Path | str) -> str:
    """Return the text of a file's bytes; `UserError` names `where` and the line that is no text."""
    encoding = text_encoding(content[:4])
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if not encoding.startswith("utf-8"):
            raise UserError(f"{where}: damaged {encoding.upper()} text; save it as UTF-8") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{where}: line {line} is not UTF-8 text (byte 0x{content[error.start]:02x}), perhaps "
            "Latin-1; save it as UTF-8 ('iconv -f LATIN1 -t UTF-8')"
        ) from None


def read_text(path: Path) -> str:
    """Return the text of a user's file, also of one packed by gzip.

    Raises:
        UserError: It cannot be read; the message names the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise UserError(f"{path}: damaged or cut-off gzip file; copy it again") from None
    return decode_text(content, path)


def parse_json(text: str | bytes, where: Path | str) -> Any:
    """Return a JSON value; `UserError` names `where` and the reason if it is none.

    Values that later steps could not store are refused as well, see `unusable_value`.
    """
    if isinstance(text, bytes):
        text = decode_text(text, where)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not valid JSON: {json_problem(error)}") from None
    problem = unusable_value(value)
    if problem:
        raise UserError(f"{where}: {problem}")
    return value


def json_problem(error: ValueError | RecursionError) -> str:
    """Say what is wrong with a text that `json` does not read."""
    if isinstance(error, RecursionError):
        return f"more than {MAX_DEPTH} levels of brackets"
    # Python's own words for a number of 5,000 digits are about Python.
    return "a number has too many digits" if "digits" in str(error) else str(error)


def unusable_value(value: Any) -> str:
    """Say why a JSON value cannot be stored or counted with, '' if it can.

    Too many levels, a whole number that no float holds, half of a surrogate pair. NaN and
    infinity are left to whoever knows what a number means.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        for inner in level:
            if isinstance(inner, str) and not _is_text(inner):
                return f"{inner!r:.60} has half of a surrogate pair, which is no character"
            if isinstance(inner, int) and not _is_float(inner):
                return f"a number of {len(str(inner))} digits; no number has more than 308"
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return ""
    return f"more than {MAX_DEPTH} levels of brackets"


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_float(number: int) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False
