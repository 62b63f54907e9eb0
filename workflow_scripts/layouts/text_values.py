"""Read numbers, quoted strings and lists from text that a model wrote, within limits.

Nothing is evaluated. Digits are ASCII digits; NaN and infinity are no numbers.
"""

import re
from typing import TypeAlias

Value: TypeAlias = "float | str | list[Value]"

MAX_TEXT = 1_000_000  # characters of a layout that are read
MAX_ENTRIES = 10_000
MAX_NESTING = 8
MAX_NUMBER = 1e6  # metres, degrees or centimetres: nothing in a room is larger
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?"
)
_STRING = re.compile(r"'((?:[^'\\\n]|\\.){0,1000})'|\"((?:[^\"\\\n]|\\.){0,1000})\"")
_BARE = re.compile(r"[A-Za-z_][\w |./-]{0,999}", re.ASCII)
COMMENTS = ("#", "//")
_CLOSING = "])"
_ESCAPE = re.compile(r"\\(.)")


class ValueProblem(ValueError):
    """Text that is no value; the message says what was found."""


def parse_number(text: str) -> float:
    """Return a finite number of at most `MAX_NUMBER`; `ValueProblem` for anything else."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueProblem(f"{shorten(text)} is not a number")
    number = float(match[0])
    if abs(number) > MAX_NUMBER:
        raise ValueProblem(f"{shorten(text)} is larger than {MAX_NUMBER:g}")
    return number


def parse_values(text: str) -> list[Value]:
    """Return values that stand in a row, separated by commas, in or without brackets.

    A value is a number, a string in quotes, a bare word, or a list in square or round brackets;
    either kind of bracket closes a list. A comment may follow the last value.
    `ValueProblem` if the text is anything else, or nests deeper than `MAX_NESTING`.
    """
    values, end = _row(text, 0, is_list=False, depth=0)
    if text[end:].strip() and not text[end:].startswith(COMMENTS):
        raise ValueProblem(f"{shorten(text[end:])} follows the last value")
    return values


def shorten(text: str, length: int = 40) -> str:
    """Return text in quotes for a message, cut to a length."""
    text = text.strip()
    return repr(text if len(text) <= length else f"{text[: length - 3]}...")


def quote(text: str) -> str:
    """Write a string in single quotes, so that `parse_values` reads it back."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ").replace("\r", " ")
    return f"'{escaped}'"


def _row(text: str, start: int, *, is_list: bool, depth: int) -> tuple[list[Value], int]:
    if depth > MAX_NESTING:
        raise ValueProblem(f"brackets are nested more than {MAX_NESTING} deep")
    values: list[Value] = []
    at = _skip_space(text, start)
    closing = _CLOSING if is_list else ""
    while at < len(text) and text[at] not in closing:
        value, at = _value(text, at, depth)
        values.append(value)
        at = _skip_space(text, at)
        if at < len(text) and text[at] == ",":
            at = _skip_space(text, at + 1)
        elif at < len(text) and text[at] not in closing:
            if not is_list:
                break
            raise ValueProblem(f"{shorten(text[at:])} stands where a comma or bracket belongs")
    if is_list:
        if at >= len(text):
            raise ValueProblem("a bracket is not closed")
        at += 1
    return values, at


def _value(text: str, at: int, depth: int) -> tuple[Value, int]:
    if text[at] in "[(":
        return _row(text, at + 1, is_list=True, depth=depth + 1)
    if match := _STRING.match(text, at):
        content = match[1] if match[1] is not None else match[2]
        return _ESCAPE.sub(r"\1", content), match.end()
    if match := _NUMBER.match(text, at):
        return parse_number(match[0]), match.end()
    if match := _BARE.match(text, at):
        return match[0].strip(), match.end()
    raise ValueProblem(f"{shorten(text[at:])} is no value")


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def as_vector(value: Value, length: int, name: str) -> list[float]:
    """Return a list of so many numbers; `ValueProblem` names what is missing."""
    if not isinstance(value, list) or len(value) != length:
        raise ValueProblem(f"{name} is {shorten(str(value))}, not a list of {length} numbers")
    numbers = [number for number in value if isinstance(number, float)]
    if len(numbers) != length:
        raise ValueProblem(f"{name} is {shorten(str(value))}, not a list of {length} numbers")
    return numbers


def as_text(value: Value, name: str) -> str:
    """Return a string that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueProblem(f"{name} is {shorten(str(value))}, not a name")
    return value.strip()


def as_number(value: Value, name: str) -> float:
    """Return a number."""
    if not isinstance(value, float):
        raise ValueProblem(f"{name} is {shorten(str(value))}, not a number")
    return value
