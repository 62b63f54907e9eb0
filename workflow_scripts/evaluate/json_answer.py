"""Read the answer out of a reply that is JSON, holds JSON, or looks like it."""

import json
import re
from typing import Any

from workflow_scripts.common.units import UNITS

ANSWER_KEYS = (
    "final_answer", "answer", "correct_answer", "correct_option", "choice", "option", "letter",
    "prediction", "response", "result", "output", "value",
)  # fmt: skip
# What stands beside an answer and is none.
SIDE_KEYS = (
    "reasoning", "explanation", "rationale", "reason", "justification", "thought", "thoughts",
    "thinking", "analysis", "steps", "description", "question", "id", "confidence", "unit", "units",
    "label", "note", "notes", "certainty", "probability", "type",
)  # fmt: skip
_BARE_NUMBER = re.compile(r"\s*[-+]?[\d.,]+(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_UNIT_WORDS = {word for unit in UNITS for word in unit.words}
_COORDINATE_KEYS = (
    ("x", "y"), ("u", "v"), ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"),
    ("u0", "v0", "u1", "v1"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"),
)  # fmt: skip
_keys = "|".join(key.replace("_", "[_ ]?") for key in ANSWER_KEYS)
# Also what JSON does not allow: single quotes, bare keys, an object that is cut off.
_LOOSE_ENTRY = re.compile(
    rf"[{{,]\s*[\"']?(?:{_keys})[\"']?\s*:\s*"
    r"(?:\"((?:[^\"\\]|\\.)*)|'([^']*)|([\[(][^\])]*[\])]?|[^,}\n]+))",
    re.IGNORECASE,
)
_OPENING = re.compile(r"[{\[]")
# Opening brackets that are tried: prose has few, and a reply of nothing else is none.
MAX_OPENINGS = 16
MAX_DEPTH = 4
# LaTeX in a JSON string whose backslash was not escaped: "\text" became a tab and "ext".
_UNESCAPED = {"\b": "\\b", "\t": "\\t", "\f": "\\f", "\r": "\\r"}


def json_answer(text: str) -> str | None:
    """Return the answer that JSON in a text states, in plain words; None if there is none.

    `{"answer": "B"}` is "B"; `{"value": 1.5, "unit": "m"}` and `{"distance_m": 1.5}` are
    "1.5 m"; `{"feet": 5, "inches": 3}` is "5 feet 3 inches"; true is "yes"; a list and
    `{"x": 1, "y": 2}` are "(1, 2)"; `{"A": false, "B": true}` is "B". Of several objects the
    last that has an answer counts. The one key of another name counts too if the text is that
    object and nothing else.
    """
    if "{" not in text:
        return None
    decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
    answer, start = None, 0
    for _ in range(MAX_OPENINGS):
        match = _OPENING.search(text, start)
        if match is None:
            break
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            start = match.end()
            continue
        start = end
        is_whole = not (text[: match.start()] + text[end:]).strip()
        found = _stated(value, MAX_DEPTH, any_key=is_whole) if _has_object(value) else None
        answer = answer if found is None else found
    if answer is None:
        entries = list(_LOOSE_ENTRY.finditer(text))
        answer = next((part for part in entries[-1].groups() if part), None) if entries else None
    return None if answer is None else re.sub(r"[\b\t\f\r](?=[a-z]+\{)", _restore, answer)


def _restore(match: re.Match[str]) -> str:
    return _UNESCAPED[match[0]]


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(entry, dict) for entry in value)
    )


def _stated(value: Any, depth: int, *, any_key: bool) -> str | None:
    """Return a value in plain words; None where it states nothing, or several things."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if depth == 0:
        return None
    if isinstance(value, dict):
        return _stated_by_object(value, depth, any_key=any_key)
    if isinstance(value, list) and value:
        if len(value) == 1:
            return _stated(value[0], depth - 1, any_key=any_key)
        if all(isinstance(entry, str) for entry in value):
            return f"({', '.join(value)})"
    return None


def _stated_by_object(value: dict[str, Any], depth: int, *, any_key: bool) -> str | None:
    entries = {re.sub(r"[\s-]+", "_", key.strip().lower()): entry for key, entry in value.items()}
    key = next((key for key in ANSWER_KEYS if key in entries), None)
    if key is None and not any_key:
        return None
    if key is None:
        for keys in _COORDINATE_KEYS:
            if all(isinstance(entries.get(name), str) for name in keys):
                return f"({', '.join(entries[name] for name in keys)})"
        if all(name in _UNIT_WORDS and isinstance(entries[name], str) for name in entries):
            return " ".join(f"{entries[name]} {name}" for name in entries) or None
        if all(isinstance(entry, bool) for entry in entries.values()) and len(entries) > 1:
            chosen = [name for name, entry in value.items() if entry]
            return chosen[0] if len(chosen) == 1 else None
        names = [name for name in entries if name not in SIDE_KEYS] or list(entries)
        if len(names) != 1:
            return None
        key = names[0]
    answer = _stated(entries[key], depth - 1, any_key=True)
    unit = entries.get("unit", entries.get("units"))
    suffix = key.rsplit("_", 1)[-1]
    if not isinstance(unit, str):
        unit = suffix if suffix in _UNIT_WORDS else ""
    is_bare = answer is not None and _BARE_NUMBER.fullmatch(answer)
    return f"{answer} {unit}".strip() if is_bare else answer
