"""A client that costs little: HTTP/1.1 over bare sockets, so that many of them do not take the server's processors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ServerEvent:
    """One server-sent event; ``name`` is ``:`` for a comment, whose text is ``data`` then."""

    name: str
    data: str
    id: str | None = None

    @property
    def json(self) -> Any:
        """The data as a value."""
        return json.loads(self.data)


class Reply:
    """A response as it comes in.

    Attributes:
        status: of HTTP.
        headers: by their names in small letters.
    """

    def __init__(self, status: int, headers: dict[str, str], reader: asyncio.StreamReader) -> None:
        self.status, self.headers, self._reader = status, headers, reader

    async def body(self) -> bytes:
        """All of it."""
        return b"".join([part async for part in self.parts()])

    async def json(self) -> Any:
        """All of it as a value."""
        return json.loads(await self.body())

    async def parts(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they come.

        Raises:
            ConnectionError: if the server hangs up in the middle.
        """
        try:
            if self.headers.get("transfer-encoding") == "chunked":
                while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    yield (await self._reader.readexactly(size + 2))[:-2]
            elif "content-length" in self.headers:
                yield await self._reader.readexactly(int(self.headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server hung up in the middle") from error

    async def events(self) -> AsyncIterator[ServerEvent]:
        """Server-sent events."""
        left = b""
        async for part in self.parts():
            *whole, left = (left + part).split(b"\n\n")
            for block in whole:
                yield _event(block.decode())


def _event(block: str) -> ServerEvent:
    fields: dict[str, str] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        fields[name or ":"] = value.removeprefix(" ")
    if "data" not in fields:
        return ServerEvent(":", fields.get(":", ""))
    return ServerEvent(fields.get("event", "message"), fields["data"], fields.get("id"))


@asynccontextmanager
async def sending(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request on a connection of its own; whoever leaves the block hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = {"Host": f"127.0.0.1:{port}", "Connection": "close", **(headers or {})}
        if body is not None:
            lines |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + data)
        await writer.drain()
        yield reader
    finally:
        writer.transport.abort()  # at once, whatever is still to be read


async def answering(reader: asyncio.StreamReader) -> Reply:
    """Wait for the head of a response.

    Raises:
        ConnectionError: if there is none.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the server hung up without an answer") from error
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    return Reply(int(head[0].split(" ")[1]), headers, reader)


@asynccontextmanager
async def asking(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> AsyncIterator[Reply]:
    """Send a request, and have its response."""
    async with sending(port, method, path, body, headers) as reader:
        yield await answering(reader)
