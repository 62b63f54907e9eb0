"""What is wrong with a connection is said at once: real servers, proxies and certificates."""

import re
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from testing.fake_chat_server import Answer, caption_answer, error_answer, run_server
from tests.models.chat.clients import ENVIRONMENT, KEY, chat_client, question, raw_server
from workflow_scripts.common.errors import UserError
from workflow_scripts.models.chat import client as client_module
from workflow_scripts.models.chat import connection
from workflow_scripts.models.chat.connection import MAX_REPLY_BYTES
from workflow_scripts.models.chat.server_access import proxy_variable

GOOD = caption_answer("A bare room.")
# So often is an attempt repeated by default: with it, a minute would be gone.
MANY_RETRIES = 6


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a certificate that nobody signed, and a server's context with it."""
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "key.pem", folder / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    output = ["-keyout", str(files[0]), "-out", str(files[1])]
    try:
        subprocess.run(["openssl", *made, *names, *output], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    return files[1], context


def failure(folder: Path, url: str, **more: object) -> tuple[str, list[float]]:
    """Return the error that a request ends with, and the waits before it was repeated, unwaited."""
    client = chat_client(folder, url, max_retries=MANY_RETRIES, **more)
    waits: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_module.time, "sleep", waits.append)
        with pytest.raises(UserError) as caught:
            client.ask(question())
    return str(caught.value), [wait_s for wait_s in waits if wait_s > 0]


def test_a_certificate_that_is_not_accepted_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    with run_server(lambda received: GOOD, tls=certificate[1]) as server:
        message, waits = failure(tmp_path, server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert chat_client(tmp_path, server.url).ask(question()).status == "ok"
    assert re.search(r"certificate is not accepted: self.signed certificate", message)
    assert "SSL_CERT_FILE" in message
    assert server.url in message
    assert waits == []


def test_https_asked_of_a_server_that_speaks_http_is_said_at_once(tmp_path: Path) -> None:
    with run_server(lambda received: GOOD) as server:
        message, waits = failure(tmp_path, server.url.replace("http:", "https:"))
    assert "no TLS connection" in message
    assert "speak https?" in message
    assert waits == []


def test_a_server_that_is_not_there_is_given_up_within_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    message, waits = failure(tmp_path, "http://127.0.0.1:9/v1")
    assert "no reply from http://127.0.0.1:9/v1: Connection refused" in message
    assert "captions.base_url" in message
    assert len(waits) == 3
    assert sum(waits) < 4
    # The first attempt already says why.
    assert "Connection refused; retry 1 of 3" in caplog.messages[0]


def test_a_name_that_does_not_exist_is_named(tmp_path: Path) -> None:
    message, waits = failure(tmp_path, "http://nowhere.invalid/v1")
    assert re.search(r"nowhere\.invalid/v1: .*(name|address)", message, re.IGNORECASE)
    assert len(waits) == 3
    assert sum(waits) < 4


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403 Forbidden"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_refuses_is_said_at_once_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, message: str, name: str
) -> None:
    with raw_server(answer) as port:
        monkeypatch.setenv(name, f"http://me:pass-word-1@127.0.0.1:{port}")
        text, waits = failure(tmp_path, "https://api.example.com/v1")
    assert f"the proxy of {name} says: {message}" in text
    assert "pass-word-1" not in text
    assert waits == []


def test_a_proxy_that_wants_a_password_for_plain_http_stops_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_server(lambda received: error_answer(407, "who are you?")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        text, waits = failure(tmp_path, "http://api.example.com/v1")
    assert "HTTP 407" in text
    assert "who are you?" in text
    assert waits == []


def test_a_proxy_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    text, waits = failure(tmp_path, "http://api.example.com/v1")
    assert "Connection refused through the proxy of HTTP_PROXY" in text
    assert len(waits) == 3
    assert sum(waits) < 4


def test_the_variable_of_a_proxy_is_found_as_the_client_finds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost,inside.example.com")
    assert proxy_variable("https://api.example.com/v1") == "HTTPS_PROXY"
    assert proxy_variable("http://api.example.com/v1") == "ALL_PROXY"
    assert proxy_variable("http://inside.example.com/v1") == ""
    assert proxy_variable("http://localhost:8000/v1") == ""


@pytest.mark.parametrize("name", ["ALL_PROXY", "HTTP_PROXY", "https_proxy"])
def test_a_socks_proxy_works_or_is_refused_with_the_package_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    try:
        import socksio  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("socksio is installed, so SOCKS proxies are used")
    monkeypatch.setenv(name, "socks5://me:pass-word-1@127.0.0.1:9")
    with pytest.raises(UserError, match=r"SOCKS proxy.*pip install socksio.*NO_PROXY") as caught:
        chat_client(tmp_path, "http://api.example.com/v1")
    assert "pass-word-1" not in str(caught.value)
    # A server that is asked without a proxy does not need the package.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with run_server(lambda received: GOOD) as server:
        assert chat_client(tmp_path, server.url).ask(question()).status == "ok"


@pytest.mark.parametrize(
    "proxy", ["socks4://127.0.0.1:9", "ftp://me:pass-word-1@host", "http://host:port"]
)
def test_a_proxy_that_cannot_be_used_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(UserError, match="HTTPS_PROXY and HTTP_PROXY take http://") as caught:
        chat_client(tmp_path, "http://api.example.com/v1")
    assert "pass-word-1" not in str(caught.value)


def test_a_file_of_certificates_that_is_none_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.pem").write_text("nothing")
    for path in (tmp_path / "none.pem", tmp_path / "gone.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(UserError, match="SSL_CERT_FILE"):
            chat_client(tmp_path, "https://api.example.com/v1")


def test_a_header_that_cannot_be_sent_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1\nX-Other: 2")
    with run_server(lambda received: GOOD) as server:
        message, waits = failure(tmp_path, server.url)
    assert "the request cannot be sent" in message
    assert waits == []


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_what_every_request_would_meet_is_not_repeated(tmp_path: Path, status: int) -> None:
    with run_server(lambda received: error_answer(status, "no")) as server:
        _, waits = failure(tmp_path, server.url)
    assert len(server.received) == 1
    assert waits == []


def test_no_credit_is_not_repeated(tmp_path: Path) -> None:
    with run_server(lambda received: error_answer(429, "no", code="insufficient_quota")) as server:
        failure(tmp_path, server.url)
    assert len(server.received) == 1


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        HEADERS + b"\r\n",
        HEADERS + b"Content-Length: 999\r\n\r\n",
    ],
    ids=["status", "headers", "body", "body of a length"],
)
def test_a_request_ends_in_time_however_slowly_bytes_arrive(tmp_path: Path, start: bytes) -> None:
    with raw_server(start, wait_s=0.1) as port:
        client = chat_client(tmp_path, f"http://127.0.0.1:{port}/v1", timeout_s=1.0)
        start_s = time.monotonic()
        reply = client.ask(question())
    assert time.monotonic() - start_s < 30
    assert reply.status == "failed"
    assert reply.reason == "APITimeoutError: no complete reply within 1 s"


