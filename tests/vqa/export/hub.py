"""A stand-in for the Hugging Face hub on the loopback interface: the calls that a push makes."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_right"


class Hub(ThreadingHTTPServer):
    """Holds the data sets that were pushed: name -> path -> bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.calls: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._log_call()
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "datasets"] and parts[4:5] == ["tree"]:
            files = self.server.repos.get("/".join(parts[2:4]), {})
            listed = [
                {"type": "file", "path": path, "size": len(content), "oid": "0" * 40}
                for path, content in sorted(files.items())
            ]
            return self._respond(200, listed)
        if parts[:2] == ["api", "datasets"]:
            return self._respond(200, {"id": "/".join(parts[2:4]), "sha": "0" * 40, "siblings": []})
        return self._respond(404, {"error": "not here"})

    def do_POST(self) -> None:
        self._log_call()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/validate-yaml":
            return self._respond(200, {"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._respond(401, {"error": "Invalid credentials"})
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            self.server.repos.setdefault(name, {})
            is_private = wanted.get("private") or wanted.get("visibility") == "private"
            self.server.private.setdefault(name, bool(is_private))
            return self._respond(200, {"url": f"{self.server.url}/datasets/{name}"})
        parts = self.path.split("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4])
        if parts[4] == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._respond(200, {"files": files})
        if parts[4] == "commit":
            self._commit(name, body)
            url = f"{self.server.url}/datasets/{name}/commit/{'c' * 40}"
            return self._respond(200, {"success": True, "commitOid": "c" * 40, "commitUrl": url})
        return self._respond(404, {"error": "not here"})

    def _commit(self, name: str, body: bytes) -> None:
        for line in map(json.loads, body.decode().splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                self.server.repos[name][line["value"]["path"]] = content
            elif line["key"] == "deletedFile":
                del self.server.repos[name][line["value"]["path"]]

    def _log_call(self) -> None:
        self.server.calls.append((self.command, self.path))

    def _respond(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""


@contextmanager
def running() -> Iterator[Hub]:
    """Serve while the block runs."""
    hub = Hub()
    thread = Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
