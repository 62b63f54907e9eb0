"""A client of the test server, and a proxy that answers what a test wants."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_scripts.config.server import ConnectionSettings, ServerSettings
from workflow_scripts.models.chat.client import ChatClient, ChatRequest

KEY = "sk-test-0123456789abcdefABCDEF"
ENVIRONMENT = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


def chat_client(
    folder: Path, url: str | None, *, timeout_s: float = 20.0, max_retries: int = 0, **more: object
) -> ChatClient:
    settings = {"base_url": url, "cache": str(folder / "cache"), "max_attempts": 1, **more}
    limits = ConnectionSettings(timeout_s=timeout_s, max_retries=max_retries)
    return ChatClient(
        ServerSettings.parse(settings), limits, section="captions", task="You describe pictures."
    )


def question(text: str = "What is this?") -> ChatRequest:
    return ChatRequest(name="room house-0", prompt="room@0", text=text, keys=("caption",))


@contextmanager
def raw_server(*writes: bytes, wait_s: float = 0.0) -> Iterator[int]:
    """Run a server on loopback that sends these bytes to everyone, and yield its port.

    With `wait_s` it sends them again and again, one byte at a time.
    """
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            for content in writes:
                self.request.sendall(content)
            while wait_s and not stop.wait(wait_s):
                self.request.sendall(b"x")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """Print nothing when a client closes the connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stop.set()
            server.shutdown()
            thread.join()
