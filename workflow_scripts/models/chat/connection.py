"""The connection to a server: how long and how much is read, and what is wrong when it fails."""

import contextlib
import email.utils
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import httpx2
import openai

from workflow_scripts.common.errors import UserError
from workflow_scripts.models.chat.server_access import proxy_variable

MAX_REPLY_BYTES = 4 * 2**20
_MAX_CONNECT_S = 10.0
_MAX_RETRY_AFTER_S = 60.0
_MAX_CAUSES = 10
_RETRIED_STATUSES = (408, 409, 429)
# A connection that breaks off may work the next time; every other TLS error will come again.
_TRANSIENT_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError)
Result = TypeVar("Result")


class UnreadableReply(httpx2.RequestError):
    """A reply that is not read: too large, or compressed without having been asked for."""


@dataclass(frozen=True)
class ConnectionProblem:
    """What is wrong with a connection.

    `lasting` occurs at every attempt; `unreachable` may be a server that is still starting;
    `passing` may not occur again; `reply` concerns this one reply.
    """

    kind: Literal["lasting", "unreachable", "passing", "reply"]
    text: str


def http_client(address: str, *, timeout_s: float, on_reply: Callable[[], None]) -> httpx2.Client:
    """Return a client that reads at most `MAX_REPLY_BYTES` of a reply, for at most `timeout_s`.

    It calls `on_reply` when the headers of any reply are there. Raises `UserError` if a proxy or
    certificate of the environment cannot be used.
    """

    def limit(response: httpx2.Response) -> None:
        on_reply()
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise UnreadableReply(f"the reply is compressed ({encoding}), which is not asked for")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _LimitedStream(response.stream, time.monotonic() + timeout_s)

    def client(*, trust_env: bool) -> httpx2.Client:
        return openai.DefaultHttpxClient(
            event_hooks={"response": [limit]},
            headers={"Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _MAX_CONNECT_S)),
            trust_env=trust_env,
        )

    try:
        return client(trust_env=True)
    except ImportError:
        if proxy_bypass(urlsplit(address).hostname or ""):
            return client(trust_env=False)
        raise UserError(
            "the environment names a SOCKS proxy (ALL_PROXY, HTTPS_PROXY or HTTP_PROXY), which "
            "needs the package socksio: pip install socksio, unset the variable, or add the "
            "server's host to NO_PROXY"
        ) from None
    except (ValueError, OSError, httpx2.InvalidURL):
        raise UserError(
            "the proxy or the certificates of the environment cannot be used: ALL_PROXY, "
            "HTTPS_PROXY and HTTP_PROXY take http://host:port or socks5://host:port, NO_PROXY "
            "names of hosts, SSL_CERT_FILE and SSL_CERT_DIR existing paths"
        ) from None


class _LimitedStream(httpx2.SyncByteStream):
    """The bytes of a reply, up to a size and a point in time."""

    def __init__(self, stream: httpx2.SyncByteStream, end_s: float) -> None:
        self.stream, self.end_s = stream, end_s

    def __iter__(self) -> Iterator[bytes]:
        num_bytes = 0
        for chunk in self.stream:
            num_bytes += len(chunk)
            if num_bytes > MAX_REPLY_BYTES:
                raise UnreadableReply(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MiB")
            if time.monotonic() > self.end_s:
                raise httpx2.ReadTimeout("the reply is still not complete")
            yield chunk

    def close(self) -> None:
        self.stream.close()


def call_within(function: Callable[[], Result], *, seconds: float, address: str) -> Result:
    """Call a function that sends one request; `APITimeoutError` if it takes longer.

    The HTTP client's own time-outs start anew at every byte, and looking up a name has none.
    """
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # handed over to the thread that waits
            future.set_exception(error)

    threading.Thread(target=work, daemon=True, name="chat request").start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        if future.done():
            raise
        raise openai.APITimeoutError(request=httpx2.Request("POST", address)) from None


def connection_problem(error: openai.APIConnectionError, *, address: str) -> ConnectionProblem:
    """Return what is behind an error of the SDK, in words that say what to do."""
    causes = list(_causes(error))
    variable = proxy_variable(address)
    through = f" through the proxy of {variable}" if variable else ""
    unreadable = _first(causes, UnreadableReply)
    if unreadable:
        return ConnectionProblem("reply", str(unreadable))
    certificate = _first(causes, ssl.SSLCertVerificationError)
    if certificate:
        why = getattr(certificate, "verify_message", "") or str(certificate)
        return ConnectionProblem(
            "lasting",
            f"the server's certificate is not accepted{through}: {why}. For an authority of your "
            "own export SSL_CERT_FILE=its-certificates.pem",
        )
    tls = _first(causes, ssl.SSLError)
    if tls and not isinstance(tls, _TRANSIENT_TLS):
        why = tls.reason if isinstance(tls, ssl.SSLError) and tls.reason else str(tls)
        return ConnectionProblem(
            "lasting", f"no TLS connection{through}: {why}. Does the server speak https?"
        )
    proxy = _first(causes, httpx2.ProxyError)
    if proxy:
        kind: Literal["unreachable", "lasting"] = (
            "unreachable" if re.match(r"5\d\d\b", str(proxy)) else "lasting"
        )
        return ConnectionProblem(
            kind, f"the proxy of {variable or 'the environment'} says: {proxy}"
        )
    request = _first(
        causes, httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError,
        UnicodeError, httpx2.TooManyRedirects,
    )  # fmt: skip
    if request:
        return ConnectionProblem("lasting", f"the request cannot be sent: {request}")
    if _first(causes, httpx2.ConnectTimeout):
        return ConnectionProblem(
            "unreachable", f"no connection within {_MAX_CONNECT_S:g} s{through}"
        )
    deepest = causes[-1]
    text = deepest.strerror if isinstance(deepest, OSError) and deepest.strerror else str(deepest)
    words = f"{text or type(deepest).__name__}{through}"
    is_unreachable = _first(causes, httpx2.ConnectError, socket.gaierror) or (
        _first(causes, httpx2.RemoteProtocolError) and "illegal" in str(deepest)
    )
    return ConnectionProblem("unreachable" if is_unreachable else "passing", words)


def retry_wait_s(error: openai.APIError, num_retries: int) -> float | None:
    """Return how long to wait before an attempt is repeated, None if it is not to be repeated."""
    wait_s = min(0.5 * 2.0**num_retries, 8.0) * (1 - 0.25 * random.random())
    if not isinstance(error, openai.APIStatusError):
        return wait_s if isinstance(error, openai.APIConnectionError) else None
    headers = error.response.headers
    should_retry = headers.get("x-should-retry")
    is_retried = error.status_code in _RETRIED_STATUSES or error.status_code >= 500
    if error.code == "insufficient_quota" or should_retry == "false":
        return None
    if not is_retried and should_retry != "true":
        return None
    asked_s = _retry_after_s(headers)
    return asked_s if asked_s is not None and 0 < asked_s <= _MAX_RETRY_AFTER_S else wait_s


def _retry_after_s(headers: httpx2.Headers) -> float | None:
    """Return the seconds that a server asks to wait: milliseconds, seconds, or a date."""
    with contextlib.suppress(ValueError):
        return float(headers.get("retry-after-ms", "")) / 1000
    text = headers.get("retry-after", "")
    with contextlib.suppress(ValueError):
        return float(text)
    date = email.utils.parsedate_tz(text)
    return email.utils.mktime_tz(date) - time.time() if date else None


def status_text(error: openai.APIStatusError) -> str:
    """Return all that a server says in an error; the SDK leaves some forms out."""
    body = error.response.text.strip()
    return error.message if _has_message(error.body) or not body else f"{error.message}: {body}"


def _has_message(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("message"), str)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, the outermost first."""
    seen: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _first(causes: list[BaseException], *kinds: type[BaseException]) -> BaseException | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)
