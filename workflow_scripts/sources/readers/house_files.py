"""Files of ProcTHOR houses: .jsonl, .jsonl.gz (a house a line) or .json (one house, or a list).

Counting and digests read bytes only, never JSON, because they run whenever Snakemake parses the
workflow, also with 10,000 houses.
"""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.text_files import decode_text, parse_json, text_encoding

SUFFIXES = (".jsonl", ".jsonl.gz", ".json")
_GZIP_MAGIC = b"\x1f\x8b"
# The mean of ProcTHOR-10K, for estimates.
ROOMS_PER_HOUSE = 3


def read_house_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, text) of every house in a file, without holding the file.

    Blank lines are no houses. A .json file gives its one house (or each of its list) with line
    number 1. The text is UTF-8 without a byte-order mark, whatever the file is in. `UserError` if
    the file is missing, of another kind, cut off or not what its name says.
    """
    if not path.name.endswith(SUFFIXES):
        raise UserError(
            f"sources.<name>.houses: {str(path)!r} is not 'generate', not 'procthor-10k', and no "
            f"file named {', '.join(SUFFIXES)}; correct the word, or rename the file"
        )
    if not path.is_file():
        raise UserError(
            f"{path}: no such file of houses. Correct sources.<name>.houses: a path relative to "
            "the working directory, 'generate' or 'procthor-10k'."
        )
    # A browser may have taken the .gz off the name without unpacking the file.
    opener = gzip.open if path.name.endswith(".gz") or _is_gzip(path) else open
    try:
        if path.name.endswith(".json"):
            with opener(path, "rb") as file:
                content = file.read()
            yield from ((1, text) for text in _houses_of_json(content, path))
            return
        with opener(path, "rb") as file:
            for number, line in enumerate(_utf8_lines(file), start=1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: damaged {error.encoding} text; save it as UTF-8") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(
            f"{path}: cut off or not a gzip file ({error}). Fetch or compress it again; "
            "'gzip -t' checks it."
        ) from error


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _utf8_lines(file: io.BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    """Yield the lines of a file; those of a UTF-8 file are its own bytes."""
    encoding = text_encoding(file.peek(4)[:4])
    if encoding == "utf-8-sig":
        file.read(3)
    if encoding.startswith("utf-8"):
        yield from file
    else:
        lines = io.TextIOWrapper(file, encoding=encoding, newline="\n")
        yield from (line.encode() for line in lines)


def count_houses(path: Path) -> int:
    """Return how many houses a file holds; `UserError` if there are none."""
    count = len(_line_digests(path))
    if not count:
        raise UserError(f"{path}: 0 houses. A file of houses has one JSON object a line.")
    return count


def house_shard_digests(path: Path, houses_per_shard: int) -> list[str]:
    """Return one SHA-256 for every `houses_per_shard` houses of a file, in order.

    A house that is added at the end changes the last digest only.
    """
    lines = _line_digests(path)
    return [
        hashlib.sha256(b"".join(lines[start : start + houses_per_shard])).hexdigest()
        for start in range(0, len(lines), houses_per_shard)
    ]


def _line_digests(path: Path) -> tuple[bytes, ...]:
    """Return the SHA-256 of every house's text; a file that did not change is read once."""
    status = path.stat() if path.is_file() else None
    return _line_digests_of(path, status and (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=8)
def _line_digests_of(path: Path, state: tuple[int, int] | None) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(line.rstrip()).digest() for _, line in read_house_lines(path))


def _houses_of_json(content: bytes, path: Path) -> Iterator[bytes]:
    """Return the text of the file if it is one house, else the text of each house of its list."""
    text = decode_text(content, path)
    if not text.lstrip().startswith("["):
        if text.strip():
            yield text.encode()
        return
    try:
        houses = parse_json(text, path)
    except UserError as error:
        raise UserError(f"{error}. Correct it or fetch it again.") from None
    yield from (json.dumps(house).encode() for house in houses)
