"""A server for tests that plays what it is told, one handler a request, and remembers what came in."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Play = Callable[["Handler"], None]


@dataclass
class Server:
    """Plays one handler after the other, the last one again and again, and remembers what came in."""

    plays: list[Play] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Server

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_POST(self) -> None:
        owner = self.owner
        owner.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        owner.paths.append(self.path)
        owner.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.close_connection = True
        (owner.plays.pop(0) if len(owner.plays) > 1 else owner.plays[0])(self)

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def write(self, data: str | bytes) -> bool:
        try:
            self.wfile.write(data.encode() if isinstance(data, str) else data)
            self.wfile.flush()
        except OSError:
            self.owner.hung_up.set()
            return False
        return True


@contextmanager
def serving() -> Iterator[Server]:
    """A running server on loopback."""
    owner = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"owner": owner}))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    owner.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield owner
    finally:
        owner.release.set()
        http.shutdown()
        http.server_close()
        thread.join()


def stream(*pieces: str | bytes) -> Play:
    """A stream of events."""

    def play(handler: Handler) -> None:
        handler.begin()
        for item in pieces:
            handler.write(item)

    return play


def reply(status: int, body: Any = "", kind: str = "application/json", **headers: str) -> Play:
    """A whole body."""

    def play(handler: Handler) -> None:
        handler.begin(status, kind, **headers)
        handler.write(body if isinstance(body, str) else json.dumps(body))

    return play


def problem(
    message: str, code: str | None = None, param: str | None = None, kind: str = "invalid_request_error"
) -> Any:
    """The body of an error."""
    return {"error": {"message": message, "type": kind, "code": code, "param": param}}


def waiting(*pieces: str, ping: bool = False) -> Play:
    """Some pieces, then nothing until the server is released."""

    def play(handler: Handler) -> None:
        handler.begin()
        for item in pieces:
            handler.write(item)
        while not handler.owner.release.wait(0.05):
            if ping and not handler.write(": ping\n\n"):
                return

    return play


def silent(handler: Handler) -> None:
    """Not even headers."""
    handler.owner.release.wait(20)
