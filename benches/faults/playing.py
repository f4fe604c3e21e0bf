"""A server that plays what is written down, byte by byte: broken streams, slow ones, errors with headers of any kind.

A step is a list: ``[send, text]``, ``[send_b64, base64]``, ``[send_slow, text, seconds]`` (a byte), ``[repeat, text,
n]``, ``[sleep, s]``, ``[sleep_before_headers, s]``, ``[close]``, ``[close_mid_chunk]`` (hang up within a chunk) and
``[rst]`` (reset the connection). Steps that end without an end end the answer as it should be.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Step = Sequence[Any]


@dataclass(frozen=True)
class Play:
    """What one request gets."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})


def event(text: str = "", finish: str | None = None) -> str:
    """A piece of a chat completion, as it is on the wire."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]}
    return f"data: {json.dumps(data)}\n\n"


def answer(*texts: str) -> Play:
    """An answer without a fault."""
    return Play([["send", event(text)] for text in texts] + [["send", event(finish="stop") + "data: [DONE]\n\n"]])


@dataclass
class Request:
    """One request as it came, with when (``time.monotonic()``)."""

    body: dict[str, Any]
    raw: bytes
    at: float


class Player:
    """The server.

    Args:
        choose: what a request gets, by its number from 0 and what it is.
    """

    def __init__(self, choose: Callable[[int, Request], Play]) -> None:
        self._choose = choose
        self.requests: list[Request] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="player", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24), self._loop
        ).result()

    @property
    def url(self) -> str:
        """The base URL to configure."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def close(self) -> None:
        """Hang up on everybody."""

        async def end() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            raw = await reader.readexactly(int(head.partition("content-length:")[2].partition("\r")[0] or 0))
            request = Request(json.loads(raw or b"{}"), raw, time.monotonic())
            self.requests.append(request)
            await _Playing(self._choose(len(self.requests) - 1, request), reader, writer).run()
        writer.close()


class _Playing:
    def __init__(self, play: Play, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._play, self._reader, self._writer = play, reader, writer
        self._chunked = any(step[0] == "close_mid_chunk" for step in play.steps)

    async def run(self) -> None:
        """Play, until the client leaves."""
        gone = asyncio.create_task(self._reader.read(1))  # a client that waits for its answer says nothing more
        plays = asyncio.create_task(self._steps())
        try:
            await asyncio.wait({gone, plays}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, plays):
                task.cancel()
            await asyncio.gather(gone, plays, return_exceptions=True)

    async def _steps(self) -> None:
        steps = list(self._play.steps)
        await asyncio.sleep(sum(step[1] for step in steps if step[0] == "sleep_before_headers"))
        lines = [f"HTTP/1.1 {self._play.status} X", *(f"{k}: {v}" for k, v in self._play.headers.items())]
        lines.append("transfer-encoding: chunked" if self._chunked else "connection: close")
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()
        for step in steps:
            if await self._step(*step):
                return
        if self._chunked:
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _step(self, what: str, *args: Any) -> bool:
        """Whether the connection is over."""
        match what:
            case "send":
                await self._send(args[0].encode("utf-8", "surrogatepass"))
            case "send_b64":
                await self._send(base64.b64decode(args[0]))
            case "send_slow":
                for byte in args[0].encode():
                    await self._send(bytes([byte]))
                    await asyncio.sleep(args[1])
            case "repeat":
                for _ in range(args[1]):
                    await self._send(args[0].encode())
            case "sleep_before_headers":
                pass
            case "sleep":
                await asyncio.sleep(args[0])
            case "close_mid_chunk":
                self._writer.write(b"ff\r\ncut")
                await self._writer.drain()
                return True
            case "rst":
                await asyncio.sleep(0.05)  # what was sent is read first: a reset throws away what was not
                linger = struct.pack("ii", 1, 0)
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._writer.transport.abort()
                return True
            case "close":
                return True
            case _:
                raise ValueError(f"no such step: {what}")
        return False

    async def _send(self, data: bytes) -> None:
        if data:
            self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n" if self._chunked else data)
            await self._writer.drain()


@contextmanager
def playing(choose: Callable[[int, Request], Play] | Play) -> Iterator[Player]:
    """A server for as long as the block; one play is for every request."""
    player = Player(choose if callable(choose) else lambda _number, _request: choose)
    try:
        yield player
    finally:
        player.close()
