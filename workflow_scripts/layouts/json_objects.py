"""Find JSON objects in text that may be cut off, fenced, or stand among prose."""

import json
from collections.abc import Iterator
from typing import Any

from workflow_scripts.layouts.text_values import MAX_NESTING, MAX_TEXT, ValueProblem, shorten

MAX_OBJECT = 20_000  # characters


def json_objects(text: str) -> Iterator[tuple[str, str]]:
    """Yield (position, text) of the objects that hold no objects, and of one that is cut off.

    An object that holds others is entered, so that `{"objects": [...]}` is read as the list is.
    Braces within strings do not count.
    """
    text = text[:MAX_TEXT]
    number = 0
    starts: list[int] = []
    holds_objects: list[bool] = []
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
            if holds_objects:
                holds_objects[-1] = True
            starts.append(at)
            holds_objects.append(False)
        elif character == "}" and starts:
            start = starts.pop()
            if not holds_objects.pop():
                number += 1
                yield f"object {number}", text[start : at + 1]
        at += 1
    if starts and not holds_objects[-1]:
        yield f"object {number + 1}", text[starts[-1] :]


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
