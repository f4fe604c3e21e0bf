"""The world outside, on loopback: a hosted tier and a proxy that count who comes, and a net around everything else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tierwise.testing import LoopbackServer, ScriptedModel, block_network
from tierwise.testing.network import Tried


class Listener:
    """Any other server: whatever comes is kept and answered with an empty JSON object."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                owner.asked.append(f"{self.command} {self.path}")
                owner.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_CONNECT = do_PATCH = do_HEAD = answer  # noqa: N815  the names that http.server calls

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@dataclass
class Outside:
    """What came out since it was entered.

    Attributes:
        hosted: a tier that is reached over HTTP and is not on the device.
        proxy: what the proxy variables point at.
        tried: connections and names beyond loopback; none is let through.
    """

    hosted: LoopbackServer
    proxy: Listener
    tried: Tried

    @property
    def contacts(self) -> int:
        """Connections of this process and its programs to the two, and requests that came to them."""
        ports = {one.rpartition(":")[2] for one in (self.hosted.url.removesuffix("/v1"), self.proxy.url)}
        made = sum(one.rpartition(":")[2] in ports for one in self.tried.loopback)
        return max(made, len(self.hosted.paths) + len(self.proxy.asked))

    @property
    def nothing_left(self) -> bool:
        """Whether nobody was reached, looked up, or tried."""
        return (self.contacts, list(self.tried)) == (0, [])

    @property
    def said(self) -> str:
        """Everything that reached anybody."""
        return json.dumps(self.hosted.requests) + b"".join(self.proxy.bodies).decode(errors="replace")


@contextmanager
def outside(hosted: LoopbackServer, proxy: Listener) -> Iterator[Outside]:
    """Watch what a test lets out; connections to this machine are let through, to be counted."""
    hosted.requests.clear()
    hosted.paths.clear()
    proxy.asked.clear()
    proxy.bodies.clear()
    with block_network(loopback=True) as tried:
        yield Outside(hosted, proxy, tried)


def big_model() -> LoopbackServer:
    """A hosted tier that always has an answer."""
    return LoopbackServer(ScriptedModel(["From outside."], name="big", repeat=True))
