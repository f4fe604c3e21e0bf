"""A connection: it does not stay open for a client that begins a request and does not end it."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tierwise_app.serve.problems import Problem

_SECONDS = 20.0  # for the head of a request, or for what is left of one that was refused


class Connection(H11Protocol):
    """Uvicorn's connection, with a time limit while no request is worked on, and our words for what is not HTTP."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client came: it has a while to ask something."""
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came. More of the same does not buy more time."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end()
        elif self._limit is None:
            self._begin()

    def on_response_complete(self) -> None:
        """A request was answered; what is left of it may still come for a while."""
        self._end()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._begin()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        body = json.dumps(Problem(400, "invalid_request", "That is not HTTP as it should be.").body).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", f"req-{secrets.token_hex(8)}".encode()),
            (b"connection", b"close"),
        ]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # else a response is under way already
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _begin(self) -> None:
        self._limit = self.loop.call_later(_SECONDS, self.transport.close)

    def _end(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
