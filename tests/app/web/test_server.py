"""The app's server as other programs of the machine, and pages of other hosts, meet it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psutil
import pytest
from benches.app_process import AppProcess


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The real app."""
    with AppProcess(tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest.fixture
def port(app: AppProcess) -> int:
    """Where it listens."""
    return app.port


def ask(port: int, host: str, path: str = "/", origin: str | None = None) -> str:
    """The answer to one request, its headers included; with an origin it asks for a websocket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    if origin is None:
        lines.append("Connection: close")
    else:
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Origin: {origin}"]
        lines.append("Sec-WebSocket-Key: dGllcndpc2UgdGVzdGluZw==")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(65536).decode(errors="replace")


def test_it_answers_here_with_headers_that_keep_a_page_from_calling_out(port: int) -> None:
    answer = ask(port, f"127.0.0.1:{port}")
    assert answer.startswith("HTTP/1.1 200")
    assert "connect-src 'self'" in answer
    assert "img-src 'self' data: blob:" in answer
    assert "referrer-policy: no-referrer" in answer


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.0.2.7"])
def test_a_foreign_name_that_leads_here_is_refused(port: int, host: str) -> None:
    assert ask(port, host).startswith("HTTP/1.1 400")
    assert ask(port, host, "/_stcore/stream", f"http://{host}").startswith("HTTP/1.1 400")


def test_a_foreign_page_gets_no_connection(port: int) -> None:
    here = f"127.0.0.1:{port}"
    assert ask(port, here, "/_stcore/stream", f"http://{here}").startswith("HTTP/1.1 101")
    assert ask(port, here, "/_stcore/stream", "http://evil.example").startswith("HTTP/1.1 403")


def test_it_listens_nowhere_else(app: AppProcess) -> None:
    listening = [c for c in psutil.Process(app.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {(c.laddr.ip, c.laddr.port) for c in listening} == {("127.0.0.1", app.port)}
