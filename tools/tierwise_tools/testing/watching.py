"""Sees what a call does to everybody else: when its function runs, and whether the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from tierwise_tools.definition import Tool

TICK = 0.02


class Pulse:
    """Beats in an event loop.

    Attributes:
        last: time of the last beat, monotonic.
        longest: the longest pause since the last :meth:`reset`, in seconds.
    """

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.longest = 0.0

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.longest, self.last = max(self.longest, now - self.last), now

    def reset(self) -> None:
        """Forget the pauses there were."""
        self.longest = 0.0


class Watch:
    """Over the function of a tool, wherever it runs.

    Attributes:
        begun: set when it begins.
        ended: set when it has ended, which for a function in a thread may be long after the call.
        gave: what it returned.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.gave: Any = None

    def over(self, tool: Tool[..., Any]) -> Tool[..., Any]:
        """The same tool, watched; its function stays of the same kind."""
        function = tool.function

        async def steps(**values: Any) -> AsyncIterator[Any]:
            with self._running():
                async with aclosing(function(**values)) as inner:
                    async for self.gave in inner:
                        yield self.gave

        async def coroutine(**values: Any) -> Any:
            with self._running():
                self.gave = await function(**values)
                return self.gave

        def generator(**values: Any) -> Generator[Any, None, Any]:
            with self._running():
                gave = self.gave = yield from function(**values)
                return gave

        def plain(**values: Any) -> Any:
            with self._running():
                self.gave = function(**values)
                return self.gave

        if inspect.isasyncgenfunction(function):
            return tool.but(function=steps)
        if inspect.iscoroutinefunction(function):
            return tool.but(function=coroutine)
        return tool.but(function=generator if inspect.isgeneratorfunction(function) else plain)

    async def has_ended(self, seconds: float) -> bool:
        """Whether the function ends within a time."""
        return await asyncio.to_thread(self.ended.wait, seconds)

    @contextmanager
    def _running(self) -> Iterator[None]:
        self.begun.set()
        try:
            yield
        finally:
            self.ended.set()
