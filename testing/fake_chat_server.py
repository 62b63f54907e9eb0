"""A chat-completions server on loopback whose replies, good or bad, a test defines."""

import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from testing.wait import background_process, wait_until

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as the server received it. `item` names its text and image; `times` counts them."""

    item: str
    times: int
    body: dict[str, Any]
    authorization: str
    at_s: float


@dataclass(frozen=True)
class Answer:
    """What to send back: a status, headers and bytes, perhaps cut off.

    It is sent after `wait_s`, and not before `release_event` is set; with `byte_wait_s` one byte
    at a time, with a wait before each.
    """

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    release_event: threading.Event | None = None
    cut_to: int | None = None
    byte_wait_s: float = 0.0


def completion(message: dict[str, Any], *, finish_reason: str = "stop") -> Answer:
    """Return a chat completion with this message."""
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "test"}
    return Answer(json.dumps({**body, "choices": [choice], "usage": USAGE}).encode())


def content_answer(content: str | None, **choice: str) -> Answer:
    """Return a chat completion whose message has this content."""
    return completion({"role": "assistant", "content": content}, **choice)


def caption_answer(text: str) -> Answer:
    """Return a proper caption."""
    return content_answer(json.dumps({"caption": text}))


def error_answer(status: int, message: str, *, code: str | None = None, **headers: str) -> Answer:
    """Return an error in OpenAI's form."""
    content = json.dumps({"error": {"message": message, "code": code, "type": "x", "param": None}})
    return Answer(
        content.encode(), status, {name.replace("_", "-"): value for name, value in headers.items()}
    )


class FakeChatServer(ThreadingHTTPServer):
    """Keep the requests and how often each item was paid for (a complete 200 reply was sent)."""

    daemon_threads = True

    def __init__(
        self, answer: Callable[[ReceivedRequest], Answer], *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http" if tls is None else "https"
        if tls is not None:
            # Shaking hands with the first read keeps a client that breaks off from blocking others.
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.answer = answer
        self.received: list[ReceivedRequest] = []
        self.paid: dict[str, int] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def num_paid(self) -> int:
        return sum(self.paid.values())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when a client closes the connection: several tests do that."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        item = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:16]
        server = self.server
        with server.lock:
            times = sum(received.item == item for received in server.received) + 1
            received = ReceivedRequest(
                item, times, body, self.headers.get("Authorization", ""), time.monotonic()
            )
            server.received.append(received)
            answer = server.answer(received)
        time.sleep(answer.wait_s)
        if answer.release_event is not None:
            answer.release_event.wait()
        if answer.status == 200 and answer.cut_to is None:
            with server.lock:
                server.paid[item] = server.paid.get(item, 0) + 1
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.send_body(answer)
        self.close_connection = True

    def send_body(self, answer: Answer) -> None:
        content = answer.content[: answer.cut_to]
        if not answer.byte_wait_s:
            self.wfile.write(content)
            return
        for number in range(len(content)):
            time.sleep(answer.byte_wait_s)
            self.wfile.write(content[number : number + 1])
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def run_server(
    answer: Callable[[ReceivedRequest], Answer], *, tls: ssl.SSLContext | None = None
) -> Iterator[FakeChatServer]:
    """Run a server for the duration of a test, with `tls` one that speaks https."""
    server = FakeChatServer(answer, tls=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kill_after_replies(
    server: FakeChatServer, command: list[str], *, num: int, cache: Path, log: Path, **options: Any
) -> set[str]:
    """Kill a command once `num` replies are kept; return the items that were still unanswered.

    The server withholds all further replies until then, so the kill is never too late.
    """
    release_event, answer = threading.Event(), server.answer

    def withhold_answers(received: ReceivedRequest) -> Answer:
        reply = answer(received)
        return reply if len(server.received) <= num else replace(reply, release_event=release_event)

    server.answer = withhold_answers
    with background_process(command, log=log, **options) as process:
        wait_until(
            lambda: len(list(cache.glob("*.json"))) == num or process.poll() is not None,
            "replies to be kept",
        )
        assert process.poll() is None
    under_way = {received.item for received in server.received[num:]}
    server.answer = answer
    release_event.set()
    return under_way
