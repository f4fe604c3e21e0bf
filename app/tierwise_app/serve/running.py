"""The server in the air: listening, uvicorn as we want it, and ending in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from tierwise.errors import UsageError
from tierwise_app.serve.guard.connection import Connection
from tierwise_app.serve.parts import Parts

_KEPT_OPEN = 75  # seconds a connection may be idle: longer than clients keep theirs, so that they never meet
_MORE = 10  # seconds after the last turn has ended until connections that are still open are cut
_MOMENT = 2.0  # seconds to keep what turns have written, after a second Ctrl-C
_CTRL_C = 130
_BACKLOG = 2048  # connections that wait to be taken


def configured(app: FastAPI) -> uvicorn.Config:
    """Uvicorn's configuration: the same on every machine, whatever is installed or set beside it."""
    parts: Parts = app.state.parts
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        workers=1,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEPT_OPEN,
        timeout_graceful_shutdown=int(parts.settings.drain) + _MORE,
    )


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets at all addresses of a host.

    Args:
        host: an address or name.
        port: 0 takes a free one.

    Raises:
        UsageError: if it cannot be used, saying why.
    """
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        ):
            one = socket.socket(family, kind, protocol)
            found.append(one)
            if os.name == "posix":  # elsewhere it would let two servers have one port
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            here = (address[0], found[0].getsockname()[1] if port == 0 and len(found) > 1 else port)
            one.bind((*here, *address[2:]))
            one.listen(_BACKLOG)
            one.setblocking(False)
    except OSError as error:
        for one in found:
            one.close()
        which = f"Port {port} of {host}" if not isinstance(error, socket.gaierror) else f"The address {host!r}"
        fix = "Name another: tierwise serve --port PORT" if found else "Name another: tierwise serve --host ADDRESS"
        raise UsageError(f"{which} cannot be used: {error.strerror or error}.", fix=fix) from error
    return found


def run(app: FastAPI, sockets: list[socket.socket], ready: Callable[[], None]) -> bool:
    """Serve until SIGTERM or Ctrl-C; turns that run are let come to their end, for a while.

    Args:
        app: from :func:`~tierwise_app.serve.app.make_app`.
        sockets: from :func:`listen`.
        ready: is called once requests are taken.

    Returns:
        Whether it was Ctrl-C.
    """
    server = Server(configured(app), ready)
    asyncio.run(server.serve(sockets=sockets))
    return server.interrupted


class Server(uvicorn.Server):
    """Uvicorn's server, which ends turns before it ends.

    Attributes:
        interrupted: it was Ctrl-C that ended it.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self.interrupted = False
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hurries = False
        self._ending: asyncio.Future[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Begin to take requests."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: Any = None) -> None:
        """Take nothing more; turns come to their end or are stopped, and streams that tell of them end too."""
        parts: Parts = self.config.app.state.parts  # type: ignore[union-attr]
        draining = asyncio.create_task(parts.turns.drain(parts.settings.drain))
        await super().shutdown(sockets=sockets)
        await draining

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order at the first signal; a second Ctrl-C stops what is running and ends."""
        try:
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # signals come to the main thread only
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Take a signal."""
        if sig == signal.SIGINT:
            if self.interrupted:
                self._end_soon()
                return
            self.interrupted = True
            os.write(sys.stderr.fileno(), b"\nending: turns come to their end; Ctrl-C again ends at once\n")
        self.should_exit = True

    def _end_soon(self) -> None:
        """End now, but keep what turns have written, if that can be done in a moment."""
        if self._loop is None or self._hurries:
            os._exit(_CTRL_C)
        self._hurries = True
        latest = threading.Timer(_MOMENT, os._exit, (_CTRL_C,))
        latest.daemon = True
        latest.start()
        self._loop.call_soon_threadsafe(self._stop_turns)

    def _stop_turns(self) -> None:
        self._ending = asyncio.ensure_future(self._end_now())

    async def _end_now(self) -> None:
        parts: Parts = self.config.app.state.parts  # type: ignore[union-attr]
        await parts.turns.drain(0)
        os._exit(_CTRL_C)
