"""What all readers of layouts share: entries one by one, repeats, limits, problems."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from workflow_scripts.layouts.layout import FormatProblem, LayoutBox
from workflow_scripts.layouts.text_values import (
    COMMENTS,
    MAX_ENTRIES,
    MAX_TEXT,
    ValueProblem,
    shorten,
)

T = TypeVar("T")
FENCE = "```"
# The name of a language after the mark that opens a fence.
_INFO = re.compile(r"[ \t]*[\w.+-]*[ \t]*\r?(?=\n|$)", re.ASCII)
_EMPTY = re.compile(r"\[\s*\]|none\s*;?", re.IGNORECASE)
REPEATED = "repeats an earlier entry"
"""End of the reason for an entry that is left out because it stands there twice."""


def read_entries(
    entries: Iterable[tuple[str, str]],
    read: Callable[[str], T],
    identity: Callable[[T], Hashable],
) -> tuple[list[T], list[FormatProblem]]:
    """Read entries (position, text) one by one; return the items and what could not be read.

    `read` raises `ValueProblem` for what is no entry. An item whose identity is that of an earlier
    one is left out: models that end in a loop write the same object until they are cut off. At
    most `MAX_ENTRIES` are read.
    """
    items: list[T] = []
    problems = []
    seen: set[Hashable] = set()
    for number, (position, text) in enumerate(entries):
        if number >= MAX_ENTRIES:
            problems.append(FormatProblem(position, f"only {MAX_ENTRIES} entries are read"))
            break
        try:
            item = read(text.strip())
        except ValueProblem as problem:
            problems.append(FormatProblem(position, str(problem)))
            continue
        if identity(item) in seen:
            problems.append(FormatProblem(position, f"{shorten(text)} {REPEATED}"))
            continue
        seen.add(identity(item))
        items.append(item)
    return items, problems


def box_identity(box: LayoutBox) -> Hashable:
    """Return what two boxes have in common that are one object written twice."""
    arrays = (box.centre_m, box.size_m, box.rotation)
    return (box.label, box.asset_id, box.parent, *(array.tobytes() for array in arrays))


def limited(text: str) -> tuple[str, list[FormatProblem]]:
    """Return at most `MAX_TEXT` characters of a text, and a problem if it has more."""
    if len(text) <= MAX_TEXT:
        return text, []
    problem = FormatProblem("end", f"only {MAX_TEXT} of {len(text)} characters are read")
    return text[:MAX_TEXT], [problem]


def numbered_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield (position, line) of the lines that are neither empty nor comments."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(COMMENTS):
            yield f"line {number}", line


def without_fences(text: str) -> str:
    """Return what stands within code fences, or all of a text without any.

    What is outside of them is prose, and left blank so that lines keep their numbers; an open fence
    runs to the end. Fences around nothing are removed.
    """
    outside, *rest = text.split(FENCE)
    if not rest:
        return text
    parts = [_blank(outside)]
    for number, part in enumerate(rest):
        parts.append(_INFO.sub("", part, count=1) if number % 2 == 0 else _blank(part))
    within = "".join(parts)
    return within if within.strip() else text.replace(FENCE, "")


def says_empty(text: str) -> bool:
    """Return whether a text says that a room has no objects: an empty list, or none."""
    return _EMPTY.fullmatch(without_fences(text).strip()) is not None


def _blank(text: str) -> str:
    return "\n" * text.count("\n")
