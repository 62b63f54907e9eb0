"""The openai backend against a real HTTP server that also misbehaves, one request at a time."""

import base64
import io
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.fake_chat_server import (
    Answer,
    ReceivedRequest,
    caption_answer,
    completion,
    content_answer,
    error_answer,
    run_server,
)
from workflow_scripts.captions.backends import Captioner, load_backend
from workflow_scripts.captions.facts import RoomFacts
from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.config.server import ConnectionSettings

GOOD = caption_answer("A bare room.")
NEVER = threading.Event()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def request(*, colour: int = 90, width_px: int = 64, height_px: int = 48) -> CaptionRequest:
    image = np.full((height_px, width_px, 3), colour, dtype=np.uint8)
    facts = RoomFacts("kitchen", width_px, (4.0, 3.0), None)
    return CaptionRequest("room", "procthor", "house", "train", "room|2", 0, image, facts)


def backend(
    tmp_path: Path,
    url: str | None,
    *,
    timeout_s: float = 20.0,
    max_retries: int = 2,
    **more: object,
) -> Captioner:
    settings = {"backend": "openai", "base_url": url, "cache": str(tmp_path / "cache"), **more}
    limits = ConnectionSettings(timeout_s=timeout_s, max_retries=max_retries)
    return load_backend(ServerCaptionSettings.parse(settings), limits, seed=7)


def first_then_good(bad: Answer) -> Callable[[ReceivedRequest], Answer]:
    return lambda received: bad if received.times == 1 else GOOD


def test_a_request_is_what_the_protocol_says(tmp_path: Path) -> None:
    with run_server(lambda received: GOOD) as server:
        captioner = backend(tmp_path, server.url, max_image_px=64)
        reply = captioner.caption(request(width_px=128, height_px=96))

    body = server.received[0].body
    system, user = body["messages"]
    text, image = user["content"]
    header, data = image["image_url"]["url"].split(",")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    schema = body["response_format"]["json_schema"]

    assert (reply.status, reply.text, reply.model) == ("ok", "A bare room.", "gpt-4o")
    assert reply.prompt.startswith("room@")
    assert body["model"] == "gpt-4o"
    assert body["max_tokens"] == 300
    assert schema["strict"] is True
    assert schema["schema"]["required"] == ["caption"]
    assert "JSON" in system["content"]
    assert "kitchen" in text["text"]
    assert "about 4 by 3 m" in text["text"]
    assert header == "data:image/jpeg;base64"
    assert (picture.format, picture.size) == ("JPEG", (64, 48))


def test_a_local_server_gets_a_dummy_key_and_a_given_key_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_server(lambda received: GOOD) as server:
        backend(tmp_path / "a", server.url).caption(request())
        monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-1")
        backend(tmp_path / "b", server.url).caption(request())

    assert [received.authorization for received in server.received] == [
        "Bearer none",
        "Bearer sk-mine-1",
    ]


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    limited = error_answer(429, "slow down", code="rate_limit_exceeded", Retry_After="1.4")
    with run_server(first_then_good(limited)) as server:
        reply = backend(tmp_path, server.url).caption(request())

    first, second = server.received
    assert reply.status == "ok"
    # The SDK's own first wait would be at most half a second.
    assert second.at_s - first.at_s >= 1.4


@pytest.mark.parametrize(
    "bad",
    [
        error_answer(500, "oops"),
        error_answer(503, "overloaded"),
        Answer(GOOD.content, release_event=NEVER),
        Answer(GOOD.content, cut_to=40),
        Answer(GOOD.content, cut_to=0),
    ],
    ids=["500", "503", "time-out", "cut off", "nothing"],
)
def test_a_fault_of_the_line_is_retried(tmp_path: Path, bad: Answer) -> None:
    with run_server(first_then_good(bad)) as server:
        # A good reply, too, may come too late on a busy machine: it has more than one chance.
        hasty = {"timeout_s": 1.0, "max_retries": 6} if bad.release_event else {}
        reply = backend(tmp_path, server.url, **hasty).caption(request())

    assert (reply.status, reply.text) == ("ok", "A bare room.")
    assert len(server.received) == 2 or (bad.release_event and len(server.received) > 2)


