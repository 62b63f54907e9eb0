"""Secrets in texts of a server: every encoding, whole and in part; captions stay as they are."""

import base64
import html
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest

from workflow_scripts.models.chat.redaction import MIN_PART_CHARACTERS, Redactor

KEY = 'sk-a/b+c="9\\xyz&Q<7>~end'
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: quote(text, safe="").lower(),
    "every character percent": lambda text: "".join(f"%{ord(letter):02x}" for letter in text),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON, all escaped": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"key": text})),
    "Python": repr,
    "HTML": html.escape,
    "HTML numbers": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of the header": lambda text: base64.b64encode(f"Bearer {text}".encode()).decode(),
    "base64 of a line": lambda text: base64.b64encode(
        f"Authorization: Bearer {text}\r\n".encode()
    ).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64, percent": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
}


def longest_part(text: str, secret: str) -> int:
    """Return how many consecutive characters of a secret a text holds."""
    return max(
        stop - start
        for start in range(len(secret))
        for stop in range(start, len(secret) + 1)
        if secret[start:stop].lower() in text.lower()
    )


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("key", [KEY, "sk-proj-0123456789abcdefABCDEF", "a1b2c3d4"])
def test_a_key_is_found_in_every_encoding(name: str, key: str) -> None:
    echoed = ENCODINGS[name](key)
    text = Redactor([key]).redact(f"Incorrect key: {echoed}. Try again.")
    assert text.startswith("Incorrect key: ")
    assert text.endswith(". Try again.")
    if name not in ("JSON in JSON", "base64 of a line"):  # They hold words around the key.
        assert longest_part(text, echoed) < MIN_PART_CHARACTERS
    assert longest_part(text, key) < MIN_PART_CHARACTERS
    assert "***" in text


def test_any_eight_characters_of_a_key_in_a_row_are_removed() -> None:
    redactor = Redactor([KEY])
    for start in range(len(KEY) - 7):
        for stop in range(start + 8, len(KEY) + 1):
            part = KEY[start:stop]
            assert redactor.redact(f"({part}...") == "(***..."
    assert redactor.redact(f"({KEY[:7]}...") == f"({KEY[:7]}..."


def test_random_keys_in_random_encodings_never_show() -> None:
    draw = random.Random(5)
    letters = string.ascii_letters + string.digits + string.punctuation
    for _ in range(300):
        key = "".join(draw.choices(letters, k=draw.randint(8, 60)))
        name = draw.choice(sorted(ENCODINGS))
        around = "".join(draw.choices(letters + " ", k=draw.randint(0, 300)))
        text = Redactor([key]).redact(f"{around} {ENCODINGS[name](key)} {around}")
        assert longest_part(text.replace(around, ""), key) < MIN_PART_CHARACTERS, (name, key)


def test_texts_without_a_key_stay_as_they_are() -> None:
    for redactor in (Redactor([]), Redactor([""]), Redactor(["sk-0123456789"])):
        for text in ("", "100 % of a 50%20 room\\n", "İstanbul &amp; %zz \\u00 \\u0041"):
            assert redactor.redact(text) == text


def test_a_short_password_is_removed_as_a_word_only() -> None:
    redactor = Redactor(["pw1"])
    assert redactor.redact("user:pw1@host, pw12, apw1") == "user:***@host, pw12, apw1"


def completion(content: object, **more: object) -> str:
    return json.dumps({"choices": [{"message": {"content": content}}], **more})


@pytest.mark.parametrize("key", ["furniture", "wooden-table", "television"])
def test_a_caption_is_never_changed(key: str) -> None:
    caption = "A room with furniture: a television on a wooden-table."
    redactor = Redactor([key])
    for content in (caption, [{"type": "text", "text": caption}]):
        kept = json.loads(redactor.redact_completion(completion(content, echo=f"Bearer {key}")))
        assert kept["choices"][0]["message"]["content"] == content
        assert kept["echo"] == "Bearer ***"


def test_a_body_without_a_key_is_kept_byte_for_byte() -> None:
    body = completion("A room.", extra=[1.0, 1e3]).replace(" ", "\n ")
    assert Redactor([KEY]).redact_completion(body) == body


@pytest.mark.parametrize("content", [f"Your key is {KEY}", f"... {KEY[4:14]}", [{"text": KEY}]])
def test_a_text_that_gives_the_key_away_is_left_out_whole(content: object) -> None:
    kept = json.loads(Redactor([KEY]).redact_completion(completion(content, usage={"a": 1})))
    message = kept["choices"][0]["message"]
    assert message == {"content": None, "refusal": "left out: the reply repeats the key"}
    assert kept["usage"] == {"a": 1}


@pytest.mark.parametrize("body", [f"<html>{KEY}", "[" * 100_000 + KEY, f'{{"a": {"9" * 5000}{KEY}'])
def test_a_body_that_is_no_completion_is_redacted_as_text(body: str) -> None:
    assert longest_part(Redactor([KEY]).redact_completion(body), KEY) < MIN_PART_CHARACTERS
