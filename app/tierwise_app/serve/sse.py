"""Server-sent events: their text, and a stream that tells a client that it lives while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from starlette.responses import StreamingResponse
from starlette.types import Send

from tierwise_app.serve.leaving import ended

_ALIVE = 10.0  # seconds
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(data: str, *, name: str | None = None, id: str | None = None) -> str:
    """One event; ``data`` is JSON in one line, or ``[DONE]``."""
    lines = [f"id: {id}"] if id is not None else []
    lines += [f"event: {name}"] if name is not None else []
    return "\n".join([*lines, f"data: {data}", "", ""])


def comment(text: str) -> str:
    """A line that clients take no notice of."""
    return f": {text}\n\n"


def stream(parts: AsyncGenerator[str, None], headers: dict[str, str] | None = None) -> StreamingResponse:
    """A response of events; ``parts`` is closed when the client leaves, if it was begun.

    A turn that ``parts`` tells of has to be attended (:func:`~tierwise_app.serve.leaving.attend`) before this is made:
    a client may leave before the first part is asked for.
    """
    return _Events(_alive(parts), media_type="text/event-stream", headers=_HEADERS | (headers or {}))


class _Events(StreamingResponse):
    """Closes what it reads from, also when it is cancelled while it sends."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast("AsyncGenerator[str, None]", self.body_iterator)):
            await super().stream_response(send)


async def _alive(parts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async with aclosing(parts):
        while True:
            following = asyncio.ensure_future(cast(Any, anext(parts, None)))
            try:
                while not (await asyncio.wait({following}, timeout=_ALIVE))[0]:
                    yield comment("still at work")
                part = following.result()
            finally:
                await ended(following)
            if part is None:
                return
            yield part
