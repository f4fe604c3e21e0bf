"""What a turn tells while its graph runs: events as they happen, and its state after every step."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tierwise.events import Event
from tierwise.graph.state import TurnState
from tierwise.graph.untraced import untraced


@dataclass(frozen=True, slots=True)
class Stands:
    """The turn as it stands after a step."""

    state: TurnState


Part = Event | Stands


class Parts:
    """Runs a graph in a task, and gives what it tells in order: an iterator that is entered first.

    The graph goes on to its next step only when everything was taken and more is asked for. Leaving ends it, and waits
    until it has ended.

    Args:
        stream: of the graph, in the modes ``custom`` and ``values``.
    """

    def __init__(self, stream: AsyncGenerator[Any, None]) -> None:
        self._stream = stream
        self._told: deque[Part] = deque()
        self._wanted = asyncio.Event()
        self._taker: asyncio.Future[None] | None = None
        self._work: asyncio.Task[None] | None = None

    def tell(self, part: Part) -> None:
        """Put something behind what was told before."""
        self._told.append(part)
        self._wake()

    async def __aenter__(self) -> Parts:
        self._work = asyncio.create_task(self._run())
        self._work.add_done_callback(lambda _: self._wake())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        work = self._work
        assert work is not None
        work.cancel()
        await asyncio.wait((work,))
        if not work.cancelled():
            work.exception()  # whoever left does not want to know

    def __aiter__(self) -> Parts:
        return self

    async def __anext__(self) -> Part:
        work = self._work
        assert work is not None
        while not self._told:
            if work.done():
                if work.cancelled():
                    raise asyncio.CancelledError
                if (error := work.exception()) is not None:
                    raise error
                raise StopAsyncIteration
            self._wanted.set()
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        return self._told.popleft()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    async def _run(self) -> None:
        with untraced():
            async with aclosing(self._stream) as stream:
                while True:
                    await self._wanted.wait()
                    self._wanted.clear()
                    part = await anext(stream, None)
                    if part is None:
                        return
                    data = part["data"]
                    self.tell(Stands(data) if part["type"] == "values" else data)