def test_a_slow_reply_in_time_is_read(tmp_path: Path) -> None:
    slow = Answer(GOOD.content, byte_wait_s=0.002)
    with run_server(lambda received: slow) as server:
        assert chat_client(tmp_path, server.url).ask(question()).status == "ok"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_reply_of_any_size_is_not_read_to_its_end(tmp_path: Path, status: int) -> None:
    huge = Answer(b" " * (MAX_REPLY_BYTES + 1) + GOOD.content, status)
    with run_server(lambda received: huge) as server:
        reply = chat_client(tmp_path, server.url, max_retries=MANY_RETRIES).ask(question())
    assert reply.status == "failed"
    assert "larger than 4 MiB" in reply.reason
    assert len(server.received) == 1
    assert not list(tmp_path.rglob("*.json"))


def test_a_reply_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = HEADERS + b"\r\n" + b"x" * (MAX_REPLY_BYTES + 1)
    with raw_server(endless, wait_s=0.05) as port:
        reply = chat_client(tmp_path, f"http://127.0.0.1:{port}/v1").ask(question())
    assert "larger than 4 MiB" in reply.reason


def test_a_compressed_reply_is_refused_for_it_may_grow_without_limit(tmp_path: Path) -> None:
    bomb = Answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with run_server(lambda received: bomb) as server:
        reply = chat_client(tmp_path, server.url, max_retries=MANY_RETRIES).ask(question())
    assert reply.reason == (
        "APIConnectionError: the reply is compressed (gzip), which is not asked for"
    )


def test_an_address_in_the_environment_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with run_server(lambda received: GOOD) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f" {server.url} ")
        assert chat_client(tmp_path, None).ask(question()).status == "ok"
    assert server.received[0].authorization == "Bearer none"
    assert "max_tokens" in server.received[0].body
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000/v1")
    with pytest.raises(UserError, match="OPENAI_BASE_URL must begin with http://"):
        chat_client(tmp_path, None)
    monkeypatch.setenv("OPENAI_BASE_URL", " ")
    with pytest.raises(UserError, match="export OPENAI_API_KEY"):
        chat_client(tmp_path, None)


REJECTIONS = [
    ("Unsupported parameter: '{0}' is not supported with this model. Use '{1}' instead.", 400),
    ("[{{'type': 'extra_forbidden', 'loc': ('body', '{0}'), 'msg': 'not permitted'}}]", 422),
    ("Unrecognized request argument supplied: {0}", 400),
]


@pytest.mark.parametrize(("text", "status"), REJECTIONS)
@pytest.mark.parametrize("names", [("max_tokens", "max_completion_tokens")])
def test_the_limit_of_tokens_has_the_name_that_the_server_wants(
    tmp_path: Path, text: str, status: int, names: tuple[str, str]
) -> None:
    with run_server(
        lambda received: (
            error_answer(status, text.format(*names)) if names[0] in received.body else GOOD
        )
    ) as server:
        client = chat_client(tmp_path, server.url, max_retries=MANY_RETRIES)
        assert client.ask(question("One?")).status == "ok"
        assert client.ask(question("Two?")).status == "ok"
    asked = [
        name for body in (one.body for one in server.received) for name in names if name in body
    ]
    # Once it is known, the other name is not tried again.
    assert asked == [names[0], names[1], names[1]]
    assert server.received[1].body[names[1]] == 300


def test_another_fault_of_the_limit_is_no_reason_for_its_other_name(tmp_path: Path) -> None:
    too_large = error_answer(400, "max_tokens is too large: 300. This model has 128 at most.")
    with run_server(lambda received: too_large) as server:
        reply = chat_client(tmp_path, server.url).ask(question())
    assert "too large" in reply.reason
    assert len(server.received) == 1


def test_a_date_and_milliseconds_say_how_long_to_wait() -> None:
    import email.utils

    import httpx2

    later = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert connection._retry_after_s(httpx2.Headers({"retry-after-ms": "1500"})) == 1.5
    assert connection._retry_after_s(httpx2.Headers({"retry-after": "7"})) == 7
    waited_s = connection._retry_after_s(httpx2.Headers({"retry-after": later}))
    assert waited_s is not None
    assert 25 < waited_s <= 30
    assert connection._retry_after_s(httpx2.Headers({"retry-after": "soon"})) is None
