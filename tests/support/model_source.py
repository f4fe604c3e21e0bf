"""A real HTTP server on this machine that serves one model file, and misbehaves when told to."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], None]
PIECE = 64 * 1024


@dataclass
class Source:
    """What the server does.

    Attributes:
        content: the file.
        etag: its tag; ``None`` sends none.
        ranges: whether it understands ``Range``.
        faults: what happens at the first requests instead, one each.
        pace: seconds between pieces of 64 kB.
        length: whether it says how long the file is.
        asked: the ``Range`` header of each request, ``None`` without one.
        url: of the file.
    """

    content: bytes
    etag: str | None = '"one"'
    ranges: bool = True
    faults: list[Fault] = field(default_factory=list)
    pace: float = 0.0
    length: bool = True
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        source: Source = self.server.source
        source.asked.append(self.headers.get("Range"))
        self.close_connection = True
        if source.faults:
            source.faults.pop(0)(self)
        else:
            self.send_file()

    def send_file(self, *, upto: int | None = None, piece: Callable[[int], int] = lambda at: PIECE) -> None:
        """Send what was asked for, or break off before byte ``upto``; ``piece`` says how much at once from a byte."""
        source: Source = self.server.source
        total, start = len(source.content), self.start(source)
        self.send_response(206 if start is not None else 200)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if source.length:
            self.send_header("Content-Length", str(total - (start or 0)))
        if source.etag:
            self.send_header("ETag", source.etag)
        self.end_headers()
        at, end = start or 0, total if upto is None else min(upto, total)
        while at < end:
            until = min(at + piece(at), end)
            self.wfile.write(source.content[at:until])
            at = until
            if source.pace:
                time.sleep(source.pace)

    def start(self, source: Source) -> int | None:
        """The byte to begin with, if this is a request for a part that may be answered with one."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if not found or not source.ranges or self.headers.get("If-Range") not in (None, source.etag):
            return None
        return int(found[1])

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what these tests are about."""


@contextmanager
def serving(source: Source) -> Iterator[Source]:
    """Serve on a free port of the loopback address; fills in ``source.url``."""
    server: Any = _Server(("127.0.0.1", 0), Handler)
    server.source = source
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    source.url = f"http://127.0.0.1:{server.server_port}/files/model.gguf"
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def drop_at(byte: int) -> Fault:
    """Break off before this byte of the file."""
    return lambda handler: handler.send_file(upto=byte)


def crawl_at(byte: int, go_on: threading.Event) -> Fault:
    """Send the file so slowly from this byte on that it is not there for minutes, until ``go_on`` is set."""
    return lambda handler: handler.send_file(piece=lambda at: PIECE if at < byte or go_on.wait(0.5) else 4096)


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer with this status."""
    return lambda handler: handler.answer(code, body, **headers)
