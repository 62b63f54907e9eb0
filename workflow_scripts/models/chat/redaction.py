"""Remove secrets from texts: whole or in part, in any encoding in which a server repeats them.

A text is searched as it is and with its escapes decoded (percent, JSON, HTML, one in another), for
a secret itself and for its base64 and hexadecimal forms, in either letter case.
"""

import base64
import html
import json
import re
import string
from collections.abc import Iterable, Iterator
from typing import Any

PLACEHOLDER = "***"
# So many consecutive characters of a secret are a leak.
MIN_PART_CHARACTERS = 8
# A longer text without a digit is no name that a caption may hold by chance.
_MAX_WORD_CHARACTERS = 20
_MAX_NESTED_ENCODINGS = 4
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ESCAPE = re.compile(
    r"%([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([\"'\\/])"
    r"|(&(?:\#x[0-9a-fA-F]{1,6}|\#[0-9]{1,7}|quot|amp|lt|gt|apos);)"
)
Spans = list[tuple[int, int]]


class Redactor:
    """Finds secrets in texts and replaces them by `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {secret for secret in secrets if secret}
        forms = {form for secret in given for form in _forms(secret)}
        self._parts = {
            form[start : start + MIN_PART_CHARACTERS]
            for form in forms
            for start in range(len(form) - MIN_PART_CHARACTERS + 1)
        }
        short = sorted(secret for secret in given if len(secret) < MIN_PART_CHARACTERS)
        words = "|".join(map(re.escape, short))
        # Part of a longer word, a short secret is a coincidence.
        self._short = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])") if short else None
        self._words = {secret.translate(_LOWER) for secret in given if _may_be_words(secret)}

    def redact(self, text: str) -> str:
        """Return a text without secrets. Redact before shortening: half a secret is one too."""
        written, end = [], 0
        for start, stop in self._found(text):
            written += [text[end:start], PLACEHOLDER]
            end = stop
        return "".join([*written, text[end:]])

    def finds(self, text: str) -> bool:
        """Return whether a text holds a secret, or part of one."""
        return bool(self._found(text))

    def gives_away(self, text: str) -> bool:
        """Return whether a text that may not be changed (a caption) holds a secret.

        Ordinary words are none: a key "furniture" stands in many captions.
        """
        for start, stop in self._found(text):
            found = text[start:stop].translate(_LOWER)
            is_word = found.isalpha() or any(found in words for words in self._words)
            if not is_word or len(found) >= _MAX_WORD_CHARACTERS:
                return True
        return False

    def redact_completion(self, body: str) -> str:
        """Return the body of a chat completion without secrets, its texts untouched.

        A text that gives a secret away is left out as a whole, with the reason as its refusal.
        """
        if not self.finds(body):
            return body
        try:
            completion = json.loads(body)
        except (ValueError, RecursionError):
            return self.redact(body)
        try:
            return json.dumps(self._redacted(completion, ()))
        except RecursionError:
            return self.redact(body)

    def _redacted(self, value: Any, path: tuple[str, ...]) -> Any:
        """Return a part of a completion without secrets; `path` are the keys above it."""
        if isinstance(value, str):
            is_text = path in (("choices", "message", "content"), _PART_TEXT)
            return value if is_text else self.redact(value)
        if isinstance(value, list):
            return [self._redacted(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        content = json.dumps(value.get("content"), ensure_ascii=False)
        if path == ("choices", "message") and self.gives_away(content):
            return {"content": None, "refusal": "left out: the reply repeats the key"}
        return {self.redact(key): self._redacted(item, (*path, key)) for key, item in value.items()}

    def _found(self, text: str) -> Spans:
        """Return the spans of a text that hold secrets, in order, without overlaps."""
        spans = sorted({span for view in _views(text) for span in self._found_in(*view)})
        merged: Spans = []
        for start, stop in spans:
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(stop, merged[-1][1])
            else:
                merged.append((start, stop))
        return merged

    def _found_in(self, view: str, places: Spans | None) -> Iterator[tuple[int, int]]:
        lower = view.translate(_LOWER)
        size = MIN_PART_CHARACTERS
        found = [
            (start, start + size)
            for start in range(len(lower) - size + 1 if self._parts else 0)
            if lower[start : start + size] in self._parts
        ]
        if self._short is not None:
            found += [match.span() for match in self._short.finditer(view)]
        for start, stop in found:
            yield (start, stop) if places is None else (places[start][0], places[stop - 1][1])


_PART_TEXT = ("choices", "message", "content", "text")


def _may_be_words(secret: str) -> bool:
    return len(secret) < _MAX_WORD_CHARACTERS and not any(map(str.isdigit, secret))


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret and its encodings, in lower case."""
    data = secret.encode()
    yield secret.translate(_LOWER)
    yield data.hex()
    yield base64.b64encode(b"Bearer " + data).decode().translate(_LOWER)
    for shift in range(3):
        # What stands before ("Bearer ") and behind it in the encoded text shifts and mixes with it.
        encoded = base64.b64encode(bytes(shift) + data).decode()
        own = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6].translate(_LOWER)
        yield own
        yield own.replace("+", "-").replace("/", "_")


def _views(text: str) -> Iterator[tuple[str, Spans | None]]:
    """Yield a text, then with its escapes decoded, and the span of each character in the text."""
    yield text, None
    places: Spans | None = None
    view = text
    for _ in range(_MAX_NESTED_ENCODINGS):
        if not _ESCAPE.search(view):
            return
        known = places or [(index, index + 1) for index in range(len(view))]
        characters: list[str] = []
        places, end = [], 0
        for match in _ESCAPE.finditer(view):
            start, stop = match.span()
            characters.append(view[end:start])
            places += known[end:start]
            decoded = _decode(match)
            characters.append(decoded)
            places += [(known[start][0], known[stop - 1][1])] * len(decoded)
            end = stop
        characters.append(view[end:])
        places += known[end:]
        view = "".join(characters)
        yield view, places


def _decode(match: re.Match[str]) -> str:
    percent, unicode, hexadecimal, character, entity = match.groups()
    if character:
        return character
    return html.unescape(entity) if entity else chr(int(percent or unicode or hexadecimal, 16))
