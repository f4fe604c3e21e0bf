"""A hosted tier in a process of its own, which streams slowly, fails as often as it is told, and notes who hung up.

It speaks as much of Chat Completions as a stream needs. A process of its own, so that what the measured program holds
(memory, threads, sockets) is its own alone; ``time.monotonic()`` is one clock for both on Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

FAULTS = ("error", "broken", "limited", "silent")


@dataclass
class Call:
    """One request as the server saw it.

    Attributes:
        asked: the last message of its prompt.
        begun: when it came (``time.monotonic()``).
        words: how many were sent.
        fault: what was played in place of an answer, if anything was.
        left: when its client hung up, ``None`` if it stayed to the end.
        over: nothing more will be sent.
    """

    asked: str
    begun: float
    words: int = 0
    fault: str | None = None
    left: float | None = None
    over: bool = False


class Server:
    """Answers every question with ``words`` words.

    Args:
        words: of an answer.
        delay: seconds between two words.
        faults: share of the requests that are answered with a fault.
        seed: of the choice among them.
    """

    def __init__(self, words: int, delay: float, faults: float, seed: int) -> None:
        self._words, self._delay, self._share = words, delay, faults
        self._random = random.Random(seed)
        self.calls: list[Call] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, whose requests come one after the other."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                size = int(head.partition("content-length:")[2].partition("\r")[0] or 0)
                body = await reader.readexactly(size)
                if head.startswith("get "):
                    told = json.dumps([asdict(call) for call in self.calls]).encode()
                    self.calls = [call for call in self.calls if not call.over]
                    writer.write(_head(200, "application/json", len(told)) + told)
                elif not await self._answer(json.loads(body), reader, writer):
                    break
        writer.close()

    async def _answer(self, asked: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        call = Call(str(asked["messages"][-1]["content"]), time.monotonic())
        if self._random.random() < self._share:
            call.fault = self._random.choice(FAULTS)
        self.calls.append(call)
        stays = asyncio.create_task(self._until_it_leaves(call, reader))
        says = asyncio.create_task(self._say(call, writer))
        await asyncio.wait({stays, says}, return_when=asyncio.FIRST_COMPLETED)
        kept = says.done() and not says.cancelled() and says.exception() is None and says.result()
        for task in (stays, says):
            task.cancel()
        await asyncio.gather(stays, says, return_exceptions=True)
        call.over = True
        return bool(kept) and call.left is None

    async def _until_it_leaves(self, call: Call, reader: asyncio.StreamReader) -> None:
        # A client that waits for its answer says nothing more, so whatever comes is the end.
        with suppress(ConnectionError):
            await reader.read(1)
        call.left = time.monotonic()

    async def _say(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        if call.fault in ("error", "limited"):
            status, more = (503, "") if call.fault == "error" else (429, "Retry-After: 0\r\n")
            body = b'{"error": {"message": "not now", "type": "server_error"}}'
            writer.write(_head(status, "application/json", len(body), more) + body)
            await writer.drain()
            return True
        if call.fault == "silent":
            await asyncio.sleep(600)
        writer.write(_head(200, "text/event-stream", None))
        breaks_at = self._random.randrange(self._words) if call.fault == "broken" else None
        for n in range(self._words):
            if n == breaks_at:
                writer.transport.abort()
                return False
            _event(writer, {"delta": {"content": f"word{n} "}, "index": 0, "finish_reason": None})
            await writer.drain()
            call.words += 1
            if self._delay:
                await asyncio.sleep(self._delay)
        _event(writer, {"delta": {}, "index": 0, "finish_reason": "stop"})
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


def _head(status: int, kind: str, size: int | None, more: str = "") -> bytes:
    length = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{more}{length}\r\n\r\n".encode()


def _event(writer: asyncio.StreamWriter, choice: dict[str, Any]) -> None:
    data = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    _chunk(writer, f"data: {json.dumps(data)}\n\n".encode())


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


class Hosted:
    """The server as its user sees it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._known: dict[tuple[str, float], Call] = {}

    def calls(self) -> list[Call]:
        """All requests until now."""
        with self._open.open(self.url, timeout=30) as reply:  # what is over it tells once
            for call in (Call(**one) for one in json.load(reply)):
                self._known[call.asked, call.begun] = call
        return list(self._known.values())


@contextmanager
def hosted(*, words: int = 20, delay: float = 0.0, faults: float = 0.0, seed: int = 1) -> Iterator[Hosted]:
    """A server that runs as long as the block."""
    options = [f"--words={words}", f"--delay={delay}", f"--faults={faults}", f"--seed={seed}"]
    with subprocess.Popen(
        [sys.executable, "-P", __file__, *options], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield Hosted(int(process.stdout.readline()))
        finally:
            process.kill()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True)
    parser.add_argument("--faults", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    server = Server(args.words, args.delay, args.faults, args.seed)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 24)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with the program that started it, however that ends


if __name__ == "__main__":
    asyncio.run(_main())
