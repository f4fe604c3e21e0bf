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
    """Beats in an event loop, and beside it in a thread: what keeps both from beating is the machine, not a tool.

    Attributes:
        longest: the longest pause since the last :meth:`reset`, in seconds.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.monotonic()  # beat of the loop
        self._beside: tuple[float, float] | None = None  # beat of the thread: when, and how long we had worked then
        self._lost = 0.0  # the longest time since the loop's last beat that the machine gave us nothing of
        self._lock = threading.Lock()

    async def beat(self) -> None:
        """Beat until cancelled."""
        over = threading.Event()
        self._beside = (time.monotonic(), time.process_time())
        self.reset()
        threading.Thread(target=self._beat_beside, args=(over,), name="pulse", daemon=True).start()
        try:
            while True:
                await asyncio.sleep(TICK)
                self.longest = max(self.longest, self.pause())
                self._beaten()
        finally:
            over.set()

    def pause(self) -> float:
        """For how long the loop has not beaten though it could have, in seconds."""
        with self._lock:
            return max(0.0, time.monotonic() - self._last - max(self._lost, self._losing()))

    def reset(self) -> None:
        """Forget the pauses there were; for the loop itself to call."""
        self.longest = 0.0
        self._beaten()

    def _beaten(self) -> None:
        with self._lock:
            self._last, self._lost = time.monotonic(), 0.0

    def _beat_beside(self, over: threading.Event) -> None:
        while not over.wait(TICK):
            with self._lock:
                self._lost = max(self._lost, self._losing())
                self._beside = (time.monotonic(), time.process_time())

    def _losing(self) -> float:
        """How late the thread is, less what this process worked meanwhile: a tool may keep every thread waiting."""
        if self._beside is None:
            return 0.0
        at, worked = self._beside
        return time.monotonic() - max(at, self._last) - TICK - (time.process_time() - worked)


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
