"""Keys and passwords reach the server and nothing else: no message, log, cache or record."""

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.fake_chat_server import (
    Answer,
    ReceivedRequest,
    completion,
    content_answer,
    error_answer,
    run_server,
)
from tests.models.chat.clients import ENVIRONMENT, KEY, chat_client, question
from tests.models.chat.test_redaction import ENCODINGS, longest_part
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ServerSettings
from workflow_scripts.config.vqa import ParaphraseRequestSettings
from workflow_scripts.models.chat.redaction import MIN_PART_CHARACTERS

CAPTION = '{"caption": "A room."}'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def echo(text: str) -> dict[str, Answer]:
    """Return the places in which a server may repeat a text, with and without more before it."""
    far = f"{'Invalid credentials, sorry. ' * 7}{text}"
    usage = json.dumps({"choices": [{"message": {"content": CAPTION}}], "echo": {text: [text]}})
    return {
        "401": error_answer(401, f"Incorrect API key provided: {text}."),
        "401, at the end of what is shown": error_answer(401, far[-(190 + len(text) // 2) :]),
        "400": error_answer(400, far),
        "422 in a form of its own": Answer(json.dumps({"detail": [{"input": text}]}).encode(), 422),
        "500 as HTML": Answer(f"<html>{text}</html>".encode(), 500),
        "HTML": Answer(f"<html>{text}</html>".encode()),
        "another field": Answer(usage.encode()),
        "refusal": completion({"content": None, "refusal": far}),
        "prose": content_answer(f"Sorry, {far}"),
        "key of the JSON": content_answer(json.dumps({text: "A room."})),
        "caption": content_answer(json.dumps({"caption": f"A room. {text}"})),
        "parts": completion({"content": [{"type": "text", "text": text}]}),
        "reasoning": completion({"content": CAPTION, "reasoning_content": far}),
    }


def all_text(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("place", echo(""))
def test_the_key_leaks_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    shown = []
    for number, encode in enumerate(ENCODINGS.values()):
        answer = echo(encode(KEY))[place]
        with run_server(lambda received, answer=answer: answer) as server:
            client = chat_client(tmp_path, server.url)
            try:
                reply = client.ask(question(f"Number {number}?"))
                shown.append(f"{reply.reason} {dict(reply.texts)}")
            except UserError as error:
                shown.append(str(error))
        assert server.received[0].authorization == f"Bearer {KEY}"
    leaked = "\n".join([*shown, caplog.text, all_text(tmp_path)])
    for encode in ENCODINGS.values():
        for form in (KEY, encode(KEY), f"Bearer {encode(KEY)}"):
            assert form not in leaked
    assert longest_part(leaked, KEY) < MIN_PART_CHARACTERS
    coded = base64.b64encode(f"Bearer {KEY}".encode()).decode()
    assert longest_part(leaked, coded) < MIN_PART_CHARACTERS


@pytest.mark.parametrize("part", [KEY[:12], KEY[-9:], KEY[5:20]])
def test_a_part_of_the_key_is_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with run_server(lambda received: error_answer(400, f"bad key {part}... given")) as server:
        reply = chat_client(tmp_path, server.url).ask(question())
    assert reply.reason == "HTTP 400: Error code: 400 - bad key ***... given"


@pytest.mark.parametrize("key", ["furniture", "television", "wooden-table"])
def test_captions_are_not_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    caption = "A television on a wooden-table, and more furniture."
    for number, content in enumerate((json.dumps({"caption": caption}), caption)):
        reply_format = ("json_schema", "text")[number]
        with run_server(lambda received, content=content: content_answer(content)) as server:
            client = chat_client(tmp_path, server.url, reply_format=reply_format)
            # Once from the server, once from the cache.
            for _ in range(2):
                assert client.ask(question()).texts == {"caption": caption}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "is set but empty"),
        ("  ", "is set but empty"),
        ("\n", "is set but empty"),
        ("sk-0123456789\n", "line break"),
        (" sk-0123456789", "space"),
        ("sk-01234\n56789", "line break"),
        ("sk-0123456789\x07", "control character"),
        ("sk-0123456789\u200b", "control character"),
        ("sk-0123456789é", "not ASCII"),
        ("EMPTY", "has 5 characters"),
        ("sk-1234", "has 7 characters"),
    ],
)
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9/v1"])
def test_a_short_or_strange_key_is_refused_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, reason: str, url: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match=f"OPENAI_API_KEY .*{reason}.*unset") as caught:
        chat_client(tmp_path, url)
    if len(key.strip()) > 5:
        assert key.strip() not in str(caught.value)


@pytest.mark.parametrize(
    "model", [ServerSettings, ServerCaptionSettings, ParaphraseRequestSettings]
)
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://me:pass-word-1@host/v1", "holds a password"),
        ("https://pass-word-1@host/v1", "holds a password"),
        ("http://me:pass%2Dword-1@[::1]:8000/v1", "holds a password"),
        ("https://host/v1?api_key=pass-word-1", "holds a password"),
        ("me:pass-word-1@host/v1", "must begin with http://"),
        ("http://host:pass-word-1/v1", "port that is not a number"),
        ("http://[pass-word-1", "brackets"),
        ("ftp://host/pass-word-1", "must begin with http://"),
        ("localhost:8000/v1", "must begin with http://"),
        ("http:///v1", "names no host"),
        ("http://host/v1\n", "line break"),
        ("http://ho st/v1", "space"),
        ("http://host:99999/v1", "up to 65535"),
        ("", "must begin with http://"),
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_being_shown(
    model: type[ServerSettings], url: str, reason: str
) -> None:
    with pytest.raises(UserError, match=f"base_url: the address .*{reason}") as caught:
        model.parse({"base_url": url})
    assert "word-1" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/v1", "https://[::1]:8000", "https://host/openai?api-version=2"]
)
def test_addresses_of_servers_are_accepted(url: str) -> None:
    assert ServerSettings.parse({"base_url": url}).base_url == url


def test_a_password_in_the_environment_reaches_the_server_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo_header(received: ReceivedRequest) -> Answer:
        return error_answer(403, f"{received.authorization} and pa/ss-1, pa%2Fss-1 are wrong")

    answers: list[Callable[[ReceivedRequest], Answer]] = [
        echo_header,
        lambda received: content_answer(CAPTION),
    ]
    messages = []
    for number, answer in enumerate(answers):
        with run_server(answer) as server:
            url = server.url.replace("//", "//me:pa%2Fss-1@")
            monkeypatch.setenv("OPENAI_BASE_URL", url)
            client = chat_client(tmp_path, None)
            try:
                assert client.ask(question()).status == "ok"
                assert number == 1
            except UserError as error:
                messages.append(str(error))
    token = base64.b64encode(b"me:pa/ss-1").decode()
    assert server.received[0].authorization == f"Basic {token}"
    assert len(messages) == 1
    for secret in ("ss-1", token):
        assert secret not in "\n".join([*messages, caplog.text, all_text(tmp_path)])


def test_a_password_does_not_make_a_reply_paid_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_server(lambda received: content_answer(CAPTION)) as server:
        for login in ("", "me:one-word@", "me:other-word@"):
            monkeypatch.setenv("OPENAI_BASE_URL", server.url.replace("//", f"//{login}"))
            assert chat_client(tmp_path, None).ask(question()).status == "ok"
    assert server.num_paid == 1
