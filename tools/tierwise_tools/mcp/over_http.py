"""A server that is reached by HTTP: no answer of it is endless, and none is decompressed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tierwise_tools.mcp.last_words import LastWords

LARGEST_ANSWER = 8_000_000
_CONNECT_S = 8.0
_QUIET_S = 300.0


@asynccontextmanager
async def http_transport(url: str, headers: Mapping[str, str], last_words: LastWords) -> AsyncIterator[tuple[Any, Any]]:
    """The two streams that the SDK's client wants, to a streamable HTTP server.

    Args:
        url: of the server.
        headers: sent with every request, and only to the origin of ``url``.
        last_words: told of refusals.
    """
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    class Limited(httpx2.AsyncByteStream):
        """A body that ends with an error when it is too long."""

        def __init__(self, body: Any) -> None:
            self._body = body

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._body:
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    last_words.ended(f"sent an answer of more than {LARGEST_ANSWER:,} bytes")
                    raise httpx2.ReadError("the answer is too large")
                yield chunk

        async def aclose(self) -> None:
            await self._body.aclose()

    async def check(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            last_words.ended("sent a compressed answer though none was asked for")
            raise httpx2.DecodingError("a compressed answer", request=response.request)
        if response.status_code in (401, 403, 407, 429) or response.status_code >= 500:
            last_words.ended(f"answered with HTTP status {response.status_code}")
        # a stream of events is bounded by event, and may go on for ever
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = Limited(response.stream)

    client = httpx2.AsyncClient(
        headers={**headers, "accept-encoding": "identity"},
        timeout=httpx2.Timeout(_CONNECT_S, read=_QUIET_S),
        event_hooks={"response": [check]},
    )
    async with client, streamable_http_client(url, http_client=client) as streams:
        yield streams
