"""What all readers of layouts share: entries one by one, repeats, limits, problems."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from workflow_scripts.layouts.layout import FormatProblem, LayoutBox
from workflow_scripts.layouts.text_values import MAX_ENTRIES, MAX_TEXT, ValueProblem, shorten

T = TypeVar("T")
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


def numbered_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield (position, line) of the lines that are not empty, of at most `MAX_TEXT` characters."""
    for number, line in enumerate(text[:MAX_TEXT].splitlines(), 1):
        if line.strip():
            yield f"line {number}", line


def without_fences(text: str) -> str:
    """Return the text within the first code fence, or all of it; an open fence runs to the end."""
    start = text.find("```")
    if start < 0:
        return text
    start = text.find("\n", start)
    if start < 0:
        return ""
    end = text.find("```", start)
    return text[start:] if end < 0 else text[start:end]
