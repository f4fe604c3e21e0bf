"""HTTP by hand, for what no client sends."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def raw(url: str, request: bytes, *, seconds: float = 60, more: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Send bytes; returns status, headers by their lower name, and whatever body came until the end or the time."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=seconds) as line:
        line.sendall(request)
        if more:
            line.sendall(more)
        data = b""
        while True:
            try:
                piece = line.recv(65536)
            except (TimeoutError, ConnectionResetError):
                break
            if not piece:
                break
            data += piece
            head, end, body = data.partition(b"\r\n\r\n")
            length = [row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")]
            if end and length and len(body) >= int(length[0].split(b":")[1]):
                break
            if end and head.split(b" ", 2)[1] == b"204":  # it has no body, and need not say so
                break
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
    return int(first.split(" ")[1]) if first.count(" ") else 0, headers, body


def request(
    path: str = "/v1/none", *, method: str = "GET", host: str | None = None, body: bytes = b"", **headers: str
) -> bytes:
    """A request; ``headers`` by their names with ``_`` for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or '127.0.0.1'}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
