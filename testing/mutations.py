"""Broken versions of good files, for fuzz tests of readers: always the same ones for a seed.

A reader must refuse a broken file with a clear error, or read it; it may raise nothing else and may
not hang. `cpu_limit` ends one that does.
"""

import codecs
import copy
import json
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

NUM_MUTATIONS = 300
CPU_LIMIT_S = 5.0
# What stands in the place of a value: other types, extremes, and text that breaks out of its place.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 10**40, 10**400, -(10**400), 1e3, 4.0),
    *(0.5, -0.0, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf),
    *("", " ", "x", "null", "1e3", "9" * 400, "../../x", "/dev/zero", "~", "{x}", "%s", "-n"),
    *("\0", "\ud800", "\u202e", "é", "x" * 5000, "[" * 300, "<b>&amp;", "'\"`$(x)"),
    *([], {}, [[]], [None], [[1]], {"": None}, {"x": 1}, [math.nan] * 4, list(range(300))),
)


class TimeLimitError(Exception):
    """A reader used more processor time for one mutation than `CPU_LIMIT_S`."""


@contextmanager
def cpu_limit(seconds: float = CPU_LIMIT_S) -> Iterator[None]:
    """Raise `TimeLimitError` if the block takes more processor seconds; waiting does not count."""

    def stop(*_: object) -> None:
        raise TimeLimitError(f"more than {seconds} s of processor time for one mutation")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def json_mutations(value: Any, *, seed: int, count: int = NUM_MUTATIONS) -> Iterator[bytes]:
    """Yield broken versions of a JSON file: two in three of its values, one of its bytes."""
    generator = np.random.default_rng(seed)
    good = json.dumps(value).encode()
    for number in range(count):
        if number % 3:
            text = json.dumps(mutated_value(value, generator))
            yield with_duplicate_key(text) if number % 10 == 1 else text.encode()
        else:
            yield mutated_bytes(good, generator)


def byte_mutations(content: bytes, *, seed: int, count: int = NUM_MUTATIONS) -> Iterator[bytes]:
    """Yield broken versions of a file of any kind."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        yield mutated_bytes(content, generator)


def mutated_value(value: Any, generator: np.random.Generator) -> Any:
    """Return nested lists and objects with one to three changed places."""
    changed = copy.deepcopy(value)
    for _ in range(generator.integers(1, 4)):
        changed = _with_one_change(changed, generator)
    return changed


def _with_one_change(root: Any, generator: np.random.Generator) -> Any:
    places = list(_places(root))
    junk = copy.deepcopy(VALUES[generator.integers(len(VALUES))])
    if not places or generator.random() < 0.02:
        return junk
    holder, key = places[generator.integers(len(places))]
    kind = generator.integers(8)
    if kind < 4:
        holder[key] = junk
    elif kind == 4:
        del holder[key]
    elif kind == 5:
        nested: Any = holder[key]
        for _ in range(generator.choice([1, 3, 120])):
            nested = [nested] if generator.random() < 0.5 else {"x": nested}
        holder[key] = nested
    elif kind == 6 and isinstance(holder, dict):
        holder[str(junk)[:50]] = holder.pop(key)
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        # The value of another place.
        other, other_key = places[generator.integers(len(places))]
        holder[key] = copy.deepcopy(other[other_key]) if other_key in _keys(other) else junk
    return root


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            yield value, key
            yield from _places(inner)


def with_duplicate_key(text: str) -> bytes:
    """Return JSON whose first object has its first key twice."""
    start = text.find('{"')
    end = text.find('"', start + 2) + 1
    if start < 0 or end == 0:
        return text.encode()
    return f"{text[: start + 1]}{text[start + 1 : end]}: null, {text[start + 1 :]}".encode()


def mutated_bytes(content: bytes, generator: np.random.Generator) -> bytes:
    """Return a file with flipped, missing, repeated or foreign bytes, or in another encoding."""
    changes: tuple[Callable[[bytearray, np.random.Generator], bytes], ...] = (
        _flipped,
        _flipped,
        _cut,
        _without_part,
        _with_repeated_part,
        _with_foreign_part,
        _in_other_encoding,
        _nested,
    )
    return changes[generator.integers(len(changes))](bytearray(content), generator)


def _flipped(content: bytearray, generator: np.random.Generator) -> bytes:
    for _ in range(generator.integers(1, 5)):
        if content:
            content[generator.integers(len(content))] ^= 1 << int(generator.integers(8))
    return bytes(content)


def _part(content: bytearray, generator: np.random.Generator) -> tuple[int, int]:
    start, stop = sorted(generator.integers(0, len(content) + 1, 2).tolist())
    return start, stop


def _cut(content: bytearray, generator: np.random.Generator) -> bytes:
    return bytes(content[: generator.integers(0, len(content) + 1)])


def _without_part(content: bytearray, generator: np.random.Generator) -> bytes:
    start, stop = _part(content, generator)
    return bytes(content[:start] + content[stop:])


def _with_repeated_part(content: bytearray, generator: np.random.Generator) -> bytes:
    start, stop = _part(content, generator)
    return bytes(content[:stop] + content[start:])


def _with_foreign_part(content: bytearray, generator: np.random.Generator) -> bytes:
    start = int(generator.integers(0, len(content) + 1))
    foreign = generator.choice(
        [b"\0", b"\xff\xfe", b"\xe9", b"\t", b"\r", b"9" * 400, b"NaN", b'"', b"[" * 200, b"1e999"]
    )
    return bytes(content[:start]) + bytes(foreign) + bytes(content[start:])


def _in_other_encoding(content: bytearray, generator: np.random.Generator) -> bytes:
    text = content.decode("utf-8", "replace") + "é"
    names = ("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-7", "utf-8-sig", "cp037")
    encoded = text.encode(names[generator.integers(len(names))], "replace")
    return codecs.BOM_UTF16_BE + encoded if generator.random() < 0.2 else encoded


def _nested(content: bytearray, generator: np.random.Generator) -> bytes:
    depth = int(generator.choice([10, 200, 20_000]))
    return b"[" * depth + bytes(content) + b"]" * int(generator.choice([0, depth]))