BAD_REPLIES = {
    "garbage": (Answer(b"<html>gateway</html>"), "failed", "not a chat completion"),
    "truncated json": (Answer(GOOD.content[:50]), "failed", "not a chat completion"),
    "no choices": (Answer(b'{"choices": []}'), "failed", "not a chat completion"),
    "prose": (content_answer("A bare room."), "failed", "not the JSON asked for"),
    "wrong key": (content_answer('{"text": "A room."}'), "failed", "not the JSON asked for"),
    "wrong type": (content_answer('{"caption": 7}'), "failed", "not the JSON asked for"),
    "empty": (content_answer('{"caption": "  "}'), "failed", "0 characters"),
    "nothing": (content_answer(None), "failed", "not the JSON asked for"),
    "endless": (caption_answer("very " * 2000), "failed", "at most 4000 characters"),
    "too long": (
        content_answer('{"caption": "A ba', finish_reason="length"),
        "failed",
        "max_tokens",
    ),
    "refusal": (
        completion({"role": "assistant", "content": None, "refusal": "I must not."}),
        "refused",
        "I must not.",
    ),
    "sorry": (caption_answer("I'm sorry, I can't help with that."), "refused", "I'm sorry"),
    "sorry in prose": (content_answer("Sorry, no."), "refused", "Sorry, no."),
    "filter": (content_answer("", finish_reason="content_filter"), "refused", "content filter"),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_a_bad_reply_is_asked_for_again_and_accepted_when_fixed(tmp_path: Path, name: str) -> None:
    with run_server(first_then_good(BAD_REPLIES[name][0])) as server:
        reply = backend(tmp_path, server.url).caption(request())

    assert (reply.status, reply.text) == ("ok", "A bare room.")
    assert len(server.received) == 2


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_a_reply_that_stays_bad_is_given_up_with_a_reason_and_never_paid_again(
    tmp_path: Path, name: str
) -> None:
    bad, status, reason = BAD_REPLIES[name]
    with run_server(lambda received: bad) as server:
        replies = [backend(tmp_path, server.url).caption(request()) for _ in range(2)]

    assert replies[0] == replies[1]
    assert (replies[0].status, replies[0].text) == (status, "")
    assert reason in replies[0].reason
    assert server.num_paid == ServerCaptionSettings().max_attempts


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (error_answer(500, "oops"), "failed", "HTTP 500"),
        (Answer(GOOD.content, release_event=NEVER), "failed", "APITimeoutError"),
        (Answer(GOOD.content, cut_to=9), "failed", "APIConnectionError"),
        (error_answer(400, "odd image"), "failed", "HTTP 400: .*odd image"),
        (error_answer(400, "not this", code="content_policy_violation"), "refused", "not this"),
        (error_answer(429, "wait", Retry_After="999"), "failed", "HTTP 429"),
    ],
    ids=["500", "time-out", "cut off", "400", "policy", "429"],
)
def test_a_lasting_fault_is_a_row_and_is_asked_again_by_the_next_run(
    tmp_path: Path, answer: Answer, status: str, reason: str
) -> None:
    with run_server(lambda received: answer) as server:
        timeout_s = 0.4 if answer.release_event else 20.0
        hasty = backend(tmp_path, server.url, max_retries=0, timeout_s=timeout_s)
        bad = hasty.caption(request())
        server.answer = lambda received: GOOD
        good = backend(tmp_path, server.url, max_retries=0).caption(request())

    assert bad.status == status
    assert re.search(reason, bad.reason)
    assert good.status == "ok"


@pytest.mark.parametrize(
    "answer",
    [
        error_answer(401, "Incorrect API key provided: sk-secret-1."),
        error_answer(404, "no such model"),
        error_answer(429, "out of credit", code="insufficient_quota"),
    ],
    ids=["401", "404", "quota"],
)
def test_what_would_hit_every_request_stops_the_job_without_showing_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    with run_server(lambda received: answer) as server:
        captioner = backend(tmp_path, server.url, max_retries=0)
        with pytest.raises(UserError, match="OPENAI_API_KEY") as caught:
            captioner.caption(request())

    assert "sk-secret-1" not in str(caught.value)


def test_without_key_or_server_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"export OPENAI_API_KEY.*captions\.base_url"):
        backend(tmp_path, None)


def test_equal_requests_are_paid_once_and_others_by_what_differs(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for path in Path(ServerCaptionSettings().prompts).glob("*.txt"):
        (prompts / path.name).write_text(path.read_text())
    with run_server(lambda received: GOOD) as server:
        names = [backend(tmp_path, server.url).caption(request()).prompt for _ in range(2)]
        assert server.num_paid == 1
        backend(tmp_path, server.url).caption(request(colour=91))
        assert server.num_paid == 2
        for changed in (
            {"model": "gpt-4o-mini"},
            {"temperature": None},
            {"max_image_px": 70},
            {"reply_format": "json_object"},
        ):
            backend(tmp_path, server.url, **changed).caption(request())
        assert server.num_paid == 6
        (prompts / "room.txt").write_text("Describe the {room_type}.")
        again = backend(tmp_path, server.url, prompts=str(prompts)).caption(request())

    assert server.num_paid == 7
    assert names[0] == names[1] != again.prompt
    assert "temperature" not in server.received[3].body


def test_plain_text_servers_are_understood(tmp_path: Path) -> None:
    with run_server(lambda received: content_answer("A bare\n room. ")) as server:
        reply = backend(tmp_path, server.url, reply_format="text").caption(request())

    assert reply.text == "A bare room."
    assert "response_format" not in server.received[0].body


def test_a_reply_without_usage_is_priced_by_estimate(tmp_path: Path) -> None:
    bare = json.dumps({"choices": [{"message": {"content": '{"caption": "A room."}'}}]})
    with run_server(lambda received: Answer(bare.encode())) as server:
        captioner = backend(tmp_path, server.url)
        assert captioner.caption(request()).status == "ok"

    assert 0 < captioner.chat.cache.spent_usd() < 0.01
