"""One event loop in a thread, for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from tierwise.errors import UsageError

T = TypeVar("T")
_CLEAN_UP = 5.0  # seconds that cancelled work gets to put things in order
_LOOK = 0.01


class BackgroundLoop:
    """Runs coroutines and async iterators for synchronous code."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing: set[asyncio.Task[None]] = set()
        self._begun: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="tierwise")
        self._thread.start()

    def is_own_thread(self) -> bool:
        """Whether the caller runs on the loop itself."""
        return threading.current_thread() is self._thread

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; an interrupt of the waiting thread cancels it and waits for its clean-up.

        Raises:
            UsageError: if the loop has been closed, or would wait for itself.
        """
        if self.is_own_thread():
            work.close()
            raise UsageError(
                "A Copilot was used from within its own work, which would wait for itself.",
                fix="Use it in a thread (asyncio.to_thread), or make an AsyncCopilot.",
            )
        if self._loop.is_closed():
            work.close()
            raise UsageError("The copilot is closed.", fix="Make a new one.")
        doing = _Doing(work)
        try:
            self._loop.call_soon_threadsafe(doing.begin)
            return doing.result.result()
        except BaseException:
            if not doing.over.is_set():
                self._loop.call_soon_threadsafe(doing.cancel)
                doing.over.wait(_CLEAN_UP)
            raise

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Let a coroutine run; cancelling the future cancels it.

        Raises:
            UsageError: if the loop has been closed.
        """
        if self._loop.is_closed():
            work.close()
            raise UsageError("The copilot is closed.", fix="Make a new one.")
        return asyncio.run_coroutine_threadsafe(self._noted(work), self._loop)

    def end_begun(self) -> None:
        """Cancel what :meth:`begin` began, and let it put things in order."""
        if not (self._loop.is_closed() or self.is_own_thread()):
            self.run(self._end_begun())

    async def _end_begun(self) -> None:
        begun = [*self._begun]
        for task in begun:
            task.cancel()
        if begun:
            await asyncio.wait(begun, timeout=_CLEAN_UP)

    async def _noted(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._begun.add(task)
        try:
            return await work
        finally:
            self._begun.discard(task)

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """Iterate over an async iterator; closing the generator, or an interrupt, closes the iterator."""
        try:
            while True:
                try:
                    yield self.run(_next(items))
                except StopAsyncIteration:
                    return
        finally:
            if self.is_own_thread():  # dropped here by the garbage collector, which must not wait
                task = self._loop.create_task(_close(items))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
            elif not self._loop.is_closed():
                self.run(_close(items))

    def close(self) -> None:
        """Stop the loop and end its thread; safe to call twice."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class _Doing(Generic[T]):
    """A coroutine that another thread waits for, and can cancel from the very moment in which it is handed over."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.result: Future[T] = Future()
        self.over = threading.Event()
        self._work = work
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Begin it; in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._work)
        self._task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Cancel it; in the loop."""
        if self._task is not None:
            self._task.cancel()
        else:  # it was interrupted before it was handed over
            self._work.close()
            self.over.set()

    def _ended(self, task: asyncio.Task[T]) -> None:
        self.over.set()
        if task.cancelled():
            self.result.cancel()
        elif (error := task.exception()) is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(task.result())


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def _close(items: Any) -> None:
    """Close an async iterator, also if nobody waited for what was cancelled in it: once it is not at work."""
    for _ in range(int(_CLEAN_UP / _LOOK)):
        if not getattr(items, "ag_running", False):
            await items.aclose()
            return
        await asyncio.sleep(_LOOK)
