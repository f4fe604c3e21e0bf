"""A hosted tier in a process of its own: slow by the clock, it says who asked it when, and who left it when.

It streams Chat Completions. A question has a mark (``#t17``), and its answer is made of words of that mark, so that
texts of two turns can be told apart. A mark that begins with ``short`` gets few words, at once. ``time.monotonic()`` is
one clock for all processes of a Linux machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

_MARK = re.compile(r"#([a-z0-9]+)")
_FEW = 5


@dataclass
class Call:
    """One request as the tier saw it; times are those of ``time.monotonic()``.

    Attributes:
        mark: of the question, ``?`` if it has none.
        begun: when it came.
        asked: how many messages of the user were in it.
        words: how many were sent.
        ended: when the last word was sent; ``None`` if it never was.
        left: when its client hung up before that.
    """

    mark: str
    begun: float
    asked: int = 1
    words: int = 0
    ended: float | None = None
    left: float | None = None

    @property
    def seconds(self) -> float:
        """That it took; 0 if it never ended."""
        return 0.0 if self.ended is None else self.ended - self.begun


def words_of(mark: str, words: int) -> list[str]:
    """The words of the answer to a question."""
    return [f"{mark}.{n}" for n in range(_FEW if mark.startswith("short") else words)]


class _Tier:
    def __init__(self, words: int, seconds: float, first: float) -> None:
        self._words, self._seconds, self._first = words, seconds, first
        self.calls: list[Call] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, whose requests come one after the other."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                size = int(head.partition("content-length:")[2].partition("\r")[0] or 0)
                body = await reader.readexactly(size)
                if head.startswith("get "):
                    mark = head.split(" ")[1].rpartition("/")[2]
                    asked = self.calls if mark == "v1" else [call for call in self.calls if call.mark == mark]
                    told = json.dumps([asdict(call) for call in asked]).encode()
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        + f"Content-Length: {len(told)}\r\n\r\n".encode()
                        + told
                    )
                elif not await self._answer(json.loads(body), reader, writer):
                    break
        writer.close()

    async def _answer(self, asked: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        said = [m["content"] for m in asked["messages"] if m["role"] == "user" and isinstance(m["content"], str)]
        call = Call((_MARK.findall(said[-1]) or ["?"])[-1], time.monotonic(), len(said))
        self.calls.append(call)
        # A client that waits for its answer says nothing more, so whatever comes is the end.
        stays = asyncio.create_task(reader.read(1))
        says = asyncio.create_task(self._say(call, writer))
        await asyncio.wait({stays, says}, return_when=asyncio.FIRST_COMPLETED)
        if call.ended is None:
            call.left = time.monotonic()
        for task in (stays, says):
            task.cancel()
        await asyncio.gather(stays, says, return_exceptions=True)
        return call.left is None

    async def _say(self, call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        words = words_of(call.mark, self._words)
        pause = (self._seconds - self._first) / max(1, self._words - 1)
        for n, word in enumerate(words):
            if len(words) > _FEW:  # by the clock, so that what is late once is not late for ever
                await asyncio.sleep(call.begun + self._first + n * pause - time.monotonic())
            _event(writer, {"delta": {"content": word if n == 0 else f" {word}"}, "index": 0, "finish_reason": None})
            await writer.drain()
            call.words += 1
        _event(writer, {"delta": {}, "index": 0, "finish_reason": "stop"})
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        call.ended = time.monotonic()
        await writer.drain()


def _event(writer: asyncio.StreamWriter, choice: dict[str, Any]) -> None:
    data = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "slow-1", "choices": [choice]}
    _chunk(writer, f"data: {json.dumps(data)}\n\n".encode())


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


class SlowTier:
    """The tier as its user sees it.

    Attributes:
        url: its base URL.
        words: of an answer.
    """

    def __init__(self, port: int, words: int) -> None:
        self.url, self.words = f"http://127.0.0.1:{port}/v1", words
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def entry(self) -> str:
        """Its section of a configuration file."""
        return f'[[tiers]]\nname = "deep"\nmodel = "openai:slow"\nbase_url = "{self.url}"\napi = "chat"\n'

    def answer(self, mark: str) -> str:
        """What it says to the question with a mark."""
        return " ".join(words_of(mark, self.words))

    def calls(self, mark: str = "") -> list[Call]:
        """All requests until now, or those of one question."""
        with self._open.open(f"{self.url}/{mark}" if mark else self.url, timeout=30) as reply:
            return [Call(**one) for one in json.load(reply)]


@contextmanager
def slow_tier(*, seconds: float = 2.0, first: float = 0.2, words: int = 40) -> Iterator[SlowTier]:
    """A tier that runs as long as the block.

    Args:
        seconds: from the question to the last word.
        first: from the question to the first word, in seconds.
        words: of an answer.
    """
    options = [f"--words={words}", f"--seconds={seconds}", f"--first={first}"]
    with subprocess.Popen(
        [sys.executable, "-P", __file__, *options], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield SlowTier(int(process.stdout.readline()), words)
        finally:
            process.kill()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--first", type=float, required=True)
    args = parser.parse_args()
    tier = _Tier(args.words, args.seconds, args.first)
    listening = await asyncio.start_server(tier.serve, "127.0.0.1", 0, limit=1 << 24, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with the program that started it, however that ends


if __name__ == "__main__":
    asyncio.run(_main())
