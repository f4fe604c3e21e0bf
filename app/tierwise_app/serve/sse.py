"""Server-sent events: their text, and a stream that tells a client that it lives while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from starlette.responses import StreamingResponse
from starlette.types import Send

_ALIVE = 10.0  # seconds
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(data: str, *, name: str | None = None, id: str | None = None) -> str:
    """One event; ``data`` is JSON in one line, or ``[DONE]``."""
    place = "" if id is None else f"id: {id}\n"
    return f"{place}data: {data}\n\n" if name is None else f"{place}event: {name}\ndata: {data}\n\n"


def comment(text: str) -> str:
    """A line that clients take no notice of."""
    return f": {text}\n\n"


def stream(parts: AsyncGenerator[str, None], headers: dict[str, str] | None = None) -> StreamingResponse:
    """A response of events; ``parts`` is closed when the client leaves, if it was begun.

    A turn that ``parts`` tells of has to be attended (:func:`~tierwise_app.serve.leaving.attend`) before this is made:
    a client may leave before the first part is asked for.
    """
    return _Events(parts, media_type="text/event-stream", headers=_HEADERS | (headers or {}))


class _Events(StreamingResponse):
    """Sends whole events, and a comment where there was nothing to send for a while.

    It closes what it reads from, also when it is cancelled while it sends.
    """

    async def stream_response(self, send: Send) -> None:
        parts = cast("AsyncGenerator[str, None]", self.body_iterator)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(parts):
            alive = _Alive(send)
            try:
                async for part in parts:
                    await _write(send, part)
                    alive.sent()
            finally:
                alive.end()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Alive:
    """One timer for a stream; it is not set anew with each part, but looks when the last one was sent.

    A comment is sent by a task of its own. It cannot fall into the middle of a part: what is given to ``send`` is
    written in one piece, before or after it. Nor can it come after the end: a task that is cancelled before it has
    written does not write any more.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._loop = send, asyncio.get_running_loop()
        self._latest = self._loop.time()
        self._timer = self._loop.call_at(self._latest + _ALIVE, self._look)
        self._telling: asyncio.Task[None] | None = None

    def sent(self) -> None:
        """A part was sent."""
        self._latest = self._loop.time()

    def end(self) -> None:
        """Nothing more is told."""
        self._timer.cancel()
        if self._telling is not None:
            self._telling.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._latest + _ALIVE:
            self._latest = now
            if self._telling is None or self._telling.done():  # else the client does not read
                self._telling = self._loop.create_task(_write(self._send, comment("still at work")))
        self._timer = self._loop.call_at(self._latest + _ALIVE, self._look)


async def _write(send: Send, part: str) -> None:
    await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
