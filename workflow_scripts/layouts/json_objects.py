"""Find JSON objects in text that may be cut off, fenced, or stand among prose."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from workflow_scripts.layouts.text_values import MAX_NESTING, ValueProblem, shorten

MAX_OBJECT = 20_000  # characters


def json_objects(text: str, keys: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (position, text) of the objects that hold no objects or have one of some keys.

    Objects within an object are yielded for themselves, before it, and stand as null in it: so
    `{"objects": [...]}` is read as the list is. One that is cut off is yielded as it is. Braces
    within strings do not count.
    """
    number = 0
    starts: list[int] = []
    held: list[list[tuple[int, int]]] = []
    in_string = False
    at = 0
    while at < len(text):
        character = text[at]
        if in_string:
            if character == "\\":
                at += 1
            elif character == '"':
                in_string = False
        elif character == '"' and starts:
            in_string = True
        elif character == "{":
            starts.append(at)
            held.append([])
        elif character == "}" and starts:
            start, inner = starts.pop(), held.pop()
            own = _without(text, start, at + 1, inner)
            if held:
                held[-1].append((start, at + 1))
            if not inner or _has_key(own, keys):
                number += 1
                yield f"object {number}", own
        at += 1
    for place, (start, inner) in enumerate(zip(starts, held, strict=True)):
        is_innermost = place == len(starts) - 1
        end = len(text) if is_innermost else starts[place + 1]
        own = _without(text, start, end, inner)
        if (is_innermost and not inner) or _has_key(own, keys):
            number += 1
            yield f"object {number}", own


def _without(text: str, start: int, end: int, inner: Sequence[tuple[int, int]]) -> str:
    """Return a part of a text with null in place of some parts of it."""
    if not inner:
        return text[start:end]
    starts, ends = zip(*inner, strict=True)
    parts = zip((start, *ends), (*starts, end), strict=True)
    return "null".join(text[first:last] for first, last in parts)


def _has_key(text: str, keys: Sequence[str]) -> bool:
    return any(f'"{key}"' in text for key in keys)


def parse_object(text: str) -> dict[str, Any]:
    """Return a JSON object; `ValueProblem` for anything else."""
    if len(text) > MAX_OBJECT:
        raise ValueProblem(f"{shorten(text)} has more than {MAX_OBJECT} characters")
    if text.count("[") > 100 * MAX_NESTING:
        raise ValueProblem(f"{shorten(text)} has too many brackets")
    try:
        parsed = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        reason = "is cut off" if not text.endswith("}") else "is no JSON"
        raise ValueProblem(f"{shorten(text)} {reason}") from None
    if not isinstance(parsed, dict):
        raise ValueProblem(f"{shorten(text)} is no JSON object")
    return parsed


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
