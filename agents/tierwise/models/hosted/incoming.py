"""What a server streams, as JSON values. We read it ourselves: the client's own reader takes as long as all else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import httpx2

from tierwise.models.hosted.client import MAX_REPLY, Clock
from tierwise.models.hosted.sse import EventDecoder, ServerEvent

if TYPE_CHECKING:
    import openai

_DRAINING = 0.1  # seconds for what comes behind the end; a connection that has more to say is closed
_READING = (httpx2.HTTPError, OSError, ValueError)  # what goes wrong there concerns nobody


class Incoming:
    """The events of one streamed answer.

    Args:
        response: whose body has not been read.
        clock: bounds each wait for more of it.
    """

    def __init__(self, response: httpx2.Response, clock: Clock) -> None:
        self._response, self._clock = response, clock
        self._decoder = EventDecoder(MAX_REPLY)
        self._done = False

    async def reads(self) -> AsyncGenerator[Iterator[Any], None]:
        """Yield, for each read that completes an event, the values of all that it completes: to be used up in turn.

        Ends with the ``[DONE]`` of the protocol, or with the body. The connection is free for the next request if it
        was read to its end, and closed if not.

        Raises:
            ModelTimeout: if a limit passes.
            httpx2.HTTPError: if the connection breaks.
            ValueError: if it is no JSON in UTF-8, or longer than an answer may be.
            openai.APIError: if an event reports a failure.
        """
        # Whatever its encoding, a body goes through as it comes.
        async with aclosing(self._response.aiter_bytes()) as parts:
            while not self._done:
                part = await self._clock.wait(anext(parts, None))
                if part is None:
                    return
                if events := self._decoder.feed(part):
                    yield self._values(events)
            with suppress(TimeoutError, *_READING):
                async with asyncio.timeout(_DRAINING):
                    async for _ in parts:
                        pass

    def _values(self, events: list[ServerEvent]) -> Iterator[Any]:
        for name, data in events:
            if data.startswith(b"[DONE]"):
                self._done = True
                return
            value = json.loads(data.decode())
            if isinstance(value, dict) and (value.get("error") or name == b"error"):
                raise self._failure(value.get("error") or value)
            yield value

    def _failure(self, body: Any) -> openai.APIError:
        """What the server reports in the middle of a stream, as the client's own error for it."""
        import openai

        said = body.get("message") if isinstance(body, dict) else body
        message = said if isinstance(said, str) and said else "it failed"
        return openai.APIError(message, self._response.request, body=body)
